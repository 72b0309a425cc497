"""Disks that are full or read-only, locks, and connections that are lost."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.contract.storage.facts import MAIN, a_key, some_entries

from botcore.domain.errors import StorageError
from botcore.domain.records import RecordKind
from botcore.storage import Entry, SqlJournal, Store, StoreRefused, verify

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield store


def _large(count: int) -> list[Entry]:
    return [Entry(RecordKind.INPUT, a_key(n), MAIN, bytes(1000)) for n in range(count)]


def _pragma(journal: SqlJournal, statement: str) -> object:
    """Run a PRAGMA on the writer's own connection."""
    connection = journal._writer._connection
    assert connection is not None
    return connection.connection.cursor().execute(f"PRAGMA {statement}").fetchone()[0]


def test_k31_every_commit_is_synced_to_the_disk_before_it_counts(sqlite_store: Store) -> None:
    with SqlJournal(sqlite_store) as journal:
        assert _pragma(journal, "synchronous") == 2  # FULL
        assert _pragma(journal, "journal_mode") == "wal"
        assert _pragma(journal, "foreign_keys") == 1


def test_k31_a_copy_of_the_files_made_when_an_entry_is_durable_holds_it(
    sqlite_store: Store, tmp_path: Path
) -> None:
    with SqlJournal(sqlite_store) as journal:
        for number in range(1, 4):
            journal.wait_durable(journal.append(some_entries(2)))
            copy = tmp_path / f"copy-{number}"
            copy.mkdir()
            for name in ("store.db", "store.db-wal"):
                (copy / name).write_bytes((tmp_path / name).read_bytes())

            with Store(f"sqlite:///{copy / 'store.db'}") as copied:
                assert SqlJournal(copied).last_lsn == 2 * number
                assert verify(copied) == []


def test_d06_a_full_disk_refuses_and_nothing_is_lost_once_there_is_room(
    sqlite_store: Store,
) -> None:
    with SqlJournal(sqlite_store) as journal:
        journal.wait_durable(journal.append(some_entries(3)))
        _pragma(journal, f"max_page_count = {_pragma(journal, 'page_count')}")

        lsn = journal.append(_large(500))
        with pytest.raises(StorageError) as full:
            journal.wait_durable(lsn)
        with pytest.raises(StorageError, match="STORE_DISK_FULL"):
            journal.append(some_entries(1))
        with pytest.raises(StorageError, match="STORE_DISK_FULL"):
            journal.save_snapshot(1, b"", "")
        journal.wait_durable(3)  # what was durable stays so
        assert (journal.last_lsn, journal.durable_lsn) == (lsn, 3)

        assert journal.reopen() == lsn
        assert journal.append(some_entries(1)) == lsn + 1

    assert full.value.code == "STORE_DISK_FULL"
    assert "database or disk is full" in full.value.cause
    assert full.value.fix
    assert verify(sqlite_store) == []


def test_d06_a_journal_that_is_closed_while_the_disk_is_full_says_what_it_could_not_keep(
    sqlite_store: Store,
) -> None:
    journal = SqlJournal(sqlite_store)
    _pragma(journal, f"max_page_count = {_pragma(journal, 'page_count')}")
    journal.append(_large(500))

    with pytest.raises(StorageError, match="STORE_DISK_FULL"):
        journal.close()

    with SqlJournal(sqlite_store) as again:
        assert again.last_lsn == 0


def test_d06_a_snapshot_that_does_not_fit_does_not_stop_the_journal(sqlite_store: Store) -> None:
    with SqlJournal(sqlite_store) as journal:
        lsn = journal.append(some_entries(1))
        journal.wait_durable(lsn)
        _pragma(journal, f"max_page_count = {_pragma(journal, 'page_count')}")

        with pytest.raises(StorageError, match="STORE_DISK_FULL"):
            journal.save_snapshot(lsn, bytes(1_000_000), "digest")

        journal.wait_durable(journal.append(some_entries(1)))
        assert journal.latest_snapshot() is None


