"""A tape played with lulls is a tape played bar by bar, equal to the bit."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support.lulls import (
    Case,
    Patient,
    Play,
    Run,
    a_walk,
    assert_lulls_change_nothing,
    recorded_tape,
    several,
    side_by_side_walks,
)
from tests.support.trading_session import ACCOUNT, ONE_COIN, WIDE, ByColour, buy, scripted
from tests.support.venue_session import a_config, an_instrument

from botcore.backtest import BarTape, StrategyRun, demo_instruments, demo_tape
from botcore.backtest.framework import BacktestingFramework
from botcore.backtest.playing import Player
from botcore.backtest.tape import side_by_side
from botcore.domain.errors import DataError
from botcore.domain.events import (
    ModeChanged,
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    PerformanceUpdate,
    StrategyQuarantined,
)
from botcore.domain.ids import DAY_NS, MINUTE_NS, AccountId, Currency, InstrumentId
from botcore.domain.intents import PlaceOrder
from botcore.domain.market import Bar, BarFlag, BarSpec
from botcore.domain.modes import Mode
from botcore.engine import StrategyClass
from botcore.risk import RiskLimits, Sizing, SizingKind
from botcore.strategies import StrategyView
from botcore.strategies.library import SIGNAL_LIBRARY
from botcore.venues.simulated import VenueConfig
from botcore.venues.simulated.config import FeeMode

OTHER = AccountId("other")
LOOSE = {"no_trade_bps": 0}
STEADY = Run(Patient)


def fraction(share: float = 0.5, band: float = 0.25) -> Sizing:
    return Sizing(equity_frac=share, band_frac=band)


@dataclass(frozen=True)
class Shown:
    """A case, and what must have come about in it, so that it is not an empty one.

    Attributes:
        lulled: the least share of the bars that lulls must have taken.
        holds: whether what the case is about has happened.
    """

    case: Case
    lulled: float
    holds: Callable[[Play], bool]


def has(kind: type[Any], at_least: int = 1) -> Callable[[Play], bool]:
    return lambda play: len(play.of(kind)) >= at_least


def stopped(cause: str) -> Callable[[Play], bool]:
    return lambda play: any(
        fact.mode is Mode.REDUCE_ONLY and fact.cause.startswith(cause)
        for fact in play.of(ModeChanged)
    )


def quarantined(word: str, taken_before: int) -> Callable[[Play], bool]:
    """Whether a strategy was quarantined for that reason, behind a lull that was long enough."""
    return lambda play: (
        [word in fact.cause for fact in play.of(StrategyQuarantined)] == [True]
        and sum(play.lulls.taken) > taken_before
    )


def sized(sizing: Sizing) -> Run:
    return Run(Patient, {"hold": 150, "idle": 150}, sizing)


TRADES = has(OrderFilled, 4)
RISING = a_walk(3, 4_000, drift_bps=1.0)
FALLING = a_walk(4, 4_000, drift_bps=-1.0)
CAPPED = a_config(participation_ppm=10_000)
VOLATILITY = Sizing(kind=SizingKind.VOLATILITY_TARGET, equity_frac=0.4, volatility=0.2)
ATR = Sizing(kind=SizingKind.ATR_RISK, equity_frac=0.4)
TIGHT = RiskLimits(order_frac=0.05)
LOSS = RiskLimits(order_frac=1.0, instrument_frac=2.0, daily_loss_frac=0.01, drawdown_frac=0.9)
DRAWDOWN = RiskLimits(order_frac=1.0, instrument_frac=2.0, daily_loss_frac=0.9, drawdown_frac=0.02)
BOTH_STOPS = RiskLimits(
    order_frac=1.0, instrument_frac=2.0, daily_loss_frac=0.004, drawdown_frac=0.02
)
TWO_COINS = Sizing(kind=SizingKind.FIXED, quantity=ONE_COIN.quantity * 2)


def one(run: Run, tape: BarTape | None = None, **more: Any) -> Case:
    return Case(tape or a_walk(1, 4_000, idle_frac=0.05), [run], **more)


SHOWN: dict[str, Shown] = {
    "all of the library": Shown(
        Case(a_walk(11, 3_000), [Run(each) for each in SIGNAL_LIBRARY.values()]), 0.9, TRADES
    ),
    "several of one kind, and one that is warm later": Shown(
        Case(
            a_walk(12, 3_000),
            [
                Run(SIGNAL_LIBRARY["ema-cross"]),
                Run(SIGNAL_LIBRARY["ema-cross"], {"fast": 50, "slow": 400}),
                Run(Patient, {"hold": 37, "idle": 301}, fraction()),
                Run(Patient, {"hold": 500, "idle": 11}, TWO_COINS),
            ],
        ),
        0.5,
        TRADES,
    ),
    "fixed": Shown(one(sized(TWO_COINS)), 0.9, TRADES),
    "a fraction with a narrow band": Shown(
        one(sized(fraction(band=0.002))), 0.9, has(OrderFilled, 100)
    ),
    "a fraction with no band": Shown(one(sized(fraction(band=0.0))), 0.3, has(OrderFilled, 100)),
    "a fraction with a wide band": Shown(one(sized(fraction(band=0.5))), 0.9, TRADES),
    "half a weight": Shown(
        one(Run(Patient, {"weight": 0.3, "hold": 150}, fraction(band=0.05))), 0.9, TRADES
    ),
    "a volatility target": Shown(one(sized(VOLATILITY)), 0.0, TRADES),
    "risk by range": Shown(one(sized(ATR)), 0.0, TRADES),
    "a volatility target beside a fixed one": Shown(
        Case(a_walk(13, 2_000), [sized(VOLATILITY), STEADY]), 0.0, TRADES
    ),
    "always denied": Shown(
        one(sized(fraction(0.5)), limits={ACCOUNT: TIGHT}), 0.3, has(OrderDenied)
    ),
    "denied beside one that is not": Shown(
        Case(a_walk(14, 3_000), [sized(fraction(0.5)), sized(TWO_COINS)], limits={ACCOUNT: TIGHT}),
        0.3,
        lambda play: bool(play.of(OrderDenied)) and bool(play.of(OrderFilled)),
    ),
    "a daily loss": Shown(
        one(sized(fraction(0.9)), FALLING, limits={ACCOUNT: LOSS}, cash="10000"),
        0.05,
        stopped("DAILY_LOSS"),
    ),
    "a drawdown": Shown(
        one(sized(fraction(0.9)), FALLING, limits={ACCOUNT: DRAWDOWN}, cash="10000"),
        0.01,
        stopped("DRAWDOWN"),
    ),
    "a drawdown from a peak": Shown(
        one(
            Run(Patient, {"hold": 4_000, "idle": 1}, fraction(0.9)),
            a_walk(15, 4_000, drift_bps=0.2),
            limits={ACCOUNT: DRAWDOWN},
        ),
        0.3,
        lambda play: stopped("DRAWDOWN")(play) and play.of(PerformanceUpdate)[-1].peak > 1_000_100,
    ),
    "both limits": Shown(
        one(sized(fraction(0.9)), a_walk(16, 6_000), limits={ACCOUNT: BOTH_STOPS}),
        0.02,
        lambda play: stopped("DAILY_LOSS")(play) and stopped("DRAWDOWN")(play),
    ),
    "new peaks": Shown(
        one(Run(Patient, {"hold": 1_000, "idle": 5}, fraction()), RISING),
        0.9,
        lambda play: play.engine.desk.accounts[0].peak > 1_050_000,
    ),
    "many days": Shown(
        one(
            sized(fraction()),
            a_walk(17, 3_000, spec=BarSpec(60 * MINUTE_NS), origin=DAY_NS // 3, step_bps=30.0),
        ),
        0.9,
        has(PerformanceUpdate, 100),
    ),
    "a bar that closes at midnight": Shown(
        one(STEADY, a_walk(18, 200, origin=5 * DAY_NS - 100 * MINUTE_NS)),
        0.5,
        lambda play: [fact.ts for fact in play.of(PerformanceUpdate)] == [5 * DAY_NS],
    ),
    "gaps": Shown(
        one(sized(fraction()), a_walk(19, 4_000, gap_frac=0.03)), 0.9, has(PerformanceUpdate, 5)
    ),
    "minutes in which nobody trades": Shown(
        one(sized(fraction()), a_walk(20, 4_000, idle_frac=0.7)), 0.5, TRADES
    ),
    "one that raises": Shown(
        one(Run(Patient, {"raise_at": 777})), 0.1, quarantined("ValueError: not on this bar", 700)
    ),
    "one that raises on its first bar": Shown(
        Case(a_walk(21, 600), [STEADY, Run(Patient, {"raise_at": 1})]),
        0.0,
        has(StrategyQuarantined),
    ),
    "one that raises where another wants something": Shown(
        Case(a_walk(22, 1_500), [STEADY, Run(Patient, {"raise_at": 800}), Run(Patient)]),
        0.3,
        quarantined("ValueError", 700),
    ),
    "one that raises where a day begins": Shown(
        one(
            Run(Patient, {"raise_at": 100 - 5}),
            a_walk(23, 300, origin=5 * DAY_NS - 100 * MINUTE_NS),
        ),
        0.1,
        quarantined("ValueError", 50),
    ),
    "one that has no view now and then": Shown(
        one(Run(Patient, {"silent_every": 40}, fraction())), 0.5, TRADES
    ),
    "one that never has a view": Shown(
        one(Run(Patient, {"silent_every": 1})), 0.0, lambda play: not play.of(OrderPlaced)
    ),
    "one that returns NaN without a word": Shown(
        one(Run(Patient, {"mute_at": 777})), 0.1, quarantined("STRATEGY_WEIGHT_NAN", 700)
    ),
    "one that returns what is no weight": Shown(
        one(Run(Patient, {"wild_at": 777})), 0.1, quarantined("STRATEGY_WEIGHT_OUT_OF_RANGE", 700)
    ),
    "partial fills by a cap": Shown(
        one(sized(TWO_COINS), a_walk(24, 4_000, volume=5.0), venue=CAPPED),
        0.7,
        lambda play: len(play.of(OrderFilled)) > 5 * len(play.of(OrderPlaced)),
    ),
    "the default costs of a venue": Shown(
        one(
            sized(fraction()),
            limits={ACCOUNT: RiskLimits(order_frac=0.9, instrument_frac=0.9)},
            venue=VenueConfig(),
        ),
        0.5,
        TRADES,
    ),
    "fees in a third currency": Shown(
        one(
            sized(fraction()),
            venue=a_config(
                taker_fee_ppm=1_000,
                fee_mode=FeeMode.THIRD,
                fee_currency=Currency("BNB"),
                fee_price=ONE_COIN.quantity * 600,
            ),
            coins={"BNB": "100"},
        ),
        0.0,
        lambda play: not any(play.lulls.taken) and bool(play.of(OrderFilled)),
    ),
    "two accounts": Shown(
        Case(
            a_walk(25, 4_000),
            [sized(fraction()), Run(Patient, {"hold": 90}, fraction(0.3), account=OTHER)],
            limits={ACCOUNT: WIDE, OTHER: WIDE},
        ),
        0.9,
        lambda play: {fact.account for fact in play.of(OrderFilled)} == {ACCOUNT, OTHER},
    ),
    "two accounts of which one is stopped": Shown(
        Case(
            FALLING,
            [sized(fraction()), Run(Patient, {"hold": 90}, TWO_COINS, account=OTHER)],
            limits={ACCOUNT: WIDE, OTHER: LOSS},
            cash="1000",
        ),
        0.8,
        lambda play: {fact.account for fact in play.of(ModeChanged)} == {OTHER},
    ),
    "an account without a strategy": Shown(
        Case(a_walk(26, 1_000), [STEADY], limits={OTHER: WIDE, ACCOUNT: WIDE}), 0.9, TRADES
    ),
    "by the colour of each bar": Shown(
        Case(a_walk(27, 1_500), [Run(ByColour)]), 0.3, has(OrderFilled, 200)
    ),
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_lull_leaves_what_a_step_for_each_bar_leaves(name: str) -> None:
    shown = SHOWN[name]

    play = assert_lulls_change_nothing(shown.case)

    assert sum(play.lulls.taken) >= shown.lulled * len(shown.case.tape)
    assert shown.holds(play)


@pytest.mark.parametrize("sizing", [ONE_COIN, fraction()], ids=["fixed", "fraction"])
@pytest.mark.parametrize("strategy", SIGNAL_LIBRARY.values(), ids=list(SIGNAL_LIBRARY))
def test_every_strategy_of_the_library_decides_the_same_in_lulls(
    strategy: StrategyClass, sizing: Sizing
) -> None:
    tape = a_walk(2, 3_000, step_bps=20.0, idle_frac=0.02)

    play = assert_lulls_change_nothing(Case(tape, [Run(strategy, {}, sizing)]))

    assert sum(play.lulls.taken) > 0.5 * len(tape)
    assert play.of(OrderFilled)


def test_recorded_days_with_an_outage_are_played_the_same(market_data_dir: Path) -> None:
    tape = recorded_tape(
        market_data_dir, "BTCUSDT", "2022-11-08", "2022-11-09", "2023-03-23", "2023-03-24"
    )
    runs = [Run(each, {}, fraction(0.1)) for each in SIGNAL_LIBRARY.values()]
    bitcoin = an_instrument("BTCUSDT.SIM", lot="0.00001", min_notional="10")

    play = assert_lulls_change_nothing(
        Case(
            tape, runs, instruments=(bitcoin,), venue=VenueConfig(), limits={ACCOUNT: RiskLimits()}
        )
    )

    assert sum(play.lulls.taken) > 0.4 * len(tape)
    assert len(play.of(OrderFilled)) > 10
    assert (tape.series[0].columns["volume"] == 0).any()
    assert tape.gaps


def test_no_bar_is_taken_together_while_an_event_strategy_listens() -> None:
    heard: list[int] = []

    def say(bar: Bar, view: StrategyView) -> list[PlaceOrder]:
        heard.append(bar.ts_close)
        return [buy(view)] if bar.ts_close == 50 * MINUTE_NS else []

    tape = a_walk(5, 300)

    play = assert_lulls_change_nothing(Case(tape, [STEADY, Run(scripted(say))]))

    assert not any(play.lulls.taken)
    assert len(heard) == 2 * len(tape), "every bar, in either play"


def test_bars_of_several_instruments_are_taken_together() -> None:
    tape = side_by_side_walks(6, 3, 600)
    instruments = [an_instrument(name) for name in several(3)]

    play = assert_lulls_change_nothing(Case(tape, [STEADY], instruments=instruments))

    assert sum(play.lulls.taken) > 0.5 * 600
    assert {fact.instrument for fact in play.of(OrderFilled)} == set(several(3))


def test_bars_are_taken_together_with_those_that_have_one_at_the_stamp() -> None:
    tape = side_by_side_walks(6, 2, 600, gap_frac=0.02)
    instruments = [an_instrument(name) for name in several(2)]

    play = assert_lulls_change_nothing(Case(tape, [STEADY], instruments=instruments))

    assert any(play.lulls.taken)
    gaps = [each.flags & int(BarFlag.GAP_BEFORE) for each in tape.series]
    assert all(each.any() for each in gaps)


@pytest.mark.parametrize(
    "limits",
    [RiskLimits(drawdown_frac=0.004), RiskLimits(daily_loss_frac=0.002)],
    ids=["a drawdown", "a daily loss"],
)
def test_bars_are_taken_together_while_an_account_may_only_reduce(limits: RiskLimits) -> None:
    tape = side_by_side_walks(21, 2, 4_000, step_bps=12.0)
    instruments = [an_instrument(name, min_notional="10") for name in several(2)]
    runs = [Run(each, {}, fraction(0.1)) for each in SIGNAL_LIBRARY.values()]

    play = assert_lulls_change_nothing(
        Case(tape, runs, instruments=instruments, limits={ACCOUNT: limits}, cash="10000")
    )

    stopped = [fact for fact in play.of(ModeChanged) if fact.mode is Mode.REDUCE_ONLY]
    assert stopped
    after = sum(1 for key, _ in play.steps if key.ts > stopped[0].ts)
    assert sum(play.lulls.taken) > 0.8 * 4_000, f"{after} steps made facts after the stop"
    assert play.of(OrderDenied)


def test_no_bar_of_two_timeframes_is_taken_together() -> None:
    longer = BarSpec(5 * MINUTE_NS)
    tape = BarTape([*a_walk(6, 300).series, *a_walk(7, 60, spec=longer).series])

    play = assert_lulls_change_nothing(Case(tape, [STEADY]))

    assert play.lulls.taken == []


def test_parts_side_by_side_hold_every_bar_once_with_its_flags() -> None:
    tape = side_by_side_walks(9, 3, 400, gap_frac=0.05)

    found: dict[InstrumentId, list[Bar]] = {each.instrument: [] for each in tape.series}
    for together in side_by_side(tape.series, 64):
        assert len({part.ts_close.tobytes() for part in together}) == 1
        for part in together:
            found[part.instrument] += [part.bar(at) for at in range(len(part))]

    for each in tape.series:
        played = [event.bars[0] for event in BarTape([each])]
        assert found[each.instrument] == played


@pytest.mark.parametrize("cut", [1, 100, 499, 500, 501, 1_777, 2_999])
def test_a_tape_may_go_on_after_a_lull_in_another_way(cut: int) -> None:
    tape = a_walk(8, 3_000)
    at = int(tape.series[0].ts_open[cut])
    first, second = tape.between(None, at), tape.between(at, None)
    case = Case(tape, [sized(TWO_COINS), sized(fraction(band=0.01))], venue=VenueConfig())

    plays = [
        Play(case).bar_by_bar(tape),
        Play(case).with_lulls(first, part=500).bar_by_bar(second),
        Play(case).bar_by_bar(first).with_lulls(second, part=500),
        Play(case).with_lulls(first, part=500).with_lulls(second, part=333),
    ]

    expected, *others = [play.left() for play in plays]
    assert [
        (number, name)
        for number, left in enumerate(others)
        for name in expected
        if left[name] != expected[name]
    ] == []


@pytest.mark.parametrize("origin", range(0, 60, 7))
def test_an_order_right_behind_a_lull_meets_the_price_before_it(origin: int) -> None:
    """The venue is told of the last bar of a lull, or of the next one, and never of neither."""
    tape = a_walk(9, 500)
    run = Run(Patient, {"hold": 48 + origin, "idle": 96 - origin})

    play = assert_lulls_change_nothing(Case(tape, [run], venue=a_config(price_band_ppm=0)))

    assert play.of(OrderFilled)


def test_an_error_of_the_tape_in_the_middle_comes_at_the_same_bar() -> None:
    tape = a_walk(10, 500)
    columns = tape.series[0].columns
    for name in ("open", "high", "low", "close"):
        columns[name][203:] += 0.001  # off the grid: the order that waits meets it
    case = Case(tape, [Run(Patient, {"hold": 100, "idle": 98})])
    lulled, stepped = Play(case), Play(case)

    with pytest.raises(DataError) as one_error:
        lulled.with_lulls(tape)
    with pytest.raises(DataError) as other_error:
        stepped.bar_by_bar(tape)

    assert str(one_error.value) == str(other_error.value)
    assert lulled.left() == stepped.left()


def test_the_framework_reports_what_a_play_bar_by_bar_gives() -> None:
    tape = demo_tape(3_000, seed=4, step_ns=MINUTE_NS, instruments=("BTCUSDT.SIM",))
    runs = [StrategyRun(name, sizing=fraction(0.1)) for name in SIGNAL_LIBRARY]
    framework = BacktestingFramework(tape=tape, instruments=demo_instruments())
    case = Case(
        tape,
        [Run(SIGNAL_LIBRARY[name], {}, fraction(0.1)) for name in SIGNAL_LIBRARY],
        limits={ACCOUNT: RiskLimits()},
        venue=VenueConfig(),
        instruments=demo_instruments(),
        cash="10000",
    )

    report = framework.run_backtest(runs)

    play = Play(case).bar_by_bar(tape)
    curve = play.engine.curves[ACCOUNT]
    assert (report.curve.stamps, report.curve.equity) == (curve.stamps, curve.equity)
    assert report.orders == len(play.of(OrderPlaced)) > 10
    assert report.fills == len(play.of(OrderFilled))


def test_progress_is_told_from_nothing_to_all_of_a_long_tape() -> None:
    tape = a_walk(28, 20_000)
    play = Play(Case(tape, [STEADY]))
    told: list[tuple[int, int]] = []

    Player(play.session, engine=play.engine, venue=play.venue, sequencer=play.sequencer).play(
        tape, lambda done, total: told.append((done, total))
    )

    assert told[0] == (0, 20_000)
    assert told[-1] == (20_000, 20_000)
    assert len(told) > 3
    assert told == sorted(told)
