"""What the answers to questions need of the rest; `app` hands it in."""

from decimal import Decimal
from typing import NamedTuple, Protocol

from botcore.domain.ids import InstrumentId
from botcore.domain.market import Quote, Trade
from botcore.domain.orders import OrderType
from botcore.domain.questions import BookLevels


class Costs(Protocol):
    """What a venue takes, and how far from the reference orders fill, as it is modelled."""

    @property
    def fee_words(self) -> str:
        """Name the model of fees, for people."""
        ...

    @property
    def slippage_words(self) -> str:
        """Name the model of slippage, for people."""
        ...

    def fee_frac(self, kind: OrderType, *, takes: bool) -> Decimal:
        """Return the share of the notional that is taken as a fee.

        Args:
            kind: of the order.
            takes: whether its limit lies at or beyond the reference, so that it fills at once.
        """
        ...

    def slippage_frac(self, kind: OrderType) -> Decimal:
        """Return how far a fill is expected from the reference against us, as a share of it."""
        ...


class Marked(NamedTuple):
    """The newest price that moved a mark, and when it did, nanoseconds UTC."""

    price: float
    ts: int


class Prices(Protocol):
    """The newest prices that were heard, with their instants."""

    def mark(self, instrument: InstrumentId) -> Marked | None:
        """Return what moved the mark last; None where nothing has since the start."""
        ...

    def quote(self, instrument: InstrumentId) -> Quote | None:
        """Return the newest best prices; None where the feed has given none."""
        ...

    def trade(self, instrument: InstrumentId) -> Trade | None:
        """Return the newest trade; None where the feed has given none."""
        ...


class Books(Protocol):
    """What the source of prices can say of order books."""

    def book(self, instrument: InstrumentId, depth: int) -> BookLevels | None:
        """Return a book, best levels first; None where the source keeps none."""
        ...
