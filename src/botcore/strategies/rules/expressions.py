"""Numbers of a rule tree, evaluated for one bar or for many at once, to the bit.

Each node has two forms of one definition: `at` reads the rows that `decide` is given, `over` reads
the same rows as columns. What is divided by zero is NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from types import MappingProxyType
from typing import Final, Protocol

import numpy as np

from botcore.indicators import FloatColumn, FloatRow


class Expression(Protocol):
    """A number on each bar."""

    @property
    def label(self) -> str:
        """Its words; empty for a constant, whose value says it all."""
        ...

    def at(self, row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return its value on a bar."""
        ...

    def over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatColumn:
        """Return its value on each of n bars, shape ``(n,)``; `memory` as before the first."""
        ...


@dataclass(frozen=True, slots=True)
class Constant:
    """A number."""

    value: float
    label: str = ""

    def at(self, _row: FloatRow, _memory: FloatRow, _params: FloatRow) -> float:
        """Return it."""
        return self.value

    def over(
        self, columns: Sequence[FloatColumn], _memory: FloatRow, _params: FloatRow
    ) -> FloatColumn:
        """Return it for each bar."""
        return np.full(len(columns[0]), self.value)


@dataclass(frozen=True, slots=True)
class ParameterValue:
    """A parameter of the strategy."""

    place: int
    label: str

    def at(self, _row: FloatRow, _memory: FloatRow, params: FloatRow) -> float:
        """Return its value."""
        return params[self.place]

    def over(
        self, columns: Sequence[FloatColumn], _memory: FloatRow, params: FloatRow
    ) -> FloatColumn:
        """Return its value for each bar."""
        return np.full(len(columns[0]), params[self.place])


@dataclass(frozen=True, slots=True)
class RowValue:
    """A feature's output, or a value of the bar."""

    place: int
    label: str

    def at(self, row: FloatRow, _memory: FloatRow, _params: FloatRow) -> float:
        """Return its value."""
        return row[self.place]

    def over(
        self, columns: Sequence[FloatColumn], _memory: FloatRow, _params: FloatRow
    ) -> FloatColumn:
        """Return its values."""
        return columns[self.place]


@dataclass(frozen=True, slots=True)
class Before:
    """What an expression was one bar ago: NaN on the first bar."""

    inner: Expression
    slot: int

    @property
    def label(self) -> str:
        """Its words."""
        return f"{self.inner.label or 'the number'} one bar before"

    def at(self, _row: FloatRow, memory: FloatRow, _params: FloatRow) -> float:
        """Return what was remembered."""
        return memory[self.slot]

    def over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatColumn:
        """Return the values, one bar later."""
        inner = self.inner.over(columns, memory, params)
        return np.concatenate(([memory[self.slot]], inner[:-1]))


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers added, subtracted, multiplied or divided."""

    sign: str
    left: Expression
    right: Expression

    @property
    def label(self) -> str:
        """Its words."""
        return f"({_named(self.left)} {self.sign} {_named(self.right)})"

    def at(self, row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return its value."""
        left = self.left.at(row, memory, params)
        right = self.right.at(row, memory, params)
        match self.sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case _:
                return left / right if right != 0.0 else nan

    def over(
        self, columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatColumn:
        """Return its values."""
        left = self.left.over(columns, memory, params)
        right = self.right.over(columns, memory, params)
        match self.sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case _:
                is_zero = right == 0.0
                return np.where(is_zero, nan, left / np.where(is_zero, 1.0, right))


def _named(expression: Expression) -> str:
    if expression.label or not isinstance(expression, Constant):
        return expression.label
    return f"{expression.value:g}"


SIGNS: Final[Mapping[str, str]] = MappingProxyType(
    {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
)
"""What can be done with two numbers."""
