"""Protections in the settings: a table of each, refused where it is misspelt or says too much."""

import re
from pathlib import Path

import pytest

from botcore.app.composition import engine_config
from botcore.app.protection_settings import MODELS, protections_of
from botcore.app.settings import Settings, load_settings
from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS
from botcore.risk import CoolDown, Counted, DrawdownGuard, LowProfit, Scope, StopLossGuard

ALL_FOUR = """
[protections.rest]
kind = "cool-down"
lock_bars = 5

[protections.losses]
kind = "stop-loss-guard"
exits = 2
counts = "losses"
scope = "instrument"
lookback_minutes = 90.5
lock_minutes = 60

[protections.weak]
kind = "low-profit"
trades = 3
profit_frac_min = -0.01

[protections.fall]
kind = "drawdown"
drawdown_frac = 0.05
trades = 0
lookback_bars = 100
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("BOTCORE_HOME", str(tmp_path))
    return tmp_path


def said(home: Path, text: str) -> Settings:
    (home / "settings.toml").write_text(text)
    return load_settings()


def refused(home: Path, text: str) -> ConfigError:
    with pytest.raises(ConfigError) as error:
        said(home, text)
    return error.value


def test_none_is_configured_unless_somebody_asks(home: Path) -> None:
    config, _ = engine_config(load_settings())

    assert config.accounts[0].protections == ()
    assert "protections" not in config.document()


def test_every_kind_is_read_and_what_is_not_said_takes_its_default(home: Path) -> None:
    config, _ = engine_config(said(home, f"bar_s = 15\n{ALL_FOUR}"))

    assert config.accounts[0].protections == (
        CoolDown(name="rest", lock_ns=75 * MINUTE_NS // 60),
        StopLossGuard(
            name="losses",
            exits=2,
            counts=Counted.LOSSES,
            scope=Scope.INSTRUMENT,
            lookback_ns=5_430 * MINUTE_NS // 60,
            lock_ns=60 * MINUTE_NS,
        ),
        LowProfit(name="weak", trades=3, profit_frac_min=-0.01, lookback_ns=7 * DAY_NS),
        DrawdownGuard(
            name="fall", drawdown_frac=0.05, trades=0, lookback_ns=1_500 * MINUTE_NS // 60
        ),
    )


def test_a_protection_comes_from_the_environment_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOTCORE_PROTECTIONS__REST__KIND", "cool-down")
    monkeypatch.setenv("BOTCORE_PROTECTIONS__REST__LOCK_MINUTES", "7")

    found = protections_of(load_settings().protections, step_ns=MINUTE_NS)

    assert found == (CoolDown(name="rest", lock_ns=7 * MINUTE_NS),)


@pytest.mark.parametrize(
    ("lines", "nearest"),
    [
        ('kind = "stop-loss-guard"\nexist = 3', "exits"),
        ('kind = "stop-loss-guard"\nlock_minuts = 3', "lock_minutes"),
        ('kind = "cool-down"\nlock_bar = 3', "lock_bars"),
        ('kind = "coll-down"', "cool-down"),
        ('kind = "drawdwn"', "drawdown"),
    ],
)
def test_a_misspelt_line_is_refused_with_the_nearest_name(
    home: Path, lines: str, nearest: str
) -> None:
    error = refused(home, f"[protections.mine]\n{lines}\n")

    assert f"did you mean {nearest!r}" in error.fix
    assert "protections.mine" in error.cause


@pytest.mark.parametrize(
    "lines",
    [
        "lock_minutes = 5",
        'kind = "cool-down"\nlock_minutes = 5\nlock_bars = 5',
        'kind = "low-profit"\nlookback_minutes = 5\nlookback_bars = 5',
        'kind = "cool-down"\nlock_minutes = 0',
        'kind = "cool-down"\nlookback_minutes = 5',
        'kind = "cool-down"\nscope = "account"',
        'kind = "stop-loss-guard"\nexits = 0',
        'kind = "stop-loss-guard"\ncounts = "gains"',
        'kind = "low-profit"\nscope = "account"',
        'kind = "drawdown"\ndrawdown_frac = 1',
        'kind = "drawdown"\nscope = "instrument"',
    ],
)
def test_a_table_that_protects_nothing_is_refused_by_name(home: Path, lines: str) -> None:
    error = refused(home, f"[protections.mine]\n{lines}\n")

    assert error.code in ("SETTING_REFUSED", "SETTING_UNKNOWN")
    assert "protections.mine" in error.cause
    assert error.fix


@pytest.mark.parametrize("bars", [1, 1_000_000])
def test_a_time_in_bars_that_is_too_short_or_too_long_is_refused(home: Path, bars: int) -> None:
    settings = said(home, f'[protections.mine]\nkind = "cool-down"\nlock_bars = {bars}\n')

    with pytest.raises(ConfigError, match="PROTECTION_REFUSED"):
        protections_of(settings.protections, step_ns=MINUTE_NS // 120 if bars == 1 else DAY_NS)


def test_a_name_that_is_no_slug_is_refused(home: Path) -> None:
    settings = said(home, '[protections."My Rest"]\nkind = "cool-down"\n')

    with pytest.raises(ConfigError, match="NAME_MALFORMED"):
        engine_config(settings)


def test_the_page_about_protections_shows_settings_that_are_read(home: Path) -> None:
    page = Path(__file__).parents[3] / "docs" / "how-to" / "protections.md"
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)

    config, _ = engine_config(said(home, shown))

    assert [rule.kind for rule in config.accounts[0].protections] == list(MODELS)
