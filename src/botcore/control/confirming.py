"""Confirmations: a token for exactly one act, by exactly one actor, once, within a minute."""

import secrets
from datetime import UTC, datetime
from typing import Final

from botcore.control.problems import Refused
from botcore.kernel.clock import Clock

LIFE_S: Final = 60
_MOST: Final = 10_000


class Confirmations:
    """Tokens that wait to be used; kept in memory, so that a restart forgets them.

    Args:
        clock: they end by it.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, tuple[str, int]] = {}

    def give(self, digest: str) -> tuple[str, datetime]:
        """Return a token for the act with this fingerprint, and when it ends."""
        now = self._clock.now_ns()
        until = now + LIFE_S * 1_000_000_000
        self._waiting = {t: w for t, w in self._waiting.items() if w[1] > now}
        while len(self._waiting) >= _MOST:
            del self._waiting[next(iter(self._waiting))]
        token = secrets.token_urlsafe(24)
        self._waiting[token] = (digest, until)
        return token, datetime.fromtimestamp(until / 1e9, UTC)

    def take(self, token: str, digest: str) -> None:
        """Use a token up.

        Raises:
            Refused: it is unknown, used, too old, or for another act.
        """
        waiting = self._waiting.pop(token, None)
        if waiting is None or waiting[1] <= self._clock.now_ns():
            raise Refused(
                code="CONFIRMATION_EXPIRED",
                cause="the confirmation token is unknown, used or older than a minute",
                fix="ask without it for a new one, and look at the effect again",
            )
        if not secrets.compare_digest(waiting[0], digest):
            raise Refused(
                code="CONFIRMATION_MISMATCH",
                cause="the confirmation token was given for another request",
                fix="send exactly the request that was shown, or ask for a new token",
            )
