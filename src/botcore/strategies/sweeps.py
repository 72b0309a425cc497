"""What a strategy with a rule in columns says about consecutive bars, found for all at once.

Features and rule see the past only, so what they say about a bar is the same whether or not the
bars behind it are known. A sweep is a cache in memory of what stepping would find, equal to the
bit; nothing of it is stored.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import nan

import numpy as np

from botcore.indicators import FloatColumn, FloatRow, run
from botcore.strategies.columns import BarColumns
from botcore.strategies.features import FeatureSpec
from botcore.strategies.layout import (
    BAR_WIDTH,
    BARS_HELD,
    CLOSE,
    DECIDED,
    DECISION,
    FREE,
    HELD,
    WEIGHT,
)
from botcore.strategies.signal import ColumnRule

_SIZE = DECISION.size
_ROW = np.dtype([("ts", "=i8"), ("said", "=f8", (DECIDED,))])
_read = DECISION.unpack_from


class Sweep:
    """A strategy's decisions on consecutive bars, whatever it holds meanwhile.

    Args:
        rule: the strategy's `decide_over`; `params`: its parameters.
        features: what the rule reads, and `states`: theirs before the first bar; not changed.
        memory: the memory row before the first bar; not changed.
        bars: the first of them that is swept is the one at the index `first`.

    Raises:
        ValueError: what the rule returned has another shape than it should.
        Exception: whatever the rule raised.

    Attributes:
        at: index of the next bar.
    """

    __slots__ = (
        "_bars",
        "_columns",
        "_ends",
        "_features",
        "_first",
        "_free",
        "_memory",
        "_params",
        "_rule",
        "_said",
        "_states",
        "_weights",
        "at",
    )

    def __init__(
        self,
        rule: ColumnRule,
        params: FloatRow,
        *,
        features: Sequence[FeatureSpec],
        states: Sequence[list[float]],
        memory: list[float],
        bars: BarColumns,
        first: int,
    ) -> None:
        self._rule = rule
        self._params = params
        self._features = features
        self._memory = memory[:]
        self._bars = bars
        self._first = first
        self.at = first
        values = [column[first:] for column in bars.columns]
        self._states = [state[:] for state in states]
        self._columns = self._swept(self._states, values) + values
        self._said: dict[float, bytes] = {}
        left = self._find(memory[HELD])
        self._weights = left[:, WEIGHT]
        self._free = tuple(left[:, DECIDED:].T)
        self._ends: dict[float, list[int]] = {}

    def begins_at(self, bars: BarColumns, at: int) -> bool:
        """Whether its next bar is the one at an index of these bars."""
        return self._bars is bars and self.at == at

    def is_next(self, close: float) -> bool:
        """Whether its next bar has this close; False behind the last one."""
        closes = self._bars.close
        return self.at < len(closes) and closes[self.at] == close

    def quiet(self, rest: float, most: int) -> int:
        """Count the bars from the next one on with the weight `rest`, up to `most`."""
        ends = self._ends.get(rest)
        if ends is None:
            ends = (np.flatnonzero(self._weights != rest) + self._first).tolist()
            ends.append(self._first + len(self._weights))
            self._ends[rest] = ends
        return min(most, ends[bisect_left(ends, self.at)] - self.at)

    def said(self, count: int, held: float) -> memoryview:
        """Return the decisions on the next `count` bars, rows of `DECISION`.

        `held` is the sign of the position on all of them.
        """
        begin = (self.at - self._first) * _SIZE
        return memoryview(self._rows(held))[begin : begin + count * _SIZE]

    def take(self, count: int, held: float, memory: list[float]) -> float:
        """Take `count` bars, at least one, and return the weight of the last of them.

        `held` is as in `said`; `memory` becomes what it is after that bar.
        """
        self.at += count
        if held != memory[HELD]:
            memory[HELD] = held
            memory[BARS_HELD] = -1.0  # 0 on the first bar
        memory[BARS_HELD] += count
        return self.recall(memory)

    def pass_over(self, count: int, held: float, memory: list[float]) -> None:
        """Take `count` bars, as `take`; of the memory only who holds what is kept current.

        `recall` brings the rest of it up to date.
        """
        self.at += count
        if held != memory[HELD]:
            memory[HELD] = held
            memory[BARS_HELD] = -1.0
        memory[BARS_HELD] += count

    def recall(self, memory: list[float]) -> float:
        """Bring the memory to the last bar that was taken, and return its weight; NaN before it."""
        last = self.at - self._first - 1
        if last < 0:
            return nan
        rows = self._rows(memory[HELD])
        _, code, first, second, third, fourth, weight = _read(rows, last * _SIZE)
        memory[:WEIGHT] = (code, first, second, third, fourth)
        for place, column in enumerate(self._free, FREE):
            memory[place] = column.item(last)
        return float(weight)

    def leave(self, states: Sequence[list[float]], row: list[float], memory: list[float]) -> None:
        """Bring features' states, the row that `decide` reads and memory to the last bar taken."""
        taken = self.at - self._first
        if not taken:
            return
        self.recall(memory)
        columns = self._columns
        if taken == len(columns[CLOSE]):
            for own, state in zip(states, self._states, strict=True):
                own[:] = state
        else:
            self._swept(states, [column[:taken] for column in columns[-BAR_WIDTH:]])
        row[:] = [float(column[taken - 1]) for column in columns]

    def _swept(
        self, states: Sequence[list[float]], bars: Sequence[FloatColumn]
    ) -> list[FloatColumn]:
        """Step the features over bars, and return their outputs in columns."""
        columns: list[FloatColumn] = []
        picked = {pick: bars[pick].tolist() for each in self._features for pick in each.picks}
        for each, state in zip(self._features, states, strict=True):
            columns.extend(run(each.spec, state, [picked[pick] for pick in each.picks]).T)
        return columns

    def _rows(self, held: float) -> bytes:
        rows = self._said.get(held)
        if rows is None:
            self._find(held)
            rows = self._said[held]
        return rows

    def _find(self, held: float) -> FloatColumn:
        """Ask the rule, and keep what it says of each bar with that position."""
        memory = self._memory
        memory[HELD] = held
        left = self._rule(self._columns, memory, self._params)
        if left.shape != (len(self._columns[CLOSE]), DECIDED + len(memory) - FREE):
            raise ValueError(f"decide_over returned an array of shape {left.shape}")
        rows = np.empty(len(left), _ROW)
        rows["ts"] = self._bars.ts_close[self._first :]
        rows["said"] = left[:, :DECIDED]
        self._said[held] = rows.tobytes()
        return left
