"""Parameters are refused by name, value and bound; warm-up is declared and true."""

from typing import Any

import numpy as np
import pytest
from tests.unit.indicators.bars import seeded_bars

from botcore.indicators import EMA, INDICATORS, MACD, OBV, RSI, SMA, IndicatorSpec, over
from botcore.indicators.spec import PERIOD_MAX, decay_bars

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("sma", {"period": 1}),
    ("sma", {"period": 2}),
    ("ema", {"period": 1}),
    ("ema", {"period": 1, "seed": "first"}),
    ("ema", {"period": 9, "seed": "first"}),
    ("rsi", {"period": 2}),
    ("macd", {"fast": 1, "slow": 2, "signal": 1}),
    ("macd", {"fast": 3, "slow": 10, "signal": 16}),
    ("bollinger", {"period": 1}),
    ("bollinger", {"period": 5, "width": 0.5}),
    ("atr", {"period": 1}),
    ("zscore", {"period": 2, "ddof": 1}),
    ("vwap", {"period": 1}),
    ("donchian", {"period": 1}),
    ("donchian", {"period": 3}),
    ("wma", {"period": 1}),
    ("wma", {"period": 7}),
    ("adx", {"period": 2}),
    ("stochastic", {"period": 1, "smooth_k": 1, "smooth_d": 1}),
    ("stochastic", {"period": 5, "smooth_k": 4, "smooth_d": 2}),
    ("cci", {"period": 2}),
    ("keltner", {"period": 1, "atr_period": 1}),
    ("keltner", {"period": 20, "atr_period": 3, "width": 0.5}),
    ("keltner", {"period": 3, "atr_period": 20}),
    ("supertrend", {"period": 1, "multiplier": 0.5}),
    ("ichimoku", {"conversion": 1, "base": 1, "span": 1, "displacement": 1}),
    ("ichimoku", {"conversion": 7, "base": 5, "span": 3, "displacement": 20}),
    ("volatility", {"period": 2}),
    ("volatility", {"period": 9, "ddof": 0, "bars_per_year": 525_600}),
    *((name, {}) for name in INDICATORS if name != "ichimoku"),  # 77 bars: tested beside TA-Lib
]


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("sma", {"period": 0}, "period 0 is below 1"),
        ("sma", {"period": -3}, "period -3 is below 1"),
        ("sma", {"period": 100_001}, "period 100001 exceeds 100000"),
        ("sma", {"period": 14.0}, "period 14.0 is not a whole number of bars"),
        ("ema", {"period": True}, "period True is not a whole number of bars"),
        ("ema", {"period": "9"}, "period '9' is not a whole number of bars"),
        ("ema", {"seed": "last"}, "seed 'last' is neither 'sma' nor 'first'"),
        ("rsi", {"period": 1}, "period 1 is below 2"),
        ("macd", {"fast": 26, "slow": 26}, "fast 26 is not below slow 26"),
        ("macd", {"signal": 0}, "signal 0 is below 1"),
        ("bollinger", {"width": 0.0}, "width 0.0 is not above 0 and finite"),
        ("bollinger", {"width": float("nan")}, "width nan is not above 0 and finite"),
        ("bollinger", {"width": float("inf")}, "width inf is not above 0 and finite"),
        ("atr", {"period": 0}, "period 0 is below 1"),
        ("zscore", {"period": 1}, "period 1 is below 2"),
        ("zscore", {"ddof": 2}, "ddof 2 is neither 0 nor 1"),
        ("vwap", {"period": 0}, "period 0 is below 1"),
        ("donchian", {"period": 0}, "period 0 is below 1"),
        ("wma", {"period": 0}, "period 0 is below 1"),
        ("adx", {"period": 1}, "period 1 is below 2"),
        ("cci", {"period": 1}, "period 1 is below 2"),
        ("stochastic", {"period": 0}, "period 0 is below 1"),
        ("stochastic", {"smooth_k": 0}, "smooth_k 0 is below 1"),
        ("stochastic", {"smooth_d": -1}, "smooth_d -1 is below 1"),
        ("keltner", {"period": 0}, "period 0 is below 1"),
        ("keltner", {"atr_period": 0}, "atr_period 0 is below 1"),
        ("keltner", {"width": 0.0}, "width 0.0 is not above 0 and finite"),
        ("supertrend", {"period": 0}, "period 0 is below 1"),
        ("supertrend", {"multiplier": -3.0}, "multiplier -3.0 is not above 0 and finite"),
        ("supertrend", {"multiplier": float("inf")}, "multiplier inf is not above 0 and finite"),
        ("ichimoku", {"conversion": 0}, "conversion 0 is below 1"),
        ("ichimoku", {"base": 0}, "base 0 is below 1"),
        ("ichimoku", {"span": 0}, "span 0 is below 1"),
        ("ichimoku", {"displacement": 0}, "displacement 0 is below 1"),
        ("volatility", {"period": 1}, "period 1 is below 2"),
        ("volatility", {"ddof": 2}, "ddof 2 is neither 0 nor 1"),
        ("volatility", {"bars_per_year": 0.0}, "bars_per_year 0.0 is not above 0 and finite"),
    ],
)
def test_a_parameter_out_of_range_is_refused_naming_value_and_bound(
    name: str, parameters: dict[str, Any], message: str
) -> None:
    spec = INDICATORS[name]

    for ask in (spec.initial, spec.first_valid, lambda **p: spec.settled(1e-9, **p)):
        with pytest.raises(ValueError, match=f"^{message}$"):
            ask(**parameters)


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -1e-9, float("nan")])
@pytest.mark.parametrize("spec", INDICATORS.values(), ids=lambda spec: spec.name)
def test_a_tolerance_out_of_range_is_refused(spec: IndicatorSpec, tolerance: float) -> None:
    with pytest.raises(ValueError, match="is not between 0 and 1"):
        spec.settled(tolerance)


