"""Buckets in memory: all or nothing, bounded, and never made full by a crowd."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from botcore.api.limits import Charge, MemoryBuckets, Rate
from botcore.domain.ids import SECOND_NS

RATE = Rate(name="r", quota=2, window_s=1, burst=3)
SLOW = Rate(name="slow", quota=1, window_s=60, burst=5)


def test_a_request_pays_all_its_charges_or_none() -> None:
    buckets = MemoryBuckets(10)
    for _ in range(3):
        buckets.take([Charge(RATE, "alice", 1)], 0)

    refused = buckets.take([Charge(SLOW, "alice", 1), Charge(RATE, "alice", 1)], 0)

    assert refused.charge.rate is RATE
    assert refused.wait_ns == SECOND_NS // 2
    assert buckets.take([Charge(SLOW, "alice", 1)], 0).left == 4  # nothing was taken from it


def test_the_order_of_charges_changes_nothing() -> None:
    charges = [Charge(RATE, "alice", 2), Charge(SLOW, "alice", 1), Charge(RATE, "", 1)]
    waits = set()
    for order in permutations(charges):
        buckets = MemoryBuckets(10)
        waits.add(tuple(buckets.take(order, at * 100_000_000).wait_ns for at in range(8)))

    assert len(waits) == 1


@settings(max_examples=200, deadline=None)
@given(
    calls=st.lists(
        st.tuples(st.integers(0, SECOND_NS), st.sampled_from("abcdef")), min_size=1, max_size=80
    )
)
def test_others_change_nothing_of_what_one_may(calls: list[tuple[int, str]]) -> None:
    together = MemoryBuckets(100)
    alone = {payer: MemoryBuckets(100) for payer in "abcdef"}
    now = 0
    for gap, payer in calls:
        now += gap
        charge = [Charge(RATE, payer, 1)]

        assert together.take(charge, now) == alone[payer].take(charge, now)


@settings(max_examples=300, deadline=None)
@given(
    capacity=st.integers(1, 4),
    calls=st.lists(
        st.tuples(st.integers(0, SECOND_NS), st.integers(0, 9)), min_size=1, max_size=120
    ),
)
def test_however_many_payers_there_are_none_gets_more_than_the_rate(
    capacity: int, calls: list[tuple[int, int]]
) -> None:
    buckets = MemoryBuckets(capacity)
    taken: defaultdict[int, list[int]] = defaultdict(list)
    now = 0
    for gap, payer in calls:
        now += gap
        if not buckets.take([Charge(RATE, f"{payer}", 1)], now).wait_ns:
            taken[payer].append(now)

        assert len(buckets) <= capacity
    for times in taken.values():
        for first, began in enumerate(times):
            for count, at in enumerate(times[first:], start=1):
                assert count * SECOND_NS <= RATE.burst * SECOND_NS + (at - began) * RATE.quota


def test_a_flood_of_addresses_does_not_make_an_active_bucket_full() -> None:
    buckets = MemoryBuckets(100)
    for _ in range(5):
        buckets.take([Charge(SLOW, "alice", 1)], 0)

    for number in range(10_000):
        buckets.take([Charge(SLOW, f"10.0.{number // 256}.{number % 256}", 1)], number)

    assert len(buckets) == 100
    assert buckets.take([Charge(SLOW, "alice", 1)], 10_000).wait_ns > 59 * SECOND_NS


def test_a_flood_of_addresses_is_slowed_as_one_payer_when_there_is_no_room() -> None:
    buckets = MemoryBuckets(100)

    allowed = sum(
        not buckets.take([Charge(SLOW, f"address {number}", 1)], 0).wait_ns
        for number in range(10_000)
    )

    assert allowed == 100 + SLOW.burst


def test_who_was_slowed_with_the_crowd_begins_with_its_debt() -> None:
    buckets = MemoryBuckets(1)
    buckets.take([Charge(RATE, "alice", 3)], 0)
    buckets.take([Charge(RATE, "bob", 3)], 0)  # no room: the shared bucket is empty now

    at = 1_500_000_000 - 1  # alice's is full a nanosecond later
    assert buckets.take([Charge(RATE, "carol", 3)], at).wait_ns == 1
    assert buckets.take([Charge(RATE, "carol", 3)], at + 1).wait_ns == 0


def test_full_buckets_are_dropped_as_new_ones_come() -> None:
    buckets = MemoryBuckets(1_000_000)

    for number in range(5_000):  # one each 0.1 s: a bucket is full again after 0.5 s
        buckets.take([Charge(RATE, f"{number}", 1)], number * SECOND_NS // 10)

    assert len(buckets) < 20


def test_no_room_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="capacity 0 must be above zero"):
        MemoryBuckets(0)
