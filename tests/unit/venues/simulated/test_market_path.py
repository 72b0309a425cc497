"""The simulated market's bars: the same for ever, on the grid, however they are asked for."""

import dataclasses
import hashlib
import os
import pickle
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.venues.simulated.market import (
    DEMO,
    BarColumns,
    InstrumentConfig,
    MarketConfig,
    MarketStateError,
    SimulatedMarket,
)
from botcore.venues.simulated.market.config import Grid
from botcore.venues.simulated.market.path import stopped, unbiased_ticks
from botcore.venues.simulated.market.streams import capture, named_stream, restore

FIELDS = [field.name for field in dataclasses.fields(BarColumns)]
ADA = InstrumentConfig(
    instrument="ADAUSDT.SIM",
    start_price=Decimal("0.5000"),
    tick_size=Decimal("0.0001"),
    lot_size=Decimal("0.1"),
    volatility_frac=0.8,
    common_loading=0.7,
    daily_volume=100_000_000.0,
    spread_bps=2.0,
    touch_notional=20_000.0,
)
SMALL_BLOCKS = dataclasses.replace(DEMO, bars_per_block=16)
GOLDEN_CLOSES = {
    "BTCUSDT.SIM": [59996.66, 59995.21, 59997.37],
    "ETHUSDT.SIM": [3000.11, 3000.12, 3001.38],
    "SOLUSDT.SIM": [149.99, 149.99, 149.99],
}
DIGEST = """
import hashlib
from botcore.venues.simulated.market import DEMO, SimulatedMarket

market = SimulatedMarket(DEMO, 7)
digest = hashlib.sha256()
for columns in market.history(300).values():
    digest.update(columns.close.tobytes() + columns.volume.tobytes())
digest.update(repr(market.ticks(299)).encode() + repr(market.book(299)).encode() + market.state())
print(digest.hexdigest())
"""


def assert_equal(left: dict[str, BarColumns], right: dict[str, BarColumns]) -> None:
    assert list(left) == list(right)
    for name, columns in left.items():
        for field in FIELDS:
            np.testing.assert_array_equal(getattr(columns, field), getattr(right[name], field))


def joined(parts: list[dict[str, BarColumns]]) -> dict[str, BarColumns]:
    return {
        name: BarColumns(
            **{
                field: np.concatenate([getattr(part[name], field) for part in parts])
                for field in FIELDS
            }
        )
        for name in parts[0]
    }


def test_the_same_seed_gives_the_same_market_and_another_seed_another() -> None:
    bars = SimulatedMarket(DEMO, 7).history(300)

    assert_equal(bars, SimulatedMarket(DEMO, 7).history(300))
    other = SimulatedMarket(DEMO, 8).history(300)
    assert all((bars[name].close != other[name].close).any() for name in bars)


def test_the_market_does_not_depend_on_the_hash_seed() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={
                **os.environ,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hash_seed in ("0", "1", "12345")
    }

    assert len(digests) == 1


def test_the_law_is_still_the_one_of_schema_version_1() -> None:
    """A change here changes every stored market: raise the schema version with it."""
    bars = SimulatedMarket(DEMO, 7).history(3)

    assert {name: columns.close.tolist() for name, columns in bars.items()} == GOLDEN_CLOSES


def test_the_order_of_the_list_of_instruments_has_no_meaning() -> None:
    reversed_config = dataclasses.replace(DEMO, instruments=DEMO.instruments[::-1])
    market, other = SimulatedMarket(DEMO, 7), SimulatedMarket(reversed_config, 7)

    assert_equal(market.history(300), other.history(300))
    assert market.ticks(299) == other.ticks(299)
    assert market.state() == other.state()


def test_another_instrument_moves_no_one_elses_path() -> None:
    more = dataclasses.replace(DEMO, instruments=(ADA, *DEMO.instruments))
    bars, with_ada = SimulatedMarket(DEMO, 7).history(300), SimulatedMarket(more, 7).history(300)

    assert len(with_ada.pop("ADAUSDT.SIM")) == 300
    assert_equal(bars, with_ada)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_bars_do_not_depend_on_how_many_are_asked_for_at_once(counts: list[int]) -> None:
    market = SimulatedMarket(SMALL_BLOCKS, 3)

    parts = [market.history(count) for count in counts]

    assert market.next_bar == sum(counts)
    assert_equal(joined(parts), SimulatedMarket(SMALL_BLOCKS, 3).history(sum(counts)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 70), st.integers(0, 40))
