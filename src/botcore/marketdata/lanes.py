"""What was seen last of each symbol and of each venue's clock: the memory of the processor."""

from collections import deque
from typing import Final

from botcore.domain.errors import ConfigError
from botcore.domain.ids import SECOND_NS, InstrumentId
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BarSpec
from botcore.marketdata.anomalies import AnomalyConfig, ClockSkew, ReturnWatch
from botcore.marketdata.plausibility import Refusal, TickGrid
from botcore.marketdata.quarantine import RefusalReason
from botcore.marketdata.staleness import Pulse, Rhythm, StalenessConfig

EventId = int | str | None
"""A venue's id of an event: an int counts up within a symbol's stream, a str only differs."""

_REMEMBERED: Final = 512
"""Ids of a stream that are known again; an overlap of two connections is far shorter."""
_CHANGES_MIN: Final = 8


class Stream:
    """The order of one kind of a symbol's events: each once, none older than the last (E62)."""

    __slots__ = ("_names", "_newest", "_numbers", "ts")

    def __init__(self) -> None:
        self.ts = 0
        self._newest: int | None = None
        self._numbers: deque[int] = deque(maxlen=_REMEMBERED)
        self._names: dict[str, None] = {}

    def admit(self, ts: int, event_id: EventId) -> Refusal | None:
        """Take an event as the newest one, or say why it is not; a refused one changes nothing."""
        newest = self._newest
        if type(event_id) is int:
            # What counts up needs no look at the past, unless it does not count up.
            if newest is not None and event_id <= newest:
                if event_id in self._numbers:
                    return _again(event_id)
                return RefusalReason.OUT_OF_ORDER, f"event {event_id} is older than {newest}"
        elif event_id in self._names:
            return _again(event_id)
        if ts < self.ts:
            late_s = (self.ts - ts) / SECOND_NS
            return RefusalReason.OUT_OF_ORDER, f"its stamp is {late_s:g} s before the last one"
        self.ts = ts
        if type(event_id) is int:
            self._newest = event_id
            self._numbers.append(event_id)
        elif type(event_id) is str:
            self._names[event_id] = None
            if len(self._names) > _REMEMBERED:
                del self._names[next(iter(self._names))]
        return None

    def forget_ids(self) -> None:
        """Let ids begin anew; stamps go on."""
        self._newest = None
        self._numbers.clear()
        self._names.clear()


class VenueClock:
    """A venue's clock and connection, as far as they are known from its data.

    Attributes:
        skew: how far the local clock is from the venue's.
        heartbeat_ns: the last sign of life that was no accepted datum.
        lost_ns: when the connection was said to be lost, None if it was not.
        is_skewed: whether a finding of the skew stands.
    """

    __slots__ = ("heartbeat_ns", "is_skewed", "lost_ns", "skew")

    def __init__(self, config: AnomalyConfig) -> None:
        self.skew = ClockSkew(config.skew_window)
        self.heartbeat_ns: int | None = None
        self.lost_ns: int | None = None
        self.is_skewed = False

    def now_ns(self, local_ns: int) -> int:
        """Return the venue's time at a local instant; the local one while nothing is measured."""
        offset = self.skew.offset_ns
        return local_ns if offset is None else local_ns - offset


class Lane:
    """One symbol: its streams, its rhythm, its price and its rules."""

    __slots__ = (
        "_anomalies",
        "_bars",
        "_book",
        "_grid",
        "changes",
        "check_price_at_ns",
        "deltas",
        "instrument",
        "is_price_stale",
        "mids",
        "prints",
        "pulse",
        "quotes",
        "snapshots",
        "trades",
        "venue",
    )

    def __init__(
        self,
        instrument: InstrumentId,
        venue: VenueClock,
        *,
        since_ns: int,
        rules: InstrumentBook | None,
        anomalies: AnomalyConfig,
        staleness: StalenessConfig,
    ) -> None:
        self.instrument = instrument
        self.venue = venue
        self._book = rules if rules is not None and instrument in rules.ids() else None
        self._grid: TickGrid | None = None
        self._anomalies = anomalies
        self.trades = Stream()
        self.quotes = Stream()
        self.deltas = Stream()
        self.snapshots = Stream()
        self._bars: dict[BarSpec, tuple[Stream, ReturnWatch]] = {}
        self.prints = ReturnWatch(anomalies)
        self.mids = ReturnWatch(anomalies)
        self.pulse = Pulse(instrument, since_ns, staleness)
        self.changes = Rhythm(window=staleness.window, intervals_min=_CHANGES_MIN)
        self.is_price_stale = False
        self.check_price_at_ns = 0

    def bars(self, spec: BarSpec) -> tuple[Stream, ReturnWatch]:
        """Return the order and the closes of the bars of one kind."""
        found = self._bars.get(spec)
        if found is None:
            found = self._bars[spec] = (Stream(), ReturnWatch(self._anomalies))
        return found

    def grid(self, ts: int) -> TickGrid | None:
        """Return the prices that are possible at `ts`, or None where no rules are in force."""
        if self._book is None:
            return None
        grid = self._grid
        if grid is None or not grid.valid_from <= ts < grid.valid_to:
            try:
                grid = TickGrid(self._book.at(self.instrument, ts))
            except ConfigError:
                return None
            self._grid = grid
        return grid

    def forget_ids(self) -> None:
        """Let the ids of all streams begin anew, as after a reconnect."""
        for stream in (self.trades, self.quotes, self.deltas, self.snapshots):
            stream.forget_ids()


def _again(event_id: EventId) -> Refusal:
    return RefusalReason.DUPLICATE, f"event {event_id} came a second time"
