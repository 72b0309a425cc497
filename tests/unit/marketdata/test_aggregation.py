"""Streams into closed bars: watermark, late and double trades, quiet minutes and gaps."""

import pytest
from msgspec.structs import replace

from botcore.domain.errors import ConfigError
from botcore.domain.ids import DAY_NS, MINUTE_NS, SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarFlag, BarOrigin, BarSpec, PriceSource, Trade
from botcore.marketdata.aggregation import BarAggregator, Ignored, closed_together

BTC, ETH = InstrumentId("BTCUSDT.BINANCE"), InstrumentId("ETHUSDT.BINANCE")
MINUTE = BarSpec(MINUTE_NS)
BUILT_MINUTE = BarSpec(MINUTE_NS, origin=BarOrigin.BUILT)
BUILT_FIVE = BarSpec(5 * MINUTE_NS, origin=BarOrigin.BUILT)
NOON = 19_000 * DAY_NS + DAY_NS // 2


def at(minute: int, second: float = 0.0) -> int:
    return NOON + minute * MINUTE_NS + int(second * SECOND_NS)


def trade(
    minute: int, second: float, price: float, quantity: float = 1.0, who: InstrumentId = BTC
) -> Trade:
    return Trade(who, Nanos(at(minute, second)), price, quantity)


def part(minute: int, *prices: float, volume: float = 1.0, who: InstrumentId = BTC) -> Bar:
    open_, high, low, close = prices if len(prices) == 4 else prices * 4
    ts = at(minute)
    return Bar(who, MINUTE, ts, ts + MINUTE_NS, open_, high, low, close, volume)


def of_trades(
    *instruments: InstrumentId,
    lateness_s: int = 0,
    since: int = NOON,
    last_closes: dict[InstrumentId, float] | None = None,
) -> BarAggregator:
    return BarAggregator(
        instruments or (BTC,),
        BUILT_MINUTE,
        since_ns=since,
        lateness_ns=lateness_s * SECOND_NS,
        last_closes=last_closes,
    )


def of_parts(
    *instruments: InstrumentId, spec: BarSpec = BUILT_FIVE, lateness_s: int | None = None
) -> BarAggregator:
    lateness_ns = None if lateness_s is None else lateness_s * SECOND_NS
    return BarAggregator(
        instruments or (BTC,), spec, since_ns=NOON, parts_ns=MINUTE_NS, lateness_ns=lateness_ns
    )


