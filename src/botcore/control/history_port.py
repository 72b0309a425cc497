"""What handlers need of what was stored: pages of what happened, and the way from then to now.

Every function blocks and is one short read that holds no writer up; what it returns was committed:
it may be a moment behind the engine, never ahead. All raise `StorageError` where the store cannot
be read.
"""

from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

import msgspec

from botcore.control.operations import Page
from botcore.control.schema.ledger import Balance, Posting
from botcore.control.schema.orders import Order
from botcore.control.schema.risk import DeniedIntent, ModeChange
from botcore.control.schema.trades import Fill
from botcore.domain.ids import Nanos
from botcore.domain.orders import OrderState, Side

T = TypeVar("T")


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """Stamps ``[start, end)``, nanoseconds; None is open."""

    start: int | None = None
    end: int | None = None


class Asked(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Which part of a list is asked for.

    Attributes:
        only: filters.
        cursor: of the page before; empty begins.
        is_oldest: the oldest first; else the newest.
    """

    account: str
    only: T
    span: Span = Span()
    limit: int
    cursor: str = ""
    is_oldest: bool = False


class OnlyOrders(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of orders; None and empty are no filter."""

    states: Collection[OrderState] = ()
    strategy: str | None = None
    instrument: str | None = None
    side: Side | None = None


class OnlyFills(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of executions.

    Attributes:
        numbers: first and last number, both included; None is all.
    """

    strategy: str | None = None
    instrument: str | None = None
    side: Side | None = None
    order_id: str | None = None
    numbers: tuple[int, int] | None = None


class OnlyPostings(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of postings."""

    ledger: str | None = None
    currency: str | None = None
    cause: str | None = None
    reference: str | None = None


class OnlyDenials(msgspec.Struct, frozen=True, kw_only=True):
    """Filters of denials."""

    strategy: str | None = None
    instrument: str | None = None
    code: str | None = None


class Nothing(msgspec.Struct, frozen=True):
    """No filter."""


class Sample(msgspec.Struct, frozen=True):
    """Equity at one moment, and the highest up to then, as the engine knew it."""

    ts: int
    equity: float
    peak: float


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One execution as it was booked.

    Attributes:
        number: increases with every movement of the account.
        reference: ``<order>/<execution>``.
        base, quote: what was traded against what.
    """

    number: int
    ts: Nanos
    reference: str
    order_id: str
    strategy: str
    instrument: str
    base: str
    quote: str
    side: Side
    quantity: Decimal
    quote_amount: Decimal
    fee: Decimal
    fee_currency: str


class SetAside(msgspec.Struct, frozen=True, kw_only=True):
    """A remainder too small to sell was set aside, or, if negative, taken back.

    Attributes:
        quantity: base units.
        cost: of it, quote units.
    """

    number: int
    ts: Nanos
    strategy: str
    instrument: str
    quantity: Decimal
    cost: Decimal


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """Money or an asset came from outside, or, if negative, went there."""

    number: int
    ts: Nanos
    reference: str
    currency: str
    amount: Decimal


Movement = Execution | SetAside | Moved


class History(Protocol):
    """What was stored of the accounts."""

    def accounts(self) -> Sequence[str]:
        """Return the ids of all accounts that have a history."""
        ...

    def orders(self, asked: Asked[OnlyOrders]) -> Page[Order]:
        """Return orders by when they were placed.

        Raises:
            Malformed: the cursor is none of ours.
        """
        ...

    def order(self, client_order_id: str) -> Order | None:
        """Return one order, also one that ended long ago; None if it was never placed."""
        ...

    def children(self, client_order_id: str) -> Sequence[str]:
        """Return the ids of the orders that hang on one."""
        ...

    def fills(self, asked: Asked[OnlyFills]) -> Page[Fill]:
        """Return executions; raises as `orders`."""
        ...

    def count_fills(self, span: Span) -> int:
        """Return how many executions of all accounts lie in a span."""
        ...

    def reasons(self, order_ids: Collection[str]) -> Mapping[str, str]:
        """Return order → why it was placed, in words; without those of which nothing is known."""
        ...

    def postings(self, asked: Asked[OnlyPostings]) -> Page[Posting]:
        """Return postings; raises as `orders`."""
        ...

    def balances(self, account: str) -> Sequence[Balance]:
        """Return what each ledger holds of each currency, without the empty ones, sorted."""
        ...

    def samples(self, account: str, span: Span, *, limit: int) -> Sequence[Sample]:
        """Return the newest samples of equity in a span, oldest first."""
        ...

    def mode_changes(self, asked: Asked[Nothing]) -> Page[ModeChange]:
        """Return changes of the mode; raises as `orders`."""
        ...

    def denials(self, asked: Asked[OnlyDenials]) -> Page[DeniedIntent]:
        """Return what the risk gate denied; raises as `orders`."""
        ...

    def movements(self, account: str, *, after: int, limit: int) -> Sequence[Movement]:
        """Return about `limit` movements with higher numbers than `after`, lowest first.

        Empty means that there are no more.
        """
        ...

    def rate(self, asset: str, currency: str, ts: int) -> Decimal | None:
        """Return what one `asset` was worth in `currency` at `ts`, None where nobody here knows."""
        ...
