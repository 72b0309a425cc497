"""The backtest's report against a hand-computed tape, and what it refuses to run."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

import gc
from collections.abc import Sequence
from decimal import Decimal
from math import isnan
from typing import Any, ClassVar

import msgspec
import numpy as np
import pytest
from tests.support.lulls import a_walk
from tests.support.trading_session import ONE_COIN, ByColour, buy, planned, scripted, sell
from tests.support.venue_session import COINUSDT, a_config, an_instrument

from botcore.backtest import (
    SIMULATED,
    BacktestingFramework,
    BarSeries,
    BarTape,
    StrategyRun,
    demo_instruments,
    demo_tape,
)
from botcore.backtest.framework import stopped
from botcore.backtest.stage import ACCOUNT
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.events import ModeChanged
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos
from botcore.domain.intents import Intent
from botcore.domain.market import Bar, BarSpec
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.kernel.clock import ManualClock
from botcore.risk import RiskLimits
from botcore.strategies import Needs, StrategyView
from botcore.strategies.library import EmaCross
from botcore.venues.simulated import VenueConfig

WIDE = RiskLimits(order_frac=10.0, instrument_frac=10.0, account_frac=10.0, daily_loss_frac=0.99)


def a_tape(*bars: tuple[float, float, float, float], stamps: list[int] | None = None) -> BarTape:
    """Minutes of open, high, low and close."""
    rows = np.array(bars, float).T
    columns = dict(zip(("open", "high", "low", "close"), rows, strict=True))
    columns["volume"] = np.full(len(bars), 1e6)
    minutes = np.array(stamps or range(len(bars)), dtype=np.int64)
    return BarTape(
        [BarSeries(COINUSDT, BarSpec(MINUTE_NS), ts_open=minutes * MINUTE_NS, columns=columns)]
    )


def a_framework(tape: BarTape, **more: Any) -> BacktestingFramework:
    given: dict[str, Any] = {
        "cash": "1000",
        "venue": a_config(taker_fee_ppm=1_000),
        "limits": WIDE,
        "strategies": {"colour": ByColour},
    }
    return BacktestingFramework(tape=tape, instruments=[an_instrument()], **(given | more))


RISES, FALLS = (100.0, 102.0, 99.0, 101.0), (110.0, 111.0, 104.0, 105.0)
TAPE = (
    RISES,  # wants a coin
    (100.0, 120.0, 100.0, 110.0),  # bought at 100, marked at 110
    FALLS,  # marked at 105, wants out
    (104.0, 106.0, 90.0, 95.0),  # sold at 104
    (95.0, 100.0, 95.0, 98.0),  # wants a coin
    (98.0, 99.0, 80.0, 90.0),  # bought at 98, marked at 90, wants out
    (88.0, 90.0, 85.0, 86.0),  # sold at 88
    (86.0, 88.0, 86.0, 87.0),  # wants a coin
    (87.0, 97.0, 87.0, 96.0),  # bought at 87, marked at 96, still held
)


def test_a_report_of_a_hand_computed_tape() -> None:
    report = a_framework(a_tape(*TAPE)).run_backtest(StrategyRun("colour", sizing=ONE_COIN))

    fees = [Decimal(price) / 1000 for price in (100, 104, 98, 88, 87)]
    assert (report.bars, report.gaps, report.orders, report.fills) == (9, 0, 5, 5)
    assert (report.denied, report.ambiguous_bars, report.open_positions) == (0, 0, 1)
    assert report.fees == sum(fees) == Decimal("0.477")
    assert report.equity_start == 1000
    assert report.equity_end == 1000 + 4 - 10 + (96 - 87) - Decimal("0.477")
    assert [trip.profit for trip in report.trips] == [
        pytest.approx(4 - 0.204),
        pytest.approx(-10 - 0.186),
    ]
    assert [(trip.opened // MINUTE_NS, trip.closed // MINUTE_NS) for trip in report.trips] == [
        (1, 3),
        (5, 6),
    ]
    curve = [
        1000.0,
        1009.9,
        1004.9,
        1003.796,
        1003.796,
        995.698,
        993.61,
        993.61,
        1002.523,
    ]
    assert list(report.curve.equity) == pytest.approx(curve)
    assert list(report.curve.stamps) == [minute * MINUTE_NS for minute in range(1, 10)]
    assert report.return_frac == pytest.approx(0.002523)
    assert report.drawdown_frac == pytest.approx((1009.9 - 993.61) / 1009.9)
    rows = dict(report.rows())
    assert rows["winning round trips"] == "50.0%"
    assert rows["profit factor"] == "0.37"
    assert rows["equity at the end"] == "1,002.52 USDT"


def test_e106_the_drawdown_counts_from_the_opening_cash() -> None:
    tape = a_tape(RISES, (100.0, 100.0, 80.0, 81.0), (81.0, 85.0, 80.0, 84.0))
    free = a_framework(tape, venue=a_config())

    report = free.run_backtest(StrategyRun("colour", sizing=ONE_COIN))

    assert max(report.curve.equity) == 1000.0
    assert report.drawdown_frac == pytest.approx(0.019), "open, and marked to market"


class Unlike(EmaCross):
    """Its rule in columns does not say what `decide` says."""

    name: ClassVar[str] = "unlike"

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        raise ArithmeticError("in columns only")


def test_a_rule_in_columns_that_was_not_used_stands_in_the_report() -> None:
    tape = a_walk(3, 400)
    framework = BacktestingFramework(
        tape=tape, instruments=(an_instrument(),), strategies={"unlike": Unlike}
    )

    found = dict(framework.run_backtest("unlike").assumptions)

    assert "in columns only" in found["rule in columns: unlike"]
    plain = dict(framework.run_backtest("ema-cross").assumptions)
    assert not any(name.startswith("rule in columns") for name in plain)


def test_a_collector_that_is_off_stays_off() -> None:
    before = gc.get_threshold()
    gc.set_threshold(0)
    during = []
    try:
        a_framework(a_tape(*TAPE)).run_backtest(
            "colour", progress=lambda _done, _total: during.append(gc.get_threshold()[0])
        )
        assert set(during) == {0} == {gc.get_threshold()[0]}
    finally:
        gc.set_threshold(*before)


def test_the_garbage_collector_is_left_as_it_was_found() -> None:
    before, during = gc.get_threshold(), []
    free = a_framework(a_tape(*TAPE))

    def stop(_done: int, _total: int) -> None:
        during.append((gc.get_threshold(), gc.isenabled()))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        free.run_backtest("colour", progress=stop)

    assert during != [(before, True)]
    assert during[0][1], "it is never switched off"
    assert gc.get_threshold() == before


def test_a_run_without_trades_has_no_rates_and_keeps_its_cash() -> None:
    flat = [(100.0, 100.0, 100.0, 100.0)] * 5
    report = a_framework(a_tape(*flat)).run_backtest("colour")

    assert (report.orders, report.fees, report.equity_end) == (0, 0, 1000)
    assert report.drawdown_frac == report.return_frac == 0.0
    rows = dict(report.rows())
    assert rows["winning round trips"] == rows["profit factor"] == "–"


def test_an_ambiguous_bar_and_a_denial_and_a_gap_are_counted() -> None:
    bracket = planned(
        {
            1: lambda view: [buy(view, "1", stop_loss="95", take_profit="105"), sell(view, "50")],
        }
    )
    tape = a_tape(
        *[(100.0, 100.0, 100.0, 100.0)] * 2,
        (100.0, 106.0, 94.0, 100.0),
        (100.0,) * 4,
        stamps=[0, 1, 2, 9],
    )

    report = a_framework(tape, strategies={"bracket": bracket}).run_backtest("bracket")

    assert (report.ambiguous_bars, report.denied, report.gaps) == (1, 1, 1)
    assert (report.orders, report.fills, report.open_positions) == (3, 2, 0)


def test_p15_an_open_position_is_not_closed_at_the_end() -> None:
    report = a_framework(a_tape(RISES, (100.0, 130.0, 100.0, 125.0))).run_backtest(
        StrategyRun("colour", sizing=ONE_COIN)
    )

    assert (report.open_positions, report.orders) == (1, 1)
    assert report.equity_end == Decimal("1024.9")
    assert report.trips == ()


def test_i13_two_runs_of_one_framework_are_one_result() -> None:
    framework = a_framework(a_tape(*TAPE))

    one, other = (framework.run_backtest(StrategyRun("colour")) for _ in range(2))

    assert one.fingerprint == other.fingerprint
    assert one.inputs_digest == other.inputs_digest
    assert one.equity_end == other.equity_end


def test_the_inputs_digest_names_parameters_tape_and_limits() -> None:
    run = StrategyRun("colour")
    frameworks = [
        (a_framework(a_tape(*TAPE)), run),
        (a_framework(a_tape(*TAPE[1:])), run),
        (a_framework(a_tape(*TAPE), limits=RiskLimits()), run),
        (a_framework(a_tape(*TAPE)), StrategyRun("colour", {"rise": 0.5})),
    ]

    digests = {framework.run_backtest(each).inputs_digest for framework, each in frameworks}

    assert len(digests) == len(frameworks)


def test_two_runs_of_one_strategy_have_names_of_their_own() -> None:
    report = a_framework(a_tape(*TAPE)).run_backtest(
        [StrategyRun("colour", sizing=ONE_COIN), StrategyRun("colour", sizing=ONE_COIN)]
    )

    assert {trip.strategy for trip in report.trips} == {"colour", "colour-2"}
    assert report.title == "colour, colour-2 on COINUSDT.SIM"


def test_a_range_is_taken_by_the_open_of_its_bars() -> None:
    report = a_framework(a_tape(*TAPE)).run_backtest(
        StrategyRun("colour", sizing=ONE_COIN), (4 * MINUTE_NS, 7 * MINUTE_NS)
    )

    assert (report.bars, report.fills) == (3, 2)
    assert report.equity_end == Decimal(1000) - 10 - Decimal("0.186")


def test_progress_is_told_up_to_the_end() -> None:
    told: list[tuple[int, int]] = []

    a_framework(a_tape(*TAPE)).run_backtest(
        "colour", progress=lambda done, total: told.append((done, total))
    )

    assert told[-1] == (9, 9)
    assert all(total == 9 for _, total in told)


def test_every_assumption_limit_and_size_is_printed_with_its_value() -> None:
    report = a_framework(a_tape(*TAPE), venue=VenueConfig()).run_backtest("colour")
    printed = dict(report.assumptions)

    assert printed["fee"] == "taker 0.1 %, maker 0.1 %"
    assert printed["limit: order"] == "10 of equity"
    assert printed["sizing: colour"].startswith("0.1 of equity")
    assert len([name for name, _ in report.assumptions if name == "phase"]) == 10


def test_a_simulated_market_is_said_to_be_one() -> None:
    framework = BacktestingFramework(
        tape=demo_tape(60, seed=1, step_ns=MINUTE_NS),
        instruments=demo_instruments(),
        warning=SIMULATED,
        clock=ManualClock(0),
    )

    report = framework.run_backtest("ema-cross")

    assert report.warning.startswith("SIMULATED MARKET")
    assert report.seconds == 0.0
    assert report.bars == 180


REFUSED: list[tuple[str, dict[str, Any], Any, str, str]] = [
    ("a strategy", {}, "colours", "STRATEGY_UNKNOWN", "known:"),
    ("a near strategy", {}, "ema-cros", "STRATEGY_UNKNOWN", "did you mean 'ema-cross'?"),
    (
        "a parameter",
        {},
        StrategyRun("ema-cross", {"slwo": 3}),
        "PARAMETER_UNKNOWN",
        "did you mean 'slow'?",
    ),
    (
        "a value",
        {},
        StrategyRun("ema-cross", {"slow": 1e9}),
        "PARAMETER_REFUSED",
        "2 to 10000",
    ),
    (
        "a value that is none",
        {},
        StrategyRun("ema-cross", {"slow": float("nan")}),
        "PARAMETER_REFUSED",
        "",
    ),
    (
        "an instrument",
        {},
        StrategyRun("colour", instruments=(InstrumentId("COINSUSDT.SIM"),)),
        "INSTRUMENT_UNKNOWN",
        "did you mean 'COINUSDT.SIM'?",
    ),
    ("an amount", {"cash": "lots"}, "colour", "AMOUNT_REFUSED", ""),
    ("no money", {"cash": "0"}, "colour", "AMOUNT_REFUSED", ""),
    ("infinite money", {"cash": "Infinity"}, "colour", "AMOUNT_REFUSED", ""),
    ("too fine money", {"cash": "0.000000001"}, "colour", "AMOUNT_REFUSED", ""),
]


@pytest.mark.parametrize("case", REFUSED, ids=[name for name, *_ in REFUSED])
def test_what_does_not_exist_is_refused_with_code_cause_and_fix(
    case: tuple[str, dict[str, Any], Any, str, str],
) -> None:
    _, settings, run, code, fix = case

    with pytest.raises(ConfigError) as refused:
        a_framework(a_tape(*TAPE), **settings).run_backtest(run)

    assert refused.value.code == code
    assert fix in refused.value.fix
    assert refused.value.cause


def test_a_range_without_bars_is_refused() -> None:
    with pytest.raises(ConfigError, match="TAPE_EMPTY"):
        a_framework(a_tape(*TAPE)).run_backtest("colour", (10**18, None))


def test_a_price_off_the_grid_stops_the_run_and_names_it() -> None:
    tape = a_tape(RISES, (100.001, 101.0, 99.0, 100.0))

    with pytest.raises(BotError, match=r"100\.001"):
        a_framework(tape).run_backtest(StrategyRun("colour", sizing=ONE_COIN))


def test_an_event_strategy_runs_in_a_backtest_as_well() -> None:
    grid = scripted(
        lambda bar, view: (
            []
            if view.working(COINUSDT)
            else [
                buy(view, "0.5", OrderType.LIMIT, limit_price=bar.close - 3),
                *(
                    [sell(view, view.position(COINUSDT), reduce_only=True)]
                    if view.position(COINUSDT)
                    else []
                ),
            ]
        )
    )

    report = a_framework(a_tape(*TAPE), strategies={"grid": grid}).run_backtest("grid")

    assert report.fills > 2
    assert not isnan(report.return_frac)


def test_an_event_strategy_is_shown_the_history_that_it_asks_for() -> None:
    shown: list[tuple[int, bool]] = []

    def look(bar: Bar, view: StrategyView) -> list[Intent]:
        shown.append((bar.ts_close // MINUTE_NS, view.is_warmup))
        return []

    asks = scripted(look)
    asks.needs = Needs(history_bars=2)
    framework = a_framework(a_tape(*TAPE), strategies={"asks": asks})

    report = framework.run_backtest("asks", (5 * MINUTE_NS, 7 * MINUTE_NS))

    assert shown == [(4, True), (5, True), (6, False), (7, False)]
    assert report.bars == 2


def test_a_limit_that_ended_all_opening_is_told_before_the_figures() -> None:
    limits = msgspec.structs.replace(WIDE, drawdown_frac=0.0005)

    report = a_framework(a_tape(*TAPE), limits=limits).run_backtest("colour")

    (told,) = [note for note in report.notes if "nothing was opened after" in note]
    assert "1970-01-01 00:03" in told
    assert "DRAWDOWN" in told


def test_a_run_without_a_stop_tells_of_none() -> None:
    report = a_framework(a_tape(*TAPE)).run_backtest("colour")

    assert report.notes == ()


def test_a_limit_that_paused_opening_is_told_with_how_often() -> None:
    def moved(mode: Mode, previous: Mode, ts: int) -> ModeChanged:
        return ModeChanged(ACCOUNT, Nanos(ts), previous, mode, "DAILY_LOSS: so much", "risk")

    pauses = [moved(Mode.REDUCE_ONLY, Mode.NORMAL, 1), moved(Mode.NORMAL, Mode.REDUCE_ONLY, 2)] * 2

    assert [told.split(":")[0] for told in stopped(pauses)] == [
        "for part of the run positions were only reduced, 2 times"
    ]


def test_e13_a_hole_in_the_history_weighs_on_the_first_decisions() -> None:
    tape = a_tape(*[RISES] * 10, stamps=[0, 1, 2, 3, 10, 11, 12, 13, 14, 15])
    strategies = {"ema-cross": EmaCross}
    few = StrategyRun("ema-cross", {"fast": 2, "slow": 3})

    whole = a_framework(tape, strategies=strategies).run_backtest(few, (10 * MINUTE_NS, None))

    (told,) = whole.notes
    assert told.startswith("6 decisions were made on indicators that span a hole")
