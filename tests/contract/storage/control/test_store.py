"""The control process's store: its shape, its one writer, and what it does when a disk is full."""

import asyncio
import io
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy.schema import CreateIndex, CreateTable
from tests.contract.storage.test_faults import _Proxy

from botcore.app.control_store import ControlStores, open_control
from botcore.domain.errors import InvariantBroken, StorageError
from botcore.kernel.clock import ManualClock
from botcore.storage import Store, StoreRefused
from botcore.storage import tables as engine_tables
from botcore.storage.control import ControlStore
from botcore.storage.control.shape import CONTROL
from botcore.storage.control.tables import metadata, settings_changes
from botcore.storage.control.writing import GroupWriter

ROOT = Path(__file__).resolve().parents[4]
STORED = ROOT / "tests" / "data" / "control_stores"


def add(name: str, value: str = "1") -> Callable[[sa.Connection], int]:
    """Return an act that notes a setting, and returns how many there are then."""

    def act(connection: sa.Connection) -> int:
        t = settings_changes
        last: int = connection.execute(sa.select(sa.func.max(t.c.seq))).scalar() or 0
        connection.execute(
            sa.insert(t).values(seq=last + 1, name=name, value=value, author="me", created_at=0)
        )
        return last + 1

    return act


def names(control: ControlStores) -> list[str]:
    t = settings_changes
    return control.store.read_blocking(
        lambda c: list(c.execute(sa.select(t.c.name).order_by(t.c.seq)).scalars())
    )


# Its shape


def test_the_revisions_make_exactly_the_tables_the_program_uses(store_url: str) -> None:
    with Store(store_url, CONTROL) as store:
        with store.writing() as connection:
            CONTROL.migrate(connection)
        assert store.upgrade() is None
        with store.reading() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "version_table": CONTROL.version_table}
            )
            assert compare_metadata(context, metadata) == []


def test_an_empty_database_is_given_what_the_revisions_would_make(tmp_path: Path) -> None:
    def made(make: Callable[[sa.Connection], None]) -> list[str]:
        with Store(f"sqlite:///{tmp_path / make.__name__}.db", CONTROL) as store:
            with store.writing() as connection:
                make(connection)
            with store.reading() as connection:
                driver = connection.connection.driver_connection
                assert isinstance(driver, sqlite3.Connection)
                return sorted(driver.iterdump())

    assert made(CONTROL.create) == made(CONTROL.migrate)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_every_database_is_given_the_same_tables_either_way(dialect: str) -> None:
    revisions = io.StringIO()
    context = MigrationContext.configure(
        dialect_name=dialect, opts={"as_sql": True, "output_buffer": revisions}
    )
    with Operations.context(context):
        for step in reversed(list(ScriptDirectory.from_config(CONTROL.config()).walk_revisions())):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(step.module, "guard_audit", lambda _: None, raising=False)
                step.module.upgrade()

    def compiled(element: sa.schema.ExecutableDDLElement) -> str:
        return str(element.compile(dialect=context.dialect)).strip().expandtabs(4)

    for table in metadata.sorted_tables:
        assert compiled(CreateTable(table)) in revisions.getvalue()
        for index in table.indexes:
            assert compiled(CreateIndex(index)) in revisions.getvalue()


def test_the_head_the_program_knows_is_the_last_revision_and_each_is_told_of() -> None:
    scripts = ScriptDirectory.from_config(CONTROL.config())

    assert scripts.get_current_head() == CONTROL.head
    assert {step.revision for step in scripts.walk_revisions()} == CONTROL.changes.keys()


def test_it_can_lie_in_one_database_with_the_engines_store(store_url: str) -> None:
    assert not metadata.tables.keys() & engine_tables.metadata.tables.keys()

    with ControlStore(store_url), Store(store_url) as engine:
        engine.upgrade()
        with engine.reading() as connection:
            found = set(sa.inspect(connection).get_table_names())
    with ControlStore(store_url) as again:
        assert again.changed is None

    assert found >= metadata.tables.keys() | engine_tables.metadata.tables.keys()


@pytest.mark.requirement("TABLE users")
def test_the_table_of_users_has_the_columns_of_the_contract(control: ControlStores) -> None:
    wanted = {"id", "username", "email", "password_hash", "created_at", "last_login"}

    columns = control.store.read_blocking(
        lambda c: {column["name"] for column in sa.inspect(c).get_columns("users")}
    )

    assert wanted <= columns


