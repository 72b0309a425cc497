"""Confirmations: a token for exactly one act, by exactly one actor, once, within a minute."""

import secrets
from datetime import datetime
from typing import Final

from botcore.control.problems import Refused
from botcore.control.schema.values import instant
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

LIFE_S: Final = 60
_AHEAD_S: Final = 5
_MOST: Final = 10_000


class Confirmations:
    """Tokens that wait to be used; kept in memory, so that a restart forgets them.

    Args:
        clock: they end by it, also where it is set back: nobody knows how far.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[str, int]] = {}

    def give(self, digest: str) -> tuple[str, datetime]:
        """Return a token for the act with this fingerprint, and when it ends."""
        now = self._clock.now_ns()
        self._waiting = {t: w for t, w in self._waiting.items() if _is_good(w[1], now)}
        while len(self._waiting) >= _MOST:
            del self._waiting[next(iter(self._waiting))]
        token = secrets.token_urlsafe(24)
        self._waiting[token] = (digest, now)
        return token, instant(now + LIFE_S * SECOND_NS)

    def take(self, token: str, digest: str) -> None:
        """Use a token up.

        Raises:
            Refused: it is unknown, used, too old, for another act, or what that rests on changed.
        """
        waiting = self._waiting.pop(token, None)
        if waiting is None or not _is_good(waiting[1], self._clock.now_ns()):
            raise Refused(
                code="CONFIRMATION_EXPIRED",
                cause="the confirmation token is unknown, used or older than a minute",
                fix="ask without it for a new one, and look at the effect again",
            )
        if not secrets.compare_digest(waiting[0], digest):
            raise Refused(
                code="CONFIRMATION_MISMATCH",
                cause="the confirmation token was given for another request, or things changed",
                fix="send exactly the request that was shown, or ask for a new token and look",
            )


def _is_good(given: int, now: int) -> bool:
    return -_AHEAD_S * SECOND_NS <= now - given < LIFE_S * SECOND_NS
