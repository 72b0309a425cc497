"""Opening an order: the seal, the id, and the intent before the effect."""

import pytest
from tests.support.builders import (
    EMA,
    USDT,
    a_key,
    an_approved,
    an_approved_order,
    an_exit,
)
from tests.support.order_desk import OrderDesk

from botcore.domain.effects import Submit
from botcore.domain.errors import ConfigError, InvariantBroken
from botcore.domain.events import OrderPlaced, OrderUpdated
from botcore.domain.ids import CLIENT_ORDER_ID, StrategyId
from botcore.domain.orders import OrderState
from botcore.execution import ExecutionConfig


@pytest.mark.parametrize("seal", [None, object(), "SEAL", True])
def test_an_approval_with_another_seal_is_refused(seal: object) -> None:
    desk = OrderDesk()

    with pytest.raises(InvariantBroken, match="APPROVAL_UNSEALED"):
        desk.engine.execute_order(an_approved(seal=seal), at=a_key())

    assert list(desk.engine.index) == []


def test_r1_the_intent_is_a_fact_of_the_same_report_as_its_effect() -> None:
    desk = OrderDesk()

    report = desk.engine.execute_order(an_approved(), at=a_key(7))

    (placed,), (submit,) = report.facts, report.effects
    assert isinstance(placed, OrderPlaced)
    assert isinstance(submit, Submit)
    assert placed.order == submit.order
    assert placed.state is OrderState.INTENT
    assert placed.ts == 7


def test_r1_the_fact_carries_reservation_arrival_price_and_configuration() -> None:
    desk = OrderDesk()

    report = desk.engine.execute_order(
        an_approved(decision_price=101.5, config="digest"), at=a_key()
    )

    placed = report.facts[0]
    assert isinstance(placed, OrderPlaced)
    assert placed.reserve == 1000
    assert placed.reserve_currency == USDT
    assert (placed.decision_price, placed.config) == (101.5, "digest")


def test_r1_children_are_facts_too_and_only_the_entry_is_sent() -> None:
    desk = OrderDesk()

    report = desk.engine.execute_order(
        an_approved(an_approved_order(), an_exit(), an_exit()), at=a_key()
    )

    placed = [fact for fact in report.facts if isinstance(fact, OrderPlaced)]
    assert [fact.state for fact in placed] == [OrderState.INTENT, OrderState.HELD, OrderState.HELD]
    assert [fact.order.parent for fact in placed[1:]] == [placed[0].order.client_order_id] * 2
    assert [effect for effect in report.effects if isinstance(effect, Submit)] == [
        Submit(placed[0].order)
    ]


def test_r1_a_released_child_is_sent_with_the_fact_that_makes_it_an_intent() -> None:
    desk = OrderDesk()
    entry = desk.opened_in(OrderState.ACCEPTED, an_approved_order(), an_exit())

    report = desk.fill(entry, "10")

    (submit,) = [effect for effect in report.effects if isinstance(effect, Submit)]
    made_intent = [
        fact
        for fact in report.facts
        if isinstance(fact, OrderUpdated) and fact.state is OrderState.INTENT
    ]
    assert [fact.client_order_id for fact in made_intent] == [submit.order.client_order_id]


def test_children_cancel_one_another_under_the_id_of_their_entry() -> None:
    desk = OrderDesk()

    entry = desk.open(an_approved_order(), an_exit(), an_exit())

    assert {child.spec.oco_group for child in desk.children(entry)} == {entry.id}


def test_a_group_belongs_to_one_strategy_alone() -> None:
    desk = OrderDesk()
    orders = an_approved_order(oco_group="exit")

    for strategy in (EMA, StrategyId("rsi")):
        desk.take(desk.engine.execute_order(an_approved(orders, strategy=strategy), at=a_key()))

    groups = [order.spec.oco_group for order in desk.engine.index]
    assert groups == ["ema/exit", "rsi/exit"]


def test_an_order_without_a_group_has_none() -> None:
    assert OrderDesk().open().spec.oco_group == ""


@pytest.mark.parametrize("epoch", [0, 1, 35, 36, 1_800_000_000_000_000_000])
def test_r2_an_id_carries_prefix_epoch_number_and_attempt_and_fits_every_venue(
    epoch: int,
) -> None:
    desk = OrderDesk(id_prefix="BC-1234567-1")
    desk.engine.begin_epoch(epoch)

    order = desk.open()

    prefix, number, attempt = order.id.rsplit("-", 2)
    assert CLIENT_ORDER_ID.match(order.id)
    assert int(prefix.removeprefix("BC-1234567-1-"), 36) == epoch
    assert (int(number, 36), attempt) == (1, "1")


def test_r2_ids_are_unique_over_orders_children_and_epochs() -> None:
    desk = OrderDesk()
    ids = []
    for epoch in (0, 1, 2):
        desk.engine.begin_epoch(epoch)
        for _ in range(40):
            entry = desk.open(an_approved_order(), an_exit())
            ids += [entry.id, *entry.children]

    assert len(set(ids)) == len(ids) == 240


def test_r2_last_nights_backup_does_not_issue_an_id_again() -> None:
    desk = OrderDesk()
    desk.engine.begin_epoch(4)
    backup = desk.engine.state()
    used = {desk.open().id for _ in range(20)}

    restored = OrderDesk()
    restored.engine.restore(backup)
    restored.engine.begin_epoch(5)
    issued = {restored.open().id for _ in range(20)}

    assert not used & issued


def test_r2_an_epoch_never_goes_back() -> None:
    desk = OrderDesk()
    desk.engine.begin_epoch(4)

    for lower in (3, -1):
        with pytest.raises(InvariantBroken, match="EPOCH_WENT_BACK"):
            desk.engine.begin_epoch(lower)

    assert desk.open().id == "BC-1-4-1-1"


def test_r2_the_epoch_survives_a_fold_of_the_facts() -> None:
    desk = OrderDesk()
    desk.engine.begin_epoch(40)
    desk.open()

    again = OrderDesk()
    for fact in desk.facts:
        again.engine.fold(fact)

    assert again.engine.state() == desk.engine.state()
    with pytest.raises(InvariantBroken, match="EPOCH_WENT_BACK"):
        again.engine.begin_epoch(39)


@pytest.mark.parametrize("prefix", ["", "x" * 13, "BC 1", "BÄ-1"])
def test_r2_a_prefix_that_venues_do_not_take_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError, match="ID_PREFIX_REFUSED"):
        ExecutionConfig(id_prefix=prefix)


def test_e41_the_id_stands_in_the_fact_before_anything_is_sent() -> None:
    desk = OrderDesk()

    order = desk.open()

    assert order.state is OrderState.INTENT
    assert order.id == "BC-1-0-1-1"
