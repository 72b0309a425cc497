"""Calls on the engine's thread: real stores, no thread of the process runs."""

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from botcore.app.calls import (
    Call,
    Recompose,
    What,
    decode_answer,
    decode_call,
    encode_call,
)
from botcore.app.engine_process import EngineProcess
from botcore.app.home import Home
from botcore.app.settings import load_settings
from botcore.app.told import Told
from botcore.domain.commands import (
    MANUAL,
    CancelAll,
    Command,
    KillSwitch,
    LiftLock,
    OrderWish,
    PauseStrategy,
    SetMode,
    SubmitOrder,
    UseLimits,
)
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import AccountId, InstrumentId, StrategyId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType, Side
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import (
    PreviewOrder,
    StrategyStates,
    TopsOfBook,
    WhatIsOpen,
    answer_type,
)
from botcore.engine import open_now
from botcore.kernel import SystemClock

PAPER = AccountId("paper")
ADA = "person:ada"
BROKEN = StorageError(code="STORE_DISK_FULL", cause="the disk is full", fix="free some")


class Running:
    """A process that was opened, and what it answered."""

    def __init__(self, folder: Path) -> None:
        settings = load_settings(home=folder, history_days=0.001)
        self.process = EngineProcess(
            settings, Home(folder), events="tcp://127.0.0.1:*", commands="tcp://127.0.0.1:*"
        )
        self.process._open()
        self.instrument: InstrumentId = self.process._market.instruments[0].id
        self.journal = self.process._journal

    def told(self, *whats: What, until: int = 0) -> list[Any]:
        """Tell it several things at once, over the wire's own encoding; return the answers."""
        answers: dict[int, Any] = {}
        tolds = []
        for number, what in enumerate(whats):
            call = decode_call(encode_call(Call(what, until)))
            tolds.append(Told(call, partial(answers.__setitem__, number)))
        self.process._carrying_out.carry_out(tolds)
        return [answers[number] for number in range(len(whats))]

    def outcomes(self, *commands: Command) -> list[Outcome]:
        return [decode_answer(each, Outcome) for each in self.told(*commands)]

    def buy(self, reference: str, price: str = "20000", **more: Any) -> SubmitOrder:
        """A resting order."""
        given: dict[str, Any] = {"account": PAPER, "instrument": self.instrument, **more}
        wish = OrderWish(
            side=Side.BUY,
            type=OrderType.LIMIT,
            quantity=Decimal("0.001"),
            limit_price=Decimal(price),
            **given,
        )
        return SubmitOrder(order=wish, by=ADA, reference=reference)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.process._recorder.failure = None
    made.process._close()


