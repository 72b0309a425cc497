"""The door of the room: what passes, what is refused with which reason, and what is only odd."""

from __future__ import annotations

import inspect
from decimal import Decimal
from math import inf, nan
from typing import Any

import pytest
from tests.support.builders import an_instrument
from tests.unit.marketdata.ticks import (
    BTC,
    ETH,
    NOW,
    a_delta,
    a_minute,
    a_processor,
    a_quote,
    a_snapshot,
    a_trade,
)

from botcore.domain.errors import ConfigError
from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId, Nanos
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BarOpened, BarsClosed, BarSpec, PriceSource
from botcore.kernel import ManualClock
from botcore.marketdata.anomalies import AnomalyKind
from botcore.marketdata.processor import MarketDataProcessor, Processed, ProcessorConfig
from botcore.marketdata.quarantine import Quarantined, RefusalReason
from botcore.marketdata.staleness import Health


def _reason(judged: Processed | Quarantined) -> RefusalReason:
    assert isinstance(judged, Quarantined), judged
    assert judged.cause
    return judged.reason


def _kinds(judged: Processed | Quarantined) -> list[AnomalyKind]:
    assert isinstance(judged, Processed), judged
    return [finding.kind for finding in judged.findings]


@pytest.mark.requirement("IF MarketDataProcessor")
def test_the_contract_s_entrances_take_symbols_and_data() -> None:
    def positional(function: Any) -> list[str]:
        kinds = inspect.signature(function).parameters.values()
        return [p.name for p in kinds if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "self"]

    processor = MarketDataProcessor(clock=ManualClock(NOW))

    taken = processor.subscribe(["BTCUSDT.BINANCE"])
    good, bad = processor.process_data(a_trade()), processor.process_data(a_trade(nan))

    assert taken == (BTC,)
    assert isinstance(good, Processed)
    assert isinstance(bad, Quarantined)
    assert positional(MarketDataProcessor.subscribe) == ["symbols"]
    assert positional(MarketDataProcessor.process_data) == ["data"]


@pytest.mark.parametrize(
    "datum", [a_trade(), a_quote(), a_minute(), a_snapshot(), a_delta()], ids=type
)
def test_what_is_possible_and_new_passes_unchanged(datum: Any) -> None:
    processor = a_processor()

    judged = processor.process_data(datum)

    assert judged == Processed(datum)
    assert processor.quarantine.total == 0


@pytest.mark.parametrize("price", [nan, inf, -inf, 0.0, -0.0, -1.0])
@pytest.mark.parametrize(
    "made",
    [
        a_trade,
        lambda price: a_quote(price, 100.0),
        lambda price: a_quote(1.0, price),
        lambda price: a_minute(open=price),
        lambda price: a_minute(high=price),
        lambda price: a_minute(low=price),
        a_minute,
        lambda price: a_snapshot(bids=((price, 1.0),)),
        lambda price: a_snapshot(asks=((price, 1.0),)),
        lambda price: a_delta(bids=((price, 1.0),)),
        lambda price: a_delta(asks=((price, 0.0),)),
    ],
    ids=lambda each: "",
)
def test_a_price_that_is_not_finite_or_not_above_0_is_refused(made: Any, price: float) -> None:
    datum = made(price)

    judged = a_processor().process_data(datum)

    assert _reason(judged) is RefusalReason.PRICE_INVALID
    assert isinstance(judged, Quarantined)
    assert judged.datum is datum
    assert judged.instrument == BTC


@pytest.mark.parametrize("quantity", [nan, inf, -1e-9])
@pytest.mark.parametrize(
    "made",
    [
        lambda quantity: a_trade(quantity=quantity),
        lambda quantity: a_quote(bid_quantity=quantity),
        lambda quantity: a_quote(ask_quantity=quantity),
        lambda quantity: a_minute(volume=quantity),
        lambda quantity: a_snapshot(bids=((1.0, quantity),)),
        lambda quantity: a_delta(asks=((1.0, quantity),)),
    ],
    ids=lambda each: "",
)
def test_a_negative_or_infinite_quantity_is_refused(made: Any, quantity: float) -> None:
    judged = a_processor().process_data(made(quantity))

    assert _reason(judged) is RefusalReason.QUANTITY_INVALID


