import asyncio

import pytest

from botcore.kernel import Clock, ManualClock, PausableClock, SystemClock

START = 1_700_000_000_000_000_000


def test_the_system_clock_shows_this_century_and_never_goes_back() -> None:
    clock: Clock = SystemClock()

    first, second = clock.monotonic_ns(), clock.monotonic_ns()

    assert second >= first
    assert clock.now_ns() > START


def test_the_system_clock_lets_time_pass_while_it_sleeps() -> None:
    clock = SystemClock()
    before = clock.monotonic_ns()

    clock.sleep_blocking(0.002)
    asyncio.run(clock.sleep(0.002))

    assert clock.monotonic_ns() - before >= 4_000_000


def test_sleeping_a_negative_time_is_no_sleep() -> None:
    clock = SystemClock()

    clock.sleep_blocking(-1)
    asyncio.run(clock.sleep(-1))


def test_a_manual_clock_stands_still_until_it_is_told_to_advance() -> None:
    clock = ManualClock(START)

    assert clock.now_ns() == START
    clock.advance(5)

    assert clock.now_ns() == START + 5
    assert clock.monotonic_ns() == 5


def test_a_sleep_on_a_manual_clock_advances_it_at_once() -> None:
    clock = ManualClock(START)

    clock.sleep_blocking(3600)
    asyncio.run(clock.sleep(0.5))

    assert clock.now_ns() - START == 3_600_500_000_000


def test_a_jump_moves_the_wall_clock_and_not_the_monotonic_one() -> None:
    clock = ManualClock(START)

    clock.jump(-3600 * 10**9)

    assert clock.now_ns() == START - 3600 * 10**9
    assert clock.monotonic_ns() == 0


def test_time_that_passes_cannot_go_back() -> None:
    with pytest.raises(ValueError, match="-1 ns"):
        ManualClock().advance(-1)


def test_a_pausable_clock_leaves_its_pauses_out() -> None:
    base = ManualClock(START)
    clock = PausableClock(1000, base=base)

    base.advance(10)
    stopped_at = clock.pause()
    base.advance(500)
    frozen = clock.now_ns()
    clock.resume()
    base.advance(7)

    assert (stopped_at, frozen, clock.now_ns()) == (1010, 1010, 1017)


def test_pausing_twice_is_one_pause_and_resuming_twice_one_resumption() -> None:
    base = ManualClock()
    clock = PausableClock(0, base=base)

    clock.pause()
    base.advance(3)
    clock.pause()
    assert clock.is_paused
    clock.resume()
    base.advance(2)
    clock.resume()
    base.advance(2)

    assert not clock.is_paused
    assert clock.now_ns() == 4


def test_a_pausable_clock_goes_on_after_a_restart_from_the_stored_instant() -> None:
    base = ManualClock(START)
    before = PausableClock(START, base=base)
    base.advance(60)
    stored = before.pause()

    base.advance(10**15)
    after = PausableClock(stored, base=base)

    assert after.now_ns() == stored
    base.advance(1)
    assert after.now_ns() == stored + 1


def test_a_pausable_clock_does_not_see_the_machines_clock_jump() -> None:
    base = ManualClock(START)
    clock = PausableClock(START, base=base)

    base.jump(3600 * 10**9)

    assert clock.now_ns() == START


def test_a_pausable_clock_sleeps_by_its_base() -> None:
    base = ManualClock(START)
    clock = PausableClock(START, base=base)

    clock.sleep_blocking(1)
    asyncio.run(clock.sleep(1))

    assert base.monotonic_ns() == clock.monotonic_ns() == 2 * 10**9
