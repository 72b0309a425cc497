"""Sessions: where one is signed in, and ending that."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Act, Done, Operation, Page, Query, RouteClass
from botcore.control.schema.values import Cursor, Limit

SessionId = Annotated[str, msgspec.Meta(pattern=r"^[a-f0-9]{32}\Z")]
Whose = Annotated[
    str,
    msgspec.Meta(max_length=32, description="a username; empty is one's own"),
]


class SessionShown(msgspec.Struct, frozen=True, kw_only=True):
    """One place where somebody is signed in.

    Attributes:
        methods: how: `pwd`, `otp`, `recovery`, `link`.
        address, device: from where.
        seen_at: when it was last used.
        ends_at: when it ends unless it is refreshed.
        stays_signed_in: it outlives the browser.
        is_this_one: the one that asks.
    """

    id: str
    username: str
    methods: tuple[str, ...]
    address: str
    device: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    stays_signed_in: bool
    is_this_one: bool


class ListSessions(Query[Page[SessionShown]], frozen=True, kw_only=True):
    """List where one is signed in, the last used first; an administrator also sees others'."""

    user: Whose = ""
    limit: Limit = 100
    cursor: Cursor = ""


class RevokeSession(Act[Done], frozen=True, kw_only=True):
    """End one session at once, with its sockets."""

    id: SessionId


class RevokeSessions(Act[Done], frozen=True, kw_only=True):
    """End all sessions at once but the one that asks."""

    user: Whose = ""


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        name="sessions.list",
        request=ListSessions,
        method="GET",
        path="sessions",
        scope=Scope.MANAGE_SELF,
        command=("session", "list"),
        problems=("USER_UNKNOWN",),
        examples=(ListSessions(),),
    ),
    Operation(
        name="sessions.revoke",
        request=RevokeSession,
        method="DELETE",
        path="sessions/{id}",
        scope=Scope.MANAGE_SELF,
        command=("session", "revoke"),
        positional=("id",),
        lowers_risk=True,
        route_class=RouteClass.ACT,
        problems=("SESSION_UNKNOWN", "USER_ABOVE_YOU"),
        examples=(RevokeSession(id="0f" * 16),),
    ),
    Operation(
        name="sessions.revoke-all",
        request=RevokeSessions,
        method="POST",
        path="sessions/revoke-all",
        scope=Scope.MANAGE_SELF,
        command=("session", "revoke-all"),
        lowers_risk=True,
        route_class=RouteClass.ACT,
        problems=("USER_UNKNOWN", "USER_ABOVE_YOU"),
        examples=(RevokeSessions(), RevokeSessions(user="bob")),
    ),
)
