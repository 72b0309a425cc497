"""The report of a day, and what it proposes: pure. A proposal is only words; a person decides.

The rules of thumb behind proposals are ours, not science: a strategy that has lost over a week and
at least `TRADES_MIN` closed trades, or a day that used most of its loss limit, deserves a look.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from botcore.control.schema.values import Money

TRADES_MIN: Final = 20
"""Closed trades of a week below which nothing is concluded from a strategy's result."""
NEAR: Final = 0.8
"""Share of the daily loss limit from which a smaller size is proposed."""
_DENIALS_MANY: Final = 50


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """A closed round trip: whose, and what it earned after fees, quote units."""

    strategy: str
    profit: Decimal


class StrategyDay(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy did on a day.

    Attributes:
        trades: closed on that day. profit: of them, after fees.
        week_trades, week_profit: the same over the seven days that end with it.
    """

    strategy: str
    trades: int
    profit: Decimal
    week_trades: int
    week_profit: Decimal


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """Something to consider. Nothing is changed by it.

    Attributes:
        subject: ``strategies/<id>`` or ``risk/limits``.
        proposal: what could be done. reason: why, with figures.
    """

    subject: str
    proposal: str
    reason: str


class DailyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A day of an account.

    Attributes:
        day: ``2026-11-21``, UTC.
        equity_start, equity_end: at its first and last sample; None where there is none.
        result_frac: of the equity at its start, 0.01 is 1 %.
        drawdown_frac: deepest fall from a high within the day.
        executions: how many. denials: code → how many intents the gate refused.
    """

    day: str
    account: str
    equity_start: Money | None
    equity_end: Money | None
    result: Money | None
    result_frac: float | None
    drawdown_frac: float
    executions: int
    fees: Money
    strategies: tuple[StrategyDay, ...]
    denials: dict[str, int]
    modes: tuple[str, ...]
    proposals: tuple[Proposal, ...]


def report(
    *,
    day: str,
    account: str,
    currency: str,
    equity: Sequence[float],
    executions: int,
    fees: Decimal,
    today: Iterable[Closed],
    week: Iterable[Closed],
    denials: Mapping[str, int],
    modes: Iterable[str],
    daily_loss_frac: float | None,
) -> DailyReport:
    """Return the report of a day.

    Args:
        day: ``2026-11-21``.
        account: whose.
        currency: of equity and fees.
        equity: samples of the day, oldest first.
        executions: of the day.
        fees: paid on the day, in `currency`.
        today: round trips closed on the day.
        week: those closed within seven days up to its end.
        denials: code → how many intents the gate refused on the day.
        modes: what became of the mode, a sentence each.
        daily_loss_frac: the limit in force; None where it is not known.
    """
    strategies = _strategies(today, week)
    start, end = (equity[0], equity[-1]) if equity else (None, None)
    result = None if start is None or end is None else end - start
    frac = result / start if result is not None and start else None
    refused = dict(sorted(denials.items()))
    return DailyReport(
        day=day,
        account=account,
        equity_start=_money(start, currency),
        equity_end=_money(end, currency),
        result=_money(result, currency),
        result_frac=frac,
        drawdown_frac=_drawdown(equity),
        executions=executions,
        fees=Money(fees, currency),
        strategies=strategies,
        denials=refused,
        modes=tuple(modes),
        proposals=_proposals(strategies, refused, frac, daily_loss_frac),
    )


def _strategies(today: Iterable[Closed], week: Iterable[Closed]) -> tuple[StrategyDay, ...]:
    day, past = _sums(today), _sums(week)
    nothing = (0, Decimal(0))
    return tuple(
        StrategyDay(
            strategy=name,
            trades=day.get(name, nothing)[0],
            profit=day.get(name, nothing)[1],
            week_trades=past.get(name, nothing)[0],
            week_profit=past.get(name, nothing)[1],
        )
        for name in sorted({*day, *past})
    )


def _sums(trades: Iterable[Closed]) -> dict[str, tuple[int, Decimal]]:
    found: dict[str, tuple[int, Decimal]] = {}
    for each in trades:
        count, profit = found.get(each.strategy, (0, Decimal(0)))
        found[each.strategy] = (count + 1, profit + each.profit)
    return found


def _proposals(
    strategies: Iterable[StrategyDay],
    denials: dict[str, int],
    result_frac: float | None,
    daily_loss_frac: float | None,
) -> tuple[Proposal, ...]:
    found = [
        Proposal(
            subject=f"strategies/{each.strategy}",
            proposal="stop it, or give it half its share of the equity, until it is understood",
            reason=f"it lost {-each.week_profit:.2f} in {each.week_trades} trades of seven days",
        )
        for each in strategies
        if each.week_trades >= TRADES_MIN and each.week_profit < 0
    ]
    if daily_loss_frac and result_frac is not None and -result_frac >= NEAR * daily_loss_frac:
        found.append(
            Proposal(
                subject="risk/limits",
                proposal="lower order_frac by a quarter, so that one day loses less",
                reason=f"the day lost {-result_frac:.2%} of the {daily_loss_frac:.2%} allowed",
            )
        )
    for code, count in denials.items():
        if count >= _DENIALS_MANY:
            found.append(
                Proposal(
                    subject="risk/limits",
                    proposal="look at why so much is refused: shares and limits do not fit",
                    reason=f"{code} refused {count} intents of the day",
                )
            )
    return tuple(found)


def _drawdown(equity: Sequence[float]) -> float:
    """Return the deepest fall from the highest value before it, as a fraction; 0 if none."""
    deepest, high = 0.0, 0.0
    for value in equity:
        high = max(high, value)
        if high > 0:
            deepest = max(deepest, (high - value) / high)
    return deepest


def _money(value: float | None, currency: str) -> Money | None:
    return None if value is None else Money(round(Decimal(repr(value)), 2), currency)
