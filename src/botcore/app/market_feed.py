"""The market that the engine is given, for the process beside it: bars at once, the rest in time.

Quotes and trades can be thousands a second, and whoever shows them draws a few times a second: the
newest quote of each instrument and the last trades go out with each view.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from botcore.app.channel import MARKET, Publisher
from botcore.app.zmq_bus import ZmqFactSubscriber
from botcore.domain.market import BarsClosed, Quote, Trade
from botcore.kernel.guard import guarded

_TRADES_TOLD: Final = 200
_TAKE: Final = 1_000
_POLL_S: Final = 0.2
_ENCODE: Final = msgspec.msgpack.Encoder().encode
Told = BarsClosed | Quote | Trade


class MarketTeller:
    """The engine's end; used by the engine's thread.

    Args:
        publisher: the bus.
    """

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._quotes: dict[str, Quote] = {}
        self._trades: deque[Trade] = deque(maxlen=_TRADES_TOLD)

    def saw(self, event: object) -> None:
        """Take what the engine was given: bars are told now, quotes and trades at `flush`."""
        if isinstance(event, BarsClosed):
            self._publisher.publish_market(_ENCODE((event,)))
        elif isinstance(event, Quote):
            self._quotes[event.instrument] = event
        elif isinstance(event, Trade):
            self._trades.append(event)

    def flush(self) -> None:
        """Tell the newest quotes, and the trades since the last time."""
        if self._quotes or self._trades:
            self._publisher.publish_market(_ENCODE((*self._quotes.values(), *self._trades)))
            self._quotes.clear()
            self._trades.clear()


class MarketFeed:
    """The other end: hears on a thread of its own.

    Args:
        events: the engine's endpoint.
        token: the home's.
        on_event: called with each event; what it raises is let go, the next one comes.
    """

    def __init__(self, *, events: str, token: str, on_event: Callable[[Told], None]) -> None:
        self._on_event = on_event
        self._subscriber = ZmqFactSubscriber(events, MARKET, token=token, capacity=_TAKE)
        self._decoder = msgspec.msgpack.Decoder(tuple[Told, ...])
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="market", daemon=True)

    @property
    def refused(self) -> int:
        """How many messages came that were not the engine's."""
        return self._subscriber.refused

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        self._thread.join(timeout=2.0)

    def _listen(self) -> None:
        while not self._stopping.is_set():
            for message in self._subscriber.take(_TAKE, timeout_s=_POLL_S):
                guarded(self._take, message.payload)
        self._subscriber.close()

    def _take(self, payload: bytes) -> None:
        for event in self._decoder.decode(payload):
            self._on_event(event)
