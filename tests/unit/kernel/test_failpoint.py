import os
import signal
import threading
from collections.abc import Iterator

import pytest

from botcore.domain.errors import ConfigError
from botcore.kernel import SystemClock, failpoint


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    failpoint.disarm()


def test_a_place_that_nobody_armed_does_nothing_and_counts_nothing() -> None:
    failpoint.hit("a.place")

    assert failpoint.disarm() == []


def test_hits_are_counted_in_order_without_anything_happening() -> None:
    failpoint.arm("")

    for name in ("a.place", "another", "a.place"):
        failpoint.hit(name)

    assert failpoint.disarm() == ["a.place", "another", "a.place"]


def test_only_the_given_hit_of_the_given_name_acts_and_only_once() -> None:
    failpoint.arm("a.place:2:raise")

    failpoint.hit("a.place")
    failpoint.hit("another")
    with pytest.raises(failpoint.Died):
        failpoint.hit("a.place")
    failpoint.hit("a.place")

    assert len(failpoint.disarm()) == 4


def test_any_hit_can_be_meant_by_its_number_alone() -> None:
    failpoint.arm("*:3:raise")

    failpoint.hit("a.place")
    failpoint.hit("another")
    with pytest.raises(failpoint.Died):
        failpoint.hit("a.third")


def test_several_failpoints_are_armed_at_once_and_a_new_arming_forgets_them() -> None:
    failpoint.arm("a.place:1:raise,another:1:raise")
    for name in ("a.place", "another"):
        with pytest.raises(failpoint.Died):
            failpoint.hit(name)

    failpoint.arm("")

    failpoint.hit("a.place")


def test_the_acted_death_is_not_caught_by_who_catches_every_exception() -> None:
    assert not issubclass(failpoint.Died, Exception)


def test_the_process_sends_itself_the_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *to: sent.append(to))
    monkeypatch.setattr(signal, "pthread_kill", lambda *to: sent.append(to))
    failpoint.arm("a.place:1:kill,a.place:2:stop")

    failpoint.hit("a.place")
    failpoint.hit("a.place")

    assert sent == [(os.getpid(), signal.SIGKILL), (threading.get_ident(), signal.SIGSTOP)]


def test_a_sleep_lets_the_given_seconds_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(SystemClock, "sleep_blocking", lambda _, seconds: slept.append(seconds))
    failpoint.arm("a.place:1:sleep:0.25")

    failpoint.hit("a.place")

    assert slept == [0.25]


@pytest.mark.parametrize(
    "spec",
    [
        "a.place",
        "a.place:1",
        "a.place:0:kill",
        "a.place:-1:kill",
        "a.place:one:kill",
        "a.place:1:explode",
        "a.place:1:sleep",
        "a.place:1:sleep:soon",
        "a.place:1:kill:3",
        ":1:kill",
        "a.place:1:kill;another:1:kill",
    ],
)
def test_a_malformed_specification_is_refused_with_cause_and_fix(spec: str) -> None:
    with pytest.raises(ConfigError, match="FAILPOINT_MALFORMED"):
        failpoint.arm(spec)

    assert failpoint.disarm() == []
