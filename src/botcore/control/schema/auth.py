"""Signing in: passwords, links, second factors, tokens; and tickets for the WebSocket.

A refresh token travels in an HttpOnly cookie for browsers and in the body for programs, as
`transport` says: with ``cookie`` the HTTP door takes it out of the answer and puts it into the
request.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec

from botcore.control.access import Role, Scope
from botcore.control.operations import Act, Done, Idempotency, Operation, Query, RouteClass

Username = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=32,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\Z",
        description="letters, digits, dot, dash and underscore; upper and lower case are one",
    ),
]
Password = Annotated[
    str,
    msgspec.Meta(max_length=1_024, description="8 characters or more, better 15; any are taken"),
]
Token = Annotated[str, msgspec.Meta(max_length=128)]
Code = Annotated[
    str,
    msgspec.Meta(max_length=32, description="six digits, or a recovery code"),
]
Email = Annotated[str, msgspec.Meta(max_length=254, pattern=r"^([^\s@]+@[^\s@]+)?\Z")]
Device = Annotated[
    str,
    msgspec.Meta(
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        description="what the list of sessions calls it",
    ),
]


class Transport(StrEnum):
    """How a refresh token travels."""

    COOKIE = "cookie"
    BODY = "body"


class SignInStatus(StrEnum):
    """How far a sign-in is."""

    SIGNED_IN = "signed_in"
    SECOND_FACTOR = "second_factor"
    """A code is wanted: POST auth/mfa with the challenge."""


class SignedIn(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, or the challenge that asks for the second factor.

    Attributes:
        access_token: for ``Authorization: Bearer``; empty until the second factor was shown.
        expires_at: when the access token ends.
        refresh_token: good for one exchange; empty where it travels in the cookie.
        refresh_max_age_s: how long a browser keeps the cookie; None is until it is closed.
        session: id of the session.
        challenge: for POST auth/mfa; empty once signed in.
    """

    status: SignInStatus
    username: str
    role: Role | None = None
    token_type: str = "Bearer"  # noqa: S105  # a scheme, not a password
    access_token: str = ""
    expires_at: datetime | None = None
    refresh_token: str = ""
    refresh_max_age_s: int | None = None
    session: str = ""
    challenge: str = ""


