from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from botcore.control.daily import TRADES_MIN, Closed, DailyReport, report


def a_report(**changes: object) -> DailyReport:
    values: dict[str, object] = {
        "day": "2026-11-21",
        "account": "paper",
        "currency": "USDT",
        "equity": [10_000.0, 10_200.0, 9_996.0],
        "executions": 3,
        "fees": Decimal("1.5"),
        "today": [],
        "week": [],
        "denials": {},
        "modes": [],
        "daily_loss_frac": 0.05,
    }
    return report(**{**values, **changes})  # type: ignore[arg-type]  # a test's own mapping


def lost(strategy: str, count: int, each: str = "-1") -> list[Closed]:
    return [Closed(strategy=strategy, profit=Decimal(each))] * count


def test_a_day_begins_and_ends_with_its_first_and_last_sample() -> None:
    found = a_report()

    assert found.result is not None
    assert (found.result.amount, found.result_frac) == (Decimal("-4.00"), -0.0004)
    assert found.drawdown_frac == (10_200.0 - 9_996.0) / 10_200.0


def test_a_day_without_samples_has_no_result_and_no_proposal() -> None:
    found = a_report(equity=[])

    assert (found.result, found.result_frac, found.drawdown_frac) == (None, None, 0.0)
    assert found.proposals == ()


def test_trades_are_summed_by_strategy_for_the_day_and_the_week() -> None:
    found = a_report(today=lost("a", 2), week=lost("a", 3) + lost("b", 1, "4"))

    assert [
        (s.strategy, s.trades, s.profit, s.week_trades, s.week_profit) for s in found.strategies
    ] == [
        ("a", 2, Decimal(-2), 3, Decimal(-3)),
        ("b", 0, Decimal(0), 1, Decimal(4)),
    ]


def test_a_strategy_that_lost_over_enough_trades_is_proposed_for_a_look() -> None:
    enough = a_report(week=lost("a", TRADES_MIN))
    too_few = a_report(week=lost("a", TRADES_MIN - 1))

    assert [p.subject for p in enough.proposals] == ["strategies/a"]
    assert too_few.proposals == ()


def test_a_day_that_used_most_of_its_loss_limit_proposes_smaller_orders() -> None:
    near = a_report(equity=[10_000.0, 9_590.0])
    far = a_report(equity=[10_000.0, 9_610.0])

    assert [p.subject for p in near.proposals] == ["risk/limits"]
    assert far.proposals == ()


def test_refusals_are_told_by_code_and_many_are_a_reason_to_look() -> None:
    found = a_report(denials={"ORDER_LIMIT": 50, "NO_PRICE": 1})

    assert found.denials == {"NO_PRICE": 1, "ORDER_LIMIT": 50}
    assert len(found.proposals) == 1


@given(st.lists(st.floats(1.0, 1e6), max_size=40))
def test_the_drawdown_of_a_day_is_a_share_and_none_while_equity_only_rises(
    equity: list[float],
) -> None:
    assert 0.0 <= a_report(equity=equity).drawdown_frac < 1.0
    assert a_report(equity=sorted(equity)).drawdown_frac == 0.0
