"""What a rule tree decides: on one bar, and on many at once, equal to the bit."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.layout import CODE, DECIDED, HELD, NO_VIEW, OPERANDS, WEIGHT
from botcore.strategies.library.hysteresis import FLAT, LONG, UNDECIDED, VIEW
from botcore.strategies.rules.conditions import (
    Comparison,
    Condition,
    Every,
    Flags,
    Not,
    Some,
)
from botcore.strategies.rules.document import RuleTree
from botcore.strategies.signal import WARM_UP_REASON

NO_VIEW_YET: Final = 1.0
ENTERS_FOR: Final = VIEW + 1
EXITS_FOR: Final = VIEW + 2
"""Where it counts, if it does, for how many bars `enter` and `exit` have held."""

_FIRST: Final = 2
_EACH: Final = 6
# Codes of a comparison, after its first: its side holds and decides; it holds, but not for long
# enough; it does not hold. Each for a position that is as wanted, then for one that is not.
_DECIDES: Final = 0
_NOT_YET: Final = 2
_FAILS: Final = 4


def free_memory(tree: RuleTree) -> tuple[float, ...]:
    """Return the first values of what a tree remembers."""
    counts = (0.0, 0.0) if tree.counts else ()
    return (UNDECIDED, *counts, *(NO_VIEW for _ in tree.slots))


def sentences(tree: RuleTree) -> tuple[str, ...]:
    """Return the reasons of a tree, by code."""
    found = [WARM_UP_REASON, "neither enter nor exit has held so far: no view yet"]
    for comparison in tree.comparisons:
        is_enter = comparison.leaf < tree.enters
        side = "enter" if is_enter else "exit"
        decided = ("stay long", "enter") if is_enter else ("stay flat", "exit")
        kept = ("no entry", "exit") if is_enter else ("stay long", "enter")
        is_negated = _is_negated(tree.enter if is_enter else tree.exit, comparison.leaf)
        for holds, how, ends in (
            (True, f"{side} holds", decided),
            (True, f"{side} holds, not yet for long enough", kept),
            (False, f"{side} does not hold", kept),
        ):
            # Under an odd number of `not` a side that holds is a comparison that does not.
            said = comparison.sentence(holds != is_negated)
            found.extend(f"{how}: {said}: {end}" for end in ends)
    return tuple(found)


class Evaluator:
    """Decides by a tree.

    Args:
        tree: whose names are resolved.
    """

    def __init__(self, tree: RuleTree) -> None:
        self._tree = tree
        first = VIEW + 1 + (2 if tree.counts else 0)
        self._slots = tuple(enumerate(tree.slots, first))
        self._width = DECIDED + len(free_memory(tree))

    def decide(self, row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return 1 from the bar on which `enter` held, 0 from the one on which `exit` held.

        Where both hold, `exit` wins.
        """
        tree = self._tree
        enters, enter_leaf = tree.enter.judge(row, memory, params)
        exits, exit_leaf = tree.exit.judge(row, memory, params)
        is_long, is_flat = enters, exits
        if tree.counts:
            wanted = tree.confirm_bars.at(row, memory, params)
            memory[ENTERS_FOR] = min(memory[ENTERS_FOR] + 1.0, wanted) if enters else 0.0
            memory[EXITS_FOR] = min(memory[EXITS_FOR] + 1.0, wanted) if exits else 0.0
            is_long = memory[ENTERS_FOR] >= wanted
            is_flat = memory[EXITS_FOR] >= wanted
        view = FLAT if is_flat else LONG if is_long else memory[VIEW]
        if view == UNDECIDED:
            memory[CODE] = NO_VIEW_YET
            memory[1] = memory[2] = memory[3] = memory[4] = 0.0
        else:
            # A view that was kept is explained by what did not end it.
            is_decisive = is_flat or is_long
            is_about_exit = is_flat or (view == LONG and not is_long)
            leaf, holds = (exit_leaf, exits) if is_about_exit else (enter_leaf, enters)
            kind = _DECIDES if is_decisive else _NOT_YET if holds else _FAILS
            is_as_wanted = memory[HELD] > 0.0 if view == LONG else memory[HELD] == 0.0
            memory[CODE] = float(_FIRST + _EACH * leaf + kind + (not is_as_wanted))
            comparison = tree.comparisons[leaf]
            left = comparison.left.at(row, memory, params)
            right = comparison.right.at(row, memory, params)
            memory[1] = left
            memory[2] = right
            memory[3] = abs(left - right)
            memory[4] = 0.0
        remembered = [expression.at(row, memory, params) for _, expression in self._slots]
        for (slot, _), value in zip(self._slots, remembered, strict=True):
            memory[slot] = value
        memory[VIEW] = view
        return NO_VIEW if view == UNDECIDED else view

    def decide_over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each bar."""
        with np.errstate(all="ignore"):  # as the arithmetic of single floats
            return self._decided(columns, memory, params)

    def _decided(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        tree, n_bars = self._tree, len(columns[0])
        if not n_bars:
            return np.zeros((0, self._width))
        enters, enter_leaves = tree.enter.over(columns, memory, params)
        exits, exit_leaves = tree.exit.over(columns, memory, params)
        left = np.zeros((n_bars, self._width))
        is_long, is_flat = enters, exits
        if tree.counts:
            wanted = tree.confirm_bars.over(columns, memory, params)
            for place, flags in ((ENTERS_FOR, enters), (EXITS_FOR, exits)):
                counts = np.minimum(_run_lengths(flags, memory[place]), wanted)
                left[:, DECIDED + place - VIEW] = counts
            is_long = left[:, DECIDED + ENTERS_FOR - VIEW] >= wanted
            is_flat = left[:, DECIDED + EXITS_FOR - VIEW] >= wanted
        views = _views(is_long, is_flat, memory[VIEW])
        is_decisive = is_long | is_flat
        is_about_exit = is_flat | ((views == LONG) & ~is_long)
        leaves = np.where(is_about_exit, exit_leaves, enter_leaves)
        holds = np.where(is_about_exit, exits, enters)
        kinds = np.where(is_decisive, _DECIDES, np.where(holds, _NOT_YET, _FAILS))
        is_as_wanted = np.where(views == LONG, memory[HELD] > 0.0, memory[HELD] == 0.0)
        is_undecided = views == UNDECIDED
        codes = _FIRST + _EACH * leaves + kinds + ~is_as_wanted
        left[:, CODE] = np.where(is_undecided, NO_VIEW_YET, codes)
        for comparison in tree.comparisons:
            at = np.flatnonzero((leaves == comparison.leaf) & ~is_undecided)
            if len(at):
                first = comparison.left.over(columns, memory, params)[at]
                second = comparison.right.over(columns, memory, params)[at]
                left[at, OPERANDS] = first
                left[at, OPERANDS + 1] = second
                left[at, OPERANDS + 2] = np.abs(first - second)
        left[:, WEIGHT] = np.where(is_undecided, NO_VIEW, views)
        left[:, DECIDED] = views
        for slot, expression in self._slots:
            left[:, DECIDED + slot - VIEW] = expression.over(columns, memory, params)
        return left


def _views(is_long: Flags, is_flat: Flags, before: float) -> FloatColumn:
    """Return the view after each bar: that of the last one that decided."""
    is_decisive = is_long | is_flat
    last = np.maximum.accumulate(np.where(is_decisive, np.arange(len(is_long)), 0))
    sides = np.where(is_flat, FLAT, LONG)
    if not is_decisive[0]:
        sides[0] = before
    views: FloatColumn = sides[last]
    return views


def _run_lengths(flags: Flags, before: float) -> FloatColumn:
    """Return for how many bars up to each a flag has held; `before`: up to the first."""
    at = np.arange(1, len(flags) + 1)
    last = np.maximum.accumulate(np.where(flags, 0, at))
    return np.where(last == 0, at + before, at - last)


def _is_negated(condition: Condition, leaf: int, negated: bool = False) -> bool:
    """Whether a comparison stands under an odd number of `not`."""
    match condition:
        case Comparison():
            return negated and condition.leaf == leaf
        case Not(child):
            return _is_negated(child, leaf, not negated)
        case Every(children) | Some(children):
            return any(_is_negated(child, leaf, negated) for child in children)
        case _:
            raise TypeError(f"{condition!r} is no condition of a rule tree")
