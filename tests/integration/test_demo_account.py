"""The account that `up` trades, on many seeds of its market, in virtual time."""

from typing import NamedTuple

import pytest
from tests.support.demo_account import DemoAccount

from botcore.app.settings import load_settings
from botcore.domain.ids import SECOND_NS

# In one place: warming twenty accounts takes longer than the day they trade.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("demo account"),
]
SEEDS = range(20)
BARS_A_MINUTE = 4
BARS_A_DAY = 5_760


class Day(NamedTuple):
    """What an account did from its first decision on, at the end of a day."""

    has_filled_within_a_minute: bool
    account: DemoAccount


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> list[Day]:
    """A day of each seed; its first minute with the opens inside its bars."""
    settings = load_settings(home=tmp_path_factory.mktemp("home"))
    found = []
    for seed in SEEDS:
        account = DemoAccount(seed, settings)
        account.play(BARS_A_MINUTE, with_opens=True)
        in_time = [
            fact for fact in account.fills if fact.fill.ts_event <= account.started + 60 * SECOND_NS
        ]
        account.play(BARS_A_DAY - BARS_A_MINUTE, with_opens=False)
        found.append(Day(bool(in_time), account))
    return found


def test_19_of_20_seeds_fill_within_a_minute_from_an_ordinary_decision(days: list[Day]) -> None:
    assert sum(day.has_filled_within_a_minute for day in days) >= 19


def test_a_day_of_20_seeds_stays_above_the_limits_and_costs_under_one_percent(
    days: list[Day],
) -> None:
    for seed, (_, account) in zip(SEEDS, days, strict=True):
        account.engine.desk.portfolio.verify()
        assert account.fills
        assert account.fees < account.equity / 100, f"seed {seed} paid {account.fees}"
    assert sum(not day.account.mode_changes for day in days) >= 18
