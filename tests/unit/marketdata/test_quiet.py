"""A missing minute is a flat bar only where the venue is shown to have been up."""

import numpy as np
import pytest

from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.quiet import with_quiet_bars


def minutes(*numbers: int) -> Candles:
    """Candles whose close is their number, open at those minutes."""
    ts = np.array(numbers, dtype=np.int64) * MINUTE_NS
    columns = {name: np.array(numbers, dtype=np.float64) for name in FIELDS}
    return Candles(InstrumentId("SOLUSDT.BINANCE"), MINUTE_NS, ts, columns)


def stamps(*numbers: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(numbers, dtype=np.int64) * MINUTE_NS


def test_e13_a_minute_that_others_have_becomes_a_flat_bar_without_volume() -> None:
    filled, added = with_quiet_bars(minutes(1, 2, 4), stamps(1, 2, 3, 4, 3))

    assert added == 1
    assert filled.ts_open.tolist() == stamps(1, 2, 3, 4).tolist()
    assert [filled.columns[name][2] for name in FIELDS] == [2.0, 2.0, 2.0, 2.0, 0.0]


def test_e13_a_minute_that_nobody_has_stays_a_hole() -> None:
    candles = minutes(1, 2, 5)

    filled, added = with_quiet_bars(candles, stamps(1, 2, 5))

    assert added == 0
    assert filled is candles


def test_e13_nothing_is_invented_before_the_first_bar_or_after_the_last() -> None:
    filled, added = with_quiet_bars(minutes(3, 4), stamps(1, 2, 3, 4, 5, 6))

    assert (len(filled), added) == (2, 0)


@pytest.mark.parametrize("up", [stamps(), stamps(9)])
def test_no_bars_stay_no_bars(up: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    assert len(with_quiet_bars(minutes(), up)[0]) == 0
