"""The areas of trading behind the one way in: permission, confirmation, repetition, audit."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from tests.support.callers import AUTH_TIME, a_person
from tests.support.control_fakes import MemoryAudit, MemoryRepetitions
from tests.support.fast_clock import FastClock
from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import TradingSession
from tests.unit.control.trading.test_declarations import AREAS
from tests.unit.control.trading.test_health import Vitals

from botcore.control.access import Role
from botcore.control.dispatch import Control, Told
from botcore.control.handlers.accounts import AccountHandlers
from botcore.control.handlers.exports import ExportHandlers
from botcore.control.handlers.health import HealthHandlers
from botcore.control.handlers.ledger import LedgerHandlers
from botcore.control.handlers.limits import LimitHandlers
from botcore.control.handlers.orders import OrderHandlers
from botcore.control.handlers.positions import PositionHandlers
from botcore.control.handlers.risk import RiskHandlers
from botcore.control.handlers.trades import TradeHandlers
from botcore.control.operations import Request
from botcore.control.problems import (
    ConfirmationRequired,
    Forbidden,
    Malformed,
    Refused,
    StepUpRequired,
)
from botcore.control.schema import exports as e
from botcore.control.schema import orders as o
from botcore.control.schema import positions as p
from botcore.control.schema import risk as r
from botcore.domain.ids import SECOND_NS
from botcore.domain.modes import Mode
from botcore.domain.orders import Side

BUY = o.PlaceOrder(instrument="COINUSDT.SIM", side=Side.BUY, quantity=Decimal(2))


class Platform:
    """Control over a real engine and a real store; audit and repetitions in memory."""

    def __init__(self, folder: Path) -> None:
        self.desk = desk = TradingDesk(folder, TradingSession({}, cash="10000"))
        desk.bar(100.0)
        self.clock = FastClock((AUTH_TIME + 1) * SECOND_NS)
        self.audit = MemoryAudit()
        both: dict[str, Any] = {"engine": desk, "history": desk.history}
        handlers = (
            AccountHandlers(**both),
            OrderHandlers(**both),
            PositionHandlers(engine=desk, stored=desk.history, clock=self.clock),
            TradeHandlers(**both),
            LedgerHandlers(**both),
            LimitHandlers(engine=desk, stored=desk.history, clock=self.clock),
            RiskHandlers(**both, clock=self.clock),
            ExportHandlers(**both),
            HealthHandlers(**both, vitals=Vitals(), clock=self.clock),
        )
        table = {kind: how for each in handlers for kind, how in each.handlers().items()}
        self.control = Control(
            chain.from_iterable(area.OPERATIONS for area in AREAS),
            table,
            audit=self.audit,
            repetitions=MemoryRepetitions(self.audit),
            clock=self.clock,
        )

    def tell(
        self, request: Request[Any], role: Role = Role.TRADER, *, key: str = "", token: str = ""
    ) -> Told:
        return asyncio.run(
            self.control.tell(
                a_person(role),
                request,
                correlation="c-1",
                confirmation=token,
                idempotency_key=key,
            )
        )

    def token(self, request: Request[Any], role: Role = Role.TRADER, *, key: str = "") -> str:
        with pytest.raises(ConfirmationRequired) as asked:
            self.tell(request, role, key=key)
        return str(asked.value.details["confirmation_token"])


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    yield platform
    platform.desk.close()


def test_an_order_is_confirmed_placed_once_and_answered_again_under_its_key(
    platform: Platform,
) -> None:
    token = platform.token(BUY, key="k1")
    first = platform.tell(BUY, key="k1", token=token)
    again = platform.tell(BUY, key="k1")

    assert again.was_known
    assert again.encoded == first.encoded
    assert [type(command).__name__ for command in platform.desk.acted] == ["SubmitOrder"]
    assert platform.audit.results("orders.place")[-2:] == ["asked", "done"]


def test_what_was_placed_before_the_answer_was_lost_is_not_placed_again(
    platform: Platform,
) -> None:
    first = platform.tell(BUY, key="k1", token=platform.token(BUY, key="k1")).answer
    platform.control._repetitions = MemoryRepetitions(platform.audit)  # forgotten

    again = platform.tell(BUY, key="k1", token=platform.token(BUY, key="k1")).answer

    assert again.id == first.id


def test_a_viewer_neither_trades_nor_stops(platform: Platform) -> None:
    for request in (BUY, r.StopAll(), p.FlattenAll(), r.SetLimits(order_frac=0.01)):
        with pytest.raises(Forbidden):
            platform.tell(request, Role.VIEWER, key="k")

    assert platform.desk.acted == []


def test_the_kill_switch_needs_nothing_but_a_press(platform: Platform) -> None:
    assert platform.tell(r.StopAll()).answer.mode is Mode.HALT


def test_every_press_of_the_kill_switch_stops_also_under_a_key_that_was_used(
    platform: Platform,
) -> None:
    leave = r.ChangeMode(mode=Mode.NORMAL)
    platform.tell(r.StopAll(), key="panic")
    platform.tell(leave, key="k", token=platform.token(leave, key="k"))

    again = platform.tell(r.StopAll(), key="panic")

    assert not again.was_known
    assert platform.desk.session.risk.mode is Mode.HALT


def test_flatten_is_always_confirmed(platform: Platform) -> None:
    token = platform.token(p.FlattenAll())

    assert platform.tell(p.FlattenAll(), token=token).answer.account == "main"


def test_leaving_halt_takes_a_factor_and_a_confirmation(platform: Platform) -> None:
    platform.tell(r.StopAll())
    leave = r.ChangeMode(mode=Mode.NORMAL)
    token = platform.token(leave, key="k1")
    left = platform.tell(leave, key="k1", token=token).answer
    platform.tell(r.StopAll())
    platform.clock.skip(400 * SECOND_NS)

    assert left.mode is Mode.NORMAL
    with pytest.raises(StepUpRequired):
        platform.tell(leave)


def test_who_confirmed_leaving_a_mode_has_not_confirmed_leaving_the_halt_that_came_since(
    platform: Platform,
) -> None:
    back = r.ChangeMode(mode=Mode.NORMAL)
    platform.tell(r.ChangeMode(mode=Mode.REDUCE_ONLY))
    token = platform.token(back, key="k1")
    platform.tell(r.StopAll())

    with pytest.raises(Refused, match="CONFIRMATION_MISMATCH"):
        platform.tell(back, key="k1", token=token)

    assert platform.tell(r.StopAll()).answer.mode is Mode.HALT


@pytest.mark.parametrize(
    ("safer", "riskier"),
    [
        (r.ChangeMode(mode=Mode.CANCEL_ONLY), r.ChangeMode(mode=Mode.NORMAL)),
        (r.SetLimits(order_frac=0.1), r.SetLimits(order_frac=0.2)),
    ],
)
def test_a_key_is_asked_for_on_the_way_to_more_risk_and_never_to_less(
    platform: Platform, safer: Request[Any], riskier: Request[Any]
) -> None:
    platform.tell(safer)

    with pytest.raises(Malformed, match="IDEMPOTENCY_KEY_MISSING"):
        platform.tell(riskier, Role.OWNER)

    assert platform.token(riskier, Role.OWNER, key="k1")


def test_narrower_limits_go_through_and_wider_ones_are_confirmed(platform: Platform) -> None:
    platform.tell(r.SetLimits(order_frac=0.1))
    wider = r.SetLimits(order_frac=0.2)
    token = platform.token(wider, Role.ADMIN, key="k1")

    assert platform.tell(wider, Role.ADMIN, key="k1", token=token).answer.order_frac == 0.2


def test_the_tax_file_takes_a_factor_of_the_last_minutes(platform: Platform) -> None:
    made = platform.tell(e.ExportTax(year=2025)).answer
    platform.clock.skip(400 * SECOND_NS)

    assert made.rows == 0
    with pytest.raises(StepUpRequired):
        platform.tell(e.ExportTax(year=2025))


def test_every_question_is_answered_as_json_without_an_exponent(platform: Platform) -> None:
    platform.tell(BUY, key="k1", token=platform.token(BUY, key="k1"))
    platform.desk.bar(100.0)
    questions = [
        example
        for area in AREAS
        for operation in area.OPERATIONS
        if not operation.is_act and operation.name not in ("orders.show", "trades.show")
        for example in operation.examples[:1]
        if getattr(example, "instrument", None) in (None, BUY.instrument)
    ]

    answers = [platform.tell(question, Role.OWNER).encoded for question in questions]

    assert len(answers) >= 15
    assert not any(b'"0E-' in answer or b"E+" in answer for answer in answers)
