"""The four protections as they are configured, their bounds, and how they are printed.

The field knows them by freqtrade's names (documentation, "Protections": CooldownPeriod,
StoplossGuard, LowProfitPairs, MaxDrawdown); `verdicts` says what each looks at.
"""

import math
from enum import StrEnum
from typing import ClassVar

import msgspec

from botcore.domain.calendar import step_name
from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS, slug

LONGEST_NS = 366 * DAY_NS
"""No look-back and no lock is longer; none is shorter than a second."""
MOST = 1_000
"""No rule counts further."""
PROFIT_BOUND = 10.0
"""A bound on profit lies within so many times what was put in."""


class Scope(StrEnum):
    """What is looked at together, and locked together."""

    ACCOUNT = "account"
    STRATEGY = "strategy"
    INSTRUMENT = "instrument"
    LINE = "strategy-instrument"


class Counted(StrEnum):
    """Which exits a stop-loss guard counts; a break-even is none of them."""

    STOPS = "stops"
    """Made by a stop order, at a loss."""
    LOSSES = "losses"
    """At a loss, whatever order made it."""


class CoolDown(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="kind", tag="cool-down"
):
    """Nothing is opened again for a time after a position was closed.

    Attributes:
        name: a slug, its own among the account's protections.
        lock_ns: how long, from the fill that closed.
        scope: where: the strategy on the instrument, or every strategy on it.
    """

    kind: ClassVar[str] = "cool-down"
    lookback_ns: ClassVar[int] = 0

    name: str
    lock_ns: int = 30 * MINUTE_NS
    scope: Scope = Scope.LINE

    def __post_init__(self) -> None:
        """Refuse what protects nothing.

        Raises:
            ConfigError: ``PROTECTION_REFUSED``: a value is out of its bounds.
        """
        _check_common(self)
        _check_scope(self.name, self.scope, Scope.LINE, Scope.INSTRUMENT)

    def describe(self) -> str:
        """Return the rule as people read it."""
        return f"no entry for {span(self.lock_ns)} after a close{_each(self.scope)}"


class StopLossGuard(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="kind", tag="stop-loss-guard"
):
    """Nothing is opened for a time after several losing exits.

    Attributes:
        name: a slug, its own among the account's protections.
        exits: so many within the look-back lock.
        lookback_ns: an exit counts while it is younger.
        lock_ns: how long, from the exit that was one too many.
        scope: whose exits are counted together, and what is locked.
        counts: which exits.
    """

    kind: ClassVar[str] = "stop-loss-guard"

    name: str
    exits: int = 3
    lookback_ns: int = DAY_NS
    lock_ns: int = 120 * MINUTE_NS
    scope: Scope = Scope.ACCOUNT
    counts: Counted = Counted.STOPS

    def __post_init__(self) -> None:
        """Refuse what protects nothing.

        Raises:
            ConfigError: ``PROTECTION_REFUSED``: a value is out of its bounds.
        """
        _check_common(self)
        _check_count(self.name, "exits", self.exits, least=1)

    def describe(self) -> str:
        """Return the rule as people read it."""
        return (
            f"no entry for {span(self.lock_ns)} after {self.exits} {exits_of(self.counts)}"
            f" within {span(self.lookback_ns)}{_each(self.scope)}"
        )


class LowProfit(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="kind", tag="low-profit"
):
    """Nothing is opened for a time on an instrument whose closed trades earned too little.

    Attributes:
        name: a slug, its own among the account's protections.
        trades: so many within the look-back are needed for a verdict.
        profit_frac_min: what they must have earned after fees, as a fraction of what their
            entries cost; below it they lock.
        lookback_ns: a trade counts while it is younger.
        lock_ns: how long, from the last close.
        scope: the instrument, or each strategy on it.
    """

    kind: ClassVar[str] = "low-profit"

    name: str
    trades: int = 4
    profit_frac_min: float = 0.0
    lookback_ns: int = 7 * DAY_NS
    lock_ns: int = DAY_NS
    scope: Scope = Scope.INSTRUMENT

    def __post_init__(self) -> None:
        """Refuse what protects nothing.

        Raises:
            ConfigError: ``PROTECTION_REFUSED``: a value is out of its bounds.
        """
        _check_common(self)
        _check_scope(self.name, self.scope, Scope.INSTRUMENT, Scope.LINE)
        _check_count(self.name, "trades", self.trades, least=1)
        bound = self.profit_frac_min
        if not (math.isfinite(bound) and abs(bound) <= PROFIT_BOUND):
            raise _refused(self.name, f"profit_frac_min is {bound}", "a number from -10 to 10")

    def describe(self) -> str:
        """Return the rule as people read it."""
        return (
            f"no entry for {span(self.lock_ns)} where {self.trades} or more trades within"
            f" {span(self.lookback_ns)} earned less than {self.profit_frac_min:.2%}"
            f"{_each(self.scope)}"
        )


