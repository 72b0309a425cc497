"""The view that the library's rules keep: long or flat, changed by decisive evidence only.

A rule in the manner of O. Schmitt's trigger ("A thermionic trigger", Journal of Scientific
Instruments, 1938): evidence beyond the no-trade band decides, evidence inside it keeps the view.
The view is that of the last decisive bar, so two histories that both contain one agree from there
on, however long they are.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.layout import CODE, DECIDED, HELD, NO_VIEW, OPERANDS, WEIGHT

VIEW: Final = 8
"""Where a rule keeps its view: the first slot of its free memory."""
UNDECIDED: Final = -1.0
FLAT: Final = 0.0
LONG: Final = 1.0
BPS: Final = 10_000.0

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
    before, held = memory[VIEW], memory[HELD]
    is_long, is_flat = gap > band, gap < -band
    if before == UNDECIDED:  # the first view needs no band
        first = int(np.argmax((gap > 0.0) | (gap < 0.0)))
        is_long[first] = gap[first] > 0.0
        is_flat[first] = gap[first] < 0.0
    is_decisive = is_long | is_flat
    # Every bar has the view of the last decisive one up to it, and of the memory before the first.
    last = np.maximum.accumulate(np.where(is_decisive, np.arange(len(gap)), 0))
    sides = np.where(is_long, LONG, FLAT)
    if not is_decisive[0]:
        sides[0] = before
    views = sides[last]
    codes = np.where(
        views == LONG, STAY_LONG if held > 0.0 else ENTER, EXIT if held != 0.0 else STAY_FLAT
    )
    codes[~is_decisive] += STILL_ENTER - ENTER  # the codes of what is kept: in the same order
    is_undecided = views == UNDECIDED
    codes[is_undecided] = NO_VIEW_YET
    left = np.zeros((len(gap), DECIDED + 1))
    left[:, CODE] = codes
    left[:, OPERANDS] = np.where((codes >= EXIT) & (codes <= STAY_FLAT), -gap_bps, gap_bps)
    left[:, OPERANDS + 1 : OPERANDS + 1 + len(quoted)] = quoted
    left[:, WEIGHT] = np.where(is_undecided, NO_VIEW, views)
    left[:, DECIDED] = views
    return left
