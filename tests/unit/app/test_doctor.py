"""What `botcore doctor` says of a home: its stores, their upgrades, and the key."""

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from botcore.app import doctor
from botcore.app.control_room import KEY_FILE, open_room
from botcore.app.doctor import Check
from botcore.app.settings import load_settings
from botcore.kernel.clock import SystemClock
from botcore.storage import Store

RELEASE = Path(__file__).parents[2] / "data" / "stores" / "0.1.0"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that control was opened in once, without an engine."""
    home = tmp_path_factory.mktemp("opened")

    async def story() -> None:
        async with AsyncExitStack() as stack:
            settings = load_settings(home=home)
            await open_room(stack, settings, info=None, clock=SystemClock(), local_user="me")

    asyncio.run(story())
    return home


@pytest.fixture
def home(opened: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(opened, tmp_path / "home"))


def _checks(home: Path) -> Iterator[Check]:
    """What is said of this machine; not of the network, which comes last."""
    for check in doctor.run(overrides={"home": home}):
        yield check
        if check.name == KEY_FILE:
            return


def _about(home: Path, name: str) -> list[Check]:
    return [check for check in _checks(home) if check.name.startswith(name)]


def test_a_home_in_order_is_ok_and_says_what_was_not_read(home: Path) -> None:
    with sqlite3.connect(home / "control.db") as store:
        version = store.execute("SELECT written_by FROM control_info").fetchone()[0]
    store.close()

    names = [check.name for check in _checks(home)]

    assert all(check.is_ok for check in _checks(home))
    assert f"users, audit and jobs, written by botcore {version}" in names
    assert KEY_FILE in names


def test_a_new_home_is_in_order_and_stays_without_stores(tmp_path: Path) -> None:
    assert all(check.is_ok for check in _checks(tmp_path / "new"))
    assert not (tmp_path / "new" / "control.db").exists()
    assert not (tmp_path / "new" / KEY_FILE).exists()


def test_a_key_that_others_can_read_is_wrong_and_says_what_to_do(home: Path) -> None:
    (home / KEY_FILE).chmod(0o644)

    (found,) = _about(home, KEY_FILE)

    assert not found.is_ok
    assert "KEY_FILE_OPEN" in found.detail
    assert found.fix.startswith(f"chmod 600 {home / KEY_FILE}")


@pytest.mark.parametrize("content", ["", "00" * 31, "no key at all"])
def test_a_damaged_key_is_wrong(home: Path, content: str) -> None:
    (home / KEY_FILE).write_text(content)

    (found,) = _about(home, KEY_FILE)

    assert not found.is_ok
    assert "KEY_FILE_DAMAGED" in found.detail


def test_a_key_that_is_gone_is_wrong_and_none_is_made(home: Path) -> None:
    (home / KEY_FILE).unlink()

    (found,) = _about(home, KEY_FILE)

    assert not found.is_ok
    assert "KEY_FILE_MISSING" in found.detail
    assert "backup" in found.fix
    assert not (home / KEY_FILE).exists()


def test_a_control_store_that_is_no_database_is_wrong(home: Path) -> None:
    (home / "control.db").write_bytes(b"not a database" * 1_000)

    found = _about(home, "users, audit and jobs")

    assert [check.is_ok for check in found] == [False]
    assert found[0].fix


def test_an_audit_that_was_emptied_is_wrong(home: Path) -> None:
    with sqlite3.connect(home / "control.db") as store:
        for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            store.execute(f"DROP TRIGGER {name}")
        store.execute("UPDATE audit_head SET seq = 7")
    store.close()

    (found,) = _about(home, "audit")

    assert not found.is_ok
    assert "AUDIT_BROKEN" in found.detail
    assert "botcore audit verify" in found.fix


def test_an_upgrade_is_told_for_as_long_as_its_copy_is_kept(tmp_path: Path) -> None:
    home = Path(shutil.copytree(RELEASE, tmp_path / "home"))
    (before,) = _about(home, "journal")
    with Store(f"sqlite:///{home / 'engine.db'}") as store:
        told = store.upgrade()

    (after,) = _about(home, "journal")
    (home / "engine.db.0001.bak").unlink()
    (later,) = _about(home, "journal")

    assert "STORE_MIGRATION_MISSING" in before.detail
    assert after.is_ok
    assert after.detail == f"{told} [STORE_UPGRADED]"
    assert "engine.db.0001.bak can be removed" in after.fix
    assert later.detail == "ok"
