"""A step-up holds for five minutes of the clock, and not for as long as the clock was set back."""

from __future__ import annotations

import pytest
from tests.support.callers import AUTH_TIME, a_key, a_person
from tests.support.fast_clock import FastClock

from botcore.control.access import Actor, local_actor
from botcore.control.problems import StepUpRequired
from botcore.control.step_up import STEP_UP_S, is_fresh, must_step_up
from botcore.domain.ids import SECOND_NS


def _clock(after_s: int) -> FastClock:
    return FastClock((AUTH_TIME + after_s) * SECOND_NS, rate=0.001)


@pytest.mark.parametrize(
    ("after_s", "is_enough"),
    [(0, True), (STEP_UP_S, True), (STEP_UP_S + 1, False), (-3_600, False), (-86_400, False)],
)
def test_a_factor_counts_that_was_shown_lately_and_not_in_the_future(
    after_s: int, *, is_enough: bool
) -> None:
    clock = _clock(after_s)

    assert is_fresh(a_person(), clock) is is_enough
    if is_enough:
        must_step_up(a_person(), clock, "this")
    else:
        with pytest.raises(StepUpRequired):
            must_step_up(a_person(), clock, "this")


@pytest.mark.parametrize(
    ("who", "says"), [(a_key(), "sign in and do it yourself"), (a_person(), "/auth/step-up")]
)
def test_who_is_asked_for_a_factor_is_told_how_such_a_one_shows_it(who: Actor, says: str) -> None:
    with pytest.raises(StepUpRequired) as asked:
        must_step_up(who, _clock(STEP_UP_S + 1), "this")

    assert asked.value.cause == "this needs a factor shown within 5 minutes"
    assert says in asked.value.fix


def test_a_key_never_has_shown_one_and_the_machine_needs_none() -> None:
    assert not is_fresh(a_key(), _clock(0))
    assert is_fresh(local_actor("root"), _clock(-3_600))