def minutes(bars: tuple[Bar, ...]) -> list[int]:
    return [(bar.ts_open - NOON) // MINUTE_NS for bar in bars]


class TestTradesIntoBars:
    def test_a_bar_has_the_first_highest_lowest_and_last_price_and_the_sum(self) -> None:
        bars = of_trades()
        for each in (trade(0, 1, 10, 0.5), trade(0, 2, 12), trade(0, 3, 9), trade(0, 59.9, 11)):
            assert bars.on_trade(each) == ()

        closed = bars.on_trade(trade(1, 0, 50))

        assert closed == (Bar(BTC, BUILT_MINUTE, at(0), at(1), 10, 12, 9, 11, 3.5, 0),)

    def test_e11_a_trade_on_the_boundary_belongs_to_the_bar_that_it_opens(self) -> None:
        bars = of_trades()
        bars.on_trade(trade(0, 5, 10))

        (closed,) = bars.on_trade(trade(1, 0, 50))
        (following,) = bars.on_trade(trade(2, 0, 60))

        assert (closed.high, closed.ts_close) == (10, at(1))
        assert (following.open, following.ts_open) == (50, at(1))

    def test_e11_no_bar_comes_out_before_its_close(self) -> None:
        bars = of_trades(lateness_s=3)
        seen = []
        for second in range(0, 600, 7):
            now = at(0, second)
            seen += [(now, bar) for bar in bars.on_trade(trade(0, second, 10.0 + second % 5))]

        assert len(seen) == 9
        assert all(now >= bar.ts_close for now, bar in seen)

    def test_e12_a_forming_bar_never_comes_out(self) -> None:
        bars = of_trades()

        out = [bars.on_trade(trade(0, second, 10)) for second in range(60)]

        assert out == [()] * 60

    def test_e18_bars_of_trades_are_built_and_cannot_be_announced_otherwise(self) -> None:
        bars = of_trades()
        bars.on_trade(trade(0, 1, 10))

        (closed,) = bars.advance(at(1))

        assert closed.spec.origin is BarOrigin.BUILT
        with pytest.raises(AssertionError, match="BUILT"):
            BarAggregator([BTC], MINUTE, since_ns=NOON)

    def test_e62_the_same_trade_id_counts_once(self) -> None:
        bars = of_trades()
        for trade_id in (7, 8, 7, 7, 8):
            bars.on_trade(trade(0, 1, 10), trade_id=trade_id)

        (closed,) = bars.advance(at(1))

        assert closed.volume == 2.0
        assert bars.ignored == Ignored(duplicates=3)

    def test_e62_equal_trades_without_an_id_are_two_trades(self) -> None:
        bars = of_trades()
        bars.on_trade(trade(0, 1, 10))
        bars.on_trade(trade(0, 1, 10))

        (closed,) = bars.advance(at(1))

        assert closed.volume == 2.0

    def test_e62_a_late_trade_is_counted_and_changes_no_closed_bar(self) -> None:
        bars = of_trades()
        bars.on_trade(trade(0, 1, 10))
        (closed,) = bars.on_trade(trade(1, 1, 20))

        out = bars.on_trade(trade(0, 59, 999))
        (following,) = bars.advance(at(2))

        assert out == ()
        assert (closed.high, following.high) == (10, 20)
        assert bars.ignored == Ignored(late=1)

    def test_a_trade_within_the_lateness_is_taken_and_stands_where_its_stamp_says(self) -> None:
        bars = of_trades(lateness_s=2)
        bars.on_trade(trade(0, 5, 10))
        assert bars.on_trade(trade(1, 1.9, 20)) == ()
        assert bars.on_trade(trade(0, 59, 11)) == ()
        assert bars.on_trade(trade(0, 1, 9)) == ()

        (closed,) = bars.on_trade(trade(1, 2, 21))

        assert (closed.open, closed.close, closed.volume) == (9, 11, 3)
        assert bars.ignored == Ignored()

    def test_trades_of_one_stamp_stand_in_the_order_of_their_ids(self) -> None:
        bars = of_trades()
        for trade_id, price in ((12, 3.0), (11, 2.0), (10, 1.0)):
            bars.on_trade(trade(0, 1, price), trade_id=trade_id)

        (closed,) = bars.advance(at(1))

        assert (closed.open, closed.close) == (1.0, 3.0)

    def test_a_bar_whose_beginning_was_not_heard_is_withheld(self) -> None:
        bars = of_trades(since=at(0, 30))
        bars.on_trade(trade(0, 31, 10))
        bars.on_trade(trade(1, 5, 11))

        closed = bars.advance(at(2))

        assert minutes(closed) == [1]
        assert closed[0].flags == 0
        assert bars.ignored == Ignored(torn=1)


class TestQuietAndGap:
    def test_e13_a_quiet_minute_is_flat_where_another_instrument_shows_the_venue_up(self) -> None:
        bars = of_trades(BTC, ETH)
        bars.on_trade(trade(0, 1, 10))
        bars.on_trade(trade(0, 2, 500, who=ETH))
        bars.on_trade(trade(1, 1, 501, who=ETH))

        closed = bars.on_trade(trade(2, 1, 12))

        flat = Bar(BTC, BUILT_MINUTE, at(1), at(2), 10, 10, 10, 10, 0.0, int(BarFlag.FLAT))
        assert closed[0] == flat
        assert closed[1].instrument == ETH

    def test_e13_any_word_of_the_venue_shows_that_it_is_up(self) -> None:
        bars = of_trades()
        bars.on_trade(trade(0, 1, 10))
        bars.heard(at(1, 30))

        (closed,) = bars.advance(at(2))

        assert (closed.ts_open, closed.flags) == (at(1), int(BarFlag.FLAT))

    def test_e13_silence_makes_no_bar_and_the_next_one_says_so(self) -> None:
        bars = of_trades(BTC, ETH)
        for who in (BTC, ETH):
            bars.on_trade(trade(0, 1, 10, who=who))

        silence = bars.on_trade(trade(9, 1, 40))
        after = bars.on_trade(trade(10, 1, 41))

        assert minutes(silence) == [0, 0]
        assert minutes(after) == [9, 9]
        assert after[0] == Bar(
            BTC, BUILT_MINUTE, at(9), at(10), 40, 40, 40, 40, 1.0, int(BarFlag.GAP_BEFORE)
        )
        # The venue is up again and ETH has not traded: flat, behind the same gap.
        assert after[1].flags == int(BarFlag.FLAT | BarFlag.GAP_BEFORE)

    def test_e13_time_alone_proves_nothing(self) -> None:
        bars = of_trades()
        bars.on_trade(trade(0, 1, 10))
        bars.advance(at(1))

        assert bars.advance(at(500)) == ()

    def test_e13_a_broken_connection_withholds_the_bars_it_touches(self) -> None:
        bars = of_trades()
        for minute in range(5):
            bars.heard(at(minute, 1))
            bars.on_trade(trade(minute, 20, 10 + minute))
            if minute == 2:
                bars.lost(at(1, 50), at(2, 10))

        closed = bars.advance(at(5))

        # Minute 1 came out before the loss was known; nothing that was told is taken back.
        assert minutes(closed) == [4]
        assert bars.ignored == Ignored(torn=1)

    def test_e13_a_loss_leaves_no_flat_bar_and_a_gap_behind_it(self) -> None:
        bars = of_trades(lateness_s=120)
        bars.on_trade(trade(0, 20, 10))
        bars.lost(at(1, 10), at(1, 20))
        bars.heard(at(1, 30))
        bars.on_trade(trade(2, 20, 12))

        closed = bars.advance(at(5))

        assert minutes(closed) == [0, 2]
        assert [bar.flags for bar in closed] == [0, int(BarFlag.GAP_BEFORE)]

    def test_no_flat_bar_stands_before_a_first_price_is_known(self) -> None:
        bars = of_trades(BTC, ETH)
        bars.on_trade(trade(0, 1, 10))

        assert [bar.instrument for bar in bars.advance(at(1))] == [BTC]

    def test_the_last_closes_of_the_history_give_the_first_flat_bars(self) -> None:
        bars = of_trades(BTC, ETH, last_closes={ETH: 490.0})
        bars.on_trade(trade(0, 1, 10))

        closed = bars.advance(at(1))

        assert [(bar.instrument, bar.close, bar.flags) for bar in closed] == [
            (BTC, 10, 0),
            (ETH, 490.0, int(BarFlag.FLAT)),
        ]


class TestBarsIntoBars:
    def test_a_bar_closes_at_once_when_its_last_part_is_there(self) -> None:
        bars = of_parts(lateness_s=30)
        for minute in range(4):
            assert bars.on_bar(part(minute, 10, 12 + minute, 9 - minute, 11)) == ()

        (closed,) = bars.on_bar(part(4, 11, 11, 11, 7, volume=0.5))

        assert closed == Bar(BTC, BUILT_FIVE, at(0), at(5), 10, 15, 6, 7, 4.5, 0)

    def test_parts_in_any_order_make_the_same_bar(self) -> None:
        bars = of_parts(lateness_s=600)
        parts = [part(minute, 10 + minute, 20, 5, 11 + minute) for minute in range(5)]

        out = [bars.on_bar(parts[minute]) for minute in (4, 0, 2, 1, 3)]

        assert out[:4] == [()] * 4
        assert [(bar.open, bar.close) for bar in out[4]] == [(10, 15)]

    def test_e62_a_part_that_comes_twice_counts_once(self) -> None:
        bars = of_parts()
        for minute in (0, 1, 1, 2, 3):
            bars.on_bar(part(minute, 10))

        (closed,) = bars.on_bar(part(4, 10))
        bars.on_bar(part(4, 10))

        assert closed.volume == 5
        assert bars.ignored == Ignored(late=1, duplicates=1)

    def test_the_parts_of_other_instruments_may_follow_the_first_that_ends(self) -> None:
        bars = of_parts(BTC, ETH)
        for minute in range(4):
            bars.on_bar(part(minute, 10))
            bars.on_bar(part(minute, 500, who=ETH))

        first = bars.on_bar(part(4, 10))
        second = bars.on_bar(part(4, 500, who=ETH))

        assert [bar.instrument for bar in first + second] == [BTC, ETH]
        assert bars.ignored == Ignored()

    def test_a_word_of_the_venue_leaves_a_bar_one_part_of_time_to_come(self) -> None:
        bars = of_parts(spec=MINUTE)
        bars.on_bar(part(0, 10))

        assert bars.heard(at(2, 1)) == ()
        (closed,) = bars.on_bar(part(1, 11))

        assert (closed.close, closed.flags) == (11, 0)
        assert bars.ignored == Ignored()

    def test_a_whole_bar_waits_for_the_one_before_it_to_be_decided(self) -> None:
        bars = of_parts(lateness_s=600)
        for minute in (0, 1, 3, 4, *range(5, 10)):
            assert bars.on_bar(part(minute, 10)) == ()

        closed = bars.on_bar(part(2, 10))

        assert minutes(closed) == [0]
        assert minutes(bars.advance(at(20))) == [5]

    def test_e13_a_missing_part_is_a_gap_and_the_watermark_closes_the_bar(self) -> None:
        bars = of_parts()
        for minute in (0, 1, 3, 4):
            assert bars.on_bar(part(minute, 10)) == ()

        (closed,) = bars.on_bar(part(5, 11))

        assert (closed.close, closed.volume) == (10, 4)
        assert closed.flags == int(BarFlag.GAP_BEFORE)

    def test_e13_a_missing_part_is_no_gap_where_another_instrument_has_it(self) -> None:
        bars = of_parts(BTC, ETH)
        for minute in range(5):
            bars.on_bar(part(minute, 500, who=ETH))
            if minute != 2:
                bars.on_bar(part(minute, 10))

        (closed,) = bars.on_bar(part(5, 11))

        assert (closed.instrument, closed.volume, closed.flags) == (BTC, 4, 0)

    def test_e13_a_gap_among_the_parts_is_a_gap_of_the_bar_and_flat_parts_make_a_flat_bar(
        self,
    ) -> None:
        bars = of_parts(spec=BarSpec(2 * MINUTE_NS))
        flat = int(BarFlag.FLAT)
        bars.on_bar(replace(part(0, 10), flags=int(BarFlag.GAP_BEFORE)))
        (one,) = bars.on_bar(part(1, 10))
        bars.on_bar(replace(part(2, 10), volume=0.0, flags=flat))
        (two,) = bars.on_bar(replace(part(3, 10), volume=0.0, flags=flat))

        assert (one.flags, two.flags) == (int(BarFlag.GAP_BEFORE), flat)

    def test_e13_bars_of_the_same_length_come_out_with_quiet_ones_filled_in(self) -> None:
        bars = of_parts(BTC, ETH, spec=MINUTE)
        out: list[Bar] = []
        for minute in range(4):
            out += bars.on_bar(part(minute, 500, who=ETH))
            if minute != 2:
                out += bars.on_bar(part(minute, 10 + minute))

        btc = [bar for bar in out if bar.instrument == BTC]

        assert [(bar.close, bar.flags) for bar in btc] == [
            (10, 0),
            (11, 0),
            (11, int(BarFlag.FLAT)),
            (13, 0),
        ]

    def test_a_whole_bar_after_a_gap_does_not_wait(self) -> None:
        bars = of_parts()
        for minute in range(5):
            bars.on_bar(part(minute, 10))

        out = [bars.on_bar(part(minute, 11)) for minute in range(60, 65)]

        assert [len(each) for each in out] == [0, 0, 0, 0, 1]
        assert out[4][0].flags == int(BarFlag.GAP_BEFORE)

    def test_e103_a_longer_bar_is_there_only_from_its_close_on(self) -> None:
        fives = of_parts()
        hours = of_parts(spec=BarSpec(60 * MINUTE_NS, origin=BarOrigin.BUILT))
        inputs = []
        for minute in range(180):
            bar = part(minute, 100 + minute)
            inputs += [*closed_together(fives.on_bar(bar) + hours.on_bar(bar))]

        beside = {
            (each.ts_close - NOON) // MINUTE_NS: [
                bar.spec.step_ns // MINUTE_NS for bar in each.bars
            ]
            for each in inputs
        }

        assert list(beside) == list(range(5, 181, 5))
        assert beside == {end: [5] if end % 60 else [5, 60] for end in beside}
        newest_hour = None
        for each in inputs:
            for bar in each.bars:
                newest_hour = bar if bar.spec.step_ns == 60 * MINUTE_NS else newest_hour
            if each.ts_close < at(60):
                assert newest_hour is None
            else:  # the last hour that ended, never the one that is running
                assert newest_hour is not None
                assert newest_hour.close == 99 + (each.ts_close - NOON) // (60 * MINUTE_NS) * 60


