"""What the handlers of backtests and data need beside jobs: kept runs, and the import folder."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from botcore.control.operations import Upload
from botcore.control.schema.backtests import Comparison, Report, Run, RunEquity, StartBacktest, Text
from botcore.control.schema.data import Waiting


class KeptRuns(Protocol):
    """The runs of the home; every function blocks. A number nobody has is a `ConfigError`."""

    def all(self) -> Sequence[Run]:
        """Return every run, oldest first, without notes."""
        ...

    def report(self, number: int) -> Report:
        """Return what a run found.

        Raises:
            ConfigError: there is no such run, or it was not played to its end.
            DataError: it is damaged.
        """
        ...

    def trades(self, number: int) -> Text:
        """Return a run's trades as CSV."""
        ...

    def equity(self, number: int, points: int) -> RunEquity:
        """Return a run's equity curve, thinned."""
        ...

    def compare(self, numbers: Sequence[int]) -> Comparison:
        """Return runs side by side."""
        ...

    def remove(self, number: int) -> None:
        """Remove a run with its folder.

        Raises:
            StorageError: it cannot be removed.
        """
        ...

    def check(self, asked: StartBacktest) -> None:
        """Refuse what a backtest would refuse before it begins.

        Raises:
            ConfigError: a strategy, a parameter or data does not exist.
        """
        ...


class RunNotes(Protocol):
    """What people wrote about runs."""

    async def all(self) -> Mapping[int, str]:
        """Return number → the newest note."""
        ...

    async def write(self, number: int, note: str, *, author: str) -> None:
        """Keep a note.

        Raises:
            StorageError: it cannot be kept.
        """
        ...


class TakenIn(NamedTuple):
    """An uploaded file in the import folder.

    Attributes:
        name: that it has there.
        is_new: whether it was not there before.
    """

    name: str
    is_new: bool


class ImportFolder(Protocol):
    """The home's ``import/`` folder; every function blocks."""

    def waiting(self) -> Sequence[Waiting]:
        """Return what lies in it, by name."""
        ...

    def check(self, name: str) -> None:
        """Refuse a name that is not in it.

        Raises:
            ConfigError: there is none of that name.
        """
        ...

    def take(self, upload: Upload, name: str) -> TakenIn:
        """Move an uploaded file into the folder.

        Raises:
            StorageError: it cannot be moved.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file that was taken in; nothing if it is not there.

        Raises:
            StorageError: it cannot be removed.
        """
        ...


class SeriesRemover(Protocol):
    """Removes recorded candles; it blocks."""

    def __call__(self, symbol: str, step_ns: int) -> int:
        """Remove a series; return how many candles it had.

        Raises:
            DataError: there is none.
            StorageError: it cannot be removed.
        """
        ...
