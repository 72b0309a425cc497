"""The one shape that steps read and write: a mutable row of floats."""

from typing import Protocol


class FloatRow(Protocol):
    """A mutable, indexable row of floats.

    In the engine it is a `list[float]`, under numba or in array form a one-dimensional float64
    array: the same step text runs on both and gives the same bits.
    """

    def __getitem__(self, index: int, /) -> float: ...

    def __setitem__(self, index: int, value: float, /) -> None: ...
