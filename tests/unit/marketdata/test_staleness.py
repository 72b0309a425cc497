"""E60: the usual rhythm, and when silence is too long."""

from __future__ import annotations

import pytest

from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId
from botcore.marketdata.staleness import Health, Pulse, Rhythm, StalenessConfig

BTC = InstrumentId("BTCUSDT.BINANCE")
CONFIG = StalenessConfig(
    intervals_max=10.0, silence_min_ns=SECOND_NS, down_after_ns=MINUTE_NS, window=8, intervals_min=4
)


def _pulse(*beats_s: float) -> Pulse:
    pulse = Pulse(BTC, 0, CONFIG)
    for at in beats_s:
        pulse.beat(round(at * SECOND_NS))
    return pulse


def _health(pulse: Pulse, at_s: float, heartbeat_s: float | None = None) -> Health:
    heartbeat = None if heartbeat_s is None else round(heartbeat_s * SECOND_NS)
    return pulse.health(round(at_s * SECOND_NS), heartbeat).health


def test_the_usual_interval_is_the_median_of_the_last_ones() -> None:
    rhythm = Rhythm(window=4, intervals_min=3)
    usual = []

    for at in (0, 1, 2, 12, 13, 113, 213, 313):
        rhythm.beat(at)
        usual.append(rhythm.usual_ns())

    # Windows: 1 1 10, then 1 1 10 1, 1 10 1 100, 10 1 100 100, 1 100 100 100.
    assert usual == [None, None, None, 1, 1, 10, 100, 100]


def test_a_clock_that_goes_back_makes_no_negative_interval() -> None:
    rhythm = Rhythm(window=4, intervals_min=1)

    for at in (10, 20, 5, 30):
        rhythm.beat(at)

    assert rhythm.usual_ns() == 10
    assert rhythm.last_ns == 30


@pytest.mark.parametrize(
    ("at_s", "state"), [(6, Health.LIVE), (15, Health.LIVE), (15.1, Health.STALE)]
)
def test_e60_silence_of_many_usual_intervals_is_stale(at_s: float, state: Health) -> None:
    pulse = _pulse(0, 1, 2, 3, 4, 5)  # usual: one second, ten of them are allowed

    assert _health(pulse, at_s) is state


def test_silence_below_the_least_is_never_stale_in_a_burst() -> None:
    pulse = _pulse(*(each * 1e-6 for each in range(9)))

    assert _health(pulse, 0.9) is Health.LIVE
    assert _health(pulse, 1.1) is Health.STALE


def test_before_a_rhythm_is_known_the_timeframe_of_a_bar_stands_in_for_it() -> None:
    pulse = _pulse(0)

    assert _health(pulse, 30) is Health.STALE
    pulse.step_ns = MINUTE_NS
    assert _health(pulse, 30) is Health.LIVE
    assert _health(pulse, 601, heartbeat_s=600) is Health.STALE


def test_without_any_sign_of_life_it_is_down_and_with_heartbeats_only_stale() -> None:
    pulse = _pulse(0, 1, 2, 3, 4, 5)

    assert _health(pulse, 65) is Health.STALE
    assert _health(pulse, 65.1) is Health.DOWN
    assert _health(pulse, 65.1, heartbeat_s=60) is Health.STALE


def test_without_data_since_the_subscription_it_is_stale_then_down() -> None:
    pulse = Pulse(BTC, 100 * SECOND_NS, CONFIG)

    waiting = pulse.health(101 * SECOND_NS, None)

    assert waiting.health is Health.STALE
    assert waiting.silent_ns == SECOND_NS
    assert "since it was subscribed" in waiting.cause
    assert _health(pulse, 161) is Health.DOWN


def test_a_lost_connection_is_down_until_the_next_sign_of_life() -> None:
    pulse = _pulse(0, 1, 2)

    lost = pulse.health(2 * SECOND_NS + 5, None, 2 * SECOND_NS)
    pulse.beat(2 * SECOND_NS + 1)
    back = pulse.health(2 * SECOND_NS + 5, None, 2 * SECOND_NS)

    assert (lost.health, back.health) == (Health.DOWN, Health.LIVE)
    assert "lost" in lost.cause


def test_a_live_symbol_has_no_cause_and_the_same_question_the_same_answer() -> None:
    pulse = _pulse(0, 1, 2, 3, 4, 5)

    first, second = (pulse.health(6 * SECOND_NS, None) for _ in range(2))

    assert first == second
    assert first.cause == ""
    assert (first.silent_ns, first.limit_ns) == (SECOND_NS, 10 * SECOND_NS)
