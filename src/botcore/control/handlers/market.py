"""Market data's handlers."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise
from math import fsum
from typing import Any, Final, NamedTuple

import numpy as np

from botcore.control.engine_port import EnginePort
from botcore.control.handlers.paging import page_of
from botcore.control.handlers.plainly import measured, plainly
from botcore.control.handling import Context, Handling
from botcore.control.market_port import RecordedMarket, RunningMarket
from botcore.control.operations import Page, Request
from botcore.control.problems import Malformed, NotFound
from botcore.control.schema import market as m
from botcore.control.schema.values import instant, nanoseconds
from botcore.domain.calendar import parse_step, step_name
from botcore.domain.errors import BotError
from botcore.domain.ids import DAY_NS, SECOND_NS, InstrumentId
from botcore.domain.market import Bar, Quote
from botcore.domain.parameters import did_you_mean
from botcore.domain.questions import BookLevels, BookOf
from botcore.kernel.clock import Clock
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.resampling import bucket_open, check_step, resample

_BARS_READ: Final = 2_000_000
"""Most recorded bars that one question reads, before they are joined."""
_KEPT: Final = "depth"
"""Source of a book that the feed keeps."""
_BOOKLESS_NS: Final = 10 * SECOND_NS
"""How long a feed that keeps no book of an instrument is not asked for it again."""


class MarketHandlers:
    """Answers what is asked about markets.

    Args:
        running: what the platform trades on.
        recorded: the lake.
        engine: its feed may keep whole order books.
        clock: says when a feed that kept none is asked again.
    """

    def __init__(
        self, *, running: RunningMarket, recorded: RecordedMarket, engine: EnginePort, clock: Clock
    ) -> None:
        self._running = running
        self._recorded = recorded
        self._engine = engine
        self._clock = clock
        self._bookless_until: dict[str, int] = {}

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            m.ListSymbols: Handling(self.symbols),
            m.ReadOhlcv: Handling(self.ohlcv),
            m.ReadBook: Handling(self.book),
            m.ReadPrints: Handling(self.prints),
            m.ReadTicker: Handling(self.ticker),
            m.ListSeries: Handling(self.series),
            m.ReadSeries: Handling(self.series_details),
        }

    def symbols(self, _context: Context, request: m.ListSymbols) -> Page[m.Symbol]:
        """List instruments."""
        known = {each.symbol: each for each in self._recorded.symbols()}
        known |= {each.symbol: each for each in self._running.symbols()}
        text = request.text.lower()
        chosen = [
            each
            for each in known.values()
            if text in each.symbol.lower() and request.traded in (None, each.is_traded)
        ]
        return page_of(
            chosen, key=lambda each: each.symbol, limit=request.limit, cursor=request.cursor
        )

    def ohlcv(self, _context: Context, request: m.ReadOhlcv) -> m.Ohlcv:
        """Read candles: of what runs, or of what is recorded."""
        start = None if request.start is None else _stamp(request.start, "start")
        end = None if request.end is None else _stamp(request.end, "end")
        if start is not None and end is not None and start >= end:
            raise Malformed(
                code="RANGE_EMPTY",
                cause=f"start {request.start} is not before end {request.end}",
                fix="give a start before the end",
            )
        is_running = self._is_running(request)
        steps = [self._running.step_ns] if is_running else self._recorded.steps(request.symbol)
        step_ns = parse_step(request.timeframe) if request.timeframe else steps[0]
        fitting = [each for each in steps if step_ns % each == 0]
        base = fitting[-1] if fitting else steps[0]
        check_step(step_ns, base)
        if is_running:
            bars: Sequence[Bar] = self._running.bars(request.symbol)
            bars = [b for b in bars if _within(b.ts_open, start, end, step_ns)]
        else:
            low, high = self._bounds(request, step_ns, base, start, end)
            bars = self._recorded.bars(request.symbol, base, low, high)
        joined = _joined(bars, step_ns)
        part = slice(request.limit) if start is not None else slice(-request.limit, None)
        chosen = joined.rows(part)
        follows = start is not None and len(joined.bars) > request.limit
        coverage = _coverage(chosen, step_ns)
        has_holes = bool(
            coverage.gaps or coverage.incomplete
        )  # what was missed may still be filled
        return m.Ohlcv(
            symbol=request.symbol,
            timeframe=step_name(step_ns),
            source="running" if is_running else "recorded",
            candles=tuple(_candle(each) for each in chosen.bars),
            coverage=coverage,
            next_start=instant(joined.bars[request.limit].ts_open) if follows else None,
            is_settled=not is_running
            or ((follows or self._has_closed(request.symbol, end)) and not has_holes),
        )

    async def book(self, _context: Context, request: m.ReadBook) -> m.Book:
        """Read the order book that the feed keeps, or the best prices where it keeps none."""
        self._must_trade(request.symbol)
        kept = await self._kept_book(request)
        if kept is not None:
            return m.Book(
                symbol=request.symbol,
                depth="full",
                bids=tuple(m.Level(*each) for each in kept.bids),
                asks=tuple(m.Level(*each) for each in kept.asks),
                time=None if kept.ts is None else instant(kept.ts),
                age_s=kept.age_s,
            )
        quote = self._running.quote(request.symbol)
        if quote is None:
            return m.Book(
                symbol=request.symbol, depth="none", bids=(), asks=(), time=None, age_s=None
            )
        return m.Book(
            symbol=request.symbol,
            depth="best",
            bids=(m.Level(_decimal(quote.bid), _decimal(quote.bid_quantity)),),
            asks=(m.Level(_decimal(quote.ask), _decimal(quote.ask_quantity)),),
            time=instant(quote.ts_event),
            age_s=self._age_s(quote.ts_event),
        )

    async def _kept_book(self, request: m.ReadBook) -> BookLevels | None:
        """Return the feed's own book; None where it keeps none, or none that can be believed."""
        now, symbol = self._clock.monotonic_ns(), request.symbol
        if now < self._bookless_until.get(symbol, now):
            return None
        try:
            found = await self._engine.ask(
                BookOf(instrument=InstrumentId(symbol), depth=request.levels)
            )
        except BotError:  # the best prices are known without it
            return None
        if found.source != _KEPT:
            self._bookless_until[symbol] = now + _BOOKLESS_NS
            return None
        return found if found.is_valid else None

    def prints(self, _context: Context, request: m.ReadPrints) -> m.Prints:
        """Read the market's last trades."""
        self._must_trade(request.symbol)
        trades = self._running.trades(request.symbol)
        shown = reversed(trades[-request.limit :]) if trades else ()
        return m.Prints(
            symbol=request.symbol,
            is_given=trades is not None,
            trades=tuple(
                m.Print(
                    time=instant(each.ts_event),
                    price=_decimal(each.price),
                    quantity=_decimal(each.quantity),
                    buyer_is_aggressor=each.buyer_is_aggressor,
                )
                for each in shown
            ),
        )

    def ticker(self, _context: Context, request: m.ReadTicker) -> m.Ticker:
        """Read the last price and the day's range, from the closed bars."""
        self._must_trade(request.symbol)
        bars = self._running.bars(request.symbol)
        quote = self._running.quote(request.symbol)
        status = self._running.status()
        if not bars and quote is None:
            return m.Ticker(symbol=request.symbol, price=None, time=None, age_s=None, status=status)
        last = bars[-1] if bars else None
        stamp, price = (0, Decimal(0)) if last is None else (last.ts_close, _decimal(last.close))
        if quote is not None and quote.ts_event >= stamp:
            stamp, price = quote.ts_event, middle(quote)
        day = [each for each in bars if each.ts_open >= stamp - DAY_NS]
        before = (
            day[0].open if day and day[0].ts_open <= stamp - DAY_NS + 2 * day_step(day) else None
        )
        return m.Ticker(
            symbol=request.symbol,
            price=plainly(price),
            time=instant(stamp),
            age_s=self._age_s(stamp),
            status=status,
            high=_decimal(max(each.high for each in day)) if day else None,
            low=_decimal(min(each.low for each in day)) if day else None,
            volume=measured(_decimal(fsum(each.volume for each in day))) if day else None,
            change_frac=float(price) / before - 1.0 if before else None,
        )

    def series(self, _context: Context, request: m.ListSeries) -> Page[m.Series]:
        """List recorded series."""
        found = [
            each.series
            for each in self._recorded.series()
            if request.symbol.lower() in each.series.symbol.lower()
        ]
        return page_of(
            found,
            key=lambda each: f"{each.symbol} {parse_step(each.timeframe):020d}",
            limit=request.limit,
            cursor=request.cursor,
        )

    def series_details(self, _context: Context, request: m.ReadSeries) -> m.SeriesDetails:
        """Show one recorded series."""
        step_ns = parse_step(request.timeframe)
        for each in self._recorded.series():
            is_asked = each.series.symbol == request.symbol
            if is_asked and parse_step(each.series.timeframe) == step_ns:
                return each
        raise NotFound(
            code="SERIES_UNKNOWN",
            cause=f"nothing is recorded of {request.symbol} in {request.timeframe}",
            fix="see market-data/series for what is; import it, or fetch it",
        )

    def _is_running(self, request: m.ReadOhlcv) -> bool:
        is_traded = any(each.symbol == request.symbol for each in self._running.symbols())
        is_recorded = bool(self._recorded.steps(request.symbol))
        if request.source:
            is_there = is_traded if request.source == "running" else is_recorded
        else:
            is_there = is_traded or is_recorded
        if not is_there:
            raise self._unknown(request.symbol)
        return request.source == "running" if request.source else is_traded

    def _has_closed(self, symbol: str, end: int | None) -> bool:
        """Whether the newest bar of what runs ends at an instant or behind it."""
        newest = self._running.last_bar(symbol)
        return end is not None and newest is not None and newest.ts_close >= end

    def _must_trade(self, symbol: str) -> None:
        if not any(each.symbol == symbol for each in self._running.symbols()):
            raise self._unknown(symbol)

    def _unknown(self, symbol: str) -> NotFound:
        known = [each.symbol for each in self._running.symbols()]
        known += [each.symbol for each in self._recorded.symbols()]
        return NotFound(
            code="SYMBOL_UNKNOWN",
            cause=f"there is no instrument {symbol!r} with such data",
            fix=did_you_mean(symbol, sorted(set(known))),
        )

    def _bounds(
        self, request: m.ReadOhlcv, step_ns: int, base: int, start: int | None, end: int | None
    ) -> tuple[int, int]:
        """Return which recorded bars are read: enough for the candles asked for, and a bound."""
        first, last = self._recorded.span(request.symbol, base)
        span = (request.limit + 1) * step_ns
        high = last + base if end is None else end
        if start is None:
            low = max(first, bucket_open(high, step_ns) - span)
        else:
            low, high = start, min(high, start + 2 * span + step_ns)
        low = bucket_open(low, step_ns)
        if (high - low) // base > _BARS_READ:
            raise Malformed(
                code="RANGE_TOO_LONG",
                cause=f"{(high - low) // base:,} recorded bars are more than {_BARS_READ:,}",
                fix="ask for fewer candles at a time",
            )
        return low, high

    def _age_s(self, stamp: int) -> float:
        return max(0.0, (self._running.now_ns() - stamp) / 1e9)


