"""Guessing is slowed down, and nobody is locked out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.sign_in_desk import refused

from botcore.control.identity.config import ThrottleConfig
from botcore.control.identity.throttling import Throttle
from botcore.control.problems import TooMany
from botcore.kernel.clock import ManualClock

SECOND = 1_000_000_000
CONFIG = ThrottleConfig()


def wait_s(throttle: Throttle, account: str) -> float:
    """Return how long the next try of an account has to wait; 0 counts it."""
    try:
        throttle.try_account(account)
    except TooMany as problem:
        return float(str(problem.details["retry_after_s"]))
    return 0.0


def test_the_first_tries_are_answered_at_once_and_then_the_wait_doubles() -> None:
    clock = ManualClock()
    throttle = Throttle(CONFIG, clock)

    waits = []
    for _ in range(16):
        found = wait_s(throttle, "alice")
        while found:
            waits.append(found)
            clock.advance(round(found * SECOND))
            found = wait_s(throttle, "alice")

    assert waits[:4] == [1, 2, 4, 8]
    assert max(waits) == waits[-1] == CONFIG.delay_max_s


def test_the_fifth_try_is_free_and_the_sixth_waits() -> None:
    throttle = Throttle(CONFIG, ManualClock())

    assert [wait_s(throttle, "alice") for _ in range(6)] == [0, 0, 0, 0, 0, 1]


def test_the_right_one_is_let_in_after_the_longest_wait() -> None:
    clock = ManualClock()
    throttle = Throttle(CONFIG, clock)
    for _ in range(1_000):
        wait_s(throttle, "alice")
        clock.advance(SECOND)

    clock.advance(round(CONFIG.delay_max_s * SECOND))

    assert wait_s(throttle, "alice") == 0


def test_success_forgets_the_tries() -> None:
    throttle = Throttle(CONFIG, ManualClock())
    for _ in range(5):
        throttle.try_account("alice")

    throttle.succeeded("alice")

    assert [wait_s(throttle, "alice") for _ in range(5)] == [0] * 5


def test_one_account_does_not_slow_another() -> None:
    throttle = Throttle(CONFIG, ManualClock())
    for _ in range(6):
        wait_s(throttle, "alice")

    assert wait_s(throttle, "bob") == 0


def test_a_try_that_was_refused_does_not_lengthen_the_wait() -> None:
    clock = ManualClock()
    throttle = Throttle(CONFIG, clock)
    for _ in range(100):
        wait_s(throttle, "alice")

    clock.advance(SECOND)

    assert wait_s(throttle, "alice") == 0


def test_an_address_has_a_bucket_that_refills() -> None:
    clock = ManualClock()
    throttle = Throttle(CONFIG, clock)
    for _ in range(CONFIG.address_burst):
        throttle.try_from("198.51.100.7")

    assert refused(throttle.try_from, "198.51.100.7") == "SIGN_IN_SLOWED"
    throttle.try_from("198.51.100.8")
    clock.advance(6 * SECOND)  # ten a minute
    throttle.try_from("198.51.100.7")
    assert refused(throttle.try_from, "198.51.100.7") == "SIGN_IN_SLOWED"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:1234:5678:9abc"),
        ("198.51.100.7", "::ffff:198.51.100.7"),
    ],
)
def test_addresses_of_one_customer_share_a_bucket(first: str, second: str) -> None:
    throttle = Throttle(ThrottleConfig(address_burst=1), ManualClock())
    throttle.try_from(first)

    assert refused(throttle.try_from, second) == "SIGN_IN_SLOWED"


@given(tries=st.lists(st.integers(0, 30), max_size=300))
def test_no_address_gets_more_than_its_burst_and_its_rate(tries: list[int]) -> None:
    clock = ManualClock()
    throttle = Throttle(CONFIG, clock)
    taken, passed = 0, 0
    for seconds in tries:
        clock.advance(seconds * SECOND)
        passed += seconds
        try:
            throttle.try_from("198.51.100.7")
            taken += 1
        except TooMany:
            pass

    assert taken <= CONFIG.address_burst + passed * CONFIG.address_per_minute / 60 + 1e-6


def test_what_is_remembered_is_bounded_and_the_longest_idle_goes_first() -> None:
    clock = ManualClock()
    throttle = Throttle(ThrottleConfig(remembered_max=3, free_tries=1), clock)
    for name in ("a", "b", "c", "d"):
        throttle.try_account(name)

    assert wait_s(throttle, "d") > 0
    assert wait_s(throttle, "a") == 0
