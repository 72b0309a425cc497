"""Alerts people set themselves, and what they were told: rules, notifications."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Act, Done, Operation, Page, Query, RouteClass
from botcore.control.schema.values import Cursor, Limit, Note

RuleId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]{8,32}\Z")]


class AlertKind(StrEnum):
    """What a rule watches."""

    PRICE = "price"
    """The last price of an instrument, in quote units."""
    EXPOSURE = "exposure"
    """What is held, at its marks, of the account or on one instrument, as a fraction of equity.

    What is ordered and not filled counts in the risk gate, not here."""
    DRAWDOWN = "drawdown"
    """Fall from the highest equity, as a fraction."""
    DAILY_LOSS = "daily loss"
    """Loss since UTC midnight, as a fraction of the equity then."""
    STALENESS = "staleness"
    """Age of the newest price, seconds."""
    MODE = "mode"
    """The account's mode: REDUCE_ONLY, CANCEL_ONLY, FLATTEN or HALT, or a worse one."""


class Condition(StrEnum):
    """When a level counts as reached."""

    ABOVE = "above"
    BELOW = "below"
    CROSSES = "crosses"
    """It was on the other side of the level before."""


class RuleState(StrEnum):
    """How a rule stands."""

    WATCHING = "watching"
    FIRED = "fired"
    """It has fired and, being for once, watches no more."""
    EXPIRED = "expired"


class AlertRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule; it places no order.

    Attributes:
        words: what it watches for, in a sentence.
        repeats: whether it watches again once the condition has ended; else it fires once.
        fired_count, fired_at: how often, and when last.
    """

    id: str
    kind: AlertKind
    condition: Condition
    level: Decimal | None
    symbol: str
    mode: str
    note: str
    repeats: bool
    state: RuleState
    words: str
    created_at: datetime
    expires_at: datetime | None
    fired_at: datetime | None
    fired_count: int


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """What a person was told.

    Attributes:
        kind: ``alert``, ``risk``, ``job``, ``security`` or ``system``.
        severity: ``info``, ``warning`` or ``critical``.
        code: stable. `link`: path of what it is about, in the API.
        read_at: None while it is unread.
    """

    id: int
    kind: str
    severity: str
    code: str
    text: str
    link: str
    created_at: datetime
    read_at: datetime | None


class Notifications(msgspec.Struct, frozen=True, kw_only=True):
    """A page of notifications, newest first, and how many are unread in all."""

    items: tuple[Notification, ...]
    unread: int
    next_cursor: str | None = None


class ListRules(Query[Page[AlertRule]], frozen=True, kw_only=True):
    """List one's own alert rules, newest first.

    Attributes:
        state: only those in this state.
    """

    state: RuleState | None = None
    limit: Limit = 100
    cursor: Cursor = ""


class CreateRule(Act[AlertRule], frozen=True, kw_only=True):
    """Set an alert; it only tells, and places no order.

    Attributes:
        kind: what it watches.
        condition: above, below or crosses the level; of a mode always `above`.
        level: a price in quote units; seconds of staleness; of the others a fraction, 0.05 is 5 %.
        symbol: of a price; of an exposure, where it is that of one instrument.
        mode: of the kind `mode`: this one or a worse one.
        note: is told with it.
        expires_at: watches until then; by default for ever.
        repeats: watch again once the condition has ended; else it fires once.
    """

    kind: AlertKind
    condition: Condition = Condition.ABOVE
    level: Decimal | None = None
    symbol: Annotated[str, msgspec.Meta(max_length=64)] = ""
    mode: Annotated[str, msgspec.Meta(max_length=16)] = ""
    note: Note = ""
    expires_at: datetime | None = None
    repeats: bool = False


class DeleteRule(Act[Done], frozen=True, kw_only=True):
    """Remove an alert rule of one's own."""

    id: RuleId


class ListNotifications(Query[Notifications], frozen=True, kw_only=True):
    """List what one was told, newest first.

    Attributes:
        unread: only what was not read.
    """

    unread: bool = False
    limit: Limit = 50
    cursor: Cursor = ""


class MarkRead(Act[Done], frozen=True, kw_only=True):
    """Mark notifications as read.

    Attributes:
        ids: which; none marks all.
    """

    ids: Annotated[tuple[int, ...], msgspec.Meta(max_length=500)] = ()


OPERATIONS: Final = (
    Operation(
        name="alerts.rules",
        request=ListRules,
        method="GET",
        path="alerts/rules",
        scope=Scope.MANAGE_ALERTS,
        command=("alerts", "list"),
        examples=(ListRules(),),
    ),
    Operation(
        name="alerts.create",
        request=CreateRule,
        method="POST",
        path="alerts/rules",
        scope=Scope.MANAGE_ALERTS,
        command=("alerts", "create"),
        route_class=RouteClass.ACT,
        status=201,
        problems=("ALERT_REFUSED", "ALERT_QUOTA"),
        examples=(
            CreateRule(kind=AlertKind.PRICE, symbol="BTCUSDT.SIM", level=Decimal(70_000)),
            CreateRule(kind=AlertKind.DRAWDOWN, level=Decimal("0.1"), repeats=True),
        ),
    ),
    Operation(
        name="alerts.delete",
        request=DeleteRule,
        method="DELETE",
        path="alerts/rules/{id}",
        scope=Scope.MANAGE_ALERTS,
        command=("alerts", "delete"),
        positional=("id",),
        route_class=RouteClass.ACT,
        problems=("ALERT_UNKNOWN",),
        examples=(DeleteRule(id="k3v9x2m4q8"),),
    ),
    Operation(
        name="notifications.list",
        request=ListNotifications,
        method="GET",
        path="notifications",
        scope=Scope.MANAGE_ALERTS,
        command=("notifications", "list"),
        examples=(ListNotifications(), ListNotifications(unread=True)),
    ),
    Operation(
        name="notifications.read",
        request=MarkRead,
        method="POST",
        path="notifications/read",
        scope=Scope.MANAGE_ALERTS,
        command=("notifications", "read"),
        route_class=RouteClass.ACT,
        examples=(MarkRead(), MarkRead(ids=(17,))),
    ),
)
