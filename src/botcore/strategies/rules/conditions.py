"""Conditions of a rule tree, judged for one bar or for many at once, to the bit.

Comparisons with NaN do not hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from botcore.indicators import FloatColumn, FloatRow
from botcore.strategies.library.hysteresis import BPS
from botcore.strategies.rules.expressions import Before, Constant, Expression

Flags = NDArray[np.bool_]
"""Shape ``(n,)``."""
Leaves = NDArray[np.intp]
"""Numbers of comparisons, shape ``(n,)``."""


class Condition(Protocol):
    """Something that holds on a bar or does not, with the comparison that it came down to."""

    def judge(self, row: FloatRow, memory: FloatRow, params: FloatRow) -> tuple[bool, int]:
        """Return whether it holds, and the number of the comparison that settled it."""
        ...

    def over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> tuple[Flags, Leaves]:
        """Return the same for each of n bars."""
        ...


@dataclass(frozen=True, slots=True)
class Comparison:
    """A number beside another one.

    Attributes:
        word: of `WORDS`.
        margin_bps: it holds only by more than this share of the right-hand side, hundredths of a
            per cent; 0 is the plain comparison.
        is_lenient: it fails only by more than the margin: under `not`, where the opposite has to
            be as clear.
        leaf: its number in the tree.
        before: both sides one bar ago, for crossings alone.
    """

    left: Expression
    word: str
    right: Expression
    margin_bps: Expression
    is_lenient: bool
    leaf: int
    before: tuple[Before, Before] | None = None

    def judge(self, row: FloatRow, memory: FloatRow, params: FloatRow) -> tuple[bool, int]:
        """Return whether it holds."""
        right = self.right.at(row, memory, params)
        gap = self.left.at(row, memory, params) - right
        if self.before is not None:
            left_before, right_before = self.before
            was = left_before.at(row, memory, params) - right_before.at(row, memory, params)
            is_over = self.word == CROSSES_ABOVE
            return (gap > 0.0 >= was if is_over else gap < 0.0 <= was), self.leaf
        margin = self.margin_bps.at(row, memory, params) * abs(right) / BPS
        if self.is_lenient:
            margin = -margin
        match self.word:
            case ">":
                return gap > margin, self.leaf
            case ">=":
                return gap >= margin, self.leaf
            case "<":
                return gap < -margin, self.leaf
            case _:
                return gap <= -margin, self.leaf

    def over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> tuple[Flags, Leaves]:
        """Return whether it holds on each bar."""
        right = self.right.over(columns, memory, params)
        gap = self.left.over(columns, memory, params) - right
        leaves = np.full(len(gap), self.leaf, dtype=np.intp)
        if self.before is not None:
            left_before, right_before = self.before
            was = left_before.over(columns, memory, params)
            was = was - right_before.over(columns, memory, params)
            is_over = self.word == CROSSES_ABOVE
            return ((gap > 0.0) & (was <= 0.0) if is_over else (gap < 0.0) & (was >= 0.0)), leaves
        margin = self.margin_bps.over(columns, memory, params) * np.abs(right) / BPS
        if self.is_lenient:
            margin = -margin
        match self.word:
            case ">":
                return gap > margin, leaves
            case ">=":
                return gap >= margin, leaves
            case "<":
                return gap < -margin, leaves
            case _:
                return gap <= -margin, leaves

    def sentence(self, holds: bool) -> str:
        """Return its words: ``{0}`` and ``{1}`` are the sides, ``{2}`` how far they are apart."""
        verb = WORDS[self.word][0 if holds else 1]
        off = "by {2:.4g}" if holds else "off by {2:.4g}"
        if self.before is None and self.margin_bps != Constant(0.0):
            is_clear = holds != self.is_lenient
            side = "above" if (self.word in (">", ">=")) != self.is_lenient else "below"
            verb = f"is clearly {side}" if is_clear else f"is not clearly {side}"
            off = "{2:.4g} apart"
        left, right = (f"{each.label} " if each.label else "" for each in (self.left, self.right))
        return f"{left}{{0:.8g}} {verb} {right}{{1:.8g}}, {off}"


@dataclass(frozen=True, slots=True)
class Every:
    """All of several conditions; the first that does not hold settles it."""

    children: tuple[Condition, ...]

    def judge(self, row: FloatRow, memory: FloatRow, params: FloatRow) -> tuple[bool, int]:
        """Return whether all hold."""
        settled = -1
        for child in self.children:
            holds, leaf = child.judge(row, memory, params)
            if not holds:
                return False, leaf
            settled = leaf if settled < 0 else settled
        return True, settled

    def over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> tuple[Flags, Leaves]:
        """Return whether all hold on each bar."""
        return _settled(self.children, True, columns, memory, params)


@dataclass(frozen=True, slots=True)
class Some:
    """Any of several conditions; the first that holds settles it."""

    children: tuple[Condition, ...]

    def judge(self, row: FloatRow, memory: FloatRow, params: FloatRow) -> tuple[bool, int]:
        """Return whether one holds."""
        settled = -1
        for child in self.children:
            holds, leaf = child.judge(row, memory, params)
            if holds:
                return True, leaf
            settled = leaf if settled < 0 else settled
        return False, settled

    def over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> tuple[Flags, Leaves]:
        """Return whether one holds on each bar."""
        return _settled(self.children, False, columns, memory, params)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    child: Condition

    def judge(self, row: FloatRow, memory: FloatRow, params: FloatRow) -> tuple[bool, int]:
        """Return whether it does not hold."""
        holds, leaf = self.child.judge(row, memory, params)
        return not holds, leaf

    def over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> tuple[Flags, Leaves]:
        """Return whether it does not hold on each bar."""
        holds, leaves = self.child.over(columns, memory, params)
        return ~holds, leaves


def _settled(
    children: Sequence[Condition],
    usual: bool,
    columns: Sequence[FloatColumn],
    memory: FloatRow,
    params: FloatRow,
) -> tuple[Flags, Leaves]:
    """Return what several conditions come to: `usual` unless the first that is not settles it."""
    judged = [child.over(columns, memory, params) for child in children]
    holds = np.full(len(judged[0][0]), usual)
    leaves = judged[0][1]
    for found, settled in reversed(judged):
        is_odd = found != usual
        holds = np.where(is_odd, found, holds)
        leaves = np.where(is_odd, settled, leaves)
    return holds, leaves


CROSSES_ABOVE: Final = "crosses_above"
CROSSES_BELOW: Final = "crosses_below"
WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        ">": ("is above", "is not above"),
        ">=": ("is at least", "is not as much as"),
        "<": ("is below", "is not below"),
        "<=": ("is at most", "is more than"),
        CROSSES_ABOVE: ("has crossed above", "has not crossed above"),
        CROSSES_BELOW: ("has crossed below", "has not crossed below"),
    }
)
"""Comparisons, with the words for one that holds and for one that does not."""
