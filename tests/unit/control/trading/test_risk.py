"""What people may do about risk: a real engine says what came of it."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.callers import AUTH_TIME, a_call, a_key, a_person
from tests.support.fast_clock import FastClock
from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import TradingSession, order, planned

from botcore.app import viewing
from botcore.control.access import Role
from botcore.control.handlers.orders import OrderHandlers
from botcore.control.handlers.positions import PositionHandlers
from botcore.control.handlers.risk import RiskHandlers
from botcore.control.problems import Conflict, Forbidden, NotFound, Refused, StepUpRequired
from botcore.control.schema import orders as o
from botcore.control.schema import positions as p
from botcore.control.schema import risk as r
from botcore.domain.commands import Command, KillSwitch
from botcore.domain.ids import MINUTE_NS, SECOND_NS, AccountId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType, Side
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import RiskState
from botcore.risk import CoolDown, RiskLimits
from botcore.risk import Scope as Covers

COIN = "COINUSDT.SIM"
COOL_DOWN = CoolDown(name="rest", lock_ns=60 * MINUTE_NS, scope=Covers.INSTRUMENT)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    session = TradingSession(
        {}, cash="10000", limits=RiskLimits(price_band_frac=0.5), protections=(COOL_DOWN,)
    )
    desk = TradingDesk(tmp_path, session)
    desk.bar(100.0)
    yield desk
    desk.close()


@pytest.fixture
def clock() -> FastClock:
    return FastClock((AUTH_TIME + 10) * SECOND_NS, rate=0.001)


@pytest.fixture
def risk(desk: TradingDesk, clock: FastClock) -> RiskHandlers:
    return RiskHandlers(engine=desk, history=desk.history, clock=clock)


def _order(desk: TradingDesk, side: Side, quantity: str, reference: str) -> None:
    handlers = OrderHandlers(engine=desk, history=desk.history)
    request = o.PlaceOrder(instrument=COIN, side=side, quantity=Decimal(quantity))
    asyncio.run(handlers.place(a_call(reference=reference), request))
    desk.bar(100.0)


def test_the_kill_switch_acts_at_the_first_press_and_takes_back_every_order(
    desk: TradingDesk, risk: RiskHandlers
) -> None:
    orders = OrderHandlers(engine=desk, history=desk.history)
    resting = o.PlaceOrder(
        instrument=COIN,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(1),
        limit_price=Decimal(90),
    )
    asyncio.run(orders.place(a_call(), resting))

    answer = asyncio.run(risk.stop_all(a_call(a_person(Role.TRADER)), r.StopAll(cause="odd")))
    desk.bar(100.0)

    assert (answer.mode, answer.cause) == (Mode.HALT, "odd")
    assert orders.listed(a_call(), o.ListOrders(working=True)).items == ()


def test_a_kill_switch_that_is_quicker_is_not_undone_by_who_leaves_another_mode(
    desk: TradingDesk, risk: RiskHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(risk.change_mode(a_call(), r.ChangeMode(mode=Mode.REDUCE_ONLY)))
    act = desk.act

    async def after_the_kill_switch(command: Command) -> Outcome:
        await act(KillSwitch(AccountId("main"), "person:bob"))
        return await act(command)

    monkeypatch.setattr(desk, "act", after_the_kill_switch)
    with pytest.raises(Conflict, match="MODE_KEPT"):
        asyncio.run(risk.change_mode(a_call(), r.ChangeMode(mode=Mode.NORMAL)))

    assert desk.session.risk.mode is Mode.HALT


def test_halt_is_left_by_a_person_who_has_shown_a_factor(
    desk: TradingDesk, risk: RiskHandlers, clock: FastClock
) -> None:
    asyncio.run(risk.stop_all(a_call(), r.StopAll()))
    request = r.ChangeMode(mode=Mode.NORMAL, cause="looked at")

    with pytest.raises(Forbidden, match="PERSON_REQUIRED"):
        asyncio.run(risk.change_mode(a_call(a_key()), request))
    effect = asyncio.run(risk.changing_mode(a_call(a_person()), request))
    clock.skip(400 * SECOND_NS)
    with pytest.raises(StepUpRequired):
        asyncio.run(risk.change_mode(a_call(a_person()), request))
    assert desk.session.risk.mode is Mode.HALT
    left = asyncio.run(risk.change_mode(a_call(), request))

    assert effect.is_raising
    assert effect.words == (
        "Move the account main from HALT, where it is because of kill switch, to NORMAL: "
        "everything within the limits"
    )
    assert left.mode is Mode.NORMAL


def test_less_is_allowed_at_once_and_needs_no_confirmation(risk: RiskHandlers) -> None:
    request = r.ChangeMode(mode=Mode.REDUCE_ONLY)

    assert not asyncio.run(risk.changing_mode(a_call(a_key()), request)).is_raising
    assert asyncio.run(risk.change_mode(a_call(a_key()), request)).mode is Mode.REDUCE_ONLY


def test_a_mode_that_the_engine_keeps_is_said(
    desk: TradingDesk, risk: RiskHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = desk.ask

    async def ask(question: RiskState) -> object:
        found = await answer(question)
        desk.session.tell(KillSwitch(AccountId("main"), "person:bob"))  # bob was quicker
        return found

    monkeypatch.setattr(desk, "ask", ask)

    with pytest.raises(Conflict, match="stays in HALT: kill switch"):
        asyncio.run(risk.change_mode(a_call(a_key()), r.ChangeMode(mode=Mode.REDUCE_ONLY)))


def test_what_leaving_a_mode_takes_goes_by_the_engines_own_word(
    desk: TradingDesk, risk: RiskHandlers, clock: FastClock
) -> None:
    desk.frozen = desk.view()
    desk.session.tell(KillSwitch(AccountId("main"), "person:bob"))
    request = r.ChangeMode(mode=Mode.REDUCE_ONLY, cause="less than NORMAL")

    effect = asyncio.run(risk.changing_mode(a_call(), request))
    clock.skip(400 * SECOND_NS)
    with pytest.raises(StepUpRequired):
        asyncio.run(risk.change_mode(a_call(a_person(Role.ADMIN)), request))
    with pytest.raises(Forbidden, match="PERSON_REQUIRED"):
        asyncio.run(risk.change_mode(a_call(a_key()), request))

    assert effect.is_raising
    assert "from HALT" in effect.words
    assert desk.session.risk.mode is Mode.HALT


def test_flatten_is_no_mode_to_be_set() -> None:
    with pytest.raises(ValueError, match="trading/flatten"):
        r.ChangeMode(mode=Mode.FLATTEN)


def test_flatten_says_what_it_sells_and_sells_it(desk: TradingDesk, clock: FastClock) -> None:
    handlers = PositionHandlers(engine=desk, stored=desk.history, clock=clock)
    _order(desk, Side.BUY, "2", "r1")

    effect = asyncio.run(handlers.flattening(a_call(), p.FlattenAll()))
    done = asyncio.run(handlers.flatten(a_call(), p.FlattenAll()))
    desk.bar(100.0)

    assert effect.words == (
        "Sell 2 COINUSDT at market, about 200.00 USDT in all, cancel 0 orders; "
        "then the account only cancels (account main)"
    )
    assert (done.mode, done.positions) == (Mode.FLATTEN, 1)
    assert asyncio.run(handlers.listed(a_call(), p.ListPositions())).items == ()


def test_flatten_says_once_what_it_sells_of_an_instrument(tmp_path: Path, clock: FastClock) -> None:
    buys = planned({1: lambda view: [order(view, Side.BUY, "2", OrderType.MARKET)]})
    session = TradingSession({"one": buys, "two": buys}, cash="10000")
    desk = TradingDesk(tmp_path, session)
    handlers = PositionHandlers(engine=desk, stored=desk.history, clock=clock)
    desk.bar(100.0)
    desk.bar(100.0)
    _order(desk, Side.BUY, "1.5", "r1")

    effect = asyncio.run(handlers.flattening(a_call(), p.FlattenAll()))
    desk.close()

    assert effect.words == (
        "Sell 5.5 COINUSDT at market, about 550.00 USDT in all, cancel 0 orders; "
        "then the account only cancels (account main)"
    )


def test_flatten_tells_of_every_order_however_few_a_view_shows(
    desk: TradingDesk, clock: FastClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing, "ORDERS_SHOWN", 1)
    orders = OrderHandlers(engine=desk, history=desk.history)
    handlers = PositionHandlers(engine=desk, stored=desk.history, clock=clock)
    resting = o.PlaceOrder(
        instrument=COIN,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal(1),
        limit_price=Decimal(90),
    )
    for number in range(3):
        asyncio.run(orders.place(a_call(reference=f"r{number}"), resting))

    effect = asyncio.run(handlers.flattening(a_call(), p.FlattenAll()))
    done = asyncio.run(handlers.flatten(a_call(), p.FlattenAll()))

    assert "cancel 3 orders" in effect.words
    assert done.canceled == 3


def test_flatten_leaves_a_halt_only_for_a_person_who_has_shown_a_factor(
    desk: TradingDesk, risk: RiskHandlers, clock: FastClock
) -> None:
    handlers = PositionHandlers(engine=desk, stored=desk.history, clock=clock)
    _order(desk, Side.BUY, "2", "r1")
    asyncio.run(risk.stop_all(a_call(), r.StopAll()))

    for act in (handlers.flattening, handlers.flatten):
        with pytest.raises(Forbidden, match="PERSON_REQUIRED"):
            asyncio.run(act(a_call(a_key()), p.FlattenAll()))
    clock.skip(400 * SECOND_NS)
    for act in (handlers.flattening, handlers.flatten):
        with pytest.raises(StepUpRequired):
            asyncio.run(act(a_call(a_person()), p.FlattenAll()))
    assert desk.session.risk.mode is Mode.HALT
    done = asyncio.run(handlers.flatten(a_call(), p.FlattenAll()))

    assert done.mode is Mode.FLATTEN


def test_a_flatten_that_the_engine_does_not_begin_is_never_called_done(
    desk: TradingDesk, clock: FastClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    handlers = PositionHandlers(engine=desk, stored=desk.history, clock=clock)
    _order(desk, Side.BUY, "2", "r1")
    answer = desk.ask

    async def ask(question: RiskState) -> object:
        found = await answer(question)
        desk.session.tell(KillSwitch(AccountId("main"), "person:bob"))  # bob was quicker
        return found

    monkeypatch.setattr(desk, "ask", ask)

    with pytest.raises(Conflict, match="stays in HALT: kill switch"):
        asyncio.run(handlers.flatten(a_call(a_key()), p.FlattenAll()))


def test_a_key_with_symbols_neither_stops_nor_sells_everything(
    desk: TradingDesk, risk: RiskHandlers, clock: FastClock
) -> None:
    key = a_key(symbols=frozenset({"COINUSDT"}))
    handlers = PositionHandlers(engine=desk, stored=desk.history, clock=clock)

    for act in (
        risk.stop_all(a_call(key), r.StopAll()),
        risk.change_mode(a_call(key), r.ChangeMode(mode=Mode.HALT)),
        handlers.flatten(a_call(key), p.FlattenAll()),
    ):
        with pytest.raises(Forbidden, match="KEY_SCOPE"):
            asyncio.run(act)

    assert desk.acted == []


def test_the_state_shows_exposure_head_room_mode_and_who_set_it(
    desk: TradingDesk, risk: RiskHandlers
) -> None:
    _order(desk, Side.BUY, "10", "r1")
    asyncio.run(risk.change_mode(a_call(a_person()), r.ChangeMode(mode=Mode.REDUCE_ONLY)))

    state = asyncio.run(risk.state(a_call(), r.GetRiskState()))

    used = {(each.limit, each.of): each for each in state.exposures}
    assert used["instrument", COIN].used == Decimal(1000)
    assert used["instrument", COIN].left == Decimal(3000)
    assert (state.mode, state.mode_by) == (Mode.REDUCE_ONLY, "person:ann")
    assert [step.mode for step in state.ladder if step.is_current] == [Mode.REDUCE_ONLY]
    assert (state.equity.amount, state.prices.status) == (Decimal(10_000), "live")


def test_the_state_is_shown_without_the_store(desk: TradingDesk, tmp_path: Path) -> None:
    away = TradingDesk.history_of_a_broken_store(tmp_path)
    clock = FastClock(0)

    state = asyncio.run(
        RiskHandlers(engine=desk, history=away, clock=clock).state(a_call(), r.GetRiskState())
    )

    assert (state.mode, state.mode_by, state.mode_since) == (Mode.NORMAL, "", None)


def test_a_lock_is_shown_with_its_timer_and_lifted_by_a_person_only(
    desk: TradingDesk, risk: RiskHandlers
) -> None:
    _order(desk, Side.BUY, "2", "r1")
    _order(desk, Side.SELL, "2", "r2")
    standing = asyncio.run(risk.state(a_call(), r.GetRiskState()))
    (lock,) = standing.locks
    assert lock.protection in {each.name for each in standing.protections}
    request = r.LiftLock(id=lock.id)

    with pytest.raises(Forbidden, match="PERSON_REQUIRED"):
        asyncio.run(risk.lift(a_call(a_key()), request))
    effect = asyncio.run(risk.lifting(a_call(a_person()), request))
    done = asyncio.run(risk.lift(a_call(a_person()), request))

    assert done.detail == "rest is lifted; the account is in NORMAL"
    assert (lock.protection, lock.instrument, lock.strategy) == ("rest", COIN, None)
    assert 0 < lock.remaining_s <= 3600
    assert effect.words.startswith(f"Take rest off {COIN} before ")
    assert asyncio.run(risk.state(a_call(), r.GetRiskState())).locks == ()
    with pytest.raises(NotFound, match="LOCK_UNKNOWN"):
        asyncio.run(risk.lift(a_call(), request))


def test_a_lock_that_ended_while_a_person_lifts_it_is_not_said_to_be_lifted(
    desk: TradingDesk, risk: RiskHandlers
) -> None:
    _order(desk, Side.BUY, "2", "r1")
    _order(desk, Side.SELL, "2", "r2")
    (lock,) = asyncio.run(risk.state(a_call(), r.GetRiskState())).locks

    def an_hour_passes() -> None:
        for _ in range(61):
            desk.bar(100.0)

    desk.meanwhile = an_hour_passes

    with pytest.raises(NotFound, match="LOCK_UNKNOWN") as refused:
        asyncio.run(risk.lift(a_call(a_person()), r.LiftLock(id=lock.id)))

    assert refused.value.cause == "no such lock is in force: it may have ended by itself"
    assert refused.value.fix == "see GET /api/v1/risk/state for those that are in force"


def test_what_was_denied_is_listed_with_its_sentence(desk: TradingDesk, risk: RiskHandlers) -> None:
    with pytest.raises(Refused):
        _order(desk, Side.BUY, "50", "r1")

    (denied,) = risk.denials(a_call(), r.ListDenials()).items

    assert (denied.code, denied.strategy, denied.instrument) == ("ORDER_LIMIT", "manual", COIN)
    assert denied.sentence == "notional 5000.00 exceeds 1500.00 for one order"
    assert (denied.value, denied.limit) == (5000.0, 1500.0)
    assert risk.denials(a_call(), r.ListDenials(code="NO_PRICE")).items == ()


def test_changes_of_the_mode_are_listed_newest_first(risk: RiskHandlers) -> None:
    asyncio.run(risk.change_mode(a_call(), r.ChangeMode(mode=Mode.REDUCE_ONLY)))
    asyncio.run(risk.change_mode(a_call(), r.ChangeMode(mode=Mode.CANCEL_ONLY, cause="later")))

    page = risk.modes(a_call(), r.ListModeChanges(limit=1))

    assert [(each.previous, each.mode, each.cause) for each in page.items] == [
        (Mode.REDUCE_ONLY, Mode.CANCEL_ONLY, "later")
    ]
    assert page.next_cursor is not None
