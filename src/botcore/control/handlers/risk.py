"""Risk: what is used of the limits, and what people may do about limits, modes and locks."""

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
    must_be_a_person,
    must_cover,
    must_have,
    must_move,
    must_trade,
    unknown_account,
)
from botcore.control.handlers.plainly import measured, plainly
from botcore.control.handlers.pricing import prices_age
from botcore.control.handlers.refusing import mode_kept, must_be_done
from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Effect, Handling
from botcore.control.history_port import Asked, History, Nothing, OnlyDenials
from botcore.control.mode_words import ladder
from botcore.control.operations import Page, Request
from botcore.control.problems import NotFound, Refused
from botcore.control.schema import risk as r
from botcore.control.schema.values import Money, instant
from botcore.control.step_up import must_step_up
from botcore.control.views import AccountView
from botcore.control.wording import date_time, percent
from botcore.domain import commands as c
from botcore.domain import questions as q
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS, AccountId
from botcore.domain.modes import Mode
from botcore.domain.numbers import MONEY, ZERO, exact
from botcore.domain.outcomes import Outcome
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


class RiskHandlers:
    """Shows risk, and carries out what people decide about it.

    Args:
        engine: keeps it.
        history: what was stored.
        clock: dates steps-up.
        keep: keeps changed limits for the next start; None keeps none.
    """

    def __init__(
        self,
        *,
        engine: EnginePort,
        history: History,
        clock: Clock,
        keep: KeepLimits | None = None,
    ) -> None:
        self._engine = engine
        self._keep = keep
        self._history = history
        self._clock = clock
        self._changing = asyncio.Lock()
        self._has_unkept = False
        self._accounts = Accounts(engine=engine, stored=history)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            r.GetLimits: Handling(self.limits),
            r.SetLimits: Handling(self.set_limits, self.setting_limits),
            r.GetRiskState: Handling(self.state),
            r.StopAll: Handling(self.stop_all),
            r.ChangeMode: Handling(
                self.change_mode, self.changing_mode, rests_on=self.mode_that_is_left
            ),
            r.LiftLock: Handling(self.lift, self.lifting),
            r.ListDenials: Handling(self.denials),
            r.ListModeChanges: Handling(self.modes),
        }

    async def limits(self, _context: Context, request: r.GetLimits) -> r.Limits:
        """Return the limits in force."""
        return _limits(await self._state(request.account))

    async def set_limits(self, context: Context, request: r.SetLimits) -> r.Limits:
        """Put other limits in force; one at a time, so that what is kept is what is in force."""
        async with self._changing:
            state = await self._state(request.account)
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
            found = await self._state(request.account)
            if any(found.limits[name] != value for name, value in change.limits.items()):
                # The engine was composed anew before they were kept: it has read the old ones.
                await self._use(context, state.account, change, f"{context.reference}/again")
                found = await self._state(request.account)
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
        state = await self._state(request.account)
        change = self._may_change(context.actor, state, request)
        parts = [
            f"{verb} {', '.join(_changed(name, state.limits[name], change) for name in names)}"
            for verb, names in (("widen", change.wider), ("narrow", change.narrower))
            if names
        ]
        words = "; ".join(parts) or "change nothing"
        return Effect(f"{words.capitalize()} (account {state.account})", bool(change.wider))

    async def state(self, _context: Context, request: r.GetRiskState) -> r.RiskStanding:
        """Return how far an account is from its limits."""
        state = await self._state(request.account)
        view = self._accounts.platform()
        changed = await self._last_change(state)
        currency, now = state.currency, view.feed.now
        standing = r.RiskStanding(
            account=state.account,
            currency=currency,
            mode=state.mode,
            mode_cause=state.mode_cause,
            mode_by="" if changed is None else changed.by,
            mode_since=None if changed is None else changed.time,
            mode_exit=state.mode_exit,
            ladder=ladder(state.mode),
            stop=state.stop,
            equity=Money(measured(state.equity), currency),
            peak=Money(measured(state.peak), currency),
            day_start=Money(measured(state.day_start), currency),
            exposures=state.exposures,
            others=state.others,
            has_doubts=state.has_doubts,
            locks=tuple(_lock(lock, now) for lock in state.locks),
            prices=prices_age(view, self._engine.view_age_s()),
        )
        return plainly(standing)

    async def stop_all(self, context: Context, request: r.StopAll) -> r.ModeAnswer:
        """Stop everything at once; no look at anything comes before it."""
        account = self._accounts.shown(request.account)
        must_cover(context.actor, "")
        outcome = await self._engine.act(
            c.KillSwitch(AccountId(account.id), context.actor.by, request.cause)
        )
        return _answer(account, outcome)

    async def change_mode(self, context: Context, request: r.ChangeMode) -> r.ModeAnswer:
        """Move an account to a mode."""
        account = self._accounts.shown(request.account)
        await self._may_move(context.actor, account, request.mode)
        outcome = await self._engine.act(
            c.SetMode(AccountId(account.id), request.mode, context.actor.by, request.cause)
        )
        must_be_done(outcome)
        if outcome.mode is not request.mode:
            raise mode_kept(outcome)
        return _answer(account, outcome)

    async def changing_mode(self, context: Context, request: r.ChangeMode) -> Effect:
        """Say what the account could do then; less than now needs no confirmation."""
        account = self._accounts.shown(request.account)
        known = await self._may_move(context.actor, account, request.mode)
        (step,) = (step for step in ladder(request.mode) if step.is_current)
        cause = f", where it is because of {known.mode_cause}," if known.mode_cause else ""
        return Effect(
            f"Move the account {account.id} from {known.mode}{cause} to {request.mode}: "
            f"{step.allows}",
            is_raising=request.mode.severity < known.mode.severity,
        )

    async def mode_that_is_left(self, _context: Context, request: r.ChangeMode) -> str:
        """Say where the account is and why: who confirmed leaving that confirmed nothing else."""
        state = await self._state(request.account)
        return f"{state.mode} {state.mode_cause}"

    async def lift(self, context: Context, request: r.LiftLock) -> r.ModeAnswer:
        """Take a lock off."""
        account = self._accounts.shown(request.account)
        lock = await self._may_lift(context.actor, account, request)
        outcome = await self._engine.act(
            c.LiftLock(AccountId(account.id), context.actor.by, lock.lock)
        )
        must_be_done(outcome)
        return _answer(account, outcome)

    async def lifting(self, context: Context, request: r.LiftLock) -> Effect:
        """Say what the lock holds back, and until when it would."""
        account = self._accounts.shown(request.account)
        lock = await self._may_lift(context.actor, account, request)
        what = " on ".join(part for part in (lock.strategy, lock.instrument) if part)
        return Effect(
            f"Take {lock.protection} off {what or 'the account'} before "
            f"{date_time(lock.until)} UTC; it holds because {lock.cause} (account {account.id})"
        )

    def denials(self, _context: Context, request: r.ListDenials) -> Page[r.DeniedIntent]:
        """Return a page of what was denied."""
        return self._history.denials(
            Asked(
                account=self._accounts.name_blocking(request.account),
                only=OnlyDenials(
                    strategy=request.strategy, instrument=request.instrument, code=request.code
                ),
                span=span_of(request.start, request.end),
                limit=request.limit,
                cursor=request.cursor,
            )
        )

    def modes(self, _context: Context, request: r.ListModeChanges) -> Page[r.ModeChange]:
        """Return a page of how the mode changed."""
        return self._history.mode_changes(
            Asked(
                account=self._accounts.name_blocking(request.account),
                only=Nothing(),
                span=span_of(request.start, request.end),
                limit=request.limit,
                cursor=request.cursor,
            )
        )

    async def _state(self, asked: str) -> q.AccountRiskState:
        name = self._accounts.shown(asked).id
        for state in await self._engine.ask(q.RiskState()):
            if state.account == name:
                return state
        raise unknown_account(asked)

    async def _last_change(self, state: q.AccountRiskState) -> r.ModeChange | None:
        """Return who brought the account where it is; None where the store cannot say."""
        asked = Asked(account=state.account, only=Nothing(), limit=1)
        try:
            page = await asyncio.to_thread(self._history.mode_changes, asked)
        except StorageError:
            return None
        found = next(iter(page.items), None)
        return found if found is not None and found.mode is state.mode else None

    def _may_change(self, actor: Actor, state: q.AccountRiskState, request: r.SetLimits) -> _Change:
        must_trade(actor, self._accounts.shown(state.account))
        must_cover(actor, "")
        change = _change(state, request)
        if change.wider:
            what = f"making {', '.join(change.wider)} wider"
            must_have(actor, Scope.ADMIN_RISK, what)
            must_step_up(actor, self._clock, what)
        return change

    async def _may_move(self, actor: Actor, account: AccountView, mode: Mode) -> q.AccountRiskState:
        """Refuse who may not; return how the account stands by the engine's own word.

        The document that is shown is half a second old: since then it may have been halted.
        """
        must_trade(actor, account)
        must_cover(actor, "")
        state = await self._state(account.id)
        must_move(actor, state.mode, mode, self._clock)
        return state

    async def _may_lift(
        self, actor: Actor, account: AccountView, request: r.LiftLock
    ) -> q.LockSeen:
        must_trade(actor, account)
        must_be_a_person(actor, "lifting a lock")
        for lock in (await self._state(account.id)).locks:
            if lock.lock == request.id:
                return lock
        raise NotFound(
            code="LOCK_UNKNOWN",
            cause=f"no lock {request.id!r} is in force",
            fix="see GET /api/v1/risk/state for those that are",
        )


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


def _fraction(amount: float, of: Decimal) -> float:
    if of <= ZERO:
        raise Refused(
            code="LIMIT_REFUSED",
            cause=f"{amount:g} is no fraction of an equity of {of:.2f}",
            fix="give the limit as a fraction, such as daily_loss_frac",
        )
    return float(exact(amount, what="a limit") / of)


def _changed(name: str, known: float, change: _Change) -> str:
    before, after = known, change.limits[name]
    if name not in _FRACTIONS:
        return f"{name} from {before:g} to {after:g}"
    return f"{name} from {percent(before)} to {percent(after)}"


def _lock(lock: q.LockSeen, now: int) -> r.Lock:
    return r.Lock(
        id=lock.lock,
        protection=lock.protection,
        kind=lock.kind,
        cause=lock.cause,
        strategy=lock.strategy,
        instrument=lock.instrument,
        until=instant(lock.until),
        remaining_s=max(0.0, (lock.until - now) / SECOND_NS),
    )


def _answer(account: AccountView, outcome: Outcome) -> r.ModeAnswer:
    return r.ModeAnswer(
        account=account.id, mode=outcome.mode, cause=outcome.mode_cause, detail=outcome.sentence
    )
