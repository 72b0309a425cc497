"""A look at the control store from outside: what it says of a whole one, and of every other."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.contract.storage.control.test_audit import an_entry, attack

from botcore import __version__
from botcore.app.control_store import ControlStores
from botcore.domain.errors import ConfigError
from botcore.storage import Finding, Severity
from botcore.storage.control import ControlState, look_at_control
from botcore.storage.control.shape import CONTROL
from botcore.storage.control.tables import audit, audit_head, signing_keys


async def _fill(control: ControlStores, count: int) -> None:
    await asyncio.gather(
        *(control.audit.append(an_entry(correlation=str(n))) for n in range(count))
    )


def _execute(control: ControlStores, *statements: sa.Executable) -> None:
    control.store.write_blocking(lambda c: [c.execute(each) for each in statements])


def test_a_whole_store_is_told_with_its_version_while_it_is_open(
    control: ControlStores, store_url: str
) -> None:
    asyncio.run(_fill(control, 30))

    found = look_at_control(store_url, newest=10)

    assert found == ControlState(
        revision=CONTROL.head, written_by=f"botcore {__version__}", entries=30, checked=10
    )


@pytest.mark.parametrize("newest", [29, 30, 31, 1_000])
def test_of_a_short_audit_all_is_checked(
    control: ControlStores, store_url: str, newest: int
) -> None:
    asyncio.run(_fill(control, 30))

    assert look_at_control(store_url, newest=newest).checked == min(newest, 30)


def test_an_empty_audit_is_whole(control: ControlStores, store_url: str) -> None:
    assert look_at_control(store_url).audit == ()


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        (sa.update(audit).where(audit.c.seq == 25).values(actor="person:mallory"), "entry 25 is"),
        (sa.delete(audit).where(audit.c.seq == 25), "entry 25 is missing"),
        (sa.delete(audit).where(audit.c.seq == 20), "entry 20 is missing"),
        (sa.delete(audit).where(audit.c.seq == 30), "ends at entry 29, and should end at 30"),
        (sa.delete(audit), "entry 20 is missing"),
        (sa.update(audit_head).values(seq=29), "should end at entry 29"),
        (sa.update(audit_head).values(hash=bytes(32)), "not the one the audit ended with"),
        (sa.delete(audit_head), "the note of where the audit ends is missing"),
    ],
    ids=["edited", "deleted", "the first", "the last", "emptied", "behind", "other", "no head"],
)
def test_an_audit_that_does_not_hang_together_is_an_error(
    control: ControlStores, store_url: str, statement: sa.Executable, says: str
) -> None:
    asyncio.run(_fill(control, 30))
    attack(control, statement)

    (found,) = look_at_control(store_url, newest=10).audit

    assert (found.code, found.severity) == ("AUDIT_BROKEN", Severity.ERROR)
    assert says in found.cause
    assert "botcore audit verify" in found.fix


def test_what_was_done_to_older_entries_is_for_the_whole_check(
    control: ControlStores, store_url: str
) -> None:
    asyncio.run(_fill(control, 30))
    attack(control, sa.update(audit).where(audit.c.seq == 5).values(actor="person:mallory"))

    assert look_at_control(store_url, newest=10).audit == ()
    assert look_at_control(store_url, newest=26).audit != ()
    assert not asyncio.run(control.audit.verify()).is_whole


def test_it_says_whether_anything_needs_the_key(control: ControlStores, store_url: str) -> None:
    before = look_at_control(store_url).has_secrets
    row = {"kid": "k", "algorithm": "EdDSA", "sealed": b"x"}
    stamps = dict.fromkeys(("created_at", "signs_from", "signs_until"), 0)
    _execute(control, sa.insert(signing_keys).values(**row, **stamps))

    assert (before, look_at_control(store_url).has_secrets) == (False, True)


@pytest.mark.parametrize(
    ("revision", "code"), [("9999", "STORE_NEWER"), ("0000", "STORE_MIGRATION_MISSING")]
)
def test_a_store_of_another_version_is_told_and_not_touched(
    control: ControlStores,
    store_url: str,
    revision: str,
    code: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = CONTROL._known() | {"0000"}
    monkeypatch.setattr(type(CONTROL), "_known", lambda _: known)
    _execute(control, sa.text(f"UPDATE control_version SET version_num = '{revision}'"))

    found = look_at_control(store_url)

    assert [each.code for each in found.store] == [code]
    assert found.revision == revision
    assert control.store.read_blocking(CONTROL.revision) == revision


def test_a_store_that_is_missing_is_nothing_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "control.db"

    assert look_at_control(f"sqlite:///{path}") == ControlState()
    assert not path.exists()


def test_a_file_that_is_no_store_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    path.write_bytes(b"not a database" * 1_000)

    (found,) = look_at_control(f"sqlite:///{path}").store

    assert found.severity is Severity.ERROR
    assert isinstance(found, Finding)


def test_copies_that_upgrades_left_are_told_and_other_files_are_not(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "control.db").close()
    for name in ("control.db.0001.bak", "control.db.0001-1.bak", "engine.db.0001.bak", "my.bak"):
        (tmp_path / name).touch()

    found = look_at_control(f"sqlite:///{tmp_path / 'control.db'}").upgrades

    assert [each.severity for each in found] == [Severity.WARNING] * 2
    assert "control.db.0001-1.bak" in found[0].cause
    assert "control.db.0001.bak can be removed" in found[1].fix


def test_a_url_of_no_database_we_know_is_refused() -> None:
    with pytest.raises(ConfigError, match="STORE_URL_UNKNOWN"):
        look_at_control("mysql://x/y")
