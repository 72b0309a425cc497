"""The settings' rates as limits: every number arrives, and health can print them."""

from __future__ import annotations

import msgspec
import pytest
from tests.support.limits import FixedLatency

from botcore.api.limits import LimitsConfig, Tier
from botcore.app.limiting import limits_config, rate_limits
from botcore.app.settings import RateSettings, load_settings
from botcore.domain.errors import ConfigError
from botcore.kernel.clock import ManualClock


@pytest.mark.requirement("NUM rate limits")
def test_the_defaults_are_those_of_the_contract() -> None:
    config = limits_config(RateSettings())

    assert (config.standard_per_min, config.standard_burst) == (100, 40)
    assert (config.pro_per_min, config.service_per_min) == (1_000, 10_000)
    assert (config.orders_per_s, config.orders_burst) == (10, 20)
    assert config.global_per_s == 1_000
    assert (config.lag_ms_max, config.decision_ms_max, config.shed_step_s) == (100, 1, 5)


def test_every_number_of_the_limits_is_a_setting() -> None:
    of_connections = {"connections_per_address", "connections_max"}

    assert set(RateSettings.model_fields) - of_connections == set(LimitsConfig.__struct_fields__)


def test_a_setting_arrives(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("BOTCORE_RATES__ORDERS_PER_S", "50")
    monkeypatch.setenv("BOTCORE_RATES__TIERS", '{"person:alice": "pro"}')

    rates = load_settings(home=tmp_path).rates
    limits = rate_limits(rates, latency=FixedLatency(), clock=ManualClock())

    assert limits.config.orders_per_s == 50
    assert limits.config.tiers == {"person:alice": Tier.PRO}


def test_a_tier_that_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("BOTCORE_RATES__TIERS", '{"person:alice": "gold"}')

    with pytest.raises(ConfigError):
        load_settings(home=tmp_path)


def test_they_can_be_printed() -> None:
    printed = msgspec.to_builtins(limits_config(RateSettings()))

    assert printed["orders_burst"] == 20
