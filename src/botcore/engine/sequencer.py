"""The one sequencer: every input gets its place in the total order, and only here."""

from botcore.domain.commands import (
    FundingSettled,
    Input,
    InstrumentChanged,
    ModelOutput,
    TimerFired,
)
from botcore.domain.keys import Key, Rank
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.domain.reports import VenueReport

_RANKS: dict[type, int] = {
    BarsClosed: Rank.BAR,
    ModelOutput: Rank.MODEL,
    InstrumentChanged: Rank.INSTRUMENT,
    FundingSettled: Rank.FUNDING,
    BarOpened: Rank.BAR_OPEN,
    Quote: Rank.BOOK,
    Trade: Rank.TRADE,
    VenueReport: Rank.VENUE_REPORT,
    TimerFired: Rank.TIMER,
}
RANKS: dict[type, int] = {kind: int(rank) for kind, rank in _RANKS.items()}
_COMMAND = int(Rank.COMMAND)
_BAR = int(Rank.BAR)


class Sequencer:
    """Gives keys. Time never goes back: an input stamped earlier takes the last stamp.

    Args:
        last: where an earlier session ended, so that `seq` is never used twice.
    """

    def __init__(self, last: Key | None = None) -> None:
        self._ts = last.ts if last else 0
        self._seq = last.seq if last else 0

    def key(self, event: Input, ts: int, *, source: int = 0) -> Key:
        """Return the place of an input that happened at `ts` (nanoseconds UTC)."""
        if ts < self._ts:
            ts = self._ts
        else:
            self._ts = ts
        self._seq = seq = self._seq + 1
        return Key(ts, RANKS.get(type(event), _COMMAND), source, seq)

    def bars(self, ts: int) -> Key:
        """Return the place of the bars that closed at `ts`, as `key` does for their input."""
        if ts < self._ts:
            ts = self._ts
        else:
            self._ts = ts
        self._seq = seq = self._seq + 1
        return Key(ts, _BAR, 0, seq)

    def pass_over(self, ts: int, count: int) -> None:
        """Leave out the places of `count` bars of which the last closed at `ts`."""
        self._ts = max(self._ts, ts)
        self._seq += count

    def answer(self, cause: Key) -> Key:
        """Return the place of an answer that the venue in process gives to a cause at once.

        It takes the cause's stamp and rank: it is a part of the same moment, and `seq` orders it.
        """
        self._seq += 1
        return Key(cause.ts, cause.rank, cause.source, self._seq)
