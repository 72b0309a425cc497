"""Where the engine's process takes its prices from: simulated, an imported tape, or live."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from botcore.app.market_tape import Tape
from botcore.app.restoring import Restored
from botcore.control.views import StreamView
from botcore.domain.ids import InstrumentId
from botcore.domain.instruments import Instrument
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.domain.questions import BookLevels
from botcore.kernel.clock import Clock

MarketEvent = BarsClosed | BarOpened | Trade | Quote
Put = Callable[[MarketEvent, int], None]
"""Takes an event with its stamp; may block when the engine is behind."""

PutHistory = Callable[[BarsClosed, int], None]
"""Takes the bars of a stamp that is past, with that stamp."""


class History(msgspec.Struct, frozen=True):
    """What the strategies are fed before they trade.

    Attributes:
        events: oldest first.
        is_new: whether they have to be recorded, for no later start could get them again.
    """

    events: Sequence[BarsClosed]
    is_new: bool = False


class Market(Protocol):
    """A source of prices, with a clock of its own."""

    @property
    def name(self) -> str:
        """``simulated``, ``tape``, or the exchange."""
        ...

    @property
    def step_ns(self) -> int:
        """Length of its bars."""
        ...

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        """The rules of everything it gives prices of."""
        ...

    @property
    def clock(self) -> Clock:
        """Its own; there is one once it is open."""
        ...

    @property
    def clock_words(self) -> str:
        """How that clock runs, in words."""
        ...

    def banner(self) -> str:
        """Return what must be said of these prices on every view, now; empty for none."""
        ...

    def open(self, *, wall: Clock, last: int) -> None:
        """Go to where it stood, or begin.

        Args:
            wall: the machine's clock.
            last: the newest instant on record; its clock does not go back behind it.

        Raises:
            BotError: what was kept is damaged, or there are no prices.
        """
        ...

    def history(self, restored: Restored, tape: Tape) -> History:
        """Return what came before now, for strategies that go on from `restored`."""
        ...

    def caught_up(self, decided_at: int) -> None:
        """Go on behind `decided_at`, the close of the last bar that was played."""
        ...

    def start(self, put: Put, put_history: PutHistory) -> None:
        """Begin to give prices, on a thread of its own.

        Args:
            put: takes each event.
            put_history: takes bars that were missed: strategies see them, nothing is traded on
                them.
        """
        ...

    def stop(self) -> None:
        """Stop giving prices, and wait for the thread."""
        ...

    def keep(self) -> None:
        """Keep where it stands.

        Raises:
            StorageError: it cannot be written.
        """
        ...

    def news(self) -> str:
        """Return once what a person must hear, such as that a tape has ended; else nothing."""
        ...

    def stream(self) -> StreamView | None:
        """Return what went through its streams since it was started; None where it has none."""
        ...

    def book(self, instrument: InstrumentId, depth: int) -> BookLevels | None:
        """Return an order book, best levels first; None where it keeps none."""
        ...

    @property
    def pace(self) -> float:
        """How much faster than the wall's its clock runs; 1 but for tapes."""
        ...

    @property
    def is_connected(self) -> bool:
        """Whether prices can come at all; while they cannot, the newest one is not live."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether no price will come any more."""
        ...

    @property
    def end_words(self) -> str:
        """What is said of that, with what a person can do."""
        ...
