"""The numbers of sign-in are those that were decided, and cannot be set beyond their bounds."""

from __future__ import annotations

from typing import Any

import pytest

from botcore.control.identity import Algorithm, IdentityConfig
from botcore.domain.errors import ConfigError

DAY = 86_400


def test_the_numbers_are_those_that_were_decided() -> None:
    config = IdentityConfig()

    assert config.algorithm is Algorithm.RS256
    assert config.access_s == 15 * 60
    assert config.leeway_s <= 30
    assert (config.browser_s, config.stay_idle_s, config.stay_s) == (DAY, 7 * DAY, 30 * DAY)
    assert (config.link_s, config.invitation_s) == (5 * 60, 7 * DAY)
    assert config.totp_steps_back == 0
    assert config.throttle.free_tries == 5


@pytest.mark.parametrize(
    "setting",
    [
        {"access_s": 901},
        {"access_s": 0},
        {"leeway_s": 31},
        {"leeway_s": -1},
        {"totp_steps_back": 2},
        {"environment": "Main"},
        {"environment": "a_b"},
        {"environment": ""},
    ],
)
def test_a_number_out_of_its_bounds_is_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="IDENTITY_CONFIG"):
        IdentityConfig(**setting)
