"""What risk remembers of its accounts as plain values, and back."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from botcore.domain.errors import InvariantBroken
from botcore.domain.ids import AccountId
from botcore.domain.modes import Mode
from botcore.risk.account import AccountRisk
from botcore.risk.locking.state import GuardState


class AccountState(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One account; the floors follow from watermarks and limits and are not kept.

    Equity and watermarks are floats: their shortest text, which is what JSON keeps, is exact.

    Attributes:
        guard: left out where no protection is configured, and by releases that knew none.
    """

    mode: Mode
    mode_cause: str
    stop: str
    equity: float
    peak: float
    day: int
    day_start: float
    orders_at: tuple[int, ...]
    guard: GuardState | UnsetType = UNSET


def write_state(accounts: Mapping[AccountId, AccountRisk]) -> dict[str, Any]:
    """Return account → state as JSON values, sorted by account."""
    return {name: msgspec.to_builtins(_state(known)) for name, known in sorted(accounts.items())}


def read_state(state: Mapping[str, Any], accounts: Mapping[AccountId, AccountRisk]) -> None:
    """Make the accounts what `state` describes; their limits stay those in force.

    Raises:
        InvariantBroken: ``RISK_STATE_MALFORMED``, also when it names an account that is not
            configured; nothing was changed.
    """
    try:
        read = msgspec.convert(dict(state), dict[str, AccountState])
        known = {name: accounts[AccountId(name)] for name in read}
    except (msgspec.ValidationError, KeyError) as error:
        raise InvariantBroken(
            code="RISK_STATE_MALFORMED",
            cause=f"the risk state of a snapshot cannot be read: {error}",
            fix="configure every account of the snapshot, or restore an older one",
        ) from error
    for name, account in read.items():
        _restore(known[name], account)


def _state(account: AccountRisk) -> AccountState:
    return AccountState(
        mode=account.mode,
        mode_cause=account.mode_cause,
        stop=account.stop,
        equity=account.equity,
        peak=account.peak,
        day=account.day,
        day_start=account.day_start,
        orders_at=tuple(account.orders_at),
        guard=UNSET if account.guard is None else account.guard.state(),
    )


def _restore(account: AccountRisk, state: AccountState) -> None:
    account.mode = state.mode
    account.mode_cause = state.mode_cause
    account.equity = state.equity
    account.peak = state.peak
    account.orders_at.clear()
    account.orders_at.extend(state.orders_at)
    if account.guard is not None:
        account.guard.restore(GuardState() if state.guard is UNSET else state.guard)
    account.begin_day(state.day, state.day_start)
    account.stop = state.stop  # last: a day that begins ends a daily loss
