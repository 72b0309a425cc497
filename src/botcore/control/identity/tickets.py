"""Tickets for the WebSocket: used once, within 30 seconds, from the origin that asked for it."""

from datetime import datetime
from typing import Final, NamedTuple

from botcore.control.access import Actor
from botcore.control.identity.opaque import digest_of, new_token
from botcore.control.problems import Unauthenticated
from botcore.control.schema.values import instant
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

LIFE_S: Final = 30
_MOST: Final = 20_000


class _Waiting(NamedTuple):
    actor: Actor
    origin: str
    until: int


class Tickets:
    """Tickets that wait to be used; in memory, so that a restart forgets them.

    Args:
        clock: they end by it, by time that only passes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[bytes, _Waiting] = {}

    def give(self, actor: Actor, origin: str) -> tuple[str, datetime]:
        """Return a ticket for who asks, and when it ends.

        Args:
            actor: it is bound to his session or key.
            origin: the header ``Origin`` of who asks; empty for programs, which send none.
        """
        now = self._clock.monotonic_ns()
        self._drop_ended(now)
        ticket = new_token("wst_")
        self._waiting[digest_of(ticket)] = _Waiting(actor, origin, now + LIFE_S * SECOND_NS)
        return ticket, instant(self._clock.now_ns() + LIFE_S * SECOND_NS)

    def take(self, ticket: str, origin: str) -> Actor:
        """Use a ticket up, whatever comes of it; return who asked for it.

        The door checks at once, and every minute, that the session still lives
        (`Authenticator.again`).

        Raises:
            Unauthenticated: it is unknown, used, too old, or comes from another origin.
        """
        found = self._waiting.pop(digest_of(ticket), None)
        if found is None or found.until <= self._clock.monotonic_ns() or found.origin != origin:
            raise Unauthenticated(
                code="TICKET_REFUSED",
                cause=f"the ticket is unknown, used, older than {LIFE_S} s or of another origin",
                fix="POST /api/v1/ws-ticket for a new one",
            )
        return found.actor

    def _drop_ended(self, now: int) -> None:
        """Forget the ended, which are the oldest, and the oldest of too many."""
        while self._waiting:
            oldest = next(iter(self._waiting))
            if self._waiting[oldest].until > now and len(self._waiting) < _MOST:
                return
            del self._waiting[oldest]
