"""Orders of people: through a real engine, and back from a real store."""

import asyncio
import math
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.callers import a_call, a_key, a_person
from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import ACCOUNT, TradingSession

from botcore.app import viewing
from botcore.control.access import Role, Scope
from botcore.control.handlers.orders import OrderHandlers
from botcore.control.own_threads import OwnThreads
from botcore.control.problems import Conflict, Forbidden, Malformed, NotFound, Refused, Unavailable
from botcore.control.schema import orders as o
from botcore.domain.commands import MANUAL, CancelAll, KillSwitch, SetMode
from botcore.domain.ids import AccountId, InstrumentId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.risk import RiskLimits

COIN = "COINUSDT.SIM"
ANN = a_person().by
BRACKET = (
    "Buy 2 COINUSDT at 90.0000 or better, about 180.00 USDT, fee about 0.18; position after 2; "
    "1.8 % of equity; with stop loss at 80.0000; with take profit at 120.00"
)
LIMITS = RiskLimits(price_band_frac=0.5)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    desk = TradingDesk(tmp_path, TradingSession({}, cash="10000", limits=LIMITS))
    desk.bar(100.0)
    yield desk
    desk.close()


@pytest.fixture
def orders(desk: TradingDesk) -> OrderHandlers:
    return OrderHandlers(engine=desk, history=desk.history)


def _buy(quantity: str = "2", **more: Any) -> o.PlaceOrder:
    return o.PlaceOrder(instrument=COIN, side=Side.BUY, quantity=Decimal(quantity), **more)


def _limit(price: str, quantity: str = "2", **more: Any) -> o.PlaceOrder:
    return _buy(quantity, type=OrderType.LIMIT, limit_price=Decimal(price), **more)


def test_an_order_of_a_person_is_placed_filled_and_shown_with_its_execution(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    placed = asyncio.run(orders.place(a_call(a_person()), _buy()))
    desk.bar(101.0)
    shown = orders.show(a_call(), o.GetOrder(id=placed.id))

    assert placed.state is OrderState.ACCEPTED
    assert (placed.strategy, placed.reason) == ("manual", "placed by hand")
    assert (shown.state, shown.filled, shown.leaves) == (OrderState.FILLED, Decimal(2), Decimal(0))
    assert shown.average_price == Decimal(101)
    assert [(fill.price, fill.quantity, fill.quote_amount.amount) for fill in shown.fills] == [
        (Decimal(101), Decimal(2), Decimal(202))
    ]


def test_the_command_says_who_and_carries_the_reference_and_the_correlation(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    asyncio.run(orders.place(a_call(a_person()), _buy()))

    told = desk.acted[-1]
    assert (told.by, told.reference, told.correlation) == ("person:ann", "ref-1", "corr-1")  # type: ignore[union-attr]  # a SubmitOrder


def test_the_same_reference_acts_once(desk: TradingDesk, orders: OrderHandlers) -> None:
    first = asyncio.run(orders.place(a_call(), _limit("90")))
    again = asyncio.run(orders.place(a_call(), _limit("90")))

    assert again.id == first.id
    assert len(orders.listed(a_call(), o.ListOrders()).items) == 1


def test_an_order_placed_so_long_ago_that_it_is_forgotten_is_not_to_be_asked_for_anew(
    desk: TradingDesk, orders: OrderHandlers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk.session.engine.acts, "_kept", 1)
    for reference in ("r1", "r2"):
        asyncio.run(orders.place(a_call(reference=reference), _limit("90")))

    with pytest.raises(Conflict, match="REFERENCE_SPENT") as refused:
        asyncio.run(orders.place(a_call(reference="r1"), _limit("90")))

    assert refused.value.fix == "look at the orders; use a new Idempotency-Key for a new act"
    assert len(desk.session.orders) == 2


def test_orders_are_placed_changed_and_taken_back_while_slow_readings_hold_every_other_thread(
    desk: TradingDesk,
) -> None:
    threads = OwnThreads("acts", count=1)
    orders = OrderHandlers(engine=desk, history=desk.history, on_thread=threads.run)
    slow = threading.Event()

    async def acts() -> tuple[str, Decimal | None, str]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        reading = asyncio.create_task(asyncio.to_thread(slow.wait, 60))
        try:
            desk.frozen = desk.view()  # which does not show the order yet
            placed = await orders.place(a_call(reference="r1"), _limit("90"))
            change = o.AmendOrder(id=placed.id, quantity=Decimal(1))
            changed = await orders.amend(a_call(reference="r2"), change)
            gone = await orders.cancel(a_call(reference="r3"), o.CancelOrder(id=placed.id))
        finally:
            slow.set()
            await reading
        return placed.id, changed.quantity, gone.id

    placed, quantity, gone = asyncio.run(asyncio.wait_for(acts(), 30))
    threads.close()

    assert (quantity, gone) == (Decimal(1), placed)


def test_what_the_gate_denies_is_refused_with_its_code_and_its_figures(
    orders: OrderHandlers,
) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(orders.place(a_call(), _buy("50")))

    assert refused.value.code == "ORDER_LIMIT"
    assert refused.value.cause == "notional 5000.00 exceeds 1500.00 for one order"
    assert refused.value.details == {"value": 5000.0, "limit": 1500.0}


def test_an_order_says_what_it_would_do_before_it_is_confirmed(orders: OrderHandlers) -> None:
    effect = asyncio.run(orders.placing(a_call(), _buy()))

    assert effect.is_raising
    assert effect.words == (
        "Buy 2 COINUSDT at market, about 200.00 USDT, fee about 0.20; position after 2; "
        "2.0 % of equity (account main, manual)"
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            {"type": OrderType.LIMIT, "limit_price": "90", "stop_loss": "80", "take_profit": "120"},
            BRACKET,
        ),
        (
            {"type": OrderType.STOP, "trigger_price": "110"},
            "Buy 2 COINUSDT at market once the price reaches 110.00, about 220.00 USDT",
        ),
        (
            {"type": OrderType.STOP_LIMIT, "trigger_price": "110", "limit_price": "111"},
            "Buy 2 COINUSDT at 111.00 or better once the price reaches 110.00, about 222.00 USDT",
        ),
    ],
)
def test_every_type_of_order_says_when_it_trades(
    orders: OrderHandlers, more: dict[str, Any], words: str
) -> None:
    given: dict[str, Any] = {
        name: value if name == "type" else Decimal(value) for name, value in more.items()
    }

    assert asyncio.run(orders.placing(a_call(), _buy(**given))).words.startswith(words)


