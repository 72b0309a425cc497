"""The array form of an indicator: the loop of its step, or what is equal to it to the bit."""

from collections.abc import Sequence

import numpy as np

from botcore.indicators.loops import stepped
from botcore.indicators.row import FloatColumn, FloatTable
from botcore.indicators.spec import IndicatorSpec

Column = Sequence[float] | FloatColumn


def over(
    spec: IndicatorSpec, /, *columns: Column, **parameters: int | float | str
) -> FloatColumn | FloatTable:
    """Run an indicator over columns of bars, equal to the bit to streaming them.

    Args:
        spec: The indicator.
        *columns: One column for each of ``spec.inputs``, shape ``(n,)``, oldest first, without a
            gap: a value at index t uses the indexes up to t only.
        **parameters: The indicator's parameters; what is absent has its default.

    Returns:
        Shape ``(n,)`` for one output, ``(n, n_outputs)`` for several; NaN before
        ``spec.first_valid(**parameters)`` and nowhere else.

    Raises:
        ValueError: A parameter is out of range, or a column is missing, of another length than
            the first, not one-dimensional or not finite.
    """
    values = run(spec, spec.initial(**parameters), _finite_columns(spec, columns))
    return values[:, 0] if len(spec.outputs) == 1 else values


def run(spec: IndicatorSpec, state: list[float], columns: Sequence[Sequence[float]]) -> FloatTable:
    """Step an indicator over bars that were checked at the door.

    Args:
        spec: The indicator.
        state: Its state before the first bar; left as it is after the last one.
        columns: One for each of ``spec.inputs``, at least one, of n finite floats each.

    Returns:
        Shape ``(n, n_outputs)``.
    """
    width = len(spec.outputs)
    if spec.loop is None:
        return stepped(spec.step, state, columns, width=width)
    with np.errstate(all="ignore"):  # as the arithmetic of single floats
        return spec.loop(state, *columns).reshape(len(columns[0]), width)


def _finite_columns(spec: IndicatorSpec, columns: Sequence[Column]) -> list[list[float]]:
    if len(columns) != len(spec.inputs):
        raise ValueError(f"{spec.name} takes {', '.join(spec.inputs)}: got {len(columns)} columns")
    arrays = [np.asarray(column, dtype=np.float64) for column in columns]
    for source, array in zip(spec.inputs, arrays, strict=True):
        if array.ndim != 1:
            raise ValueError(f"{source} has {array.ndim} dimensions instead of 1")
        if len(array) != len(arrays[0]):
            raise ValueError(f"{source} has {len(array)} bars instead of {len(arrays[0])}")
        bad = np.flatnonzero(~np.isfinite(array))
        if bad.size:
            raise ValueError(f"{source} is {array[bad[0]]} at bar {bad[0]}: cut gaps before")
    return [array.tolist() for array in arrays]
