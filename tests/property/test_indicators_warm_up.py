"""E102: no value before its warm-up, none that looks ahead, none that never forgets its start."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tests.unit.indicators.bars import Bars, recorded_bars, seeded_bars

from botcore.indicators import INDICATORS, Indicator, IndicatorSpec, over

pytestmark = pytest.mark.requirement("E102")

SPECS = list(INDICATORS.values())
NEVER_SETTLED = ["obv", "anchored_vwap"]
SETTLING = [spec for spec in SPECS if spec.name not in NEVER_SETTLED]
PERIODS = st.fixed_dictionaries({"period": st.integers(2, 30)})
PARAMETERS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "sma": PERIODS,
    "ema": st.fixed_dictionaries(
        {"period": st.integers(1, 30), "seed": st.sampled_from(["sma", "first"])}
    ),
    "rsi": PERIODS,
    "macd": st.fixed_dictionaries(
        {"fast": st.integers(1, 12), "slow": st.integers(13, 26), "signal": st.integers(1, 9)}
    ),
    "bollinger": st.fixed_dictionaries(
        {"period": st.integers(1, 30), "width": st.floats(0.5, 4.0)}
    ),
    "atr": PERIODS,
    "natr": PERIODS,
    "zscore": st.fixed_dictionaries({"period": st.integers(2, 30), "ddof": st.integers(0, 1)}),
    "obv": st.just({}),
    "vwap": PERIODS,
    "anchored_vwap": st.just({}),
    "donchian": PERIODS,
    "williams_r": PERIODS,
    "wma": PERIODS,
    "adx": PERIODS,
    "stochastic": st.fixed_dictionaries(
        {
            "period": st.integers(1, 30),
            "smooth_k": st.integers(1, 6),
            "smooth_d": st.integers(1, 6),
        }
    ),
    "cci": PERIODS,
    "keltner": st.fixed_dictionaries(
        {
            "period": st.integers(1, 30),
            "atr_period": st.integers(1, 30),
            "width": st.floats(0.5, 4.0),
        }
    ),
    "supertrend": st.fixed_dictionaries(
        {"period": st.integers(1, 30), "multiplier": st.floats(0.5, 4.0)}
    ),
    "ichimoku": st.fixed_dictionaries(
        {
            "conversion": st.integers(1, 9),
            "base": st.integers(1, 26),
            "span": st.integers(1, 26),
            "displacement": st.integers(1, 26),
        }
    ),
    "volatility": st.fixed_dictionaries(
        {
            "period": st.integers(2, 30),
            "ddof": st.integers(0, 1),
            "bars_per_year": st.sampled_from([1.0, 365.0, 525_600.0]),
        }
    ),
}
SEEDS = st.integers(0, 2**32 - 1)
# The first price and the standard deviation of a relative move.
MARKETS = st.tuples(st.sampled_from([1e-8, 1.0, 3e4, 1e8]), st.sampled_from([1e-4, 1e-2]))


def _name(spec: IndicatorSpec) -> str:
    return spec.name


@pytest.mark.parametrize("spec", SPECS, ids=_name)
@given(data=st.data(), seed=SEEDS, n=st.integers(0, 80), market=MARKETS)
def test_e102_streaming_gives_none_where_the_array_has_nan_and_else_the_same_bits(
    spec: IndicatorSpec, data: st.DataObject, seed: int, n: int, market: tuple[float, float]
) -> None:
    parameters = data.draw(PARAMETERS[spec.name])
    bars = seeded_bars(seed, n, price=market[0], step=market[1])
    width = len(spec.outputs)

    array = over(spec, *bars.inputs(spec), **parameters).reshape(n, width)
    streamed = _streamed(spec, bars, parameters)

    first = spec.first_valid(**parameters)
    for t in range(n):
        if t < first:
            assert streamed[t] is None
            assert np.isnan(array[t]).all()
        else:
            value = streamed[t]
            assert (value if isinstance(value, tuple) else (value,)) == tuple(array[t].tolist())


@pytest.mark.parametrize("spec", SPECS, ids=_name)
@given(data=st.data(), seed=SEEDS, n=st.integers(1, 120), cut=st.floats(0.0, 1.0))
def test_e102_look_ahead_later_bars_leave_a_value_as_it_was_to_the_bit(
    spec: IndicatorSpec, data: st.DataObject, seed: int, n: int, cut: float
) -> None:
    parameters = data.draw(PARAMETERS[spec.name])
    bars = seeded_bars(seed, n)
    known = bars[: int(cut * n)]

    then = over(spec, *known.inputs(spec), **parameters)
    later = over(spec, *bars.inputs(spec), **parameters)

    assert then.tobytes() == later[: len(known)].tobytes()


@pytest.mark.parametrize("spec", SETTLING, ids=_name)
@given(data=st.data(), seed=SEEDS, earlier=st.integers(1, 400), market=MARKETS)
def test_e102_recursive_earlier_bars_do_not_matter_beyond_the_declared_history(
    spec: IndicatorSpec, data: st.DataObject, seed: int, earlier: int, market: tuple[float, float]
) -> None:
    parameters = data.draw(PARAMETERS[spec.name])
    settled = spec.settled(1e-9, **parameters)
    assert settled is not None
    bars = seeded_bars(seed, earlier + settled + 20, price=market[0], step=market[1])

    _assert_forgets(spec, parameters, bars, earlier, settled)


@pytest.mark.parametrize("spec", SETTLING, ids=_name)
def test_e102_recursive_holds_through_a_real_crash(
    spec: IndicatorSpec, market_data_dir: Path
) -> None:
    bars = recorded_bars(market_data_dir, "BTCUSDT", "2022-11-08", "2022-11-09")
    settled = spec.settled(1e-9)
    assert settled is not None

    for earlier in range(100, len(bars) - settled - 20, 300):
        _assert_forgets(spec, {}, bars[: earlier + settled + 20], earlier, settled)


@pytest.mark.parametrize("name", NEVER_SETTLED)
def test_e102_what_never_settles_does_depend_on_its_start(name: str) -> None:
    spec = INDICATORS[name]
    bars = seeded_bars(37, 600)

    assert spec.settled(1e-9) is None
    whole = over(spec, *bars.inputs(spec))
    late = over(spec, *bars[50:].inputs(spec))

    assert abs(whole[-1] - late[-1]) > 1e-9 * abs(whole[-1])


def _streamed(
    spec: IndicatorSpec, bars: Bars, parameters: dict[str, Any]
) -> list[float | tuple[float, ...] | None]:
    indicator = Indicator(spec, **parameters)
    columns = [column.tolist() for column in bars.inputs(spec)]
    return [indicator.update(*inputs) for inputs in zip(*columns, strict=True)]


def _assert_forgets(
    spec: IndicatorSpec, parameters: dict[str, Any], bars: Bars, earlier: int, settled: int
) -> None:
    long = over(spec, *bars.inputs(spec), **parameters)[earlier + settled - 1 :]
    short = over(spec, *bars[earlier:].inputs(spec), **parameters)[settled - 1 :]

    error = np.abs(long - short).reshape(len(long), -1).max(axis=1)

    assert (error < 1e-9 * _scale(spec, bars, long)[-len(long) :]).all()


def _scale(spec: IndicatorSpec, bars: Bars, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """What "relative" refers to, as the indicator's note declares it."""
    if spec.name in ("rsi", "williams_r", "adx", "stochastic", "cci"):
        return np.full(len(bars), 100.0)
    if spec.name == "zscore":
        return np.ones(len(bars))
    if spec.name == "volatility":
        moves = np.abs(np.diff(np.log(bars.close), prepend=np.log(bars.close[0])))
        return np.full(len(bars), max(moves.max(), 1e-4))
    if spec.name in ("atr", "natr"):
        return values
    return bars.close