def test_a_market_resumed_from_its_state_goes_on_as_if_it_had_never_stopped(
    before: int, after: int
) -> None:
    market = SimulatedMarket(SMALL_BLOCKS, 3, origin_ns=5)
    market.history(before)

    resumed = SimulatedMarket.resume(SMALL_BLOCKS, market.state())

    assert resumed.state() == market.state()
    assert resumed.ticks(before) == market.ticks(before)
    assert resumed.book(before) == market.book(before)
    assert_equal(resumed.history(after), market.history(after))


def test_the_state_does_not_grow_with_the_market() -> None:
    market = SimulatedMarket(DEMO, 7)
    young = market.state()

    market.history(2_000)

    assert len(market.state()) < len(young) + 64


@pytest.mark.parametrize("data", [b"", b"\x00", SimulatedMarket(DEMO, 7).state()[:-9]])
def test_a_damaged_state_is_refused(data: bytes) -> None:
    with pytest.raises(MarketStateError, match="cannot go on"):
        SimulatedMarket.resume(DEMO, data)


def test_the_state_of_another_configuration_is_refused() -> None:
    state = SimulatedMarket(DEMO, 7).state()

    with pytest.raises(MarketStateError, match="made with configuration") as caught:
        SimulatedMarket.resume(DEMO.with_bar_ns(60_000_000_000), state)

    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_demonstration_starts_with_two_days_of_15_second_bars() -> None:
    bars = SimulatedMarket(DEMO, 7).history(11_520)

    assert list(bars) == ["BTCUSDT.SIM", "ETHUSDT.SIM", "SOLUSDT.SIM"]
    for columns in bars.values():
        assert len(columns) == 11_520
        assert set(np.diff(columns.ts_open)) == {15_000_000_000}
        assert 11_520 * 15_000_000_000 == 2 * 86_400_000_000_000


def test_a_bar_opens_at_the_close_of_the_one_before() -> None:
    for columns in SimulatedMarket(SMALL_BLOCKS, 7).history(100).values():
        np.testing.assert_array_equal(columns.open[1:], columns.close[:-1])


def test_the_first_bar_opens_at_the_start_price() -> None:
    bars = SimulatedMarket(DEMO, 7).history(1)

    for each in DEMO.instruments:
        assert Decimal(repr(float(bars[each.instrument].open[0]))) == each.start_price


def test_bars_are_whole_positive_and_on_their_grids() -> None:
    config = dataclasses.replace(DEMO, instruments=(*DEMO.instruments, ADA))
    bars = SimulatedMarket(config, 7).history(600)

    for each in config.instruments:
        columns = bars[each.instrument]
        assert (columns.low <= np.minimum(columns.open, columns.close)).all()
        assert (columns.high >= np.maximum(columns.open, columns.close)).all()
        assert (columns.low > 0).all()
        assert (columns.volume > 0).all()
        for name in ("open", "high", "low", "close"):
            prices = getattr(columns, name).tolist()
            assert all(Decimal(repr(price)) % each.tick_size == 0 for price in prices)
        volumes = columns.volume.tolist()
        assert all(Decimal(repr(volume)) % each.lot_size == 0 for volume in volumes)


@given(
    st.integers(1, 10**14),
    st.sampled_from(["0.01", "0.00001", "0.00000001", "0.05", "0.25", "5", "1"]),
)
def test_every_float_of_a_grid_reads_as_its_exact_decimal(steps: int, text: str) -> None:
    step = Decimal(text)
    grid = Grid.of(step)
    if steps * grid.numerator >= 10**14:
        steps = steps // grid.numerator

    value = steps * grid.numerator / grid.denominator

    assert Decimal(repr(value)) == steps * step
    assert grid.steps(steps * step) == steps


