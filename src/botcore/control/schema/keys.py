"""API keys: what programs sign in with."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Act, Done, Idempotency, Operation, Page, Query, RouteClass
from botcore.control.schema.sessions import Whose
from botcore.control.schema.values import Cursor, InstrumentName, Limit

KeyId = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]{8}\Z")]
Network = Annotated[
    str, msgspec.Meta(max_length=43, description="an address or a network, such as 203.0.113.0/24")
]
Days = Annotated[int, msgspec.Meta(ge=1, le=365, description="how long it is good for, days")]


class KeyShown(msgspec.Struct, frozen=True, kw_only=True):
    """A key without its secret.

    Attributes:
        id: the eight characters that the key itself shows.
        username: who answers for it.
        scopes: what it may, as far as its user still may it.
        networks: where it may come from; empty is anywhere.
        symbols: what it may trade; empty is everything.
        max_notional: of one order, in the account's currency; None is no bound of its own.
        is_unattended: its acts need no confirmation.
        last_used_at: None if never.
    """

    id: str
    name: str
    username: str
    scopes: tuple[Scope, ...]
    networks: tuple[str, ...]
    symbols: tuple[str, ...]
    max_notional: Decimal | None
    is_unattended: bool
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class KeyMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new key; `api_key` is shown this once."""

    key: KeyShown
    api_key: str


class ListKeys(Query[Page[KeyShown]], frozen=True, kw_only=True):
    """List keys that are good, the newest first; an administrator also sees others'."""

    user: Whose = ""
    limit: Limit = 100
    cursor: Cursor = ""


class NewKey(Act[KeyMade], frozen=True, kw_only=True):
    """Make a key for a program; its secret is shown this once.

    Attributes:
        name: what it is for.
        scopes: what it may; none that one does not have oneself.
        days: how long it is good for.
        networks: where it may come from; empty is anywhere.
        symbols: what it may trade; empty is everything.
        max_notional: of one order, in the account's currency.
        is_unattended: its acts need no confirmation: for programs that trade by themselves.
        user: who answers for it; only at the machine itself, where empty is the owner.
    """

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    scopes: Annotated[frozenset[Scope], msgspec.Meta(min_length=1)]
    days: Days = 90
    networks: Annotated[tuple[Network, ...], msgspec.Meta(max_length=32)] = ()
    symbols: Annotated[frozenset[InstrumentName], msgspec.Meta(max_length=500)] = frozenset()
    max_notional: Decimal | None = None
    is_unattended: bool = False
    user: Whose = ""


class RevokeKey(Act[Done], frozen=True, kw_only=True):
    """End a key at once, with its sockets."""

    id: KeyId


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        name="keys.list",
        request=ListKeys,
        method="GET",
        path="keys",
        scope=Scope.MANAGE_SELF,
        command=("key", "list"),
        problems=("USER_UNKNOWN",),
        examples=(ListKeys(),),
    ),
    Operation(
        name="keys.new",
        idempotency=Idempotency.IGNORED,
        request=NewKey,
        method="POST",
        path="keys",
        scope=Scope.MANAGE_SELF,
        command=("key", "new"),
        positional=("name",),
        has_step_up=True,
        route_class=RouteClass.ACT,
        status=201,
        problems=(
            "KEY_SCOPES",
            "KEY_SCOPES_ABOVE",
            "KEY_LIFE",
            "KEY_NETWORK",
            "KEY_NETWORKS",
            "KEY_NOTIONAL",
            "KEY_COUNT",
            "USER_UNKNOWN",
            "NO_OWNER",
        ),
        examples=(
            NewKey(name="reader", scopes=frozenset({Scope.READ_ACCOUNT})),
            NewKey(
                name="paper bot",
                scopes=frozenset({Scope.READ_MARKET, Scope.TRADE_PAPER}),
                networks=("203.0.113.7",),
                symbols=frozenset({"BTCUSDT.BINANCE"}),
                max_notional=Decimal(500),
                is_unattended=True,
            ),
        ),
    ),
    Operation(
        name="keys.revoke",
        request=RevokeKey,
        method="DELETE",
        path="keys/{id}",
        scope=Scope.MANAGE_SELF,
        command=("key", "revoke"),
        positional=("id",),
        lowers_risk=True,
        route_class=RouteClass.ACT,
        problems=("KEY_NOT_FOUND",),
        examples=(RevokeKey(id="ab12cd34"),),
    ),
)
