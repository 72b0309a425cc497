import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from botcore.control.access import STRANGER
from botcore.control.handlers.market import MarketHandlers
from botcore.control.handling import Context
from botcore.control.noting import Noted
from botcore.control.problems import Malformed, NotFound, Unavailable
from botcore.control.schema import market as m
from botcore.domain.errors import ConfigError
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarSpec, Quote, Trade
from botcore.domain.questions import BookLevels, BookOf
from botcore.kernel.clock import ManualClock

BTC = "BTCUSDT.SIM"
DAY_0 = 1_704_067_200_000_000_000  # 2024-01-01T00:00:00Z


def a_symbol(name: str, *, is_traded: bool) -> m.Symbol:
    one = Decimal(1)
    return m.Symbol(
        symbol=name,
        venue="SIM",
        base="BTC",
        quote="USDT",
        kind="SPOT",
        status="TRADING",
        tick=one,
        lot=one,
        min_quantity=one,
        min_notional=one,
        is_traded=is_traded,
    )


def bars(*minutes: int, step: int = 1) -> list[Bar]:
    """Return bars that open so many minutes after the day began; each closes 1 above its open."""
    spec = BarSpec(step * MINUTE_NS)
    return [
        Bar(
            InstrumentId(BTC),
            spec,
            DAY_0 + i * MINUTE_NS,
            DAY_0 + (i + step) * MINUTE_NS,
            100.0 + i,
            103.0 + i,
            99.0 + i,
            101.0 + i,
            1.5,
        )
        for i in minutes
    ]


class Running:
    def __init__(self, *known: Bar) -> None:
        self.known = list(known)
        self.newest: Quote | None = None
        self.prints: list[Trade] | None = None
        self.step_ns = MINUTE_NS

    def symbols(self) -> Sequence[m.Symbol]:
        return [a_symbol(BTC, is_traded=True)]

    def bars(self, symbol: str) -> Sequence[Bar]:
        return self.known

    def last_bar(self, symbol: str) -> Bar | None:
        return self.known[-1] if self.known else None

    def quote(self, symbol: str) -> Quote | None:
        return self.newest

    def trades(self, symbol: str) -> Sequence[Trade] | None:
        return self.prints

    def now_ns(self) -> int:
        return DAY_0 + 60 * MINUTE_NS

    def status(self) -> str:
        return "live"


class Recorded:
    def __init__(self, *known: Bar) -> None:
        self.known = list(known)

    def symbols(self) -> Sequence[m.Symbol]:
        return [a_symbol("OLD.SIM", is_traded=False)]

    def steps(self, symbol: str) -> Sequence[int]:
        return [MINUTE_NS] if symbol == "OLD.SIM" else []

    def bars(self, symbol: str, step_ns: int, start: int | None, end: int | None) -> Sequence[Bar]:
        return [
            b
            for b in self.known
            if (start is None or b.ts_open >= start) and (end is None or b.ts_open < end)
        ]

    def span(self, symbol: str, step_ns: int) -> tuple[int, int]:
        return self.known[0].ts_open, self.known[-1].ts_open

    def series(self) -> Sequence[m.SeriesDetails]:
        return []


class Engine:
    """Answers what a feed's book is; `asked` counts how often."""

    def __init__(self, levels: BookLevels | None = None) -> None:
        self.levels = levels
        self.asked: list[BookOf] = []

    async def ask(self, question: BookOf) -> BookLevels:
        self.asked.append(question)
        if self.levels is None:
            raise Unavailable(code="ENGINE_SILENT", cause="it does not run", fix="start it")
        return self.levels


def handlers_of(
    running: Running | None = None, recorded: Recorded | None = None, engine: Engine | None = None
) -> MarketHandlers:
    return MarketHandlers(
        running=running or Running(*bars(*range(10))),
        recorded=recorded or Recorded(*bars(*range(10))),
        engine=engine or Engine(),  # type: ignore[arg-type]  # as much of one as is asked
        clock=ManualClock(),
    )


def ask(request: Any, running: Running | None = None, recorded: Recorded | None = None) -> Any:
    handlers = handlers_of(running, recorded).handlers()
    carry_out = handlers[type(request)].carry_out
    found = carry_out(Context(STRANGER, "c", "r", Noted()), request)
    return asyncio.run(found) if asyncio.iscoroutine(found) else found


def minute(i: int) -> datetime:
    return datetime(2024, 1, 1, 0, i, tzinfo=UTC)


def test_traded_and_recorded_instruments_are_listed_together_by_name() -> None:
    page = ask(m.ListSymbols())

    assert [(x.symbol, x.is_traded) for x in page.items] == [(BTC, True), ("OLD.SIM", False)]
    assert [x.symbol for x in ask(m.ListSymbols(text="old")).items] == ["OLD.SIM"]