def test_nothing_is_traded_by_a_print_of_0_nor_offered_by_a_snapshot_s_level_of_0() -> None:
    processor = a_processor()

    assert _reason(processor.process_data(a_trade(quantity=0.0))) is RefusalReason.QUANTITY_INVALID
    emptied = a_snapshot(bids=((99.5, 0.0),))
    assert _reason(processor.process_data(emptied)) is RefusalReason.QUANTITY_INVALID


def test_the_smallest_and_the_largest_numbers_do_not_break_it() -> None:
    processor = a_processor()

    for price in (5e-324, 1.7e308, 5e-324, 1e-320):
        assert isinstance(processor.process_data(a_quote(price, price)), Processed)
        assert isinstance(processor.process_data(a_trade(price)), Processed)


def test_e30_the_removal_of_a_level_passes_whether_it_was_there_or_not() -> None:
    processor = a_processor()

    judged = processor.process_data(a_delta(bids=((42.0, 0.0),), asks=((4_200.0, 0.0),)))

    assert isinstance(judged, Processed)


def test_an_empty_size_an_idle_bar_and_a_removed_level_are_legal() -> None:
    processor = a_processor()

    quote = processor.process_data(a_quote(bid_quantity=0.0))
    bar = processor.process_data(a_minute(volume=0.0))
    delta = processor.process_data(a_delta(bids=((99.5, 0.0),)))

    assert [type(each) for each in (quote, bar, delta)] == [Processed] * 3


@pytest.mark.parametrize(
    "fields",
    [
        {"high": 99.0, "low": 101.0},
        {"high": 99.9},
        {"low": 100.1},
        {"open": 101.0, "high": 100.5},
        {"open": 99.0, "low": 99.5},
        {"ts_open": NOW - 2 * MINUTE_NS},
        {"ts_open": NOW},
    ],
)
def test_a_bar_that_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    judged = a_processor().process_data(a_minute(100.0, **fields))

    assert _reason(judged) is RefusalReason.BAR_INCONSISTENT


def test_e26_a_bid_above_the_ask_is_refused_and_found_and_an_equal_one_is_legal() -> None:
    processor = a_processor()

    crossed = processor.process_data(a_quote(100.5, 100.0))
    locked = processor.process_data(a_quote(100.0, 100.0))
    asks = ((100.0, 1.0), (102.0, 1.0))
    book = processor.process_data(a_snapshot(bids=((101.0, 1.0),), asks=asks))
    locked_book = processor.process_data(a_snapshot(bids=((100.0, 1.0),), asks=((100.0, 1.0),)))

    assert _reason(crossed) is _reason(book) is RefusalReason.BOOK_CROSSED
    assert isinstance(locked, Processed)
    assert isinstance(locked_book, Processed)
    assert processor.finding_counts == {(BTC, AnomalyKind.BOOK_CROSSED): 2}


@pytest.mark.parametrize(
    "sides",
    [
        {"bids": ((99.0, 1.0), (99.5, 1.0))},
        {"bids": ((99.0, 1.0), (99.0, 1.0))},
        {"asks": ((101.0, 1.0), (100.0, 1.0))},
        {"asks": ((101.0, 1.0), (101.0, 1.0))},
    ],
)
def test_a_book_whose_levels_are_not_best_first_is_refused(sides: dict[str, Any]) -> None:
    judged = a_processor().process_data(a_snapshot(**sides))

    assert _reason(judged) is RefusalReason.BOOK_UNSORTED


def test_a_book_with_an_empty_side_is_legal() -> None:
    processor = a_processor()

    empty: list[dict[str, Any]] = [{"bids": ()}, {"asks": ()}, {"bids": (), "asks": ()}]
    for sides in empty:
        assert isinstance(processor.process_data(a_snapshot(**sides)), Processed)


def test_a_delta_whose_ids_run_backwards_is_refused() -> None:
    assert _reason(a_processor().process_data(a_delta(12, 11))) is RefusalReason.OUT_OF_ORDER


