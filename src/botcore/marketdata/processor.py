"""Market data as it comes in becomes market data that may be acted on, or goes into quarantine."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from botcore.domain.errors import ConfigError
from botcore.domain.ids import SECOND_NS, InstrumentId, instrument_id, parse_instrument_id
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import Bar, BarsClosed, BookDelta, BookSnapshot, Quote, Trade
from botcore.kernel.clock import Clock
from botcore.marketdata.anomalies import AnomalyConfig, AnomalyKind, Finding
from botcore.marketdata.detection import NOTHING, AnomalyDetector, Findings
from botcore.marketdata.lanes import EventId, Lane, VenueClock
from botcore.marketdata.plausibility import (
    Refusal,
    check_bar,
    check_delta,
    check_quote,
    check_snapshot,
    check_trade,
)
from botcore.marketdata.quarantine import (
    MarketDatum,
    Quarantine,
    Quarantined,
    RefusalReason,
)
from botcore.marketdata.staleness import StalenessConfig, SymbolHealth

_EARLIEST_NS: Final = 1_230_768_000 * SECOND_NS
"""2009-01-01: no venue is older, and a stamp in milliseconds taken for nanoseconds is."""

_USUAL_ANOMALIES: Final = AnomalyConfig()
_USUAL_STALENESS: Final = StalenessConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessorConfig:
    """Bounds of what is believed.

    Attributes:
        ahead_max_ns: a stamp this far ahead of the local clock is refused; less is clock skew,
            which is measured.
        bar_ahead_max_ns: the same for the close of a bar, once the venue's clock is measured.
        earliest_ns: an older stamp is no stamp, nanoseconds UTC.
        symbols_max: how many symbols can be subscribed to.
        quarantined_max: how many refused things are kept to be looked at.
        findings_max: how many findings are kept to be looked at.
        anomalies: what is odd.
        staleness: what is silent.
    """

    ahead_max_ns: int = 10 * SECOND_NS
    bar_ahead_max_ns: int = 2 * SECOND_NS
    earliest_ns: int = _EARLIEST_NS
    symbols_max: int = 4_096
    quarantined_max: int = 512
    findings_max: int = 512
    anomalies: AnomalyConfig = _USUAL_ANOMALIES
    staleness: StalenessConfig = _USUAL_STALENESS


_DEFAULT: Final = ProcessorConfig()


class Processed(msgspec.Struct, frozen=True, gc=False):
    """Market data that is possible, new and in order.

    Attributes:
        data: what came in; of several bars, those that were not refused.
        findings: what is odd about it; mostly nothing.
        refused: the bars that are not in `data`.
    """

    data: MarketDatum
    findings: Findings = NOTHING
    refused: tuple[Quarantined, ...] = ()


class MarketDataProcessor:
    """The door of the room: nothing gets past it that cannot be, is old, or was seen before.

    Refused are prices that are not finite or not above 0, negative quantities, bars that
    contradict themselves or are unfinished (E12), prices off the tick where the rules of the
    instrument are known, crossed books (E26), stamps from the future, and what is older than what
    was seen or was seen before (E62). What is possible but odd passes, with findings. A venue's
    feed handler rebuilds books; here only their events are judged one by one.

    Args:
        clock: the local clock, for whatever is given without an instant.
        instruments: the rules of instruments; prices of others are not held against a tick.
        config: bounds.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        instruments: InstrumentBook | None = None,
        config: ProcessorConfig = _DEFAULT,
    ) -> None:
        self._clock = clock
        self._instruments = instruments
        self._config = config
        self._lanes: dict[InstrumentId, Lane] = {}
        self._venues: dict[str, VenueClock] = {}
        self._detector = AnomalyDetector(config.anomalies, capacity=config.findings_max)
        self.quarantine = Quarantine(capacity=config.quarantined_max)
        # Any: each takes its own kind of datum, which its key says.
        self._handlers: dict[type, Callable[[Any, int, EventId], Processed | Quarantined]] = {
            Trade: self._trade,
            Quote: self._quote,
            Bar: self._bar,
            BarsClosed: self._bars,
            BookSnapshot: self._snapshot,
            BookDelta: self._delta,
        }

    def subscribe(self, symbols: Iterable[str]) -> tuple[InstrumentId, ...]:
        """Take the data of these symbols from now on.

        Args:
            symbols: instrument ids, ``BTCUSDT.BINANCE``; one that is taken already stays as it is.

        Returns:
            Those that are new, in the order given.

        Raises:
            ConfigError: one is malformed, or they would be too many; then none is taken.
        """
        wanted = [symbols] if isinstance(symbols, str) else symbols
        new = [
            each for each in dict.fromkeys(map(instrument_id, wanted)) if each not in self._lanes
        ]
        count = len(self._lanes) + len(new)
        if count > self._config.symbols_max:
            raise ConfigError(
                code="SYMBOLS_TOO_MANY",
                cause=f"{count} symbols are more than the limit of {self._config.symbols_max}",
                fix="unsubscribe from some, or run another process for the others",
            )
        now = self._clock.now_ns()
        for instrument in new:
            self._lanes[instrument] = Lane(
                instrument,
                self._venue(parse_instrument_id(instrument)[2]),
                since_ns=now,
                rules=self._instruments,
                anomalies=self._config.anomalies,
                staleness=self._config.staleness,
            )
        return tuple(new)

    def unsubscribe(self, symbols: Iterable[str]) -> None:
        """Refuse the data of these symbols from now on, and forget what was seen of them."""
        for symbol in [symbols] if isinstance(symbols, str) else symbols:
            lane = self._lanes.pop(InstrumentId(symbol), None)
            if lane is not None:
                self._detector.forget(lane)

    @property
    def symbols(self) -> tuple[InstrumentId, ...]:
        """What is subscribed to, in the order in which it was."""
        return tuple(self._lanes)

    def process_data(
        self,
        data: MarketDatum,
        *,
        ts_init: int | None = None,
        event_id: EventId = None,
        is_closed: bool = True,
    ) -> Processed | Quarantined:
        """Judge one datum, and let it be the newest of its symbol if it may be acted on.

        Args:
            data: a trade, a quote, a bar or several of one close, a snapshot or delta of a book.
            ts_init: when it was received, local clock, nanoseconds UTC; None is now. Where it
                equals the stamp of `data`, the venue sent none and no clock is measured by it.
            event_id: the venue's id of it. An int counts up within a symbol's stream of this kind
                (a trade's id, a quote's update id), a str only tells two events apart. Books carry
                their own.
            is_closed: False if the venue says that a bar is still forming.

        Returns:
            `Processed`, or `Quarantined` with the reason; a refused datum has moved nothing.
        """
        now = self._clock.now_ns() if ts_init is None else ts_init
        handler = self._handlers.get(type(data))
        if handler is None:
            kind = type(data).__name__
            refusal = RefusalReason.UNKNOWN_KIND, f"{kind} is no kind of market data"
            return self._refuse(data, None, now, refusal)
        if not is_closed:
            return self._unfinished(data, now)
        return handler(data, now, event_id)

    def heartbeat(self, venue: str, *, ts_init: int | None = None) -> None:
        """Take note that a venue's connection gave a sign of life that is no data."""
        known = self._venue(venue)
        known.heartbeat_ns = self._clock.now_ns() if ts_init is None else ts_init

    def connection_lost(self, venue: str, *, ts_init: int | None = None) -> None:
        """Take note that a venue's connection is gone: its symbols are DOWN until data comes.

        Ids may begin anew after it; stamps may not.
        """
        known = self._venue(venue)
        known.lost_ns = self._clock.now_ns() if ts_init is None else ts_init
        for lane in self._lanes.values():
            if lane.venue is known:
                lane.forget_ids()

    def health(self, symbol: str, *, now_ns: int | None = None) -> SymbolHealth:
        """Return how alive a symbol's data is at `now_ns` (local clock; None is now).

        Raises:
            ConfigError: it is not subscribed to.
        """
        lane = self._lanes.get(InstrumentId(symbol))
        if lane is None:
            raise ConfigError(
                code="SYMBOL_NOT_SUBSCRIBED",
                cause=f"{symbol} is not subscribed to",
                fix="subscribe to it first",
            )
        return self._health(lane, self._clock.now_ns() if now_ns is None else now_ns)

    def assess(self, *, now_ns: int | None = None) -> tuple[SymbolHealth, ...]:
        """Return how alive the data of each subscribed symbol is at `now_ns`."""
        now = self._clock.now_ns() if now_ns is None else now_ns
        return tuple(self._health(lane, now) for lane in self._lanes.values())

    def clock_offset_ns(self, venue: str) -> int | None:
        """Return local minus venue time, the median of the last stamps; None before it is known.

        Negative where the local clock is behind. It holds the way from the venue, which is not
        known.
        """
        known = self._venues.get(venue)
        return None if known is None else known.skew.offset_ns

    @property
    def findings(self) -> Findings:
        """The last findings, oldest first."""
        return self._detector.findings

    @property
    def finding_counts(self) -> Mapping[tuple[InstrumentId, AnomalyKind], int]:
        """How many were found since the start, by instrument and kind; a live view."""
        return self._detector.counts

    def _trade(self, trade: Trade, now: int, event_id: EventId) -> Processed | Quarantined:
        lane = self._lanes.get(trade.instrument)
        if lane is None:
            return self._unsubscribed(trade, trade.instrument, now)
        ts = trade.ts_event
        findings = self._detector.stamp(lane, ts, now)
        refusal = (
            check_trade(trade, lane.grid(ts))
            or self._stamp(ts, now)
            or lane.trades.admit(ts, event_id)
        )
        if refusal is not None:
            return self._refuse(trade, lane, now, refusal)
        lane.pulse.beat(now)
        return Processed(
            trade, findings + self._detector.price(lane, lane.prints, trade.price, now)
        )

    def _quote(self, quote: Quote, now: int, event_id: EventId) -> Processed | Quarantined:
        lane = self._lanes.get(quote.instrument)
        if lane is None:
            return self._unsubscribed(quote, quote.instrument, now)
        ts = quote.ts_event
        findings = self._detector.stamp(lane, ts, now)
        refusal = (
            check_quote(quote, lane.grid(ts))
            or self._stamp(ts, now)
            or lane.quotes.admit(ts, event_id)
        )
        if refusal is not None:
            return self._refuse(quote, lane, now, refusal)
        mid = quote.bid + 0.5 * (quote.ask - quote.bid)  # neither overflows nor becomes 0
        lane.pulse.beat(now)
        findings += self._detector.price(lane, lane.mids, mid, now)
        return Processed(quote, findings)

    def _snapshot(self, book: BookSnapshot, now: int, _id: EventId) -> Processed | Quarantined:
        lane = self._lanes.get(book.instrument)
        if lane is None:
            return self._unsubscribed(book, book.instrument, now)
        ts = book.ts_event
        findings = self._detector.stamp(lane, ts, now)
        refusal = (
            check_snapshot(book, lane.grid(ts))
            or self._stamp(ts, now)
            # Not by its id: in a quiet market the same book is asked for, and sent, again.
            or lane.snapshots.admit(ts, None)
        )
        if refusal is not None:
            return self._refuse(book, lane, now, refusal)
        lane.pulse.beat(now)
        return Processed(book, findings)

    def _delta(self, delta: BookDelta, now: int, _id: EventId) -> Processed | Quarantined:
        lane = self._lanes.get(delta.instrument)
        if lane is None:
            return self._unsubscribed(delta, delta.instrument, now)
        ts = delta.ts_event
        findings = self._detector.stamp(lane, ts, now)
        refusal = (
            check_delta(delta, lane.grid(ts))
            or self._stamp(ts, now)
            or lane.deltas.admit(ts, delta.last_id)
        )
        if refusal is not None:
            return self._refuse(delta, lane, now, refusal)
        lane.pulse.beat(now)
        return Processed(delta, findings)

    def _bars(self, closed: BarsClosed, now: int, event_id: EventId) -> Processed | Quarantined:
        good: list[Bar] = []
        findings: list[Finding] = []
        refused: list[Quarantined] = []
        for bar in closed.bars:
            if bar.ts_close == closed.ts_close:
                judged = self._bar(bar, now, event_id)
            else:
                cause = f"it closes at {bar.ts_close}, not at {closed.ts_close} as it came"
                refusal = RefusalReason.BAR_INCONSISTENT, cause
                judged = self._refuse(bar, bar.instrument, now, refusal)
            if isinstance(judged, Quarantined):
                refused.append(judged)
            else:
                good.append(bar)
                findings.extend(judged.findings)
        if not refused:
            return Processed(closed, tuple(findings))
        if not good:
            first = refused[0]  # each bar has been counted: the whole is not counted again
            return Quarantined(first.reason, first.cause, first.instrument, now, closed)
        return Processed(BarsClosed(closed.ts_close, tuple(good)), tuple(findings), tuple(refused))

    def _bar(self, bar: Bar, now: int, _id: EventId) -> Processed | Quarantined:
        lane = self._lanes.get(bar.instrument)
        if lane is None:
            return self._unsubscribed(bar, bar.instrument, now)
        stream, closes = lane.bars(bar.spec)
        refusal = (
            check_bar(bar, lane.grid(bar.ts_open))
            or self._bar_stamp(bar, lane, now)
            # Its open is its id: one bar of a kind opens at an instant.
            or stream.admit(bar.ts_open, bar.ts_open)
        )
        if refusal is not None:
            return self._refuse(bar, lane, now, refusal)
        step = lane.pulse.step_ns
        lane.pulse.step_ns = min(step, bar.spec.step_ns) if step else bar.spec.step_ns
        lane.pulse.beat(now)
        return Processed(bar, self._detector.price(lane, closes, bar.close, now))

    def _stamp(self, ts: int, now: int) -> Refusal | None:
        if ts > now + self._config.ahead_max_ns:
            cause = (
                f"its stamp is {(ts - now) / SECOND_NS:g} s ahead of the local clock, more than "
                f"{self._config.ahead_max_ns / SECOND_NS:g} s: one of the two clocks is wrong"
            )
            return RefusalReason.STAMP_IN_FUTURE, cause
        if ts < self._config.earliest_ns:
            return RefusalReason.STAMP_IMPLAUSIBLE, f"its stamp {ts} is no instant in nanoseconds"
        return None

    def _bar_stamp(self, bar: Bar, lane: Lane, now: int) -> Refusal | None:
        """Refuse a bar whose close has not come yet by the venue's clock (E12)."""
        is_measured = lane.venue.skew.offset_ns is not None
        bounds = self._config
        ahead = bar.ts_close - lane.venue.now_ns(now)
        if ahead > (bounds.bar_ahead_max_ns if is_measured else bounds.ahead_max_ns):
            return (
                RefusalReason.BAR_UNFINISHED,
                f"it closes only in {ahead / SECOND_NS:g} s, by the clock of the venue",
            )
        if bar.ts_open < bounds.earliest_ns:
            return (
                RefusalReason.STAMP_IMPLAUSIBLE,
                f"its open {bar.ts_open} is no instant in nanoseconds",
            )
        return None

    def _unfinished(self, data: MarketDatum, now: int) -> Quarantined:
        first = data.bars[0] if isinstance(data, BarsClosed) and data.bars else data
        name = None if isinstance(first, BarsClosed) else first.instrument
        refusal = RefusalReason.BAR_UNFINISHED, "the venue says that it is still forming"
        return self._refuse(data, name, now, refusal)

    def _unsubscribed(self, data: MarketDatum, name: InstrumentId, now: int) -> Quarantined:
        refusal = RefusalReason.NOT_SUBSCRIBED, f"{name} is not subscribed to"
        return self._refuse(data, name, now, refusal)

    def _refuse(
        self, data: object, of: Lane | InstrumentId | None, now: int, refusal: Refusal
    ) -> Quarantined:
        reason, cause = refusal
        name = of.instrument if isinstance(of, Lane) else of
        if isinstance(of, Lane):
            of.venue.heartbeat_ns = now  # refused data is no data, but somebody is there
            if reason is RefusalReason.BOOK_CROSSED:
                self._detector.crossed(of, cause, now)
        refused = Quarantined(reason, cause, name, now, data)
        self.quarantine.add(refused)
        return refused

    def _health(self, lane: Lane, now: int) -> SymbolHealth:
        return lane.pulse.health(now, lane.venue.heartbeat_ns, lane.venue.lost_ns)

    def _venue(self, name: str) -> VenueClock:
        known = self._venues.get(name)
        if known is None:
            known = self._venues[name] = VenueClock(self._config.anomalies)
        return known
