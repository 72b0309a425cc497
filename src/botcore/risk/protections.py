"""Stops: which limits let an account only reduce, and who lets it go on.

The protections that a person configures are another thing: `locking` closes entries for a time.
"""

from collections.abc import Sequence

from botcore.domain.events import Fact, ModeChanged, PerformanceUpdate
from botcore.domain.ids import DAY_NS, InstrumentId, Nanos
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.risk.account import DAILY_LOSS, DRAWDOWN, AccountRisk

_QUIET: tuple[Fact, ...] = ()


def move(account: AccountRisk, mode: Mode, *, cause: str, by: str, at: Key) -> ModeChanged | None:
    """Move an account to a mode; None when it is there already, or may not leave a worse one.

    Entered at once by anyone. Only a person (`by` starts with ``person:``) leaves HALT, or a
    drawdown stop: from a worse mode anyone else comes back to REDUCE_ONLY at most. A daily loss
    lasts to midnight likewise.
    """
    if mode.severity < account.mode.severity and not by.startswith("person:"):
        if account.mode is Mode.HALT or by not in ("risk", "engine"):
            return None
        if account.stop and mode is Mode.NORMAL:  # what stopped it is still in force
            mode, cause = Mode.REDUCE_ONLY, f"{account.stop}: {cause}"
    if mode is account.mode:
        return None
    return _moved(account, mode, cause, by, at)


def mark_equity(account: AccountRisk, equity: float, at: Key) -> Sequence[Fact]:
    """Phase 7: take the equity of a bar's close; change the mode where a limit trips.

    Returns the facts of a new UTC day or of a tripped limit: seldom any.
    """
    account.equity = equity
    if equity > account.peak:
        account.raise_peak(equity)
    if not account.is_moved(equity, at.ts):
        return _QUIET
    facts: list[Fact] = []
    if at.ts >= account.next_day:
        _begin_day(account, equity, at, facts)
    is_normal = account.mode is Mode.NORMAL
    if equity <= account.drawdown_floor:
        # Also when it only reduces already: this cause outlasts the others.
        if is_normal or (account.mode is Mode.REDUCE_ONLY and account.stop != DRAWDOWN):
            cause = f"{DRAWDOWN}: equity {equity:.2f} fell to {account.drawdown_floor:.2f}"
            _stop(account, cause, at, facts)
    elif is_normal and equity <= account.loss_floor:
        cause = f"{DAILY_LOSS}: equity {equity:.2f} fell to {account.loss_floor:.2f}"
        _stop(account, cause, at, facts)
    return facts


def performance(
    account: AccountRisk, at: Key, marks: tuple[tuple[InstrumentId, float], ...]
) -> PerformanceUpdate:
    """Make the fact that carries equity, watermarks and marks."""
    return PerformanceUpdate(
        account.account,
        Nanos(at.ts),
        account.equity,
        account.peak,
        account.day,
        account.day_start,
        marks,
        () if account.guard is None else account.guard.highs(),
    )


def _begin_day(account: AccountRisk, equity: float, at: Key, facts: list[Fact]) -> None:
    is_first = account.day < 0
    account.begin_day(at.ts // DAY_NS, equity)
    if is_first:
        return
    facts.append(performance(account, at, ()))
    if account.mode is Mode.REDUCE_ONLY and account.mode_cause.startswith(DAILY_LOSS):
        facts.append(_moved(account, Mode.NORMAL, "a new UTC day", "risk", at))


def _stop(account: AccountRisk, cause: str, at: Key, facts: list[Fact]) -> None:
    stopped = _moved(account, Mode.REDUCE_ONLY, cause, "risk", at)
    facts.append(performance(account, at, ()))
    facts.append(stopped)


def _moved(account: AccountRisk, mode: Mode, cause: str, by: str, at: Key) -> ModeChanged:
    fact = ModeChanged(account.account, Nanos(at.ts), account.mode, mode, cause, by)
    account.fold_mode(fact)
    return fact