def day_step(bars: Sequence[Bar]) -> int:
    """Return the length of bars, nanoseconds; 0 where there are none."""
    return bars[0].spec.step_ns if bars else 0


def _stamp(moment: Any, name: str) -> int:  # noqa: ANN401  # a datetime; mypy knows it at the call
    try:
        return nanoseconds(moment)
    except ValueError as error:
        raise Malformed(
            code="TIME_WITHOUT_ZONE", cause=f"{name}: {error}", fix="write 2024-01-31T00:00:00Z"
        ) from error


def _within(ts_open: int, start: int | None, end: int | None, step_ns: int) -> bool:
    """Whether a bar belongs to a longer candle that opens in ``[start, end)``."""
    bucket = bucket_open(ts_open, step_ns)
    return (start is None or bucket >= start) and (end is None or bucket < end)


class _Joined(NamedTuple):
    """Bars of one length, and of how many parts each lacks; `parts` is how many each has whole."""

    bars: Sequence[Bar]
    missing: Sequence[int]
    parts: int

    def rows(self, chosen: slice) -> "_Joined":
        return _Joined(self.bars[chosen], self.missing[chosen], self.parts)


def _joined(bars: Sequence[Bar], step_ns: int) -> _Joined:
    """Join bars into longer ones; the last is left out until its last part is there."""
    if not bars or bars[0].spec.step_ns == step_ns:
        return _Joined(bars, (0,) * len(bars), 1)
    first = bars[0]
    base_ns, spec = first.spec.step_ns, first.spec
    columns = {name: np.array([getattr(each, name) for each in bars]) for name in FIELDS}
    opens = np.array([each.ts_open for each in bars], dtype=np.int64)
    made = resample(Candles(first.instrument, base_ns, opens, columns), step_ns)
    longer = type(spec)(step_ns, spec.source, spec.origin)
    figures = (made.candles.columns[name].tolist() for name in FIELDS)
    stamps = zip(made.candles.ts_open.tolist(), made.ts_close.tolist(), strict=True)
    return _Joined(
        [
            Bar(first.instrument, longer, opened, closed, *each)
            for (opened, closed), each in zip(stamps, zip(*figures, strict=True), strict=True)
        ],
        made.missing.tolist(),
        step_ns // base_ns,
    )