def test_d06_a_limit_of_the_operating_system_is_met_and_outlived(tmp_path: Path) -> None:
    said = _run(
        f"""
        import resource, signal
        from botcore.domain.errors import StorageError
        from botcore.storage import SqlJournal, Store, verify
        from tests.contract.storage.facts import some_entries
        from tests.contract.storage.test_faults import _large

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        store = Store("sqlite:///{tmp_path / "store.db"}")
        journal = SqlJournal(store)
        journal.wait_durable(journal.append(some_entries(3)))
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, most))
        lsn = journal.append(_large(1000))
        try:
            journal.wait_durable(lsn)
        except StorageError as error:
            print(error.code)
        try:
            journal.append(some_entries(1))
        except StorageError as error:
            print(error.code)
        try:
            journal.reopen()
        except StorageError as error:
            print(error.code)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        print(journal.reopen() == lsn)
        journal.close()
        print(verify(store))
        """
    )

    code, again, still, outlived, findings = said.splitlines()
    assert code in {"STORE_IO_ERROR", "STORE_DISK_FULL"}
    assert again == code
    assert still in {"STORE_IO_ERROR", "STORE_DISK_FULL"}
    assert (outlived, findings) == ("True", "[]")


def test_d10_a_folder_that_cannot_be_written_is_told_with_cause_and_fix() -> None:
    with tempfile.TemporaryDirectory(prefix="botcore-") as name:
        folder = Path(name)
        with Store(f"sqlite:///{folder / 'store.db'}") as store:
            SqlJournal(store).close()
        for path in folder.iterdir():
            path.chmod(0o444)
        folder.chmod(0o555)

        said = _run(
            f"""
            import os
            from botcore.domain.errors import StorageError
            from botcore.storage import SqlJournal, Store

            if os.getuid() == 0:
                os.setuid(65534)  # root may write everything: become nobody
            try:
                SqlJournal(Store("sqlite:///{folder / "store.db"}"))
            except StorageError as error:
                print(error.code, bool(error.fix))
            """
        )
        folder.chmod(0o755)

    assert said.split() == ["STORE_READ_ONLY", "True"]


def test_d09_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"not a database at all" * 1000)

    with Store(f"sqlite:///{path}") as store:
        [found] = verify(store)
        with pytest.raises(StoreRefused, match="STORE_CORRUPT"):
            SqlJournal(store)

    assert found.code == "STORE_CORRUPT"


def test_d09_a_page_that_was_overwritten_is_found(sqlite_store: Store, tmp_path: Path) -> None:
    with SqlJournal(sqlite_store) as journal:
        journal.append(_large(200))
    sqlite_store.close()
    path = tmp_path / "store.db"
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4096] = bytes(4096)
    path.write_bytes(data)

    assert verify(sqlite_store) != []


def test_d05_a_reader_that_takes_its_time_holds_up_no_commit(
    store: Store, journal: SqlJournal
) -> None:
    journal.wait_durable(journal.append(some_entries(1)))
    with store.reading() as connection:
        count = sa.text("SELECT count(*) FROM journal")
        before = connection.execute(count).scalar()

        journal.wait_durable(journal.append(some_entries(5)))

        assert before == 1
    assert journal.durable_lsn == 6


def test_d05_another_program_that_holds_the_store_for_a_moment_is_waited_for(
    sqlite_store: Store,
) -> None:
    with SqlJournal(sqlite_store) as journal:
        holder = sqlite_store.writer()
        holding = holder.begin()
        lsn = journal.append(some_entries(1))
        holding.rollback()
        holder.close()

        journal.wait_durable(lsn)


@pytest.mark.services
def test_d01_a_connection_that_is_lost_between_commits_is_made_anew(postgres_schema: str) -> None:
    with Store(postgres_schema) as store, SqlJournal(store) as journal:
        journal.wait_durable(journal.append(some_entries(3)))
        _hang_up(store, journal)

        lsn = journal.append(some_entries(2))
        journal.wait_durable(lsn)

        assert [record.lsn for record in journal.read()] == [1, 2, 3, 4, 5]
        assert verify(store) == []


