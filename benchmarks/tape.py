"""The benchmark's tape: one real year of 1-minute BTCUSDT bars, as NumPy columns.

It reads the exchange's daily archives, takes nothing from ``botcore`` and nothing from the
peers, so that every contestant gets the same numbers. The archives lie under ``BOTCORE_DATA``
(default ``../shared/data`` from the repository's root); the parsed year is cached outside the
repository.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import sys
import zipfile
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

YEAR = 2022
SYMBOL = "BTCUSDT"
MINUTE_NS = 60_000_000_000
BARS_IN_YEAR = 525_600
_MS_TO_NS = 1_000_000
_COLUMNS_READ = 6  # open_time ms, open, high, low, close, volume; six more are not needed
_CACHE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Tape:
    """Columns of equal length, oldest bar first; a bar covers ``[ts_open, ts_open + 60 s)``.

    ``ts_open`` is UTC in integer nanoseconds; prices are USDT per BTC, volume is BTC.
    """

    ts_open: npt.NDArray[np.int64]
    open: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    close: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]

    def __len__(self) -> int:
        """Count the bars."""
        return len(self.ts_open)


def data_root() -> Path:
    """Return the folder of recorded market data (``BOTCORE_DATA``)."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("BOTCORE_DATA", default))


def cache_root() -> Path:
    """Return the folder outside the repository for parsed tapes and the peers' environments.

    ``BOTCORE_BENCH_CACHE`` overrides ``~/.cache/botcore-bench``.
    """
    default = Path.home() / ".cache" / "botcore-bench"
    root = Path(os.environ.get("BOTCORE_BENCH_CACHE", default))
    root.mkdir(parents=True, exist_ok=True)
    return root


def load_year() -> Tape:
    """Load the year's 525,600 bars, from the cache where it is there.

    Raises:
        FileNotFoundError: if a day's archive is missing.
        ValueError: if the minutes are not unbroken or their count is wrong.
    """
    cached = tape_path()
    if not cached.exists():
        _write_cache(_read_archives(), cached)
    with np.load(cached) as columns:
        return Tape(**{name: columns[name] for name in Tape.__slots__})


def tape_path() -> Path:
    """Return where the parsed year is cached (``.npz``, one array a column of `Tape`)."""
    return cache_root() / f"{SYMBOL}-1m-{YEAR}-v{_CACHE_VERSION}.npz"


def write_csv(tape: Tape, path: Path) -> None:
    """Write ``ts_open_ns,open,high,low,close,volume`` with a header, for a peer that reads csv."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ts_open_ns", "open", "high", "low", "close", "volume"])
        columns = (getattr(tape, name).tolist() for name in Tape.__slots__)
        writer.writerows(zip(*columns, strict=True))


def _read_archives() -> Tape:
    days = [_read_day(day) for day in _days_of(YEAR)]
    rows = np.concatenate(days)
    ts_open = rows[:, 0].astype(np.int64) * _MS_TO_NS
    if len(rows) != BARS_IN_YEAR or not (np.diff(ts_open) == MINUTE_NS).all():
        raise ValueError(f"{len(rows)} rows; expected {BARS_IN_YEAR} unbroken minutes of {YEAR}")
    return Tape(ts_open, *(np.ascontiguousarray(rows[:, i]) for i in range(1, _COLUMNS_READ)))


def _read_day(day: date) -> npt.NDArray[np.float64]:
    archive = data_root() / "binance-spot-1m" / f"{SYMBOL}-1m-{day.isoformat()}.zip"
    with zipfile.ZipFile(archive) as bundle:
        text = bundle.read(bundle.namelist()[0]).decode("ascii")
    # Milliseconds of this century are below 2**53, so a float column holds them exactly.
    return np.loadtxt(io.StringIO(text), delimiter=",", usecols=range(_COLUMNS_READ), ndmin=2)


def _days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=i) for i in range((date(year + 1, 1, 1) - first).days)]


def _write_cache(tape: Tape, path: Path) -> None:
    part = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(part, **{name: getattr(tape, name) for name in Tape.__slots__})
    part.replace(path)  # at once, so that an interrupted run leaves no half file


def main() -> int:
    """Prepare the cache; with ``--csv PATH`` also write the year as csv."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--csv", type=Path, help="write the tape here")
    arguments = parser.parse_args()
    tape = load_year()
    sys.stdout.write(f"{len(tape)} bars, last close {tape.close[-1]}, {tape_path()}\n")
    if arguments.csv:
        write_csv(tape, arguments.csv)
    return 0


if __name__ == "__main__":
    sys.exit(main())
