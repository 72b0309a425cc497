"""The ledger: every movement of money, and what each place holds by them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Operation, Page, Query
from botcore.control.schema.accounts import AccountName
from botcore.control.schema.values import PAGE_DEFAULT, Cursor, Limit

Place = Annotated[str, msgspec.Meta(max_length=200)]
CurrencyCode = Annotated[str, msgspec.Meta(min_length=1, max_length=20, pattern=r"^[A-Z0-9]+\Z")]


class Posting(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a transaction; the lines of a transaction add up to zero in each currency.

    Attributes:
        transaction, line: number of the transaction, and of the line in it.
        time: in the feed's clock.
        account: whose.
        cause: `fill`, `deposit`, `withdrawal`, `dust` or `adjustment`.
        reference: what caused it; `<order>/<execution>` for a fill.
        ledger: the place: `assets:…`, `trading:…`, `fees:…`, `dust:…` or `external:…`.
        currency, amount: into the place; out of it if negative.
    """

    transaction: int
    line: int
    time: datetime
    account: str
    cause: str
    reference: str
    ledger: str
    currency: str
    amount: Decimal


class Balance(msgspec.Struct, frozen=True, kw_only=True):
    """What one place holds of one currency: the sum of its postings.

    Attributes:
        account: whose.
        ledger: the place.
        currency, amount: how much of what.
    """

    account: str
    ledger: str
    currency: str
    amount: Decimal


class ListPostings(Query[Page[Posting]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List movements of money, newest first.

    Attributes:
        account: whose; the first one by default.
        ledger, currency: only of this place and currency.
        cause: only of this cause, such as `fill` or `deposit`.
        reference: only with this reference.
        start, end: only from `start` on and before `end`, UTC.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    account: AccountName = ""
    ledger: Place | None = None
    currency: CurrencyCode | None = None
    cause: Annotated[str, msgspec.Meta(max_length=32)] | None = None
    reference: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


class ListBalances(Query[Page[Balance]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List what each place of the ledger holds, without the empty ones.

    Attributes:
        account: whose; the first one by default.
        currency: only of this currency.
    """

    account: AccountName = ""
    currency: CurrencyCode | None = None


OPERATIONS: Final = (
    Operation(
        name="ledger.postings",
        request=ListPostings,
        method="GET",
        path="/ledger/postings",
        scope=Scope.READ_ACCOUNT,
        command=("ledger", "postings"),
        problems=("ACCOUNT_UNKNOWN", "CURSOR_MALFORMED", "TIME_WITHOUT_ZONE"),
        examples=(ListPostings(), ListPostings(cause="fill", currency="USDT")),
    ),
    Operation(
        name="ledger.balances",
        request=ListBalances,
        method="GET",
        path="/ledger/balances",
        scope=Scope.READ_ACCOUNT,
        command=("ledger", "balances"),
        problems=("ACCOUNT_UNKNOWN",),
        examples=(ListBalances(), ListBalances(currency="USDT")),
    ),
)
