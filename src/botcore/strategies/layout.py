"""Where things stand in the two rows that `decide` is given: the row of features and the memory.

Both rows are flat rows of floats, so the same text of `decide` runs on lists in the engine and on
arrays under numba. The row holds the features' outputs from index 0 in declared order, and the bar
at its end: negative indexes reach it however many features there are.
"""

import math
from struct import Struct
from typing import Final

OPEN: Final = -5
HIGH: Final = -4
LOW: Final = -3
CLOSE: Final = -2
VOLUME: Final = -1
BAR_WIDTH: Final = 5
BAR: Final = slice(-BAR_WIDTH, None)
SOURCES: Final = ("open", "high", "low", "close", "volume")
"""Names of the bar's values, in the order they stand at the end of the row."""

CODE: Final = 0
"""Why: index into the strategy's `reasons`. `decide` writes it on every path."""
OPERANDS: Final = 1
"""First of four numbers that the sentence of `CODE` quotes."""
OPERANDS_MAX: Final = 4
HELD: Final = 5
"""Sign of the strategy's position with its working orders: +1, 0 or -1. Written by the engine."""
BARS_HELD: Final = 6
"""Bars since `HELD` last changed, 0 on the first bar that sees the change; huge if it never did."""
WARM: Final = 7
"""1 while history is fed: what `decide` returns is dropped, what it remembers stays."""
FREE: Final = 8
"""First slot of the strategy's own memory."""

WEIGHT: Final = CODE + 1 + OPERANDS_MAX
"""Where the weight stands in what `decide_over` returns, behind code and operands."""
DECIDED: Final = WEIGHT + 1
"""How wide that is without the free memory, which follows."""

DECISION: Final = Struct("=q6d")
"""One decision in bytes: stamp of the bar, code, four operands, weight (NaN is "no view")."""

WARMING_UP: Final = 0.0
"""Code 0 of every strategy: features are not valid yet; operand 0 is the bars still to come."""
UNSAID: Final = -1.0
"""What `CODE` holds before `decide` has spoken."""
NEVER: Final = 1e9
"""`BARS_HELD` of a position that never changed."""
NO_VIEW: Final = math.nan
"""What `decide` returns when it has no view: the position stays as it is."""