class TestTicks:
    """Prices are held against the tick where the rules of the instrument are known."""

    @pytest.fixture
    def processor(self) -> MarketDataProcessor:
        fine = an_instrument(id=BTC, tick=Decimal("0.01"), valid_to=Nanos(NOW))
        coarse = an_instrument(id=BTC, tick=Decimal("0.5"), version=2, valid_from=Nanos(NOW))
        return a_processor(instruments=InstrumentBook([fine, coarse]))

    @pytest.mark.parametrize(
        "datum",
        [
            a_trade(100.3),
            a_quote(100.3, 100.5),
            a_quote(100.0, 100.3),
            a_minute(100.3, ts_close=NOW + MINUTE_NS),
            a_snapshot(bids=((99.5, 1.0), (99.1, 1.0))),
            a_delta(asks=((100.3, 0.0),)),
        ],
        ids=type,
    )
    def test_a_price_off_the_tick_is_refused(
        self, processor: MarketDataProcessor, datum: Any
    ) -> None:
        judged = processor.process_data(datum, ts_init=NOW + MINUTE_NS)

        assert _reason(judged) is RefusalReason.PRICE_OFF_TICK

    def test_e98_the_tick_is_that_of_the_stamp(self, processor: MarketDataProcessor) -> None:
        before = processor.process_data(a_trade(100.3, ts=NOW - 1))
        after = processor.process_data(a_trade(100.3, ts=NOW))
        whole = processor.process_data(a_trade(100.5, ts=NOW))

        assert isinstance(before, Processed)
        assert _reason(after) is RefusalReason.PRICE_OFF_TICK
        assert isinstance(whole, Processed)

    def test_e104_older_data_takes_older_rules_also_after_newer_data(
        self, processor: MarketDataProcessor
    ) -> None:
        newer = processor.process_data(a_trade(100.5, ts=NOW))
        older = processor.process_data(a_quote(100.3, 100.4, ts=NOW - 1))

        assert isinstance(newer, Processed)
        assert isinstance(older, Processed)

    def test_an_average_of_prices_is_not_held_against_the_tick(
        self, processor: MarketDataProcessor
    ) -> None:
        mids = BarSpec(MINUTE_NS, PriceSource.MID)

        judged = processor.process_data(a_minute(100.003, spec=mids))

        assert isinstance(judged, Processed)

    def test_without_rules_any_price_is_on_the_tick(self, processor: MarketDataProcessor) -> None:
        judged = processor.process_data(a_trade(100.12345, instrument=ETH))

        assert isinstance(judged, Processed)

    def test_before_the_first_rules_any_price_is_on_the_tick(self) -> None:
        rules = an_instrument(id=BTC, tick=Decimal("0.5"), valid_from=Nanos(NOW))
        processor = a_processor(instruments=InstrumentBook([rules]))

        judged = processor.process_data(a_trade(100.12345, ts=NOW - 1))

        assert isinstance(judged, Processed)


class TestSubscribing:
    """Only what was asked for comes in."""

    def test_the_data_of_another_symbol_is_refused(self) -> None:
        processor = a_processor(symbols=[ETH])

        reasons = {
            _reason(processor.process_data(datum))
            for datum in (a_trade(), a_quote(), a_minute(), a_snapshot(), a_delta())
        }

        assert reasons == {RefusalReason.NOT_SUBSCRIBED}
        assert processor.quarantine.counts == {(BTC, RefusalReason.NOT_SUBSCRIBED): 5}

    def test_only_new_symbols_are_taken_and_one_name_is_one_symbol(self) -> None:
        processor = a_processor(symbols=())

        assert processor.subscribe("BTCUSDT.BINANCE") == (BTC,)
        assert processor.subscribe([BTC, ETH, ETH]) == (ETH,)
        assert processor.symbols == (BTC, ETH)

    def test_a_malformed_name_takes_none_of_them(self) -> None:
        processor = a_processor(symbols=())

        with pytest.raises(ConfigError) as refused:
            processor.subscribe([BTC, "btc/usdt"])

        assert refused.value.code == "INSTRUMENT_MALFORMED"
        assert processor.symbols == ()

    def test_symbols_have_a_bound(self) -> None:
        processor = a_processor(symbols=(), config=ProcessorConfig(symbols_max=1))

        with pytest.raises(ConfigError) as refused:
            processor.subscribe([BTC, ETH])

        assert refused.value.code == "SYMBOLS_TOO_MANY"
        assert processor.symbols == ()

    def test_what_is_unsubscribed_is_refused_and_begins_anew_later(self) -> None:
        processor = a_processor()
        processor.process_data(a_trade(ts=NOW), event_id=7)

        processor.unsubscribe([BTC])
        away = processor.process_data(a_trade(ts=NOW + 1), event_id=8)
        processor.subscribe([BTC])
        back = processor.process_data(a_trade(ts=NOW - 1), event_id=7)

        assert _reason(away) is RefusalReason.NOT_SUBSCRIBED
        assert isinstance(back, Processed)

    def test_what_is_no_market_data_is_refused(self) -> None:
        opened: Any = BarOpened(BTC, Nanos(NOW), 1.0)

        judged = a_processor().process_data(opened)

        assert _reason(judged) is RefusalReason.UNKNOWN_KIND
        assert isinstance(judged, Quarantined)
        assert judged.instrument is None