def test_an_order_that_would_be_denied_is_refused_before_anybody_confirms_it(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    with pytest.raises(Refused, match="ORDER_LIMIT"):
        asyncio.run(orders.placing(a_call(), _buy("50")))

    assert desk.acted == []


def test_a_sale_of_what_is_held_needs_no_confirmation(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    asyncio.run(orders.place(a_call(), _buy()))
    desk.bar(100.0)
    sale = o.PlaceOrder(instrument=COIN, side=Side.SELL, quantity=Decimal(1))

    assert not asyncio.run(orders.placing(a_call(), sale)).is_raising


def test_a_preview_shows_price_fee_position_and_head_room_and_does_nothing(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    request = o.PreviewOrder(instrument=COIN, side=Side.BUY, quantity=Decimal("2.00049"))

    shown = asyncio.run(orders.preview(a_call(), request))

    assert shown.is_allowed
    assert shown.order is not None
    assert shown.order.quantity == Decimal("2.000")
    assert shown.reference is not None
    assert (shown.reference.price, shown.reference.age_s) == (Decimal(100), 0.0)
    assert shown.notional is not None
    assert (shown.notional.amount, shown.notional.currency) == (Decimal(200), "USDT")
    assert shown.fee is not None
    assert shown.fee.amount == Decimal("0.2")
    assert (shown.position_before, shown.position_after) == (Decimal(0), Decimal(2))
    assert shown.equity_frac == pytest.approx(0.02)
    assert {room.before.limit for room in shown.head_room} >= {"order", "account", "cash"}
    assert desk.acted == []
    assert b"E-" not in msgspec.json.encode(shown)


def test_a_preview_at_a_mean_of_two_prices_shows_no_noise_of_floats(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    desk.bar((0.1 + 0.2) * 1_000)
    request = o.PreviewOrder(instrument=COIN, side=Side.BUY, quantity=Decimal(1))

    shown = asyncio.run(orders.preview(a_call(), request))

    assert shown.reference is not None
    assert shown.reference.price == Decimal(300)


def test_a_preview_of_what_is_not_allowed_says_why(orders: OrderHandlers) -> None:
    request = o.PreviewOrder(instrument=COIN, side=Side.SELL, quantity=Decimal(5))

    shown = asyncio.run(orders.preview(a_call(), request))

    assert not shown.is_allowed
    assert shown.denial is not None
    assert (shown.denial.code, shown.denial.value) == ("SHORT_NOT_ALLOWED", 5.0)
    assert "it is refused" in shown.effect


def test_a_cancelled_order_is_gone(desk: TradingDesk, orders: OrderHandlers) -> None:
    placed = asyncio.run(orders.place(a_call(), _limit("90")))
    asked = asyncio.run(orders.cancel(a_call(reference="ref-2"), o.CancelOrder(id=placed.id)))
    desk.bar(100.0)

    assert (asked.id, asked.state, asked.leaves) == (placed.id, OrderState.CANCELED, Decimal(0))
    shown = orders.show(a_call(), o.GetOrder(id=placed.id))
    assert (shown.state, shown.cancel_owed) == (OrderState.CANCELED, False)


def test_an_order_that_has_ended_is_not_cancelled_again(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    placed = asyncio.run(orders.place(a_call(), _buy()))
    desk.bar(100.0)

    with pytest.raises(Conflict, match="ORDER_NOT_WORKING"):
        asyncio.run(orders.cancel(a_call(reference="ref-2"), o.CancelOrder(id=placed.id)))


def test_an_order_that_is_not_there_is_not_found(orders: OrderHandlers) -> None:
    with pytest.raises(NotFound, match="ORDER_UNKNOWN"):
        orders.show(a_call(), o.GetOrder(id="BC-9-9-9-9"))
    with pytest.raises(NotFound, match="ORDER_UNKNOWN"):
        asyncio.run(orders.cancel(a_call(), o.CancelOrder(id="BC-9-9-9-9")))


def test_a_cancel_needs_no_store(desk: TradingDesk, orders: OrderHandlers, tmp_path: Path) -> None:
    placed = asyncio.run(orders.place(a_call(), _limit("90")))
    away = TradingDesk.history_of_a_broken_store(tmp_path)
    without = OrderHandlers(engine=desk, history=away)

    asked = asyncio.run(without.cancel(a_call(reference="ref-2"), o.CancelOrder(id=placed.id)))

    assert asked.id == placed.id


def test_a_change_moves_the_order_and_only_more_exposure_has_to_be_confirmed(
    orders: OrderHandlers,
) -> None:
    placed = asyncio.run(orders.place(a_call(), _limit("90")))
    lower = o.AmendOrder(id=placed.id, limit_price=Decimal(80))
    higher = o.AmendOrder(id=placed.id, limit_price=Decimal(95))
    larger = o.AmendOrder(id=placed.id, quantity=Decimal(3))

    effects = [asyncio.run(orders.amending(a_call(), each)) for each in (lower, higher, larger)]
    asyncio.run(orders.amend(a_call(reference="ref-2"), lower))

    assert [effect.is_raising for effect in effects] == [False, True, True]
    assert effects[2].words == (
        f"Change order {placed.id}, which buys COINUSDT: quantity 2 → 3 (account main)"
    )


def test_a_buy_is_not_triggered_sooner_where_nothing_may_be_opened(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    wanted = o.PlaceOrder(
        instrument=COIN,
        side=Side.BUY,
        type=OrderType.STOP,
        quantity=Decimal(2),
        trigger_price=Decimal(104),
    )
    placed = asyncio.run(orders.place(a_call(), wanted))
    sooner = o.AmendOrder(id=placed.id, trigger_price=Decimal("100.5"))
    later = o.AmendOrder(id=placed.id, trigger_price=Decimal("104.5"), quantity=Decimal(1))

    effect = asyncio.run(orders.amending(a_call(), sooner))
    desk.session.tell(SetMode(AccountId("main"), Mode.REDUCE_ONLY, "risk", "DRAWDOWN"))
    with pytest.raises(Refused, match="MODE_FORBIDS"):
        asyncio.run(orders.amend(a_call(reference="ref-2"), sooner))
    changed = asyncio.run(orders.amend(a_call(reference="ref-3"), later))

    assert effect.is_raising
    assert (changed.trigger_price, changed.quantity) == (Decimal("104.5"), Decimal(1))


def test_a_change_of_the_trigger_does_not_hide_a_higher_limit_from_a_keys_bound(
    orders: OrderHandlers,
) -> None:
    wanted = o.PlaceOrder(
        instrument=COIN,
        side=Side.BUY,
        type=OrderType.STOP_LIMIT,
        quantity=Decimal(1),
        trigger_price=Decimal(101),
        limit_price=Decimal(104),
    )
    placed = asyncio.run(orders.place(a_call(), wanted))
    change = o.AmendOrder(id=placed.id, quantity=Decimal("1.4"), trigger_price=Decimal("100.5"))

    with pytest.raises(Forbidden, match=r"notional 145.60 exceeds 145.00"):
        asyncio.run(orders.amend(a_call(a_key(max_notional=Decimal(145))), change))


def test_a_change_beyond_the_limits_is_refused(orders: OrderHandlers) -> None:
    placed = asyncio.run(orders.place(a_call(), _limit("90")))

    with pytest.raises(Refused, match="ORDER_LIMIT"):
        asyncio.run(
            orders.amend(
                a_call(reference="ref-2"), o.AmendOrder(id=placed.id, quantity=Decimal(60))
            )
        )


@pytest.mark.parametrize("given", [{}, {"strategy": "manual"}, {"instrument": COIN}])
def test_all_orders_are_taken_back_or_those_that_are_named(
    desk: TradingDesk, orders: OrderHandlers, given: dict[str, Any]
) -> None:
    ids = {
        asyncio.run(orders.place(a_call(reference=f"r{n}"), _limit(str(90 - n)))).id
        for n in range(3)
    }

    asked = asyncio.run(orders.cancel_all(a_call(reference="all"), o.CancelOrders(**given)))
    desk.bar(100.0)

    assert (asked.count, set(asked.orders)) == (3, ids)
    assert orders.listed(a_call(), o.ListOrders(working=True)).items == ()


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, CancelAll(ACCOUNT, ANN)),
        ({"strategy": "manual"}, CancelAll(ACCOUNT, ANN, MANUAL)),
        ({"instrument": COIN}, CancelAll(ACCOUNT, ANN, None, InstrumentId(COIN))),
        (
            {"instrument": COIN, "strategy": "manual", "side": Side.BUY},
            CancelAll(ACCOUNT, ANN, MANUAL, InstrumentId(COIN), Side.BUY),
        ),
    ],
)
def test_all_that_are_meant_are_taken_back_by_one_command_however_few_a_view_shows(
    desk: TradingDesk,
    orders: OrderHandlers,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, Any],
    command: CancelAll,
) -> None:
    monkeypatch.setattr(viewing, "ORDERS_SHOWN", 1)
    for n in range(4):
        asyncio.run(orders.place(a_call(reference=f"r{n}"), _limit(str(90 - n))))
    desk.acted.clear()

    asked = asyncio.run(orders.cancel_all(a_call(a_person()), o.CancelOrders(**given)))
    desk.bar(100.0)

    assert (asked.count, len(asked.orders)) == (4, 4)
    assert desk.acted == [command]
    assert orders.listed(a_call(), o.ListOrders(working=True)).items == ()


def test_the_other_side_is_left_where_a_side_is_named(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    asyncio.run(orders.place(a_call(), _limit("90")))

    asked = asyncio.run(orders.cancel_all(a_call(), o.CancelOrders(side=Side.SELL)))
    desk.bar(100.0)

    assert (asked.count, asked.detail) == (
        0,
        f"asked to cancel every working sell order of the account {ACCOUNT}",
    )
    assert len(orders.listed(a_call(), o.ListOrders(working=True)).items) == 1


def test_orders_placed_since_the_last_view_are_taken_back_too(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    desk.frozen = desk.view()
    asyncio.run(orders.place(a_call(), _limit("90")))

    asked = asyncio.run(orders.cancel_all(a_call(), o.CancelOrders(instrument=COIN)))

    assert asked.count == 1


def test_others_are_left_where_an_instrument_is_named(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    asyncio.run(orders.place(a_call(), _limit("90")))

    asked = asyncio.run(orders.cancel_all(a_call(), o.CancelOrders(instrument="OTHER.SIM")))
    desk.bar(100.0)

    assert asked.count == 0
    assert len(orders.listed(a_call(), o.ListOrders(working=True)).items) == 1


def test_orders_are_listed_by_pages_filters_and_order(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    for number in range(5):
        asyncio.run(orders.place(a_call(reference=f"r{number}"), _limit(str(90 - number))))
        desk.bar(100.0)
    found, cursor = [], ""
    while True:
        page = orders.listed(a_call(), o.ListOrders(limit=2, cursor=cursor))
        found += [order.limit_price for order in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    oldest = orders.listed(a_call(), o.ListOrders(sort=o.OrderSort.OLDEST, limit=1)).items

    assert found == [Decimal(price) for price in (86, 87, 88, 89, 90)]
    assert oldest[0].limit_price == Decimal(90)
    assert orders.listed(a_call(), o.ListOrders(side=Side.SELL)).items == ()
    assert orders.listed(a_call(), o.ListOrders(state=(OrderState.FILLED,))).items == ()
    nothing = o.ListOrders(state=(OrderState.FILLED,), working=True)
    assert orders.listed(a_call(), nothing).items == ()


def test_a_cursor_of_another_list_is_refused(orders: OrderHandlers) -> None:
    with pytest.raises(Malformed, match="CURSOR_MALFORMED"):
        orders.listed(a_call(), o.ListOrders(cursor="abc"))


def test_a_live_account_needs_its_own_scope(desk: TradingDesk, orders: OrderHandlers) -> None:
    desk.kind = "live"

    with pytest.raises(Forbidden, match="trade:live"):
        asyncio.run(orders.place(a_call(a_key(Scope.TRADE_PAPER)), _buy()))
    placed = asyncio.run(orders.place(a_call(a_person(Role.TRADER)), _buy()))

    assert placed.state is OrderState.ACCEPTED


def test_a_key_keeps_within_its_symbols_and_its_notional(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    other = a_key(symbols=frozenset({"BTCUSDT"}))
    ours = a_key(symbols=frozenset({"COINUSDT"}), max_notional=Decimal(150))

    with pytest.raises(Forbidden, match="KEY_SCOPE"):
        asyncio.run(orders.place(a_call(other), _buy("1")))
    with pytest.raises(Forbidden, match=r"notional 200.00 exceeds 150.00"):
        asyncio.run(orders.place(a_call(ours), _buy("2")))
    placed = asyncio.run(orders.place(a_call(ours), _limit("90", "1")))
    with pytest.raises(Forbidden, match="KEY_SCOPE"):
        asyncio.run(orders.amend(a_call(ours), o.AmendOrder(id=placed.id, quantity=Decimal("1.9"))))
    with pytest.raises(Forbidden, match="KEY_SCOPE"):
        asyncio.run(orders.cancel(a_call(other), o.CancelOrder(id=placed.id)))
    with pytest.raises(Forbidden, match="all instruments"):
        asyncio.run(orders.cancel_all(a_call(ours), o.CancelOrders()))

    assert [type(command).__name__ for command in desk.acted] == ["SubmitOrder"]


def test_a_buy_stop_that_the_price_has_passed_is_a_market_order_to_a_keys_bound_and_in_words(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    ours = a_key(max_notional=Decimal(150))
    passed = _buy("14", type=OrderType.STOP, trigger_price=Decimal(1))
    placed = asyncio.run(
        orders.place(a_call(ours), _buy("1", type=OrderType.STOP, trigger_price=Decimal(110)))
    )
    moved = o.AmendOrder(id=placed.id, quantity=Decimal(14), trigger_price=Decimal(2))

    effect = asyncio.run(orders.placing(a_call(), passed))
    with pytest.raises(Forbidden, match=r"notional 1400.00 exceeds 150.00"):
        asyncio.run(orders.place(a_call(ours, reference="r2"), passed))
    with pytest.raises(Forbidden, match=r"notional 1400.00 exceeds 150.00"):
        asyncio.run(orders.amend(a_call(ours, reference="r3"), moved))

    assert "once the price reaches 1.0000, about 1,400.00 USDT" in effect.words
    assert [type(command).__name__ for command in desk.acted] == ["SubmitOrder"]


def test_a_change_of_an_order_at_market_keeps_to_a_keys_bound_at_todays_price(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    ours = a_key(max_notional=Decimal(150))
    trailing = _buy("1", type=OrderType.TRAILING_STOP, trail=Decimal(5))
    placed = asyncio.run(orders.place(a_call(ours), trailing))
    desk.bar(102.0)
    more = o.AmendOrder(id=placed.id, quantity=Decimal("1.48"))

    with pytest.raises(Forbidden, match=r"notional 150.96 exceeds 150.00"):
        asyncio.run(orders.amend(a_call(ours, reference="r2"), more))


def test_an_account_that_is_halted_opens_nothing(desk: TradingDesk, orders: OrderHandlers) -> None:
    desk.session.tell(KillSwitch(AccountId("main"), "person:ann"))

    with pytest.raises(Refused, match="MODE_FORBIDS") as refused:
        asyncio.run(orders.place(a_call(), _buy()))

    assert refused.value.cause == "the account is in HALT (kill switch), which forbids it"


def test_an_order_that_the_mode_forbids_is_refused_with_the_mode_before_it_is_confirmed(
    desk: TradingDesk, orders: OrderHandlers
) -> None:
    desk.session.tell(KillSwitch(AccountId("main"), "person:ann"))

    with pytest.raises(Refused, match="MODE_FORBIDS") as refused:
        asyncio.run(orders.placing(a_call(), _buy()))

    assert refused.value.cause == "the account is in HALT (kill switch), which forbids it"


def test_a_price_that_an_order_does_not_have_cannot_be_changed(orders: OrderHandlers) -> None:
    placed = asyncio.run(orders.place(a_call(), _limit("90")))
    change = o.AmendOrder(id=placed.id, trigger_price=Decimal(95))

    for ask in (orders.amending, orders.amend):
        with pytest.raises(Refused) as refused:
            asyncio.run(ask(a_call(reference="ref-2"), change))
        assert refused.value.code == "ORDER_PRICE_ABSENT"
        assert refused.value.cause == f"order {placed.id} is of type LIMIT and has no trigger price"


def test_a_quantity_below_the_smallest_is_said_without_powers_of_ten(orders: OrderHandlers) -> None:
    with pytest.raises(Refused, match="BELOW_MINIMUM") as refused:
        asyncio.run(orders.place(a_call(), _buy("0.000001")))

    assert re.fullmatch(r"0 is below the venue's minimum of 0\.0+1", refused.value.cause), (
        refused.value.cause
    )


def test_unknown_accounts_and_instruments_are_said(orders: OrderHandlers) -> None:
    with pytest.raises(NotFound, match="ACCOUNT_UNKNOWN"):
        asyncio.run(orders.place(a_call(), _buy(account="other")))
    with pytest.raises(Refused, match="INSTRUMENT_UNKNOWN"):
        asyncio.run(
            orders.place(
                a_call(), o.PlaceOrder(instrument="NONE.SIM", side=Side.BUY, quantity=Decimal(1))
            )
        )


def test_an_engine_that_is_silent_is_said(desk: TradingDesk, orders: OrderHandlers) -> None:
    desk.is_silent = True

    with pytest.raises(Unavailable, match="ENGINE_SILENT"):
        asyncio.run(orders.place(a_call(), _buy()))
    assert orders.listed(a_call(), o.ListOrders()).items == ()


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"quantity": "0"}, "not a number above 0"),
        ({"quantity": "-1"}, "not a number above 0"),
        ({"quantity": "NaN"}, "not a number above 0"),
        ({"quantity": "1e99999"}, "digits"),
        ({"quantity": "1e-99999"}, "digits"),
        ({"quantity": "1", "limit_price": "5"}, "a MARKET order takes no limit_price"),
        ({"quantity": "1", "type": "LIMIT"}, "a LIMIT order needs a limit_price"),
        ({"quantity": "1", "type": "STOP"}, "a STOP order needs a trigger_price"),
        ({"quantity": "1", "time_in_force": "GTD"}, "expires_at goes with"),
        (
            {
                "quantity": "1",
                "time_in_force": "GTD",
                "expires_at": "2026-01-01T00:00:00",
            },
            "no zone",
        ),
        ({"quantity": "1", "role": "owner"}, "unknown field"),
        ({"quantity": True}, "bool"),
        ({"quantity": "1", "side": "buy"}, "Invalid enum"),
        ({"quantity": "1", "stop_loss": "Infinity"}, "not a number above 0"),
    ],
)
def test_terms_that_make_no_sense_are_refused_when_they_are_read(
    body: dict[str, Any], why: str
) -> None:
    given = {"instrument": COIN, "side": "BUY"} | body

    with pytest.raises(msgspec.ValidationError, match=why):
        msgspec.json.decode(msgspec.json.encode(given), type=o.PlaceOrder)


def test_a_change_of_nothing_is_refused_when_it_is_read() -> None:
    with pytest.raises(ValueError, match="give a quantity"):
        o.AmendOrder(id="x")


def test_figures_that_no_float_holds_stay_exact(orders: OrderHandlers) -> None:
    placed = asyncio.run(orders.place(a_call(), _limit("90.01", "0.123")))

    assert placed.quantity == Decimal("0.123")
    assert placed.limit_price == Decimal("90.01")
    assert math.isclose(float(placed.leaves), 0.123)
