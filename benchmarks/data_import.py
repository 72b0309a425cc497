"""Import of the exchange's daily archives: seconds, candles, peak memory; and a year read back.

Prints one line of JSON. The archives are those of ``binance-spot-1m`` below `BOTCORE_DATA`.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from botcore.domain.calendar import parse_instant
from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.storage.lake import Lake
from botcore.storage.lake.detecting import detect
from botcore.storage.lake.importing import import_files

_ROOT = Path(__file__).resolve().parents[1]
_DATA = Path(os.environ.get("BOTCORE_DATA") or _ROOT.parent / "shared" / "data")
_READS = 7
_MINUTES_OF_A_YEAR = 525_600


def main() -> int:
    """Measure once, and print the line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=_DATA / "binance-spot-1m")
    folder = parser.parse_args().folder
    if not folder.is_dir():
        sys.stderr.write(f"{folder} does not exist (BOTCORE_DATA names the folder)\n")
        return 1
    with tempfile.TemporaryDirectory() as place:
        sys.stdout.write(json.dumps(measured(folder, Lake(Path(place)))) + "\n")
    return 0


def measured(folder: Path, lake: Lake) -> dict[str, float | int]:
    """Import twice and read a year; the second import finds everything there."""
    began, began_cpu = time.perf_counter(), time.process_time()
    detected = detect(folder)
    results = import_files(
        detected,
        lake,
        now=time.time_ns(),
        progress=lambda _done, _total: None,
        tick_of=lambda _: None,
    )
    seconds, cpu = time.perf_counter() - began, time.process_time() - began_cpu
    again = time.perf_counter()
    import_files(
        detected,
        lake,
        now=time.time_ns(),
        progress=lambda _done, _total: None,
        tick_of=lambda _: None,
    )
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "files": sum(result.files for result in results),
        "candles": sum(result.added for result in results),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024),
        "stored_mb": round(sum(f.stat().st_size for f in lake.folder.rglob("*.parquet")) / 1e6, 1),
        "again_seconds": round(time.perf_counter() - again, 2),
        "year_to_arrays_ms": year_ms(lake),
    }


def year_ms(lake: Lake) -> float:
    """Return the median time of reading a year of minutes, milliseconds, the first one left out."""
    start, end = parse_instant("2022-01-01"), parse_instant("2023-01-01")
    times = []
    for _ in range(_READS + 1):
        began = time.perf_counter()
        candles = lake.read(InstrumentId("BTCUSDT.BINANCE"), MINUTE_NS, start, end)
        times.append(time.perf_counter() - began)
        assert len(candles) == _MINUTES_OF_A_YEAR
    return round(statistics.median(times[1:]) * 1_000, 1)


if __name__ == "__main__":
    sys.exit(main())
