"""The library's register, its declarations, and that indexes say what declarations say."""

import pytest

from botcore.domain.errors import ConfigError
from botcore.strategies import (
    LIBRARY,
    SIGNAL_LIBRARY,
    SignalRunner,
    StrategyClass,
    StrategyKind,
    kind_of,
    parameters_in_force,
    strategy_named,
)
from botcore.strategies.library import (
    bollinger,
    donchian_trend,
    ema_cross,
    ensemble,
    macd,
    rsi,
    volume_breakout,
)

SIGNALS = ["rsi", "macd", "bollinger", "volume-breakout", "ema-cross", "ensemble", "donchian-trend"]
NAMES = [*SIGNALS, "grid", "dca"]


def test_the_library_holds_both_kinds_by_name() -> None:
    assert list(LIBRARY) == NAMES
    assert [strategy_named(name).name for name in NAMES] == NAMES
    assert list(SIGNAL_LIBRARY) == SIGNALS
    assert [name for name in NAMES if kind_of(LIBRARY[name]) is StrategyKind.EVENT] == [
        "grid",
        "dca",
    ]


def test_an_unknown_strategy_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean 'ema-cross'") as caught:
        strategy_named("ema_cross")

    assert caught.value.code == "STRATEGY_UNKNOWN"


@pytest.mark.parametrize("strategy", LIBRARY.values(), ids=NAMES)
def test_every_parameter_is_explained_and_has_a_default_in_its_range(
    strategy: StrategyClass,
) -> None:
    for parameter in strategy.parameters:
        assert parameter.help.endswith(".")
        assert parameter.parse(parameter.default) == parameter.default


@pytest.mark.parametrize("strategy", LIBRARY.values(), ids=NAMES)
def test_the_extremes_of_every_parameter_can_run(strategy: StrategyClass) -> None:
    for parameter in strategy.parameters:
        for value in (parameter.low, parameter.high):
            try:
                in_force = parameters_in_force(strategy, {parameter.name: value})
            except ConfigError as error:
                assert error.code == "PARAMETERS_CONFLICT"  # noqa: PT017 – only some conflict
            else:
                assert in_force[parameter.name] == value


@pytest.mark.parametrize("strategy", LIBRARY.values(), ids=NAMES)
def test_a_parameter_that_cannot_be_is_refused_for_either_kind(strategy: StrategyClass) -> None:
    with pytest.raises(ConfigError, match="there is no parameter 'colour'"):
        parameters_in_force(strategy, {"colour": 1})


@pytest.mark.parametrize(
    ("strategy", "index", "name"),
    [
        ("rsi", rsi.PERIOD, "period"),
        ("rsi", rsi.OVERSOLD, "oversold"),
        ("rsi", rsi.OVERBOUGHT, "overbought"),
        ("rsi", rsi.NO_TRADE_BPS, "no_trade_bps"),
        ("macd", macd.NO_TRADE_BPS, "no_trade_bps"),
        ("bollinger", bollinger.NO_TRADE_BPS, "no_trade_bps"),
        ("volume-breakout", volume_breakout.PERIOD, "period"),
        ("volume-breakout", volume_breakout.VOLUME_FACTOR, "volume_factor"),
        ("volume-breakout", volume_breakout.NO_TRADE_BPS, "no_trade_bps"),
        ("ema-cross", ema_cross.FAST, "fast"),
        ("ema-cross", ema_cross.SLOW, "slow"),
        ("ema-cross", ema_cross.NO_TRADE_BPS, "no_trade_bps"),
        ("donchian-trend", donchian_trend.ENTRY, "entry"),
        ("donchian-trend", donchian_trend.EXIT, "exit"),
        ("donchian-trend", donchian_trend.NO_TRADE_BPS, "no_trade_bps"),
        ("ensemble", ensemble.OVERSOLD, "rsi_oversold"),
        ("ensemble", ensemble.OVERBOUGHT, "rsi_overbought"),
        ("ensemble", ensemble.RSI_BAND, "rsi_no_trade_bps"),
        ("ensemble", ensemble.MACD_BAND, "macd_no_trade_bps"),
        ("ensemble", ensemble.BOLLINGER_BAND, "bollinger_no_trade_bps"),
        ("ensemble", ensemble.VOLUME_FACTOR, "volume_breakout_volume_factor"),
        ("ensemble", ensemble.BREAKOUT_BAND, "volume_breakout_no_trade_bps"),
        ("ensemble", ensemble.EMA_BAND, "ema_cross_no_trade_bps"),
    ],
)
def test_an_index_into_the_parameter_row_is_that_of_its_parameter(
    strategy: str, index: int, name: str
) -> None:
    assert SIGNAL_LIBRARY[strategy].parameters.index(name) == index


def test_the_ensembles_columns_are_those_of_its_members_features() -> None:
    runner = SignalRunner(SIGNAL_LIBRARY["ensemble"], {})
    columns = [
        (place, output)
        for place, each in enumerate(SIGNAL_LIBRARY["ensemble"].features(runner.parameters))
        for output in each.spec.outputs
    ]

    assert columns[ensemble.RSI] == (0, "rsi")
    assert columns[ensemble.RSI_AVERAGE] == (1, "ema")
    assert columns[ensemble.MACD_HISTOGRAM] == (2, "histogram")
    assert columns[ensemble.BOLLINGER_UPPER] == (3, "upper")
    assert columns[ensemble.BOLLINGER_MIDDLE] == (3, "middle")
    assert columns[ensemble.BOLLINGER_LOWER] == (3, "lower")
    assert columns[ensemble.CHANNEL_HIGH] == (4, "upper")
    assert columns[ensemble.CHANNEL_LOW] == (4, "lower")
    assert columns[ensemble.MEAN_VOLUME] == (5, "sma")
    assert columns[ensemble.EMA_FAST] == (6, "ema")
    assert columns[ensemble.EMA_SLOW] == (7, "ema")


def test_the_ensemble_names_the_member_whose_parameters_conflict() -> None:
    with pytest.raises(ConfigError, match="macd in the ensemble: fast=26 is not below slow=26"):
        SignalRunner(SIGNAL_LIBRARY["ensemble"], {"macd_fast": 26})
