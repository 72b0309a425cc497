"""Who asks, and what they may: scopes, roles, and the one place that joins them.

Deny by default: what no role or key grants is refused.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec


class Scope(StrEnum):
    """A permission; every operation names the one it needs."""

    READ_MARKET = "read:market"
    READ_ACCOUNT = "read:account"
    READ_METRICS = "read:metrics"
    RUN_JOBS = "run:jobs"
    TRADE_PAPER = "trade:paper"
    TRADE_LIVE = "trade:live"
    MANAGE_BOTS = "manage:bots"
    MANAGE_ALERTS = "manage:alerts"
    MANAGE_SELF = "manage:self"
    """One's own password, second factor, sessions and keys."""
    ADMIN_RISK = "admin:risk"
    ADMIN_USERS = "admin:users"
    ADMIN_AUDIT = "admin:audit"
    ADMIN_SYSTEM = "admin:system"


class Role(StrEnum):
    """What a person is on this server, from the most to the least powerful."""

    OWNER = "owner"
    ADMIN = "admin"
    TRADER = "trader"
    ANALYST = "analyst"
    VIEWER = "viewer"


_VIEWER: Final = frozenset(
    {Scope.READ_MARKET, Scope.READ_ACCOUNT, Scope.MANAGE_SELF, Scope.MANAGE_ALERTS}
)
_ANALYST: Final = _VIEWER | {Scope.RUN_JOBS, Scope.READ_METRICS}
_TRADER: Final = _ANALYST | {Scope.TRADE_PAPER, Scope.TRADE_LIVE, Scope.MANAGE_BOTS}
_ADMIN: Final = _TRADER | {
    Scope.ADMIN_RISK,
    Scope.ADMIN_USERS,
    Scope.ADMIN_AUDIT,
    Scope.ADMIN_SYSTEM,
}

GRANTS: Final[Mapping[Role, frozenset[Scope]]] = {
    Role.OWNER: frozenset(Scope),
    Role.ADMIN: _ADMIN,
    Role.TRADER: _TRADER,
    Role.ANALYST: _ANALYST,
    Role.VIEWER: _VIEWER,
}
"""What each role may. An admin may all that an owner may, but an admin makes no owners (a rule of
the handlers of users)."""


class ActorKind(StrEnum):
    """Through which door somebody came."""

    STRANGER = "stranger"
    """Not signed in: only what is public answers."""
    PERSON = "person"
    """A signed-in session: browser or access token."""
    KEY = "key"
    """A program with an API key."""
    LOCAL = "local"
    """The command line on this machine, with the home's token."""
    SYSTEM = "system"
    """The platform itself: schedules, alerts."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks; made by the door from what it has checked, never from what a request says.

    Attributes:
        name: for the audit: ``person:alice``, ``key:ab12cd34``, ``local:root``, ``stranger``.
        user: id of the user who answers for it; empty for strangers and the machine itself.
        scopes: granted, after role and key have been joined.
        session: id of the session or key; empty where there is none.
        address: of the peer, as text.
        auth_time: when a factor was last shown, seconds since 1970; 0 if never. A step-up asks for
            a recent one.
        is_unattended: a key whose acts need no confirmation, as was granted when it was made.
        symbols, max_notional: a key's own bounds; empty and None where it has none.
    """

    kind: ActorKind
    name: str
    user: str = ""
    role: Role | None = None
    scopes: frozenset[Scope] = frozenset()
    session: str = ""
    address: str = ""
    auth_time: int = 0
    is_unattended: bool = False
    symbols: frozenset[str] = frozenset()
    max_notional: Decimal | None = None

    @property
    def by(self) -> str:
        """Who it was, as the engine's facts say it: only ``person:…`` counts as a person."""
        return f"person:{self.name}" if self.kind is ActorKind.LOCAL else self.name

    def may(self, scope: Scope) -> bool:
        """Whether this scope was granted; who may trade real money may trade play money."""
        if scope in self.scopes:
            return True
        return scope is Scope.TRADE_PAPER and Scope.TRADE_LIVE in self.scopes


STRANGER: Final = Actor(kind=ActorKind.STRANGER, name="stranger")
SYSTEM: Final = Actor(kind=ActorKind.SYSTEM, name="system", scopes=frozenset(Scope))


def stranger_at(address: str) -> Actor:
    """Return who has not signed in, at an address."""
    return msgspec.structs.replace(STRANGER, address=address)


def local_actor(user: str) -> Actor:
    """Return the one who sits at this machine: the home's owner by right of the file system."""
    return Actor(
        kind=ActorKind.LOCAL,
        name=f"local:{user}",
        user=f"local:{user}",
        role=Role.OWNER,
        scopes=frozenset(Scope),
        address="127.0.0.1",
        is_unattended=False,
    )
