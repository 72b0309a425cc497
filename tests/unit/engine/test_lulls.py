"""What ends a lull, and what keeps one from beginning."""

from collections.abc import Callable
from decimal import Decimal
from math import isnan, nan

import pytest
from tests.support.lulls import Case, Patient, Play, Run, a_walk
from tests.support.trading_session import ACCOUNT, ONE_COIN, TradingSession, scripted
from tests.support.venue_session import COINUSDT, an_instrument

from botcore.backtest import BarTape
from botcore.backtest.tape import BarPart, parts
from botcore.domain.commands import PauseStrategy, SessionStarted, SetMode
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId, StrategyId
from botcore.domain.modes import Mode
from botcore.engine import Sequencer
from botcore.engine.slots import SpreadEstimate
from botcore.risk import Sizing, SizingKind
from botcore.strategies import BarValues

PERSON = "person:ann"
HALF = Sizing(equity_frac=0.5)


def first_part(tape: BarTape) -> BarPart:
    return next(parts(tape.series[0]))


def values_of(part: BarPart, at: int) -> BarValues:
    ((_, values),) = part.rows(slice(at, at + 1))
    return values


def settled(
    *,
    hold: int = 10_000,
    idle: int = 10,
    sizing: Sizing = ONE_COIN,
    bars: int = 600,
    seen: int = 20,
) -> tuple[Play, BarPart]:
    """A play of whose bars `seen` are over, so that what it wants is what it has."""
    tape = a_walk(1, bars)
    play = Play(Case(tape, [Run(Patient, {"hold": hold, "idle": idle}, sizing)]))
    part = first_part(tape)
    for at in range(seen):
        play.session.bars(part.event(at))
    return play, part


def test_a_lull_takes_as_many_bars_as_it_may() -> None:
    play, part = settled()

    assert play.lulls.take([part], 20, 48) == 48
    assert len(play.engine.curves[ACCOUNT]) == 68
    assert len(play.slots[0].log) == 68
    assert play.engine.desk.valuation.price(COINUSDT) == part.close[67]


def test_a_lull_ends_with_the_bars() -> None:
    play, part = settled()

    assert play.lulls.take([part], 590, 48) == 10


@pytest.mark.parametrize("sizing", [ONE_COIN, HALF], ids=["fixed", "fraction"])
def test_a_lull_ends_before_the_bar_on_which_something_is_wanted(sizing: Sizing) -> None:
    play, part = settled(hold=30, idle=30, sizing=sizing)

    count = play.lulls.take([part], 20, 500)

    wanted_at = 30 + 5 - 1  # the features need 5 bars, and the count begins at 1
    assert 20 + count == wanted_at
    assert play.lulls.take([part], wanted_at, 500) == 0
    assert play.slots[0].runner.on_bar(values_of(part, wanted_at), 1.0) == 0.0


def test_a_lull_ends_before_the_bar_that_begins_a_day() -> None:
    tape = a_walk(2, 300, origin=7 * DAY_NS - 100 * MINUTE_NS)
    play = Play(Case(tape, [Run(Patient, {"hold": 10_000})]))
    part = first_part(tape)
    for at in range(20):
        play.session.bars(part.event(at))

    count = play.lulls.take([part], 20, 250)

    assert part.ts_close[20 + count] == 7 * DAY_NS
    assert play.lulls.take([part], 20 + count, 250) == 0


def a_paused_strategy(play: Play, now: int) -> None:
    play.session.input(PauseStrategy(ACCOUNT, StrategyId("patient-0"), PERSON), now)


def a_mode(mode: Mode) -> Callable[[Play, int], None]:
    def enter(play: Play, now: int) -> None:
        play.session.input(SetMode(ACCOUNT, mode, "a test", PERSON), now)

    return enter


def a_session_not_reconciled(play: Play, now: int) -> None:
    play.session.input(SessionStarted(ACCOUNT, 1), now)


HINDRANCES: dict[str, Callable[[Play, int], None]] = {
    "a paused strategy": a_paused_strategy,
    "reduce only": a_mode(Mode.REDUCE_ONLY),
    "cancel only": a_mode(Mode.CANCEL_ONLY),
    "halt": a_mode(Mode.HALT),
    "a session that is not reconciled": a_session_not_reconciled,
}


@pytest.mark.parametrize("name", HINDRANCES)
def test_no_lull_begins_where_a_step_does_more_than_arithmetic(name: str) -> None:
    play, part = settled()
    HINDRANCES[name](play, int(part.ts_close[19]))
    before = play.slots[0].runner.state()

    assert play.lulls.take([part], 20, 48) == 0
    assert play.slots[0].runner.state() == before
    assert len(play.engine.curves[ACCOUNT]) == 20


