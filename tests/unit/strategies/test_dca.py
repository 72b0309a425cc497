"""Averaging in: when it buys, how much together, and when it sells all."""

from decimal import Decimal

import pytest
from tests.unit.strategies.views import FakeWorld

from botcore.domain.ids import MINUTE_NS, ClientOrderId
from botcore.domain.intents import PlaceOrder
from botcore.domain.orders import OrderType, Side
from botcore.strategies import WorkingOrder
from botcore.strategies.library import Dca

HOURLY = {"interval": 60.0, "purchases": 4.0, "dip_bps": 0.0, "profit_bps": 300.0}


def a_world(**changed: float) -> FakeWorld:
    return FakeWorld(Dca(HOURLY | changed))


def bought(world: FakeWorld, price: float, number: int) -> Decimal:
    """Let a bar close, fill at its close what is bought, and return how much that was."""
    quantity = Decimal(0)
    for intent in world.closes_at(price, number):
        assert isinstance(intent, PlaceOrder)
        assert intent.side is Side.BUY
        quantity += Decimal(str(intent.quantity))
        world.held += quantity
        world.cost += quantity * Decimal(str(price))
    return quantity


def test_it_buys_one_part_of_its_budget_in_each_interval() -> None:
    world = a_world()

    amounts = [float(bought(world, 100.0, number)) for number in range(60, 240)]

    assert [(60 + at, amount) for at, amount in enumerate(amounts) if amount] == [
        (60, 2.5),
        (119, 2.5),  # the bar of minute 119 closes at the full hour
        (179, 2.5),
        (239, 2.5),
    ]


def test_its_budget_is_never_exceeded() -> None:
    world = a_world()

    for number in range(60, 2_000):
        bought(world, 100.0 - number / 100, number)

    assert float(world.cost) == pytest.approx(1_000.0)


def test_it_also_buys_a_dip_below_the_last_purchase() -> None:
    world = a_world(dip_bps=200.0)
    bought(world, 100.0, 60)

    assert bought(world, 98.1, 61) == 0
    assert float(bought(world, 98.0, 62)) == pytest.approx(250 / 98)
    assert bought(world, 96.1, 63) == 0
    assert bought(world, 96.0, 64) > 0
    assert Dca.reasons[2].format(*world.said[-1].reason.operands) == (
        "price is 204.1 bps below the last purchase, 500.00 of 1000.00 are spent: buy"
    )


def test_it_sells_all_at_the_wanted_gain_on_the_average() -> None:
    world = a_world()
    bought(world, 100.0, 60)
    bought(world, 90.0, 119)

    average = float(world.cost / world.held)
    before = world.closes_at(average * 1.0299, 120)
    (sale,) = world.closes_at(average * 1.0301, 121)

    assert before == []
    assert isinstance(sale, PlaceOrder)
    assert (sale.side, sale.quantity, sale.reduce_only) == (Side.SELL, world.held, True)


def test_after_the_sale_a_new_round_begins_in_the_next_interval_with_the_budget_of_then() -> None:
    world = a_world()
    bought(world, 100.0, 60)
    world.closes_at(104.0, 61)
    world.held = world.cost = Decimal(0)
    world.budget = 2_000.0

    amounts = [float(bought(world, 104.0, number)) for number in range(62, 121)]

    assert [62 + at for at, amount in enumerate(amounts) if amount] == [119]
    assert sum(amounts) == pytest.approx(500 / 104)


def test_without_a_gain_to_take_it_holds() -> None:
    world = a_world(profit_bps=0.0)
    bought(world, 100.0, 60)

    assert world.closes_at(500.0, 61) == []


def test_a_refused_purchase_is_asked_for_in_the_next_interval() -> None:
    world = a_world()
    world.refuses = "INSUFFICIENT_CASH"

    asked = [number for number in range(60, 240) if world.closes_at(100.0, number)]

    assert asked == [60, 119, 179, 239]


def test_an_order_under_way_is_waited_for() -> None:
    world = a_world()
    world.rests.append(WorkingOrder(ClientOrderId("x"), Side.SELL, OrderType.MARKET, Decimal(1)))

    assert world.closes_at(100.0, 60) == []


def test_it_goes_on_after_a_restart_and_buys_in_no_interval_twice() -> None:
    world = a_world()
    bought(world, 100.0, 60)
    kept = world.strategy_class.state()

    world.strategy_class = Dca(HOURLY)
    world.strategy_class.resume(kept, 10 * MINUTE_NS)

    assert bought(world, 100.0, 75) == 0
    assert float(bought(world, 100.0, 119)) == 2.5


def test_without_its_state_it_goes_on_in_the_next_interval() -> None:
    world = a_world()
    bought(world, 100.0, 60)

    world.strategy_class = Dca(HOURLY)
    world.strategy_class.resume(b"no state", 0)

    assert bought(world, 100.0, 75) == 0
    assert float(bought(world, 100.0, 119)) == 2.5


def test_history_and_an_empty_budget_ask_for_nothing() -> None:
    world = a_world()
    world.is_warmup = True
    world.closes_at(100.0, 60)
    world.is_warmup = False
    world.budget = 0.0
    world.closes_at(100.0, 60)

    assert world.said == []
