"""Bars for these tests: seeded random walks, and runners fed with them."""

from collections.abc import Iterator, Sequence
from math import isnan

import numpy as np

from botcore.strategies import SignalRunner

BarValues = tuple[float, float, float, float, float]
"""Open, high, low, close, volume."""


def random_walk(seed: int, n_bars: int, *, step_bps: float = 8.0) -> list[BarValues]:
    """Return bars of a random walk from 100, with ranges and volumes at random too."""
    chance = np.random.default_rng(seed)
    returns = chance.standard_t(4, n_bars) * step_bps / 1e4
    closes = 100.0 * np.cumprod(1.0 + returns)
    opens = np.concatenate([[100.0], closes[:-1]])
    reach = np.abs(chance.normal(0.0, step_bps / 2e4, (2, n_bars)))
    highs = np.maximum(opens, closes) * (1.0 + reach[0])
    lows = np.minimum(opens, closes) * (1.0 - reach[1])
    volumes = chance.lognormal(0.0, 0.8, n_bars)
    columns = (each.tolist() for each in (opens, highs, lows, closes, volumes))
    return list(zip(*columns, strict=True))


def flat(n_bars: int, *, price: float = 100.0, volume: float = 1.0) -> list[BarValues]:
    """Return bars on which nothing happens."""
    return [(price, price, price, price, volume)] * n_bars


def obeyed(runner: SignalRunner, bars: Sequence[BarValues], held: float = 0.0) -> Iterator[float]:
    """Feed bars and yield the weights; the position is always what was last wanted."""
    for bar in bars:
        weight = runner.on_bar(bar, held)
        if not isnan(weight):
            held = weight
        yield weight
