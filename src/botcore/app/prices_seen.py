"""The newest prices as they were heard, with their instants: for people, no part of any state."""

from botcore.app.markets import MarketEvent
from botcore.domain.ids import InstrumentId
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.engine.ports import Marked


class PricesSeen:
    """Implements `engine.ports.Prices`; one entry a kind and instrument."""

    def __init__(self) -> None:
        self._marks: dict[InstrumentId, Marked] = {}
        self._quotes: dict[InstrumentId, Quote] = {}
        self._trades: dict[InstrumentId, Trade] = {}
        self.mark = self._marks.get
        self.quote = self._quotes.get
        self.trade = self._trades.get

    def ages_s(self, now: int) -> dict[str, float]:
        """Return instrument → seconds since its newest price, at the market's instant `now`."""
        return {name: max(0.0, (now - each.ts) / 1e9) for name, each in self._marks.items()}

    def see(self, event: MarketEvent) -> None:
        """Take what the market gave."""
        if isinstance(event, Quote):
            self._quotes[event.instrument] = event
            middle = (event.bid + event.ask) / 2.0
            self._marks[event.instrument] = Marked(middle, event.ts_event)
        elif isinstance(event, Trade):
            self._trades[event.instrument] = event
            self._marks[event.instrument] = Marked(event.price, event.ts_event)
        elif isinstance(event, BarsClosed):
            for bar in event.bars:
                self._marks[bar.instrument] = Marked(bar.close, bar.ts_close)
        elif isinstance(event, BarOpened):
            self._marks[event.instrument] = Marked(event.price, event.ts_open)
