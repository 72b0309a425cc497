"""Closed bars out of a stream: of trades, or of shorter bars.

A bar comes out once it can no longer change, and never before (trap E12): when its last part is
there, or when the watermark has passed its end. The watermark is event time, the newest stamp of
the venue less an allowed lateness, so that the same stream gives the same bars at any speed.

What a missing stretch means is told apart (trap E13). Where the venue is shown to have been up,
since something of it was heard in that stretch, nothing traded: a flat bar of volume 0 stands
there. Where nothing was heard there is no bar, and the next one says that a gap is before it.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Final

import msgspec

from botcore.domain.ids import SECOND_NS, InstrumentId, Nanos
from botcore.domain.market import Bar, BarFlag, BarOrigin, BarsClosed, BarSpec, Trade
from botcore.marketdata.resampling import bucket_open, check_step

TRADE_LATENESS_NS: Final = 2 * SECOND_NS
"""How far a trade may be behind the newest event by default, nanoseconds."""

_FLAT: Final = int(BarFlag.FLAT)
_GAP_BEFORE: Final = int(BarFlag.GAP_BEFORE)


class Ignored(msgspec.Struct, frozen=True):
    """What came in, or was about to come out, and did not.

    Attributes:
        late: trades and parts for a bar that had closed, copies of what is in it among them.
        duplicates: trades and parts that came again while their bar was open (trap E62).
        torn: bars withheld because not all of their trades were heard.
    """

    late: int = 0
    duplicates: int = 0
    torn: int = 0


class BarAggregator:
    """Bars of one length, for the instruments of one venue, out of their trades or shorter bars.

    Feed it with `on_trade` or with `on_bar`, never both. Each call returns the bars that it
    closed, by close stamp and instrument. A bar of shorter ones closes at once when all parts
    are there, else by the watermark; one with missing parts, and no proof that nothing traded in
    them, carries GAP_BEFORE, as does the first bar after a gap.

    Memory is bounded by what is heard within one bar and the lateness.

    Args:
        instruments: whose; all of one venue, for each of them shows that it is up.
        spec: what comes out. Made of trades its origin is BUILT, so that it never matches orders
            a second time (trap E18); made of shorter bars it is what the caller says.
        parts_ns: length of the shorter bars, nanoseconds, up to that of `spec` (where it is
            equal, flat bars are filled in and gaps flagged); None makes bars of trades.
        since_ns: from when on the stream is whole, nanoseconds UTC. A bar of trades that opens
            before is withheld.
        lateness_ns: how far an event may be behind the newest one of any instrument; a bar counts
            as an event at its close. None is `TRADE_LATENESS_NS` for trades and one part for
            bars.
        last_closes: closes of the bars that end where this stream begins, for the flat bars of
            instruments that do not trade at first.

    Raises:
        ConfigError: the length does not fit the calendar or its parts; see `check_step`.
    """

    def __init__(
        self,
        instruments: Iterable[InstrumentId],
        spec: BarSpec,
        *,
        since_ns: int,
        parts_ns: int | None = None,
        lateness_ns: int | None = None,
        last_closes: Mapping[InstrumentId, float] | None = None,
    ) -> None:
        check_step(spec.step_ns, parts_ns or 0)
        assert lateness_ns is None or lateness_ns >= 0, "an allowed lateness is not negative"
        assert parts_ns is not None or spec.origin is BarOrigin.BUILT, "bars of trades are BUILT"
        self._spec = spec
        self._of_trades = parts_ns is None
        self._parts_ns = parts_ns or spec.step_ns
        usual = TRADE_LATENESS_NS if parts_ns is None else parts_ns
        self._lateness = usual if lateness_ns is None else lateness_ns
        first = bucket_open(since_ns, spec.step_ns)
        torn = self._of_trades and first < since_ns
        self._lost = [(first, since_ns)] if torn else []
        self._boundary = first  # every bar that opens before it is decided
        # Where the next bar of each instrument opens if nothing is missing before it.
        self._expected = dict.fromkeys(sorted(instruments), first + spec.step_ns if torn else first)
        self._closes = dict(last_closes or {})
        self._forming: dict[tuple[InstrumentId, int], _Forming] = {}
        self._heard: dict[int, set[int]] = {}  # open of a bar → opens of its parts
        self._ignored = Ignored()

    @property
    def ignored(self) -> Ignored:
        """What was not taken since the start."""
        return self._ignored

    def on_trade(self, trade: Trade, *, trade_id: int | None = None) -> tuple[Bar, ...]:
        """Take a trade and return the bars that its stamp closes.

        Args:
            trade: in any order; one for a bar that has closed is counted and changes nothing.
                Its stamp was checked at the door: one from the future would close all bars up to
                it.
            trade_id: the venue's, by which a trade that comes twice counts once and trades of
                one stamp stand in order; None where the venue has none.
        """
        assert self._of_trades, "this aggregator joins bars"
        forming = self._taking(trade.instrument, trade.ts_event, trade_id)
        if forming is None:
            return ()
        price = trade.price
        forming.add((trade.ts_event, trade_id or 0), price, price, price, price, trade.quantity)
        return self.heard(trade.ts_event)

    def on_bar(self, bar: Bar) -> tuple[Bar, ...]:
        """Take a part, closed by the venue's flag, and return the bars that it closes."""
        assert not self._of_trades, "this aggregator joins trades"
        assert bar.spec.step_ns == self._parts_ns, "a part has the length it was announced with"
        assert bar.spec.source is self._spec.source, "a bar is made of one kind of price"
        forming = self._taking(bar.instrument, bar.ts_open, bar.ts_open)
        if forming is None:
            return ()
        forming.add((bar.ts_open, 0), bar.open, bar.high, bar.low, bar.close, bar.volume)
        forming.flags |= bar.flags
        self._note(bar.ts_open)
        closed = self.advance(bar.ts_close)
        ts_open = bucket_open(bar.ts_open, self._spec.step_ns)
        whole = len(forming.seen) * self._parts_ns == self._spec.step_ns
        # Behind a bar that is not decided yet it waits: bars come out in the order of time.
        if whole and ts_open <= max(self._expected[bar.instrument], self._boundary):
            closed += self._close(bar.instrument, ts_open)
        return closed

    def heard(self, ts: int) -> tuple[Bar, ...]:
        """Note that the venue was up at `ts`, nanoseconds UTC, and return the bars that closes.

        Whatever the venue stamps is a proof: a quote, a depth update, another kind of bar.
        """
        self._note(ts)
        return self.advance(ts)

    def advance(self, ts: int) -> tuple[Bar, ...]:
        """Let event time reach `ts` with no proof that the venue is up; return what that closes."""
        boundary = bucket_open(ts - self._lateness, self._spec.step_ns)
        if boundary <= self._boundary:
            return ()
        closed: list[Bar] = []
        for ts_open in sorted(each for each in self._heard if each < boundary):
            for instrument in self._expected:
                closed.extend(self._close(instrument, ts_open))
            del self._heard[ts_open]
        self._boundary = boundary
        self._lost = [(start, end) for start, end in self._lost if end > boundary]
        return tuple(closed)

    def lost(self, start_ns: int, end_ns: int) -> None:
        """Note that not all was heard in ``[start_ns, end_ns)``: a connection broke and came back.

        A bar of trades that this touches is withheld, and nothing in it counts as quiet.
        """
        self._lost.append((start_ns, end_ns))

    def _note(self, ts: int) -> None:
        ts_open = bucket_open(ts, self._spec.step_ns)
        if ts_open >= self._boundary:
            self._heard.setdefault(ts_open, set()).add(bucket_open(ts, self._parts_ns))

    def _taking(self, instrument: InstrumentId, ts: int, identity: int | None) -> "_Forming | None":
        """Return the open bar that `ts` falls in, or None where there is nothing to take."""
        ts_open = bucket_open(ts, self._spec.step_ns)
        closed = ts_open < self._boundary
        if not self._of_trades:  # a bar of parts may close before the watermark
            closed |= ts_open < self._expected[instrument]
        if closed:
            self._count(late=self._ignored.late + 1)
            return None
        forming = self._forming.setdefault((instrument, ts_open), _Forming())
        if identity is not None:
            if identity in forming.seen:
                self._count(duplicates=self._ignored.duplicates + 1)
                return None
            forming.seen.add(identity)
        return forming

    def _close(self, instrument: InstrumentId, ts_open: int) -> tuple[Bar, ...]:
        """Decide what an instrument's bar is, once: a bar, a flat one, or none."""
        forming = self._forming.pop((instrument, ts_open), None)
        if forming is not None and self._of_trades and self._is_lost(ts_open):
            self._count(torn=self._ignored.torn + 1)
            return ()
        if ts_open < self._expected[instrument]:
            return ()  # closed by the venue's flag
        proven = self._is_proven(forming, ts_open)
        if forming is None:
            price = self._closes.get(instrument)
            if price is None or not proven:
                return ()
            forming = _Forming()
            forming.add((ts_open, 0), price, price, price, price, 0.0)
        whole = proven and ts_open == self._expected[instrument]
        self._expected[instrument] = ts_open + self._spec.step_ns
        self._closes[instrument] = forming.close
        return (forming.bar(instrument, self._spec, ts_open, 0 if whole else _GAP_BEFORE),)

    def _is_proven(self, forming: "_Forming | None", ts_open: int) -> bool:
        """Whether each part is there, or is shown to have had no trade."""
        if forming is not None and self._of_trades:
            return True
        ours = set[int]() if forming is None else forming.seen
        heard = self._heard.get(ts_open, set())
        return all(
            part in ours or (part in heard and not self._is_lost(part))
            for part in range(ts_open, ts_open + self._spec.step_ns, self._parts_ns)
        )

    def _is_lost(self, part: int) -> bool:
        """Whether a part, from its open on, was not or not all heard."""
        return any(part < end and start < part + self._parts_ns for start, end in self._lost)

    def _count(self, **counts: int) -> None:
        self._ignored = msgspec.structs.replace(self._ignored, **counts)


