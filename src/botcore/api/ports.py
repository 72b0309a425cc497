"""What the API needs of others; `app` hands it in."""

from typing import Protocol

from botcore.control.views import PlatformView


class MetricsPage(Protocol):
    """Where figures for Prometheus are kept; `observability` implements it."""

    @property
    def content_type(self) -> str:
        """The media type of `scrape`."""
        ...

    def scrape(self, view: PlatformView | None, view_age_s: float) -> bytes:
        """Return all metrics in Prometheus' text format.

        Args:
            view: the newest document, or None before the first.
            view_age_s: how long ago it arrived, seconds.
        """
        ...

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count one answer. `route` is a template, never a path that a stranger chose."""
        ...
