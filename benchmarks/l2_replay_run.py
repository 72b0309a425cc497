"""Bot Core's L2 replay: raw lines through parser, book and venue, with a maker's quotes in it.

Stages are timed apart, each over all lines: ``read`` (unpacking the files), ``parse`` (bytes to
values), ``book`` (parse, and the order book under its sequence rules), ``venue`` (parse, book, and
the venue that matches, without orders) and ``quoted`` (the same with a bid and an ask taken back
and put anew each second: the figure that counts). ``--profile`` prints where the time of
``quoted`` goes instead.

The venue trades spot alone, so the futures' lines are given to it as a spot market with their own
tick and lot; only the sequence rule differs, and that is the book's to know.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import sys
from collections.abc import Callable
from decimal import Decimal

import botcore
from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.market import BookDelta, BookSnapshot, Quote, Trade
from botcore.domain.numbers import use_money_context
from botcore.domain.orders import OrderRef, OrderSpec, OrderType, Side
from botcore.marketdata.book import OrderBook
from botcore.venues.live.binance.parsing import Parser
from botcore.venues.simulated.book import BookVenue

from contestant import Time, timed
from l2_lines import LINES, RECORDINGS, REQUOTE_NS, STAMP_DIGITS, Recording, report

_ACCOUNT, _STRATEGY = AccountId("bench"), StrategyId("maker")
_USDT = Currency("USDT")
_JSON_AT = STAMP_DIGITS + 1


class Maker:
    """Keeps a bid and an ask at the best prices, put anew each second."""

    def __init__(self, venue: BookVenue, recording: Recording, instrument: InstrumentId) -> None:
        self._venue = venue
        self._instrument = instrument
        self._quantity = Decimal(recording.quantity)
        self._working: list[OrderRef] = []
        self.orders = 0

    def quote(self, quote: Quote, ts: int) -> None:
        """Take both orders back and put them at the quote's prices."""
        for ref in self._working:
            self._venue.cancel(ref, ts)
        self._working = [self._put(Side.BUY, quote.bid, ts), self._put(Side.SELL, quote.ask, ts)]

    def _put(self, side: Side, price: float, ts: int) -> OrderRef:
        self.orders += 1
        order = OrderSpec(
            client_order_id=ClientOrderId(f"o{self.orders}"),
            account=_ACCOUNT,
            strategy=_STRATEGY,
            instrument=self._instrument,
            side=side,
            type=OrderType.LIMIT,
            quantity=self._quantity,
            limit_price=Decimal(repr(price)),
        )
        self._venue.submit(order, ts)
        return OrderRef(order.client_order_id, self._instrument, _ACCOUNT)


def instrument_of(recording: Recording) -> Instrument:
    """Return the rules of a recorded market."""
    return Instrument(
        id=InstrumentId(f"{recording.base}USDT.BINANCE"),
        base=Currency(recording.base),
        quote=_USDT,
        settle=_USDT,
        tick=Decimal(recording.tick),
        lot=Decimal(recording.lot),
        min_quantity=Decimal(recording.lot),
        min_notional=Decimal(5),
    )


def venue_of(recording: Recording) -> BookVenue:
    """Return a venue with money on both sides."""
    instrument = instrument_of(recording)
    venue = BookVenue(instruments={instrument.id: instrument})
    venue.deposit(_ACCOUNT, _USDT, Decimal(10_000_000))
    venue.deposit(_ACCOUNT, instrument.base, Decimal(1_000))
    return venue


def parse_only(lines: list[bytes], recording: Recording) -> None:
    """Read every line into a value."""
    parse, instrument = Parser().parse, instrument_of(recording).id
    for line in lines:
        parse(line[_JSON_AT:], int(line[:STAMP_DIGITS]), instrument=instrument)


def book_only(lines: list[bytes], recording: Recording) -> None:
    """Read every line; keep the book."""
    parse, instrument = Parser().parse, instrument_of(recording).id
    book = OrderBook(instrument)
    for line in lines:
        value = parse(line[_JSON_AT:], int(line[:STAMP_DIGITS]), instrument=instrument)
        kind = type(value)
        if kind is BookDelta:
            book.apply(value)
        elif kind is BookSnapshot:
            book.snapshot(value)
    if not book.is_valid:
        raise RuntimeError(book.reason)


def through_venue(
    lines: list[bytes], recording: Recording, venue: BookVenue, maker: Maker | None
) -> None:
    """Give every line to the venue at the instant at which it was received."""
    parse, instrument = Parser().parse, instrument_of(recording).id
    on_quote, on_trade, on_book = venue.on_quote, venue.on_trade, venue.on_book
    due = 0
    for line in lines:
        ts = int(line[:STAMP_DIGITS])
        value = parse(line[_JSON_AT:], ts, instrument=instrument)
        kind = type(value)
        if kind is Quote:
            on_quote(value, ts)
            if maker is not None and ts >= due:
                due = ts + REQUOTE_NS
                maker.quote(value, ts)
        elif kind is Trade:
            on_trade(value, ts)
        elif kind is BookDelta or kind is BookSnapshot:
            on_book(value, ts)
        else:
            raise TypeError(value)


def main() -> int:
    """Time the stages, or profile the last one."""
    parser = argparse.ArgumentParser(description="Replay raw L2 lines through Bot Core.")
    parser.add_argument("--profile", action="store_true", help="print where the time goes")
    arguments = parser.parse_args()
    use_money_context()
    reading, read = timed(lambda: [(each, each.lines()) for each in RECORDINGS])
    count = sum(len(lines) for _, lines in read)
    if count != LINES:
        raise ValueError(f"{count} lines were recorded, not {LINES}")
    makers: list[tuple[BookVenue, Maker]] = []

    def over(run: Callable[[list[bytes], Recording], None]) -> Callable[[], None]:
        def run_all() -> None:
            for recording, lines in read:
                run(lines, recording)

        return run_all

    def unquoted(lines: list[bytes], recording: Recording) -> None:
        through_venue(lines, recording, venue_of(recording), None)

    def quoted(lines: list[bytes], recording: Recording) -> None:
        venue = venue_of(recording)
        maker = Maker(venue, recording, instrument_of(recording).id)
        makers.append((venue, maker))
        through_venue(lines, recording, venue, maker)

    if arguments.profile:
        sys.stdout.write(_profiled(over(quoted)))
        return 0
    times: dict[str, Time] = {"read": reading}
    for stage, run in (
        ("quoted", quoted),
        ("venue", unquoted),
        ("book", book_only),
        ("parse", parse_only),
    ):
        times[stage], _ = timed(over(run))
    report(
        name="Bot Core",
        version=botcore.__version__,
        times=times,
        orders=sum(maker.orders for _, maker in makers),
        trades=sum(len(venue.trades(_ACCOUNT)) for venue, _ in makers),
        notes="; ".join(f"{name}: {words}" for name, words in makers[0][0].describe()),
    )
    return 0


def _profiled(run: Callable[[], None]) -> str:
    profile = cProfile.Profile()
    profile.runcall(run)
    text = io.StringIO()
    pstats.Stats(profile, stream=text).strip_dirs().sort_stats("tottime").print_stats(20)
    return text.getvalue()


if __name__ == "__main__":
    sys.exit(main())
