"""The array form of an indicator: literally the loop of its step."""

from collections.abc import Sequence
from math import nan

import numpy as np
from numpy.typing import NDArray

from botcore.indicators.spec import IndicatorSpec

Column = Sequence[float] | NDArray[np.float64]


def over(
    spec: IndicatorSpec, /, *columns: Column, **parameters: int | float | str
) -> NDArray[np.float64]:
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
    state = spec.initial(**parameters)
    lists = _finite_columns(spec, columns)
    n_bars, width, step = len(lists[0]), len(spec.outputs), spec.step
    out = [nan] * (n_bars * width)
    for at, inputs in zip(range(0, n_bars * width, width), zip(*lists, strict=True), strict=True):
        step(state, out, at, *inputs)
    values = np.array(out, dtype=np.float64)
    return values if width == 1 else values.reshape(n_bars, width)


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