class SignInLink(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time link, shown this once.

    Attributes:
        url: where a browser opens it.
        token: what it carries.
        username: whom it signs in; empty makes the owner.
    """

    url: str
    token: str
    username: str
    expires_at: datetime


class SteppedUp(msgspec.Struct, frozen=True, kw_only=True):
    """A factor was shown; acts that ask for one are open until `until`."""

    until: datetime


class Jwks(msgspec.Struct, frozen=True, kw_only=True):
    """The public keys that access tokens are checked with (RFC 7517)."""

    keys: tuple[Mapping[str, str], ...]


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks.

    Attributes:
        kind: ``person`` or ``local``.
        auth_time: when a factor was last shown; None if never.
        has_second_factor: whether signing in takes a code.
        recovery_codes_left: of ten; renew them when they run out.
    """

    username: str
    email: str
    role: Role | None
    kind: str
    scopes: tuple[Scope, ...]
    session: str
    auth_time: datetime | None
    has_second_factor: bool
    recovery_codes_left: int


class TotpEnrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A new second factor, not yet confirmed; shown this once.

    Attributes:
        secret: the seed, base 32, to type in.
        uri: the same as ``otpauth:`` address, for a QR code.
    """

    secret: str
    uri: str


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Ten codes that stand in for the second factor, each once; shown this once."""

    codes: tuple[str, ...]


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """Opens one WebSocket."""

    ticket: str
    expires_at: datetime


class Register(Act[SignedIn], frozen=True, kw_only=True):
    """Make an account and sign in: the owner's by the first link, others by an invitation.

    Attributes:
        token: of the link or the invitation.
        email: for people; nothing is sent to it.
        stay_signed_in: for 30 days, unless a week goes by unused.
    """

    username: Username
    password: Password
    token: Token = ""
    email: Email = ""
    stay_signed_in: bool = False
    transport: Transport = Transport.COOKIE
    device: Device = ""


class Login(Act[SignedIn], frozen=True, kw_only=True):
    """Sign in with a password; with a second factor the answer holds a challenge.

    Attributes:
        stay_signed_in: for 30 days, unless a week goes by unused; else for 24 hours, or until the
            browser is closed.
    """

    username: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    password: Password
    stay_signed_in: bool = False
    transport: Transport = Transport.COOKIE
    device: Device = ""


class ShowSecondFactor(Act[SignedIn], frozen=True, kw_only=True):
    """Finish a sign-in with the second factor.

    Attributes:
        challenge: as the first step answered.
    """

    challenge: Token
    code: Code
    transport: Transport = Transport.COOKIE


class Refresh(Act[SignedIn], frozen=True, kw_only=True):
    """Exchange the refresh token for new tokens; a token that comes twice ends its session.

    Attributes:
        refresh_token: empty where it travels in the cookie.
    """

    refresh_token: Token = ""
    transport: Transport = Transport.COOKIE


class Logout(Act[Done], frozen=True, kw_only=True):
    """End the session of who asks, or the one that the refresh token belongs to.

    Attributes:
        refresh_token: empty where it travels in the cookie, or an access token is sent.
    """

    refresh_token: Token = ""
    transport: Transport = Transport.COOKIE


class MakeLink(Act[SignInLink], frozen=True, kw_only=True):
    """Make a one-time sign-in link, good for five minutes.

    Attributes:
        user: whom it signs in; empty is the owner, or makes him while there is none.
    """

    user: Annotated[str, msgspec.Meta(max_length=32)] = ""


class TakeLink(Act[SignedIn], frozen=True, kw_only=True):
    """Sign in with a one-time link; one that resets takes a new password.

    Attributes:
        password: only with a link of `user reset`.
    """

    token: Token
    password: Password = ""
    stay_signed_in: bool = False
    transport: Transport = Transport.COOKIE
    device: Device = ""


class StepUp(Act[SteppedUp], frozen=True, kw_only=True):
    """Show a factor again: the code, or the password where there is no second factor."""

    code: Code = ""
    password: Password = ""


class ChangePassword(Act[Done], frozen=True, kw_only=True):
    """Change one's own password; all other sessions end."""

    current_password: Password
    new_password: Password


class ReadKeys(Query[Jwks], frozen=True, kw_only=True):
    """Read the public keys that access tokens are checked with."""


class RenewSigningKeys(Act[Done], frozen=True, kw_only=True):
    """Replace the keys that sign access tokens at once: every access token ends now.

    For when a key may have leaked. Sessions stay: they refresh.
    """


class ReadMe(Query[Me], frozen=True, kw_only=True):
    """Read who one is, and what one may."""


class EnrolTotp(Act[TotpEnrolment], frozen=True, kw_only=True):
    """Begin to set up a second factor: a seed for an authenticator app."""


class ConfirmTotp(Act[RecoveryCodes], frozen=True, kw_only=True):
    """Finish setting up the second factor with a code of the app; all other sessions end."""

    code: Code


class DisableTotp(Act[Done], frozen=True, kw_only=True):
    """Remove one's second factor and its recovery codes; all other sessions end."""


class RenewRecoveryCodes(Act[RecoveryCodes], frozen=True, kw_only=True):
    """Put ten new recovery codes in the place of the old ones."""


class AskTicket(Query[Ticket], frozen=True, kw_only=True):
    """Ask for a ticket that opens one WebSocket within 30 seconds.

    Attributes:
        origin: from where the socket will be opened; the HTTP door puts the header ``Origin`` here,
            if there is one.
    """

    origin: Annotated[str, msgspec.Meta(max_length=300)] = ""


_BROWSER: Final = "it is what a browser does; `botcore` signs in with the home's token or a key"
_OWN: Final = "it belongs to a signed-in person: open the settings of the page"
_SLOWED: Final = ("SIGN_IN_SLOWED", "SIGN_IN_BUSY")
_WEAK: Final = ("PASSWORD_LENGTH", "PASSWORD_COMMON")
_LINK: Final = ("LINK_UNKNOWN", "LINK_EXPIRED", "LINK_USED")
_PASSWORD: Final = "correct horse battery staple"  # noqa: S105  # an example
_NEW_PASSWORD: Final = "ribbon quarry lantern oboe"  # noqa: S105  # an example
_LINK_TOKEN: Final = "lnk_3yS0mW…"  # noqa: S105  # an example
_REFRESH_TOKEN: Final = "bcr_Vt81qK…"  # noqa: S105  # an example

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        name="auth.register",
        idempotency=Idempotency.IGNORED,
        request=Register,
        method="POST",
        path="auth/register",
        scope=None,
        aliases=("/api/auth/register",),
        no_command=_BROWSER,
        route_class=RouteClass.SIGN_IN,
        status=201,
        problems=(
            "REGISTRATION_CLOSED",
            *_LINK,
            "INVITATION_UNKNOWN",
            "INVITATION_USED",
            "INVITATION_ENDED",
            "USERNAME_TAKEN",
            *_WEAK,
            *_SLOWED,
        ),
        examples=(Register(token=_LINK_TOKEN, username="alice", password=_PASSWORD),),
    ),
    Operation(
        name="auth.login",
        idempotency=Idempotency.IGNORED,
        request=Login,
        method="POST",
        path="auth/login",
        scope=None,
        aliases=("/api/auth/login",),
        no_command=_BROWSER,
        route_class=RouteClass.SIGN_IN,
        problems=("SIGN_IN_INCORRECT", "ACCOUNT_DISABLED", *_SLOWED),
        examples=(
            Login(username="alice", password=_PASSWORD, transport=Transport.BODY),
            Login(username="alice", password=_PASSWORD, stay_signed_in=True),
        ),
    ),
    Operation(
        name="auth.mfa",
        idempotency=Idempotency.IGNORED,
        request=ShowSecondFactor,
        method="POST",
        path="auth/mfa",
        scope=None,
        no_command=_BROWSER,
        route_class=RouteClass.SIGN_IN,
        problems=("CODE_WRONG", "CHALLENGE_ENDED", "ACCOUNT_DISABLED", *_SLOWED),
        examples=(ShowSecondFactor(challenge="mfa_…", code="492039"),),
    ),
    Operation(
        name="auth.refresh",
        idempotency=Idempotency.IGNORED,
        request=Refresh,
        method="POST",
        path="auth/refresh",
        scope=None,
        no_command=_BROWSER,
        route_class=RouteClass.SIGN_IN,
        problems=("SESSION_ENDED", "REFRESH_REUSED"),
        examples=(Refresh(), Refresh(transport=Transport.BODY, refresh_token=_REFRESH_TOKEN)),
    ),
    Operation(
        name="auth.logout",
        idempotency=Idempotency.IGNORED,
        request=Logout,
        method="POST",
        path="auth/logout",
        scope=None,
        no_command=_BROWSER,
        lowers_risk=True,
        route_class=RouteClass.SIGN_IN,
        examples=(Logout(),),
    ),
    Operation(
        name="auth.link",
        idempotency=Idempotency.IGNORED,
        request=MakeLink,
        method="POST",
        path="auth/link",
        scope=Scope.ADMIN_USERS,
        no_command="`./bot open` makes one and opens it",
        has_step_up=True,
        route_class=RouteClass.ACT,
        status=201,
        problems=("USER_UNKNOWN", "LINKS_BY_OWNER", "ACCOUNT_DISABLED"),
        examples=(MakeLink(), MakeLink(user="alice")),
    ),
    Operation(
        name="auth.take-link",
        idempotency=Idempotency.IGNORED,
        request=TakeLink,
        method="POST",
        path="auth/link/take",
        scope=None,
        no_command=_BROWSER,
        route_class=RouteClass.SIGN_IN,
        problems=(*_LINK, "LINK_REGISTERS", "LINK_SETS_NO_PASSWORD", *_WEAK, *_SLOWED),
        examples=(TakeLink(token=_LINK_TOKEN),),
    ),
    Operation(
        name="auth.step-up",
        idempotency=Idempotency.IGNORED,
        request=StepUp,
        method="POST",
        path="auth/step-up",
        scope=Scope.MANAGE_SELF,
        no_command=_OWN,
        route_class=RouteClass.SIGN_IN,
        problems=("CODE_WRONG", "PASSWORD_WRONG", "NOT_A_PERSON", *_SLOWED),
        examples=(StepUp(code="492039"), StepUp(password=_PASSWORD)),
    ),
    Operation(
        name="auth.password",
        idempotency=Idempotency.IGNORED,
        request=ChangePassword,
        method="POST",
        path="auth/password",
        scope=Scope.MANAGE_SELF,
        no_command="`./bot user reset` makes a link that sets one",
        route_class=RouteClass.SIGN_IN,
        problems=("PASSWORD_WRONG", "NOT_A_PERSON", *_WEAK, *_SLOWED),
        examples=(ChangePassword(current_password=_PASSWORD, new_password=_NEW_PASSWORD),),
    ),
    Operation(
        name="auth.keys",
        request=ReadKeys,
        method="GET",
        path="auth/jwks",
        scope=None,
        no_command="it is for programs that check access tokens themselves",
        examples=(ReadKeys(),),
    ),
    Operation(
        name="auth.renew-signing-keys",
        request=RenewSigningKeys,
        method="POST",
        path="auth/jwks/renew",
        scope=Scope.ADMIN_SYSTEM,
        command=("key", "renew-signing"),
        has_step_up=True,
        route_class=RouteClass.ACT,
        examples=(RenewSigningKeys(),),
    ),
    Operation(
        name="auth.me",
        request=ReadMe,
        method="GET",
        path="auth/me",
        scope=Scope.MANAGE_SELF,
        command=("user", "me"),
        examples=(ReadMe(),),
    ),
    Operation(
        name="auth.enrol-totp",
        idempotency=Idempotency.IGNORED,
        request=EnrolTotp,
        method="POST",
        path="auth/totp",
        scope=Scope.MANAGE_SELF,
        no_command=_OWN,
        has_step_up=True,
        route_class=RouteClass.SIGN_IN,
        status=201,
        problems=("FACTOR_SET_UP", "NOT_A_PERSON"),
        examples=(EnrolTotp(),),
    ),
    Operation(
        name="auth.confirm-totp",
        idempotency=Idempotency.IGNORED,
        request=ConfirmTotp,
        method="POST",
        path="auth/totp/confirm",
        scope=Scope.MANAGE_SELF,
        no_command=_OWN,
        has_step_up=True,
        route_class=RouteClass.SIGN_IN,
        problems=("CODE_WRONG", "FACTOR_SET_UP", "FACTOR_NOT_SET_UP", "NOT_A_PERSON", *_SLOWED),
        examples=(ConfirmTotp(code="492039"),),
    ),
    Operation(
        name="auth.disable-totp",
        idempotency=Idempotency.IGNORED,
        request=DisableTotp,
        method="DELETE",
        path="auth/totp",
        scope=Scope.MANAGE_SELF,
        no_command=_OWN,
        has_step_up=True,
        route_class=RouteClass.SIGN_IN,
        problems=("FACTOR_NOT_SET_UP", "NOT_A_PERSON"),
        examples=(DisableTotp(),),
    ),
    Operation(
        name="auth.renew-recovery-codes",
        idempotency=Idempotency.IGNORED,
        request=RenewRecoveryCodes,
        method="POST",
        path="auth/recovery-codes",
        scope=Scope.MANAGE_SELF,
        no_command=_OWN,
        has_step_up=True,
        route_class=RouteClass.SIGN_IN,
        problems=("FACTOR_NOT_SET_UP", "NOT_A_PERSON"),
        examples=(RenewRecoveryCodes(),),
    ),
    Operation(
        name="auth.ticket",
        idempotency=Idempotency.IGNORED,
        request=AskTicket,
        method="POST",
        path="ws-ticket",
        scope=Scope.READ_MARKET,
        no_command="`botcore` follows streams by itself",
        examples=(AskTicket(),),
    ),
)