def test_bars_of_one_close_stand_smallest_first_then_by_instrument() -> None:
    spec, longer = MINUTE, BarSpec(2 * MINUTE_NS)
    bars = [
        Bar(ETH, longer, at(0), at(2), 1, 1, 1, 1, 1),
        Bar(ETH, spec, at(1), at(2), 1, 1, 1, 1, 1),
        Bar(BTC, spec, at(1), at(2), 1, 1, 1, 1, 1),
        Bar(BTC, spec, at(0), at(1), 1, 1, 1, 1, 1),
    ]

    first, second = closed_together(bars)

    assert first.bars == (bars[3],)
    assert second.bars == (bars[2], bars[1], bars[0])
    assert second.ts_close == at(2)


@pytest.mark.parametrize(
    ("step_ns", "parts_ns", "code"),
    [
        (7 * MINUTE_NS, MINUTE_NS, "TIMEFRAME_OFF_THE_DAY"),
        (0, None, "TIMEFRAME_OFF_THE_DAY"),
        (5 * MINUTE_NS, 2 * MINUTE_NS, "TIMEFRAME_NOT_A_MULTIPLE"),
        (5 * MINUTE_NS, 60 * MINUTE_NS, "TIMEFRAME_NOT_A_MULTIPLE"),
    ],
)
def test_e101_a_length_that_does_not_fit_the_day_is_refused(
    step_ns: int, parts_ns: int | None, code: str
) -> None:
    spec = BarSpec(step_ns, origin=BarOrigin.BUILT)

    with pytest.raises(ConfigError) as refused:
        BarAggregator([BTC], spec, since_ns=NOON, parts_ns=parts_ns)

    assert refused.value.code == code


def test_parts_of_another_price_are_refused() -> None:
    bars = of_parts()
    marks = BarSpec(MINUTE_NS, PriceSource.MARK)

    with pytest.raises(AssertionError, match="one kind of price"):
        bars.on_bar(Bar(BTC, marks, at(0), at(1), 1, 1, 1, 1, 1))
