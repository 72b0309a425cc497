"""What market data's handlers need: the instruments and candles that are known, and from where."""

from collections.abc import Sequence
from typing import Protocol

from botcore.control.schema.market import SeriesDetails, Symbol
from botcore.domain.market import Bar, Quote, Trade


class RunningMarket(Protocol):
    """What the platform trades on, as it has been since some hours or days; bounded."""

    @property
    def step_ns(self) -> int:
        """Length of its bars; 0 while nothing runs."""
        ...

    def symbols(self) -> Sequence[Symbol]:
        """Return what is traded."""
        ...

    def bars(self, symbol: str) -> Sequence[Bar]:
        """Return the closed bars of an instrument, oldest first; empty where it is not traded."""
        ...

    def last_bar(self, symbol: str) -> Bar | None:
        """Return the newest closed bar of an instrument; None where there is none."""
        ...

    def quote(self, symbol: str) -> Quote | None:
        """Return the newest best prices; None where the feed gives none."""
        ...

    def trades(self, symbol: str) -> Sequence[Trade] | None:
        """Return the last trades, oldest first; None where the feed gives none."""
        ...

    def now_ns(self) -> int:
        """Return the feed's clock; 0 while nothing runs."""
        ...

    def status(self) -> str:
        """Return ``live``, ``stale`` or ``down``."""
        ...


class RecordedMarket(Protocol):
    """The lake of imported candles; its functions block."""

    def symbols(self) -> Sequence[Symbol]:
        """Return what is recorded."""
        ...

    def steps(self, symbol: str) -> Sequence[int]:
        """Return the timeframes that are recorded of an instrument, nanoseconds, ascending."""
        ...

    def bars(self, symbol: str, step_ns: int, start: int | None, end: int | None) -> Sequence[Bar]:
        """Return candles that open in ``[start, end)``, oldest first.

        Raises:
            DataError: nothing is recorded of it.
            StorageError: it cannot be read.
        """
        ...

    def span(self, symbol: str, step_ns: int) -> tuple[int, int]:
        """Return the opens of the oldest and the newest candle.

        Raises:
            DataError: nothing is recorded of it.
        """
        ...

    def series(self) -> Sequence[SeriesDetails]:
        """Return every series with its holes.

        Raises:
            StorageError: it cannot be read.
        """
        ...
