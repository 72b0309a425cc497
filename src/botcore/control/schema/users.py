"""Users and invitations: who may sign in on this server, and as what."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from botcore.control.access import Role, Scope
from botcore.control.operations import (
    Act,
    Confirm,
    Done,
    Idempotency,
    Operation,
    Page,
    Query,
    RouteClass,
)
from botcore.control.schema.auth import Email, SignInLink, Username
from botcore.control.schema.sessions import SessionShown
from botcore.control.schema.values import Cursor, Limit, Note

InvitationId = Annotated[str, msgspec.Meta(pattern=r"^[a-f0-9]{32}\Z")]


class UserShown(msgspec.Struct, frozen=True, kw_only=True):
    """A user.

    Attributes:
        has_password: whether one was set; else a link of `user reset` sets one.
        has_second_factor: whether signing in takes a code.
        sessions, keys: how many live.
        last_login: None if never.
    """

    username: str
    email: str
    role: Role
    is_disabled: bool
    has_password: bool
    has_second_factor: bool
    sessions: int
    keys: int
    created_at: datetime
    last_login: datetime | None


class UserMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new user, and the link with which he sets his password."""

    user: UserShown
    link: SignInLink


class InvitationShown(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation that can still be used."""

    id: str
    role: Role
    note: str
    made_by: str
    created_at: datetime
    expires_at: datetime


class InvitationMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new invitation; its token is shown this once.

    Attributes:
        url: where a browser opens it.
        token: for `auth/register`.
    """

    invitation: InvitationShown
    url: str
    token: str


class ListUsers(Query[Page[UserShown]], frozen=True, kw_only=True):
    """List users by name.

    Attributes:
        role: only those with it.
    """

    role: Role | None = None
    limit: Limit = 100
    cursor: Cursor = ""


class AddUser(Act[UserMade], frozen=True, kw_only=True):
    """Make a user, and a link with which he sets his password.

    Attributes:
        email: for people; nothing is sent to it.
    """

    user: Username
    role: Role
    email: Email = ""


class InviteUser(Act[InvitationMade], frozen=True, kw_only=True):
    """Make an invitation, good once within seven days.

    Attributes:
        role: what who takes it becomes.
        note: for whom it is.
    """

    role: Role
    note: Note = ""


class ListInvitations(Query[Page[InvitationShown]], frozen=True, kw_only=True):
    """List invitations that can still be used."""

    limit: Limit = 100
    cursor: Cursor = ""


class RevokeInvitation(Act[Done], frozen=True, kw_only=True):
    """Revoke an invitation."""

    id: InvitationId


class SetRole(Act[UserShown], frozen=True, kw_only=True):
    """Give a user another role; what he may changes at once."""

    user: Username
    role: Role


class DisableUser(Act[UserShown], frozen=True, kw_only=True):
    """Let a user in no more: sessions end at once, keys are refused."""

    user: Username


class EnableUser(Act[UserShown], frozen=True, kw_only=True):
    """Let a user in again; his keys are good again."""

    user: Username


class ResetUser(Act[SignInLink], frozen=True, kw_only=True):
    """Make a link with which a user sets a new password, good once within an hour.

    Attributes:
        clear_second_factor: also remove the second factor; only at the machine itself.
    """

    user: Username
    clear_second_factor: bool = False


class RemoveUser(Act[Done], frozen=True, kw_only=True):
    """Remove a user with sessions, factors and keys; this cannot be undone."""

    user: Username


class ListUserSessions(Query[Page[SessionShown]], frozen=True, kw_only=True):
    """List where a user is signed in."""

    user: Username
    limit: Limit = 100
    cursor: Cursor = ""


_ABOVE: Final = ("USER_UNKNOWN", "USER_ABOVE_YOU")

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        name="users.list",
        request=ListUsers,
        method="GET",
        path="users",
        scope=Scope.ADMIN_USERS,
        command=("user", "list"),
        examples=(ListUsers(),),
    ),
    Operation(
        name="users.add",
        idempotency=Idempotency.IGNORED,
        request=AddUser,
        method="POST",
        path="users",
        scope=Scope.ADMIN_USERS,
        command=("user", "add"),
        positional=("user", "role"),
        has_step_up=True,
        route_class=RouteClass.ACT,
        status=201,
        problems=("USERNAME_TAKEN", "ROLE_ABOVE_YOURS"),
        examples=(AddUser(user="bob", role=Role.TRADER),),
    ),
    Operation(
        name="users.invite",
        idempotency=Idempotency.IGNORED,
        request=InviteUser,
        method="POST",
        path="invitations",
        scope=Scope.ADMIN_USERS,
        command=("user", "invite"),
        positional=("role",),
        has_step_up=True,
        route_class=RouteClass.ACT,
        status=201,
        problems=("ROLE_ABOVE_YOURS",),
        examples=(InviteUser(role=Role.ANALYST, note="Carol"),),
    ),
    Operation(
        name="invitations.list",
        request=ListInvitations,
        method="GET",
        path="invitations",
        scope=Scope.ADMIN_USERS,
        command=("user", "invitations"),
        examples=(ListInvitations(),),
    ),
    Operation(
        name="invitations.revoke",
        request=RevokeInvitation,
        method="DELETE",
        path="invitations/{id}",
        scope=Scope.ADMIN_USERS,
        command=("user", "uninvite"),
        positional=("id",),
        lowers_risk=True,
        route_class=RouteClass.ACT,
        problems=("INVITATION_UNKNOWN",),
        examples=(RevokeInvitation(id="0f" * 16),),
    ),
    Operation(
        name="users.role",
        request=SetRole,
        method="PUT",
        path="users/{user}/role",
        scope=Scope.ADMIN_USERS,
        command=("user", "role"),
        positional=("user", "role"),
        has_step_up=True,
        route_class=RouteClass.ACT,
        problems=(*_ABOVE, "ROLE_ABOVE_YOURS", "LAST_OWNER"),
        examples=(SetRole(user="bob", role=Role.VIEWER),),
    ),
    Operation(
        name="users.disable",
        request=DisableUser,
        method="POST",
        path="users/{user}/disable",
        scope=Scope.ADMIN_USERS,
        command=("user", "disable"),
        positional=("user",),
        lowers_risk=True,
        route_class=RouteClass.ACT,
        problems=(*_ABOVE, "LAST_OWNER"),
        examples=(DisableUser(user="bob"),),
    ),
    Operation(
        name="users.enable",
        request=EnableUser,
        method="POST",
        path="users/{user}/enable",
        scope=Scope.ADMIN_USERS,
        command=("user", "enable"),
        positional=("user",),
        has_step_up=True,
        route_class=RouteClass.ACT,
        problems=_ABOVE,
        examples=(EnableUser(user="bob"),),
    ),
    Operation(
        name="users.reset",
        idempotency=Idempotency.IGNORED,
        request=ResetUser,
        method="POST",
        path="users/{user}/reset",
        scope=Scope.ADMIN_USERS,
        command=("user", "reset"),
        positional=("user",),
        has_step_up=True,
        route_class=RouteClass.ACT,
        status=201,
        problems=(*_ABOVE, "FACTOR_BY_OWNER", "ACCOUNT_DISABLED"),
        examples=(ResetUser(user="bob"),),
    ),
    Operation(
        name="users.remove",
        request=RemoveUser,
        method="DELETE",
        path="users/{user}",
        scope=Scope.ADMIN_USERS,
        command=("user", "remove"),
        positional=("user",),
        confirm=Confirm.ALWAYS,
        has_step_up=True,
        route_class=RouteClass.ACT,
        problems=(*_ABOVE, "LAST_OWNER"),
        examples=(RemoveUser(user="bob"),),
    ),
    Operation(
        name="users.sessions",
        request=ListUserSessions,
        method="GET",
        path="users/{user}/sessions",
        scope=Scope.ADMIN_USERS,
        command=("user", "sessions"),
        positional=("user",),
        problems=_ABOVE,
        examples=(ListUserSessions(user="bob"),),
    ),
)
