"""Which account a request means, and whether who asks may act on it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, Protocol

from botcore.control.access import Actor, ActorKind, Scope
from botcore.control.engine_port import EnginePort
from botcore.control.problems import Forbidden, NotFound, Unavailable
from botcore.control.step_up import must_step_up
from botcore.control.views import AccountView, PlatformView
from botcore.domain.modes import Mode
from botcore.domain.questions import AccountRiskState, RiskState
from botcore.kernel.clock import Clock

LIVE: Final = "live"
"""The kind of an account with real money."""


class KnownAccounts(Protocol):
    """What was stored."""

    def accounts(self) -> Sequence[str]:
        """Return the ids of all accounts that have a history; blocks."""
        ...


class Accounts:
    """The accounts of the platform, as the engine shows them, or as they were stored.

    Args:
        engine: shows them while it runs.
        stored: knows them when it does not.
    """

    def __init__(self, *, engine: EnginePort, stored: KnownAccounts) -> None:
        self._engine = engine
        self._stored = stored

    def platform(self) -> PlatformView:
        """Return the newest view.

        Raises:
            Unavailable: there is none yet.
        """
        view = self._engine.view()
        if view is None:
            raise Unavailable(
                code="ENGINE_SILENT",
                cause="the engine does not run, or has not reported yet",
                fix="start it with `./bot up`, or wait a few seconds; `./bot status` says which",
            )
        return view

    def shown(self, asked: str) -> AccountView:
        """Return an account as the engine shows it; the first one where none is named.

        Raises:
            NotFound: there is none of that name.
            Unavailable: the engine has not reported yet.
        """
        for account in self.platform().accounts:
            if asked in ("", account.id):
                return account
        raise unknown_account(asked)

    async def risk(self, asked: str) -> AccountRiskState:
        """Return how an account stands, by the engine's own word; a view may be older.

        Raises:
            NotFound: there is none of that name.
            Unavailable: the engine has not reported yet.
            BotError: the engine does not answer.
        """
        name = self.shown(asked).id
        for state in await self._engine.ask(RiskState()):
            if state.account == name:
                return state
        raise unknown_account(asked)

    def name_blocking(self, asked: str) -> str:
        """Return the id of an account, also while the engine does not run.

        Raises:
            NotFound: there is none of that name.
            StorageError: the store cannot be read.
        """
        view = self._engine.view()
        shown = () if view is None else tuple(account.id for account in view.accounts)
        if asked in shown:
            return asked
        if shown and not asked:
            return shown[0]
        for name in self._stored.accounts():
            if asked in ("", name):
                return name
        raise unknown_account(asked)


def unknown_account(asked: str) -> NotFound:
    """Return the problem of an account that is not there."""
    return NotFound(
        code="ACCOUNT_UNKNOWN",
        cause=f"there is no account {asked!r}" if asked else "there is no account yet",
        fix="leave the account out for the first one, or see GET /api/v1/accounts",
    )


def must_trade(actor: Actor, account: AccountView) -> None:
    """Refuse who may not trade on an account of this kind.

    Raises:
        Forbidden: a scope is missing.
    """
    scope = Scope.TRADE_LIVE if account.kind == LIVE else Scope.TRADE_PAPER
    must_have(actor, scope, f"acting on the {account.kind} account {account.id}")


def must_have(actor: Actor, scope: Scope, what: str) -> None:
    """Refuse who lacks a scope.

    Raises:
        Forbidden: with the scope.
    """
    if not actor.may(scope):
        raise Forbidden(
            code="NOT_ALLOWED",
            cause=f"{what} needs the scope {scope}",
            fix="ask the owner of this server for a role or a key that has it",
            details={"scope": scope},
        )


def must_cover(actor: Actor, instrument: str, notional: Decimal | None = None) -> None:
    """Refuse what lies outside a key's own bounds.

    Args:
        actor: who asks.
        instrument: what is acted on; empty is everything.
        notional: what an order comes to; None where it opens nothing that could be too much.

    Raises:
        Forbidden: with the bound.
    """
    symbols = actor.symbols
    names = {instrument, instrument.partition(".")[0]}
    if symbols and not names & symbols:
        raise Forbidden(
            code="KEY_SCOPE",
            cause=f"this key may act on {', '.join(sorted(symbols))} only, not on "
            f"{instrument or 'all instruments'}",
            fix="name an instrument of the key, or use another key",
        )
    most = actor.max_notional
    if most is not None and notional is not None and notional > most:
        raise Forbidden(
            code="KEY_SCOPE",
            cause=f"notional {notional:.2f} exceeds {most:.2f} of this key",
            fix="make the order smaller, or use another key",
        )


def must_be_a_person(actor: Actor, what: str) -> None:
    """Refuse programs where only a person may decide.

    Raises:
        Forbidden: a key asks.
    """
    if actor.kind not in (ActorKind.PERSON, ActorKind.LOCAL):
        raise Forbidden(
            code="PERSON_REQUIRED",
            cause=f"{what} takes a person; {actor.name} is not one",
            fix="sign in and do it yourself, or use the command line on the machine",
        )


def must_move(actor: Actor, known: Mode, wanted: Mode, clock: Clock) -> None:
    """Refuse who may not take an account from one mode to another; allowing less is for anyone.

    Raises:
        Forbidden: it would allow more, and no person asks.
        StepUpRequired: it would leave HALT, and no factor was shown lately.
    """
    if wanted.severity >= known.severity:
        return
    what = f"leaving {known}"
    must_be_a_person(actor, what)
    if known is Mode.HALT:
        must_step_up(actor, clock, what)
