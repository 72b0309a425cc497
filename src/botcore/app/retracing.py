"""Going on with an interrupted replay: its steps are done again and must be what its journal holds.

Every input of a replay comes from its tape, so doing it again is exact. What the journal holds
already is compared and not written; the first step beyond it is recorded, and so is all that
follows. The venue's store may be ahead of the journal or behind it: it is made anew from the truth
as it stands at that step.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from botcore.app.recording import entries_of
from botcore.domain.calendar import instant_name
from botcore.domain.commands import Input
from botcore.domain.errors import DataError
from botcore.domain.ids import AccountId
from botcore.domain.keys import Key
from botcore.domain.records import Record
from botcore.domain.steps import Step
from botcore.engine.session import Commit
from botcore.storage import SqlJournal
from botcore.venues.simulated import SqliteVenueStore
from botcore.venues.simulated.records import VenueRecords


class LateStore:
    """A venue's store that begins to write when it is told to, with all that is true by then.

    Args:
        path: the file; one that is there already is replaced.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._store: SqliteVenueStore | None = None

    def load(self) -> None:
        """Know nothing: the venue begins anew."""

    def commit(self, change: VenueRecords) -> None:
        """Make a change durable, once it has begun.

        Raises:
            StorageError: it was not written.
        """
        if self._store is not None:
            self._store.commit(change)

    def begin(self, truth: VenueRecords) -> None:
        """Write all that is true now; every later change is durable before it is reported.

        Raises:
            StorageError: the file cannot be written.
        """
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._store = SqliteVenueStore(self._path)
        self._store.load()
        self._store.commit(truth)

    def close(self) -> None:
        """Let go of the file."""
        if self._store is not None:
            self._store.close()


class Retracing:
    """The `Commit` of a replay: compares what the journal holds, then records what is new.

    Args:
        journal: open, with what an interrupted replay left.
        account: whose records these are.
        record: keeps a new step.
        on_caught_up: called once, before the first new step is kept.

    Attributes:
        is_retracing: whether steps are still compared.
    """

    def __init__(
        self,
        journal: SqlJournal,
        *,
        account: AccountId,
        record: Commit,
        on_caught_up: Callable[[], None],
    ) -> None:
        self._left: Iterator[Record] = journal.read()
        self._next = next(self._left, None)
        self._account = account
        self._record = record
        self._on_caught_up = on_caught_up
        self.is_retracing = True

    def commit(self, key: Key, event: Input, step: Step, must_be_durable: bool) -> None:
        """Take a step.

        Raises:
            DataError: ``REPLAY_DIVERGED``: it is not what the journal holds.
            StorageError: it cannot be kept.
        """
        if self.is_retracing:
            if self._next is not None:
                self._compare(key, event, step)
                return
            self.is_retracing = False
            self._on_caught_up()
        self._record(key, event, step, must_be_durable)

    def finish(self) -> None:
        """Take the end of the tape: all that the journal holds must have been found.

        Raises:
            DataError: ``REPLAY_DIVERGED``: it holds more.
        """
        if self._next is not None:
            raise _diverged("the end of the tape")
        if self.is_retracing:
            self.is_retracing = False
            self._on_caught_up()

    def _compare(self, key: Key, event: Input, step: Step) -> None:
        for entry in entries_of(key, event, step, self._account):
            record = self._next
            if record is None or (record.kind, record.key, record.payload) != (
                entry.kind,
                entry.key,
                entry.payload,
            ):
                raise _diverged(f"the step at {instant_name(key.ts)}")
            self._next = next(self._left, None)


def _diverged(where: str) -> DataError:
    # No StorageError: a session meets those by trading on without its store.
    return DataError(
        code="REPLAY_DIVERGED",
        cause=f"{where} is not what the interrupted replay had recorded",
        fix="the code, the settings or the data have changed since: begin it anew with --fresh",
    )
