"""What is odd about candles is found, with its time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.marketdata import quality
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.quality import Gap, ZeroVolumeRun

BTC = InstrumentId("BTCUSDT.BINANCE")
START = 1_640_995_200_000_000_000


def candles(closes: list[float], minutes: list[int] | None = None, volume: float = 1.0) -> Candles:
    values = np.array(closes, float)
    columns = {name: values.copy() for name in FIELDS}
    columns["volume"] = np.full(len(values), volume)
    opens = np.arange(len(values)) if minutes is None else np.array(minutes)
    return Candles(BTC, MINUTE_NS, START + opens * MINUTE_NS, columns)


def walk(count: int, seed: int = 1) -> list[float]:
    moves = np.random.default_rng(seed).normal(0, 1e-3, count)
    return list(100 * np.exp(np.cumsum(moves)))


def test_a_gap_says_where_it_begins_and_ends_and_how_many_are_missing() -> None:
    found = quality.gaps(candles([1.0] * 4, [0, 1, 5, 6]).ts_open, MINUTE_NS)

    assert found == (Gap(START + 2 * MINUTE_NS, START + 5 * MINUTE_NS, 3),)


@given(st.sets(st.integers(0, 200), min_size=2))
def test_gaps_and_candles_fill_the_span(minutes: set[int]) -> None:
    held = candles([1.0] * len(minutes), sorted(minutes))

    missing = sum(gap.missing for gap in quality.gaps(held.ts_open, MINUTE_NS))

    assert missing + len(held) == max(minutes) - min(minutes) + 1
    assert quality.coverage(held) == len(held) / (missing + len(held))


def test_a_stretch_without_volume_ends_at_a_gap() -> None:
    held = candles([1.0] * 12, [0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15])
    held.columns["volume"][1:] = 0

    found = quality.zero_volume_runs(held)

    assert found == (
        ZeroVolumeRun(START + MINUTE_NS, START + 6 * MINUTE_NS, 5),
        ZeroVolumeRun(START + 10 * MINUTE_NS, START + 16 * MINUTE_NS, 6),
    )


def test_a_jump_that_stays_is_an_outlier_and_no_spike() -> None:
    prices = walk(2_000)
    jumped = prices[:1_500] + [price * 1.2 for price in prices[1_500:]]

    (found,) = quality.outliers(candles(jumped))

    assert found.ts_open == START + 1_500 * MINUTE_NS
    assert found.log_return > 0.17
    assert not found.is_spike


def test_a_jump_that_comes_back_at_once_is_a_spike() -> None:
    prices = walk(2_000)
    prices[1_500] *= 0.8

    down, back = quality.outliers(candles(prices))

    assert (down.is_spike, back.is_spike) == (True, False)


def test_what_comes_later_does_not_change_what_was_found() -> None:
    prices = walk(3_000)
    prices[1_500] *= 0.8

    early = quality.outliers(candles(prices[:1_600]))
    late = quality.outliers(candles(prices))

    assert early == late


def test_a_return_across_a_gap_is_not_judged() -> None:
    prices = walk(2_000)
    jumped = prices[:1_500] + [price * 1.2 for price in prices[1_500:]]
    minutes = [*range(1_500), *range(1_600, 2_100)]

    assert quality.outliers(candles(jumped, minutes)) == ()


def test_a_dead_market_has_no_outliers_and_is_all_dead() -> None:
    found = quality.assess(candles([5.0] * 2_000, volume=0.0))

    assert (found.zero_volume, found.zero_run_count, found.outlier_count) == (2_000, 1, 0)


def test_no_candle_at_all_is_no_trouble() -> None:
    found = quality.assess(candles([]))

    assert (found.zero_volume, found.outlier_count, quality.coverage(candles([]))) == (0, 0, 0.0)
