"""Bad rows are set aside with their reason; the rest are candles, ascending."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS
from botcore.marketdata.validation import RawCandles, Reason, Validated, validate

BTC = InstrumentId("BTCUSDT.BINANCE")
START = 1_640_995_200_000_000_000  # 2022-01-01
LATER = START + 10_000 * MINUTE_NS
GOOD = (100.0, 101.0, 99.0, 100.5, 7.0)


def raw(
    rows: Sequence[tuple[int, tuple[float, ...]]], closes: list[int] | None = None
) -> RawCandles:
    """Rows of (minute after the start, open, high, low, close, volume)."""
    values = np.array([row for _, row in rows], float).reshape(-1, len(FIELDS))
    return RawCandles(
        ts_open=np.array([START + minute * MINUTE_NS for minute, _ in rows], np.int64),
        columns={name: values[:, place] for place, name in enumerate(FIELDS)},
        ts_close=None if closes is None else np.array(closes, np.int64),
    )


def checked(rows: RawCandles, now: int = LATER, tick: str | None = None) -> Validated:
    step = None if tick is None else Decimal(tick)
    return validate(rows, instrument=BTC, step_ns=MINUTE_NS, now=now, tick=step)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((float("nan"), 101, 99, 100, 7), Reason.MISSING_VALUE),
        ((100, 101, 99, 100, float("inf")), Reason.MISSING_VALUE),
        ((0, 101, 0, 100, 7), Reason.PRICE_NOT_POSITIVE),
        ((-1, 101, -1, 100, 7), Reason.PRICE_NOT_POSITIVE),
        ((100, 99, 101, 100, 7), Reason.HIGH_BELOW_LOW),
        ((102, 101, 99, 100, 7), Reason.OUTSIDE_RANGE),
        ((100, 101, 99, 98, 7), Reason.OUTSIDE_RANGE),
        ((100, 101, 99, 100, -1), Reason.VOLUME_NEGATIVE),
    ],
)
def test_a_bad_row_is_set_aside_with_its_reason(row: tuple[float, ...], reason: Reason) -> None:
    found = checked(raw([(0, GOOD), (1, row), (2, GOOD)]))

    assert found.bad == {1: reason}
    assert found.candles.ts_open.tolist() == [START, START + 2 * MINUTE_NS]


def test_a_row_between_two_candles_is_off_the_grid() -> None:
    rows = raw([(0, GOOD), (1, GOOD), (2, GOOD)])
    rows.ts_open[1] += 1_000_000_000

    assert checked(rows).bad == {1: Reason.OFF_GRID}


def test_a_stamp_of_another_unit_or_of_the_future_is_out_of_range() -> None:
    rows = raw([(0, GOOD), (1, GOOD), (20_000, GOOD), (3, GOOD)])
    rows.ts_open[1] //= 1_000

    assert checked(rows).bad == {1: Reason.STAMP_OUT_OF_RANGE, 2: Reason.STAMP_OUT_OF_RANGE}


def test_a_repeated_row_is_dropped_and_counted() -> None:
    found = checked(raw([(0, GOOD), (1, GOOD), (1, GOOD), (2, GOOD)]))

    assert (len(found.candles), found.duplicates, found.bad) == (3, 1, {})


def test_repeats_with_other_values_are_all_set_aside_because_none_is_known_to_be_right() -> None:
    other = (100.0, 101.5, 99.0, 100.5, 7.0)

    found = checked(raw([(0, GOOD), (1, GOOD), (2, GOOD), (1, other)]))

    assert found.bad == {1: Reason.STAMP_REPEATED, 3: Reason.STAMP_REPEATED}
    assert len(found.candles) == 2


def test_unsorted_rows_are_put_in_their_place_and_counted() -> None:
    found = checked(raw([(2, GOOD), (0, GOOD), (1, GOOD), (3, GOOD)]))

    assert found.candles.ts_open.tolist() == [START + i * MINUTE_NS for i in range(4)]
    assert found.unsorted == 2


def test_e12_the_last_candle_is_dropped_while_it_is_still_forming() -> None:
    rows = raw([(0, GOOD), (1, GOOD), (2, GOOD)])

    found = checked(rows, now=START + 2 * MINUTE_NS + MINUTE_NS // 2)

    assert (len(found.candles), found.unfinished, found.bad) == (2, 1, {})


def test_e12_the_last_candle_is_dropped_where_its_close_time_is_too_soon() -> None:
    ends = [
        START + MINUTE_NS - 1,
        START + 2 * MINUTE_NS - 1,
        START + 2 * MINUTE_NS + MINUTE_NS // 2,
    ]

    found = checked(raw([(0, GOOD), (1, GOOD), (2, GOOD)], closes=ends))

    assert (len(found.candles), found.unfinished) == (2, 1)


def test_few_prices_off_the_tick_are_set_aside() -> None:
    rows = [(i, GOOD) for i in range(300)]
    rows[7] = (7, (100.0, 101.0, 99.0, 100.503, 7.0))

    found = checked(raw(rows), tick="0.01")

    assert (found.bad, found.is_off_tick) == ({7: Reason.OFF_TICK}, False)


def test_e104_many_prices_off_the_tick_show_that_it_was_another_one_then() -> None:
    rows = [(i, (100.0, 101.0, 99.0, 100.5 + (i % 3) / 1_000, 7.0)) for i in range(300)]

    found = checked(raw(rows), tick="0.01")

    assert (found.bad, found.is_off_tick, len(found.candles)) == ({}, True, 300)


def test_prices_that_floats_cannot_hold_exactly_are_on_their_tick() -> None:
    prices = [3782.13 + i * 0.01 for i in range(500)]  # sums that are a little off

    rows = raw([(i, (p, p, p, p, 1.0)) for i, p in enumerate(prices)])

    assert checked(rows, tick="0.01").bad == {}


rows_of_any_kind = st.lists(
    st.tuples(
        st.integers(0, 30),
        st.tuples(*(st.sampled_from([float("nan"), -1.0, 0.0, 1.0, 2.0, 3.0]) for _ in FIELDS)),
    ),
    max_size=40,
)


@given(rows_of_any_kind)
def test_every_row_is_a_candle_or_dropped_or_set_aside(
    rows: list[tuple[int, tuple[float, ...]]],
) -> None:
    found = checked(raw(rows))

    assert len(found.candles) + found.duplicates + found.unfinished + len(found.bad) == len(rows)
    assert (np.diff(found.candles.ts_open) > 0).all()
    for opened, high, low, close, volume in zip(
        *(found.candles.columns[name] for name in FIELDS), strict=True
    ):
        assert 0 < low <= min(opened, close) <= max(opened, close) <= high
        assert volume >= 0
