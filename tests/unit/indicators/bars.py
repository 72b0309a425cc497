"""Series the indicators' tests share: published ones, seeded ones, recorded ones."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from botcore.indicators import IndicatorSpec

_PUBLISHED = (Path(__file__).parent / "ta_lib_closes.txt").read_text(encoding="utf-8")
TA_LIB_CLOSES = np.array([float(x) for x in _PUBLISHED.partition("\n")[2].split()])
# fmt: off
TA_LIB_HIGHS = np.array([
    93.25, 94.94, 96.375, 96.19, 96, 94.72, 95, 93.72, 92.47, 92.75, 96.25, 99.625, 99.125, 92.75,
    91.315, 93.25,
])
TA_LIB_LOWS = np.array([
    90.75, 91.405, 94.25, 93.5, 92.815, 93.5, 92, 89.75, 89.44, 90.625, 92.75, 96.315, 96.03,
    88.815, 86.75, 90.94,
])
STOCKCHARTS_CLOSES = np.array([
    44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826,
    45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328,
])
# fmt: on


@dataclass(frozen=True, slots=True)
class Bars:
    """Columns of shape ``(n,)``, oldest first."""

    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.close)

    def __getitem__(self, bars: slice) -> "Bars":
        return Bars(self.high[bars], self.low[bars], self.close[bars], self.volume[bars])

    def inputs(self, spec: IndicatorSpec) -> list[NDArray[np.float64]]:
        """The columns that `spec` takes."""
        return [getattr(self, source) for source in spec.inputs]


def seeded_bars(seed: int, n: int, *, price: float = 100.0, step: float = 0.01) -> Bars:
    """A geometric random walk that starts at `price`, with flat stretches and idle minutes."""
    chance = np.random.default_rng(seed)
    moves = chance.normal(scale=step, size=n)
    moves[chance.random(n) < 0.2] = 0.0
    close = price * np.exp(np.cumsum(moves))
    high = close * np.exp(np.abs(chance.normal(scale=step, size=n)))
    low = close * np.exp(-np.abs(chance.normal(scale=step, size=n)))
    volume = chance.exponential(size=n) * (chance.random(n) < 0.8)
    return Bars(high, low, close, volume)


def recorded_bars(folder: Path, symbol: str, *days: str) -> Bars:
    """One-minute bars of Binance spot, read from the exchange's daily archives."""
    columns = []
    for day in days:
        with zipfile.ZipFile(folder / "binance-spot-1m" / f"{symbol}-1m-{day}.zip") as archive:
            text = archive.read(archive.namelist()[0])
        columns.append(np.loadtxt(io.BytesIO(text), delimiter=",", usecols=(2, 3, 4, 5)))
    high, low, close, volume = np.ascontiguousarray(np.vstack(columns).T)
    return Bars(high, low, close, volume)
