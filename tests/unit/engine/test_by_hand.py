"""What people do by hand: through the gate, once under a reference, and known after a restart."""

# A Decimal equals the whole number that it is.
# mypy: disable-error-code="comparison-overlap"

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.support.by_hand import (
    ADA,
    a_limit,
    a_session,
    a_wish,
    amend,
    cancel,
    submit,
    told,
    use,
)
from tests.support.trading_session import ACCOUNT, TradingSession, buy, planned

from botcore.domain.commands import (
    MANUAL,
    ApplyConfig,
    CancelOne,
    Checkpoint,
    KillSwitch,
    SessionStarted,
)
from botcore.domain.errors import InvariantBroken
from botcore.domain.events import (
    FINGERPRINTED,
    LimitsChanged,
    OrderDenied,
    OrderPlaced,
    PersonActed,
)
from botcore.domain.ids import AccountId, ClientOrderId, Nanos
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.engine import Engine
from botcore.engine.acts import Acts
from botcore.risk import RiskLimits


def test_a_persons_order_is_placed_filled_and_kept_in_a_ledger_of_its_own() -> None:
    run = a_session()

    outcome = told(run, submit(a_wish("2")))
    run.flat(100, 1)

    assert (outcome.code, outcome.is_repeat, outcome.mode) == ("", False, Mode.NORMAL)
    assert [each.state for each in outcome.orders] == [OrderState.ACCEPTED]
    assert run.position(MANUAL).quantity == 2
    assert run.fills == [(MANUAL, Side.BUY, Decimal(2), Decimal(100))]
    run.engine.desk.portfolio.verify()


def test_an_order_with_exits_answers_with_all_of_them() -> None:
    run = a_session()

    outcome = told(run, submit(a_wish("2", stop_loss="95", take_profit="110")))

    assert [each.state for each in outcome.orders] == [
        OrderState.ACCEPTED,
        OrderState.HELD,
        OrderState.HELD,
    ]
    run.flat(100, 1)
    assert [order.spec.type for order in run.orders if not order.is_terminal] == [
        OrderType.STOP,
        OrderType.LIMIT,
    ]


def test_an_act_told_again_is_not_done_again() -> None:
    run = a_session()

    first = told(run, submit(a_limit()))
    again = told(run, submit(a_limit(), correlation="another call"))

    assert len(run.of(OrderPlaced)) == len(run.of(PersonActed)) == 1
    assert again.is_repeat
    assert again.orders == first.orders


@pytest.mark.parametrize("fold", [False, True])
def test_an_act_told_again_after_a_restart_is_not_done_again(fold: bool) -> None:
    run = a_session()
    first = told(run, submit(a_limit()))
    denied = told(run, submit(a_wish(side=Side.SELL), "r-9"))
    run.tell(Checkpoint(ACCOUNT))
    state = run.engine.money_state()

    run.restarted(fold=fold)
    found = run.engine.money_state()
    run.resumed()
    again, denied_again = (
        told(run, submit(a_limit())),
        told(run, submit(a_wish(side=Side.SELL), "r-9")),
    )

    assert found == state
    assert len(run.of(OrderPlaced)) == 1
    assert [each.client_order_id for each in again.orders] == [
        each.client_order_id for each in first.orders
    ]
    assert (denied.code, denied.detail) == (denied_again.code, denied_again.detail)
    assert denied_again.code == "SHORT_NOT_ALLOWED"


@pytest.mark.parametrize(
    "other", [submit(a_limit("2")), submit(a_limit(), by="person:bob"), use("r-1", order_frac=0.1)]
)
def test_a_reference_that_was_used_for_another_act_is_refused(other: object) -> None:
    run = a_session()
    told(run, submit(a_limit()))

    outcome = told(run, other)  # type: ignore[arg-type]  # one of three

    assert outcome.code == "REFERENCE_REUSED"
    assert outcome.orders == ()
    assert len(run.of(OrderPlaced)) == 1
    assert not run.of(LimitsChanged)