class TestOrder:
    """E62: each event once, and none that is older than what was seen."""

    @pytest.mark.parametrize("first", [7, "a1b2"])
    def test_e62_the_same_event_twice_counts_once(self, first: int | str) -> None:
        processor = a_processor()

        once = processor.process_data(a_trade(), event_id=first)
        again = processor.process_data(a_trade(), event_id=first)

        assert isinstance(once, Processed)
        assert _reason(again) is RefusalReason.DUPLICATE

    def test_e62_an_overlap_of_two_connections_is_told_as_duplicates(self) -> None:
        processor = a_processor()
        for identifier in range(100, 120):
            processor.process_data(a_quote(ts=NOW + identifier), event_id=identifier)

        again = [
            processor.process_data(a_quote(ts=NOW + identifier), event_id=identifier)
            for identifier in range(110, 120)
        ]

        assert {_reason(each) for each in again} == {RefusalReason.DUPLICATE}
        assert processor.quarantine.by_reason() == {RefusalReason.DUPLICATE: 10}

    def test_e62_a_refused_event_changes_nothing(self) -> None:
        processor = a_processor()
        processor.process_data(a_quote(ts=NOW), event_id=9)

        again = processor.process_data(a_quote(ts=NOW + 10), event_id=9)
        new = processor.process_data(a_quote(ts=NOW + 1), event_id=10)

        assert _reason(again) is RefusalReason.DUPLICATE
        assert isinstance(new, Processed)

    def test_e62_an_older_id_is_late_also_under_a_newer_stamp(self) -> None:
        processor = a_processor()
        processor.process_data(a_quote(ts=NOW), event_id=9)

        late = processor.process_data(a_quote(ts=NOW + 1), event_id=8)

        assert _reason(late) is RefusalReason.OUT_OF_ORDER

    @pytest.mark.parametrize(
        ("newer", "older"),
        [
            (a_trade(), a_trade(ts=NOW - 1)),
            (a_quote(), a_quote(ts=NOW - 1)),
            (a_delta(), a_delta(13, 14, ts=NOW - 1)),
            (a_snapshot(), a_snapshot(ts=NOW - 1)),
            (a_minute(), a_minute(ts_close=NOW - MINUTE_NS)),
        ],
        ids=type,
    )
    def test_e62_an_older_stamp_never_moves_the_state(self, newer: Any, older: Any) -> None:
        processor = a_processor()
        processor.process_data(newer)

        late = processor.process_data(older)

        assert _reason(late) is RefusalReason.OUT_OF_ORDER

    def test_events_of_one_instant_are_all_new(self) -> None:
        processor = a_processor()

        judged = [processor.process_data(a_trade(), event_id=each) for each in (1, 2, None)]

        assert [type(each) for each in judged] == [Processed] * 3

    def test_kinds_symbols_and_timeframes_have_each_their_own_order(self) -> None:
        processor = a_processor()
        processor.process_data(a_trade(), event_id=9)
        processor.process_data(a_minute(ts_close=NOW))

        quote = processor.process_data(a_quote(ts=NOW - 1), event_id=1)
        other = processor.process_data(a_trade(ts=NOW - 1, instrument=ETH), event_id=1)
        hour = 60 * MINUTE_NS
        longer = processor.process_data(a_minute(spec=BarSpec(hour), ts_open=NOW - hour))

        assert [type(each) for each in (quote, other, longer)] == [Processed] * 3

    def test_a_refused_event_leaves_no_trace_in_the_order(self) -> None:
        processor = a_processor()
        processor.process_data(a_trade(nan, ts=NOW + 5), event_id=50)
        processor.process_data(a_trade(ts=NOW + 60 * SECOND_NS), event_id=60)

        judged = processor.process_data(a_trade(ts=NOW), event_id=5)

        assert isinstance(judged, Processed)

    def test_the_same_bar_twice_counts_once(self) -> None:
        processor = a_processor()
        processor.process_data(a_minute(100.0))

        again = processor.process_data(a_minute(101.0))

        assert _reason(again) is RefusalReason.DUPLICATE

    def test_the_same_book_may_be_asked_for_again_to_resynchronise(self) -> None:
        processor = a_processor()
        processor.process_data(a_snapshot())

        assert isinstance(processor.process_data(a_snapshot()), Processed)

    def test_after_a_lost_connection_ids_may_begin_anew_and_stamps_may_not(self) -> None:
        processor = a_processor()
        processor.process_data(a_trade(), event_id=1_000)

        processor.connection_lost("BINANCE", ts_init=NOW)
        restarted = processor.process_data(a_trade(), event_id=1)
        older = processor.process_data(a_trade(ts=NOW - 1), event_id=2)

        assert isinstance(restarted, Processed)
        assert _reason(older) is RefusalReason.OUT_OF_ORDER


