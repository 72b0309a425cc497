"""The account that `up` trades, on many seeds of its market, in virtual time."""

from pathlib import Path

import pytest
from tests.support.demo_account import DemoAccount

from botcore.app.settings import Settings, load_settings
from botcore.domain.ids import SECOND_NS

SEEDS = range(20)
BARS_A_MINUTE = 4
BARS_A_DAY = 5_760


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path)


@pytest.mark.slow
def test_19_of_20_seeds_fill_within_a_minute_from_an_ordinary_decision(settings: Settings) -> None:
    filled = 0
    for seed in SEEDS:
        account = DemoAccount(seed, settings)

        account.play(BARS_A_MINUTE, with_opens=True)

        in_time = [
            fact for fact in account.fills if fact.fill.ts_event <= account.started + 60 * SECOND_NS
        ]
        filled += bool(in_time)
    assert filled >= 19


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_day_of_20_seeds_stays_above_the_limits_and_costs_under_one_percent(
    settings: Settings,
) -> None:
    untroubled = 0
    for seed in SEEDS:
        account = DemoAccount(seed, settings)

        account.play(BARS_A_DAY, with_opens=False)

        account.engine.desk.portfolio.verify()
        untroubled += not account.mode_changes
        assert account.fills
        assert account.fees < account.equity / 100, f"seed {seed} paid {account.fees}"
    assert untroubled >= 18