def test_what_is_denied_is_noted_with_its_sentence_and_figures() -> None:
    run = a_session(limits=RiskLimits(order_frac=0.00001))

    outcome = told(run, submit(a_wish("1")))

    (act,) = run.of(PersonActed)
    (denied,) = run.of(OrderDenied)
    assert outcome.code == act.code == denied.denied.code == "ORDER_LIMIT"
    assert outcome.detail == act.detail == "notional 100.00 exceeds 10.00 for one order"
    assert (outcome.value, outcome.limit) == (100.0, 10.0)
    assert outcome.sentence.startswith("denied: notional 100.00")
    assert (act.by, act.act, act.reference) == (ADA, "SubmitOrder", "r-1")


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (a_wish(instrument="MOONUSDT.SIM"), "INSTRUMENT_UNKNOWN"),
        (a_wish(strategy="nobody"), "STRATEGY_UNKNOWN"),
        (a_wish("0.0001"), "BELOW_MINIMUM"),
        (a_wish("-1"), "INTENT_MALFORMED"),
        (a_wish("NaN"), "INTENT_MALFORMED"),
        (a_wish("1e30"), "INTENT_MALFORMED"),
        (a_wish(type=OrderType.LIMIT), "INTENT_MALFORMED"),
        (a_wish(side=Side.SELL, reduce_only=True), "NOTHING_TO_REDUCE"),
    ],
)
def test_what_cannot_be_is_denied(wish: object, code: str) -> None:
    run = a_session()

    outcome = told(run, submit(wish))  # type: ignore[arg-type]  # a wish

    assert outcome.code == code
    assert not run.of(OrderPlaced)


def test_a_halted_account_takes_no_order_by_hand() -> None:
    run = a_session()
    run.tell(KillSwitch(ACCOUNT, ADA))

    outcome = told(run, submit(a_wish()))

    assert (outcome.code, outcome.mode) == ("MODE_FORBIDS", Mode.HALT)


def test_nothing_is_placed_or_changed_before_the_account_is_reconciled() -> None:
    run = a_session()
    order = told(run, submit(a_limit())).orders[0].client_order_id
    run.tell(SessionStarted(ACCOUNT, 1))

    placed, changed = told(run, submit(a_wish(), "x")), told(run, amend(order, quantity="2"))
    ended = told(run, cancel(order))

    assert (placed.code, changed.code) == ("NOT_READY", "NOT_READY")
    assert ended.code == ""


def test_an_order_is_changed_by_hand() -> None:
    run = a_session()
    order = told(run, submit(a_limit())).orders[0].client_order_id

    outcome = told(run, amend(order, quantity="2", limit_price="91"))

    (standing,) = outcome.orders
    assert (standing.quantity, standing.limit_price) == (2, 91)
    (at_venue,) = run.venue.open_orders(ACCOUNT)
    assert (at_venue.quantity, at_venue.limit_price) == (2_000, 9_100), "in lots and ticks"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, "INTENT_MALFORMED"),
        ({"trigger_price": "95"}, "INTENT_MALFORMED"),
        ({"quantity": "99999999"}, "ORDER_LIMIT"),
        ({"limit_price": "200"}, "PRICE_BAND"),
    ],
)
def test_a_change_that_cannot_be_is_denied(change: dict[str, str], code: str) -> None:
    run = a_session()
    order = told(run, submit(a_limit())).orders[0].client_order_id

    outcome = told(run, amend(order, **change))

    assert outcome.code == code
    assert run.orders[0].quantity == 1


def test_an_order_is_cancelled_by_hand_once() -> None:
    run = a_session()
    order = told(run, submit(a_limit())).orders[0].client_order_id

    first, again = told(run, cancel(order)), told(run, cancel(order))
    late = told(run, cancel(order, "r-8"))

    assert [each.state for each in first.orders] == [OrderState.CANCELED]
    assert again.is_repeat
    assert late.code == "ORDER_NOT_WORKING"


