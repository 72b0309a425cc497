"""What every contestant prints: one JSON line about one run; and the task they all run.

Imported by the contestants inside their own environments: the standard library only.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import TypeVar

Result = TypeVar("Result")

STARTING_CASH_USDT = 10_000_000
QUANTITY_BTC = 1
FEE_RATE = 0.001
FAST, SLOW = 10, 30
FIRST_DECISION = 29  # index of the first bar that may decide: none in the first 29


@dataclass(frozen=True, slots=True)
class Time:
    """What one call took, in seconds; the processor's share shows how busy the machine was."""

    wall: float
    processor: float


def timed(run: Callable[[], Result]) -> tuple[Time, Result]:
    """Return the time of one call and what it returned.

    Garbage of the preparation is collected before; the collector stays on during the call.
    """
    gc.collect()
    started, started_processor = perf_counter(), process_time()
    result = run()
    return Time(perf_counter() - started, process_time() - started_processor), result


def report(
    *,
    name: str,
    version: str,
    bars: int,
    time: Time,
    orders: int,
    final_equity: float,
    notes: str,
    **more: object,
) -> None:
    """Print the line that `run.py` reads; equity in USDT, marked at the last close."""
    line = {
        "name": name,
        "version": version,
        "bars": bars,
        "seconds": round(time.wall, 6),
        "cpu_seconds": round(time.processor, 6),
        "orders": orders,
        "final_equity": round(final_equity, 8),
        "notes": notes,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        **more,
    }
    sys.stdout.write(json.dumps(line) + "\n")