@pytest.mark.parametrize("stored", sorted(STORED.glob("*.sql")), ids=lambda path: path.stem)
def test_a_store_of_every_older_shape_opens_whole(stored: Path, tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    made = sqlite3.connect(path)
    made.executescript(stored.read_text())
    made.close()

    control = open_control(f"sqlite:///{path}", clock=ManualClock(2 * 10**18))

    is_older = stored.stem != CONTROL.head
    assert (control.store.changed is not None) is is_older
    assert path.with_name(f"control.db.{stored.stem}.bak").exists() is is_older
    assert asyncio.run(control.audit.verify()).is_whole
    assert [user.username for user in asyncio.run(control.identity.users())] == ["alice"]
    assert [job.kind for job in asyncio.run(control.jobs.unfinished())] == ["backtest"]
    control.close()


def test_there_is_a_store_of_the_newest_shape() -> None:
    assert STORED.joinpath(f"{CONTROL.head}.sql").exists()


def test_a_store_of_a_newer_version_is_refused(store_url: str) -> None:
    with ControlStore(store_url) as store:
        store.write_blocking(
            lambda c: c.execute(sa.text("UPDATE control_version SET version_num = '9999'"))
        )

    with pytest.raises(StoreRefused, match="STORE_NEWER"):
        ControlStore(store_url)


def test_a_new_file_is_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    with ControlStore(f"sqlite:///{path}") as store:
        store.write_blocking(add("a"))
        files = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.iterdir()}

    assert files.keys() >= {"control.db", "control.db-wal"}
    assert set(files.values()) == {0o600}


def test_a_folder_that_is_missing_is_told_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="STORE_CANNOT_OPEN") as missing:
        ControlStore(f"sqlite:///{tmp_path / 'nowhere' / 'control.db'}")

    assert "nowhere" in missing.value.cause


# Its writer


def test_many_who_write_at_once_share_commits(control: ControlStores) -> None:
    async def story() -> list[int]:
        return await asyncio.gather(*(control.store.write(add(f"{n}")) for n in range(200)))

    before = control.store.commits
    numbers = asyncio.run(story())

    assert numbers == list(range(1, 201))  # in the order in which they were given
    assert control.store.commits - before < 100


def test_an_act_that_raises_is_undone_alone(control: ControlStores) -> None:
    def bad(connection: sa.Connection) -> None:
        add("bad")(connection)
        raise LookupError("no such thing")

    def wrong(connection: sa.Connection) -> None:
        add("wrong")(connection)
        connection.execute(sa.text("SELECT * FROM nothing_of_the_kind"))

    def taken(connection: sa.Connection) -> None:
        add("taken")(connection)
        connection.execute(
            sa.insert(settings_changes).values(seq=1, name="x", value="", author="", created_at=0)
        )

    async def story() -> list[Any]:
        acts = (add("first"), bad, add("second"), wrong, add("third"), taken, add("fourth"))
        return await asyncio.gather(
            *(control.store.write(act) for act in acts), return_exceptions=True
        )

    first, raised, second, mistaken, third, double, fourth = asyncio.run(story())

    assert (first, second, third, fourth) == (1, 2, 3, 4)
    assert isinstance(raised, LookupError)
    assert isinstance(mistaken, StorageError)
    assert isinstance(double, StorageError)
    assert names(control) == ["first", "second", "third", "fourth"]


def test_an_act_that_raises_alone_is_undone(control: ControlStores) -> None:
    def bad(connection: sa.Connection) -> None:
        add("bad")(connection)
        raise LookupError("no such thing")

    with pytest.raises(LookupError):
        control.store.write_blocking(bad)

    assert names(control) == []


def test_more_than_can_wait_is_refused_and_what_waits_is_written(store_url: str) -> None:
    with Store(store_url, CONTROL) as store:
        store.upgrade()
        writer = GroupWriter(store, capacity=3)
        begun, go_on = threading.Event(), threading.Event()

        def slow(_: sa.Connection) -> None:
            begun.set()
            go_on.wait(30)

        told: list[Any] = []
        writer.post(slow, told.append)
        begun.wait(30)
        for number in range(3):
            writer.post(add(f"{number}"), told.append)
        with pytest.raises(StorageError, match="STORE_BUSY"):
            writer.post(add("too many"), told.append)
        go_on.set()
        writer.close()

        assert told == [None, 1, 2, 3]
        with pytest.raises(InvariantBroken, match="STORE_CLOSED"):
            writer.post(add("late"), told.append)


