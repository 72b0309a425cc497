"""What holds for any traffic: bounds, order and rates of the kernel's primitives."""

from collections import deque
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from botcore.kernel import Backoff, Mailbox, Overflow, SlidingWindow, TokenBucket

S = 10**9
CAPACITY = 4
stamps = st.lists(st.integers(0, 5 * S), max_size=60).map(sorted)


@given(stamps, st.integers(1, 5), st.integers(1, 2 * S))
def test_a_window_never_exceeds_its_limit_and_refuses_only_when_it_must(
    arrivals: list[int], limit: int, window_ns: int
) -> None:
    window = SlidingWindow(limit, window_ns)
    allowed: list[int] = []

    for ts in arrivals:
        in_window = sum(1 for stamp in allowed if stamp > ts - window_ns)
        answer = window.allow(ts)
        assert answer == (in_window < limit)
        if answer:
            allowed.append(ts)


@given(stamps, st.integers(1, 7), st.integers(1, 5))
def test_a_bucket_equals_its_definition_in_fractions(
    arrivals: list[int], rate: int, burst: int
) -> None:
    bucket = TokenBucket(rate, burst)
    level, at = Fraction(burst), arrivals[0] if arrivals else 0

    for ts in arrivals:
        level = min(Fraction(burst), level + Fraction((ts - at) * rate, S))
        at = ts
        assert bucket.allow(ts) == (level >= 1)
        if level >= 1:
            level -= 1


@given(stamps, st.integers(1, 7), st.integers(1, 5))
def test_a_bucket_opens_exactly_when_it_says(arrivals: list[int], rate: int, burst: int) -> None:
    bucket = TokenBucket(rate, burst)
    for ts in arrivals:
        bucket.allow(ts)
    now = arrivals[-1] if arrivals else 0

    wait = bucket.wait_ns(now)

    if wait:
        assert not bucket.allow(now + wait - 1)
    assert bucket.allow(now + wait)


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_no_wait_is_negative_or_longer_than_the_cap(attempt: int, drawn: float) -> None:
    class Drawn:
        def random(self) -> float:
            return drawn

    assert 0 <= Backoff().delay_s(attempt, rng=Drawn()) <= 30.0


class MailboxMachine(RuleBasedStateMachine):
    """A mailbox against a naive model: two lists."""

    overflow = Overflow.BLOCK

    def __init__(self) -> None:
        super().__init__()
        self.mailbox: Mailbox[tuple[int, int]] = Mailbox(
            capacity=CAPACITY, overflow=self.overflow, key=lambda item: item[0]
        )
        self.prior: deque[tuple[int, int]] = deque()
        self.items: list[tuple[int, int]] = []
        self.lost = 0
        self.number = 0

    @rule(key=st.integers(0, 5))
    def put(self, key: int) -> None:
        self.number += 1
        item = (key, self.number)
        accepted = self.mailbox.put(item, timeout_s=0)
        if len(self.items) == CAPACITY:
            if self.overflow is Overflow.BLOCK:
                assert not accepted
                return
            self.lost += 1
            same = [waiting for waiting in self.items if waiting[0] == key]
            gives_way = same[-1] if self.overflow is Overflow.CONFLATE and same else self.items[0]
            self.items.remove(gives_way)
        assert accepted
        self.items.append(item)

    @rule()
    def put_prior(self) -> None:
        self.number += 1
        accepted = self.mailbox.put_prior((-1, self.number), timeout_s=0)
        assert accepted == (len(self.prior) < CAPACITY)
        if accepted:
            self.prior.append((-1, self.number))

    @precondition(lambda self: self.prior or self.items)
    @rule(most=st.integers(1, 6))
    def take(self, most: int) -> None:
        expected = [*self.prior, *self.items][:most]
        assert self.mailbox.take(most, timeout_s=0) == expected
        for item in expected:
            if self.prior and self.prior[0] == item:
                self.prior.popleft()
            else:
                self.items.remove(item)

    @invariant()
    def nothing_is_lost_uncounted_and_the_bound_holds(self) -> None:
        counters = self.mailbox.counters
        assert len(self.mailbox) == len(self.prior) + len(self.items) <= 2 * CAPACITY
        assert counters.dropped + counters.conflated == self.lost
        waiting = len(self.mailbox)
        gone = counters.taken + counters.dropped + counters.conflated + counters.refused
        assert counters.offered == gone + waiting


class ConflatingMailboxMachine(MailboxMachine):
    overflow = Overflow.CONFLATE


class DroppingMailboxMachine(MailboxMachine):
    overflow = Overflow.DROP_OLDEST


TestBlockingMailbox = MailboxMachine.TestCase
TestConflatingMailbox = ConflatingMailboxMachine.TestCase
TestDroppingMailbox = DroppingMailboxMachine.TestCase
