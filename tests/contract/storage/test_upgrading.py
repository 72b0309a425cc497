"""A store of an older version: copied, brought up to date, and told of."""

import shutil
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.operations import Operations
from tests.contract.storage.facts import BTC, MAIN, RSI, a_day, at, entries

from botcore.domain.decisions import Denied
from botcore.domain.errors import StorageError
from botcore.domain.events import OrderDenied
from botcore.storage import (
    Asked,
    History,
    ReadingStore,
    SqlJournal,
    Store,
    StoreRefused,
    verify,
)
from botcore.storage.migrating import ENGINE
from botcore.storage.tables import journal as journal_table

RELEASE = Path(__file__).parents[2] / "data" / "stores" / "0.1.0" / "engine.db"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The engine's store as release 0.1.0 left it."""
    return Path(shutil.copy(RELEASE, tmp_path / "engine.db"))


def _revision(path: Path) -> str:
    connection = sqlite3.connect(path)
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
    connection.close()
    return str(found)


def test_a_store_of_the_release_before_is_copied_upgraded_and_told_of(old: Path) -> None:
    with Store(f"sqlite:///{old}") as store:
        told = store.upgrade()
        assert store.upgrade() is None
        assert verify(store) == []
        with SqlJournal(store) as journal:
            last = journal.last_lsn

    backup = old.with_name("engine.db.0001.bak")
    assert told == (
        "engine.db was brought from revision 0001 to 0003 (indexes for lists that are read a page"
        " at a time; denials in words); the store as it was is engine.db.0001.bak beside it"
    )
    assert (_revision(old), _revision(backup)) == (ENGINE.head, "0001")
    assert backup.stat().st_mode & 0o777 == 0o600
    with sqlite3.connect(backup) as connection:
        assert connection.execute("SELECT max(lsn) FROM journal").fetchone()[0] == last
    connection.close()


def test_what_waits_in_the_write_ahead_log_is_in_the_copy(old: Path) -> None:
    held = sqlite3.connect(old)
    held.execute("PRAGMA journal_mode = WAL")
    held.execute("UPDATE outbox SET lsn = lsn")
    held.execute("INSERT INTO outbox VALUES ('late', 7)")
    held.commit()

    with Store(f"sqlite:///{old}") as store:
        store.upgrade()

    held.close()
    copy = sqlite3.connect(old.with_name("engine.db.0001.bak"))
    assert copy.execute("SELECT lsn FROM outbox WHERE consumer = 'late'").fetchone() == (7,)
    copy.close()


def test_an_earlier_copy_is_never_overwritten(old: Path) -> None:
    earlier = old.with_name("engine.db.0001.bak")
    earlier.write_text("kept")

    with Store(f"sqlite:///{old}") as store:
        told = store.upgrade()

    assert earlier.read_text() == "kept"
    assert told is not None
    assert "engine.db.0001-1.bak" in told
    assert _revision(old.with_name("engine.db.0001-1.bak")) == "0001"


def test_an_upgrade_that_fails_leaves_the_store_as_it_was_and_no_copy(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("CREATE INDEX", {}, sqlite3.OperationalError("disk is full"))

    with Store(f"sqlite:///{old}") as store:
        monkeypatch.setattr(Operations, "create_index", fails)
        with pytest.raises(StorageError):
            store.upgrade()
        assert list(old.parent.glob("*.bak")) == []
        assert _revision(old) == "0001"

        monkeypatch.undo()
        assert store.upgrade() is not None


def test_a_copy_that_cannot_be_written_stops_the_upgrade(old: Path) -> None:
    old.with_name("engine.db.0001.bak").symlink_to("/nowhere/at/all")

    with Store(f"sqlite:///{old}") as store, pytest.raises(StorageError):
        store.upgrade()

    assert _revision(old) == "0001"


def test_a_store_of_a_newer_version_is_refused_and_not_copied(old: Path) -> None:
    with sqlite3.connect(old) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with Store(f"sqlite:///{old}") as store, pytest.raises(StoreRefused, match="STORE_NEWER"):
        store.upgrade()

    assert list(old.parent.glob("*.bak")) == []


@pytest.mark.parametrize("count", [3, 2_500])
def test_denials_of_an_older_store_are_given_their_words(store: Store, count: int) -> None:
    def words(number: int) -> str:
        return "" if number % 3 == 1 else f"cooldown until {number}"

    denied = [
        Denied(MAIN, RSI, BTC, "PROTECTION_LOCKED", 0.0, 0.0, at(n), detail=words(n))
        for n in range(count)
    ]
    with SqlJournal(store) as journal:
        facts = [OrderDenied(MAIN, each) for each in denied]
        journal.wait_durable(journal.append(entries([*a_day(), *facts])))
    with store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE denials DROP COLUMN detail")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")

    told = store.upgrade()

    assert told is not None
    assert "from revision 0002 to 0003 (denials in words)" in told
    assert verify(store) == []
    with ReadingStore(store.engine.url.render_as_string(hide_password=False)) as reading:
        asked = Asked(account=MAIN, limit=3)
        last = History(reading).denials(asked, code="PROTECTION_LOCKED").rows
    assert [row["detail"] for row in last] == [words(count - n) for n in (1, 2, 3)]


def test_a_denial_that_the_journal_cannot_tell_of_is_left_to_the_check(store: Store) -> None:
    with SqlJournal(store) as journal:
        journal.wait_durable(journal.append(entries(a_day())))
    with store.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE denials DROP COLUMN detail")
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0002'")
        lsn = connection.execute(sa.text("SELECT lsn FROM denials")).scalar_one()
        damaged = sa.update(journal_table).where(journal_table.c.lsn == lsn)
        connection.execute(damaged.values(payload=b"\xc1"))

    store.upgrade()

    assert "JOURNAL_EDITED" in [found.code for found in verify(store)]


def test_a_new_store_has_nothing_to_tell(store: Store) -> None:
    assert store.upgrade() is None
