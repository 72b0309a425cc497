"""The view that the library's rules keep: long or flat, changed by decisive evidence only.

A rule in the manner of O. Schmitt's trigger ("A thermionic trigger", Journal of Scientific
Instruments, 1938): evidence beyond the no-trade band decides, evidence inside it keeps the view.
The view is that of the last decisive bar, so two histories that both contain one agree from there
on, however long they are.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.layout import CODE, DECIDED, HELD, NO_VIEW, OPERANDS, WEIGHT

VIEW: Final = 8
"""Where a rule keeps its view: the first slot of its free memory."""
UNDECIDED: Final = -1.0
FLAT: Final = 0.0
LONG: Final = 1.0
BPS: Final = 10_000.0

Flags = NDArray[np.bool_]
"""One yes or no for each bar, shape ``(n,)``."""

# Reason codes that all these rules share; what follows them is a rule's own.
ENTER: Final = 1.0
STAY_LONG: Final = 2.0
EXIT: Final = 3.0
STAY_FLAT: Final = 4.0
STILL_ENTER: Final = 5.0
KEEP_LONG: Final = 6.0
STILL_EXIT: Final = 7.0
KEEP_FLAT: Final = 8.0
NO_VIEW_YET: Final = 9.0


def sided(view: float, gap: float, band: float) -> float:
    """Return the view after a bar on which the evidence is `gap`: long above, flat below.

    The first view needs no band: there is nothing yet whose change would cost.

    Args:
        view: before the bar: `UNDECIDED`, `FLAT` or `LONG`.
        gap: evidence, positive for long, in any unit.
        band: in the unit of `gap`, not negative; inside ``±band`` the view stays.
    """
    if view == UNDECIDED:
        band = 0.0
    if gap > band:
        return LONG
    if gap < -band:
        return FLAT
    return view


def verdict(view: float, decisive: bool, held: float) -> float:
    """Return the shared reason code of a view that is not `UNDECIDED`.

    Args:
        view: after the bar.
        decisive: whether this bar's evidence alone would have given it.
        held: sign of the position with its working orders.
    """
    if view == LONG:
        if held > 0.0:
            return STAY_LONG if decisive else KEEP_LONG
        return ENTER if decisive else STILL_ENTER
    if held != 0.0:
        return EXIT if decisive else STILL_EXIT
    return STAY_FLAT if decisive else KEEP_FLAT


def conclude(memory: FloatRow, gap: float, band: float) -> float:
    """Note the view after a bar and its shared reason code, and return the view.

    As `sided` and `verdict` one after the other, for rules whose evidence is one signed number.

    Args:
        memory: the rule's own.
        gap: evidence, positive for long, in any unit.
        band: in the unit of `gap`, not negative; inside ``±band`` the view stays.
    """
    before = memory[VIEW]
    if gap > band or (before == UNDECIDED and gap > 0.0):
        memory[VIEW] = LONG
        memory[CODE] = STAY_LONG if memory[HELD] > 0.0 else ENTER
        return LONG
    if gap < -band or (before == UNDECIDED and gap < 0.0):
        memory[VIEW] = FLAT
        memory[CODE] = EXIT if memory[HELD] != 0.0 else STAY_FLAT
        return FLAT
    memory[CODE] = NO_VIEW_YET if before == UNDECIDED else verdict(before, False, memory[HELD])
    return before


def sides_over(gap: FloatColumn, band: FloatColumn | float, before: float) -> tuple[Flags, Flags]:
    """Return on which of n bars `sided` finds evidence for long, and on which for flat.

    Args:
        gap: evidence on each bar, shape ``(n,)``.
        band: one for each bar, or one for all.
        before: the view before the first bar.
    """
    is_long, is_flat = gap > band, gap < -band
    if before == UNDECIDED and len(gap):  # the first view needs no band
        first = int(np.argmax((gap > 0.0) | (gap < 0.0)))
        is_long[first] = gap[first] > 0.0
        is_flat[first] = gap[first] < 0.0
    return is_long, is_flat


def views_over(is_long: Flags, is_flat: Flags, before: float) -> FloatColumn:
    """Return the view after each of n bars: that of the last one that decided.

    Args:
        is_long: which bars decide for long, whatever `is_flat` says of them.
        is_flat: which ones decide for flat.
        before: the view before the first bar.
    """
    is_decisive = is_long | is_flat
    last = np.maximum.accumulate(np.where(is_decisive, np.arange(len(is_long)), 0))
    sides = np.where(is_long, LONG, FLAT)
    if not is_decisive[:1].all():
        sides[0] = before
    views: FloatColumn = sides[last]
    return views


def verdicts_over(views: FloatColumn, is_decisive: Flags, held: float) -> FloatColumn:
    """Return `verdict` after each of n bars, and `NO_VIEW_YET` where there is no view."""
    codes = np.where(
        views == LONG, STAY_LONG if held > 0.0 else ENTER, EXIT if held != 0.0 else STAY_FLAT
    )
    codes[~is_decisive] += STILL_ENTER - ENTER  # the codes of what is kept: in the same order
    codes[views == UNDECIDED] = NO_VIEW_YET
    return codes


def left_over(
    codes: FloatColumn,
    operands: Sequence[FloatColumn | float],
    views: FloatColumn,
    *remembered: FloatColumn,
) -> FloatTable:
    """Return what a rule leaves that wants its view: see `SignalStrategy.decide_over`.

    Args:
        codes: of the reasons, shape ``(n,)``.
        operands: up to four, each for all bars or a column; those that are absent are 0.
        views: after each bar.
        remembered: the columns of its free memory.
    """
    left = np.zeros((len(codes), DECIDED + len(remembered)))
    left[:, CODE] = codes
    for place, operand in enumerate(operands, OPERANDS):
        left[:, place] = operand
    left[:, WEIGHT] = np.where(views == UNDECIDED, NO_VIEW, views)
    for place, column in enumerate(remembered, DECIDED):
        left[:, place] = column
    return left


def conclude_over(
    memory: FloatRow,
    gap: FloatColumn,
    band: FloatColumn | float,
    *,
    gap_bps: FloatColumn,
    quoted: Sequence[float],
) -> FloatTable:
    """Return what a rule leaves after each of n bars that has `conclude` bar by bar.

    Such a rule quotes how far its evidence is on the side of a decisive view, or signed where the
    view was only kept, and then its parameters.

    Args:
        memory: the rule's own before the first bar; not changed.
        gap: evidence on each bar, shape ``(n,)``.
        band: one for each bar, or one for all.
        gap_bps: the evidence as it is quoted, shape ``(n,)``.
        quoted: the operands that follow it.
    """
    is_long, is_flat = sides_over(gap, band, memory[VIEW])
    views = views_over(is_long, is_flat, memory[VIEW])
    codes = verdicts_over(views, is_long | is_flat, memory[HELD])
    is_below = (codes >= EXIT) & (codes <= STAY_FLAT)
    return left_over(codes, (np.where(is_below, -gap_bps, gap_bps), *quoted), views, views)
