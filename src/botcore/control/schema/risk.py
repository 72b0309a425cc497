"""Risk: limits, what is used of them, the mode ladder, protections, and why orders were denied."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import (
    Act,
    Confirm,
    Idempotency,
    Operation,
    Page,
    Query,
    RouteClass,
)
from botcore.control.schema.accounts import AccountName, PricesAge
from botcore.control.schema.values import (
    PAGE_DEFAULT,
    Cursor,
    InstrumentName,
    Limit,
    Money,
    Note,
    Slug,
)
from botcore.domain.modes import Mode
from botcore.domain.questions import ProtectionSeen, Usage

Fraction = Annotated[float, msgspec.Meta(gt=0, le=1_000_000_000)]
"""A fraction above zero: 0.15 is 15 %."""
_AMOUNT_MAX: Final = Decimal(10**15)
OrdersRate = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
LockId = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of an account in force. Fractions are of its equity: 0.15 is 15 %.

    Attributes:
        account: whose.
        order_frac: notional of one order that raises exposure.
        instrument_frac, strategy_frac, account_frac: worst-case exposure on one instrument, of one
            strategy, of the account.
        price_band_frac: how far a limit price may lie on the aggressive side of the last price.
        daily_loss_frac: loss since UTC midnight at which the account only reduces until the next.
        drawdown_frac: fall from the highest equity at which it only reduces until a person acts.
        orders_per_s: orders of the account in any second.
        fee_frac: highest fee, reserved with every buy.
        may_short: whether a position may go below zero.
        max_position_value: what `instrument_frac` comes to at the equity of now.
        max_daily_loss: what `daily_loss_frac` comes to at the equity of the day's start.
        max_drawdown: the same as `drawdown_frac`.
        lasts: how long they are in force.
    """

    account: str
    order_frac: float
    instrument_frac: float
    strategy_frac: float
    account_frac: float
    price_band_frac: float
    daily_loss_frac: float
    drawdown_frac: float
    orders_per_s: int
    fee_frac: float
    may_short: bool
    max_position_value: Money
    max_daily_loss: Money
    max_drawdown: float
    lasts: str


class ModeStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the ladder.

    Attributes:
        mode: its name.
        is_current: whether the account stands there.
        allows: what may be done, in words.
        leaving: how it is left, in words.
    """

    mode: Mode
    is_current: bool
    allows: str
    leaving: str


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """A protection that keeps something from being opened for a time.

    Attributes:
        id: takes the lock off, see `risk.lift`.
        protection, kind: its name in the settings, and which rule it is.
        cause: why, with the figures.
        strategy, instrument: what alone is locked; None is all of them.
        until: when it ends by itself, in the feed's clock.
        remaining_s: until then, seconds by that clock.
    """

    id: str
    protection: str
    kind: str
    cause: str
    strategy: str | None
    instrument: str | None
    until: datetime
    remaining_s: float


class RiskStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How far an account is from its limits, and what holds it back.

    Attributes:
        account, currency: whose, and in what its figures are told.
        mode, mode_cause: what it may do, and why not more.
        mode_by, mode_since: who brought it there, and when (in the feed's clock); empty and None
            where nobody did, or the store cannot say.
        mode_exit: how the mode is left.
        ladder: every mode, from all allowed to nothing but reading and cancelling.
        stop: the loss limit in force: `DRAWDOWN`, `DAILY_LOSS` or empty.
        equity, peak, day_start: now, the highest, and at the last UTC midnight.
        exposures: of each instrument and strategy that has any, and of the account, at the worst:
            what is used of its limit, and what is left.
        others: daily loss, drawdown, order rate.
        has_doubts: whether an order's outcome is unknown.
        protections: all that watch the account: name, kind and what each does, in words.
        locks: of protections, those in force.
        prices: how old the prices are that the figures rest on.
    """

    account: str
    currency: str
    mode: Mode
    mode_cause: str
    mode_by: str
    mode_since: datetime | None
    mode_exit: str
    ladder: tuple[ModeStep, ...]
    stop: str
    equity: Money
    peak: Money
    day_start: Money
    exposures: tuple[Usage, ...]
    others: tuple[Usage, ...]
    has_doubts: bool
    protections: tuple[ProtectionSeen, ...]
    locks: tuple[Lock, ...]
    prices: PricesAge


class DeniedIntent(msgspec.Struct, frozen=True, kw_only=True):
    """An order that the risk gate did not let through.

    Attributes:
        time: in the feed's clock.
        account, strategy, instrument: whose, and what.
        code: stable.
        sentence: why, in words with the figures.
        value, limit: what was asked for, and what is allowed; None where it is no number.
    """

    time: datetime
    account: str
    strategy: str
    instrument: str
    code: str
    sentence: str
    value: float | None
    limit: float | None


