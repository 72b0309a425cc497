"""What is new between two documents."""

from __future__ import annotations

from tests.support.sample_view import sample_view

from botcore.control.changes import new_fills

FILLS = tuple(sorted(sample_view().fills, key=lambda fill: fill.ts))


def test_all_executions_of_the_first_document_are_new() -> None:
    assert new_fills(None, sample_view()) == FILLS


def test_an_execution_is_new_once_whatever_the_order_it_comes_in() -> None:
    before = sample_view(fills=FILLS[:3])
    after = sample_view(fills=tuple(reversed(FILLS[1:])))

    assert new_fills(before, after) == FILLS[3:]


def test_two_equal_executions_are_two() -> None:
    before = sample_view(fills=FILLS[:1])
    after = sample_view(fills=(FILLS[0], FILLS[0]))

    assert new_fills(before, after) == FILLS[:1]
