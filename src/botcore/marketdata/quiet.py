"""Missing minutes: nobody traded, or nobody recorded. Only the first makes a bar (trap E13)."""

import numpy as np
from numpy.typing import NDArray

from botcore.marketdata.candles import FIELDS, Candles


def with_quiet_bars(candles: Candles, venue_up: NDArray[np.int64]) -> tuple[Candles, int]:
    """Add a flat bar where one is missing and the venue is shown to have been up.

    The bar has the close before it as all its prices, and no volume. Where nothing shows that the
    venue was up the hole stays.

    Args:
        candles: ascending.
        venue_up: stamps of other instruments' bars of the same venue and timeframe, nanoseconds,
            in any order.

    Returns:
        The candles, and how many bars were added.
    """
    opens = candles.ts_open
    if not len(opens):
        return candles, 0
    inside = venue_up[(venue_up > opens[0]) & (venue_up < opens[-1])]
    is_missing = opens[np.searchsorted(opens, inside)] != inside
    if not is_missing.any():
        return candles, 0
    missing = np.unique(inside[is_missing])
    at = np.searchsorted(opens, missing)
    before = candles.columns["close"][at - 1]
    columns = {
        name: np.insert(
            candles.columns[name], at, np.zeros(len(at)) if name == "volume" else before
        )
        for name in FIELDS
    }
    filled = Candles(candles.instrument, candles.step_ns, np.insert(opens, at, missing), columns)
    return filled, len(missing)