class _Forming:
    """A bar that may still change."""

    __slots__ = ("close", "first", "flags", "high", "last", "low", "open", "seen", "volume")

    def __init__(self) -> None:
        self.seen: set[int] = set()  # ids of trades, or opens of parts
        self.first: tuple[int, int] | None = None
        self.last = (0, 0)
        self.open = self.high = self.low = self.close = self.volume = 0.0
        self.flags = 0

    def add(  # noqa: PLR0917 – the fields of a bar, in their order
        self,
        at: tuple[int, int],
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float,
    ) -> None:
        """Add a trade or a part that stands at a stamp, and at a place among those of one stamp."""
        if self.first is None:
            self.first, self.last = at, at
            self.open, self.high, self.low, self.close = open_, high, low, close
        else:
            if at < self.first:
                self.first, self.open = at, open_
            if at >= self.last:
                self.last, self.close = at, close
            self.high = max(self.high, high)
            self.low = min(self.low, low)
        self.volume += volume

    def bar(self, instrument: InstrumentId, spec: BarSpec, ts_open: int, flags: int) -> Bar:
        """Return it as it stands."""
        flags |= self.flags & _GAP_BEFORE
        if self.volume == 0.0 and self.high == self.low:
            flags |= _FLAT
        ts_close = ts_open + spec.step_ns
        prices = self.open, self.high, self.low, self.close
        return Bar(instrument, spec, ts_open, ts_close, *prices, self.volume, flags)


def closed_together(bars: Iterable[Bar]) -> tuple[BarsClosed, ...]:
    """Group closed bars into the inputs they are: one a close stamp, in the engine's order.

    Smallest timeframe first, then by instrument, so that a longer bar stands beside the last of
    the shorter ones it covers, and never earlier (trap E103).
    """
    ordered = sorted(bars, key=lambda bar: (bar.ts_close, bar.spec.step_ns, bar.instrument))
    groups = groupby(ordered, key=lambda bar: bar.ts_close)
    return tuple(BarsClosed(Nanos(ts_close), tuple(group)) for ts_close, group in groups)