def test_an_order_that_there_is_not_is_neither_changed_nor_cancelled() -> None:
    run = a_session()
    unknown = ClientOrderId("BC-1-0-9-1")

    assert told(run, amend(unknown, quantity="2")).code == "ORDER_UNKNOWN"
    assert told(run, cancel(unknown)).code == "ORDER_UNKNOWN"


def test_a_cancel_without_a_reference_is_done_and_not_noted() -> None:
    run = a_session()
    order = told(run, submit(a_limit())).orders[0].client_order_id
    noted = len(run.of(PersonActed))

    run.tell(CancelOne(ACCOUNT, ADA, order))

    assert run.orders[0].state is OrderState.CANCELED
    assert len(run.of(PersonActed)) == noted


def a_trading_strategy() -> TradingSession:
    """A strategy that has bought 4 and goes on."""
    run = TradingSession({"mine": planned({1: lambda view: [buy(view, "4")]})})
    run.flat(100, 3)
    assert run.position("mine").quantity == 4
    return run


def test_a_person_reduces_a_strategys_own_position() -> None:
    run = a_trading_strategy()

    outcome = told(run, submit(a_wish("3", Side.SELL, strategy="mine", reduce_only=True)))
    run.flat(100, 1)

    assert outcome.code == ""
    assert run.position("mine").quantity == 1
    assert run.position(MANUAL).quantity == 0


def test_a_person_does_not_sell_from_one_ledger_what_another_holds() -> None:
    run = a_trading_strategy()

    outcome = told(run, submit(a_wish("1", Side.SELL)))

    assert outcome.code == "SHORT_NOT_ALLOWED"


def test_what_a_strategy_that_is_gone_has_left_can_be_closed() -> None:
    run = a_trading_strategy()
    run.tell(Checkpoint(ACCOUNT))
    gone = msgspec.structs.replace(run.config, strategies=())
    engine = Engine(gone, {})
    engine.restore_money(run.engine.money_state())
    engine.desk.valuation.mark(run.instruments[0].id, 100.0)
    run.continued_by(engine)
    run.resumed()

    outcome = told(run, submit(a_wish("4", Side.SELL, strategy="mine", reduce_only=True)))
    run.flat(100, 1)

    assert outcome.code == ""
    assert run.position("mine").quantity == 0


def test_other_limits_are_in_force_at_once() -> None:
    run = a_session()

    outcome = told(run, use(order_frac=0.00001, orders_per_s=3))
    denied = told(run, submit(a_wish()))

    (changed,) = run.of(LimitsChanged)
    assert outcome.code == ""
    assert denied.code == "ORDER_LIMIT"
    assert (changed.by, changed.limits["order_frac"], changed.limits["orders_per_s"]) == (
        ADA,
        0.00001,
        3,
    )
    assert run.risk.limits.instrument_frac == run.config.accounts[0].limits.instrument_frac


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"order_fraction": 0.1}, "LIMIT_UNKNOWN"),
        ({"order_frac": 0}, "LIMIT_REFUSED"),
        ({"order_frac": float("nan")}, "LIMIT_REFUSED"),
        ({"order_frac": "much"}, "LIMIT_REFUSED"),
        ({"orders_per_s": 1.5}, "LIMIT_REFUSED"),
    ],
)
def test_limits_that_cannot_be_change_nothing(limits: dict[str, Any], code: str) -> None:
    run = a_session()
    before = run.risk.limits

    outcome = told(run, use(**limits))

    assert outcome.code == code
    assert outcome.detail
    assert run.risk.limits == before
    assert not run.of(LimitsChanged)


@pytest.mark.parametrize("fold", [False, True])
def test_a_start_takes_up_changed_limits_and_then_those_of_its_configuration(fold: bool) -> None:
    run = a_session()
    told(run, use(orders_per_s=2_000, order_frac=0.5))
    run.tell(Checkpoint(ACCOUNT))
    state = run.engine.money_state()

    run.restarted(fold=fold)
    restored, found = run.risk.limits, run.engine.money_state()
    run.tell(ApplyConfig(ACCOUNT, run.config.document()))

    assert found == state
    assert (restored.order_frac, restored.orders_per_s) == (0.5, 2_000)
    assert run.risk.limits == run.config.accounts[0].limits
    assert run.of(LimitsChanged)[-1].by == "engine"
    assert "limits" not in run.engine.money_state()


