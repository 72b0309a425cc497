"""The first price of each bar, as soon as it is certain which one that is."""

from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos
from botcore.domain.market import BarOpened, Trade


class Opens:
    """Finds the first price of each bar, once an instrument and bar.

    A print is the first of its bar when the one just before it, by the venue's id, lies in an
    earlier bar. Where prints were missed, the candle that is still forming tells: its open is the
    first price, and it is known from the first print on.

    Args:
        step_ns: length of a bar.
    """

    def __init__(self, *, step_ns: int = MINUTE_NS) -> None:
        self._step = step_ns
        self._last: dict[InstrumentId, tuple[int, int]] = {}
        self._opened: dict[InstrumentId, int] = {}

    def trade(self, trade: Trade, trade_id: int) -> BarOpened | None:
        """Take a print; return the open it makes, or None."""
        opens_at = trade.ts_event // self._step * self._step
        last = self._last.get(trade.instrument)
        self._last[trade.instrument] = (trade_id, opens_at)
        is_first = last is not None and last[0] + 1 == trade_id and last[1] < opens_at
        if not is_first:
            return None
        return self._open(trade.instrument, opens_at, trade.ts_event, trade.price)

    def forming(
        self, instrument: InstrumentId, opens_at: int, price: float, trades: int
    ) -> BarOpened | None:
        """Take a candle that is still forming, of `trades` prints; return its open, or None."""
        if not trades:
            return None
        return self._open(instrument, opens_at, opens_at, price)

    def _open(
        self, instrument: InstrumentId, opens_at: int, ts: int, price: float
    ) -> BarOpened | None:
        if self._opened.get(instrument, -1) >= opens_at:
            return None
        self._opened[instrument] = opens_at
        return BarOpened(instrument, Nanos(ts), price)
