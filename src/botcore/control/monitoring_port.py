"""What the handlers of monitoring need: figures as they are now, and alerts."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from botcore.control.history_port import Span
from botcore.control.schema.monitoring import ComponentFigures, MonitoredAlert


class Place(NamedTuple):
    """Where an alert stands among its source's: later ones are larger.

    Attributes:
        ts: when it began, nanoseconds.
        number: tells those of one instant apart.
    """

    ts: int
    number: int


class Placed(NamedTuple):
    """An alert and where it stands."""

    place: Place
    alert: MonitoredAlert


class Monitoring(Protocol):
    """The platform's own figures and alerts; in memory, asked on the event loop."""

    def now(self) -> Sequence[ComponentFigures]:
        """Return every component's figures as they are now."""
        ...

    def alerts(self) -> Sequence[Placed]:
        """Return the alerts that are remembered, newest first."""
        ...


class RiskAlerts(Protocol):
    """The engine's alerts as they were stored; every call blocks."""

    def alerts(
        self, span: Span, *, name: str, before: Place | None, limit: int
    ) -> Sequence[Placed]:
        """Return alerts, newest first.

        Args:
            span: only those that began within.
            name: only this code; empty is all.
            before: only those that stand before this.
            limit: how many at most.

        Raises:
            StorageError: they cannot be read.
        """
        ...