def test_an_account_that_nobody_touched_has_the_state_that_it_always_had() -> None:
    run = a_session()

    assert set(run.engine.money_state()) == {"execution", "portfolio", "risk", "paused"}
    assert not {PersonActed, LimitsChanged} & set(FINGERPRINTED)


def an_act(number: int) -> PersonActed:
    return PersonActed(ACCOUNT, Nanos(number), ADA, "SubmitOrder", f"r-{number}", "digest")


def test_only_the_newest_acts_are_remembered() -> None:
    acts = Acts(kept=3)
    for number in range(5):
        acts.fold(an_act(number))

    restored = Acts(kept=3)
    restored.restore(msgspec.json.decode(msgspec.json.encode(acts.state())))

    assert len(acts) == 3
    assert acts.of(submit(a_wish(), "r-1")) is None
    assert acts.of(submit(a_wish(), "r-2")) == an_act(2)
    assert acts.of(submit(a_wish(account=AccountId("other")), "r-2")) is None
    assert restored.state() == acts.state()


def test_what_was_done_is_never_done_again_also_once_what_came_of_it_is_forgotten() -> None:
    acts = Acts(kept=2, spent_kept=3)
    acts.fold(an_act(0))
    acts.fold(msgspec.structs.replace(an_act(1), code="ORDER_RATE"))
    acts.fold(msgspec.structs.replace(an_act(2), act="CancelOne"))
    for number in range(3, 7):
        acts.fold(an_act(number))

    restored = Acts(kept=2, spent_kept=3)
    kept = msgspec.msgpack.decode(msgspec.msgpack.encode([acts.state(), acts.spent_state()]))
    restored.restore(*kept)

    for each in (acts, restored):
        known = [each.is_known(submit(a_wish(), f"r-{number}")) for number in range(7)]
        assert known == [True, False, False, True, True, True, True]
        assert each.of(submit(a_wish(), "r-0")) is None
        assert not each.is_known(submit(a_wish(account=AccountId("other")), "r-0"))
    assert (restored.state(), restored.spent_state()) == (acts.state(), acts.spent_state())
    restored.fold(an_act(7))
    assert not restored.is_known(submit(a_wish(), "r-0")), "the oldest of more than can be kept"
    assert restored.is_known(submit(a_wish(), "r-3"))


@pytest.mark.parametrize("fold", [False, True])
def test_an_order_told_again_after_thousands_of_others_is_not_placed_again(
    monkeypatch: pytest.MonkeyPatch, fold: bool
) -> None:
    monkeypatch.setattr("botcore.engine.acts.ACTS_KEPT", 4)
    run = a_session()
    told(run, submit(a_wish(), "first"))
    for number in range(6):
        told(run, use(f"limits-{number}", orders_per_s=100 + number))
    run.tell(Checkpoint(ACCOUNT))
    state = run.engine.money_state()
    run.restarted(fold=fold)
    placed = len(run.of(OrderPlaced))

    again = told(run, submit(a_wish(), "first"))

    assert run.engine.money_state() == state
    assert len(run.of(OrderPlaced)) == placed
    assert (again.code, again.is_repeat, again.orders) == ("REFERENCE_SPENT", True, ())
    assert "see the orders" in again.detail


@pytest.mark.parametrize("state", [3, [3], [["main"]], [["main", "late", *[""] * 10]]])
def test_acts_of_a_snapshot_that_cannot_be_read_are_refused(state: object) -> None:
    acts = Acts()
    acts.fold(an_act(1))

    with pytest.raises(InvariantBroken, match="ACTS_STATE_MALFORMED"):
        acts.restore(state)

    assert len(acts) == 1
