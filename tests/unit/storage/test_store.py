from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from botcore.domain.errors import ConfigError
from botcore.storage import SqlJournal, Store, migrating
from botcore.storage.columns import iso
from botcore.storage.tables import metadata


@pytest.mark.parametrize("url", ["mysql://x/y", "store.db", ""])
def test_a_url_of_no_database_we_know_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="STORE_URL_UNKNOWN"):
        Store(url)


def test_a_password_is_never_shown() -> None:
    store = Store("postgresql+psycopg://me:hunter2@127.0.0.1/store")

    assert "hunter2" not in str(store)


def test_the_revisions_make_exactly_the_tables_the_program_uses(tmp_path: Path) -> None:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        store.upgrade()
        store.upgrade()
        with store.reading() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []


def test_the_head_the_program_knows_is_the_last_revision() -> None:
    assert ScriptDirectory.from_config(migrating._config()).get_current_head() == migrating.HEAD


def test_k23_a_migration_that_fails_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from alembic.operations import Operations

    def fails(*_: object) -> None:
        raise RuntimeError("killed here")

    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        # The last thing the revision does, after all its tables.
        monkeypatch.setattr(Operations, "bulk_insert", fails)
        with pytest.raises(RuntimeError, match="killed here"):
            store.upgrade()
        with store.reading() as connection:
            assert sa.inspect(connection).get_table_names() == []

        monkeypatch.undo()
        SqlJournal(store).close()


def test_instants_are_written_so_that_text_sorts_like_time() -> None:
    instants = [0, 1, 999_999_999, 10**9, 1_767_225_600_000_000_001]

    texts = [iso(ts) for ts in instants]

    assert texts == sorted(texts)
    assert texts[-1] == "2026-01-01T00:00:00.000000001Z"
