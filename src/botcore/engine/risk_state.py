"""Limits, exposure and protections of the accounts, for people."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from botcore.domain.ids import AccountId, Nanos
from botcore.domain.modes import Mode
from botcore.domain.numbers import ZERO
from botcore.domain.questions import AccountRiskState, LockSeen, ProtectionSeen, Usage
from botcore.engine.desk import Desk
from botcore.engine.pipeline import Engine
from botcore.engine.usage import amount, orders_within_a_second, usage
from botcore.risk import AccountRisk, Protection
from botcore.risk.account import DAILY_LOSS, DRAWDOWN

_BY_PERSON = "a person sets NORMAL"


def risk_state(engine: Engine, account: AccountRisk, now: int) -> AccountRiskState:
    """Return how an account stands at the instant `now` of the market's clock."""
    desk, name, limits = engine.desk, account.account, account.limits
    changed, by = engine.limits.by_people(name)
    equity = desk.valuation.equity_exact(name)
    return AccountRiskState(
        account=name,
        currency=desk.valuation.reporting(name),
        equity=equity,
        peak=amount(account.peak),
        day_start=amount(account.day_start),
        mode=account.mode,
        mode_cause=account.mode_cause,
        mode_exit=mode_exit(account),
        stop=account.stop,
        limits=msgspec.to_builtins(limits),
        limits_changed=tuple(changed),
        limits_by=by,
        limits_words=limits.describe(),
        exposures=_exposures(desk, account),
        others=(
            _fall("daily loss", account.day_start, equity, limits.daily_loss_frac, desk, name),
            _fall("drawdown", account.peak, equity, limits.drawdown_frac, desk, name),
            usage(
                "order rate",
                "",
                orders_within_a_second(account, now),
                limits.orders_per_s,
                "orders/s",
            ),
        ),
        has_doubts=desk.execution.index.has_doubts,
        locks=locks_of(account, now),
        protections=() if account.guard is None else _seen(account.guard.rules.values()),
    )


def mode_exit(account: AccountRisk) -> str:
    """Return how the account's mode can be left, in words; empty in NORMAL."""
    cause = account.mode_cause
    if account.mode is Mode.NORMAL:
        return ""
    if account.mode is Mode.HALT:
        return f"only by a person: {_BY_PERSON}"
    if account.mode is Mode.FLATTEN:
        return f"by itself once nothing is left to close, into CANCEL_ONLY; or {_BY_PERSON}"
    if account.stop == DRAWDOWN:
        return f"only by a person: {_BY_PERSON}, and the peak is counted anew"
    if account.stop == DAILY_LOSS:
        return f"by itself at the next UTC midnight, or {_BY_PERSON}"
    if cause.startswith("IN_DOUBT"):
        return f"by itself once no order is in doubt, or {_BY_PERSON}"
    if cause.startswith("ENGINE"):
        return f"by itself once the account is reconciled, or {_BY_PERSON}"
    return _BY_PERSON


def locks_of(account: AccountRisk, now: int) -> tuple[LockSeen, ...]:
    """Return the locks of protections that are in force, those that end first before others."""
    return tuple(
        LockSeen(
            lock=lock.id,
            protection=lock.protection,
            kind=lock.kind,
            cause=lock.cause,
            until=Nanos(lock.until),
            strategy=lock.strategy,
            instrument=lock.instrument,
        )
        for lock in sorted(account.locks.values(), key=lambda lock: (lock.until, lock.id))
        if lock.until > now
    )


def _seen(rules: Iterable[Protection]) -> tuple[ProtectionSeen, ...]:
    return tuple(ProtectionSeen(rule.name, rule.kind, rule.describe()) for rule in rules)


def _exposures(desk: Desk, account: AccountRisk) -> tuple[Usage, ...]:
    name, view, limits = account.account, desk.view, account.limits
    equity, unit = view.equity(name), str(desk.valuation.reporting(name))
    found = [usage("account", "", view.account_exposure(name), equity * limits.account_frac, unit)]
    for instrument in view.instruments():
        used = view.instrument_exposure(name, instrument)
        if used:
            allowed = equity * limits.instrument_frac
            found.append(usage("instrument", instrument, used, allowed, unit))
    owners = {held.strategy for held in desk.portfolio.positions(name) if held.quantity}
    owners |= {order.spec.strategy for order in desk.execution.index.all_working(name)}
    for owner in sorted(owners):
        used = view.strategy_exposure(name, owner)
        found.append(usage("strategy", owner, used, equity * limits.strategy_frac, unit))
    return tuple(found)


def _fall(  # noqa: PLR0917  # a fall: of what, from, to, how far it may go
    limit: str, high: float, equity: Decimal, share: float, desk: Desk, name: AccountId
) -> Usage:
    """Return how much of an allowed fall from a high has been lost."""
    lost = max(ZERO, amount(high) - equity)
    return usage(limit, "", lost, high * share, str(desk.valuation.reporting(name)))