@pytest.mark.services
def test_d02_a_commit_whose_answer_is_lost_is_read_again_and_not_repeated(
    postgres_schema: str,
) -> None:
    with _Proxy(postgres_schema) as proxy, Store(proxy.url) as store:
        with SqlJournal(store) as journal:
            journal.wait_durable(journal.append(some_entries(3)))
            proxy.swallow_next_answer_to_commit.set()

            lsn = journal.append(some_entries(2))
            journal.wait_durable(lsn)

            assert proxy.swallowed.is_set()
            assert [record.lsn for record in journal.read()] == [1, 2, 3, 4, 5]
            assert journal.append(some_entries(1)) == 6
        assert verify(store) == []


@pytest.mark.services
def test_d01_a_database_that_is_gone_refuses_and_is_gone_on_with_when_it_is_back(
    postgres_schema: str,
) -> None:
    with _Proxy(postgres_schema) as proxy, Store(proxy.url) as store:
        with SqlJournal(store) as journal:
            journal.wait_durable(journal.append(some_entries(3)))
            with proxy.down():
                lsn = journal.append(some_entries(2))
                with pytest.raises(StorageError, match="STORE_UNREACHABLE"):
                    journal.wait_durable(lsn)
                with pytest.raises(StorageError, match="STORE_UNREACHABLE"):
                    journal.reopen()
                with pytest.raises(StorageError, match="STORE_UNREACHABLE"):
                    journal.append(some_entries(1))

            assert journal.reopen() == lsn
            assert [record.lsn for record in journal.read()] == [1, 2, 3, 4, 5]
        assert verify(store) == []


@pytest.mark.services
def test_the_database_is_told_to_wait_for_its_disk(postgres_schema: str) -> None:
    weak = sa.make_url(postgres_schema)
    options = f"{weak.query['options']} -csynchronous_commit=off"
    url = weak.update_query_dict({"options": options}).render_as_string(hide_password=False)

    with Store(url) as store, store.reading() as connection:
        setting = connection.execute(sa.text("SHOW synchronous_commit")).scalar()

    assert setting == "on"


def _hang_up(store: Store, journal: SqlJournal) -> None:
    connection = journal._writer._connection
    assert connection is not None
    backend = connection.execute(sa.func.pg_backend_pid().select()).scalar()
    connection.rollback()
    with store.writing() as other:
        other.execute(sa.select(sa.func.pg_terminate_backend(backend)))


def _run(script: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


class _Proxy:
    """Between us and the server: it can lose the answer to a COMMIT, and it can be down."""

    def __init__(self, url: str) -> None:
        server = sa.make_url(url)
        self._server = (server.host or "127.0.0.1", server.port or 5432)
        self._door = socket.create_server(("127.0.0.1", 0))
        port = self._door.getsockname()[1]
        through = server.set(host="127.0.0.1", port=port)
        self.url = through.update_query_dict({"sslmode": "disable"}).render_as_string(
            hide_password=False
        )
        self.swallow_next_answer_to_commit = threading.Event()
        self.swallowed = threading.Event()
        self._is_down = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "_Proxy":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self._hang_up()
        for thread in self._threads:
            thread.join(timeout=30)

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        self._is_down.set()
        self._hang_up()
        yield
        self._is_down.clear()

    def _start(self, run: object, *args: object) -> None:
        thread = threading.Thread(target=run, args=args, daemon=True)  # type: ignore[arg-type]  # any values
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            if self._is_down.is_set():
                client.close()
                continue
            server = socket.create_connection(self._server)
            self._open += [client, server]
            lost = threading.Event()
            self._start(self._forward, client, server, lost, True)
            self._start(self._forward, server, client, lost, False)

    def _forward(
        self, source: socket.socket, to: socket.socket, lost: threading.Event, is_request: bool
    ) -> None:
        try:
            while data := source.recv(65_536):
                if is_request and b"COMMIT" in data and self.swallow_next_answer_to_commit.is_set():
                    self.swallow_next_answer_to_commit.clear()
                    lost.set()
                if not is_request and lost.is_set():
                    # The server has committed and says so; its answer gets lost with the line.
                    self.swallowed.set()
                    break
                to.sendall(data)
        except OSError:
            pass
        for end in (source, to):
            _close(end)

    def _hang_up(self) -> None:
        while self._open:
            _close(self._open.pop())


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
