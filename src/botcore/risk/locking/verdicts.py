"""What the protections that look at closed trades say when one closes."""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from botcore.domain.calendar import instant_name
from botcore.domain.numbers import EXACT, MONEY, ZERO, exact
from botcore.risk.locking.locks import covered
from botcore.risk.locking.rules import (
    CoolDown,
    Counted,
    LowProfit,
    StopLossGuard,
    exits_of,
    span,
)
from botcore.risk.locking.trades import CLOSED, ClosedTrade


class Verdict(NamedTuple):
    """A lock is wanted: until when, nanoseconds UTC, and why."""

    until: int
    cause: str


TradeRule = CoolDown | StopLossGuard | LowProfit


def verdict(
    rule: TradeRule, trade: ClosedTrade, trades: Sequence[ClosedTrade], *, since: int
) -> Verdict | None:
    """Return what a rule wants after a trade has closed; None is no lock.

    Args:
        rule: which.
        trade: the one that has just closed.
        trades: all that are remembered, by their close, `trade` among them.
        since: only what closed after this instant counts: a person lifted the lock then.
    """
    if isinstance(rule, CoolDown):
        return Verdict(trade.closed + rule.lock_ns, _cooling(trade))
    if not _counts(rule, trade):
        return None
    found = [
        each
        for each in _together(rule, trade, trades)
        if each.closed > since and _counts(rule, each)
    ]
    if isinstance(rule, StopLossGuard):
        return _stopped(rule, trade, len(found))
    return _earned_too_little(rule, trade, found)


def _together(
    rule: StopLossGuard | LowProfit, trade: ClosedTrade, trades: Sequence[ClosedTrade]
) -> Sequence[ClosedTrade]:
    """Return the trades that are looked at together with `trade`: young enough, and in scope."""
    oldest = trade.closed - rule.lookback_ns
    young = trades[bisect_right(trades, oldest, key=CLOSED) :]
    strategy, instrument = covered(rule.scope, trade.strategy, trade.instrument)
    if strategy is not None:
        young = [each for each in young if each.strategy == strategy]
    if instrument is not None:
        young = [each for each in young if each.instrument == instrument]
    return young


def _counts(rule: StopLossGuard | LowProfit, trade: ClosedTrade) -> bool:
    if isinstance(rule, LowProfit):
        return True
    return trade.profit < ZERO and (trade.is_stop or rule.counts is Counted.LOSSES)


def _cooling(trade: ClosedTrade) -> str:
    outcome = f"{_money(trade.profit)} after fees"
    return f"its position was closed at {instant_name(trade.closed)} with {outcome}"


def _stopped(rule: StopLossGuard, trade: ClosedTrade, count: int) -> Verdict | None:
    if count < rule.exits:
        return None
    within = f"within {span(rule.lookback_ns)}"
    cause = f"{count} {exits_of(rule.counts)} {within} reach {rule.exits}"
    return Verdict(trade.closed + rule.lock_ns, cause)


def _earned_too_little(
    rule: LowProfit, trade: ClosedTrade, found: Sequence[ClosedTrade]
) -> Verdict | None:
    """Compare Σ profit with the bound times Σ stake, exactly: nothing is divided."""
    if len(found) < rule.trades:
        return None
    profit, stake = ZERO, ZERO
    for each in found:
        profit, stake = EXACT.add(profit, each.profit), EXACT.add(stake, each.stake)
    if profit >= MONEY.multiply(exact(rule.profit_frac_min, what="a bound"), stake):
        return None
    earned = f"{_money(profit)} on {_money(stake)}"
    cause = (
        f"{len(found)} trades within {span(rule.lookback_ns)} earned {earned},"
        f" less than {rule.profit_frac_min:.2%}"
    )
    return Verdict(trade.closed + rule.lock_ns, cause)


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
