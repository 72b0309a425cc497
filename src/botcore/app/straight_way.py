"""The straight way to the engine, past control: for what lowers risk, where control is away.

The kill switch must not wait for a page's process that hangs, or for a store that somebody holds.
It is no second door: only a request that control did not answer goes this way, only one that lowers
risk, and only on this machine. It is written into the log; the audit is control's alone.
"""

import contextlib
import os
from typing import Any, Final

import msgspec

import botcore
from botcore.app.channel import Remote
from botcore.app.home import Home, RunInfo
from botcore.control.handlers.refusing import mode_kept, must_be_done
from botcore.control.operations import Done, Operation, Request
from botcore.control.problems import (
    ConfirmationRequired,
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Refused,
    StepUpRequired,
)
from botcore.control.schema.orders import Canceled, CancelOrders
from botcore.control.schema.risk import ChangeMode, ModeAnswer, StopAll
from botcore.control.schema.strategies import StopStrategy
from botcore.control.schema.values import instant
from botcore.domain.commands import CancelAll, Command, KillSwitch, PauseStrategy, SetMode
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.ids import AccountId, InstrumentId, StrategyId
from botcore.domain.modes import Mode
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import RiskState
from botcore.kernel.clock import SystemClock
from botcore.observability.events import LogEvent

WAIT_S: Final = 3.0
"""How long control is waited for before the engine is told straight."""
_ACCOUNT: Final = AccountId("paper")
"""Whose strategies they are, and whose account is meant where none is named."""
_SERVICE: Final = "shell"
"""Names the log of what people told the engine straight."""
_DECIDED: Final = (
    ConfirmationRequired,
    Conflict,
    Forbidden,
    Malformed,
    NotFound,
    Refused,
    StepUpRequired,
)
"""Control's own no: it was reached, and it stays a no."""
_NOBODY_THERE: Final = ("LISTENER_UNPROVED", "ALREADY_RUNNING")
"""Refusals of this side: what answers for the home is not there, or not yet."""


def has_straight_way(request: Request[Any]) -> bool:
    """Whether a request lowers risk so plainly that the engine may be told without control."""
    return _command(request, by="") is not None


def is_away(error: BotError) -> bool:
    """Whether an error means that control did not take a request, and not that it refused it."""
    if isinstance(error, ConfigError):
        return error.code in _NOBODY_THERE
    return not isinstance(error, _DECIDED)


def go_straight(
    home: Home, info: RunInfo, operation: Operation, request: Request[Any], *, by: str, why: str
) -> object:
    """Tell the engine, and return an answer as control's; it is logged before it is told.

    Args:
        home: whose engine.
        info: of what runs there.
        operation: of the request.
        request: with a straight way.
        by: who asks, as the engine's facts say it.
        why: code of what kept it from control.

    Raises:
        Conflict: it would let the account do more than now: that takes control.
        BotError: the engine does not answer, or refuses.
    """
    command = _command(request, by=by)
    assert command is not None, "only what has a straight way is told to go it"
    remote = Remote(events=info.events, commands=info.commands, token=home.token())
    try:
        if isinstance(command, SetMode):
            _must_lower(remote, command)
        _log(home, operation, by=by, why=why)
        outcome = remote.act(command)
    finally:
        remote.close()
    must_be_done(outcome)
    if isinstance(command, SetMode) and outcome.mode is not command.mode:
        raise mode_kept(outcome)
    return _answer(command, outcome)


def _command(request: Request[Any], *, by: str) -> Command | None:
    match request:
        case StopAll():
            return KillSwitch(_account(request.account), by, request.cause)
        case CancelOrders():
            return CancelAll(
                _account(request.account),
                by,
                None if request.strategy is None else StrategyId(request.strategy),
                None if request.instrument is None else InstrumentId(request.instrument),
                request.side,
            )
        case ChangeMode() if request.mode is not Mode.NORMAL:
            # As if it stood there already: the engine itself leaves no stricter mode for it.
            return SetMode(
                _account(request.account), request.mode, by, request.cause, known=request.mode
            )
        case StopStrategy():
            return PauseStrategy(_ACCOUNT, StrategyId(request.id), by)
        case _:
            return None


def _account(asked: str) -> AccountId:
    return AccountId(asked) if asked else _ACCOUNT


def _must_lower(remote: Remote, command: SetMode) -> None:
    """Refuse to leave a stricter mode, by the engine's own word; HALT is the strictest.

    Raises:
        Conflict: it would.
    """
    if command.mode is Mode.HALT:
        return
    for state in remote.ask(RiskState()):
        if state.account == command.account and state.mode.severity > command.mode.severity:
            raise Conflict(
                code="MODE_NEEDS_CONTROL",
                cause=f"the account stays in {state.mode}: leaving it for {command.mode} takes"
                " control, which does not answer",
                fix="see `./bot status` and `./bot logs --service api`, and ask again",
            )


def _answer(command: Command, outcome: Outcome) -> object:
    match command:
        case CancelAll():
            return Canceled(
                account=outcome.account,
                count=outcome.working,
                orders=tuple(each.client_order_id for each in outcome.orders),
                detail=outcome.sentence,
            )
        case KillSwitch() | SetMode():
            return ModeAnswer(
                account=outcome.account,
                mode=outcome.mode,
                cause=outcome.mode_cause,
                detail=outcome.sentence,
            )
        case _:
            return Done(detail=outcome.sentence)


def _log(home: Home, operation: Operation, *, by: str, why: str) -> None:
    """Write a line into the home's log; a disk that is full does not keep the engine from it.

    In one write, past the logging of this process, which goes to a person and not into a file.
    """
    now = SystemClock().now_ns()
    line = {
        "ts": instant(now).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "level": "warning",
        "event": LogEvent.TOLD_STRAIGHT,
        "service": _SERVICE,
        "version": botcore.__version__,
        "action": operation.name,
        "by": by,
        "code": why,
    }
    with contextlib.suppress(OSError):
        path = home.logs / f"{_SERVICE}.log"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, msgspec.json.encode(line) + b"\n")
        finally:
            os.close(descriptor)
