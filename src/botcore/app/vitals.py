"""What this process knows of itself: for health (`control.handlers.health.Vitals`)."""

import statistics
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from botcore.control.access import Actor
from botcore.control.schema.health import Component, HealthStatus
from botcore.domain.ids import MINUTE_NS
from botcore.kernel.clock import Clock

_ANSWERS_KEPT: Final = 500
_SEEN_NS: Final = 5 * MINUTE_NS
_SEEN_MAX: Final = 10_000


class ProcessVitals:
    """Counts answers and who asked; knows what its parts say.

    Args:
        version: of the platform.
        region: where it runs, as its settings say; None where they say nothing.
        clock: dates what is seen.
        limits: of the API, name → value in words.
        pools: connection pools, name → size and use in words.
    """

    def __init__(
        self,
        *,
        version: str,
        region: str | None,
        clock: Clock,
        limits: Callable[[], Mapping[str, str]],
        pools: Callable[[], Mapping[str, str]],
    ) -> None:
        self._version = version
        self._region = region
        self._clock = clock
        self._limits = limits
        self._pools = pools
        self._seconds: deque[float] = deque(maxlen=_ANSWERS_KEPT)
        self._seen: dict[str, int] = {}
        self._parts: dict[str, Callable[[], tuple[HealthStatus, str]]] = {}

    def add(self, name: str, look: Callable[[], tuple[HealthStatus, str]]) -> None:
        """Ask a part how it is from now on; `look` returns its status and a detail."""
        self._parts[name] = look

    def answered(self, actor: Actor, seconds: float) -> None:
        """Take one answer: who asked, and how long it took."""
        self._seconds.append(seconds)
        if actor.user:
            now = self._clock.monotonic_ns()
            self._seen[actor.user] = now
            if len(self._seen) > _SEEN_MAX:
                self._forget(now)

    def components(self) -> Sequence[Component]:
        """Return how the parts are."""
        return [
            Component(name=name, status=status, detail=detail)
            for name, (status, detail) in ((name, look()) for name, look in self._parts.items())
        ]

    def version(self) -> str:
        """Return the platform's version."""
        return self._version

    def region(self) -> str | None:
        """Return where it runs; None where no setting says it."""
        return self._region

    def response_time_ms(self) -> float | None:
        """Return the median of the last answers."""
        return statistics.median(self._seconds) * 1_000 if self._seconds else None

    def active_users(self) -> int:
        """Return how many users were seen within five minutes."""
        self._forget(self._clock.monotonic_ns())
        return len(self._seen)

    def pools(self) -> Mapping[str, str]:
        """Return the pools."""
        return self._pools()

    def limits(self) -> Mapping[str, str]:
        """Return the limits of the API."""
        return self._limits()

    def _forget(self, now: int) -> None:
        self._seen = {user: at for user, at in self._seen.items() if now - at < _SEEN_NS}
