"""The runs of a home: what was run, and where its report, trades and trace lie."""

import re
from pathlib import Path
from typing import Final

import msgspec

import botcore
from botcore.domain.errors import ConfigError, DataError, StorageError
from botcore.kernel.clock import Clock, SystemClock
from botcore.risk import Protection

RECORD: Final = "run.json"
_NAME: Final = re.compile(r"^0*([1-9][0-9]{0,8})(-[a-z0-9-]*)?\Z")


class StrategyRecipe(msgspec.Struct, frozen=True):
    """One strategy of a run: as it was named, with what, and its share of the equity."""

    name: str
    parameters: dict[str, float]
    equity_frac: float


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """All that is needed to make a run again on the same data.

    Attributes:
        market: ``data`` (what was imported) or ``demo`` (the simulated market).
        instruments: ids, sorted.
        step_ns: length of a bar.
        start, end: the bars that open in ``[start, end)``, nanoseconds UTC; None is no bound.
        bars, seed: of the simulated market.
        cash: opening money, a decimal string.
        taker_fee_ppm, maker_fee_ppm, slippage_ppm: of the venue.
        allow_gaps: whether holes in the data were allowed.
        protections: what locked entries for a time.
    """

    strategies: tuple[StrategyRecipe, ...]
    market: str
    instruments: tuple[str, ...]
    step_ns: int
    start: int | None = None
    end: int | None = None
    bars: int = 0
    seed: int = 0
    cash: str = "10000"
    taker_fee_ppm: int = 1_000
    maker_fee_ppm: int = 1_000
    slippage_ppm: int = 200
    allow_gaps: bool = False
    protections: tuple[Protection, ...] = ()


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        number: counts up in a home.
        kind: ``backtest`` or ``replay``; `of`: the backtest that a replay plays again.
        made_ns: wall time at which it began, nanoseconds.
        version: of the platform.
        fingerprint, inputs_digest: of its report; empty until it is finished.
        title: what was run on what.
        owner: id of the user whose job made it; empty where it was made on the command line.
    """

    number: int
    kind: str
    recipe: Recipe
    made_ns: int
    version: str
    of: int | None = None
    title: str = ""
    owner: str = ""
    fingerprint: str = ""
    inputs_digest: str = ""

    @property
    def is_finished(self) -> bool:
        """Whether it was played to its end."""
        return bool(self.fingerprint)


class Run:
    """A run and its folder."""

    def __init__(self, folder: Path, record: RunRecord) -> None:
        self.folder = folder
        self.record = record

    def keep(self, record: RunRecord) -> None:
        """Write what is known of the run, whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        part = self.folder / (RECORD + ".part")
        try:
            part.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
            part.replace(self.folder / RECORD)
        except OSError as error:
            raise _unwritable(self.folder, error) from error
        self.record = record


class Runs:
    """The runs of one home.

    Args:
        folder: holds one folder a run.
        clock: stamps them.
    """

    def __init__(self, folder: Path, *, clock: Clock | None = None) -> None:
        self._folder = folder
        self._clock = clock or SystemClock()

    def new(
        self, kind: str, recipe: Recipe, *, name: str, of: int | None = None, owner: str = ""
    ) -> Run:
        """Make a folder for a run; its number is the next one.

        Raises:
            StorageError: it cannot be made.
        """
        number = max((each.record.number for each in self.all()), default=0)
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or kind
        while True:
            number += 1
            folder = self._folder / f"{number:04d}-{slug}"
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                if any(self._folder.glob(f"{number:04d}-*")):
                    continue  # another process has just taken it, or it was never finished
                folder.mkdir()
            except FileExistsError:
                continue
            except OSError as error:
                raise _unwritable(self._folder, error) from error
            break
        record = RunRecord(
            number=number,
            kind=kind,
            recipe=recipe,
            made_ns=self._clock.now_ns(),
            version=botcore.__version__,
            of=of,
            owner=owner,
        )
        run = Run(folder, record)
        run.keep(record)
        return run

    def all(self) -> list[Run]:
        """Return every run that can be read, oldest first; what cannot is left out."""
        found = []
        for path in sorted(self._folder.glob("*/" + RECORD)):
            try:
                found.append(_read(path.parent))
            except DataError:
                continue
        return sorted(found, key=lambda run: run.record.number)

    def find(self, text: str) -> Run:
        """Return a run by its number, its folder's name, or ``last``.

        Raises:
            ConfigError: there is none.
            DataError: its record is damaged.
        """
        runs = self.all()
        if text == "last" and runs:
            return runs[-1]
        match = _NAME.match(text)
        if match is not None:
            for run in runs:
                if run.record.number == int(match[1]):
                    return run
            for path in self._folder.glob(f"{int(match[1]):04d}-*"):
                return _read(path)
        known = ", ".join(str(run.record.number) for run in runs[-10:]) or "none yet"
        raise ConfigError(
            code="RUN_UNKNOWN",
            cause=f"there is no run {text!r}",
            fix=f"give its number or `last`; runs: {known} (`botcore backtest list` shows them)",
        )


def _read(folder: Path) -> Run:
    try:
        record = msgspec.json.decode((folder / RECORD).read_bytes(), type=RunRecord)
    except (OSError, msgspec.MsgspecError) as error:
        raise DataError(
            code="RUN_DAMAGED",
            cause=f"the record of the run in {folder.name} cannot be read: {error}",
            fix="delete its folder and run it again",
        ) from error
    return Run(folder, record)


def _unwritable(folder: Path, error: OSError) -> StorageError:
    return StorageError(
        code="RUN_UNWRITABLE",
        cause=f"{folder} cannot be written: {error.strerror}",
        fix="free disk space or correct the permissions, then run it again",
    )