class ModeChange(msgspec.Struct, frozen=True, kw_only=True):
    """An account may do more, or less, than before.

    Attributes:
        time: in the feed's clock.
        account: whose.
        previous, mode: from and to.
        cause, by: why, and who.
    """

    time: datetime
    account: str
    previous: Mode
    mode: Mode
    cause: str
    by: str


class ModeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may do now.

    Attributes:
        account: whose.
        mode, cause: what it may do, and why not more.
        detail: what was done, in words.
    """

    account: str
    mode: Mode
    cause: str
    detail: str


class GetLimits(Query[Limits], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show the limits in force.

    Attributes:
        account: whose; the first one by default.
    """

    account: AccountName = ""


class SetLimits(Act[Limits], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put other limits in force at once; what is left out stays.

    Making any of them wider needs the scope `admin:risk`, a factor shown within the last minutes
    and a confirmation; making them narrower needs none of that.

    Attributes:
        account: whose; the first one by default.
        order_frac: notional of one order, as a fraction of equity.
        instrument_frac, strategy_frac, account_frac: worst-case exposure on one instrument, of one
            strategy, of the account.
        price_band_frac: how far a limit price may lie from the last price.
        daily_loss_frac, drawdown_frac: loss since midnight and fall from the peak that stop it.
        orders_per_s: orders of the account in any second.
        max_position_value: the same as `instrument_frac`, as money at the equity of now.
        max_daily_loss: the same as `daily_loss_frac`, as money at the equity of the day's start.
        max_drawdown: the same as `drawdown_frac`.
    """

    account: AccountName = ""
    order_frac: Fraction | None = None
    instrument_frac: Fraction | None = None
    strategy_frac: Fraction | None = None
    account_frac: Fraction | None = None
    price_band_frac: Fraction | None = None
    daily_loss_frac: Fraction | None = None
    drawdown_frac: Fraction | None = None
    orders_per_s: OrdersRate | None = None
    max_position_value: Decimal | None = None
    max_daily_loss: Decimal | None = None
    max_drawdown: Fraction | None = None

    def __post_init__(self) -> None:
        """Refuse a change of nothing, one limit under two names, and what is no amount.

        Raises:
            ValueError: with the names.
        """
        for name, twin in SAME.items():
            if getattr(self, name) is not None and getattr(self, twin) is not None:
                raise ValueError(f"{name} and {twin} are the same limit: give one of them")
        if all(getattr(self, name) is None for name in self.__struct_fields__ if name != "account"):
            raise ValueError("give at least one limit")
        for name in ("max_position_value", "max_daily_loss"):
            amount = getattr(self, name)
            if amount is not None and not (amount.is_finite() and 0 < amount <= _AMOUNT_MAX):
                raise ValueError(f"{name} must be an amount above 0, and 1e15 at most")


SAME: Final = {
    "max_position_value": "instrument_frac",
    "max_daily_loss": "daily_loss_frac",
    "max_drawdown": "drawdown_frac",
}
"""The contract's names and ours for the same limits."""


class GetRiskState(Query[RiskStanding], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show exposure, what is used of each limit, the mode, and what holds the account back.

    Attributes:
        account: whose; the first one by default.
    """

    account: AccountName = ""


class StopAll(Act[ModeAnswer], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kill switch: stop everything at once and cancel every order; positions stay.

    Attributes:
        account: whose; the first one by default.
        cause: why, for whoever looks later.
    """

    account: AccountName = ""
    cause: Note = "kill switch"


class ChangeMode(Act[ModeAnswer], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Let an account do less at once, or, as a person, more again.

    Attributes:
        mode: `NORMAL`, `REDUCE_ONLY`, `CANCEL_ONLY` or `HALT`; for `FLATTEN` there is an act of its
            own.
        account: whose; the first one by default.
        cause: why, for whoever looks later.
    """

    mode: Mode
    account: AccountName = ""
    cause: Note = "set by hand"

    def __post_init__(self) -> None:
        """Refuse what has an act of its own.

        Raises:
            ValueError: always for `FLATTEN`.
        """
        if self.mode is Mode.FLATTEN:
            raise ValueError("FLATTEN sells: POST /api/v1/trading/flatten does it")


class LiftLock(Act[ModeAnswer], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take a protection's lock off before its time, as a person.

    Attributes:
        id: of the lock, as `risk.state` shows it.
        account: whose; the first one by default.
    """

    id: LockId
    account: AccountName = ""


class ListDenials(Query[Page[DeniedIntent]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List orders that were not let through, and why not, newest first.

    Attributes:
        account: whose; the first one by default.
        strategy, instrument, code: only these.
        start, end: only from `start` on and before `end`, UTC.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    account: AccountName = ""
    strategy: Slug | None = None
    instrument: InstrumentName | None = None
    code: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


class ListModeChanges(
    Query[Page[ModeChange]], frozen=True, kw_only=True, forbid_unknown_fields=True
):
    """List how the mode changed, why and by whom, newest first.

    Attributes:
        account: whose; the first one by default.
        start, end: only from `start` on and before `end`, UTC.
        limit: how many.
        cursor: `next_cursor` of the page before.
    """

    account: AccountName = ""
    start: datetime | None = None
    end: datetime | None = None
    limit: Limit = PAGE_DEFAULT
    cursor: Cursor = ""


_LISTS: Final = ("ACCOUNT_UNKNOWN", "CURSOR_MALFORMED", "TIME_WITHOUT_ZONE")
_ACTS: Final = ("ACCOUNT_UNKNOWN", "ENGINE_SILENT", "NOT_ALLOWED", "KEY_SCOPE")

OPERATIONS: Final = (
    Operation(
        name="risk.limits",
        request=GetLimits,
        method="GET",
        path="/risk/limits",
        scope=Scope.READ_ACCOUNT,
        command=("risk", "limits"),
        problems=("ACCOUNT_UNKNOWN", "ENGINE_SILENT"),
        examples=(GetLimits(),),
    ),
    Operation(
        name="risk.set-limits",
        request=SetLimits,
        method="PUT",
        path="/risk/limits",
        scope=Scope.TRADE_PAPER,
        command=("risk", "set-limits"),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.IF_RAISING,
        route_class=RouteClass.ACT,
        problems=(*_ACTS, "LIMIT_REFUSED", "STEP_UP_REQUIRED"),
        examples=(SetLimits(daily_loss_frac=0.03), SetLimits(max_position_value=Decimal(2_000))),
    ),
    Operation(
        name="risk.state",
        request=GetRiskState,
        method="GET",
        path="/risk/state",
        scope=Scope.READ_ACCOUNT,
        command=("risk", "state"),
        problems=("ACCOUNT_UNKNOWN", "ENGINE_SILENT"),
        examples=(GetRiskState(),),
    ),
    Operation(
        name="risk.kill-switch",
        request=StopAll,
        method="POST",
        path="/risk/kill-switch",
        scope=Scope.TRADE_PAPER,
        command=("risk", "kill-switch"),
        idempotency=Idempotency.IGNORED,
        lowers_risk=True,
        route_class=RouteClass.ORDERS,
        problems=_ACTS,
        examples=(StopAll(), StopAll(cause="the venue behaves oddly")),
    ),
    Operation(
        name="risk.mode",
        request=ChangeMode,
        method="POST",
        path="/risk/mode",
        scope=Scope.TRADE_PAPER,
        command=("risk", "mode"),
        positional=("mode",),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.IF_RAISING,
        route_class=RouteClass.ORDERS,
        problems=(*_ACTS, "PERSON_REQUIRED", "STEP_UP_REQUIRED", "MODE_KEPT"),
        examples=(ChangeMode(mode=Mode.REDUCE_ONLY), ChangeMode(mode=Mode.NORMAL)),
    ),
    Operation(
        name="risk.lift",
        request=LiftLock,
        method="POST",
        path="/risk/locks/{id}/lift",
        scope=Scope.TRADE_PAPER,
        command=("risk", "lift"),
        positional=("id",),
        confirm=Confirm.ALWAYS,
        idempotency=Idempotency.REQUIRED,
        route_class=RouteClass.ACT,
        problems=(*_ACTS, "LOCK_UNKNOWN", "PERSON_REQUIRED"),
        examples=(LiftLock(id="cool-down:rsi:BTCUSDT.SIM"),),
    ),
    Operation(
        name="risk.denials",
        request=ListDenials,
        method="GET",
        path="/risk/denials",
        scope=Scope.READ_ACCOUNT,
        command=("risk", "denials"),
        problems=_LISTS,
        examples=(ListDenials(), ListDenials(strategy="rsi", code="ORDER_LIMIT")),
    ),
    Operation(
        name="risk.modes",
        request=ListModeChanges,
        method="GET",
        path="/risk/modes",
        scope=Scope.READ_ACCOUNT,
        command=("risk", "modes"),
        problems=_LISTS,
        examples=(ListModeChanges(),),
    ),
)