@pytest.mark.parametrize("watched", [True, False])
def test_no_lull_begins_where_somebody_watches_each_bar(watched: bool) -> None:
    run = TradingSession({"patient": Patient}, parameters={"patient": {}}, observe=watched)
    run.flat(100.0, 20)
    part = first_part(a_walk(3, 100))

    assert (run.engine.lulls.take([part], 20, 48) == 0) is watched


@pytest.mark.parametrize("of", ["COINUSDT.SIM", "OTHERUSDT.SIM"])
def test_no_lull_begins_where_an_event_strategy_listens(of: str) -> None:
    """Not even to other bars: its timers and fills come between these."""
    run = TradingSession(
        {"patient": Patient, "scripted": scripted()},
        an_instrument(),
        an_instrument("OTHERUSDT.SIM"),
        trades={"scripted": [InstrumentId(of)]},
    )
    run.flat(100.0, 20)

    assert run.engine.lulls.take([first_part(a_walk(3, 100))], 20, 48) == 0


def test_no_lull_begins_while_an_order_is_in_doubt() -> None:
    play, part = settled()
    play.engine.desk.execution.index.has_doubts = True

    assert play.lulls.take([part], 20, 48) == 0


def test_what_was_looked_at_in_vain_is_taken_back() -> None:
    """The first strategy is done with all bars before the second one wants something."""
    tape = a_walk(4, 400)
    runs = [Run(Patient, {"hold": 10_000}), Run(Patient, {"hold": 80, "idle": 10})]
    lulled, stepped = (Play(Case(tape, runs)) for _ in range(2))
    part = first_part(tape)
    for play in (lulled, stepped):
        for at in range(20):
            play.session.bars(part.event(at))

    count = lulled.lulls.take([part], 20, 300)
    for at in range(20, 20 + count):
        stepped.session.bars(part.event(at))

    assert 20 + count == 80 + 5 - 1
    states = [[len(slot.log) for slot in play.slots] for play in (lulled, stepped)]
    assert states[0] == states[1] == [20 + count] * 2
    assert lulled.slots[0].runner.state() == stepped.slots[0].runner.state()


def test_a_strategy_that_raises_has_not_seen_the_bar_on_which_it_will() -> None:
    """Else its features took that bar twice, and it might not raise in the step."""
    tape = a_walk(5, 300)
    run = Run(Patient, {"hold": 10_000, "raise_at": 100})
    lulled, stepped = Play(Case(tape, [run])), Play(Case(tape, [run]))
    part = first_part(tape)
    for at in range(20):
        lulled.session.bars(part.event(at))

    count = lulled.lulls.take([part], 20, 200)
    for at in range(20 + count):
        stepped.session.bars(part.event(at))

    assert 20 + count == 100 + 5 - 1
    assert lulled.slots[0].runner.state() == stepped.slots[0].runner.state()


def test_a_lull_ends_where_the_price_moves_a_holding_off_its_band() -> None:
    narrow = Sizing(equity_frac=0.5, band_frac=0.002)
    play, part = settled(sizing=narrow)
    slot = play.slots[0]

    count = play.lulls.take([part], 20, 400)

    assert 0 < count < 400
    desk = play.engine.desk
    assert desk.valuation.price(COINUSDT) == part.close[19 + count]
    assert play.engine.curves[ACCOUNT].stamps[-1] == part.ts_close[19 + count]
    desk.valuation.mark(COINUSDT, part.close[20 + count])
    slot.risk.equity = desk.valuation.equity(ACCOUNT)
    assert slot.wants(1.0, part.bar(20 + count).close)
    desk.valuation.mark(COINUSDT, part.close[19 + count])
    slot.risk.equity = desk.valuation.equity(ACCOUNT)
    assert not slot.wants(1.0, part.bar(19 + count).close)


def test_a_slot_rests_at_what_it_signalled_once_that_is_under_way() -> None:
    play, part = settled(seen=5)
    slot = play.slots[0]
    before = slot.rest

    play.session.bars(part.event(5))

    assert play.slots == [slot], "whoever asks for the slots gets them up to date"
    assert (before, slot.signalled) == (0.0, 1.0)
    assert slot.lulled == slot.rest == 1.0
    assert slot.keeps([0.0, 1e9], [1e-9, 1e9]) == 2, "whatever the price"


