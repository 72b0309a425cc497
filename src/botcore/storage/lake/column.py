"""One column of a file: numbers, instants, or text that does not matter."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

EXACT_MOST: Final = 2**53
"""Whole numbers above it do not fit into a float; stamps in nanoseconds do not."""
_PROBED: Final = 64
"""Cells of a column that say what it is."""


class Instants(msgspec.Struct, frozen=True, eq=False):
    """Instants of a column.

    Attributes:
        shown: int64 nanoseconds, as the clock that wrote them showed, or UTC where `has_zone`; 0
            where unreadable.
        has_zone: they are UTC, because the file says their zone.
        is_mixed: some say their zone and some do not.
    """

    shown: NDArray[np.int64]
    has_zone: bool
    is_mixed: bool = False


class Column(msgspec.Struct, frozen=True, eq=False, kw_only=True):
    """One column; one of other text has none of these.

    Attributes:
        numbers: float64; NaN where there is none.
        whole: the same as int64, where floats cannot hold them.
        typed: instants that the file types as such.
        texts: dates and times as they are written.
    """

    numbers: NDArray[np.float64] | None = None
    whole: NDArray[np.int64] | None = None
    typed: Instants | None = None
    texts: NDArray[np.str_] | None = None

    @property
    def has_stamps(self) -> bool:
        """Whether it may be a column of stamps."""
        return self.numbers is not None or self.typed is not None or self.texts is not None

    def exact(self) -> NDArray[np.int64] | None:
        """Return whole numbers, rounded to nearest; 0 where there is none."""
        if self.whole is not None or self.numbers is None:
            return self.whole
        readable = np.abs(self.numbers) <= EXACT_MOST  # false for NaN
        return np.rint(np.where(readable, self.numbers, 0)).astype(np.int64)

    def instants(self) -> Instants | None:
        """Return dates and times as instants; None where it has none."""
        if self.texts is None:
            return self.typed
        read = [_instant(text) for text in self.texts.tolist()]
        shown = np.fromiter((each[0] if each else 0 for each in read), np.int64, len(read))
        zoned = {has_zone for _, has_zone in filter(None, read)}
        return Instants(shown, zoned == {True}, len(zoned) > 1)


def of_cells(cells: Sequence[Any]) -> Column:
    """Make a column of cells of text, or of what json holds, by what its first cells are."""
    probe = [cell for cell in cells[:_PROBED] if cell not in (None, "")]
    numeric = sum(is_number(cell) for cell in probe)
    if 2 * numeric >= len(probe):
        return _of_numbers(cells)
    dates = sum(_instant(str(cell)) is not None for cell in probe)
    if 2 * dates >= len(probe):
        return Column(texts=np.array(["" if c is None else str(c) for c in cells]))
    return Column()


def stacked(parts: Sequence[Column]) -> Column:
    """Put the parts of a column one under the other; parts of different kinds are text."""
    if len(parts) == 1:
        return parts[0]
    texts = [part.texts for part in parts if part.texts is not None]
    if len(texts) == len(parts):
        return Column(texts=np.concatenate(texts))
    numbers = [part.numbers for part in parts if part.numbers is not None]
    if len(numbers) < len(parts):
        return Column()
    whole = None
    if any(part.whole is not None for part in parts):
        whole = np.concatenate([w for part in parts if (w := part.exact()) is not None])
    return Column(numbers=np.concatenate(numbers), whole=whole)


def is_number(cell: object) -> bool:
    """Whether a cell is a number; NaN, as text too, is none."""
    return not np.isnan(_number(cell))


def is_instant(cell: str) -> bool:
    """Whether a cell is a date or a time."""
    return _instant(cell) is not None


def _of_numbers(cells: Sequence[Any]) -> Column:
    if bool in set(map(type, cells)):  # json's true is no price of 1
        cells = [None if isinstance(cell, bool) else cell for cell in cells]
    try:
        numbers = np.array(cells, dtype=np.float64)  # of numbers, text of numbers, and None
    except (ValueError, TypeError):
        numbers = np.fromiter(map(_number, cells), np.float64, len(cells))
    if np.nanmax(np.abs(numbers), initial=0) <= EXACT_MOST:
        return Column(numbers=numbers)
    return Column(numbers=numbers, whole=np.fromiter(map(_whole, cells), np.int64, len(cells)))


def _number(cell: object) -> float:
    try:
        return float(str(cell))
    except (ValueError, TypeError):
        return float("nan")


def _whole(cell: object) -> int:
    """Return a whole number that 64 bits hold, else 0."""
    try:
        number = int(str(cell))
    except (ValueError, TypeError, OverflowError):
        return 0
    return number if abs(number) < 2**63 else 0


def _instant(text: str) -> tuple[int, bool] | None:
    """Read an ISO date or time to the microsecond, and whether it says its zone."""
    bare = text.strip()
    has_zone = bare.endswith(" UTC")
    try:
        moment = datetime.fromisoformat(bare.removesuffix(" UTC"))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    else:
        has_zone = True
    return round(moment.timestamp() * 1e6) * 1_000, has_zone
