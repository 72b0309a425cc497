"""Columns into longer candles: boundaries of the calendar, missing parts, the unfinished end."""

from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.resampling import (
    MONTH_NS,
    bucket_open,
    resample,
    resample_months,
)

BTC = InstrumentId("BTCUSDT.BINANCE")
HOUR_NS = 60 * MINUTE_NS
WEEK_NS = 7 * DAY_NS


def stamp(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


def opens(result: Candles) -> list[str]:
    return [str(ts.astype("datetime64[ns]").astype("datetime64[m]")) for ts in result.ts_open]


def candles(start: str, step_ns: int, n: int, *, without: tuple[int, ...] = ()) -> Candles:
    index = np.array([i for i in range(n) if i not in without], dtype=np.int64)
    close: NDArray[np.float64] = 100.0 + index.astype(np.float64)
    values = (close - 0.5, close + 2.0, close - 3.0, close, close - 99.0)
    columns = dict(zip(FIELDS, values, strict=True))
    return Candles(BTC, step_ns, stamp(start) + index * step_ns, columns)


def test_five_minutes_become_one_candle() -> None:
    minutes = candles("2024-01-31T23:55", MINUTE_NS, 10)

    result = resample(minutes, 5 * MINUTE_NS)

    assert opens(result.candles) == ["2024-01-31T23:55", "2024-02-01T00:00"]
    assert [values.tolist() for values in result.candles.columns.values()] == [
        [99.5, 104.5],
        [106.0, 111.0],
        [97.0, 102.0],
        [104.0, 109.0],
        [15.0, 40.0],
    ]
    assert result.missing.tolist() == [0, 0]
    assert (result.candles.step_ns, result.candles.instrument) == (5 * MINUTE_NS, BTC)


def test_missing_parts_are_counted_and_an_empty_bucket_has_no_candle() -> None:
    minutes = candles("2024-03-01T00:00", MINUTE_NS, 20, without=(0, 3, *range(5, 10), 14))

    result = resample(minutes, 5 * MINUTE_NS)

    assert opens(result.candles) == ["2024-03-01T00:00", "2024-03-01T00:10", "2024-03-01T00:15"]
    assert result.missing.tolist() == [2, 1, 0]
    assert result.candles.columns["open"].tolist() == [100.5, 109.5, 114.5]


@pytest.mark.parametrize(("n", "kept"), [(9, 1), (10, 2), (4, 0), (0, 0), (11, 2)])
def test_e12_the_unfinished_last_candle_is_dropped(n: int, kept: int) -> None:
    result = resample(candles("2024-03-01T00:00", MINUTE_NS, n), 5 * MINUTE_NS)

    assert len(result.candles) == len(result.missing) == len(result.ts_close) == kept
    assert set(result.candles.columns) == set(FIELDS)


def test_e12_a_last_candle_without_its_last_part_is_dropped_however_much_of_it_is_there() -> None:
    result = resample(candles("2024-03-01T00:00", MINUTE_NS, 10, without=(9,)), 5 * MINUTE_NS)

    assert opens(result.candles) == ["2024-03-01T00:00"]


def test_the_same_step_changes_nothing() -> None:
    minutes = candles("2024-03-01T00:00", MINUTE_NS, 7, without=(3,))

    result = resample(minutes, MINUTE_NS)

    assert result.candles.ts_open.tolist() == minutes.ts_open.tolist()
    assert all((result.candles.columns[name] == minutes.columns[name]).all() for name in FIELDS)


def test_e101_a_day_begins_at_midnight_utc_through_changes_of_the_clock() -> None:
    # Central Europe moved its clocks on 2024-03-31, the United States on 2024-03-10.
    hours = candles("2024-03-08T00:00", HOUR_NS, 25 * 24)

    days = resample(hours, DAY_NS)

    assert opens(days.candles) == [f"2024-03-{day:02}T00:00" for day in range(8, 32)] + [
        "2024-04-01T00:00"
    ]
    assert set(days.missing.tolist()) == {0}


def test_e101_a_week_begins_on_monday() -> None:
    days = candles("2024-02-26T00:00", DAY_NS, 21)  # a Monday; the week holds 29 February

    weeks = resample(days, WEEK_NS)

    assert opens(weeks.candles) == ["2024-02-26T00:00", "2024-03-04T00:00", "2024-03-11T00:00"]
    assert {datetime.fromtimestamp(ts / 1e9, UTC).weekday() for ts in weeks.candles.ts_open} == {0}


def test_e101_a_month_is_as_long_as_the_calendar_has_it() -> None:
    days = candles("2023-12-15T00:00", DAY_NS, 17 + 31 + 29 + 31 + 10)

    months = resample_months(days)

    assert opens(months.candles) == [
        "2023-12-01T00:00",
        "2024-01-01T00:00",
        "2024-02-01T00:00",
        "2024-03-01T00:00",
    ]
    assert months.ts_close.tolist() == [stamp(f"2024-{month:02}-01T00:00") for month in range(1, 5)]
    assert months.missing.tolist() == [14, 0, 0, 0]
    february = slice(17 + 31, 17 + 31 + 29)
    assert months.candles.columns["volume"][2] == days.columns["volume"][february].sum()
    assert months.candles.step_ns == MONTH_NS


def test_e103_the_step_of_months_never_shows_one_before_its_end() -> None:
    months = resample_months(candles("2023-01-01T00:00", DAY_NS, 730))

    assert (months.candles.ts_open + months.candles.step_ns >= months.ts_close).all()


@pytest.mark.parametrize("step_ns", [MINUTE_NS, 5 * MINUTE_NS, HOUR_NS, DAY_NS, WEEK_NS])
def test_a_bucket_holds_its_instant(step_ns: int) -> None:
    for ts in (0, 1, stamp("2024-02-29T23:59"), stamp("1969-12-31T23:59")):
        start = bucket_open(ts, step_ns)

        assert start <= ts < start + step_ns
        assert bucket_open(start, step_ns) == start
        assert bucket_open(start - 1, step_ns) == start - step_ns


@pytest.mark.parametrize(
    ("step_ns", "code"),
    [
        (7 * MINUTE_NS, "TIMEFRAME_OFF_THE_DAY"),
        (36 * HOUR_NS, "TIMEFRAME_OFF_THE_DAY"),
        (0, "TIMEFRAME_OFF_THE_DAY"),
        (-DAY_NS, "TIMEFRAME_OFF_THE_DAY"),
        (3 * MINUTE_NS, "TIMEFRAME_NOT_A_MULTIPLE"),
        (MINUTE_NS, "TIMEFRAME_NOT_A_MULTIPLE"),
    ],
)
def test_a_step_that_does_not_fit_is_refused(step_ns: int, code: str) -> None:
    twos = candles("2024-03-01T00:00", 2 * MINUTE_NS, 10)

    with pytest.raises(ConfigError) as refused:
        resample(twos, step_ns)

    assert refused.value.code == code


def test_months_of_weeks_are_refused() -> None:
    with pytest.raises(ConfigError, match="months cannot be made of bars of 604800 s"):
        resample_months(candles("2024-01-01T00:00", WEEK_NS, 10))


@pytest.mark.parametrize(
    ("offsets", "code"),
    [
        ([0, 1, 1, 2], "CANDLES_OUT_OF_ORDER"),
        ([0, 2, 1, 3], "CANDLES_OUT_OF_ORDER"),
        ([0, 1, 1.5, 3], "CANDLES_OUT_OF_ORDER"),
        ([0.5, 1.5, 2.5], "CANDLES_OFF_GRID"),
        ([0, 1, 2, 4.5, 6.5], "CANDLES_OFF_GRID"),
    ],
)
def test_stamps_that_are_no_timeframe_are_refused(offsets: list[float], code: str) -> None:
    whole = candles("2024-03-01T00:00", MINUTE_NS, len(offsets))
    moved = whole.ts_open[0] + (np.array(offsets) * MINUTE_NS).astype(np.int64)

    for join in (lambda c: resample(c, 5 * MINUTE_NS), resample_months):
        with pytest.raises(DataError) as refused:
            join(Candles(BTC, MINUTE_NS, moved, whole.columns))

        assert refused.value.code == code
