"""The grid: where orders rest, what a fill changes, and that it never goes beyond its budget."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.strategies.views import COIN, FakeWorld

from botcore.backtest import BacktestingFramework, StrategyRun, demo_instruments, demo_tape
from botcore.domain.errors import ConfigError
from botcore.domain.events import OrderDenied, OrderPlaced, PositionChanged, StrategyQuarantined
from botcore.domain.ids import MINUTE_NS
from botcore.domain.intents import CancelOrder, PlaceOrder
from botcore.domain.orders import Side
from botcore.risk import Sizing
from botcore.strategies.library import Grid

# 1 % of 100 is 1: the levels of these tests are 99, 98, 97.
THREE = {"levels": 3.0, "spacing_bps": 100.0}


def a_world(levels: int = 3) -> FakeWorld:
    return FakeWorld(Grid({**THREE, "levels": float(levels)}))


def test_it_rests_equal_amounts_of_its_budget_one_spacing_apart() -> None:
    world = a_world()

    world.closes_at(100.0)

    assert [price for price, _ in world.resting(Side.BUY)] == [99.0, 98.0, 97.0]
    assert [price * size for price, size in world.resting(Side.BUY)] == [
        pytest.approx(333.3, abs=0.1)
    ] * 3
    assert world.resting(Side.SELL) == []


def test_it_says_nothing_more_while_all_is_in_place() -> None:
    world = a_world()
    world.closes_at(100.0)

    assert [world.closes_at(price) for price in (99.7, 100.9, 99.1)] == [[], [], []]


def test_many_levels_are_placed_over_several_bars_the_nearest_first() -> None:
    world = a_world(levels=7)

    counts = []
    for _ in range(3):
        world.closes_at(100.0)
        counts.append(len(world.rests))

    assert counts == [3, 6, 7]
    assert world.resting(Side.BUY)[0][0] == 99.0


def test_what_is_bought_is_offered_one_level_higher_at_once() -> None:
    world = a_world()
    world.closes_at(100.0)
    bought = world.at(99.0)

    world.fills(bought)

    assert world.resting(Side.SELL) == [(100.0, float(bought.leaves))]
    assert [price for price, _ in world.resting(Side.BUY)] == [98.0, 97.0]


def test_what_is_sold_is_bought_again_at_its_level() -> None:
    world = a_world()
    world.closes_at(100.0)
    world.fills(world.at(99.0))
    world.fills(world.at(98.0))

    world.fills(world.at(99.0))

    assert [price for price, _ in world.resting(Side.BUY)] == [98.0, 97.0]
    assert [price for price, _ in world.resting(Side.SELL)] == [100.0]


def test_a_level_that_is_partly_filled_goes_on_buying_and_is_sold_when_it_is_full() -> None:
    world = a_world()
    world.closes_at(100.0)
    size = float(world.at(99.0).leaves)

    world.fills(world.at(99.0), "0.4")
    ((price, left), *_), offered = world.resting(Side.BUY), world.resting(Side.SELL)
    world.closes_at(99.2)
    world.fills(world.at(99.0))

    assert (price, offered) == (99.0, [])
    assert left == pytest.approx(size * 0.6)
    assert world.resting(Side.SELL) == [(100.0, size)]


def test_what_is_partly_filled_is_sold_when_price_has_come_to_where_it_would_be() -> None:
    world = a_world()
    world.closes_at(100.0)
    world.fills(world.at(99.0), "0.4")

    world.closes_at(100.4)
    world.closes_at(100.4)

    ((price, offered),) = world.resting(Side.SELL)
    assert price == 100.0
    assert offered == pytest.approx(float(world.held), abs=0.001)
    assert 99.0 not in [price for price, _ in world.resting(Side.BUY)]


def test_the_ladder_follows_the_price_up_while_nothing_is_held() -> None:
    world = a_world()
    world.closes_at(100.0)

    world.closes_at(103.0)
    world.closes_at(103.0)

    assert world.resting(Side.BUY)[0][0] == pytest.approx(101.97)
    assert len(world.rests) == 3


def test_the_ladder_stays_while_something_is_held_and_never_follows_down() -> None:
    world = a_world()
    world.closes_at(100.0)
    world.fills(world.at(99.0))

    said = [world.closes_at(price) for price in (110.0, 90.0, 80.0)]

    assert said == [[], [], []]


def test_below_its_last_level_it_waits_with_its_budget_spent() -> None:
    world = a_world()
    world.closes_at(100.0)
    for price in (99.0, 98.0, 97.0):
        world.fills(world.at(price))

    world.closes_at(60.0)

    assert float(world.cost) <= world.budget
    assert world.resting(Side.BUY) == []
    assert sum(size for _, size in world.resting(Side.SELL)) == float(world.held)


def test_it_goes_on_after_a_restart_with_what_it_kept() -> None:
    world = a_world()
    world.closes_at(100.0)
    world.fills(world.at(99.0))
    kept = world.strategy_class.state()

    world.strategy_class = Grid(THREE)
    world.strategy_class.resume(kept, 5 * MINUTE_NS)

    assert world.closes_at(97.5) == []
    world.fills(world.at(98.0))
    assert [price for price, _ in world.resting(Side.SELL)] == [100.0, 99.0]


def test_without_its_state_it_offers_what_it_finds_itself_holding() -> None:
    world = a_world()
    world.closes_at(100.0)
    world.fills(world.at(99.0))
    held = world.held

    world.strategy_class = Grid(THREE)
    world.strategy_class.resume(None, 0)
    for _ in range(3):
        world.closes_at(98.6)

    assert world.held == held
    assert [size for _, size in world.resting(Side.SELL)] == [pytest.approx(float(held))]
    assert world.resting(Side.SELL)[0][0] == pytest.approx(100.0)
    assert len(world.resting(Side.BUY)) == 2


@pytest.mark.parametrize("kept", [b"", b"\xff", b"\x91\x01", None])
def test_a_state_that_cannot_be_read_begins_a_new_ladder(kept: bytes | None) -> None:
    world = a_world()

    world.strategy_class.resume(kept, 0)
    world.closes_at(100.0)

    assert len(world.resting(Side.BUY)) == 3


def test_a_state_of_other_parameters_is_not_continued() -> None:
    world = a_world()
    world.closes_at(100.0)
    other = Grid({"levels": 3.0, "spacing_bps": 50.0})
    other.resume(world.strategy_class.state(), 0)
    world.strategy_class = other

    world.closes_at(100.0)
    world.closes_at(100.0)

    assert [price for price, _ in world.resting(Side.BUY)] == [99.5, 99.0, 98.5]


def test_what_is_too_small_for_the_venue_is_not_asked_for_at_every_bar() -> None:
    world = a_world()
    world.refuses = "BELOW_MINIMUM"

    for _ in range(5):
        world.closes_at(100.0)

    assert len([each for each in world.said if isinstance(each, PlaceOrder)]) == 3


def test_what_another_limit_refused_is_asked_for_again() -> None:
    world = a_world()
    world.refuses = "ACCOUNT_LIMIT"
    world.closes_at(100.0)

    world.refuses = ""
    world.closes_at(100.0)

    assert len(world.rests) == 3


def test_history_and_an_empty_budget_ask_for_nothing() -> None:
    world = a_world()
    world.is_warmup = True
    world.closes_at(100.0)
    world.is_warmup = False
    world.budget = 0.0
    world.closes_at(100.0)

    assert world.said == []


def test_levels_that_reach_below_the_ground_are_refused() -> None:
    with pytest.raises(ConfigError, match="20 levels of 500 bps reach 100% below") as caught:
        Grid({"levels": 20.0, "spacing_bps": 500.0})

    assert caught.value.code == "PARAMETERS_CONFLICT"


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["close", "fill"]), st.floats(0.9, 1.1), st.integers(1, 10)),
        min_size=1,
        max_size=60,
    )
)
def test_it_never_offers_more_than_it_holds_nor_spends_more_than_its_budget(
    steps: list[tuple[str, float, int]],
) -> None:
    world = a_world(levels=4)
    price = 100.0
    for what, change, tenths in steps:
        if what == "close":
            price *= change
            world.closes_at(price)
        elif world.rests:
            world.fills(world.at(price), str(Decimal(tenths) / 10))
        offered = sum(each.leaves for each in world.rests if each.side is Side.SELL)
        bids = sum(
            float(each.leaves * (each.limit_price or 0))
            for each in world.rests
            if each.side is Side.BUY
        )
        assert offered <= world.held
        assert bids + float(world.cost) <= world.budget * 1.05  # a held rest, and the next ladder
        assert len(world.rests) <= 8
        assert len({(each.side, each.limit_price) for each in world.rests}) == len(world.rests)


def test_every_order_says_why() -> None:
    world = a_world()
    world.closes_at(100.0)
    world.fills(world.at(99.0))
    world.closes_at(100.0)
    world.fills(world.at(100.0))
    world.closes_at(105.0)

    kinds = {
        (type(each), Grid.reasons[each.reason.code].format(*each.reason.operands))
        for each in world.said
    }
    assert (PlaceOrder, "level 1 of 3 below 100 is empty: buy") in kinds
    assert (PlaceOrder, "level 1 of 3 below 100 is bought: sell it one level higher") in kinds
    assert (CancelOrder, "it rests at no level of the ladder below 105: cancel") in kinds


def test_a_backtest_buys_low_sells_one_level_higher_and_is_never_refused() -> None:
    tape = demo_tape(3_000, seed=7, step_ns=MINUTE_NS, instruments=("SOLUSDT.SIM",))
    framework = BacktestingFramework(tape=tape, instruments=demo_instruments())
    facts: list[object] = []
    run = StrategyRun("grid", {"spacing_bps": 30}, Sizing(equity_frac=0.1))

    stage = framework.stage(run, commit=lambda _k, _e, step, _d: facts.extend(step.facts))
    stage.open()
    stage.play()

    kinds = [type(fact) for fact in facts]
    assert StrategyQuarantined not in kinds
    assert OrderDenied not in kinds
    assert kinds.count(OrderPlaced) > 10
    positions = [fact.quantity for fact in facts if isinstance(fact, PositionChanged)]
    assert min(positions) >= 0
    assert len(positions) > 10
    assert COIN not in tape.instruments