def _coverage(joined: _Joined, step_ns: int) -> m.Coverage:
    bars = joined.bars
    gaps = tuple(
        m.CandleGap(
            start=instant(a.ts_open + step_ns),
            end=instant(b.ts_open),
            missing=(b.ts_open - a.ts_open) // step_ns - 1,
        )
        for a, b in pairwise(bars)
        if b.ts_open - a.ts_open > step_ns
    )
    wanted = (len(bars) + sum(gap.missing for gap in gaps)) * joined.parts
    there = len(bars) * joined.parts - sum(joined.missing)
    return m.Coverage(
        first=instant(bars[0].ts_open) if bars else None,
        last=instant(bars[-1].ts_open) if bars else None,
        candles=len(bars),
        gaps=gaps,
        fraction=there / wanted if bars else 0.0,
        incomplete=tuple(
            instant(bar.ts_open)
            for bar, missing in zip(bars, joined.missing, strict=True)
            if missing
        ),
    )


def _candle(bar: Bar) -> m.Candle:
    return m.Candle(
        time=instant(bar.ts_open),
        open=_decimal(bar.open),
        high=_decimal(bar.high),
        low=_decimal(bar.low),
        close=_decimal(bar.close),
        volume=_decimal(bar.volume),
    )


def middle(quote: Quote) -> Decimal:
    """Return the price between a quote's two, quote units."""
    return plainly(measured(_decimal((quote.bid + quote.ask) / 2.0)))


def _decimal(value: float) -> Decimal:
    """Return a recorded float as the decimal that its shortest text is."""
    return Decimal(repr(value))