class DrawdownGuard(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="kind", tag="drawdown"
):
    """Nothing is opened on the account for a time after its equity fell too far.

    It is not the account's drawdown limit, which lets it only reduce until a person acts.

    Attributes:
        name: a slug, its own among the account's protections.
        drawdown_frac: fall of marked equity from its highest within the look-back that locks.
        trades: so many closed within the look-back are needed for a verdict; 0 asks for none.
        lookback_ns: how far back the highest is looked for, to a 48th of it.
        lock_ns: how long, from the close of the bar.
    """

    kind: ClassVar[str] = "drawdown"
    scope: ClassVar[Scope] = Scope.ACCOUNT

    name: str
    drawdown_frac: float = 0.10
    trades: int = 1
    lookback_ns: int = DAY_NS
    lock_ns: int = 720 * MINUTE_NS

    def __post_init__(self) -> None:
        """Refuse what protects nothing.

        Raises:
            ConfigError: ``PROTECTION_REFUSED``: a value is out of its bounds.
        """
        _check_common(self)
        _check_count(self.name, "trades", self.trades, least=0)
        if not 0.0 < self.drawdown_frac < 1.0:
            what = f"drawdown_frac is {self.drawdown_frac}"
            raise _refused(self.name, what, "a fraction above 0 and below 1: 0.1 is 10 %")

    def describe(self) -> str:
        """Return the rule as people read it."""
        needed = f", {self.trades} or more trades closed" if self.trades else ""
        return (
            f"no entry for {span(self.lock_ns)} after equity fell {self.drawdown_frac:.2%} from"
            f" its highest within {span(self.lookback_ns)}{needed}"
        )


Protection = CoolDown | StopLossGuard | LowProfit | DrawdownGuard


def exits_of(counts: Counted) -> str:
    """Return what a guard counts, in words."""
    return "stop-loss exits" if counts is Counted.STOPS else "losing exits"


def span(length_ns: int) -> str:
    """Return a length of time as people write it."""
    if length_ns % SECOND_NS == 0:
        return step_name(length_ns)
    return f"{length_ns / SECOND_NS:g}s"


_EACH = {
    Scope.ACCOUNT: "",
    Scope.STRATEGY: ", each strategy",
    Scope.INSTRUMENT: ", each instrument",
    Scope.LINE: ", each strategy on each instrument",
}


def _each(scope: Scope) -> str:
    return _EACH[scope]


def _check_common(rule: Protection) -> None:
    slug(rule.name, what="protection")
    lengths = {"lock": rule.lock_ns}
    if not isinstance(rule, CoolDown):
        lengths["look-back"] = rule.lookback_ns
    for name, length in lengths.items():
        if not SECOND_NS <= length <= LONGEST_NS:
            what = f"its {name} is {length / SECOND_NS:g} s"
            raise _refused(rule.name, what, "a time from a second to 366 days")


def _check_scope(name: str, scope: Scope, *allowed: Scope) -> None:
    if scope not in allowed:
        raise _refused(name, f"scope is {scope}", f"one of: {', '.join(allowed)}")


def _check_count(name: str, what: str, count: float, *, least: int) -> None:
    if not (isinstance(count, int) and least <= count <= MOST):
        raise _refused(name, f"{what} is {count}", f"a whole number from {least} to {MOST:,}")


def _refused(name: str, what: str, allowed: str) -> ConfigError:
    return ConfigError(
        code="PROTECTION_REFUSED",
        cause=f"of the protection {name!r}, {what}",
        fix=f"give {allowed}",
    )
