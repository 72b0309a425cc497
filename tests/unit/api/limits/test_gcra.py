"""The arithmetic of a bucket: exact, without drift, and as strict as it says in every window."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.api.limits.gcra import Rate, take
from botcore.domain.ids import SECOND_NS

RATES = st.builds(
    lambda quota, window_s, burst: Rate(name="r", quota=quota, window_s=window_s, burst=burst),
    quota=st.integers(1, 10_000),
    window_s=st.sampled_from([1, 7, 60]),
    burst=st.integers(1, 50),
)
CALLS = st.lists(
    st.tuples(st.integers(0, 3 * SECOND_NS), st.integers(1, 8)), min_size=1, max_size=60
)


def conforming(rate: Rate, calls: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return when what was taken; gaps before each call, and its cost."""
    now, full_at, taken = 0, 0, []
    for gap, cost in calls:
        now += gap
        taking = take(rate, full_at, now, cost)
        if not taking.wait_ns:
            full_at = taking.full_at
            taken.append((now, min(cost, rate.burst)))
    return taken


@settings(max_examples=300, deadline=None)
@given(rate=RATES, calls=CALLS)
def test_no_window_holds_more_than_the_burst_and_what_flowed_in(
    rate: Rate, calls: list[tuple[int, int]]
) -> None:
    taken = conforming(rate, calls)

    for first, (began, _) in enumerate(taken):
        total = 0
        for at, cost in taken[first:]:
            total += cost
            flowed = (at - began) * rate.quota  # in tokens, times the window in nanoseconds
            assert total * rate.token <= rate.burst * rate.token + flowed


@settings(max_examples=300, deadline=None)
@given(rate=RATES, calls=CALLS, cost=st.integers(1, 8))
def test_a_refusal_says_the_first_instant_that_conforms(
    rate: Rate, calls: list[tuple[int, int]], cost: int
) -> None:
    now, full_at = 0, 0
    for gap, each in calls:
        now += gap
        full_at = take(rate, full_at, now, each).full_at

    wait = take(rate, full_at, now, cost).wait_ns

    assert take(rate, full_at, now + wait, cost).wait_ns == 0
    if wait:
        assert take(rate, full_at, now + wait - 1, cost).wait_ns == 1


@settings(max_examples=300, deadline=None)
@given(rate=RATES, calls=CALLS)
def test_what_is_left_can_be_taken_at_once_and_no_more(
    rate: Rate, calls: list[tuple[int, int]]
) -> None:
    now, full_at = 0, 0
    for gap, cost in calls:
        now += gap
        taking = take(rate, full_at, now, cost)
        full_at = taking.full_at

        if taking.left:
            assert take(rate, full_at, now, taking.left).wait_ns == 0
        if taking.left < rate.burst:
            assert take(rate, full_at, now, taking.left + 1).wait_ns > 0


@pytest.mark.parametrize(("quota", "window_s"), [(7, 1), (3, 60), (9_999, 60), (1_000, 1)])
def test_many_calls_do_not_drift(quota: int, window_s: int) -> None:
    rate = Rate(name="r", quota=quota, window_s=window_s, burst=2)
    now, full_at = 0, 0

    for _ in range(20_000):
        taking = take(rate, full_at, now, 1)
        now += taking.wait_ns
        full_at = take(rate, full_at, now, 1).full_at

    exact = 19_998 * window_s * SECOND_NS / quota  # two were there at once
    assert exact <= now < exact + 1


def test_a_bucket_begins_full_and_fills_up_again() -> None:
    rate = Rate(name="r", quota=100, window_s=60, burst=40)
    full_at = 0
    for _ in range(40):
        full_at = take(rate, full_at, 0, 1).full_at

    empty = take(rate, full_at, 0, 1)

    assert (empty.wait_ns, empty.left) == (600_000_000, 0)
    assert empty.full_ns == 24 * SECOND_NS
    assert take(rate, full_at, 24 * SECOND_NS, 40).wait_ns == 0


def test_time_that_goes_back_opens_nothing() -> None:
    rate = Rate(name="r", quota=1, window_s=1, burst=1)
    full_at = take(rate, 0, 10 * SECOND_NS, 1).full_at

    assert take(rate, full_at, 5 * SECOND_NS, 1).wait_ns == 6 * SECOND_NS


def test_what_costs_more_than_the_bucket_holds_takes_all_of_it() -> None:
    rate = Rate(name="r", quota=1, window_s=1, burst=3)

    taking = take(rate, 0, 0, 100)

    assert (taking.wait_ns, taking.left, taking.full_ns) == (0, 0, 3 * SECOND_NS)


def test_a_reserve_is_left_for_others() -> None:
    rate = Rate(name="r", quota=1, window_s=1, burst=10)
    full_at = 0
    for _ in range(8):
        full_at = take(rate, full_at, 0, 1, reserve=2).full_at

    assert take(rate, full_at, 0, 1, reserve=2).wait_ns == SECOND_NS
    assert take(rate, full_at, 0, 2).wait_ns == 0


@pytest.mark.parametrize("odd", [{"quota": 0}, {"window_s": 0}, {"burst": -1}])
def test_a_rate_of_nothing_is_refused(odd: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be above zero"):
        Rate(**{"name": "r", "quota": 1, "window_s": 1, "burst": 1} | odd)  # type: ignore[arg-type]  # a name and numbers
