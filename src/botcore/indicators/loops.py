"""The loop of a step over columns: bar by bar, or many bars of a window at once.

A window's step works in blocks of `period` bars: a block that fills, and the tails of the block
before it. What it does within a block is a running sum or extreme, so whole blocks are rows of a
table and are taken together, with the operations of the step in the order of the step.
"""

from collections.abc import Callable, Sequence
from math import nan

import numpy as np

from botcore.indicators.row import FloatColumn, FloatTable

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
        step, state, columns, width: as `stepped`.
        rule: is given the state as a wrap leaves it and each column as a table whose rows are
            consecutive blocks; leaves the state after them, and returns each output as such a
            table.
        ring: where the ring begins; ``state[0]`` is the next slot of it.
        period: its length.

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


def tails_before(first: Sequence[float], tails: FloatTable) -> FloatTable:
    """Return for each block the tails of the one before it, without the longest.

    Args:
        first: the tails before the first block, from the longest on.
        tails: of each block, from the longest on.
    """
    before = np.empty((len(tails), tails.shape[1] - 1))
    before[0] = first[1:]
    before[1:] = tails[:-1, 1:]
    return before


def ends_before(first: float, blocks: FloatTable) -> FloatColumn:
    """Return for each block the last value of the one before it, in a column of one."""
    found = np.empty((len(blocks), 1))
    found[0] = first
    found[1:, 0] = blocks[:-1, -1]
    return found


def running_sums(offsets: FloatTable) -> FloatTable:
    """Return the sums of each row up to each place, added up one after the other from 0."""
    sums: FloatTable = np.add.accumulate(offsets + 0.0, axis=1)  # 0 + −0 is 0, as from 0
    return sums


def tail_sums(offsets: FloatTable) -> FloatTable:
    """Return the sums of each row from each place on, added up from the end."""
    return running_sums(offsets[:, ::-1])[:, ::-1]
