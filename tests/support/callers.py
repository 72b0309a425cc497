"""Who asks, for tests of control's handlers."""

from decimal import Decimal

from botcore.control.access import GRANTS, Actor, ActorKind, Role, Scope, local_actor
from botcore.control.handling import Context
from botcore.control.noting import Noted

AUTH_TIME = 1_763_000_000
"""When the persons here have shown a factor, seconds since 1970."""


def a_person(role: Role = Role.OWNER, *, auth_time: int = AUTH_TIME) -> Actor:
    return Actor(
        kind=ActorKind.PERSON,
        name="person:ann",
        user="ann",
        role=role,
        scopes=GRANTS[role],
        session="s1",
        auth_time=auth_time,
    )


def a_key(
    *scopes: Scope, symbols: frozenset[str] = frozenset(), max_notional: Decimal | None = None
) -> Actor:
    return Actor(
        kind=ActorKind.KEY,
        name="key:ab12cd34",
        user="ann",
        scopes=frozenset(scopes or {Scope.TRADE_PAPER, Scope.READ_ACCOUNT}),
        session="ab12cd34",
        symbols=symbols,
        max_notional=max_notional,
    )


def a_call(actor: Actor | None = None, *, reference: str = "ref-1") -> Context:
    return Context(local_actor("root") if actor is None else actor, "corr-1", reference, Noted())
