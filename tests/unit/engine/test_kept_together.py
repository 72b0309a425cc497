"""Points and decisions kept many at once: as one by one, and bounded in the same way."""

from itertools import pairwise

import numpy as np
import pytest

from botcore.engine import DecisionLog, EquityCurve
from botcore.strategies import DECISION


def a_row(number: int) -> list[float]:
    return [float(number % 7), float(number), 0.5, -1.0, float("inf")]


def packed(low: int, high: int) -> bytes:
    return b"".join(DECISION.pack(n, *a_row(n), n / 3.0) for n in range(low, high))


@pytest.mark.parametrize("cuts", [(0, 50), (0, 1, 50), (0, 17, 18, 18, 50)])
def test_decisions_kept_together_are_those_kept_one_by_one(cuts: tuple[int, ...]) -> None:
    together, one_by_one = DecisionLog(None), DecisionLog(None)
    for number in range(50):
        one_by_one.add(number, a_row(number), number / 3.0)

    for low, high in pairwise(cuts):
        together.extend(packed(low, high))

    assert list(together) == list(one_by_one)
    assert len(together) == 50


@pytest.mark.parametrize("at_once", [1, 3, 10, 11, 20, 21, 1_000])
def test_a_bounded_log_keeps_its_newest_decisions_however_many_come_at_once(at_once: int) -> None:
    log = DecisionLog(10)

    for low in range(0, 1_000, at_once):
        high = min(low + at_once, 1_000)
        log.extend(packed(low, high))
        assert min(10, high) <= len(log) <= 20
        assert [row.ts for row in log] == list(range(high - len(log), high))


def test_a_log_that_was_extended_goes_on_one_by_one() -> None:
    log = DecisionLog(None)

    log.extend(packed(0, 5))
    log.add(5, a_row(5), 5 / 3.0)

    assert [row.ts for row in log] == [0, 1, 2, 3, 4, 5]
    assert log.row(4).operands == (4.0, 0.5, -1.0, float("inf"))


@pytest.mark.parametrize("cuts", [(0, 50), (0, 1, 50), (0, 17, 18, 18, 50)])
def test_points_kept_together_are_those_kept_one_by_one(cuts: tuple[int, ...]) -> None:
    together, one_by_one = EquityCurve(), EquityCurve()
    stamps = np.arange(50, dtype=np.int64) * 60_000_000_000 + 2**60
    equity = (10_000.0 + np.sin(np.arange(50))).tolist()
    for ts, value in zip(stamps.tolist(), equity, strict=True):
        one_by_one.add(ts, value)

    for low, high in pairwise(cuts):
        together.extend(stamps[low:high], equity[low:high])

    assert together.stamps == one_by_one.stamps
    assert together.equity.tobytes() == one_by_one.equity.tobytes()


@pytest.mark.parametrize("at_once", [1, 3, 10, 11, 20, 21, 1_000])
def test_a_bounded_curve_keeps_its_newest_points_however_many_come_at_once(at_once: int) -> None:
    curve = EquityCurve(10)

    for low in range(0, 1_000, at_once):
        high = min(low + at_once, 1_000)
        curve.extend(np.arange(low, high, dtype=np.int64), [float(n) for n in range(low, high)])
        assert min(10, high) <= len(curve) <= 20
        assert curve.stamps.tolist() == list(range(high - len(curve), high))
        assert curve.equity.tolist() == curve.stamps.tolist()


def test_stamps_of_every_second_bar_are_kept_as_they_are() -> None:
    curve = EquityCurve()

    curve.extend(np.arange(10, dtype=np.int64)[::2], [0.0, 2.0, 4.0, 6.0, 8.0])

    assert curve.stamps.tolist() == [0, 2, 4, 6, 8]
