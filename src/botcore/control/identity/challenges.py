"""Sign-ins that wait for their second factor: bound to the one attempt that began them."""

from typing import Final

import msgspec

from botcore.control.identity.config import IdentityConfig
from botcore.control.identity.opaque import digest_of, new_token
from botcore.control.identity.sessions import Origin
from botcore.control.problems import Unauthenticated
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

_MOST: Final = 10_000
_replace = msgspec.structs.replace


class Challenge(msgspec.Struct, frozen=True, kw_only=True):
    """One of them.

    Attributes:
        user_id: who has shown the first factor.
        methods: how.
        origin: from where, and for how long.
        proof: the password hash that the first factor was checked against; if the password was
            changed since, the attempt is void.
        new_hash: of a password that is set once the second factor is shown; empty for none.
        until: monotonic nanoseconds.
        tries_left: wrong codes that may still be given.
    """

    user_id: str
    methods: tuple[str, ...]
    origin: Origin
    proof: str
    new_hash: str = ""
    until: int
    tries_left: int


class Challenges:
    """Those that wait; in memory, so that a restart forgets them.

    Args:
        config: how long they wait, and how many wrong codes end one.
        clock: they end by it, in time that only passes.
    """

    def __init__(self, *, config: IdentityConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._waiting: dict[bytes, Challenge] = {}

    def give(
        self,
        user_id: str,
        methods: tuple[str, ...],
        origin: Origin,
        *,
        proof: str,
        new_hash: str = "",
    ) -> str:
        """Return a token for an attempt whose first factor was right."""
        now = self._clock.monotonic_ns()
        for oldest in list(self._waiting):
            if self._waiting[oldest].until > now and len(self._waiting) < _MOST:
                break
            del self._waiting[oldest]
        token = new_token("mfa_")
        self._waiting[digest_of(token)] = Challenge(
            user_id=user_id,
            methods=methods,
            origin=origin,
            proof=proof,
            new_hash=new_hash,
            until=now + self._config.challenge_s * SECOND_NS,
            tries_left=self._config.challenge_tries,
        )
        return token

    def find(self, token: str) -> Challenge:
        """Return the attempt of a token.

        Raises:
            Unauthenticated: it is unknown, used, too old, or was tried too often.
        """
        digest = digest_of(token)
        found = self._waiting.get(digest)
        if found is None or found.until <= self._clock.monotonic_ns() or found.tries_left < 1:
            self._waiting.pop(digest, None)
            raise ended()
        return found

    def count_try(self, token: str) -> None:
        """Count a try, before its code is checked, so that many at once are not one try."""
        digest = digest_of(token)
        found = self._waiting[digest]
        self._waiting[digest] = _replace(found, tries_left=found.tries_left - 1)

    def take(self, token: str) -> None:
        """Use one up: its second factor was right.

        Raises:
            Unauthenticated: it was used up meanwhile.
        """
        if self._waiting.pop(digest_of(token), None) is None:
            raise ended()


def ended() -> Unauthenticated:
    """Return the refusal of an attempt that is over."""
    return Unauthenticated(
        code="CHALLENGE_ENDED",
        cause="this sign-in took too long, had too many wrong codes, or is over",
        fix="sign in again from the start",
    )
