"""What was traded: single executions, and the round trips they make."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Operation, Page, Query
from botcore.control.schema.accounts import AccountName
from botcore.control.schema.values import (
    PAGE_DEFAULT,
    Cursor,
    InstrumentName,
    Limit,
    Money,
    Slug,
)
from botcore.domain.orders import Liquidity, Side

TripId = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern=r"^[0-9]+\Z")]


class TradeStatus(StrEnum):
    """Whether a round trip has come back to flat."""

    OPEN = "open"
    CLOSED = "closed"


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """One execution, with the venue's own figures.

    Attributes:
        id: the venue's id of it.
        time: when it happened, in the feed's clock.
        account, strategy: whose.
        instrument, symbol, venue: what was traded, and where.
        order_id, venue_order_id: the order it belongs to, as we and the venue know it.
        side: `BUY` or `SELL`.
        price: quote units a base unit.
        quantity: base units.
        quote_amount: what was paid or received for it, before the fee.
        fee: negative is a rebate.
        liquidity: `MAKER` or `TAKER`.
        flags: notes of the venue.
        reason: why its order was placed, in words; empty where none is known.
    """

    id: str
    time: datetime
    account: str
    strategy: str
    instrument: str
    symbol: str
    venue: str
    order_id: str
    venue_order_id: str | None
    side: Side
    price: Decimal
    quantity: Decimal
    quote_amount: Money
    fee: Money
    liquidity: Liquidity
    flags: tuple[str, ...] = ()
    reason: str = ""


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A round trip: a strategy's way on one instrument from flat to flat.

    Attributes:
        id: number of its first execution.
        status: `open` or `closed`.
        account, strategy: whose.
        instrument, symbol, venue: what was traded, and where.
        side: `long` or `short`.
        opened_at, closed_at: of the first and the last execution; `closed_at` is None while open.
        held_s: from the first to the last execution, seconds; None while open.
        quantity: the most that was held, base units.
        entry_price, exit_price: averages; `exit_price` is None before the first exit.
        stake: what the entries cost before fees.
        fees: quote value of the fees paid in quote and base.
        other_fees: fees paid in other currencies; they are not in `profit`.
        profit, profit_frac: after fees, and as a fraction of the stake; None while open.
        executions: how many.
        entry_reason, exit_reason: why the first entry and the last exit were ordered, in words.
    """

    id: str
    status: TradeStatus
    account: str
    strategy: str
    instrument: str
    symbol: str
    venue: str
    side: str
    opened_at: datetime
    closed_at: datetime | None
    held_s: float | None
    quantity: Decimal
    entry_price: Decimal
    exit_price: Decimal | None
    stake: Money
    fees: Money
    other_fees: tuple[Money, ...]
    profit: Money | None
    profit_frac: float | None
    executions: int
    entry_reason: str = ""
    exit_reason: str = ""


class TradeDetail(Trade, frozen=True, kw_only=True):
    """A round trip with its executions.

    Attributes:
        fills: oldest first; of very long ones the first and the last ones only.
    """

    fills: tuple[Fill, ...] = ()


class ListFills(Query[Page[Fill]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List executions, newest first.

    Attributes:
        account: whose; the first one by default.
        strategy, instrument, side: only these.
        order_id: only those of this order.
        start, end: only from `start` on and before `end`, UTC.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    account: AccountName = ""
    strategy: Slug | None = None
    instrument: InstrumentName | None = None
    side: Side | None = None
    order_id: Annotated[str, msgspec.Meta(max_length=36)] | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


class ListTrades(Query[Page[Trade]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List round trips with their profit and why they began and ended: open ones, then newest.

    Attributes:
        account: whose; the first one by default.
        strategy, instrument: only these.
        status: only `open` or `closed` ones.
        start, end: only those whose last execution lies from `start` on and before `end`, UTC.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    account: AccountName = ""
    strategy: Slug | None = None
    instrument: InstrumentName | None = None
    status: TradeStatus | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


class GetTrade(Query[TradeDetail], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show one round trip with its executions.

    Attributes:
        id: its number.
        account: whose; the first one by default.
    """

    id: TripId
    account: AccountName = ""


_PROBLEMS: Final = ("ACCOUNT_UNKNOWN", "CURSOR_MALFORMED", "TIME_WITHOUT_ZONE")

OPERATIONS: Final = (
    Operation(
        name="fills.list",
        request=ListFills,
        method="GET",
        path="/trading/fills",
        scope=Scope.READ_ACCOUNT,
        command=("fills", "list"),
        problems=_PROBLEMS,
        examples=(ListFills(), ListFills(instrument="BTCUSDT.SIM", limit=20)),
    ),
    Operation(
        name="trades.list",
        request=ListTrades,
        method="GET",
        path="/trades",
        aliases=("/api/trades/history",),
        scope=Scope.READ_ACCOUNT,
        command=("trades", "list"),
        problems=_PROBLEMS,
        examples=(ListTrades(), ListTrades(status=TradeStatus.CLOSED, limit=20)),
    ),
    Operation(
        name="trades.show",
        request=GetTrade,
        method="GET",
        path="/trades/{id}",
        scope=Scope.READ_ACCOUNT,
        command=("trades", "show"),
        positional=("id",),
        problems=("ACCOUNT_UNKNOWN", "TRADE_UNKNOWN"),
        examples=(GetTrade(id="4711"),),
    ),
)
