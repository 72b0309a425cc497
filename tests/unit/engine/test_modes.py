"""The mode ladder, the kill switch, flatten and the protections, through the whole engine."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.support.trading_session import (
    ACCOUNT,
    WIDE,
    TradingSession,
    buy,
    planned,
    scripted,
    sell,
)
from tests.support.venue_session import COINUSDT, an_instrument

from botcore.domain.commands import (
    CancelAll,
    CancelOne,
    Flatten,
    IntentNotDurable,
    KillSwitch,
    PauseStrategy,
    Quarantine,
    Reconciled,
    ResumeStrategy,
    SessionStarted,
    SetMode,
)
from botcore.domain.effects import Cancel, Submit
from botcore.domain.events import (
    ModeChanged,
    OrderDenied,
    OrderPlaced,
    RiskAlert,
    StrategyPaused,
)
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId, Nanos, StrategyId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderRef, OrderState, OrderType, Side
from botcore.domain.reports import ReportKind, VenueReport
from botcore.execution import BarVenue
from botcore.strategies.library import EmaCross
from botcore.venues.simulated import SimulatedVenue

PERSON = "person:ann"
S = OrderState
LIMIT, STOP = OrderType.LIMIT, OrderType.STOP


def a_trader() -> Any:
    """Holds two coins with a stop and a resting entry, and asks for more on every bar."""

    def on_bar(bar: Any, view: Any) -> list[Any]:
        if bar.ts_close == MINUTE_NS:
            return [
                buy(view, "2", stop_loss="80"),
                buy(view, "1", LIMIT, limit_price="90", stop_loss="70"),
            ]
        return [buy(view, "1")] if bar.close > 150 else []

    return scripted(on_bar)


def a_held_session(**more: Any) -> TradingSession:
    run = TradingSession({"s": a_trader()}, **more)
    run.flat(100, 2)
    return run


def modes(run: TradingSession) -> list[Mode]:
    return [fact.mode for fact in run.of(ModeChanged)]


def placed_since(run: TradingSession, before: int) -> list[OrderPlaced]:
    return run.of(OrderPlaced)[before:]


def test_the_kill_switch_halts_cancels_every_order_and_keeps_positions() -> None:
    run = a_held_session()
    assert [o.state for o in run.orders] == [S.FILLED, S.ACCEPTED, S.ACCEPTED, S.HELD]

    facts = run.tell(KillSwitch(ACCOUNT, PERSON))

    assert run.risk.mode is Mode.HALT
    changed = next(fact for fact in facts if isinstance(fact, ModeChanged))
    assert (changed.by, changed.cause) == (PERSON, "kill switch")
    assert facts[0] is changed, "first of all: nothing is placed between"
    assert [o.state for o in run.orders[1:]] == [S.CANCELED, S.CANCELED, S.CANCELED]
    assert run.venue.open_orders(ACCOUNT) == ()
    assert run.position("s").quantity == 2


def test_nothing_is_placed_in_halt_until_a_person_leaves_it() -> None:
    run = a_held_session()
    run.tell(KillSwitch(ACCOUNT, PERSON))
    before = len(run.of(OrderPlaced))

    for by in ("engine", "risk", "supervisor", "strategy:s"):
        run.tell(SetMode(ACCOUNT, Mode.NORMAL, by, "try"))
    run.tell(Reconciled(ACCOUNT, 0))
    run.flat(160, 2)

    assert run.risk.mode is Mode.HALT
    assert placed_since(run, before) == []
    assert set(run.denials) == {"MODE_FORBIDS"}

    run.tell(SetMode(ACCOUNT, Mode.NORMAL, PERSON, "looked at it"))
    run.flat(160, 1)
    assert len(placed_since(run, before)) == 1


def test_a_halt_by_any_name_cancels_every_order() -> None:
    run = a_held_session()

    run.tell(SetMode(ACCOUNT, Mode.HALT, PERSON, "stop"))

    assert run.risk.mode is Mode.HALT
    assert run.venue.open_orders(ACCOUNT) == ()
    assert [o.state for o in run.orders[1:]] == [S.CANCELED, S.CANCELED, S.CANCELED]


def test_an_entry_that_fills_in_halt_sends_no_exit_and_a_person_is_told() -> None:
    """Its cancel was lost, so it could still fill."""
    deaf: list[DeafVenue] = []

    def wrap(venue: SimulatedVenue) -> BarVenue:
        deaf.append(DeafVenue(venue))
        return deaf[0]

    plan = {1: lambda view: [buy(view, "1", LIMIT, limit_price="90", stop_loss="80")]}
    run = TradingSession({"s": planned(plan)}, wrap=wrap)
    run.bar(100)
    run.tell(KillSwitch(ACCOUNT, PERSON))

    run.bar(89)

    assert run.position("s").quantity == 1
    assert len([e for e in run.effects if isinstance(e, Submit)]) == 1
    assert "FILL_UNPROTECTED" in [alert.code for alert in run.of(RiskAlert)]


class DeafVenue:
    """Loses every answer to a cancel until it is told to listen."""

    def __init__(self, venue: SimulatedVenue) -> None:
        self.venue = venue
        self.is_deaf = True
        self.cancels: list[OrderRef] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.venue, name)

    def cancel(self, ref: OrderRef, ts: int) -> list[VenueReport]:
        self.cancels.append(ref)
        if self.is_deaf:
            lost = VenueReport(
                ReportKind.CANCEL_UNKNOWN,
                ref.account,
                ref.instrument,
                ref.client_order_id,
                Nanos(ts),
            )
            return [lost]
        return self.venue.cancel(ref, ts)


def test_a_cancel_of_the_kill_switch_stays_owed_until_the_order_is_proven_gone() -> None:
    deaf: list[DeafVenue] = []

    def wrap(venue: SimulatedVenue) -> BarVenue:
        deaf.append(DeafVenue(venue))
        return deaf[0]

    plan = {1: lambda view: [buy(view, "1", LIMIT, limit_price="90")]}
    run = TradingSession({"s": planned(plan)}, wrap=wrap)
    run.bar(100)

    run.tell(KillSwitch(ACCOUNT, PERSON))
    order = run.orders[0]
    assert (order.state, order.cancel_owed) == (S.ACCEPTED, True), "not assumed to be gone (E43)"
    attempts = len(deaf[0].cancels)
    assert attempts > 1, "the venue said that it works, so it was asked again"

    deaf[0].is_deaf = False
    run.tell(KillSwitch(ACCOUNT, PERSON))

    assert order.state is S.CANCELED
    assert not order.cancel_owed
    assert run.risk.mode is Mode.HALT


def test_flatten_needs_a_confirmation() -> None:
    run = a_held_session()

    facts = run.tell(Flatten(ACCOUNT, PERSON, confirmed=False))
    run.flat(100, 2)

    assert [f.denied.code for f in facts if isinstance(f, OrderDenied)] == ["NOT_CONFIRMED"]
    assert modes(run) == []
    assert run.position("s").quantity == 2


def test_no_other_command_goes_round_the_confirmation_of_flatten() -> None:
    run = a_held_session()

    facts = run.tell(SetMode(ACCOUNT, Mode.FLATTEN, PERSON, "quickly"))
    run.flat(100, 2)

    assert [f.denied.code for f in facts if isinstance(f, OrderDenied)] == ["NOT_CONFIRMED"]
    assert run.position("s").quantity == 2


def test_flatten_closes_everything_reduce_only_and_ends_in_cancel_only() -> None:
    other = an_instrument("OTHERUSDT.SIM")
    run = TradingSession(
        {
            "a": planned({1: lambda view: [buy(view, "2", stop_loss="80")]}),
            "b": planned({1: lambda view: [buy(view, "3", instrument=other.id)]}),
        },
        an_instrument(),
        other,
    )
    for _ in range(2):
        run.bars(run.a_bar(*[100] * 4), run.a_bar(*[100] * 4, instrument=other.id))
    before = len(run.of(OrderPlaced))

    run.tell(Flatten(ACCOUNT, PERSON, confirmed=True))
    for _ in range(3):
        run.bars(run.a_bar(*[100] * 4), run.a_bar(*[100] * 4, instrument=other.id))

    closing = [fact.order for fact in placed_since(run, before)]
    assert {(o.strategy, o.side, o.quantity, o.reduce_only) for o in closing} == {
        ("a", Side.SELL, Decimal(2), True),
        ("b", Side.SELL, Decimal(3), True),
    }
    assert all(p.quantity == 0 for p in run.engine.desk.portfolio.positions(ACCOUNT))
    assert modes(run) == [Mode.FLATTEN, Mode.CANCEL_ONLY]
    assert run.venue.open_orders(ACCOUNT) == ()


def test_flatten_is_tried_again_after_a_gap_and_over_thin_bars() -> None:
    run = a_held_session(venue={"participation_ppm": 100_000})
    run.tell(Flatten(ACCOUNT, PERSON, confirmed=True))

    run.gap(5)
    run.bar(100)
    for _ in range(4):
        run.bar(100, volume=10)

    sold = [quantity for _, side, quantity, _ in run.fills if side is Side.SELL]
    assert sold == [1, 1]
    assert modes(run) == [Mode.FLATTEN, Mode.CANCEL_ONLY]


def test_flatten_leaves_what_is_too_small_to_sell_as_dust() -> None:
    run = TradingSession(
        {"s": planned({1: lambda view: [buy(view, "0.11")]})}, an_instrument(min_notional="10")
    )
    run.flat(100, 2)
    run.flat(50, 1)

    run.tell(Flatten(ACCOUNT, PERSON, confirmed=True))
    run.flat(50, 2)

    assert modes(run) == [Mode.FLATTEN, Mode.CANCEL_ONLY]
    assert (run.position("s").quantity, run.position("s").dust) == (0, Decimal("0.11"))


def test_flatten_before_the_engine_is_reconciled_waits_for_it() -> None:
    run = a_held_session()
    run.restarted()
    run.tell(SessionStarted(ACCOUNT, 1))
    before = len(run.of(OrderPlaced))
    run.tell(Flatten(ACCOUNT, PERSON, confirmed=True))
    assert placed_since(run, before) == []

    run.tell(Reconciled(ACCOUNT, 0))
    run.flat(100, 3)

    assert run.position("s").quantity == 0


def test_a_strategy_opens_nothing_while_the_account_is_flattened() -> None:
    run = a_held_session(venue={"participation_ppm": 1})
    run.tell(Flatten(ACCOUNT, PERSON, confirmed=True))

    run.bar(160, volume=1e6)

    assert run.denials == ["MODE_FORBIDS"]


def test_e56_i20_reduce_only_lets_out_and_not_in() -> None:
    plan = {
        1: lambda view: [buy(view, "2")],
        3: lambda view: [buy(view, "1"), sell(view, "1")],
        4: lambda view: [sell(view, "1", reduce_only=True)],
    }
    run = TradingSession({"s": planned(plan)})
    run.flat(100, 2)

    run.tell(SetMode(ACCOUNT, Mode.REDUCE_ONLY, PERSON, "a quiet day"))
    run.flat(100, 4)

    assert run.denials == ["MODE_FORBIDS"]
    assert run.position("s").quantity == 0


def test_i20_cancel_only_places_nothing_and_cancels_everything_asked() -> None:
    run = a_held_session()
    before = len(run.of(OrderPlaced))

    run.tell(SetMode(ACCOUNT, Mode.CANCEL_ONLY, PERSON, "maintenance"))
    run.flat(160, 2)
    assert placed_since(run, before) == []
    assert run.denials == ["MODE_FORBIDS", "MODE_FORBIDS"]

    run.tell(CancelAll(ACCOUNT, PERSON))
    assert run.venue.open_orders(ACCOUNT) == ()


def test_cancels_of_a_person_name_a_strategy_or_an_order() -> None:
    resting = {1: lambda view: [buy(view, "1", LIMIT, limit_price="90")] * 2}
    run = TradingSession({"a": planned(resting), "b": planned(resting)})
    run.bar(100)

    run.tell(CancelAll(ACCOUNT, PERSON, StrategyId("a")))
    run.tell(CancelOne(ACCOUNT, PERSON, run.orders[2].id))

    assert [o.state for o in run.orders] == [S.CANCELED, S.CANCELED, S.CANCELED, S.ACCEPTED]
    assert len([e for e in run.effects if isinstance(e, Cancel)]) == 3


def test_cancels_of_a_person_name_an_instrument_and_a_side() -> None:
    plan = {
        1: lambda view: [buy(view, "2")],
        2: lambda view: [
            buy(view, "1", LIMIT, limit_price="90"),
            sell(view, "1", LIMIT, limit_price="110"),
        ],
    }
    run = TradingSession({"a": planned(plan)})
    run.flat(100, 2)
    coin = run.orders[0].spec.instrument

    run.tell(CancelAll(ACCOUNT, PERSON, None, InstrumentId("OTHER.SIM")))
    untouched = [o.state for o in run.orders[1:]]
    run.tell(CancelAll(ACCOUNT, PERSON, None, coin, Side.SELL))

    assert untouched == [S.ACCEPTED, S.ACCEPTED]
    assert [o.state for o in run.orders[1:]] == [S.ACCEPTED, S.CANCELED]


def test_e101_a_daily_loss_reduces_only_until_the_next_utc_midnight() -> None:
    run = TradingSession(
        {"s": scripted(lambda bar, view: [buy(view, "100")] if bar.close == 100 else [])},
        cash="12000",
        limits=msgspec.structs.replace(WIDE, price_band_frac=0.05, daily_loss_frac=0.05),
        origin=DAY_NS - 5 * MINUTE_NS,
    )
    run.bar(100)
    run.bar(101)
    run.bar(95)
    assert run.risk.mode is Mode.REDUCE_ONLY
    assert run.of(ModeChanged)[0].cause.startswith("DAILY_LOSS")
    run.tell(SetMode(ACCOUNT, Mode.NORMAL, "engine", "no"))
    assert run.risk.mode is Mode.REDUCE_ONLY, "only midnight, or a person, ends it"

    run.bar(95)
    at_the_last_minute = run.risk.mode
    run.bar(95)

    assert run.now == DAY_NS
    assert at_the_last_minute is Mode.REDUCE_ONLY
    assert run.risk.mode is Mode.NORMAL
    assert run.risk.day_start == pytest.approx(float(run.equity))
    assert modes(run) == [Mode.REDUCE_ONLY, Mode.NORMAL]


def test_a_drawdown_reduces_only_until_a_person_lets_it_go_on() -> None:
    run = TradingSession(
        {
            "s": scripted(
                lambda bar, view: (
                    [buy(view, "100")] if bar.close == 100 and not view.working(COINUSDT) else []
                )
            )
        },
        cash="12000",
        limits=msgspec.structs.replace(WIDE, price_band_frac=0.05, drawdown_frac=0.20),
        origin=DAY_NS - 5 * MINUTE_NS,
    )
    run.flat(100, 2)
    run.bar(110)
    run.bar(83)
    assert run.risk.mode is Mode.REDUCE_ONLY
    assert run.of(ModeChanged)[0].cause.startswith("DRAWDOWN")

    run.flat(83, 3)
    over_midnight = run.risk.mode
    run.tell(SetMode(ACCOUNT, Mode.NORMAL, "engine", "no"))
    by_the_engine = run.risk.mode
    run.tell(SetMode(ACCOUNT, Mode.NORMAL, PERSON, "go on"))
    run.flat(83, 2)

    assert over_midnight is by_the_engine is Mode.REDUCE_ONLY
    assert run.risk.mode is Mode.NORMAL
    assert run.risk.peak == pytest.approx(10_300.0), "the fall begins anew"


def test_a_stop_of_the_protections_keeps_the_stops_of_positions() -> None:
    run = TradingSession(
        {"s": planned({1: lambda view: [buy(view, "100", stop_loss="70")]})},
        cash="12000",
        limits=msgspec.structs.replace(WIDE, price_band_frac=0.05, daily_loss_frac=0.05),
    )
    run.flat(100, 2)

    run.bar(90)
    assert run.risk.mode is Mode.REDUCE_ONLY
    run.bar(69)

    assert run.position("s").quantity == 0


def test_a_paused_strategy_is_not_asked_and_its_orders_and_positions_stay() -> None:
    run = a_held_session()

    facts = run.tell(PauseStrategy(ACCOUNT, StrategyId("s"), PERSON))
    run.flat(160, 2)
    quiet = len(run.of(OrderPlaced))
    run.tell(ResumeStrategy(ACCOUNT, StrategyId("s"), PERSON))
    run.flat(160, 1)

    assert [f.paused for f in facts if isinstance(f, StrategyPaused)] == [True]
    assert quiet == 4
    assert [o.state for o in run.orders[:4]] == [S.FILLED, S.ACCEPTED, S.ACCEPTED, S.HELD]
    assert len(run.of(OrderPlaced)) == 5


def test_e102_a_signal_strategy_that_was_paused_goes_on_without_a_hole_in_its_history() -> None:
    closes = [100 + 5 * ((i // 7) % 3) + i % 4 for i in range(80)]
    parameters = {"fast": 3, "slow": 8, "no_trade_bps": 0}
    runs = [TradingSession({"s": EmaCross}, parameters={"s": parameters}) for _ in range(2)]
    paused, unpaused = runs

    for number, close in enumerate(closes):
        if number == 30:
            paused.tell(PauseStrategy(ACCOUNT, StrategyId("s"), PERSON))
        if number == 60:
            paused.tell(ResumeStrategy(ACCOUNT, StrategyId("s"), PERSON))
        for run in runs:
            run.bar(close)

    logs = [{row.ts: row.weight for row in run.signal().log} for run in runs]
    assert len(logs[0]) == 50, "nothing was asked while it was paused"
    assert all(logs[1][ts] == weight for ts, weight in logs[0].items() if ts > 30 * MINUTE_NS)
    assert paused.signal().runner.memory[1] == (unpaused.signal().runner.memory[1])


def test_a_strategy_that_never_returned_is_not_asked_and_the_account_only_cancels() -> None:
    run = a_held_session()

    run.tell(Quarantine(ACCOUNT, StrategyId("s"), "it never returned"))
    run.flat(160, 1)

    assert run.risk.mode is Mode.CANCEL_ONLY
    assert run.engine.deciders.paused() == {"s": "quarantined: it never returned"}
    run.tell(Reconciled(ACCOUNT, 0))
    assert run.risk.mode is Mode.NORMAL, "once the venue's truth is known"
    run.flat(160, 1)
    assert len(run.of(OrderPlaced)) == 4, "the strategy waits for a person"


def test_what_did_not_become_durable_is_closed_and_the_account_only_cancels() -> None:
    run = TradingSession({"s": planned({1: lambda view: [buy(view, "1", LIMIT, limit_price="9")]})})
    run.bar(100)

    run.tell(IntentNotDurable(ACCOUNT, "disk full"))

    assert run.risk.mode is Mode.CANCEL_ONLY
    assert run.orders[0].state is S.ACCEPTED, "it had left, and is at the venue"
    assert len([e for e in run.effects if isinstance(e, Submit)]) == 1
    run.tell(Reconciled(ACCOUNT, 0))
    assert run.risk.mode is Mode.NORMAL


def test_who_leaves_a_mode_does_not_leave_the_halt_that_came_before_he_was_heard() -> None:
    session = TradingSession({})
    account = session.engine.desk.risk.account(ACCOUNT)
    session.tell(SetMode(ACCOUNT, Mode.REDUCE_ONLY, PERSON, "lunch"))
    session.tell(KillSwitch(ACCOUNT, "person:bob"))

    session.tell(SetMode(ACCOUNT, Mode.NORMAL, PERSON, "back", Mode.REDUCE_ONLY))
    kept = account.mode
    session.tell(SetMode(ACCOUNT, Mode.NORMAL, PERSON, "looked", Mode.HALT))
    left = account.mode
    session.tell(SetMode(ACCOUNT, Mode.CANCEL_ONLY, PERSON, "less", Mode.HALT))

    assert (kept, left, account.mode) == (Mode.HALT, Mode.NORMAL, Mode.CANCEL_ONLY)


def test_who_flattens_does_not_leave_the_halt_that_came_before_he_was_heard() -> None:
    session = TradingSession({})
    account = session.engine.desk.risk.account(ACCOUNT)
    session.tell(KillSwitch(ACCOUNT, "person:bob"))

    session.tell(Flatten(ACCOUNT, PERSON, confirmed=True, known=Mode.NORMAL))
    kept = account.mode
    session.tell(Flatten(ACCOUNT, PERSON, confirmed=True, known=Mode.HALT))

    assert kept is Mode.HALT
    assert account.mode is not Mode.HALT


def test_who_sets_a_mode_as_if_it_stood_there_leaves_no_stricter_one() -> None:
    session = TradingSession({})
    account = session.engine.desk.risk.account(ACCOUNT)
    session.tell(SetMode(ACCOUNT, Mode.REDUCE_ONLY, PERSON, "less", Mode.REDUCE_ONLY))
    entered = account.mode
    session.tell(KillSwitch(ACCOUNT, "person:bob"))

    session.tell(SetMode(ACCOUNT, Mode.REDUCE_ONLY, PERSON, "less", Mode.REDUCE_ONLY))

    assert (entered, account.mode) == (Mode.REDUCE_ONLY, Mode.HALT)