class TestStamps:
    """Clocks differ, and a little of that is believed."""

    def test_a_stamp_from_the_future_is_refused_and_moves_no_order(self) -> None:
        processor = a_processor()

        future = processor.process_data(a_trade(ts=NOW + 10 * SECOND_NS + 1))
        edge = processor.process_data(a_trade(ts=NOW + 10 * SECOND_NS))

        assert _reason(future) is RefusalReason.STAMP_IN_FUTURE
        assert isinstance(edge, Processed)

    def test_milliseconds_taken_for_nanoseconds_are_refused(self) -> None:
        processor = a_processor()
        early = NOW // 1_000_000

        trade = processor.process_data(a_trade(ts=early))
        bar = processor.process_data(a_minute(ts_close=MINUTE_NS))

        assert _reason(trade) is _reason(bar) is RefusalReason.STAMP_IMPLAUSIBLE

    def test_e12_a_bar_that_the_venue_calls_unfinished_is_refused(self) -> None:
        processor = a_processor()

        one = processor.process_data(a_minute(), is_closed=False)
        several = processor.process_data(BarsClosed(Nanos(NOW), (a_minute(),)), is_closed=False)

        assert _reason(one) is _reason(several) is RefusalReason.BAR_UNFINISHED
        assert processor.quarantine.counts == {(BTC, RefusalReason.BAR_UNFINISHED): 2}

    def test_e12_a_bar_that_closes_later_is_unfinished_whatever_the_venue_says(self) -> None:
        judged = a_processor().process_data(a_minute(ts_close=NOW + 30 * SECOND_NS))

        assert _reason(judged) is RefusalReason.BAR_UNFINISHED

    def test_e12_with_a_measured_clock_the_bound_of_a_close_is_tight(self) -> None:
        processor = a_processor()
        behind = 4 * SECOND_NS
        for step in range(40):  # the local clock is four seconds behind the venue's
            at = NOW + step * SECOND_NS
            processor.process_data(a_trade(ts=at + behind), ts_init=at)
        close = NOW + MINUTE_NS

        early = processor.process_data(a_minute(ts_close=close), ts_init=close - 7 * SECOND_NS)
        closed = processor.process_data(a_minute(ts_close=close), ts_init=close - behind)

        assert _reason(early) is RefusalReason.BAR_UNFINISHED
        assert isinstance(closed, Processed)

    def test_without_an_instant_of_receipt_the_clock_is_asked(self) -> None:
        clock = ManualClock(NOW)
        processor = a_processor(clock=clock)
        later = a_trade(ts=NOW + MINUTE_NS)

        before = processor.process_data(later)
        clock.advance(MINUTE_NS)
        after = processor.process_data(later)

        assert _reason(before) is RefusalReason.STAMP_IN_FUTURE
        assert isinstance(after, Processed)