def test_prices_stay_positive_in_a_market_gone_mad() -> None:
    mad = dataclasses.replace(
        DEMO.with_bar_ns(3_600_000_000_000),
        instruments=tuple(
            dataclasses.replace(each, volatility_frac=20.0) for each in DEMO.instruments
        ),
    )

    for columns in SimulatedMarket(mad, 7).history(3_000).values():
        assert (columns.low > 0).all()
        assert np.isfinite(columns.volume).all()


def test_a_path_is_held_from_its_first_price_at_the_level() -> None:
    prices = np.array([[9, 8, 4], [4, 3, 7], [7, 2, 9]])

    np.testing.assert_array_equal(stopped(prices, 3), [[9, 8, 4], [4, 3, 3], [3, 3, 3]])
    np.testing.assert_array_equal(stopped(prices, 1), prices)


@settings(max_examples=30)
@given(st.floats(-0.1, 0.1), st.integers(10, 10**7), st.integers(0, 2**32))
def test_rounding_to_ticks_has_no_bias(step: float, price_ticks: int, seed: int) -> None:
    draws = unbiased_ticks(np.full(20_000, step), price_ticks, np.random.default_rng(seed))

    exact = float(np.clip(step * price_ticks, -(price_ticks // 8), price_ticks // 8))
    assert np.abs(draws - exact).max() <= 1.0
    # Five standard errors of a coin; the fraction's own variance is at most a quarter.
    assert abs(draws.mean() - exact) <= 5 * 0.5 / 20_000**0.5 + 1e-9


def test_a_move_is_cut_at_an_eighth_of_the_price_on_both_sides() -> None:
    moves = unbiased_ticks(np.array([5.0, -5.0]), 83, np.random.default_rng(1))

    np.testing.assert_array_equal(moves, [10, -10])


def test_a_captured_stream_goes_on_where_it_stood() -> None:
    stream = named_stream(1, "a")
    stream.integers(0, 10, dtype=np.int32)

    copy = restore(capture(stream))

    assert copy.integers(0, 2**32, 9).tolist() == stream.integers(0, 2**32, 9).tolist()


def test_streams_of_other_names_numbers_and_seeds_are_others() -> None:
    streams = [(1, "a"), (2, "a"), (1, "b")]
    draws = {named_stream(*each).random() for each in streams}
    draws |= {named_stream(1, "a", 0).random(), named_stream(1, "a", 1).random()}

    assert len(draws) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instruments": ()}, "at least one"),
        ({"instruments": DEMO.instruments[:1] * 2}, "each once"),
        ({"regimes": ()}, "regimes"),
        ({"regimes": DEMO.regimes[::-1]}, "no way up"),
        ({"trades_per_bar": 1}, "trades_per_bar"),
        ({"bar_ns": 1_000}, "bar_ns 1000"),
        ({"fast_s": 0.0}, "fast_s"),
        ({"own_sd": -0.1}, "negative"),
    ],
)
def test_an_impossible_market_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(DEMO, **change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start_price": Decimal("0.00005")}, "not a multiple"),
        ({"tick_size": Decimal(0)}, "tick_size 0"),
        ({"volatility_frac": float("nan")}, "volatility_frac nan"),
        ({"common_loading": 1.1}, "outside 0..1"),
    ],
)
def test_an_impossible_instrument_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(ADA, **change)


def test_a_negative_seed_or_count_is_refused() -> None:
    with pytest.raises(ValueError, match="seed -1"):
        SimulatedMarket(DEMO, -1)
    with pytest.raises(ValueError, match="n_bars -1"):
        SimulatedMarket(DEMO, 1).history(-1)


def test_a_fingerprint_names_the_law_and_not_the_order_of_the_list() -> None:
    config: MarketConfig = dataclasses.replace(DEMO, instruments=DEMO.instruments[::-1])

    assert config.fingerprint() == DEMO.fingerprint()
    assert DEMO.with_bar_ns(60_000_000_000).fingerprint() != DEMO.fingerprint()
    assert len(DEMO.fingerprint()) == hashlib.sha256().digest_size * 2
