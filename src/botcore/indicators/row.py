"""The shapes of numbers: the row of floats that steps read and write, and columns of them."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

FloatColumn = NDArray[np.float64]
"""Float64, shape ``(n,)``."""

FloatTable = NDArray[np.float64]
"""Float64, shape ``(n, width)``."""


class FloatRow(Protocol):
    """A mutable, indexable row of floats.

    In the engine it is a `list[float]`, under numba or in array form a one-dimensional float64
    array: the same step text runs on both and gives the same bits.
    """

    def __getitem__(self, index: int, /) -> float: ...

    def __setitem__(self, index: int, value: float, /) -> None: ...
