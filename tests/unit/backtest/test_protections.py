"""Protections in a backtest: what the report says of them, and nothing where there are none."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.lulls import a_walk
from tests.support.trading_session import WIDE, ByColour
from tests.support.venue_session import an_instrument

from botcore.app import backtesting
from botcore.backtest import BacktestingFramework, BacktestReport
from botcore.backtest.reporting import load_report, write_report
from botcore.domain.ids import DAY_NS, MINUTE_NS
from botcore.risk import CoolDown, Counted, DrawdownGuard, Protection, StopLossGuard

REST = CoolDown(name="rest", lock_ns=10 * MINUTE_NS)
LOSSES = StopLossGuard(name="losses", exits=5, counts=Counted.LOSSES, lock_ns=60 * MINUTE_NS)
NEVER = DrawdownGuard(name="never", drawdown_frac=0.9)


def a_report(*protections: Protection) -> BacktestReport:
    framework = BacktestingFramework(
        tape=a_walk(5, 800),
        instruments=[an_instrument()],
        limits=WIDE,
        protections=protections,
        strategies={"colour": ByColour},
    )
    return framework.run_backtest("colour")


def test_the_report_says_how_often_each_protection_locked_and_denied() -> None:
    report = a_report(REST, LOSSES, NEVER)

    locks, denied = report.activity.locks, report.activity.denied_by
    assert report.notes[:3] == (
        f"protection rest locked {locks['rest']:,} times; it denied {denied['rest']:,} entries",
        f"protection losses locked {locks['losses']} times; it denied {denied['losses']} entries",
        "protection never never locked",
    )
    assert locks["rest"] == len(report.trips)
    assert sum(denied.values()) == report.activity.denied["colour", "PROTECTION_LOCKED"]


def test_the_report_prints_each_protection_beside_the_limits() -> None:
    assumptions = dict(a_report(REST).assumptions)

    assert assumptions["protection: rest"] == REST.describe()


def test_a_kept_report_tells_it_too(tmp_path: Path) -> None:
    write_report(a_report(REST), tmp_path, candles={})

    stored = load_report(tmp_path)

    assert any(warning.startswith("protection rest locked") for warning in stored.warnings)
    (said,) = [each for each in stored.denied if each.code == "PROTECTION_LOCKED"]
    assert said.meaning == "a protection lets nothing be opened: …"


def test_i13_without_protections_a_run_is_what_it_was() -> None:
    report = a_report()

    assert report.notes == ()
    assert report.activity.locks == report.activity.denied_by == {}
    assert not [name for name, _ in report.assumptions if name.startswith("protection")]


def test_protections_are_part_of_what_decides_a_result() -> None:
    bare, guarded, again = a_report(), a_report(REST), a_report(REST)

    assert guarded.inputs_digest != bare.inputs_digest
    assert guarded.fingerprint != bare.fingerprint
    assert guarded.fingerprint == again.fingerprint


@pytest.mark.parametrize("has_protections", [True, False])
def test_a_backtest_of_the_command_line_takes_them_from_the_settings_when_asked(
    tmp_path: Path, has_protections: bool
) -> None:
    (tmp_path / "settings.toml").write_text(
        '[protections.rest]\nkind = "cool-down"\nlock_bars = 10\n'
    )
    given: dict[str, Any] = {
        "start": None,
        "end": None,
        "parameters": {},
        "cash": "10000",
        "equity_frac": 0.1,
        "fee_bps": 10.0,
        "slippage_bps": 2.0,
        "allow_gaps": False,
    }

    finished = backtesting.run(
        overrides={"home": tmp_path},
        strategies=["ema-cross"],
        instruments=["BTCUSDT.SIM"],
        step_ns=MINUTE_NS,
        bars=2_000,
        seed=1,
        progress=lambda _done, _total: None,
        has_protections=has_protections,
        **given,
    )

    recipe = finished.run.record.recipe
    assert recipe.protections == ((REST,) if has_protections else ())
    told = [each for each in finished.report.warnings if each.startswith("protection rest locked")]
    assert len(told) == has_protections
    again = msgspec.json.decode(msgspec.json.encode(recipe), type=type(recipe))
    assert again == recipe


def test_a_day_without_trades_locks_nothing() -> None:
    report = a_report(msgspec.structs.replace(LOSSES, exits=1_000, lookback_ns=DAY_NS))

    assert report.notes == ("protection losses never locked",)
