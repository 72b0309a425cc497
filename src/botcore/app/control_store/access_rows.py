"""Calls as rows of the access log."""

from typing import Final

from botcore.control.access import Actor
from botcore.control.operations import Operation
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock
from botcore.storage.control import Access, AccessLog

_ROOT: Final = "/api/v1"


class SqlAccessRows:
    """Keeps the contract of the API's `AccessRows`; never waits and never raises.

    Args:
        log: takes the rows.
        clock: dates them.
    """

    def __init__(self, log: AccessLog, *, clock: Clock) -> None:
        self._log = log
        self._clock = clock

    def accessed(
        self,
        actor: Actor,
        operation: Operation,
        *,
        status: int,
        correlation: str,
        seconds: float,
        size: int,
    ) -> None:
        """Take one call down.

        Args:
            actor: who called.
            operation: what.
            status: of the answer.
            correlation: id of the call.
            seconds: how long it took.
            size: bytes of the answer's body as it went over the wire.
        """
        self.shown(
            actor,
            method=operation.method,
            route=f"{_ROOT}/{operation.path.strip('/')}",
            status=status,
            correlation=correlation,
            seconds=seconds,
            size=size,
        )

    def shown(
        self,
        actor: Actor,
        *,
        method: str,
        route: str,
        status: int,
        correlation: str,
        seconds: float,
        size: int,
    ) -> None:
        """Take down a call that is no operation's, by its route; the rest as `accessed`."""
        self._log.note(
            Access(
                actor=actor.name,
                method=method,
                route=route,
                status=status,
                duration_ms=seconds * 1_000,
                size=size,
                address=actor.address,
                correlation=correlation,
                ts=self._clock.now_ns() - round(seconds * SECOND_NS),
            )
        )
