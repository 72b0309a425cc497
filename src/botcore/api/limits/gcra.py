"""Rates and the arithmetic of a bucket: GCRA, pure, in integers, with the instant passed in.

The generic cell rate algorithm (ITU-T I.371, annex A.1, virtual scheduling) keeps one number a
bucket: the instant at which it is full again. In any window of length T no more than
``burst + quota × T / window`` tokens conform. Time is counted in units of ``1 / quota`` ns, so that
a token is a whole number of them and nothing drifts.
"""

from typing import NamedTuple

import msgspec

from botcore.domain.ids import SECOND_NS


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens flow into a bucket, and how many it holds.

    Attributes:
        name: of the limit, for people and headers; one of a closed set.
        quota: tokens in each window of `window_s` seconds.
        burst: most tokens at once; a bucket begins full.

    Raises:
        ValueError: a number is not above zero.
    """

    name: str
    quota: int
    window_s: int
    burst: int

    def __post_init__(self) -> None:
        if min(self.quota, self.window_s, self.burst) <= 0:
            raise ValueError(
                f"rate {self.name}: quota {self.quota}, window {self.window_s} s and burst"
                f" {self.burst} must be above zero"
            )

    @property
    def token(self) -> int:
        """Units of time that one token takes to flow back."""
        return self.window_s * SECOND_NS


class Taking(NamedTuple):
    """What came of asking a bucket for tokens.

    Attributes:
        full_at: in the bucket's units, when it will be full; to be kept if the tokens are taken.
        wait_ns: how long until they conform; zero if they do now.
        left: whole tokens that are left, after these if they conform.
        full_ns: how long until the bucket is full again.
    """

    full_at: int
    wait_ns: int
    left: int
    full_ns: int


def take(rate: Rate, full_at: int, now_ns: int, cost: int, *, reserve: int = 0) -> Taking:
    """Ask a bucket for `cost` tokens at an instant; nothing is changed.

    Args:
        rate: of the bucket.
        full_at: what is kept of it; 0 if nothing is, then it is full.
        now_ns: monotonic nanoseconds, not below zero. An earlier instant than the last one opens
            nothing: what is owed stays owed.
        cost: tokens, above zero; more than the bucket may give count as all of it, so that no
            request waits for ever.
        reserve: tokens that must be left, below the burst.
    """
    quota, token = rate.quota, rate.window_s * SECOND_NS
    now = now_ns * quota
    depth = (rate.burst - reserve) * token
    owed = max(full_at - now, 0)
    price = min(cost * token, depth)
    over = owed + price - depth
    if over > 0:
        return Taking(full_at, -(-over // quota), max(depth - owed, 0) // token, -(-owed // quota))
    owed += price
    return Taking(now + owed, 0, (depth - owed) // token, -(-owed // quota))
