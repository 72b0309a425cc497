"""From what a command came to, to the answer for whoever gave it."""

from typing import TypeGuard

from botcore.domain import commands as c
from botcore.domain.ids import AccountId, ClientOrderId
from botcore.domain.outcomes import OrderStanding, Outcome
from botcore.domain.questions import OpenNow, WhatIsOpen
from botcore.engine.acts import is_same
from botcore.engine.commanding import is_unconfirmed
from botcore.engine.open_now import open_now
from botcore.engine.pipeline import Engine
from botcore.execution import Order
from botcore.risk import DENIALS


def is_repeated(engine: Engine, command: c.Command) -> bool:
    """Whether a command's reference is known already, before the command is taken."""
    return _has_reference(command) and engine.acts.is_known(command)


def about_to_cancel(engine: Engine, command: c.Command) -> OpenNow | None:
    """Return what a command is about to cancel, before it is taken; None for those that do not."""
    match command:
        case c.CancelAll():
            asked = WhatIsOpen(
                account=command.account,
                strategy=command.strategy,
                instrument=command.instrument,
                side=command.side,
            )
        case c.Flatten() | c.KillSwitch():
            asked = WhatIsOpen(account=command.account)
        case _:
            return None
    return open_now(engine.desk, asked)


def outcome_of(
    engine: Engine,
    command: c.Command,
    *,
    is_repeat: bool,
    lsn: int,
    canceled: OpenNow | None = None,
    is_lifted: bool = True,
) -> Outcome:
    """Return what a command came to, right after the engine took it.

    Args:
        engine: on its own thread.
        command: as it was taken.
        is_repeat: whether its reference was known before.
        lsn: up to which the journal is durable.
        canceled: what `about_to_cancel` said of it.
        is_lifted: whether it lifted the lock that it names (`Desk.has_lifted`); any other command
            does not ask.
    """
    account = engine.desk.risk.account(command.account)
    orders: tuple[ClientOrderId, ...] = ()
    code = detail = ""
    value = limit = 0.0
    if _has_reference(command):
        act = engine.acts.of(command)
        if act is None:
            code = "REFERENCE_SPENT"
        elif is_same(act, command):
            orders, code, detail = act.orders, act.code, act.detail
            value, limit = act.value, act.limit
        else:
            code = "REFERENCE_REUSED"
    elif is_unconfirmed(command):
        code = "NOT_CONFIRMED"
    elif isinstance(command, c.LiftLock) and not is_lifted:
        code = "LOCK_UNKNOWN"
    elif isinstance(command, c.CancelAll) and canceled is not None:
        orders = canceled.first
    detail = detail or (DENIALS[code] if code else "")
    done = f"denied: {detail} [{code}]" if code else "done"
    return Outcome(
        sentence=f"{done}; the account is in {account.mode}",
        account=account.account,
        mode=account.mode,
        mode_cause=account.mode_cause,
        orders=tuple(standing_of(engine, account.account, name) for name in orders),
        code=code,
        detail=detail,
        value=value,
        limit=limit,
        working=0 if canceled is None or code else canceled.orders,
        is_repeat=is_repeat,
        lsn=lsn,
    )


def standing_of(engine: Engine, account: AccountId, name: ClientOrderId) -> OrderStanding:
    """Return an order as it stands; of one that is long gone only the name is left."""
    order: Order | None = engine.desk.execution.index.get(name)
    if order is None or order.spec.account != account:
        return OrderStanding(client_order_id=name)
    return OrderStanding(
        client_order_id=name,
        state=order.state,
        quantity=order.quantity,
        filled=order.filled,
        leaves=order.leaves,
        limit_price=order.limit_price,
        trigger_price=order.trigger_price,
        cancel_owed=order.cancel_owed,
        replace_pending=order.replace_pending,
    )


def _has_reference(command: c.Command) -> TypeGuard[c.Referenced]:
    return isinstance(command, c.Referenced) and bool(command.reference)