def test_commands_of_one_moment_wait_for_the_journal_together(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[int] = []
    wait = running.journal.wait_durable

    def noting(lsn: int) -> None:
        waited.append(lsn)
        wait(lsn)

    monkeypatch.setattr(running.journal, "wait_durable", noting)

    outcomes = running.outcomes(*(running.buy(f"r-{n}") for n in range(8)))

    assert [each.code for each in outcomes] == [""] * 8
    assert {each.orders[0].state for each in outcomes} == {"ACCEPTED"}
    assert len({each.orders[0].client_order_id for each in outcomes}) == 8
    assert len(waited) == 3, "the orders, that they leave, and what came of it"
    assert {each.lsn for each in outcomes} == {running.journal.durable_lsn}


def test_a_reference_that_comes_twice_in_one_moment_is_done_once(running: Running) -> None:
    first, again, other = running.outcomes(
        running.buy("r-1"), running.buy("r-1"), running.buy("r-1", price="19000")
    )

    assert (first.is_repeat, again.is_repeat) == (False, True)
    assert first.orders == again.orders
    assert other.code == "REFERENCE_REUSED"
    assert len(running.process._engine.desk.execution.index.all_working(PAPER)) == 1


def test_calls_are_carried_out_in_their_order(running: Running) -> None:
    bought, stopped, late = running.outcomes(
        running.buy("r-1"), KillSwitch(PAPER, ADA), running.buy("r-2")
    )

    assert bought.code == ""
    assert stopped.sentence == "done; the account is in HALT"
    assert (late.code, late.mode) == ("MODE_FORBIDS", Mode.HALT)


def test_a_question_sees_what_was_told_before_it(running: Running) -> None:
    _, before, _, after = running.told(
        running.buy("r-1"), StrategyStates(), CancelAll(PAPER, ADA), StrategyStates()
    )

    manual = [
        {each.id: each for each in decode_answer(raw, answer_type(StrategyStates))}["manual"]
        for raw in (before, after)
    ]
    assert [each.working_orders for each in manual] == [1, 0]


def test_a_cancel_of_all_counts_every_order_and_names_the_first(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_now, "OPEN_SHOWN", 2)
    bought = running.outcomes(*(running.buy(f"r-{n}") for n in range(3)))
    ids = [each.orders[0].client_order_id for each in bought]

    other, every = running.outcomes(
        CancelAll(PAPER, ADA, None, InstrumentId("OTHER.SIM")),
        CancelAll(PAPER, ADA, None, running.instrument, Side.BUY),
    )

    assert (other.working, other.orders) == (0, ())
    assert (every.working, [each.client_order_id for each in every.orders]) == (3, ids[:2])
    assert {each.state for each in every.orders} == {"CANCELED"}


def test_what_is_open_is_counted_by_strategy_instrument_and_side(running: Running) -> None:
    running.outcomes(running.buy("r-1"), running.buy("r-2"))

    counts = [
        decode_answer(raw, answer_type(WhatIsOpen)).orders
        for raw in running.told(
            WhatIsOpen(account=PAPER),
            WhatIsOpen(account=PAPER, strategy=MANUAL, instrument=running.instrument),
            WhatIsOpen(account=PAPER, side=Side.SELL),
            WhatIsOpen(account=PAPER, strategy=StrategyId("rsi")),
        )
    ]

    assert counts == [2, 2, 0, 0]


def test_a_call_that_comes_too_late_is_not_done(running: Running) -> None:
    clock = SystemClock()

    (late,) = running.told(running.buy("r-1"), until=clock.monotonic_ns() - 1)
    (in_time,) = running.told(running.buy("r-2"), until=clock.monotonic_ns() + 10**10)

    with pytest.raises(ConfigError, match="COMMAND_TOO_LATE"):
        decode_answer(late, Outcome)
    assert decode_answer(in_time, Outcome).code == ""
    assert len(running.process._engine.desk.execution.index.all_working(PAPER)) == 1


def test_the_kill_switch_is_never_too_late(running: Running) -> None:
    (late,) = running.told(KillSwitch(PAPER, ADA), until=SystemClock().monotonic_ns() - 1)

    assert decode_answer(late, Outcome).mode is Mode.HALT


@pytest.mark.parametrize(
    "command",
    [PauseStrategy(AccountId("x"), StrategyId("rsi"), ADA), KillSwitch("x", ADA)],  # type: ignore[arg-type]  # an account
)
def test_an_account_that_there_is_not_is_refused(running: Running, command: Command) -> None:
    lsn = running.journal.last_lsn

    (answer,) = running.told(command)

    with pytest.raises(ConfigError, match="ACCOUNT_UNKNOWN"):
        decode_answer(answer, Outcome)
    assert running.journal.last_lsn == lsn


def test_an_unconfirmed_flatten_is_denied(running: Running) -> None:
    (outcome,) = running.outcomes(SetMode(PAPER, Mode.FLATTEN, ADA, "all of it"))

    assert (outcome.code, outcome.mode) == ("NOT_CONFIRMED", Mode.NORMAL)
    assert outcome.sentence.startswith("denied: flatten was not confirmed")


def test_without_a_store_only_what_lowers_risk_is_done(running: Running) -> None:
    running.outcomes(running.buy("r-1"))
    before = running.process._engine.desk.risk.account(PAPER).limits
    running.process._recorder.failure = BROKEN

    placed, limits, stopped = running.told(
        running.buy("r-2"),
        UseLimits(account=PAPER, by=ADA, reference="r-3", limits={"order_frac": 0.5}),
        KillSwitch(PAPER, ADA),
    )

    for refused in (placed, limits):
        with pytest.raises(StorageError, match="STORE_DISK_FULL"):
            decode_answer(refused, Outcome)
    outcome = decode_answer(stopped, Outcome)
    assert outcome.mode is Mode.HALT
    assert outcome.sentence.startswith("done; the account is in HALT; the store is away")
    assert not running.process._engine.desk.execution.index.all_working(PAPER)
    assert running.process._engine.desk.risk.account(PAPER).limits == before
    assert len(running.process._engine.acts) == 1, "what was refused may come again"


def test_a_question_that_cannot_be_answered_stops_nothing(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.process._prices, "quote", None)

    failed, refused = running.told(
        TopsOfBook(), TopsOfBook(instruments=(InstrumentId("MOONUSDT.SIM"),))
    )
    (outcome,) = running.outcomes(running.buy("r-1"))

    with pytest.raises(ConfigError, match="QUESTION_FAILED"):
        decode_answer(failed, Any)
    with pytest.raises(ConfigError, match="INSTRUMENT_UNKNOWN"):
        decode_answer(refused, Any)
    assert outcome.code == ""


def test_questions_leave_nothing_in_the_journal(running: Running) -> None:
    lsn, state = running.journal.last_lsn, running.process._engine.state_hash()

    running.told(PreviewOrder(order=running.buy("r-1").order), StrategyStates(), TopsOfBook())

    assert running.journal.last_lsn == lsn
    assert running.process._engine.state_hash() == state


def test_an_engine_that_nobody_would_start_again_is_not_ended(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOTCORE_SUPERVISOR_FD", raising=False)

    (answer,) = running.told(Recompose(by=ADA))

    with pytest.raises(ConfigError, match="NOT_SUPERVISED"):
        decode_answer(answer, Any)
    assert not running.process._is_stopping


def test_settings_that_cannot_be_read_any_more_keep_the_engine_running(
    running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTCORE_SUPERVISOR_FD", "99")
    (running.process._home.path / "settings.toml").write_text("nonsense = 1\n")

    (answer,) = running.told(Recompose(by=ADA))

    with pytest.raises(ConfigError, match="SETTING_UNKNOWN"):
        decode_answer(answer, Any)
    assert not running.process._is_stopping


def test_a_view_shows_event_strategies_what_people_do_and_when_orders_were_placed(
    running: Running,
) -> None:
    running.outcomes(running.buy("r-1"))
    process = running.process

    view = process._viewer.view(now=process._now(), wall=0, uptime_s=1.0, storage="ok")

    (order,) = view.orders
    by_id = {each.id: each for each in view.strategies}
    assert 0 < process._now() - order.ts < 60 * 10**9
    assert by_id["manual"].status == "manual"
    assert by_id["rsi"].decisions


def test_a_lock_that_is_not_in_force_is_not_said_to_be_lifted(running: Running) -> None:
    (lifted,) = running.outcomes(LiftLock(PAPER, ADA, "rest:BTCUSDT.SIM"))

    assert lifted.code == "LOCK_UNKNOWN"
    assert lifted.sentence.startswith("denied: no such lock is in force")