@pytest.mark.parametrize(("name", "parameters"), VARIANTS)
def test_the_first_value_stands_where_it_is_declared(name: str, parameters: dict[str, Any]) -> None:
    spec = INDICATORS[name]
    bars = seeded_bars(23, 60)

    values = over(spec, *bars.inputs(spec), **parameters).reshape(60, len(spec.outputs))

    first = spec.first_valid(**parameters)
    assert np.isnan(values[:first]).all()
    assert np.isfinite(values[first:]).all()


def test_the_longest_period_is_allowed() -> None:
    assert SMA.first_valid(period=PERIOD_MAX) == PERIOD_MAX - 1


def test_settled_follows_from_the_share_that_survives_a_bar() -> None:
    # By hand: k = 2/11; 104 is the first n with (9/11)ⁿ < 1e-9; 10 bars make the seed.
    assert (9 / 11) ** 104 < 1e-9 <= (9 / 11) ** 103
    assert EMA.settled(1e-9, period=10) == 114
    assert EMA.settled(1e-9, period=10, seed="first") == 105
    assert SMA.settled(1e-9, period=10) == 10
    assert OBV.settled(1e-9) is None


def test_decay_needs_no_bar_for_what_is_forgotten_at_once() -> None:
    assert decay_bars(0.0, 1e-9) == 1
    assert decay_bars(0.5, 0.25) == 3  # a quarter is not below a quarter


def test_the_registry_names_each_indicator_as_itself_with_its_defaults() -> None:
    assert {name: spec.name for name, spec in INDICATORS.items()} == {n: n for n in INDICATORS}
    assert len({spec.step for spec in INDICATORS.values()}) == len(INDICATORS)
    assert INDICATORS["volatility"].parameters == {"period": 20, "ddof": 1, "bars_per_year": 1.0}
    assert MACD.parameters == {"fast": 12, "slow": 26, "signal": 9}
    assert EMA.parameters == {"period": 20, "seed": "sma"}
    assert RSI.parameters == {"period": 14}


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([[1.0, 2.0], [1.0, 2.0]], "sma takes close: got 2 columns"),
        ([], "sma takes close: got 0 columns"),
        ([[1.0, float("nan")]], "close is nan at bar 1: cut gaps before"),
        ([[float("inf"), 1.0]], "close is inf at bar 0: cut gaps before"),
        ([[[1.0], [2.0]]], "close has 2 dimensions instead of 1"),
    ],
)
def test_the_array_form_refuses_columns_it_cannot_trust(columns: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        over(SMA, *columns)


def test_the_array_form_refuses_columns_of_different_lengths() -> None:
    with pytest.raises(ValueError, match="volume has 2 bars instead of 3"):
        over(OBV, [1.0, 2.0, 3.0], [1.0, 1.0])


def test_the_array_form_of_no_bars_is_empty() -> None:
    assert over(SMA, []).shape == (0,)
    assert over(MACD, []).shape == (0, 3)
