"""Which files of Binance hold a span of time: whole months, then days, then the route."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS, InstrumentId
from botcore.venues.live.binance.archive_layout import Archive, Recent, listing, plan

BTC = listing(InstrumentId("BTCUSDT.BINANCE"), MINUTE_NS)


def _ns(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND_NS


def _names(start: str, end: str, now: str) -> list[str]:
    pieces = plan(BTC, _ns(start), _ns(end), _ns(now))
    return [piece.name if isinstance(piece, Archive) else "route" for piece in pieces]


def test_a_whole_month_is_one_file() -> None:
    (month,) = plan(BTC, _ns("2022-01-01"), _ns("2022-02-01"), _ns("2022-03-01"))

    assert isinstance(month, Archive)
    assert month.path == "data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2022-01.zip"
    assert (month.start_ns, month.end_ns) == (_ns("2022-01-01"), _ns("2022-02-01"))
    assert [day.path for day in month.days[:1]] == [
        "data/spot/daily/klines/BTCUSDT/1m/BTCUSDT-1m-2022-01-01.zip"
    ]
    assert len(month.days) == 31


def test_parts_of_months_are_days_and_today_is_on_the_route() -> None:
    names = _names("2021-12-30", "2022-03-03 12:00", "2022-03-02 07:00")

    assert names == [
        "BTCUSDT-1m-2021-12-30.zip",
        "BTCUSDT-1m-2021-12-31.zip",
        "BTCUSDT-1m-2022-01.zip",
        "BTCUSDT-1m-2022-02.zip",
        "BTCUSDT-1m-2022-03-01.zip",
        "route",
    ]


def test_a_month_that_is_not_over_is_days_also_when_it_is_wanted_whole() -> None:
    names = _names("2022-02-01", "2022-03-01", "2022-02-03 00:00")

    assert names == ["BTCUSDT-1m-2022-02-01.zip", "BTCUSDT-1m-2022-02-02.zip"]


def test_part_of_a_day_that_is_over_is_its_file() -> None:
    assert _names("2022-01-05 10:00", "2022-01-05 11:00", "2023-01-01") == [
        "BTCUSDT-1m-2022-01-05.zip"
    ]


def test_the_future_is_nowhere() -> None:
    assert plan(BTC, _ns("2030-01-01"), _ns("2030-02-01"), _ns("2022-01-01")) == ()
    assert plan(BTC, _ns("2022-01-02"), _ns("2022-01-01"), _ns("2023-01-01")) == ()


def test_e101_february_of_a_leap_year_has_its_29_days() -> None:
    (month,) = plan(BTC, _ns("2024-02-01"), _ns("2024-03-01"), _ns("2025-01-01"))

    assert isinstance(month, Archive)
    assert month.days[-1].name == "BTCUSDT-1m-2024-02-29.zip"


INSTANTS = st.integers(_ns("2017-08-17") // MINUTE_NS, _ns("2026-01-01") // MINUTE_NS)


@given(INSTANTS, st.integers(0, 500 * 1_440), INSTANTS)
def test_pieces_touch_cover_what_is_wanted_and_never_reach_into_the_future(
    start: int, length: int, now: int
) -> None:
    start_ns, end_ns, now_ns = start * MINUTE_NS, (start + length) * MINUTE_NS, now * MINUTE_NS

    pieces = plan(BTC, start_ns, end_ns, now_ns)

    if min(end_ns, now_ns) <= start_ns:
        assert pieces == ()
        return
    assert pieces[0].start_ns <= start_ns < pieces[0].start_ns + 31 * DAY_NS
    assert pieces[-1].end_ns >= min(end_ns, now_ns)
    assert all(a.end_ns == b.start_ns for a, b in pairwise(pieces))
    assert all(piece.end_ns <= now_ns for piece in pieces)
    assert sum(isinstance(piece, Recent) for piece in pieces) <= 1
    for piece in pieces:
        if isinstance(piece, Archive) and piece.days:
            assert (piece.days[0].start_ns, piece.days[-1].end_ns) == (piece.start_ns, piece.end_ns)


def test_futures_have_folders_and_names_of_their_own() -> None:
    perpetual = listing(InstrumentId("BTCUSDT-PERP.BINANCE"), 60 * MINUTE_NS)
    dated = listing(InstrumentId("BTCUSDT-20261225.BINANCE"), MINUTE_NS)
    (piece,) = plan(perpetual, _ns("2022-01-01"), _ns("2022-01-02"), _ns("2022-03-01"))

    assert isinstance(piece, Archive)
    assert piece.path == "data/futures/um/daily/klines/BTCUSDT/1h/BTCUSDT-1h-2022-01-01.zip"
    assert (dated.symbol, dated.market) == ("BTCUSDT_261225", "futures/um")


@pytest.mark.parametrize(
    ("instrument", "step_ns", "code"),
    [
        ("BTCUSDT.KRAKEN", MINUTE_NS, "HISTORY_OF_ANOTHER_VENUE"),
        ("BTCUSDT.BINANCE", 7 * MINUTE_NS, "INTERVAL_UNKNOWN"),
        ("BTCUSDT.BINANCE", 7 * DAY_NS, "TIMEFRAME_NOT_FETCHED"),
        ("btc", MINUTE_NS, "INSTRUMENT_MALFORMED"),
    ],
)
def test_what_the_archives_do_not_have_is_refused(instrument: str, step_ns: int, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        listing(InstrumentId(instrument), step_ns)

    assert refused.value.code == code
