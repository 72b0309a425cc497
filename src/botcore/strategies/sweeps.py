"""What a strategy with a rule in columns says about consecutive bars, found for all at once.

Features and rule see the past only, so what they say about a bar is the same whether or not the
bars behind it are known. A sweep is a cache in memory of what stepping would find, equal to the
bit; nothing of it is stored.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import nan

import numpy as np

from botcore.indicators import FloatColumn, FloatRow, FloatTable, run
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
    """A strategy's decisions on consecutive bars, for each position that `find` was asked about.

    Args:
        rule: the strategy's `decide_over`; `params`: its parameters.
        features: what the rule reads, and `states`: theirs before the first bar; not changed.
        memory: the memory row before the first bar; not changed.
        bars: the first of them that is swept is the one at the index `first`.

    Attributes:
        at: index of the next bar.
    """

    __slots__ = (
        "_bars",
        "_changes",
        "_columns",
        "_features",
        "_first",
        "_free",
        "_left",
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
        for column in self._columns:
            column.flags.writeable = False  # they are views: a rule must not change the tape
        self._said: dict[float, bytes] = {}
        self._left: FloatTable | None = None
        self._free: tuple[FloatColumn, ...] = ()
        self._weights: FloatColumn = values[0]
        self._changes: list[int] = []

    def find(self, held: float) -> None:
        """Find what the rule says of each bar with a position of that sign, unless it is known.

        Raises:
            ValueError: the shape is not the one it should have, or weights or free memory are not
                those with another position.
            Exception: whatever the rule raised.
        """
        if held in self._said:
            return
        left = self._asked(self._columns, held)
        if self._left is None:
            self._take_up(left)
        elif left[:, WEIGHT:].tobytes() != self._left[:, WEIGHT:].tobytes():
            raise ValueError("what decide_over wants or remembers depends on what is held")
        rows = np.empty(len(left), _ROW)
        rows["ts"] = self._bars.ts_close[self._first :]
        rows["said"] = left[:, :DECIDED]
        self._said[held] = rows.tobytes()

    def check_past_only(self, held: float) -> None:
        """Refuse a rule that says something else of a bar when later bars are known.

        Args:
            held: a position that `find` was asked about.

        Raises:
            ValueError: it does.
            Exception: whatever the rule raised.
        """
        half = (len(self) + 1) // 2
        early = self._asked([column[:half] for column in self._columns], held)
        known = np.frombuffer(self._said[held], _ROW)["said"][:half]
        if early[:, :DECIDED].tobytes() != known.tobytes():
            raise ValueError("decide_over sees later bars")

    def __len__(self) -> int:
        """How many bars are swept."""
        return len(self._columns[CLOSE])

    def begins_at(self, bars: BarColumns, at: int) -> bool:
        """Whether its next bar is the one at an index of these bars."""
        return self._bars is bars and self.at == at

    def is_next(self, close: float) -> bool:
        """Whether there is a next bar, with this close: who feeds bars answers for the rest."""
        closes = self._bars.close
        return self.at < len(closes) and closes[self.at] == close

    def quiet(self, rest: float, most: int) -> int:
        """Count the bars from the next one on with the weight `rest`, up to `most`."""
        begin = self.at - self._first
        if begin == len(self._weights) or self._weights[begin] != rest:
            return 0
        return min(most, self._changes[bisect_right(self._changes, begin)] - begin)

    def said(self, count: int, held: float) -> memoryview:
        """Return the decisions on the next `count` bars, rows of `DECISION`.

        `held` is the sign of the position on all of them.
        """
        begin = (self.at - self._first) * _SIZE
        return memoryview(self._said[held])[begin : begin + count * _SIZE]

    def take(self, held: float, memory: list[float]) -> float:
        """Take the next bar: bring the memory to it, and return its weight."""
        self.pass_over(1, held, memory)
        return self.recall(memory)

    def pass_over(self, count: int, held: float, memory: list[float]) -> None:
        """Take `count` bars; of the memory only who holds what is kept current.

        `held` is as in `said`. `recall` brings the rest of the memory up to date.
        """
        self.at += count
        if held != memory[HELD]:
            memory[HELD] = held
            memory[BARS_HELD] = -1.0  # 0 on the first bar
        memory[BARS_HELD] += count

    def recall(self, memory: list[float]) -> float:
        """Bring the memory to the last bar that was taken, and return its weight; NaN before it."""
        last = self.at - self._first - 1
        if last < 0:
            return nan
        rows = self._said[memory[HELD]]
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
        if taken == len(self):
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

    def _asked(self, columns: Sequence[FloatColumn], held: float) -> FloatTable:
        memory = self._memory[:]
        memory[HELD] = held
        left = self._rule(columns, memory, self._params)
        if left.shape != (len(columns[CLOSE]), DECIDED + len(memory) - FREE):
            raise ValueError(f"decide_over returned an array of shape {left.shape}")
        return left

    def _take_up(self, left: FloatTable) -> None:
        """Keep what does not depend on the position."""
        self._left = left
        self._free = tuple(left[:, DECIDED:].T)
        self._weights = weights = left[:, WEIGHT]
        self._changes = (np.flatnonzero(weights[1:] != weights[:-1]) + 1).tolist()
        self._changes.append(len(weights))
