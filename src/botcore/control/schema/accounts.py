"""Accounts: what one is worth, how it got there, and what it may do."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Operation, Page, Query, RouteClass
from botcore.control.schema.values import Money
from botcore.domain.modes import Mode

AccountName = Annotated[
    str, msgspec.Meta(max_length=32, pattern=r"^[a-z0-9_-]*\Z", description="an account's id")
]
"""Id of an account; empty is the first one."""
Points = Annotated[int, msgspec.Meta(ge=2, le=2_000)]


class PricesAge(msgspec.Struct, frozen=True, kw_only=True):
    """How old the prices are that figures rest on. Stale data never looks live.

    Attributes:
        source: where they come from.
        status: `live`, `stale` or `down`.
        last_price_at: stamp of the newest price, in the feed's clock; None before the first.
        age_s: how old the newest price is, seconds.
        banner: what must be said beside every figure that rests on them; empty for a real market.
    """

    source: str
    status: str
    last_price_at: datetime | None
    age_s: float
    banner: str = ""


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """A limit and how much of it is used.

    Attributes:
        name: of the limit.
        used_frac: 1.0 is full.
        limit: in words.
    """

    name: str
    used_frac: float
    limit: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """One account at the last prices.

    Attributes:
        id: its name.
        kind: `paper` or `live`.
        currency: of its figures.
        equity: all it holds, at the last prices.
        cash, locked, free: in its currency; what open orders lock is in cash, and not free.
        day_result, day_result_frac: since UTC midnight, as money and as a fraction of what it was
            worth then.
        drawdown_frac: below its highest equity.
        fees_today, fees_today_frac, fees_total: paid since UTC midnight, as a fraction of equity,
            and in all.
        mode, mode_cause: what it may do, and why not more.
        meters: its limits and how much of each is used.
        as_of: wall clock of these figures.
        age_s: how old they are, seconds.
        is_stale: the engine has not told anything newer for seconds.
        prices: how old the prices are that they rest on.
    """

    id: str
    kind: str
    currency: str
    equity: Money
    cash: Money
    locked: Money
    free: Money
    day_result: Money
    day_result_frac: float
    drawdown_frac: float
    fees_today: Money
    fees_today_frac: float
    fees_total: Money
    mode: Mode
    mode_cause: str
    meters: tuple[Meter, ...]
    as_of: datetime
    age_s: float
    is_stale: bool
    prices: PricesAge


class EquityPoint(msgspec.Struct, frozen=True, kw_only=True):
    """Equity at one moment.

    Attributes:
        at: stamp, in the feed's clock.
        equity: in the account's currency.
        drawdown_frac: below the highest equity up to then.
    """

    at: datetime
    equity: Decimal
    drawdown_frac: float


class EquityCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Equity over time, thinned out so that every rise and fall of note stays.

    Attributes:
        account, currency: whose, and in what; `currency` is empty while the engine does not run.
        points: oldest first; the lowest and the highest of each stretch, the first and the last.
        samples: how many samples lie in the range before thinning out.
        is_whole: False where older samples of the range are left out.
        max_drawdown_frac: the deepest fall among the samples.
    """

    account: str
    currency: str
    points: tuple[EquityPoint, ...]
    samples: int
    is_whole: bool
    max_drawdown_frac: float


class GetAccount(Query[Account], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show an account: equity, cash, the day's result, mode and limits.

    Attributes:
        account: which; the first one by default.
    """

    account: AccountName = ""


class ListAccounts(Query[Page[Account]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List the accounts."""


class GetEquity(Query[EquityCurve], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show the equity curve with its drawdown.

    Attributes:
        account: whose; the first one by default.
        start, end: only samples from `start` on and before `end`, UTC.
        points: how many at most.
    """

    account: AccountName = ""
    start: datetime | None = None
    end: datetime | None = None
    points: Points = 500


OPERATIONS: Final = (
    Operation(
        name="account.show",
        request=GetAccount,
        method="GET",
        path="/account",
        aliases=("/api/account",),
        scope=Scope.READ_ACCOUNT,
        command=("account", "show"),
        problems=("ACCOUNT_UNKNOWN", "ENGINE_SILENT"),
        examples=(GetAccount(), GetAccount(account="paper")),
    ),
    Operation(
        name="accounts.list",
        request=ListAccounts,
        method="GET",
        path="/accounts",
        scope=Scope.READ_ACCOUNT,
        command=("account", "list"),
        problems=("ENGINE_SILENT",),
        examples=(ListAccounts(),),
    ),
    Operation(
        name="account.equity",
        request=GetEquity,
        method="GET",
        path="/account/equity",
        scope=Scope.READ_ACCOUNT,
        command=("account", "equity"),
        route_class=RouteClass.READ,
        has_etag=True,
        problems=("ACCOUNT_UNKNOWN", "TIME_WITHOUT_ZONE"),
        examples=(GetEquity(), GetEquity(points=100)),
    ),
)
