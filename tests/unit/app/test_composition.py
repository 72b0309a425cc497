"""What the settings say about strategies is refused before anything starts."""

from collections.abc import Mapping

import pytest

from botcore.app.composition import engine_config
from botcore.app.settings import Settings, StrategySettings, load_settings
from botcore.domain.errors import ConfigError


def settings_with(parameters: Mapping[str, float]) -> Settings:
    rsi = StrategySettings(strategy="rsi", parameters=dict(parameters))
    return load_settings(strategies={"mine": rsi})


def test_good_parameters_are_taken() -> None:
    config, classes = engine_config(settings_with({"period": 20}))

    assert config.strategies[0].parameters == {"period": 20}
    assert list(classes) == ["rsi"]


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({"perod": 20}, "period"),
        ({"period": 0}, "period"),
        ({"oversold": 80, "overbought": 20}, "oversold"),
    ],
)
def test_a_parameter_that_a_strategy_cannot_run_with_is_refused(
    parameters: dict[str, float], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        engine_config(settings_with(parameters))

    assert told in f"{refused.value.cause} {refused.value.fix}"
