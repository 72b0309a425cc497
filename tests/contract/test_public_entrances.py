"""The names that the requirement documents give are the names a user finds."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import typer
from tests.support.trading_session import ACCOUNT, TradingSession, buy, planned

from botcore.app.channel import Publisher
from botcore.app.publishing import CONSUMER, FactPublisher
from botcore.app.settings import load_settings
from botcore.backtest import BacktestingFramework, BacktestReport, demo_instruments, demo_tape
from botcore.cli.application import build
from botcore.domain.decisions import Approved, Denied
from botcore.domain.events import ModeChanged, RiskAlert
from botcore.domain.ids import MINUTE_NS, Nanos
from botcore.domain.keys import Key, Rank
from botcore.domain.modes import Mode
from botcore.domain.records import RecordKind, encode
from botcore.execution import ExecutionReport, OrderExecutionEngine
from botcore.risk import PortfolioRisk, RiskManagementSystem
from botcore.storage import Entry, SqlJournal, Store


def _positional(function: Callable[..., Any]) -> list[str]:
    """Return the arguments a caller may give by place, without `self`."""
    kinds = inspect.signature(function).parameters.values()
    return [p.name for p in kinds if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]


@pytest.fixture
def trading() -> TradingSession:
    session = TradingSession({"buyer": planned({})})
    session.bar(100, 101, 99, 100)
    return session


@pytest.mark.requirement("IF RiskManagementSystem")
def test_risk_takes_an_order_positions_and_a_level(trading: TradingSession) -> None:
    risk = trading.engine.desk.risk
    key = Key(trading.now, Rank.COMMAND, 0, 1_000)
    order = buy(cast(Any, _View()), "1")

    approved = risk.check_order_risk(order, at=key)
    denied = risk.check_order_risk(buy(cast(Any, _View()), "1e12"), at=key)
    measured = risk.update_portfolio_risk({"COINUSDT.SIM": 500.0}, account=ACCOUNT)
    moved = risk.trigger_risk_event(
        Mode.REDUCE_ONLY, account=ACCOUNT, cause="a test", by="risk", at=key
    )

    assert isinstance(approved, Approved)
    assert isinstance(denied, Denied)
    assert isinstance(measured, PortfolioRisk)
    assert isinstance(moved, ModeChanged)
    assert _positional(RiskManagementSystem.check_order_risk) == ["order"]
    assert _positional(RiskManagementSystem.update_portfolio_risk) == ["positions"]
    assert _positional(RiskManagementSystem.trigger_risk_event) == ["risk_level"]


@pytest.mark.requirement("IF OrderExecutionEngine")
def test_execution_takes_what_risk_approved(trading: TradingSession) -> None:
    key = Key(trading.now, Rank.COMMAND, 0, 1_000)
    approved = trading.engine.desk.risk.check_order_risk(buy(cast(Any, _View()), "1"), at=key)
    assert isinstance(approved, Approved)

    report = trading.engine.desk.execution.execute_order(approved, at=key)

    assert isinstance(report, ExecutionReport)
    assert [type(effect).__name__ for effect in report.effects] == ["Submit"]
    assert _positional(OrderExecutionEngine.execute_order) == ["approved"]


@pytest.mark.requirement("IF BacktestingFramework.run_backtest")
def test_the_backtest_takes_a_strategy_and_a_range() -> None:
    tape = demo_tape(300, seed=1, step_ns=MINUTE_NS, instruments=("BTCUSDT.SIM",))
    framework = BacktestingFramework(tape=tape, instruments=demo_instruments())
    first, last = tape.span

    whole = framework.run_backtest("ema-cross")
    half = framework.run_backtest("ema-cross", (first, first + 150 * MINUTE_NS))

    assert isinstance(whole, BacktestReport)
    assert (whole.bars, half.bars) == (300, 150)
    assert last > first
    assert _positional(BacktestingFramework.run_backtest) == ["strategy", "date_range"]


@pytest.mark.requirement("FACT published after it is stored")
def test_a_fact_is_published_once_it_is_durable_and_only_once(tmp_path: Path) -> None:
    published: list[tuple[str, int]] = []
    fact = RiskAlert(ACCOUNT, Nanos(1), "A_CODE", "something")
    entry = Entry(RecordKind.FACT, Key(1, Rank.COMMAND, 0, 1), ACCOUNT, encode(fact))
    with Store(f"sqlite:///{tmp_path / 'engine.db'}") as store, SqlJournal(store) as journal:
        publisher = FactPublisher(journal, cast(Publisher, _Bus(published)), ACCOUNT)
        publisher.flush()
        before = list(published)

        journal.wait_durable(journal.append([entry]))
        publisher.flush()
        publisher.flush()

        assert before == []
        assert published == [("RiskAlert", 1)]
        assert journal.published(CONSUMER) == 1


@pytest.mark.requirement("NUM ports")
def test_the_page_is_on_8080_of_this_machine_unless_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOTCORE_PORT", raising=False)
    monkeypatch.delenv("BOTCORE_HOST", raising=False)

    settings = load_settings(home=tmp_path)

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)


@pytest.mark.requirement("SCRIPT logs --service --follow")
@pytest.mark.parametrize(
    ("verb", "options"),
    [("logs", {"--service", "--follow"}), ("start", {"--detach", "--memory-optimized"})],
)
def test_a_verb_has_the_options_of_the_contract(verb: str, options: set[str]) -> None:
    group: Any = typer.main.get_command(build())

    known = {name for each in group.commands[verb].params for name in each.opts}

    assert options <= known


class _View:
    account = ACCOUNT
    strategy = "buyer"


class _Bus:
    def __init__(self, published: list[tuple[str, int]]) -> None:
        self._published = published

    def publish_fact(self, name: str, lsn: int, payload: bytes) -> None:
        self._published.append((name, lsn))