@pytest.mark.parametrize(
    "sizing",
    [Sizing(kind=SizingKind.FIXED, quantity=Decimal(10**9)), Sizing(equity_frac=10.0)],
    ids=["fixed", "fraction"],
)
def test_a_slot_that_was_denied_does_not_rest(sizing: Sizing) -> None:
    tape = a_walk(1, 50)
    play = Play(Case(tape, [Run(Patient, {"hold": 10_000}, sizing)])).bar_by_bar(tape)
    slot = play.slots[0]
    before = slot.rest

    slot.refresh(play.engine.desk.execution.index)  # a fact about the line changes nothing

    assert (slot.signalled, slot.exposure) == (1.0, 0.0)
    assert isnan(before)
    assert isnan(slot.rest)
    assert slot.keeps([1e6], [100.0]) == 0 or isnan(slot.lulled)


@pytest.mark.parametrize("weight", [0, 1])
@pytest.mark.parametrize("kind", [SizingKind.VOLATILITY_TARGET, SizingKind.ATR_RISK])
def test_a_slot_sized_by_the_range_sees_every_bar(kind: SizingKind, weight: float) -> None:
    """It rests at no weight: what is flat, or wants nothing, measures the range all the same."""
    sizing = Sizing(kind=kind, equity_frac=0.2)
    tape = a_walk(9, 200)
    seen = SpreadEstimate(sizing, MINUTE_NS)
    for event in tape:
        seen.update(event.bars[0].high, event.bars[0].low, event.bars[0].close)
    run = Run(Patient, {"weight": weight, "hold": 20, "idle": 30}, sizing)

    play = Play(Case(tape, [run])).bar_by_bar(tape)

    slot = play.slots[0]
    assert slot.spread is not None
    assert slot.spread.value == seen.value > 0.0
    assert isnan(slot.rest)


@pytest.mark.parametrize("kind", SizingKind)
def test_no_view_asks_for_nothing_however_the_strategy_is_sized(kind: SizingKind) -> None:
    """A position that is held has no target to be compared with where there is no view."""
    sizing = Sizing(kind=kind, quantity=Decimal(1), equity_frac=0.2)
    tape = a_walk(8, 60)
    run = Run(Patient, {"hold": 10_000, "silent_every": 10}, sizing)

    play = Play(Case(tape, [run])).bar_by_bar(tape)

    slot = play.slots[0]
    assert slot.exposure > 0.0
    assert not slot.is_paused
    assert sum(isnan(row.weight) for row in slot.log) > 5
    assert not slot.wants(nan, first_part(tape).bar(59).close)


def test_a_share_of_equity_rests_by_the_price_and_only_while_it_is_held() -> None:
    play, _ = settled(sizing=HALF)
    slot = play.slots[0]

    assert isnan(slot.rest)
    assert slot.lulled == 1.0
    held = slot.exposure
    fair = slot.risk.equity * 0.5 / held
    assert slot.keeps([slot.risk.equity] * 4, [fair, fair * 1.2, fair / 1.2, fair * 1.5]) == 3

    slot.signal(0.0)
    assert isnan(slot.lulled)


def test_the_places_of_bars_that_are_passed_over_are_left_out() -> None:
    together, one_by_one = Sequencer(), Sequencer()
    for ts in (10, 20, 30):
        one_by_one.bars(ts)

    together.pass_over(30, 3)

    assert together.bars(25) == one_by_one.bars(25)
    assert together.bars(40) == one_by_one.bars(40)


def test_a_venue_that_is_told_of_the_last_bar_knows_what_one_told_of_all_knows() -> None:
    tape = a_walk(6, 50)
    told, passed = Play(Case(tape, [])), Play(Case(tape, []))
    part = first_part(tape)

    for at in range(50):
        assert list(told.venue.on_bars(part.event(at))) == []
    passed.venue.pass_over(part.bar(49))

    assert told.venue.is_idle
    assert told.venue.snapshot() == passed.venue.snapshot()


def test_a_part_of_a_series_is_what_the_tape_plays() -> None:
    tape = a_walk(7, 20_000, gap_frac=0.05, idle_frac=0.05)
    found = list(parts(tape.series[0]))

    events = [part.event(at) for part in found for at in range(len(part))]

    assert events == list(tape)
    assert len(found) > 2
    for part in found:
        bars = [part.bar(at) for at in range(len(part))]
        assert part.ts_close.tolist() == [bar.ts_close for bar in bars]
        assert part.close == [bar.close for bar in bars]
        rows = [
            (bar.ts_close, (bar.open, bar.high, bar.low, bar.close, bar.volume)) for bar in bars
        ]
        assert list(part.rows(slice(0, len(part)))) == rows
        assert list(part.rows(slice(3, 7))) == rows[3:7]
