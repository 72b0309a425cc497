"""Risk: what is used of the limits, and what people may do about modes and locks."""

import asyncio
from typing import Any

import msgspec

from botcore.control.access import Actor
from botcore.control.engine_port import EnginePort
from botcore.control.handlers.addressing import (
    Accounts,
    must_be_a_person,
    must_cover,
    must_move,
    must_trade,
)
from botcore.control.handlers.plainly import measured, plainly
from botcore.control.handlers.pricing import prices_age
from botcore.control.handlers.refusing import mode_kept, must_be_done
from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Effect, Handling
from botcore.control.history_port import Asked, History, Nothing, OnlyDenials
from botcore.control.mode_words import ladder
from botcore.control.operations import Page, Request
from botcore.control.problems import NotFound
from botcore.control.schema import risk as r
from botcore.control.schema.values import Money, instant
from botcore.control.views import AccountView
from botcore.control.wording import date_time
from botcore.domain import commands as c
from botcore.domain import questions as q
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS, AccountId
from botcore.domain.modes import Mode
from botcore.domain.outcomes import Outcome
from botcore.kernel.clock import Clock


class RiskHandlers:
    """Shows risk, and carries out what people decide about it.

    Args:
        engine: keeps it.
        history: what was stored.
        clock: dates steps-up.
    """

    def __init__(self, *, engine: EnginePort, history: History, clock: Clock) -> None:
        self._engine = engine
        self._history = history
        self._clock = clock
        self._accounts = Accounts(engine=engine, stored=history)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            r.GetRiskState: Handling(self.state),
            r.StopAll: Handling(self.stop_all),
            r.ChangeMode: Handling(
                self.change_mode, self.changing_mode, rests_on=self.mode_that_is_left
            ),
            r.LiftLock: Handling(self.lift, self.lifting),
            r.ListDenials: Handling(self.denials),
            r.ListModeChanges: Handling(self.modes),
        }

    async def state(self, _context: Context, request: r.GetRiskState) -> r.RiskStanding:
        """Return how far an account is from its limits."""
        state = await self._accounts.risk(request.account)
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
            protections=state.protections,
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
        known = await self._may_move(context.actor, account, request.mode)
        outcome = await self._engine.act(
            c.SetMode(
                AccountId(account.id), request.mode, context.actor.by, request.cause, known.mode
            )
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
        state = await self._accounts.risk(request.account)
        return f"{state.mode} {state.mode_cause}"

    async def lift(self, context: Context, request: r.LiftLock) -> r.ModeAnswer:
        """Take a lock off."""
        account = self._accounts.shown(request.account)
        lock = await self._may_lift(context.actor, account, request)
        outcome = await self._engine.act(
            c.LiftLock(AccountId(account.id), context.actor.by, lock.lock)
        )
        must_be_done(outcome)
        said = _answer(account, outcome)
        lifted = f"{lock.protection} is lifted; the account is in {outcome.mode}"
        return msgspec.structs.replace(said, detail=lifted)

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

    async def _last_change(self, state: q.AccountRiskState) -> r.ModeChange | None:
        """Return who brought the account where it is; None where the store cannot say."""
        asked = Asked(account=state.account, only=Nothing(), limit=1)
        try:
            page = await asyncio.to_thread(self._history.mode_changes, asked)
        except StorageError:
            return None
        found = next(iter(page.items), None)
        return found if found is not None and found.mode is state.mode else None

    async def _may_move(self, actor: Actor, account: AccountView, mode: Mode) -> q.AccountRiskState:
        """Refuse who may not; return how the account stands by the engine's own word.

        The document that is shown is half a second old: since then it may have been halted.
        """
        must_trade(actor, account)
        must_cover(actor, "")
        state = await self._accounts.risk(account.id)
        must_move(actor, state.mode, mode, self._clock)
        return state

    async def _may_lift(
        self, actor: Actor, account: AccountView, request: r.LiftLock
    ) -> q.LockSeen:
        must_trade(actor, account)
        must_be_a_person(actor, "lifting a lock")
        for lock in (await self._accounts.risk(account.id)).locks:
            if lock.lock == request.id:
                return lock
        raise NotFound(
            code="LOCK_UNKNOWN",
            cause=f"no lock {request.id!r} is in force",
            fix="see GET /api/v1/risk/state for those that are",
        )


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
