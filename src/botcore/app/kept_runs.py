"""The runs of a home, and its import folder, as control asks for them; every function blocks."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from botcore.app.backtesting import finished_run, refuse_early
from botcore.app.data import lake_of
from botcore.app.home import Home
from botcore.app.jobs.work import IMPORT_FOLDER, waiting_path
from botcore.app.runs import Run, RunRecord, Runs
from botcore.app.strategies import refuse_file
from botcore.backtest.reporting import TRADES, compare, load_equity, load_report
from botcore.control.operations import Upload
from botcore.control.runs_port import TakenIn
from botcore.control.schema import backtests as b
from botcore.control.schema.data import Waiting
from botcore.control.schema.values import instant, nanoseconds
from botcore.domain.calendar import parse_step, step_name
from botcore.domain.errors import StorageError
from botcore.domain.ids import InstrumentId


class HomeRuns:
    """The runs in a home's folder (`control.runs_port.KeptRuns`).

    Args:
        home: whose.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._runs = Runs(home.runs)

    def all(self) -> Sequence[b.Run]:
        """Return every run, oldest first."""
        return [_shown(each.record) for each in self._runs.all()]

    def report(self, number: int) -> b.Report:
        """Return what a run found."""
        run = self._finished(number)
        found = load_report(run.folder)
        return b.Report(run=_shown(run.record), report=msgspec.to_builtins(found))

    def trades(self, number: int) -> b.Text:
        """Return a run's trades as CSV."""
        run = self._finished(number)
        load_report(run.folder)  # which refuses a file that is not what was written
        text = (run.folder / TRADES).read_text("utf-8")
        return b.Text(name=f"run-{number}-trades.csv", media_type="text/csv", text=text)

    def equity(self, number: int, points: int) -> b.RunEquity:
        """Return a run's equity curve, thinned: first and last point are always there."""
        found = load_equity(self._finished(number).folder)
        stamps = found["ts"]
        count = min(points, len(stamps))
        chosen = np.unique(np.linspace(0, len(stamps) - 1, count).round().astype(np.int64))
        held = found.get("buy_and_hold")
        return b.RunEquity(
            times=tuple(instant(int(ts)) for ts in stamps[chosen]),
            equity=tuple(found["equity"][chosen].tolist()),
            buy_and_hold=() if held is None else tuple(held[chosen].tolist()),
        )

    def compare(self, numbers: Sequence[int]) -> b.Comparison:
        """Return runs side by side."""
        reports = [load_report(self._finished(number).folder) for number in numbers]
        return b.Comparison(runs=tuple(numbers), rows=compare(reports))

    def remove(self, number: int) -> None:
        """Remove a run: it is renamed first, so that a half of it is never taken for a run."""
        run = self._runs.find(str(number))
        aside = run.folder.with_name(f".removed-{run.folder.name}")
        try:
            run.folder.rename(aside)
            shutil.rmtree(aside)
        except OSError as error:
            raise StorageError(
                code="RUN_NOT_REMOVED",
                cause=f"{run.folder} cannot be removed: {error.strerror}",
                fix="correct the permissions and remove the folder by hand",
            ) from error

    def check(self, asked: b.StartBacktest) -> None:
        """Refuse what a backtest would refuse."""
        for name in asked.strategies:
            refuse_file(name)
        refuse_early(
            self._home,
            strategies=asked.strategies,
            instruments=asked.symbols,
            step_ns=parse_step(asked.timeframe),
            start=None if asked.start is None else nanoseconds(asked.start),
            end=None if asked.end is None else nanoseconds(asked.end),
            bars=asked.bars,
            parameters=asked.parameters,
            equity_frac=asked.equity_frac,
            fee_bps=asked.fee_bps,
            slippage_bps=asked.slippage_bps,
        )

    def _finished(self, number: int) -> Run:
        return finished_run(self._runs, str(number))


class HomeImports:
    """The home's ``import/`` folder (`control.runs_port.ImportFolder`).

    Args:
        home: whose.
    """

    def __init__(self, home: Home) -> None:
        self._folder = home.path / IMPORT_FOLDER

    def waiting(self) -> Sequence[Waiting]:
        """Return what lies in it, by name; links and hidden files are left out."""
        if not self._folder.is_dir():
            return ()
        chosen = [
            path
            for path in sorted(self._folder.iterdir())
            if not path.is_symlink() and not path.name.startswith(".")
        ]
        return [
            Waiting(
                name=path.name,
                is_folder=path.is_dir(),
                size=_size(path),
                modified_at=instant(path.stat().st_mtime_ns),
            )
            for path in chosen
        ]

    def check(self, name: str) -> None:
        """Refuse a name that is not in it."""
        waiting_path(self._folder, name)

    def take(self, upload: Upload, name: str) -> TakenIn:
        """Move an uploaded file in; what else has its name there is not written over."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            for chosen in (name, f"{upload.sha256[:8]}-{name}"):
                target = self._folder / chosen
                if not target.exists():
                    shutil.move(upload.path, target)
                    return TakenIn(chosen, is_new=True)
                if _is_same(target, upload):
                    return TakenIn(chosen, is_new=False)
        except OSError as error:
            raise StorageError(
                code="UPLOAD_NOT_KEPT",
                cause=f"the uploaded file cannot be kept: {error.strerror}",
                fix="free disk space or correct the permissions of the home",
            ) from error
        raise StorageError(
            code="UPLOAD_NOT_KEPT",
            cause=f"the uploaded file cannot be kept: other files are named {name} there",
            fix="give the file another name",
        )

    def remove(self, name: str) -> None:
        """Remove a file that was taken in."""
        try:
            (self._folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(
                code="UPLOAD_NOT_KEPT",
                cause=f"the uploaded file cannot be removed: {error.strerror}",
                fix="correct the permissions of the home",
            ) from error


class LakeRemover:
    """Removes recorded candles (`control.runs_port.SeriesRemover`).

    Args:
        home: whose.
    """

    def __init__(self, home: Home) -> None:
        self._home = home

    def __call__(self, symbol: str, step_ns: int) -> int:
        """Remove a series; return how many candles it had."""
        lake = lake_of({"home": self._home.path})
        return lake.remove(InstrumentId(symbol), step_ns).rows


def _is_same(path: Path, upload: Upload) -> bool:
    """Whether a file is the one that was uploaded; a large one is read piece by piece."""
    if not path.is_file() or path.stat().st_size != upload.size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == upload.sha256


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    return path.stat().st_size


def _shown(record: RunRecord) -> b.Run:
    recipe = record.recipe
    names = [each.name.rpartition(":")[2] for each in recipe.strategies]
    return b.Run(
        number=record.number,
        kind=record.kind,
        title=record.title or ", ".join(names),
        strategies=tuple(names),
        symbols=recipe.instruments,
        timeframe=step_name(recipe.step_ns),
        made_at=instant(record.made_ns),
        version=record.version,
        is_finished=record.is_finished,
        fingerprint=record.fingerprint,
        inputs_digest=record.inputs_digest,
        owner=record.owner,
    )
