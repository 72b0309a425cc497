import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.fast_clock import FastClock

from botcore.app.control_store import ControlStores, open_control
from botcore.app.desired import read_desired
from botcore.app.home import Home
from botcore.app.settings import StrategySettings, load_settings
from botcore.app.wanted import WantedSetUps
from botcore.control.problems import Conflict
from botcore.control.strategies_port import SetUp


class Desk:
    def __init__(self, folder: Path) -> None:
        self.clock = FastClock(10**18)
        self.home = Home(folder)
        self.stores: ControlStores = open_control(
            f"sqlite:///{folder / 'control.db'}", clock=self.clock
        )
        self.wanted = self.again()

    def again(self) -> WantedSetUps:
        return WantedSetUps(
            strategies=self.stores.strategies,
            limits=self.stores.limits,
            settings=load_settings(
                home=self.home.path,
                strategies={"a": StrategySettings(strategy="ema-cross", parameters={"fast": 9.0})},
            ),
            home=self.home,
            account="paper",
            clock=self.clock,
        )

    def write(self, name: str, setup: SetUp, *, after: int, is_deleted: bool = False) -> int:
        written = self.wanted.write(
            name, setup, author="person:alice", after=after, is_deleted=is_deleted
        )
        return asyncio.run(written).version


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "home")
    yield desk
    desk.stores.close()


def cross(fast: float = 5.0, *, is_active: bool = True) -> SetUp:
    return SetUp(strategy="ema-cross", parameters={"fast": fast}, is_active=is_active)


def test_what_nobody_changed_is_what_the_settings_say_and_writes_no_document(desk: Desk) -> None:
    newest = asyncio.run(desk.wanted.newest())

    assert (newest["a"].version, newest["a"].setup.parameters) == (0, {"fast": 9.0})
    asyncio.run(desk.wanted.catch_up())
    assert not (desk.home.state / "desired.json").exists()


def test_a_change_is_a_version_and_stands_in_the_engines_document(desk: Desk) -> None:
    desk.write("a", cross(), after=0)

    assert read_desired(desk.home).strategies["a"].parameters == {"fast": 5.0}
    versions = asyncio.run(desk.wanted.versions("a"))
    assert [each.version for each in versions] == [1, 0]


def test_two_who_change_the_same_version_do_not_both_win(desk: Desk) -> None:
    desk.write("a", cross(5.0), after=0)

    with pytest.raises(Conflict):
        desk.write("a", cross(6.0), after=0)

    assert read_desired(desk.home).strategies["a"].parameters == {"fast": 5.0}


def test_what_was_removed_is_not_run_any_more(desk: Desk) -> None:
    desk.write("a", cross(is_active=False), after=0, is_deleted=True)

    assert read_desired(desk.home).strategies["a"].is_active is False


def test_limits_are_kept_beside_strategies_and_those_of_before_stay(desk: Desk) -> None:
    desk.write("a", cross(), after=0)
    asyncio.run(desk.wanted.keep_limits({"order_frac": 0.1}, author="person:alice"))
    asyncio.run(desk.wanted.keep_limits({"drawdown_frac": 0.15}, author="person:alice"))

    document = read_desired(desk.home)

    assert document.limits == {"order_frac": 0.1, "drawdown_frac": 0.15}
    assert set(document.strategies) == {"a"}


def test_limits_that_are_kept_already_are_no_new_version(desk: Desk) -> None:
    for _ in range(2):
        asyncio.run(desk.wanted.keep_limits({"order_frac": 0.1}, author="person:alice"))

    assert read_desired(desk.home).revision == 1


def test_a_document_that_was_lost_or_damaged_is_written_anew_at_the_start(desk: Desk) -> None:
    desk.write("a", cross(), after=0)
    (desk.home.state / "desired.json").write_text("{ torn")

    asyncio.run(desk.again().catch_up())

    assert read_desired(desk.home).strategies["a"].parameters == {"fast": 5.0}
