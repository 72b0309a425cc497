"""Tax lots, and the year's file for who does the taxes."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Operation, Page, Query, RouteClass
from botcore.control.schema.accounts import AccountName
from botcore.control.schema.ledger import CurrencyCode
from botcore.control.schema.values import PAGE_DEFAULT, Cursor, Limit

Year = Annotated[int, msgspec.Meta(ge=2009, le=2260)]


class Method(StrEnum):
    """Which lot a sale takes first: the oldest, or the newest."""

    FIFO = "FIFO"
    LIFO = "LIFO"


class Layout(StrEnum):
    """What the file holds."""

    GAINS = "gains"
    """A line for each part of a lot that was disposed of, with cost, proceeds and gain."""
    TRANSACTIONS = "transactions"
    """A line for each execution and transfer, for tools that work out the lots themselves."""


class OpenLot(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of one acquisition.

    Attributes:
        asset: what is held.
        acquired_at: when.
        reference: `<order>/<execution>` that acquired it.
        quantity: how much is left.
        cost: of that, fees included, in `currency`; None where nobody here knows it.
        currency: of the cost.
        is_complete: False where a fee whose value is unknown is not in the cost.
    """

    asset: str
    acquired_at: datetime
    reference: str
    quantity: Decimal
    cost: Decimal | None
    currency: str
    is_complete: bool


class TaxFile(msgspec.Struct, frozen=True, kw_only=True):
    """A year as a file.

    Attributes:
        name: of the file.
        media_type: `text/csv`.
        content: the file.
        rows: lines below the header.
        currency: of the sums.
        proceeds, cost, gain: of the sales whose cost is known; None for `transactions`.
        unknown: disposals without a known cost or value, which are not in the sums.
        notes: what whoever does the taxes must know about it.
    """

    name: str
    media_type: str
    content: str
    rows: int
    currency: str
    proceeds: Decimal | None
    cost: Decimal | None
    gain: Decimal | None
    unknown: int
    notes: tuple[str, ...]


class ListLots(Query[Page[OpenLot]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List what is held by acquisition: when it was acquired, and for how much.

    Attributes:
        account: whose; the first one by default.
        method: which lot a sale takes first.
        asset: only of this asset.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    account: AccountName = ""
    method: Method = Method.FIFO
    asset: CurrencyCode | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


class ExportTax(Query[TaxFile], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Make the file of a calendar year (UTC) for the taxes, as CSV.

    Attributes:
        year: which.
        account: whose; the first one by default.
        method: which lot a sale takes first.
        layout: `gains`, or `transactions` for tools that work out the lots themselves.
    """

    year: Year
    account: AccountName = ""
    method: Method = Method.FIFO
    layout: Layout = Layout.GAINS


OPERATIONS: Final = (
    Operation(
        name="account.lots",
        request=ListLots,
        method="GET",
        path="/account/lots",
        scope=Scope.READ_ACCOUNT,
        command=("account", "lots"),
        route_class=RouteClass.RESEARCH,
        cost=5,
        problems=("ACCOUNT_UNKNOWN", "CURSOR_MALFORMED"),
        examples=(ListLots(), ListLots(method=Method.LIFO, asset="BTC")),
    ),
    Operation(
        name="account.tax",
        request=ExportTax,
        method="GET",
        path="/account/tax-export",
        scope=Scope.READ_ACCOUNT,
        command=("account", "tax"),
        positional=("year",),
        has_step_up=True,
        route_class=RouteClass.RESEARCH,
        cost=5,
        problems=("ACCOUNT_UNKNOWN", "EXPORT_TOO_LARGE", "STEP_UP_REQUIRED"),
        examples=(ExportTax(year=2025), ExportTax(year=2025, layout=Layout.TRANSACTIONS)),
    ),
)
