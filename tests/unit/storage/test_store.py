import io
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.schema import CreateIndex, CreateTable

from botcore.domain.errors import ConfigError
from botcore.storage import SqlJournal, Store
from botcore.storage.columns import iso
from botcore.storage.migrating import ENGINE
from botcore.storage.tables import metadata


@pytest.mark.parametrize("url", ["mysql://x/y", "store.db", ""])
def test_a_url_of_no_database_we_know_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="STORE_URL_UNKNOWN"):
        Store(url)


def test_a_password_is_never_shown() -> None:
    store = Store("postgresql+psycopg://me:hunter2@127.0.0.1/store")

    assert "hunter2" not in str(store)


def test_a_store_says_how_many_of_its_connections_are_in_use(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        before = store.connections
        with store.reading(), store.reading():
            held = store.connections
        after = store.connections
        many = [store.engine.connect() for _ in range(before[1])]
        all_of_them = store.connections
        for each in many:
            each.close()

    assert (before, held, after) == ((0, 15), (2, 15), (0, 15))
    assert all_of_them == (15, 15)


def test_the_revisions_make_exactly_the_tables_the_program_uses(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        with store.writing() as connection:
            ENGINE.migrate(connection)
        store.upgrade()
        with store.reading() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []


def test_an_empty_database_is_given_what_the_revisions_would_make(tmp_path: Path) -> None:
    def made(make: Callable[[sa.Connection], None]) -> list[str]:
        with Store(f"sqlite:///{tmp_path / make.__name__}.db") as store:
            with store.writing() as connection:
                make(connection)
            with store.reading() as connection:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                return sorted(driver.iterdump())

    assert made(ENGINE.create) == made(ENGINE.migrate)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_database_is_given_the_same_tables_either_way(dialect: str) -> None:
    revisions = io.StringIO()
    context = MigrationContext.configure(
        dialect_name=dialect, opts={"as_sql": True, "output_buffer": revisions}
    )
    steps = list(ScriptDirectory.from_config(ENGINE.config()).walk_revisions())
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()

    def compiled(element: sa.schema.ExecutableDDLElement) -> str:
        return str(element.compile(dialect=context.dialect)).strip().expandtabs(4)

    for table in metadata.sorted_tables:
        assert compiled(CreateTable(table)) in revisions.getvalue()
        for index in table.indexes:
            assert compiled(CreateIndex(index)) in revisions.getvalue()


def test_the_head_the_program_knows_is_the_last_revision() -> None:
    assert ScriptDirectory.from_config(ENGINE.config()).get_current_head() == ENGINE.head


@pytest.mark.parametrize("make", [ENGINE.create, ENGINE.migrate])
def test_k23_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[sa.Connection], None]
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("killed here")

    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        # What comes after all tables: the first row.
        monkeypatch.setattr(Operations, "bulk_insert", fails)
        monkeypatch.setattr(sa, "insert", fails)
        with pytest.raises(RuntimeError, match="killed here"), store.writing() as connection:
            make(connection)
        with store.reading() as connection:
            assert sa.inspect(connection).get_table_names() == []

        monkeypatch.undo()
        SqlJournal(store).close()


def test_instants_are_written_so_that_text_sorts_like_time() -> None:
    instants = [0, 1, 999_999_999, 10**9, 1_767_225_600_000_000_001]

    texts = [iso(ts) for ts in instants]

    assert texts == sorted(texts)
    assert texts[-1] == "2026-01-01T00:00:00.000000001Z"
