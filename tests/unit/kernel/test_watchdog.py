import threading

from botcore.kernel import ManualClock, SlowSection, SystemClock, Watchdog

S = 10**9


class _Told:
    def __init__(self, clock: ManualClock) -> None:
        self.slow: list[SlowSection] = []
        self.stuck: list[SlowSection] = []
        self.watchdog = Watchdog(
            clock=clock, on_slow=self.slow.append, on_stuck=self.stuck.append, slow_s=1, stuck_s=5
        )


def test_d17_a_section_over_a_second_is_told_once_with_the_place_where_it_stands() -> None:
    clock = ManualClock()
    told = _Told(clock)

    def a_strategy_that_takes_long() -> None:
        with told.watchdog.section("strategy:rsi"):
            clock.advance(S)
            told.watchdog.check()
            told.watchdog.check()

    a_strategy_that_takes_long()

    [slow] = told.slow
    assert (slow.name, slow.seconds) == ("strategy:rsi", 1.0)
    assert "a_strategy_that_takes_long" in slow.stack
    assert slow.thread == threading.current_thread().name
    assert not told.stuck


def test_d17_a_section_over_five_seconds_is_told_as_stuck_once() -> None:
    clock = ManualClock()
    told = _Told(clock)

    with told.watchdog.section("strategy:rsi"):
        clock.advance(5 * S)
        told.watchdog.check()
        told.watchdog.check()

    assert [len(told.slow), len(told.stuck)] == [1, 1]


def test_a_section_that_ends_in_time_is_not_told() -> None:
    clock = ManualClock()
    told = _Told(clock)

    with told.watchdog.section("strategy:rsi"):
        clock.advance(S - 1)
        told.watchdog.check()
    clock.advance(10 * S)
    told.watchdog.check()

    assert told.slow == []


def test_the_innermost_of_nested_sections_is_judged() -> None:
    clock = ManualClock()
    told = _Told(clock)

    with told.watchdog.section("step"):
        clock.advance(S)
        with told.watchdog.section("strategy:rsi"):
            told.watchdog.check()
        told.watchdog.check()

    assert [slow.name for slow in told.slow] == ["step"]


def test_a_section_that_raises_is_over() -> None:
    clock = ManualClock()
    told = _Told(clock)

    try:
        with told.watchdog.section("strategy:rsi"):
            raise RuntimeError
    except RuntimeError:
        clock.advance(9 * S)
    told.watchdog.check()

    assert told.stuck == []


def test_d17_the_watchdogs_own_thread_sees_another_thread_that_never_returns() -> None:
    released, seen = threading.Event(), threading.Event()
    stacks: list[str] = []

    def stuck(section: SlowSection) -> None:
        stacks.append(section.stack)
        seen.set()

    watchdog = Watchdog(
        clock=SystemClock(),
        on_slow=lambda section: None,
        on_stuck=stuck,
        slow_s=0.001,
        stuck_s=0.002,
        poll_s=0.001,
    )

    def never_returns() -> None:
        with watchdog.section("strategy:rsi"):
            released.wait(60)

    worker = threading.Thread(target=never_returns)
    watchdog.start()
    worker.start()

    assert seen.wait(30)
    released.set()
    worker.join()
    watchdog.stop()
    assert "never_returns" in stacks[0]
