"""Slowing guessing down: a growing wait for each account, and a bucket for each address.

Nothing is locked for good, since that would let anybody lock everybody out. A try is counted before
it is checked, so that many at once are not one try.
"""

import ipaddress
import math
from collections import OrderedDict
from typing import Final, NamedTuple

from botcore.control.identity.config import ThrottleConfig
from botcore.control.problems import TooMany
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

_IPV6_NETWORK: Final = 64
"""Bits: one customer gets at least that many addresses, so that they count as one."""


class _Tries(NamedTuple):
    """How often in a row, when last, and when the next may come; monotonic nanoseconds."""

    made: int
    last: int
    next: int


class _Bucket(NamedTuple):
    level: float
    at: int


class Throttle:
    """Counts tries in memory; a restart forgets them.

    Args:
        config: the numbers.
        clock: waits are measured in time that only passes.
    """

    def __init__(self, config: ThrottleConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._accounts: OrderedDict[str, _Tries] = OrderedDict()
        self._addresses: OrderedDict[str, _Bucket] = OrderedDict()

    def try_from(self, address: str) -> None:
        """Count a try from an address.

        Raises:
            TooMany: its bucket is empty.
        """
        place = _network(address)
        now = self._clock.monotonic_ns()
        rate = self._config.address_per_minute / 60 / SECOND_NS
        bucket = self._addresses.pop(place, _Bucket(self._config.address_burst, now))
        level = min(self._config.address_burst, bucket.level + (now - bucket.at) * rate)
        if level < 1:
            self._addresses[place] = _Bucket(level, now)
            raise _too_many("this address", (1 - level) / rate / SECOND_NS)
        self._addresses[place] = _Bucket(level - 1, now)
        self._bound(self._addresses)

    def try_account(self, account: str) -> None:
        """Count a try for an account, one that exists or not.

        Raises:
            TooMany: the wait since the last try is not over; this one was not counted.
        """
        config, now = self._config, self._clock.monotonic_ns()
        tries = self._accounts.pop(account, _Tries(0, now, 0))
        if now - tries.last > config.forget_s * SECOND_NS:
            tries = _Tries(0, now, 0)
        if now < tries.next:
            self._accounts[account] = tries
            raise _too_many("this account", (tries.next - now) / SECOND_NS)
        made = tries.made + 1
        self._accounts[account] = _Tries(made, now, now + round(self._delay_s(made) * SECOND_NS))
        self._bound(self._accounts)

    def succeeded(self, account: str) -> None:
        """Forget the tries for an account: the last one was right."""
        self._accounts.pop(account, None)

    def _delay_s(self, made: int) -> float:
        beyond = made - self._config.free_tries
        if beyond < 0:
            return 0.0
        return min(self._config.delay_max_s, self._config.first_delay_s * 2.0 ** min(beyond, 60))

    def _bound(self, remembered: "OrderedDict[str, _Tries] | OrderedDict[str, _Bucket]") -> None:
        while len(remembered) > self._config.remembered_max:
            remembered.popitem(last=False)


def _network(address: str) -> str:
    """Return what counts as one address; what is none counts as itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _IPV6_NETWORK), strict=False))
    return str(found)


def _too_many(whose: str, wait_s: float) -> TooMany:
    seconds = max(1, math.ceil(wait_s))
    return TooMany(
        code="SIGN_IN_SLOWED",
        cause=f"too many tries to sign in for {whose}; the next is taken in {seconds} s",
        fix=f"wait {seconds} s; whoever sits at the machine can sign in with `./bot open`",
        details={"retry_after_s": seconds},
    )