def test_a_store_that_another_program_holds_is_waited_for_once_however_many_wait(
    tmp_path: Path,
) -> None:
    path = tmp_path / "control.db"
    control = open_control(f"sqlite:///{path}", clock=ManualClock(1))
    engine, tries = control.store._store.engine, list[str]()

    def impatient(connection: Any, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 200")
        tries.append("a connection made anew for it")

    sa.event.listen(engine, "connect", impatient)
    engine.dispose()
    control.store._writer._disconnect()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("begin immediate")

    async def story() -> list[Any]:
        acts = (add(f"{number}") for number in range(20))
        return await asyncio.gather(
            *(control.store.write(act) for act in acts), return_exceptions=True
        )

    refused = asyncio.run(story())
    other.execute("rollback")
    other.close()
    tried = len(tries)
    control.store.write_blocking(add("free"))

    assert [getattr(each, "code", None) for each in refused] == ["STORE_BUSY"] * 20
    assert tried == 1, "what came while it was waited for hears the same"
    assert names(control) == ["free"]
    control.close()


def test_a_read_can_not_write(control: ControlStores) -> None:
    with pytest.raises(StorageError, match="STORE_READ_ONLY"):
        asyncio.run(control.store.read(add("a")))

    assert names(control) == []


def test_a_read_sees_what_was_written_before_it(control: ControlStores) -> None:
    async def story() -> None:
        for number in range(1, 20):
            await control.store.write(add(f"{number}"))
            assert len(await control.store.rows(sa.select(settings_changes))) == number

    asyncio.run(story())


def test_who_does_not_wait_any_more_holds_nobody_up(control: ControlStores) -> None:
    async def story() -> None:
        waiting = [asyncio.ensure_future(control.store.write(add(f"{n}"))) for n in range(10)]
        for task in waiting[::2]:
            task.cancel()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [isinstance(each, int) for each in found] == [False, True] * 5
        assert await control.store.write(add("last")) >= 6

    asyncio.run(story())


def _large(connection: sa.Connection) -> int:
    return add("large", "x" * 2_000_000)(connection)


def test_a_full_disk_fails_what_does_not_fit_and_no_more(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'control.db'}"
    control = open_control(url, clock=ManualClock(1))
    control.store.write_blocking(add("before"))
    pages: list[int] = []

    def limited(connection: Any, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages[0]}")

    engine = control.store._store.engine
    with engine.connect() as connection:
        pages.append((connection.exec_driver_sql("PRAGMA page_count").scalar() or 0) + 30)
    sa.event.listen(engine, "connect", limited)
    engine.dispose()
    control.store._writer._disconnect()

    async def story() -> list[Any]:
        acts = [add("small"), _large, add("another")]
        return await asyncio.gather(
            *(control.store.write(act) for act in acts), return_exceptions=True
        )

    small, large, another = asyncio.run(story())
    assert (small, another) == (2, 3)
    assert isinstance(large, StorageError)
    assert large.code == "STORE_DISK_FULL"
    assert names(control) == ["before", "small", "another"]

    pages[0] = 1_000_000  # there is room again, and nothing has to be restarted
    engine.dispose()
    control.store._writer._disconnect()
    assert control.store.write_blocking(_large) == 4
    control.close()


@pytest.mark.services
def test_a_database_that_is_gone_fails_the_write_and_is_written_when_it_is_back(
    postgres_schema: str,
) -> None:
    with _Proxy(postgres_schema) as proxy:
        control = open_control(proxy.url, clock=ManualClock(1))
        control.store.write_blocking(add("before"))
        with proxy.down():
            for _ in range(2):
                with pytest.raises(StorageError, match="STORE_UNREACHABLE"):
                    control.store.write_blocking(add("lost"))
                with pytest.raises(StorageError, match="STORE_UNREACHABLE"):
                    asyncio.run(control.identity.users())

        assert control.store.write_blocking(add("after")) == 2
        assert names(control) == ["before", "after"]
        control.close()


@pytest.mark.services
def test_a_connection_that_broke_meanwhile_is_made_anew_without_a_word(
    postgres_schema: str,
) -> None:
    control = open_control(postgres_schema, clock=ManualClock(1))
    pid = control.store.write_blocking(
        lambda c: c.execute(sa.select(sa.func.pg_backend_pid())).scalar()
    )
    with Store(postgres_schema, CONTROL) as other, other.writing() as connection:
        connection.execute(sa.select(sa.func.pg_terminate_backend(pid)))

    assert control.store.write_blocking(add("a")) == 1
    control.close()


_WRITER = """
import asyncio, sys
import sqlalchemy as sa
from botcore.app.control_store import open_control
from botcore.kernel.clock import SystemClock
from tests.contract.storage.control.test_audit import an_entry

control = open_control(sys.argv[1], clock=SystemClock())

async def write(writer):
    while True:
        seq = await control.audit.append(an_entry(actor=f"person:{writer}"))
        print(seq, flush=True)

async def all_of_them():
    await asyncio.gather(*map(write, range(20)))

asyncio.run(all_of_them())
"""


@pytest.mark.slow
def test_a_kill_loses_nothing_that_was_called_durable(store_url: str, clock: ManualClock) -> None:
    for lines in (1, 100):
        program = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(_WRITER), store_url],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert program.stdout is not None
        with program.stdout as said:
            told = [said.readline() for _ in range(lines)]
            program.send_signal(signal.SIGKILL)
            told += said.readlines()
        assert program.wait() == -signal.SIGKILL
        durable = max(int(line) for line in told if line.endswith("\n"))

        control = open_control(store_url, clock=clock)
        found = asyncio.run(control.audit.verify())
        assert found.is_whole
        assert found.entries >= durable
        control.close()
