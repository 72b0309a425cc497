"""The limits of a request: which budgets it pays from, whether they allow it, and what it is told.

A request pays from all its budgets or from none. What lowers risk pays from a budget of its own and
waits for nobody else.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import Final, NamedTuple

from botcore.api.limits.config import LimitsConfig, Tier
from botcore.api.limits.gcra import Rate
from botcore.api.limits.load import LoadGovernor
from botcore.api.limits.payers import Caller, address_payer
from botcore.api.limits.ports import Buckets, Charge
from botcore.api.ports import Header
from botcore.api.proxies import is_loopback
from botcore.control.operations import RouteClass
from botcore.control.problems import TooMany
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

SHED: Final = frozenset({RouteClass.READ, RouteClass.MARKET, RouteClass.RESEARCH})
"""Classes whose budgets shrink under load."""
_TIERED: Final = (RouteClass.READ, RouteClass.MARKET, RouteClass.RESEARCH, RouteClass.ACT)
_MINUTE_S: Final = 60
_CHARGES_KEPT: Final = 1_024
_Payer = tuple[str, bool]


class Decision(NamedTuple):
    """Whether a request may go on, and the state of the limit that says so.

    Attributes:
        rate: the limit.
        wait_ns: until it would be allowed; zero if it is.
        left: how many more plain requests would be allowed at once.
        full_ns: until the whole burst is there again.
        divisor: what load divides the budget by.
    """

    rate: Rate
    wait_ns: int
    left: int
    full_ns: int
    divisor: int = 1

    @property
    def is_allowed(self) -> bool:
        """Whether it may go on."""
        return not self.wait_ns

    def headers(self) -> list[Header]:
        """Return the fields of the answer, allowed or refused.

        ``RateLimit`` and ``RateLimit-Policy`` are those of draft-ietf-httpapi-ratelimit-headers-10
        (``burst`` and ``factor`` are ours), the other three those that clients knew before.
        """
        policy, limit, name = _policy(self.rate, self.divisor)
        reset = -(-self.full_ns // SECOND_NS)
        fields = [
            (b"ratelimit-policy", policy),
            (b"ratelimit", b'"%b";r=%d;t=%d' % (name, self.left, reset)),
            (b"ratelimit-limit", limit),
            (b"ratelimit-remaining", b"%d" % self.left),
            (b"ratelimit-reset", b"%d" % reset),
        ]
        if self.wait_ns:
            fields.append((b"retry-after", b"%d" % -(-self.wait_ns // SECOND_NS)))
        return fields

    def refusal(self) -> TooMany:
        """Return how a person or a program is told that it must wait."""
        rate, wait_s = self.rate, self.wait_ns / SECOND_NS
        slowed = f", {1 / self.divisor:g} of it while the platform is busy" * (self.divisor > 1)
        each = "second" if rate.window_s == 1 else f"{rate.window_s} seconds"
        return TooMany(
            code="RATE_LIMITED",
            cause=f"the limit {rate.name} of {rate.quota} in each {each}, {rate.burst} at once"
            f"{slowed}, is used up",
            fix=f"wait {wait_s:.3g} s, as Retry-After says, and ask less often",
            details={"limit": rate.name, "retry_after_s": round(wait_s, 3)},
        )


class RateLimits:
    """Decides for each request. Not for several threads at once.

    Args:
        config: every number.
        buckets: keep what payers owe.
        governor: says how busy the platform is.
        clock: monotonic time counts.
    """

    def __init__(
        self,
        config: LimitsConfig,
        *,
        buckets: Buckets,
        governor: LoadGovernor,
        clock: Clock,
    ) -> None:
        self.config = config
        self.governor = governor
        self._buckets = buckets
        self._clock = clock
        self._reserve = int(config.global_burst * config.reserved_frac)
        self._tiers = _tiers(config)
        self._totals = {each: _total(config, each) for each in _TIERED}
        self._orders = _rate("orders", config.orders_per_s, config.orders_burst)
        self._lowering = _rate("lowering-risk", config.orders_per_s, config.orders_burst)
        self._global = _rate("global", config.global_per_s, config.global_burst)
        self._strangers = _rate(
            "strangers", config.strangers_per_min, config.strangers_burst, _MINUTE_S
        )
        self._all_strangers = _rate(
            "all-strangers", config.all_strangers_per_s, config.all_strangers_burst
        )
        self._sign_in = _rate("sign-in", config.sign_in_per_min, config.sign_in_burst, _MINUTE_S)
        self._pages = {
            is_here: _rate("pages", quota, burst, _MINUTE_S)
            for is_here, quota, burst in (
                (False, config.pro_per_min, config.pro_burst),
                (True, config.service_per_min, config.service_burst),
            )
        }
        self._running: dict[_Payer, int] = {}
        self._charges = lru_cache(maxsize=_CHARGES_KEPT)(self._charges_of)
        self.refused: Counter[str] = Counter()
        """Name of a limit → how many requests it refused."""

    def decide(
        self, caller: Caller, route_class: RouteClass, *, cost: int = 1, lowers_risk: bool = False
    ) -> Decision:
        """Pay for a request, or say how long it must wait; a refused one pays nothing.

        Args:
            caller: who pays.
            route_class: of the operation.
            cost: how much heavier than a plain call it is, from 1.
            lowers_risk: of the operation.
        """
        is_shed = route_class in SHED and not (lowers_risk and caller.user)
        divisor = self.governor.divisor if is_shed else 1
        return self._taken(self._charges(caller, route_class, cost * divisor, lowers_risk), divisor)

    def decide_page(self, address: str) -> Decision:
        """Pay for a page, as `decide`, before it is looked up who reads it.

        All who read at one address pay together, so it has the numbers of the tier `pro`, and this
        machine those of `service`.

        Args:
            address: from which it is read.
        """
        divisor = self.governor.divisor
        rate = self._pages[is_loopback(address)]
        charges = [
            Charge(rate, address_payer(address), divisor),
            Charge(self._global, "", 1, self._reserve),
        ]
        return self._taken(charges, divisor)

    def running(
        self, caller: Caller, *, lowers_risk: bool = False
    ) -> AbstractContextManager[object]:
        """Count a request while it is carried out; what lowers risk is counted apart.

        Entering it raises `TooMany` where as many of this caller's are running already.
        """
        payer = (caller.user or f"address {caller.address}", lowers_risk and bool(caller.user))
        return _Place(self._running, payer, self.config.concurrent, self.refused)

    def _taken(self, charges: Sequence[Charge], divisor: int) -> Decision:
        outcome = self._buckets.take(charges, self._clock.monotonic_ns())
        shown = outcome.charge.rate
        if outcome.wait_ns:
            self.refused[shown.name] += 1
        scale = 1 if shown is self._global else divisor
        return Decision(shown, outcome.wait_ns, outcome.left // scale, outcome.full_ns, scale)

    def _charges_of(
        self, caller: Caller, route_class: RouteClass, cost: int, lowers_risk: bool
    ) -> Sequence[Charge]:
        if route_class is RouteClass.SIGN_IN:
            return self._of_sign_in(caller, cost)
        if not caller.user:
            return [
                Charge(self._strangers, caller.address, cost),
                Charge(self._all_strangers, "", cost),
                Charge(self._global, "", 1, self._reserve),
            ]
        if lowers_risk:
            return [Charge(self._lowering, caller.user, cost)]
        if route_class is RouteClass.ORDERS:
            return [Charge(self._orders, caller.user, cost), Charge(self._global, "", 1)]
        reserve = 0 if route_class is RouteClass.ACT else self._reserve
        everybody = Charge(self._global, "", 1, reserve)
        tier = self.config.tiers.get(caller.name, caller.tier)
        rate = self._tiers[tier, route_class]
        if not caller.key:
            return [Charge(rate, caller.user, cost), everybody]
        return [
            Charge(rate, f"key {caller.key}", cost),
            Charge(self._totals[route_class], caller.user, cost),
            everybody,
        ]

    def _of_sign_in(self, caller: Caller, cost: int) -> list[Charge]:
        charges = [Charge(self._sign_in, caller.address, cost)]
        if caller.user:  # guessing another factor from many addresses is guessing all the same
            charges.append(Charge(self._sign_in, f"user {caller.user}", cost))
        charges.append(Charge(self._global, "", 1))
        return charges


class _Place:
    """One of the places of what a payer may have running at a time."""

    __slots__ = ("_most", "_payer", "_refused", "_running")

    def __init__(
        self, running: dict[_Payer, int], payer: _Payer, most: int, refused: Counter[str]
    ) -> None:
        self._running = running
        self._payer = payer
        self._most = most
        self._refused = refused

    def __enter__(self) -> None:
        taken = self._running.get(self._payer, 0)
        if taken >= self._most:
            self._refused["concurrent"] += 1
            raise TooMany(
                code="RATE_LIMITED",
                cause=f"the limit concurrent of {self._most} requests at the same time is used up",
                fix="wait for the answers to earlier requests before sending more",
                details={"limit": "concurrent", "retry_after_s": 1},
            )
        self._running[self._payer] = taken + 1

    def __exit__(self, *_: object) -> None:
        left = self._running[self._payer] - 1
        if left:
            self._running[self._payer] = left
        else:
            del self._running[self._payer]


def _rate(name: str, quota: int, burst: int, window_s: int = 1) -> Rate:
    return Rate(name=name, quota=quota, window_s=window_s, burst=burst)


def _tiers(config: LimitsConfig) -> dict[tuple[Tier, RouteClass], Rate]:
    numbers = {
        Tier.STANDARD: (config.standard_per_min, config.standard_burst),
        Tier.PRO: (config.pro_per_min, config.pro_burst),
        Tier.SERVICE: (config.service_per_min, config.service_burst),
    }
    return {
        (tier, each): _rate(f"{tier}-{each}", quota, burst, _MINUTE_S)
        for tier, (quota, burst) in numbers.items()
        for each in _TIERED
    }


def _total(config: LimitsConfig, each: RouteClass) -> Rate:
    """Return the limit of all keys of one user together."""
    return _rate(f"all-keys-{each}", config.service_per_min, config.service_burst, _MINUTE_S)


@lru_cache(maxsize=256)
def _policy(rate: Rate, divisor: int) -> tuple[bytes, bytes, bytes]:
    """Return the policy, the limit and the name of a rate as header fields."""
    quota, burst = max(1, rate.quota // divisor), max(1, rate.burst // divisor)
    policy = f'"{rate.name}";q={quota};w={rate.window_s};burst={burst}'
    if divisor > 1:
        policy += f";factor={1 / divisor:g}"
    return policy.encode(), str(quota).encode(), rate.name.encode()
