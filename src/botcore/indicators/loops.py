"""The loop of a step over columns: bar by bar, or many bars of a window at once.

A window's step works in blocks of `period` bars: a block that fills, and the tails of the block
before it. What it does within a block is a running sum or extreme, so whole blocks are rows of a
table and are taken together, with the operations of the step in the order of the step.
"""

from collections.abc import Callable, Sequence
from math import nan

import numpy as np

from botcore.indicators.row import FloatTable

BlockRule = Callable[..., tuple[FloatTable, ...]]
"""``rule(state, *tables)``: see `in_blocks`."""


def stepped(
    step: Callable[..., None],
    state: list[float],
    columns: Sequence[Sequence[float]],
    *,
    width: int = 1,
) -> FloatTable:
    """Step over n bars.

    Args:
        step: an indicator's; see `IndicatorSpec`.
        state: before the first bar; left as it is after the last one.
        columns: one for each input, at least one, of n floats each.
        width: how many outputs the step writes.

    Returns:
        Shape ``(n, width)``.
    """
    n_bars = len(columns[0])
    out = [nan] * (n_bars * width)
    places = range(0, n_bars * width, width)
    if len(columns) == 1:  # by far the most take the close alone
        for at, value in zip(places, columns[0], strict=True):
            step(state, out, at, value)
    else:
        for at, inputs in zip(places, zip(*columns, strict=True), strict=True):
            step(state, out, at, *inputs)
    return np.array(out, dtype=np.float64).reshape(n_bars, width)


def in_blocks(
    step: Callable[..., None],
    rule: BlockRule,
    state: list[float],
    columns: Sequence[Sequence[float]],
    *,
    ring: int,
    period: int,
    width: int = 1,
) -> FloatTable:
    """Loop a window's step over n bars: whole blocks by `rule`, what is left of them by the step.

    Args:
        step: an indicator's; see `IndicatorSpec`.
        rule: is given the state as a wrap leaves it and each column as a table whose rows are
            consecutive blocks; leaves the state after them, and returns each output as such a
            table.
        state: before the first bar; left as it is after the last one.
        columns: one for each input, at least one, of n floats each.
        ring: where the ring begins; ``state[0]`` is the next slot of it.
        period: its length.
        width: how many outputs the step writes.

    Returns:
        Shape ``(n, width)``.
    """
    n_bars = len(columns[0])
    begin = min(n_bars, (ring - int(state[0])) % period)
    end = n_bars - (n_bars - begin) % period
    if begin == end:
        return stepped(step, state, columns, width=width)
    out = np.empty((n_bars, width))
    out[:begin] = stepped(step, state, [each[:begin] for each in columns], width=width)
    blocks = [np.array(each[begin:end]).reshape(-1, period) for each in columns]
    for place, table in enumerate(rule(state, *blocks)):
        out[begin:end, place] = table.reshape(-1)
    out[end:] = stepped(step, state, [each[end:] for each in columns], width=width)
    return out


def bases(first: float, blocks: FloatTable) -> FloatTable:
    """Return what values are taken relative to: the last value of the block before, then the own.

    Args:
        first: the last value before the first block.
        blocks: the values.
    """
    found = np.empty_like(blocks)
    found[0, :-1] = first
    found[1:, :-1] = blocks[:-1, -1:]
    found[:, -1] = blocks[:, -1]
    return found


def window_sums(
    offsets: FloatTable, closing: FloatTable, first: Sequence[float]
) -> tuple[FloatTable, list[float]]:
    """Return the sum of the window at each place of blocks, and the tails of the last block.

    Args:
        offsets: what is added while a block fills; the last of each is not.
        closing: what its tails are added up from, each from its end on.
        first: the tails before the first block, the longest first.
    """
    # 0 is added as the first sums begin with it: it takes the sign from a zero.
    tails = np.add.accumulate(closing[:, ::-1] + 0.0, axis=1)[:, ::-1]
    sums = np.add.accumulate(offsets + 0.0, axis=1)
    sums[0, :-1] += first[1:]
    sums[1:, :-1] += tails[:-1, 1:]
    sums[:, -1] = tails[:, 0]
    return sums, tails[-1].tolist()


def window_extreme(
    extreme: np.ufunc, blocks: FloatTable, first: Sequence[float]
) -> tuple[FloatTable, list[float]]:
    """Return the extreme of the window at each place of blocks, and the tails of the last block.

    Args:
        extreme: `numpy.maximum` or `numpy.minimum`.
        blocks: the values, none of them zero.
        first: the tails before the first block, the longest first; NaN wins.
    """
    tails = extreme.accumulate(blocks[:, ::-1], axis=1)[:, ::-1]
    found = extreme.accumulate(blocks, axis=1)
    found[0, :-1] = extreme(found[0, :-1], first[1:])
    found[1:, :-1] = extreme(found[1:, :-1], tails[:-1, 1:])
    return found, tails[-1].tolist()


def exponential(value: float, k: float, column: Sequence[float]) -> tuple[float, list[float]]:
    """Return the last of the exponential averages over a column, and all of them.

    Args:
        value: the average before the first bar.
        k: weight of a new value.
        column: the values.
    """
    found = [value := (x - value) * k + value for x in column]
    return value, found


def wilder(value: float, period: float, column: Sequence[float]) -> tuple[float, list[float]]:
    """Return the last of Wilder's averages over a column, and all of them.

    Args:
        value: the average before the first bar.
        period: of the average, in bars.
        column: the values.
    """
    kept = period - 1.0
    found = [value := (value * kept + x) / period for x in column]
    return value, found
