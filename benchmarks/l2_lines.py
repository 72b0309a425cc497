"""The lines of the L2 replay and the task that all its contestants run; standard library only.

Six recorded files of raw Binance WebSocket lines, ``<local ns> <json>``: spot BTCUSDT and ETHUSDT
(two files each, which join at midnight) and USDⓈ-M BTCUSDT and ETHUSDT. They lie under
``BOTCORE_DATA``, folder ``l2-hftbacktest``.
"""

from __future__ import annotations

import gzip
import json
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

from contestant import Time
from tape import data_root

LINES = 347_927
REQUOTE_NS = 1_000_000_000
STAMP_DIGITS = 19
_FOLDER = "l2-hftbacktest"


@dataclass(frozen=True, slots=True)
class Recording:
    """One market's lines; `quantity` is what each quote of the task is for."""

    name: str
    days: tuple[str, ...]
    base: str
    tick: str
    lot: str
    quantity: str

    @property
    def files(self) -> list[Path]:
        """Where its lines lie, oldest first."""
        return [data_root() / _FOLDER / f"{self.name}_{day}.gz" for day in self.days]

    def lines(self) -> list[bytes]:
        """Read its lines, oldest first, without their ends."""
        return [line for path in self.files for line in gzip.open(path).read().splitlines()]


RECORDINGS = (
    Recording("spot/btcusdt", ("20240808", "20240809"), "BTC", "0.01", "0.00001", "0.001"),
    Recording("spot/ethusdt", ("20240808", "20240809"), "ETH", "0.01", "0.0001", "0.01"),
    Recording("usdm/btcusdt", ("20240808",), "BTC", "0.1", "0.001", "0.001"),
    Recording("usdm/ethusdt", ("20240808",), "ETH", "0.01", "0.001", "0.01"),
)


def report(
    *,
    name: str,
    version: str,
    times: dict[str, Time],
    orders: int,
    trades: int,
    notes: str,
) -> None:
    """Print the line that `l2_replay.py` reads: what each stage took, over all recordings."""
    line = {
        "name": name,
        "version": version,
        "lines": LINES,
        "seconds": {stage: round(time.wall, 6) for stage, time in times.items()},
        "cpu_seconds": {stage: round(time.processor, 6) for stage, time in times.items()},
        "orders": orders,
        "trades": trades,
        "notes": notes,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }
    sys.stdout.write(json.dumps(line) + "\n")
