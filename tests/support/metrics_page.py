"""Metrics that only remember what they were told."""

from __future__ import annotations

from botcore.control.views import PlatformView


class RecordingMetrics:
    def __init__(self) -> None:
        self.answers: list[tuple[str, str, int]] = []
        self.seconds: list[float] = []
        self.seen: list[tuple[PlatformView | None, float]] = []

    @property
    def content_type(self) -> str:
        return "text/plain; version=0.0.4"

    def scrape(self, view: PlatformView | None, view_age_s: float) -> bytes:
        self.seen.append((view, view_age_s))
        return b"botcore_up 1\n"

    def began(self) -> None:
        """Nothing: what counts here is what was answered."""

    def answered(self, *, route: str, method: str, status: int, seconds: float) -> None:
        self.answers.append((route, method, status))
        self.seconds.append(seconds)
