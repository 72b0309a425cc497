"""The streaming form: typed constructors, refused inputs, reset and restore."""

from math import inf, nan

import pytest
from tests.unit.indicators.bars import seeded_bars

from botcore.indicators import (
    RSI,
    Adx,
    AnchoredVwap,
    Atr,
    Bollinger,
    Cci,
    Donchian,
    Ema,
    Ichimoku,
    Indicator,
    Keltner,
    Macd,
    Natr,
    Obv,
    RollingZScore,
    Rsi,
    Sma,
    Stochastic,
    Supertrend,
    Volatility,
    Vwap,
    WilliamsR,
    Wma,
    over,
)

ALL: list[Indicator] = [
    Sma(3),
    Ema(3, seed="first"),
    Rsi(3),
    Macd(2, 4, 3),
    Bollinger(4, 1.5),
    Atr(3),
    Natr(3),
    WilliamsR(3),
    RollingZScore(3, ddof=1),
    Obv(),
    Vwap(3),
    AnchoredVwap(),
    Donchian(3),
    Wma(3),
    Stochastic(3, 2, 4),
    Cci(3),
    Keltner(5, 3, 1.5),
    Supertrend(3, 2.0),
    Adx(3),
    Ichimoku(2, 4, 6, 3),
    Volatility(3, ddof=0, bars_per_year=365.0),
]


def test_gives_none_until_the_first_value() -> None:
    sma = Sma(3)

    values = [sma.update(x) for x in (1.0, 2.0, 6.0, 4.0)]

    assert values == [None, None, 3.0, 4.0]


def test_gives_all_outputs_of_a_bar_at_once() -> None:
    donchian = Donchian(2)

    values = [donchian.update(3.0, 1.0), donchian.update(5.0, 2.0), donchian.update(4.0, 2.5)]

    assert values == [None, (5.0, 3.0, 1.0), (5.0, 3.5, 2.0)]


def test_gives_two_and_four_outputs_of_a_bar_at_once() -> None:
    supertrend, ichimoku = Supertrend(1, 1.0), Ichimoku(1, 1, 1, 1)
    for indicator in (supertrend, ichimoku):
        assert indicator.update(*(3.0, 1.0, 2.0)[: len(indicator.spec.inputs)]) is None

    assert supertrend.update(4.0, 2.0, 3.0) == (1.0, 1.0)
    assert ichimoku.update(6.0, 2.0) == (4.0, 4.0, 2.0, 2.0)


@pytest.mark.parametrize("indicator", ALL, ids=lambda i: type(i).__name__)
def test_a_constructor_passes_its_parameters_on(indicator: Indicator) -> None:
    bars = seeded_bars(29, 40)
    spec = indicator.spec
    indicator.reset()

    values = [
        indicator.update(*inputs)
        for inputs in zip(*(column.tolist() for column in bars.inputs(spec)), strict=True)
    ]

    assert values.count(None) == indicator.first_valid
    assert all(value is not None for value in values[indicator.first_valid :])


def test_constructors_differ_from_their_defaults_where_told() -> None:
    assert Ema(3, seed="first").settled(1e-9) == 31
    assert Macd(2, 4, 3).first_valid == 5
    assert RollingZScore(3, ddof=1).state() != RollingZScore(3).state()
    assert Bollinger(4, 1.5).state()[6] == 1.5
    assert Keltner(5, 3, 1.5).state()[9] == 1.5
    assert Keltner(5, 9).first_valid == 9
    assert Stochastic(3, 2, 4).first_valid == 2 + 1 + 3
    assert Supertrend(3, 2.0).state() != Supertrend(3).state()
    assert Ichimoku(2, 4, 6, 3).first_valid == 5 + 3
    assert Volatility(3, ddof=0).state() != Volatility(3).state()
    assert Volatility(3, bars_per_year=400.0).state()[6] == 20.0


@pytest.mark.parametrize("bad", [nan, inf, -inf])
def test_refuses_what_would_stay_in_the_state_and_keeps_the_state(bad: float) -> None:
    ema = Ema(2)
    ema.update(1.0)
    before = ema.state()

    with pytest.raises(ValueError, match="ema got"):
        ema.update(bad)

    assert ema.state() == before
    assert ema.update(3.0) == 2.0


@pytest.mark.parametrize("inputs", [(), (1.0, 2.0)])
def test_refuses_another_number_of_inputs(inputs: tuple[float, ...]) -> None:
    with pytest.raises(TypeError, match="ema_step"):
        Ema(2).update(*inputs)


def test_reset_forgets_all_bars() -> None:
    vwap = AnchoredVwap()
    vwap.update(10.0, 10.0, 10.0, 5.0)

    vwap.reset()

    assert vwap.update(20.0, 20.0, 20.0, 1.0) == 20.0


def test_goes_on_from_a_restored_state_to_the_bit() -> None:
    closes = seeded_bars(31, 80).close.tolist()
    first, second = Rsi(), Indicator(RSI)
    for x in closes[:50]:
        first.update(x)

    second.restore(first.state())

    rest = [second.update(x) for x in closes[50:]]
    assert rest == over(RSI, closes)[50:].tolist()


def test_refuses_the_state_of_another_indicator() -> None:
    with pytest.raises(ValueError, match="state has 5 numbers instead of 6"):
        Rsi().restore(Ema().state())


def test_a_whole_number_leaves_only_floats_in_the_state() -> None:
    ema = Ema(2, seed="first")

    ema.update(1)

    assert ema.state()[0] == 1.0
    assert {type(x) for x in ema.state()} == {float}