class TestBarsClosed:
    """Several bars of one close come and are judged together, bar by bar."""

    def test_the_bad_ones_stay_out_and_the_good_ones_pass(self) -> None:
        good, bad = a_minute(instrument=ETH), a_minute(high=1.0)
        processor = a_processor()

        judged = processor.process_data(BarsClosed(Nanos(NOW), (bad, good)))

        assert isinstance(judged, Processed)
        assert judged.data == BarsClosed(Nanos(NOW), (good,))
        assert [each.datum for each in judged.refused] == [bad]
        assert processor.quarantine.total == 1

    def test_all_good_is_the_same_value(self) -> None:
        closed = BarsClosed(Nanos(NOW), (a_minute(), a_minute(instrument=ETH)))

        judged = a_processor().process_data(closed)

        assert isinstance(judged, Processed)
        assert judged.data is closed

    def test_all_bad_is_quarantined_and_each_bar_counted_once(self) -> None:
        closed = BarsClosed(Nanos(NOW), (a_minute(nan), a_minute(nan, instrument=ETH)))
        processor = a_processor()

        judged = processor.process_data(closed)

        assert _reason(judged) is RefusalReason.PRICE_INVALID
        assert isinstance(judged, Quarantined)
        assert judged.datum is closed
        assert processor.quarantine.total == 2

    def test_a_bar_of_another_close_does_not_belong(self) -> None:
        closed = BarsClosed(Nanos(NOW), (a_minute(ts_close=NOW - MINUTE_NS),))

        judged = a_processor().process_data(closed)

        assert _reason(judged) is RefusalReason.BAR_INCONSISTENT


class TestFindings:
    """What is odd passes, and says so."""

    def test_an_outlier_is_flagged_and_moves_the_price_all_the_same(self) -> None:
        processor = a_processor()
        for step in range(60):
            price = 100.0 + 0.1 * (step % 2)
            processor.process_data(
                a_minute(price, ts_close=NOW + step * MINUTE_NS), ts_init=2 * NOW
            )

        crash = processor.process_data(
            a_minute(82.0, ts_close=NOW + 60 * MINUTE_NS), ts_init=2 * NOW
        )
        after = processor.process_data(
            a_minute(82.1, ts_close=NOW + 61 * MINUTE_NS), ts_init=2 * NOW
        )

        assert _kinds(crash) == [AnomalyKind.RETURN_OUTLIER]
        assert isinstance(crash, Processed)
        assert crash.findings[0].value == pytest.approx(-0.19945, abs=1e-5)  # ln(82.0 / 100.1)
        assert "-18.08 %" in crash.findings[0].cause
        assert _kinds(after) == []
        assert processor.quarantine.total == 0

    def test_a_price_that_stands_still_while_others_move_is_found_once(self) -> None:
        processor = a_processor()
        found: list[tuple[int, AnomalyKind]] = []

        for second in range(300):
            at = NOW + second * SECOND_NS
            stuck = 100.0 + second if second < 20 else 119.0
            judged = processor.process_data(a_trade(stuck, ts=at), ts_init=at)
            found += [(second, kind) for kind in _kinds(judged)]
            moving = a_trade(100.0 + 0.01 * second, ts=at, instrument=ETH)
            assert _kinds(processor.process_data(moving, ts_init=at)) == []

        assert found == [(19 + 61, AnomalyKind.PRICE_STALE)]

    def test_in_a_market_that_stands_still_as_a_whole_nothing_is_found(self) -> None:
        processor = a_processor()

        for second in range(300):
            at = NOW + second * SECOND_NS
            for name in (BTC, ETH):
                price = 100.0 + min(second, 20)
                judged = processor.process_data(a_trade(price, ts=at, instrument=name), ts_init=at)
                assert _kinds(judged) == []

    def test_e72_a_local_clock_that_is_behind_is_measured_and_nothing_is_refused(self) -> None:
        processor = a_processor()
        kinds: list[AnomalyKind] = []

        for step in range(300):
            at = NOW + step * SECOND_NS
            jitter = (step * 7_919) % 11 * 1_000_000
            stamp = at + 1_270_000_000 - jitter
            kinds += _kinds(processor.process_data(a_trade(ts=stamp), ts_init=at))

        assert kinds == [AnomalyKind.CLOCK_SKEW]
        assert processor.clock_offset_ns("BINANCE") == pytest.approx(-1_265_000_000, abs=1_000_000)
        assert "behind" in processor.findings[0].cause

    def test_e72_a_clock_that_is_right_is_not_found(self) -> None:
        processor = a_processor()

        for step in range(300):
            at = NOW + step * SECOND_NS
            judged = processor.process_data(a_trade(ts=at - 30_000_000), ts_init=at)
            assert _kinds(judged) == []

        assert processor.clock_offset_ns("BINANCE") == 30_000_000

    def test_stamps_made_here_measure_no_clock(self) -> None:
        processor = a_processor()

        for step in range(300):
            at = NOW + step
            processor.process_data(a_quote(ts=at), ts_init=at)

        assert processor.clock_offset_ns("BINANCE") is None
        assert processor.clock_offset_ns("ELSEWHERE") is None

    def test_findings_have_a_bound_and_are_counted_beyond_it(self) -> None:
        processor = a_processor(config=ProcessorConfig(findings_max=3))

        for _ in range(10):
            processor.process_data(a_quote(2.0, 1.0))

        assert len(processor.findings) == 3
        assert processor.finding_counts == {(BTC, AnomalyKind.BOOK_CROSSED): 10}


