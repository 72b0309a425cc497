import pytest

from botcore.kernel import SlidingWindow, TokenBucket

S = 10**9


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    bucket = TokenBucket(rate_per_s=10, burst=3)

    at_once = [bucket.allow(0) for _ in range(4)]
    just_before = bucket.allow(S // 10 - 1)
    on_time = bucket.allow(S // 10)

    assert (at_once, just_before, on_time) == ([True, True, True, False], False, True)


def test_a_bucket_is_exact_for_a_rate_that_does_not_divide_a_second() -> None:
    bucket = TokenBucket(rate_per_s=3, burst=1)
    bucket.allow(0)

    assert not bucket.allow(333_333_333)
    assert bucket.allow(333_333_334)


def test_a_bucket_says_how_long_to_wait() -> None:
    bucket = TokenBucket(rate_per_s=3, burst=2)
    bucket.allow(0, tokens=2)

    wait = bucket.wait_ns(0)

    assert wait == 333_333_334
    assert bucket.allow(wait)
    assert TokenBucket(3, 2).wait_ns(0) == 0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    bucket = TokenBucket(rate_per_s=10, burst=2)
    bucket.allow(0, tokens=2)

    later = [bucket.allow(3600 * S) for _ in range(3)]

    assert later == [True, True, False]


def test_a_stamp_that_goes_back_refills_nothing() -> None:
    bucket = TokenBucket(rate_per_s=1, burst=1)
    bucket.allow(10 * S)

    assert not bucket.allow(5 * S)
    assert not bucket.allow(10 * S + 1)
    assert bucket.allow(11 * S)


def test_a_bucket_refuses_to_wait_for_what_it_never_holds() -> None:
    with pytest.raises(ValueError, match="burst of 2"):
        TokenBucket(1, 2).wait_ns(0, tokens=3)


@pytest.mark.parametrize(("rate", "burst"), [(0, 1), (1, 0), (-1, 1)])
def test_a_bucket_without_rate_or_burst_is_refused(rate: int, burst: int) -> None:
    with pytest.raises(ValueError, match="above zero"):
        TokenBucket(rate, burst)


def test_a_window_allows_its_limit_in_any_window_and_opens_when_the_oldest_leaves() -> None:
    window = SlidingWindow(limit=2, window_ns=S)

    answers = [window.allow(ts) for ts in (0, S // 2, S - 1, S, S + 1, S + S // 2)]

    assert answers == [True, True, False, True, False, True]


def test_a_window_goes_on_from_the_stamps_of_another() -> None:
    first = SlidingWindow(limit=2, window_ns=S)
    first.allow(0)
    first.allow(1)

    second = SlidingWindow(limit=2, window_ns=S, stamps=first.stamps)

    assert not second.allow(2)
    assert second.used(2) == 2


def test_a_window_is_not_opened_by_a_stamp_that_goes_back() -> None:
    window = SlidingWindow(limit=1, window_ns=S)
    window.allow(10 * S)

    assert not window.allow(2 * S)


def test_a_window_without_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero"):
        SlidingWindow(limit=0)
