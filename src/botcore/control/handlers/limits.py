"""Limits: those in force, put in force by people, and kept for the next start."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from botcore.control.access import Actor, Scope
from botcore.control.discretion import discreet
from botcore.control.engine_port import EnginePort
from botcore.control.handlers.addressing import (
    Accounts,
    KnownAccounts,
    must_cover,
    must_have,
    must_trade,
)
from botcore.control.handlers.refusing import must_be_done
from botcore.control.handling import Context, Effect, Handling
from botcore.control.operations import Request
from botcore.control.problems import Refused
from botcore.control.schema import risk as r
from botcore.control.schema.values import Money
from botcore.control.step_up import must_step_up
from botcore.control.wording import percent
from botcore.domain import commands as c
from botcore.domain import questions as q
from botcore.domain.errors import StorageError
from botcore.domain.ids import AccountId
from botcore.domain.numbers import MONEY, ZERO, exact
from botcore.kernel.clock import Clock

_LASTS: Final = "until they are changed again; what was never changed is the settings'"
_NOT_KEPT: Final = "they cannot be written beside the settings now, which is tried again"
_CENT: Final = Decimal("0.01")
_FRACTIONS: Final = (
    "order_frac",
    "instrument_frac",
    "strategy_frac",
    "account_frac",
    "price_band_frac",
    "daily_loss_frac",
    "drawdown_frac",
)


class _Change(NamedTuple):
    """A change of limits: those that change, and which of them become wider or narrower."""

    limits: dict[str, float | int]
    wider: tuple[str, ...]
    narrower: tuple[str, ...]


class KeepLimits(Protocol):
    """Keeps limits that were put in force, so that the next start has them too."""

    async def __call__(self, limits: Mapping[str, float | int], *, author: str) -> None:
        """Keep those that changed, by their names; where they are kept already, nothing is done.

        Raises:
            StorageError: they cannot be kept now; they are in force.
        """
        ...


class LimitHandlers:
    """Shows limits, and puts others in force.

    Args:
        engine: keeps to them.
        stored: knows the accounts while the engine does not run.
        clock: dates steps-up.
        keep: keeps changed limits for the next start; None keeps none.
    """

    def __init__(
        self,
        *,
        engine: EnginePort,
        stored: KnownAccounts,
        clock: Clock,
        keep: KeepLimits | None = None,
    ) -> None:
        self._engine = engine
        self._keep = keep
        self._clock = clock
        self._changing = asyncio.Lock()
        self._has_unkept = False
        self._accounts = Accounts(engine=engine, stored=stored)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            r.GetLimits: Handling(self.limits),
            r.SetLimits: Handling(self.set_limits, self.setting_limits),
        }

    async def limits(self, _context: Context, request: r.GetLimits) -> r.Limits:
        """Return the limits in force."""
        return _limits(await self._accounts.risk(request.account))

    async def set_limits(self, context: Context, request: r.SetLimits) -> r.Limits:
        """Put other limits in force; one at a time, so that what is kept is what is in force."""
        async with self._changing:
            state = await self._accounts.risk(request.account)
            change = self._may_change(context.actor, state, request)
            context.noted.fields(
                "limits", {name: state.limits[name] for name in change.limits}, change.limits
            )
            await self._use(context, state.account, change, context.reference)
            lasts = _LASTS
            if self._keep is not None:
                try:
                    await self._keep(change.limits, author=context.actor.name)
                except StorageError as error:  # in force all the same, also after a start
                    self._has_unkept = True
                    lasts = f"{_LASTS}; {_NOT_KEPT} ({discreet(error.cause)})"
            found = await self._accounts.risk(request.account)
            if any(found.limits[name] != value for name, value in change.limits.items()):
                # The engine was composed anew before they were kept: it has read the old ones.
                await self._use(context, state.account, change, f"{context.reference}/again")
                found = await self._accounts.risk(request.account)
        return msgspec.structs.replace(_limits(found), lasts=lasts)

    async def keep_in_force(self) -> None:
        """Keep what people put in force, where that was cut off: the engine is the truth.

        Raises:
            BotError: the engine does not answer, or it cannot be kept.
        """
        if self._keep is None:
            return
        async with self._changing:
            for state in await self._engine.ask(q.RiskState()):
                changed = {name: state.limits[name] for name in state.limits_changed}
                if changed:
                    await self._keep(changed, author=state.limits_by)
            self._has_unkept = False

    @property
    def has_unkept(self) -> bool:
        """Whether limits are in force that could not be kept."""
        return self._has_unkept

    async def _use(
        self, context: Context, account: AccountId, change: _Change, reference: str
    ) -> None:
        outcome = await self._engine.act(
            c.UseLimits(
                account=account,
                by=context.actor.by,
                reference=reference,
                limits=dict(change.limits),
                correlation=context.correlation,
            )
        )
        must_be_done(outcome)

    async def setting_limits(self, context: Context, request: r.SetLimits) -> Effect:
        """Say which limits become wider or narrower."""
        state = await self._accounts.risk(request.account)
        change = self._may_change(context.actor, state, request)
        parts = [
            f"{verb} {', '.join(_changed(name, state.limits[name], change) for name in names)}"
            for verb, names in (("widen", change.wider), ("narrow", change.narrower))
            if names
        ]
        words = "; ".join(parts) or "change nothing"
        return Effect(f"{words.capitalize()} (account {state.account})", bool(change.wider))

    def _may_change(self, actor: Actor, state: q.AccountRiskState, request: r.SetLimits) -> _Change:
        must_trade(actor, self._accounts.shown(state.account))
        must_cover(actor, "")
        change = _change(state, request)
        if change.wider:
            what = f"making {', '.join(change.wider)} wider"
            must_have(actor, Scope.ADMIN_RISK, what)
            must_step_up(actor, self._clock, what)
        return change


def _limits(state: q.AccountRiskState) -> r.Limits:
    given, currency = state.limits, state.currency
    named = {name: given[name] for name in r.Limits.__struct_fields__ if name in given}
    return r.Limits(
        account=state.account,
        **named,
        max_position_value=_share(given["instrument_frac"], state.equity, currency),
        max_daily_loss=_share(given["daily_loss_frac"], state.day_start, currency),
        max_drawdown=given["drawdown_frac"],
        lasts=_LASTS,
    )


def _share(fraction: float, of: Decimal, currency: str) -> Money:
    """Return a fraction of an amount, to the cent."""
    amount = MONEY.multiply(exact(fraction, what="a limit"), of)
    return Money(MONEY.quantize(amount, _CENT), currency)


def _change(state: q.AccountRiskState, request: r.SetLimits) -> _Change:
    """Return what a request changes; amounts become fractions.

    Raises:
        Refused: an amount cannot be a fraction of nothing.
    """
    wanted: dict[str, float | int] = {}
    for name in (*_FRACTIONS, "orders_per_s"):
        given = getattr(request, name)
        if given is not None:
            wanted[name] = given
    if request.max_drawdown is not None:
        wanted["drawdown_frac"] = request.max_drawdown
    if request.max_position_value is not None:
        wanted["instrument_frac"] = _fraction(request.max_position_value, state.equity)
    if request.max_daily_loss is not None:
        wanted["daily_loss_frac"] = _fraction(request.max_daily_loss, state.day_start)
    known = state.limits
    return _Change(
        wanted,
        wider=tuple(name for name, value in wanted.items() if value > known[name]),
        narrower=tuple(name for name, value in wanted.items() if value < known[name]),
    )


def _fraction(amount: Decimal, of: Decimal) -> float:
    if of <= ZERO:
        raise Refused(
            code="LIMIT_REFUSED",
            cause=f"{amount:f} is no fraction of an equity of {of:.2f}",
            fix="give the limit as a fraction, such as daily_loss_frac",
        )
    return float(amount / of)


def _changed(name: str, known: float, change: _Change) -> str:
    before, after = known, change.limits[name]
    if name not in _FRACTIONS:
        return f"{name} from {before:g} to {after:g}"
    return f"{name} from {percent(before)} to {percent(after)}"
