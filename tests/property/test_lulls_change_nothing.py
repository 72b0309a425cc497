"""Whatever is taken together, a bar at a time gives the same to the bit."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import event, example, given, settings
from hypothesis import strategies as st
from tests.support.lulls import (
    Case,
    Patient,
    Run,
    a_walk,
    assert_lulls_change_nothing,
    several,
    side_by_side_walks,
)
from tests.support.trading_session import ACCOUNT, WIDE
from tests.support.venue_session import a_config
from tests.support.venue_session import an_instrument as rules_of
from tests.unit.portfolio.builders import (
    BITCOIN,
    BTCUSDT,
    ETHER,
    ETHUSDT,
    MAIN,
    an_instrument,
    buy,
    deposit,
)

from botcore.domain.events import ProtectionLocked
from botcore.domain.ids import DAY_NS, MINUTE_NS, AccountId, Currency, InstrumentId, Nanos
from botcore.domain.market import BarSpec
from botcore.portfolio import Portfolio, Valuation
from botcore.risk import (
    AccountRisk,
    CoolDown,
    Counted,
    DrawdownGuard,
    LowProfit,
    Protection,
    RiskLimits,
    Scope,
    Sizing,
    SizingKind,
    StopLossGuard,
)
from botcore.strategies.layout import CODE, HELD
from botcore.strategies.library import SIGNAL_LIBRARY
from botcore.strategies.library.hysteresis import (
    FLAT,
    LONG,
    NO_VIEW_YET,
    UNDECIDED,
    VIEW,
    conclude,
    sided,
    verdict,
)

SIZINGS = (
    Sizing(kind=SizingKind.FIXED, quantity=Decimal(1)),
    Sizing(equity_frac=0.3, band_frac=0.0),
    Sizing(equity_frac=0.3, band_frac=0.003),
    Sizing(equity_frac=0.3, band_frac=0.25),
    Sizing(kind=SizingKind.VOLATILITY_TARGET, equity_frac=0.4),
    Sizing(kind=SizingKind.ATR_RISK, equity_frac=0.4),
)
LIMITS = (
    WIDE,
    RiskLimits(),
    RiskLimits(order_frac=0.5, daily_loss_frac=0.002),
    RiskLimits(order_frac=0.5, drawdown_frac=0.004),
)
PROTECTIONS: tuple[tuple[Protection, ...], ...] = (
    (),
    (CoolDown(name="rest", lock_ns=40 * MINUTE_NS),),
    (
        DrawdownGuard(
            name="fall",
            drawdown_frac=0.002,
            trades=0,
            lookback_ns=96 * MINUTE_NS,
            lock_ns=90 * MINUTE_NS,
        ),
    ),
    (
        DrawdownGuard(
            name="fall", drawdown_frac=0.004, trades=2, lookback_ns=DAY_NS, lock_ns=DAY_NS
        ),
        StopLossGuard(name="losses", exits=2, counts=Counted.LOSSES, lookback_ns=DAY_NS),
        LowProfit(name="weak", trades=2, lookback_ns=DAY_NS, lock_ns=60 * MINUTE_NS),
        CoolDown(name="rest", lock_ns=3 * MINUTE_NS, scope=Scope.INSTRUMENT),
    ),
)
lengths = st.one_of(st.sampled_from([1, 13, 49, 100, 250]), st.integers(1, 300))
places = st.one_of(st.just(0), st.just(0), st.integers(1, 600))

patients = st.builds(
    Run,
    st.just(Patient),
    st.fixed_dictionaries(
        {
            "weight": st.sampled_from([1, 0.5]),
            "hold": lengths,
            "idle": lengths,
            "silent_every": places,
            "mute_at": places,
            "raise_at": places,
        }
    ),
    st.sampled_from(SIZINGS),
)
of_the_library = st.builds(
    Run, st.sampled_from(list(SIGNAL_LIBRARY.values())), st.just({}), st.sampled_from(SIZINGS)
)


@pytest.mark.timeout(600)  # takes seconds; what fails is made small before it is told
@given(
    runs=st.lists(st.one_of(patients, of_the_library), min_size=1, max_size=3),
    limits=st.sampled_from(LIMITS),
    protections=st.sampled_from(PROTECTIONS),
    seed=st.integers(0, 10**6),
    n_bars=st.one_of(st.sampled_from([300, 700, 2_100]), st.integers(1, 700)),
    step_bps=st.sampled_from([2.0, 8.0, 30.0]),
    minutes=st.sampled_from([1, 15]),
    idle_frac=st.sampled_from([0.0, 0.3]),
    gap_frac=st.sampled_from([0.0, 0.02]),
    cap=st.sampled_from([None, 100, 100_000]),
    part=st.sampled_from([64, 97, 500, 8_192]),
    count=st.sampled_from([1, 1, 2, 3]),
)
@settings(max_examples=60)
def test_any_tape_leaves_the_same_with_lulls_and_without(
    runs: list[Run],
    limits: RiskLimits,
    protections: tuple[Protection, ...],
    seed: int,
    n_bars: int,
    step_bps: float,
    minutes: int,
    idle_frac: float,
    gap_frac: float,
    cap: int | None,
    part: int,
    count: int,
) -> None:
    tape = side_by_side_walks(
        seed,
        count,
        n_bars,
        step_bps=step_bps,
        idle_frac=idle_frac,
        gap_frac=gap_frac,
        volume=1e5,
        origin=5 * DAY_NS - 200 * MINUTE_NS * minutes,
        spec=BarSpec(minutes * MINUTE_NS),
    )

    play = assert_lulls_change_nothing(
        Case(
            tape,
            runs,
            limits={ACCOUNT: limits},
            venue=a_config(participation_ppm=cap),
            instruments=[rules_of(name) for name in several(count)],
            protections=protections,
        ),
        part=part,
    )

    event("with lulls" if any(play.lulls.taken) else "without a lull")
    for kind in sorted({fact.kind for fact in play.of(ProtectionLocked)}):
        event(f"locked by {kind}")


@given(
    protections=st.sampled_from(PROTECTIONS[1:]),
    seed=st.integers(0, 10**6),
    hold=st.sampled_from([40, 150, 400]),
    idle=st.sampled_from([1, 60]),
    step_bps=st.sampled_from([8.0, 30.0]),
    part=st.sampled_from([64, 97, 500]),
)
@settings(max_examples=30)
def test_i12_what_protections_see_and_lock_is_the_same_with_lulls_and_without(
    protections: tuple[Protection, ...],
    seed: int,
    hold: int,
    idle: int,
    step_bps: float,
    part: int,
) -> None:
    """A patient strategy with a third of the money in one coin: lulls are long, and falls deep."""
    tape = a_walk(seed, 900, step_bps=step_bps, origin=5 * DAY_NS - 200 * MINUTE_NS)
    run = Run(Patient, {"hold": hold, "idle": idle}, SIZINGS[0])

    play = assert_lulls_change_nothing(
        Case(tape, [run], cash="300", protections=protections), part=part
    )

    assert any(play.lulls.taken)
    for kind in sorted({fact.kind for fact in play.of(ProtectionLocked)}):
        event(f"locked by {kind}")


def an_account(limits: RiskLimits, day_start: float, peak: float) -> AccountRisk:
    """An account in the middle of a day."""
    account = AccountRisk(AccountId("main"), limits)
    account.begin_day(0, day_start)
    account.raise_peak(peak)
    return account


def watermarks(account: AccountRisk) -> list[float]:
    names = ("equity", "peak", "day_start", "loss_floor", "drawdown_floor", "floor")
    return [getattr(account, name) for name in names]


marks = st.one_of(st.floats(90.0, 115.0), st.sampled_from([95.0, 97.0, 100.0, 105.0, 110.0]))


@given(
    equity=st.lists(marks, min_size=1, max_size=30),
    day_start=st.sampled_from([90.0, 100.0, 100.1]),
    peak=st.sampled_from([0.0, 100.0, 101.0, 120.0]),
    loss=st.sampled_from([0.01, 0.03, 0.05, 0.5]),
    fall=st.sampled_from([0.01, 0.05, 0.1, 0.5]),
)
@example(equity=[100.0, 110.0, 99.0], day_start=100.0, peak=100.0, loss=0.5, fall=0.1)
@example(equity=[100.0, 95.0], day_start=100.0, peak=100.0, loss=0.05, fall=0.5)
@example(equity=[100.0, 95.0], day_start=100.0, peak=100.0, loss=0.5, fall=0.05)
@example(equity=[96.0], day_start=100.0, peak=120.0, loss=0.5, fall=0.2)
def test_marks_on_which_no_limit_trips_are_those_that_nothing_stops_one_by_one(
    equity: list[float], day_start: float, peak: float, loss: float, fall: float
) -> None:
    limits = RiskLimits(daily_loss_frac=loss, drawdown_frac=fall)
    together, one_by_one = (an_account(limits, day_start, peak) for _ in range(2))
    count = 0
    for mark in equity:
        raised = max(mark, one_by_one.peak)
        if mark <= one_by_one.loss_floor or mark <= raised * (1.0 - fall):
            break
        one_by_one.equity = mark
        if one_by_one.is_moved(mark, 1):
            one_by_one.raise_peak(mark)
        assert not one_by_one.is_moved(mark, 1)
        count += 1

    unmoved = together.unmoved(equity)

    assert unmoved == count
    if unmoved:
        together.take(equity[:unmoved])
    assert watermarks(together) == watermarks(one_by_one)
    event("stopped" if unmoved < len(equity) else "not stopped")


BNBUSDT = InstrumentId("BNBUSDT.SIM")
BNB = an_instrument(BNBUSDT, Currency("BNB"))
HELD_OF = {BTCUSDT: BITCOIN, ETHUSDT: ETHER, BNBUSDT: BNB}
prices = st.floats(1e-3, 1e6)


@given(
    cash=st.integers(1, 10**15),
    held=st.dictionaries(st.sampled_from(list(HELD_OF)), st.integers(1, 10**9), max_size=3),
    known=st.dictionaries(st.sampled_from(list(HELD_OF)), prices, max_size=3),
    moving=st.sampled_from(list(HELD_OF)),
    path=st.lists(prices, min_size=1, max_size=20),
    also=st.booleans(),
)
@example(
    cash=10**9,
    held={BTCUSDT: 1_000, ETHUSDT: 2_000, BNBUSDT: 3_000},
    known={BTCUSDT: 0.1, ETHUSDT: 0.7, BNBUSDT: 1e5 / 3},
    moving=BTCUSDT,
    path=[1.1, 2.2, 1e6 / 7],
    also=True,
)
@example(
    cash=10**9,
    held={BTCUSDT: 1, ETHUSDT: 1},
    known={BTCUSDT: 1.0},
    moving=BTCUSDT,
    path=[1.0],
    also=False,
)
def test_equity_over_marks_is_equity_at_each_of_them(
    cash: int,
    held: dict[InstrumentId, int],
    known: dict[InstrumentId, float],
    moving: InstrumentId,
    path: Sequence[float],
    also: bool,
) -> None:
    portfolio = Portfolio()
    portfolio.book_deposit(deposit(str(Decimal(cash).scaleb(-4))), Nanos(0))
    for trade, (instrument, lots) in enumerate(held.items(), 1):
        quantity = str(Decimal(lots).scaleb(-3))
        portfolio.book_fill(
            buy(quantity, "0.01", instrument=instrument, trade=trade), HELD_OF[instrument]
        )
    valuation = Valuation(portfolio)
    for instrument, mark in known.items():
        valuation.mark(instrument, mark)
    before = valuation.marks()

    paths = {moving: path}
    if also:
        paths[BNBUSDT if moving == BTCUSDT else BTCUSDT] = path[::-1]

    together = valuation.equity_over(MAIN, paths, len(path))

    assert valuation.marks() == before
    if held.keys() - known.keys() - paths.keys():
        assert together is None
        return
    one_by_one = []
    for moment in range(len(path)):
        for instrument, prices_of in paths.items():
            valuation.mark(instrument, prices_of[moment])
        one_by_one.append(valuation.equity(MAIN))
    assert together == one_by_one
    event("held" if moving in held else "not held")


@given(
    view=st.sampled_from([UNDECIDED, FLAT, LONG]),
    gap=st.one_of(st.floats(-10.0, 10.0), st.sampled_from([0.0, -0.0, 1.0, -1.0, 5e-324])),
    band=st.one_of(st.floats(0.0, 10.0), st.sampled_from([0.0, 1.0])),
    held=st.sampled_from([-1.0, 0.0, 1.0]),
)
@example(view=UNDECIDED, gap=0.5, band=1.0, held=0.0)
@example(view=UNDECIDED, gap=-0.5, band=1.0, held=0.0)
@example(view=UNDECIDED, gap=0.0, band=0.0, held=0.0)
@example(view=LONG, gap=-1.0, band=1.0, held=-1.0)
@example(view=FLAT, gap=1.0, band=1.0, held=1.0)
@example(view=FLAT, gap=2.0, band=1.0, held=-1.0)
def test_a_conclusion_is_the_view_and_then_its_verdict(
    view: float, gap: float, band: float, held: float
) -> None:
    memory = [0.0] * (VIEW + 1)
    memory[VIEW], memory[HELD] = view, held
    expected = memory.copy()
    expected[VIEW] = after = sided(view, gap, band)
    decisive = gap > band or gap < -band or view == UNDECIDED
    expected[CODE] = NO_VIEW_YET if after == UNDECIDED else verdict(after, decisive, held)

    concluded = conclude(memory, gap, band)

    assert concluded == after
    assert memory == expected
