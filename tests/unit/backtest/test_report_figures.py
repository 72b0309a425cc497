"""The figures of a report against a run worked out by hand."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

import math
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from tests.support.lulls import a_walk, recorded_tape
from tests.support.report_run import HAND_TAPE, candles_of, hand_run, minutes, run_on
from tests.support.venue_session import COINUSDT, an_instrument

from botcore.backtest import BacktestingFramework, StrategyRun
from botcore.backtest.reporting import CATALOGUE, GROUPS
from botcore.backtest.reporting.analysis import Analysis, analyse
from botcore.backtest.reporting.breakdowns import group
from botcore.backtest.reporting.curves import Curve
from botcore.backtest.reporting.figures import curve_figures, most_at_once
from botcore.backtest.reporting.trips import RoundTrip
from botcore.backtest.reporting.wording import Unit, worded
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId
from botcore.domain.market import BarSpec
from botcore.risk import Sizing

HELD = {2: 110.0, 3: 105.0, 6: 90.0, 9: 96.0}
"""Minute → mark of the one coin that is held at its close."""
CURVE = [1000, 1009.9, 1004.9, 1003.796, 1003.796, 995.698, 993.61, 993.61, 1002.523]


def looked_at() -> tuple[Analysis, dict[str, float], dict[str, float]]:
    analysis = analyse(*hand_run())
    own = {each.metric.key: each.value for each in analysis.figures}
    held = {each.metric.key: each.benchmark for each in analysis.figures}
    return analysis, own, held


def test_results_and_trips_by_hand() -> None:
    _, own, _ = looked_at()

    assert own["profit"] == pytest.approx(2.523)
    assert own["return"] == pytest.approx(0.002523)
    assert own["expectancy"] == pytest.approx((3.796 - 10.186) / 2)
    assert own["payoff"] == pytest.approx(3.796 / 10.186)
    assert own["win_rate"] == 0.5
    assert (own["wins"], own["losses"], own["draws"]) == (1, 1, 0)
    assert (own["best_trip"], own["worst_trip"]) == (pytest.approx(3.796), pytest.approx(-10.186))
    assert (own["winning_streak"], own["losing_streak"]) == (1, 1)
    assert own["stake"] == pytest.approx(99.0)
    assert own["duration"] == 1.5 * MINUTE_NS
    assert own["win_duration_mean"] == 2 * MINUTE_NS
    assert own["loss_duration_most"] == MINUTE_NS
    assert own["open_positions"] == own["most_open"] == 1
    assert own["fee_share"] == pytest.approx(0.000477)


def test_e106_the_drawdown_is_of_the_marked_curve_with_its_stamps() -> None:
    _, own, _ = looked_at()

    assert own["drawdown"] == pytest.approx((1009.9 - 993.61) / 1009.9)
    assert own["drawdown_money"] == pytest.approx(16.29)
    assert own["drawdown_began"] == 2 * MINUTE_NS
    assert own["drawdown_bottom"] == 7 * MINUTE_NS
    assert math.isnan(own["drawdown_recovered"])
    assert own["drawdown_duration"] == own["under_water"] == 7 * MINUTE_NS
    assert (own["equity_low"], own["equity_low_at"]) == (pytest.approx(993.61), 7 * MINUTE_NS)
    assert (own["equity_high"], own["equity_high_at"]) == (pytest.approx(1009.9), 2 * MINUTE_NS)


def test_e106_the_drawdown_of_a_run_is_of_every_bar_and_not_of_days() -> None:
    report, _ = hand_run()

    assert report.drawdown_frac == pytest.approx((1009.9 - 993.61) / 1009.9)


def test_stakes_by_hand() -> None:
    _, own, _ = looked_at()

    assert own["volume"] == 100 + 104 + 98 + 88 + 87
    assert own["turnover"] == pytest.approx(477 / 2 / 1000)
    assert own["time_in_market"] == pytest.approx((2 + 1 + 1) / 9)
    exposed = sum(mark / CURVE[minute - 1] for minute, mark in HELD.items())
    assert own["exposure"] == pytest.approx(exposed / 9)


def test_buying_and_holding_pays_the_fee_once_and_is_marked_at_each_close() -> None:
    analysis, own, held = looked_at()
    coins = 1000 / (100 * 1.001)

    assert analysis.benchmark is not None
    assert analysis.benchmark.equity == pytest.approx([coins * bar[3] for bar in HAND_TAPE])
    assert held["return"] == pytest.approx(coins * 96 / 1000 - 1)
    assert held["drawdown"] == pytest.approx((110 - 86) / 110)
    assert math.isnan(held["win_rate"]), "it has no round trips"
    assert set(held) == set(own)


def test_what_trades_later_waits_in_cash() -> None:
    late = InstrumentId("LATEUSDT.SIM")
    flat = (10.0, 10.0, 10.0, 10.0)
    tape = minutes(*HAND_TAPE)
    other = minutes(flat, (10.0, 20.0, 10.0, 20.0), stamps=[7, 8], instrument=late)
    report = run_on(tape)

    analysis = analyse(report, {**candles_of(tape), **candles_of(other)})

    assert analysis.benchmark is not None
    half = 500 / 1.001
    assert analysis.benchmark.equity[6] == pytest.approx(half / 100 * 86 + 500)
    assert analysis.benchmark.equity[8] == pytest.approx(half / 100 * 96 + half / 10 * 20)


def test_parts_add_up_to_the_whole() -> None:
    tape = a_walk(5, 6_000)
    framework = BacktestingFramework(tape=tape, instruments=(an_instrument(),))
    report = framework.run_backtest(
        [StrategyRun(name, sizing=Sizing(equity_frac=0.1)) for name in ("rsi", "macd", "bollinger")]
    )

    found = analyse(report, candles_of(tape))

    profit = float(report.equity_end - report.equity_start)
    assert len(report.trips) > 5
    assert math.fsum(each.total for each in found.strategies) == pytest.approx(profit)
    assert math.fsum(each.total for each in found.instruments) == pytest.approx(profit)
    assert sum(each.trips for each in found.exits) == len(report.trips)
    for kind, periods in found.periods.items():
        assert math.fsum(each.profit for each in periods) == pytest.approx(profit), kind
        assert sum(each.trips for each in periods) == len(report.trips), kind
        assert sum(each.days for each in periods) == len(found.curve.daily().days), kind
        if kind != "weekday":
            whole = math.prod(1 + each.return_frac for each in periods) - 1
            assert whole == pytest.approx(report.return_frac), kind
    assert found.sides == (), "spot goes long only"


def test_weekdays_are_in_the_order_of_the_week() -> None:
    tape = a_walk(5, 200, spec=BarSpec(60 * MINUTE_NS))
    names = [each.name for each in analyse(run_on(tape), candles_of(tape)).periods["weekday"]]

    assert names == ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def test_excursions_are_of_the_bars_that_were_held() -> None:
    analysis, _, _ = looked_at()

    assert analysis.excursions.adverse == pytest.approx([0.0, 18 / 98, 0.0])
    assert analysis.excursions.favourable == pytest.approx([0.2, 1 / 98, 10 / 87])


def test_without_candles_what_needs_them_is_left_out_and_said() -> None:
    report, _ = hand_run()

    analysis = analyse(report, {})

    assert analysis.benchmark is None
    assert np.isnan(analysis.excursions.adverse).all()
    assert math.isnan(analysis.trips[-1].profit), "nobody knows what it is worth"
    assert any("no candles" in each for each in analysis.warnings)


def test_gaps_are_named_with_how_many_bars_are_missing() -> None:
    flat = (100.0, 100.0, 100.0, 100.0)
    tape = minutes(flat, flat, flat, flat, stamps=[0, 1, 9, 10])

    (hole,) = analyse(run_on(tape), candles_of(tape)).holes

    assert (hole.instrument, hole.bars) == (COINUSDT, 7)
    assert (hole.start, hole.end) == (2 * MINUTE_NS, 9 * MINUTE_NS)


def test_candles_from_before_the_run_change_nothing() -> None:
    tape = minutes(*HAND_TAPE, stamps=list(range(100, 109)))
    history = minutes((7.0, 7.0, 7.0, 7.0), *HAND_TAPE, stamps=[50, *range(100, 109)])

    with_history = analyse(run_on(tape), candles_of(history))
    without = analyse(run_on(tape), candles_of(tape))

    assert _same(with_history, without)
    assert with_history.holes == without.holes == ()


def test_bars_that_were_only_history_are_no_part_of_the_curve() -> None:
    tape = minutes(*HAND_TAPE, stamps=list(range(100, 109)))
    framework = BacktestingFramework(tape=tape, instruments=[an_instrument()], cash="1000")

    report = framework.run_backtest("ema-cross", (104 * MINUTE_NS, None))

    curve = report.equity_curve()
    assert (curve.start, curve.end) == (104 * MINUTE_NS, 109 * MINUTE_NS)
    assert len(curve.stamps) == 5
    assert report.drawdown_frac == 0.0


def test_what_must_be_read_first_stands_first() -> None:
    report, candles = hand_run(warning="SIMULATED")
    noted = msgspec.structs.replace(report, notes=("inferred filters",), unpriced=("COINUSDT.SIM",))

    warnings = analyse(noted, candles).warnings

    assert warnings[:2] == ("SIMULATED", "inferred filters")
    assert "without a price" in warnings[2]
    assert "1 daily returns" in warnings[3]
    assert "2 round trips" in warnings[4]


def test_a_run_without_a_trade_has_figures_all_the_same() -> None:
    tape = minutes(*[(100.0, 100.0, 100.0, 100.0)] * 5)

    analysis = analyse(run_on(tape), candles_of(tape))
    own = {each.metric.key: each.value for each in analysis.figures}

    assert own["trips"] == own["drawdown"] == own["exposure"] == own["time_in_market"] == 0
    assert all(math.isnan(own[key]) for key in ("sharpe", "win_rate", "profit_factor", "duration"))
    assert [each.name for each in analysis.strategies] == ["strategy"]
    assert analysis.drawdowns == ()


def test_shorts_are_told_from_longs_where_there_are_any() -> None:
    report, candles = hand_run()
    first = msgspec.structs.replace(report.trips[0], side="short")

    found = analyse(msgspec.structs.replace(report, trips=(first, report.trips[1])), candles)

    assert {each.name: each.trips for each in found.sides} == {"short": 1, "long": 1}


def test_a_trip_that_closes_as_another_opens_is_not_together_with_it() -> None:
    spans = [(0, 10), (10, 20), (5, 12), (6, 6)]

    assert most_at_once([RoundTrip("a", "b", *span, 0.0) for span in spans]) == 2
    assert most_at_once([]) == 0


def test_an_open_trip_is_in_no_average() -> None:
    closed = RoundTrip("a", "b", 0, 10, 5.0, stake=Decimal(100))
    left = RoundTrip("a", "b", 0, 10, -50.0, stake=Decimal(100), is_open=True)

    found = group("all", [closed, left])

    assert (found.trips, found.still_open, found.profit, found.worst) == (1, 1, 5.0, 5.0)


def test_every_metric_is_declared_once_and_asks_something() -> None:
    _, own, _ = looked_at()

    keys = [each.key for each in CATALOGUE]
    assert len(set(keys)) == len(keys) == len({each.name for each in CATALOGUE})
    assert set(own) == set(keys)
    for each in CATALOGUE:
        assert each.group in GROUPS
        assert each.question.endswith("?"), each.key
        assert each.explanation.endswith("."), each.key
        assert each.source, each.key


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (1002.523, Unit.MONEY, "1,002.52 USDT"),
        (0.001234, Unit.MONEY, "0.00123 USDT"),
        (0.00000123, Unit.MONEY, "0.00000123 USDT"),
        (12.0, Unit.CHANGE, "+12.00 USDT"),
        (-12.0, Unit.CHANGE, "-12.00 USDT"),
        (0.0, Unit.CHANGE, "0.00 USDT"),
        (0.1234, Unit.FRACTION, "12.34%"),
        (0.1234, Unit.RETURN, "+12.34%"),
        (0.5, Unit.SHARE, "50.0%"),
        (1234.5, Unit.COUNT, "1,234"),
        (0.0421, Unit.PROBABILITY, "0.042"),
        (0.0001, Unit.PROBABILITY, "< 0.001"),
        (math.nan, Unit.COUNT, "–"),
        (math.inf, Unit.RATIO, "∞"),
        (-math.inf, Unit.RATIO, "−∞"),
        (0.0, Unit.DURATION, "0 s"),
        (3_725 * 10**9, Unit.DURATION, "1 h 2 min"),
        (3_600 * 10**9, Unit.DURATION, "1 h"),
        (59 * 10**9, Unit.DURATION, "59 s"),
        (float(DAY_NS), Unit.INSTANT, "1970-01-02 00:00"),
        (12.0, Unit.DAYS, "12 days"),
        (1.5, Unit.RATE, "1.50"),
    ],
)
def test_figures_in_words(value: float, unit: Unit, words: str) -> None:
    assert worded(value, unit, "USDT") == words


def test_e105_the_sharpe_ratio_of_a_recorded_run_is_that_of_its_daily_equity(
    market_data_dir: Path,
) -> None:
    """Computed a second time here, from the curve alone and with the definition."""
    days = [f"2023-03-{day:02d}" for day in range(1, 26)]
    tape = recorded_tape(market_data_dir, "BTCUSDT", *days)
    bitcoin = an_instrument("BTCUSDT.SIM", lot="0.00001", min_notional="10")
    framework = BacktestingFramework(tape=tape, instruments=(bitcoin,))

    found = analyse(framework.run_backtest("macd"), candles_of(tape))

    own = {each.metric.key: each.value for each in found.figures}
    at_midnight = [10_000.0]
    for midnight in range(found.curve.start // DAY_NS + 1, found.curve.end // DAY_NS + 1):
        last = max(at for at, ts in enumerate(found.curve.stamps) if ts <= midnight * DAY_NS)
        at_midnight.append(float(found.curve.equity[last]))
    returns = [after / before - 1 for before, after in pairwise(at_midnight)]
    mean = math.fsum(returns) / len(returns)
    spread = math.sqrt(math.fsum((r - mean) ** 2 for r in returns) / (len(returns) - 1))
    assert own["sharpe"] == pytest.approx(mean / spread * math.sqrt(365))
    assert own["days"] == len(returns) == 25
    assert [(hole.bars, hole.instrument) for hole in found.holes] == [(80, "BTCUSDT.SIM")]


def test_e105_the_sharpe_ratio_is_of_equity_at_midnight_and_annualised_by_365_days() -> None:
    """1 % on the first day and 3 % on the second; what lies between two midnights counts not."""
    stamps = np.array([12, 23, 25, 47], dtype=np.int64) * 60 * MINUTE_NS
    curve = Curve(stamps, np.array([150.0, 101.0, 50.0, 104.03]), 100.0, 0, 2 * DAY_NS)

    found = curve_figures(curve)

    assert found["sharpe"] == pytest.approx(math.sqrt(2) * math.sqrt(365))


def test_e105_the_report_says_of_what_and_how_often_the_sharpe_ratio_is_taken() -> None:
    (ratio,) = [metric for metric in CATALOGUE if metric.key == "sharpe"]

    assert "daily returns (00:00 UTC, marked to market), A = 365" in ratio.source
    assert "riskless return 0" in ratio.source


def _same(one: Analysis, other: Analysis) -> bool:
    def values(analysis: Analysis) -> list[float]:
        return [x for each in analysis.figures for x in (each.value, each.benchmark)]

    return np.array_equal(values(one), values(other), equal_nan=True)