def test_a_list_goes_on_behind_its_cursor() -> None:
    first = ask(m.ListSymbols(limit=1))
    second = ask(m.ListSymbols(limit=1, cursor=first.next_cursor))

    assert [first.items[0].symbol, second.items[0].symbol] == [BTC, "OLD.SIM"]
    assert second.next_cursor is None


def test_a_cursor_that_is_none_of_ours_is_refused() -> None:
    with pytest.raises(Malformed):
        ask(m.ListSymbols(cursor="%%%"))


def test_candles_are_exact_decimals_of_what_was_recorded() -> None:
    found = ask(m.ReadOhlcv(symbol=BTC, limit=1))

    assert found.candles[0].open == Decimal("109.0")
    assert (found.source, found.timeframe) == ("running", "1m")


def test_without_a_start_the_newest_candles_are_given() -> None:
    found = ask(m.ReadOhlcv(symbol=BTC, limit=3))

    assert [c.time for c in found.candles] == [minute(7), minute(8), minute(9)]
    assert found.next_start is None


def test_from_a_start_candles_go_on_where_the_page_ended() -> None:
    first = ask(m.ReadOhlcv(symbol=BTC, start=minute(2), limit=3))
    second = ask(m.ReadOhlcv(symbol=BTC, start=first.next_start, limit=100))

    assert [c.time.minute for c in first.candles + second.candles] == list(range(2, 10))


def test_candles_that_can_only_stay_as_they_are_are_told_to_be_settled() -> None:
    running = Running(*bars(*range(10)))

    def is_settled(**fields: Any) -> bool:
        found: m.Ohlcv = ask(m.ReadOhlcv(symbol=BTC, **fields), running)
        return found.is_settled

    assert is_settled(start=minute(2), limit=3), "more of them follow"
    assert is_settled(end=minute(10)), "the last one that was asked for has closed"
    assert not is_settled(end=minute(11)), "one more is to come"
    assert not is_settled(), "the newest ones are others in a minute"
    assert not is_settled(start=minute(8), limit=2)
    assert ask(m.ReadOhlcv(symbol="OLD.SIM")).is_settled, "what was imported stays"


def test_longer_candles_are_joined_and_the_unfinished_one_is_left_out() -> None:
    found = ask(m.ReadOhlcv(symbol=BTC, timeframe="3m"))

    assert [c.time.minute for c in found.candles] == [0, 3, 6]
    first = found.candles[0]
    assert (first.open, first.high, first.low, first.close, first.volume) == (
        Decimal("100.0"),
        Decimal("105.0"),
        Decimal("99.0"),
        Decimal("103.0"),
        Decimal("4.5"),
    )


def test_a_timeframe_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigError) as refused:
        ask(m.ReadOhlcv(symbol=BTC, timeframe="7m"))

    assert refused.value.code == "TIMEFRAME_OFF_THE_DAY"


def test_holes_are_told_with_what_they_lack() -> None:
    found = ask(m.ReadOhlcv(symbol=BTC), Running(*bars(0, 1, 5, 6)))

    (gap,) = found.coverage.gaps
    assert (gap.start, gap.end, gap.missing) == (minute(2), minute(5), 3)
    assert found.coverage.fraction == pytest.approx(4 / 7)


def test_a_longer_candle_that_lacks_parts_is_told_and_never_counts_as_whole() -> None:
    found = ask(m.ReadOhlcv(symbol=BTC, timeframe="3m"), Running(*bars(1, 2, 3, 5, 6, 7, 8)))

    assert [c.time.minute for c in found.candles] == [0, 3, 6]
    assert found.coverage.incomplete == (minute(0), minute(3))
    assert found.coverage.fraction == pytest.approx(7 / 9)
    assert ask(m.ReadOhlcv(symbol=BTC, timeframe="3m")).coverage.incomplete == ()


def test_recorded_candles_are_read_where_nothing_runs_or_when_asked_for() -> None:
    found = ask(m.ReadOhlcv(symbol="OLD.SIM", limit=2))

    assert found.source == "recorded"
    assert [c.time for c in found.candles] == [minute(8), minute(9)]


def test_an_unknown_instrument_is_not_found_and_the_nearest_is_named() -> None:
    with pytest.raises(NotFound) as refused:
        ask(m.ReadOhlcv(symbol="BTCUSD.SIM"))

    assert BTC in refused.value.fix


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(Malformed) as refused:
        ask(m.ReadOhlcv(symbol=BTC, start=datetime(2024, 1, 1)))  # noqa: DTZ001 – the point

    assert refused.value.code == "TIME_WITHOUT_ZONE"


def test_a_feed_of_bars_gives_no_book_and_says_so() -> None:
    book = ask(m.ReadBook(symbol=BTC))
    prints = ask(m.ReadPrints(symbol=BTC))

    assert (book.depth, book.bids, prints.is_given) == ("none", (), False)


