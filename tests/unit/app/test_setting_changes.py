"""Settings over control: what is in force and why, and the few that can be changed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from tests.support.callers import a_call

from botcore.app.control_store import ControlStores, open_control
from botcore.app.home import Home
from botcore.app.processes import child_environment
from botcore.app.setting_changes import SettingDesk
from botcore.app.settings import (
    CHANGEABLE,
    CHANGES_FILE,
    RateSettings,
    Settings,
    load_settings,
    only_changeable,
)
from botcore.control.access import Scope
from botcore.control.handlers.settings import SettingHandlers
from botcore.control.operations import Confirm
from botcore.control.problems import NotFound, Refused
from botcore.control.schema import settings as s
from botcore.domain.errors import ConfigError
from botcore.kernel.clock import ManualClock

T = TypeVar("T")


class Desk:
    """Handlers over a real store in a home, started anew when a test says so."""

    def __init__(self, folder: Path, stores: ControlStores) -> None:
        self.folder = folder
        self.stores = stores
        self.start()

    def start(self) -> None:
        self.settings = load_settings(home=self.folder)
        self.handlers = SettingHandlers(
            desk=SettingDesk(
                self.settings,
                Home(self.folder),
                store=self.stores.settings,
                clock=ManualClock(1_763_733_930_000_000_000),
            )
        )

    def do(self, how: Callable[..., Awaitable[T]], request: Any) -> T:
        async def run() -> T:
            return await how(a_call(), request)

        return asyncio.run(run())

    def all(self, **asked: Any) -> dict[str, s.Setting]:
        page = self.do(self.handlers.list, s.ListSettings(**asked))
        return {each.name: each for each in page.items}

    def change(self, name: str, value: str | None) -> s.Setting:
        return self.do(self.handlers.change, s.ChangeSetting(name=name, value=value))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("BOTCORE_HOME", str(tmp_path))
    stores = open_control(f"sqlite:///{tmp_path / 'control.db'}", clock=ManualClock())
    yield Desk(tmp_path, stores)
    stores.close()


def test_every_setting_is_listed_with_value_default_and_words(desk: Desk) -> None:
    found = desk.all()

    assert {"port", "log_level", "limits.daily_loss_frac", "rates.standard_per_min"} <= set(found)
    assert {name.partition(".")[0] for name in found} == set(Settings.model_fields)
    assert found["port"].value == found["port"].default == 8080
    assert found["port"].origin is s.SettingOrigin.DEFAULT
    assert [
        name for name, each in found.items() if each.is_changeable and not each.description
    ] == []


def test_the_origin_of_a_value_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk.folder / "settings.toml").write_text("seed = 5\nbar_s = 20\n[rates]\nshed_step_s = 7\n")
    monkeypatch.setenv("BOTCORE_BAR_S", "30")
    monkeypatch.setenv("BOTCORE_RATES__CONCURRENT", "9")
    desk.change("log_days", "3")
    desk.start()

    found = {name: (each.value, each.origin.value) for name, each in desk.all().items()}

    assert found["seed"] == (5, "settings.toml")
    assert found["bar_s"] == (30.0, "environment")
    assert found["rates.concurrent"] == (9, "environment")
    assert found["rates.shed_step_s"] == (7, "settings.toml")
    assert found["log_days"] == (3, "changed here")
    assert found["host"] == ("127.0.0.1", "default")


def test_what_the_supervisor_hands_on_is_not_taken_for_the_environment(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.folder / "settings.toml").write_text('log_level = "debug"\n')
    monkeypatch.setenv("BOTCORE_SEED", "8")
    for name, value in child_environment(load_settings(home=desk.folder, port=9_999)).items():
        if name.startswith("BOTCORE_"):
            monkeypatch.setenv(name, value)
    desk.start()

    found = {name: each.origin.value for name, each in desk.all().items()}

    assert found["log_level"] == "settings.toml"
    assert found["seed"] == "environment"
    assert found["port"] == "command line"
    assert found["bar_s"] == "default"


def test_a_change_waits_for_the_next_start_and_is_in_force_then(desk: Desk) -> None:
    now = desk.change("rates.standard_per_min", "250")
    desk.start()
    then = desk.all()["rates.standard_per_min"]

    assert (now.value, now.pending, now.takes_effect) == (
        100,
        250,
        "at the next start of the platform",
    )
    assert (then.value, then.pending) == (250, None)
    assert desk.settings.rates.standard_per_min == 250
    assert desk.settings.rates.standard_burst == 40


def test_the_environment_is_above_a_change_and_a_change_above_the_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.folder / "settings.toml").write_text('log_level = "error"\nlog_days = 5\n')
    desk.change("log_level", "debug")
    desk.change("log_days", "6")
    monkeypatch.setenv("BOTCORE_LOG_DAYS", "4")
    desk.start()

    assert (desk.settings.log_level, desk.settings.log_days) == ("debug", 4)
    assert desk.all()["log_days"].pending == 6


def test_given_back_a_setting_is_what_file_and_default_say(desk: Desk) -> None:
    desk.change("log_level", "debug")
    desk.change("log_days", "9")
    desk.change("log_level", None)
    desk.start()

    assert (desk.settings.log_level, desk.settings.log_days) == ("info", 9)
    history = asyncio.run(desk.stores.settings.history("log_level"))
    assert [each.value for each in history] == [None, '"debug"']
    assert {each.author for each in history} == {"local:root"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("log_level", "loud", "pattern"),
        ("rates.standard_per_min", "0", "greater than or equal to 1"),
        ("rates.standard_per_min", "many", "integer"),
        ("tape_bytes", "-1", "greater"),
        ("memory_optimized", "perhaps", "boolean"),
    ],
)
def test_a_value_that_no_start_would_take_is_refused(
    desk: Desk, name: str, value: str, says: str
) -> None:
    with pytest.raises(Refused, match=says):
        desk.do(desk.handlers.effect, s.ChangeSetting(name=name, value=value))
    with pytest.raises(Refused, match=says):
        desk.change(name, value)

    assert not (desk.folder / CHANGES_FILE).exists()


@pytest.mark.parametrize(
    "name",
    [
        "host",
        "tls_key",
        "allowed_hosts",
        "allowed_origins",
        "trusted_proxies",
        "control_url",
        "metrics_host",
        "rates.sign_in_per_min",
        "rates.strangers_per_min",
        "rates.connections_max",
    ],
)
def test_what_guards_who_comes_in_is_changed_on_the_machine_only(desk: Desk, name: str) -> None:
    with pytest.raises(Refused, match="only who sits at the machine"):
        desk.change(name, "0.0.0.0")


@pytest.mark.parametrize("name", ["home", "cash", "seed", "limits.daily_loss_frac", "strategies"])
def test_what_makes_an_account_what_it_is_cannot_be_changed_here(desk: Desk, name: str) -> None:
    with pytest.raises(Refused, match="cannot be changed here"):
        desk.change(name, "1")


def test_an_unknown_setting_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotFound):
        desk.change("colour", "red")


def test_a_file_that_was_written_by_hand_changes_nothing_that_is_guarded(desk: Desk) -> None:
    (desk.folder / CHANGES_FILE).write_text(
        '{"host": "0.0.0.0", "allow_plain_http": true, "log_level": "debug",'
        ' "rates": {"sign_in_per_min": 9999, "standard_burst": 50}, "limits": {"order_frac": 9}}'
    )
    desk.start()

    assert (desk.settings.host, desk.settings.allow_plain_http) == ("127.0.0.1", False)
    assert desk.settings.limits.order_frac == 0.15
    assert desk.settings.rates.sign_in_per_min == RateSettings().sign_in_per_min
    assert (desk.settings.log_level, desk.settings.rates.standard_burst) == ("debug", 50)


def test_a_damaged_file_is_said_at_the_start(desk: Desk) -> None:
    (desk.folder / CHANGES_FILE).write_text("{")

    with pytest.raises(ConfigError) as refused:
        load_settings(home=desk.folder)

    assert refused.value.code == "SETTINGS_CHANGES_MALFORMED"


def test_a_password_in_an_address_is_not_shown(
    tmp_path: Path, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOTCORE_CONTROL_URL", "postgresql+psycopg://kim:hunter2@db/botcore")
    desk.start()

    shown = desk.all()["control_url"].value

    assert "hunter2" not in shown
    assert shown.endswith("@db/botcore")


def test_the_effect_says_from_what_to_what_and_when(desk: Desk) -> None:
    effect = desk.do(desk.handlers.effect, s.ChangeSetting(name="log_level", value="debug"))
    back = desk.do(desk.handlers.effect, s.ChangeSetting(name="log_level"))

    assert effect.words == (
        "Set log_level from 'info' to 'debug'; at the next start of the platform"
    )
    assert "back to its file and default" in back.words


def test_changing_takes_the_right_scope_a_step_up_and_a_confirmation() -> None:
    listed, changed = s.OPERATIONS

    assert (listed.scope, changed.scope) == (Scope.ADMIN_SYSTEM, Scope.ADMIN_SYSTEM)
    assert (changed.has_step_up, changed.confirm) == (True, Confirm.ALWAYS)


def test_only_settings_that_there_are_can_be_changed() -> None:
    names = set(Settings.model_fields) | {f"rates.{name}" for name in RateSettings.model_fields}

    assert names >= CHANGEABLE
    assert only_changeable({"rates": 5, "log_level": "x", "rates.concurrent": 1}) == {
        "log_level": "x"
    }


def test_a_page_of_settings_is_filtered_and_followed(desk: Desk) -> None:
    changeable = desk.all(is_changeable=True)

    assert set(changeable) == CHANGEABLE
    assert set(desk.all(name="rates.")) == {f"rates.{name}" for name in RateSettings.model_fields}
    first = desk.do(desk.handlers.list, s.ListSettings(limit=3))
    second = desk.do(desk.handlers.list, s.ListSettings(limit=3, cursor=first.next_cursor or ""))
    assert first.items[-1].name < second.items[0].name


def test_the_audit_is_told_a_setting_before_and_after(desk: Desk) -> None:
    def noted(value: str | None) -> str:
        call = a_call()
        asyncio.run(
            desk.handlers.change(call, s.ChangeSetting(name="rates.standard_per_min", value=value))
        )
        return call.noted.words

    before = desk.all()["rates.standard_per_min"].value

    assert noted("200") == f"rates.standard_per_min: {before} → 200"
    assert noted("300") == "rates.standard_per_min: 200 → 300"
    assert noted(None) == f"rates.standard_per_min: 300 → {before}"
