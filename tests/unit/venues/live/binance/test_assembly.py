"""Minutes, first prices, conflation, and the order in which all of it goes out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarFlag, BarOpened, BarsClosed, BarSpec, Quote, Trade
from botcore.venues.live.binance.assembly import Assembly, stamp_of
from botcore.venues.live.binance.conflation import Conflation, merged
from botcore.venues.live.binance.minutes import MinuteBars
from botcore.venues.live.binance.opens import Opens

BTC, ETH = InstrumentId("BTCUSDT.BINANCE"), InstrumentId("ETHUSDT.BINANCE")
T0 = 1_700_000_040 * SECOND_NS  # a whole minute
MS = 1_000_000
GAP = int(BarFlag.GAP_BEFORE)


def _bar(name: InstrumentId, opens_at: int, close: float = 1.0) -> Bar:
    spec = BarSpec(MINUTE_NS)
    return Bar(name, spec, opens_at, opens_at + MINUTE_NS, 1.0, 2.0, 0.5, close, 3.0)


def _trade(ts: int, price: float = 1.0, name: InstrumentId = BTC, quantity: float = 1.0) -> Trade:
    return Trade(name, Nanos(ts), price, quantity, True)


def _quote(ts: int, bid: float = 1.0, name: InstrumentId = BTC) -> Quote:
    return Quote(name, Nanos(ts), bid, bid + 1, 1.0, 1.0)


# --- minutes


def _minutes() -> MinuteBars:
    minutes = MinuteBars([ETH, BTC])
    minutes.begin(T0)
    return minutes


def test_a_minute_goes_out_once_all_its_bars_are_there() -> None:
    minutes = _minutes()
    now = T0 + MINUTE_NS
    minutes.add(_bar(ETH, T0))

    before = minutes.due(now)
    minutes.add(_bar(BTC, T0))
    after = minutes.due(now)

    assert before is None
    assert after == BarsClosed(Nanos(T0 + MINUTE_NS), (_bar(BTC, T0), _bar(ETH, T0)))
    assert minutes.due(now) is None


def test_who_does_not_deliver_within_two_seconds_is_left_out_and_late_when_it_does() -> None:
    minutes = _minutes()
    minutes.add(_bar(BTC, T0))
    closes = T0 + MINUTE_NS

    too_soon = minutes.due(closes + 2 * SECOND_NS - 1)
    out = minutes.due(closes + 2 * SECOND_NS)
    was_taken = minutes.add(_bar(ETH, T0))

    assert too_soon is None
    assert out is not None
    assert [bar.instrument for bar in out.bars] == [BTC]
    assert (was_taken, minutes.late, minutes.left_out) == (False, 1, 1)


def test_who_was_left_out_is_not_waited_for_until_it_is_back() -> None:
    minutes = _minutes()
    minutes.add(_bar(BTC, T0))
    minutes.due(T0 + MINUTE_NS + 2 * SECOND_NS)

    minutes.add(_bar(BTC, T0 + MINUTE_NS))
    at_once = minutes.due(T0 + 2 * MINUTE_NS)
    minutes.add(_bar(ETH, T0 + 2 * MINUTE_NS))
    minutes.add(_bar(BTC, T0 + 2 * MINUTE_NS))
    both = minutes.due(T0 + 3 * MINUTE_NS)
    minutes.add(_bar(BTC, T0 + 3 * MINUTE_NS))
    waits = minutes.due(T0 + 4 * MINUTE_NS)

    assert at_once is not None
    assert both is not None
    assert [bar.instrument for bar in both.bars] == [BTC, ETH]
    assert waits is None


def test_the_bar_after_one_that_was_left_out_has_a_gap_before_it() -> None:
    minutes = _minutes()
    for number in range(3):
        opens = T0 + number * MINUTE_NS
        minutes.add(_bar(BTC, opens))
        if number != 1:
            minutes.add(_bar(ETH, opens))
        out = minutes.due(opens + MINUTE_NS + 2 * SECOND_NS)

    assert out is not None
    assert [bar.flags for bar in out.bars] == [0, GAP]


def test_a_minute_that_nobody_delivered_passes_without_bars() -> None:
    minutes = _minutes()

    out = minutes.due(T0 + MINUTE_NS + 2 * SECOND_NS)

    assert out == BarsClosed(Nanos(T0 + MINUTE_NS), ())
    assert minutes.closes_at == T0 + 2 * MINUTE_NS


def test_e62_a_bar_that_comes_twice_is_neither_given_out_again_nor_late() -> None:
    minutes = _minutes()
    for bar in (_bar(BTC, T0), _bar(BTC, T0), _bar(ETH, T0)):
        minutes.add(bar)
    minutes.due(T0 + MINUTE_NS)

    was_taken = minutes.add(_bar(BTC, T0))

    assert (was_taken, minutes.late) == (False, 0)


# --- first prices


def test_the_first_print_of_a_minute_is_its_open() -> None:
    opens = Opens()

    found = [
        opens.trade(_trade(T0 - 5, 1.0), 7),
        opens.trade(_trade(T0 + 5, 2.0), 8),
        opens.trade(_trade(T0 + 6, 3.0), 9),
    ]

    assert found == [None, BarOpened(BTC, Nanos(T0 + 5), 2.0), None]


def test_a_print_after_missed_ones_is_not_taken_for_the_first() -> None:
    opens = Opens()
    opens.trade(_trade(T0 - 5, 1.0), 7)

    found = opens.trade(_trade(T0 + 5, 2.0), 10)
    told = opens.forming(BTC, T0, 1.5, trades=3)
    again = opens.forming(BTC, T0, 1.5, trades=4)

    assert (found, told, again) == (None, BarOpened(BTC, Nanos(T0), 1.5), None)


def test_a_forming_candle_without_prints_has_no_open_yet() -> None:
    assert Opens().forming(BTC, T0, 1.5, trades=0) is None


# --- conflation


def test_at_most_one_quote_a_window_goes_out_and_it_is_the_newest() -> None:
    waiting = Conflation(window_ns=100)
    out = []
    for ts in range(0, 1_000, 10):
        waiting.add(_quote(ts, bid=1.0 + ts))
        out += waiting.due(ts)

    assert [tick.ts_event for tick in out] == list(range(0, 1_000, 100))
    assert waiting.conflated == 89  # of 100: 10 went out, one waits


@given(st.lists(st.tuples(st.integers(0, 50), st.floats(0.01, 100)), min_size=1, max_size=60))
def test_prints_that_merge_keep_the_volume_and_the_last_price(
    steps: list[tuple[int, float]],
) -> None:
    waiting, ts, out = Conflation(window_ns=100), 0, []
    for step, quantity in steps:
        ts += step
        waiting.add(_trade(ts, price=quantity * 2, quantity=quantity))
        out += waiting.due(ts)
    out += waiting.flush()

    assert (
        abs(sum(t.quantity for t in out if isinstance(t, Trade)) - sum(q for _, q in steps)) < 1e-6
    )
    last = out[-1]
    assert isinstance(last, Trade)
    assert last.price == steps[-1][1] * 2


def test_the_aggressor_of_merged_prints_is_unknown_where_they_differ() -> None:
    buy, sell = _trade(1), Trade(BTC, Nanos(2), 1.0, 1.0, False)

    assert merged(buy, sell).buyer_is_aggressor is None
    assert merged(buy, buy).buyer_is_aggressor is True


# --- order


def _assembly() -> Assembly:
    assembly = Assembly([BTC, ETH], window_ns=0)
    assembly.begin(T0, {})
    return assembly


def test_ticks_of_the_next_minute_wait_for_the_bars_of_this_one() -> None:
    assembly, closes = _assembly(), T0 + MINUTE_NS
    assembly.opened(BarOpened(BTC, Nanos(closes + 1), 5.0))
    assembly.tick(_trade(closes + 1, 5.0))
    assembly.tick(_trade(closes - 1, 4.0))
    early = assembly.take(closes + SECOND_NS)
    assembly.bar(_bar(BTC, T0))
    assembly.bar(_bar(ETH, T0))

    late = assembly.take(closes + SECOND_NS)

    assert early == [_trade(closes - 1, 4.0)]
    assert [type(event).__name__ for event in late] == ["BarsClosed", "BarOpened", "Trade"]


def test_a_minute_that_nobody_delivered_holds_everything_until_it_was_asked_for() -> None:
    assembly, closes = _assembly(), T0 + MINUTE_NS
    assembly.tick(_quote(closes + 5))

    starved = assembly.take(closes + 2 * SECOND_NS)
    was_starved = assembly.is_starved
    assembly.begin(closes, {})
    out = assembly.take(closes + 2 * SECOND_NS)

    assert (starved, was_starved) == ([], True)
    assert out == [_quote(closes + 5)]


def test_e62_a_tick_older_than_bars_that_went_out_is_dropped_and_counted() -> None:
    assembly = _assembly()
    assembly.bar(_bar(BTC, T0))
    assembly.take(T0 + MINUTE_NS + 2 * SECOND_NS)

    assembly.tick(_trade(T0 + 5))

    assert assembly.take(T0 + MINUTE_NS + 3 * SECOND_NS) == []
    assert assembly.late_ticks == 1


def test_while_it_is_held_nothing_goes_out_and_the_newest_waits() -> None:
    assembly = _assembly()
    assembly.hold()
    assembly.tick(_quote(T0 + 5, bid=1.0))
    assembly.tick(_quote(T0 + MINUTE_NS + 5, bid=2.0))
    assembly.bar(_bar(BTC, T0))

    held = assembly.take(T0 + 10 * MINUTE_NS)
    assembly.begin(T0 + MINUTE_NS, {BTC: T0 + MINUTE_NS})
    out = assembly.take(T0 + MINUTE_NS + 10)

    assert held == []
    assert out == [_quote(T0 + MINUTE_NS + 5, bid=2.0)]


_events = st.lists(
    st.tuples(
        st.sampled_from(["trade", "quote", "bar"]),
        st.integers(0, 5 * 60_000),
        st.sampled_from([BTC, ETH]),
    ),
    max_size=80,
)


@given(_events)
def test_whatever_comes_no_tick_precedes_the_bars_that_closed_before_it(
    events: list[tuple[str, int, InstrumentId]],
) -> None:
    assembly, out = _assembly(), []
    for kind, at_ms, name in sorted(events, key=lambda event: event[1]):
        ts = T0 + at_ms * MS
        if kind == "bar":
            assembly.bar(_bar(name, ts // MINUTE_NS * MINUTE_NS - MINUTE_NS))
        else:
            assembly.tick(_trade(ts, name=name) if kind == "trade" else _quote(ts, name=name))
        out += assembly.take(ts)
        if assembly.is_starved:
            assembly.begin(ts // MINUTE_NS * MINUTE_NS, {})
    out += assembly.take(T0 + 10 * MINUTE_NS)

    closed = 0
    for event in out:
        if isinstance(event, BarsClosed):
            assert event.ts_close > closed
            closed = event.ts_close
        else:
            assert closed <= stamp_of(event)