def test_the_best_prices_carry_their_age() -> None:
    running = Running(*bars(0))
    running.newest = Quote(InstrumentId(BTC), Nanos(DAY_0 + 59 * MINUTE_NS), 100.0, 100.5, 2.0, 3.0)

    book = ask(m.ReadBook(symbol=BTC), running)

    assert (book.bids[0].price, book.asks[0].price, book.age_s) == (
        Decimal("100.0"),
        Decimal("100.5"),
        60.0,
    )


def test_a_feed_that_keeps_a_book_gives_as_many_levels_as_are_asked_for() -> None:
    one = Decimal(1)
    levels = BookLevels(
        instrument=InstrumentId(BTC),
        bids=((Decimal(100), one), (Decimal(99), one)),
        asks=((Decimal(101), one),),
        is_valid=True,
        source="depth",
        ts=Nanos(DAY_0),
        age_s=0.25,
    )
    engine = Engine(levels)

    book = asyncio.run(
        handlers_of(Running(*bars(0)), engine=engine).book(
            Context(STRANGER, "c", "r", Noted()), m.ReadBook(symbol=BTC, levels=7)
        )
    )

    assert [each.depth for each in engine.asked] == [7]
    assert [level.price for level in book.bids] == [100, 99]
    assert (book.depth, book.asks[0].price, book.age_s) == ("full", Decimal(101), 0.25)


def test_a_book_that_cannot_be_believed_leaves_the_best_prices() -> None:
    running = Running(*bars(0))
    running.newest = Quote(InstrumentId(BTC), Nanos(DAY_0), 100.0, 100.5, 2.0, 3.0)
    broken = BookLevels(instrument=InstrumentId(BTC), source="depth", note="a gap")

    book = asyncio.run(
        handlers_of(running, engine=Engine(broken)).book(
            Context(STRANGER, "c", "r", Noted()), m.ReadBook(symbol=BTC)
        )
    )

    assert (book.depth, book.bids[0].price) == ("best", Decimal("100.0"))


def test_a_feed_without_books_is_not_asked_for_one_at_every_look() -> None:
    engine = Engine(BookLevels(instrument=InstrumentId(BTC), source="quote", is_valid=True))
    handlers = handlers_of(Running(*bars(0)), engine=engine)

    async def look() -> None:
        for _ in range(5):
            await handlers.book(Context(STRANGER, "c", "r", Noted()), m.ReadBook(symbol=BTC))

    asyncio.run(look())

    assert len(engine.asked) == 1


def test_the_ticker_prefers_what_is_newer_and_knows_no_change_without_a_day_of_bars() -> None:
    running = Running(*bars(*range(10)))
    running.newest = Quote(InstrumentId(BTC), Nanos(DAY_0 + 59 * MINUTE_NS), 120.0, 122.0, 1.0, 1.0)

    ticker = ask(m.ReadTicker(symbol=BTC), running)

    assert (ticker.price, ticker.high, ticker.change_frac) == (
        Decimal("121.0"),
        Decimal("112.0"),
        None,
    )


def test_a_mean_of_two_prices_and_a_sum_of_volumes_show_no_noise_of_floats() -> None:
    running = Running(*(msgspec.structs.replace(each, volume=0.1) for each in bars(*range(10))))
    bid, ask_price = 57608.16, 57608.01
    running.newest = Quote(
        InstrumentId(BTC), Nanos(DAY_0 + 59 * MINUTE_NS), bid, ask_price, 1.0, 1.0
    )

    ticker = ask(m.ReadTicker(symbol=BTC), running)

    assert len(repr((bid + ask_price) / 2.0)) > len("57608.085")  # the float has noise
    assert ticker.price == Decimal("57608.085")
    assert ticker.volume == Decimal("1.0")


def test_the_newest_trades_come_first() -> None:
    running = Running(*bars(0))
    running.prints = [
        Trade(InstrumentId(BTC), Nanos(DAY_0 + i), 100.0 + i, 1.0, True) for i in range(3)
    ]

    found = ask(m.ReadPrints(symbol=BTC, limit=2), running)

    assert [p.price for p in found.trades] == [Decimal("102.0"), Decimal("101.0")]


@pytest.mark.parametrize(
    ("request_", "known"),
    [
        (m.ReadOhlcv(symbol=BTC, end=minute(8)), (0, 1, 2, 5, 6, 7)),
        (m.ReadOhlcv(symbol=BTC, start=minute(0), limit=4), (0, 1, 2, 5, 6, 7)),
        (m.ReadOhlcv(symbol=BTC, timeframe="3m", end=minute(6)), (0, 1, 2, 3, 5, 6)),
    ],
)
def test_candles_that_run_are_not_settled_while_a_hole_among_them_may_be_filled(
    request_: m.ReadOhlcv, known: Sequence[int]
) -> None:
    assert not ask(request_, Running(*bars(*known))).is_settled