class TestHealth:
    """E60: silence is judged on data, per symbol, at the instant that is given."""

    def test_e60_a_symbol_without_data_is_stale_and_one_with_data_is_live(self) -> None:
        processor = a_processor()
        processor.process_data(a_trade(), ts_init=NOW)

        states = {each.instrument: each.health for each in processor.assess(now_ns=NOW)}

        assert states == {BTC: Health.LIVE, ETH: Health.STALE}

    def test_e60_heartbeats_without_data_are_stale_and_nothing_at_all_is_down(self) -> None:
        processor = a_processor()
        processor.process_data(a_trade(), ts_init=NOW)
        later = NOW + 10 * MINUTE_NS
        processor.heartbeat("BINANCE", ts_init=later)

        silent = processor.health(BTC, now_ns=later)
        dead = processor.health(BTC, now_ns=later + 2 * MINUTE_NS)

        assert (silent.health, dead.health) == (Health.STALE, Health.DOWN)
        assert "connection is up" in silent.cause
        assert silent.silent_ns == 10 * MINUTE_NS

    def test_e60_refused_data_is_a_sign_of_life_but_not_data(self) -> None:
        processor = a_processor()
        processor.process_data(a_trade(), ts_init=NOW)

        for second in range(300):
            processor.process_data(a_trade(nan), ts_init=NOW + second * SECOND_NS)

        assert processor.health(BTC, now_ns=NOW + 300 * SECOND_NS).health is Health.STALE

    def test_a_lost_connection_is_down_at_once_and_live_with_the_next_datum(self) -> None:
        processor = a_processor()
        processor.process_data(a_trade(), ts_init=NOW)

        processor.connection_lost("BINANCE", ts_init=NOW + 1)
        lost = processor.health(BTC, now_ns=NOW + 2)
        processor.process_data(a_trade(), ts_init=NOW + 3)
        back = processor.health(BTC, now_ns=NOW + 4)

        assert (lost.health, back.health) == (Health.DOWN, Health.LIVE)

    def test_the_clock_is_asked_where_no_instant_is_given(self) -> None:
        clock = ManualClock(NOW)
        processor = a_processor(clock=clock)
        processor.process_data(a_trade())
        clock.advance(MINUTE_NS + 1)

        assert processor.health(BTC).health is Health.DOWN
        processor.heartbeat("BINANCE")
        assert processor.assess()[0].health is Health.STALE
        processor.connection_lost("BINANCE")
        assert processor.health(BTC).health is Health.DOWN

    def test_an_unknown_symbol_has_no_health(self) -> None:
        with pytest.raises(ConfigError) as refused:
            a_processor().health(InstrumentId("XRPUSDT.BINANCE"))

        assert refused.value.code == "SYMBOL_NOT_SUBSCRIBED"
