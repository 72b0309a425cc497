"""From the engine's no to the problem that says it."""

from typing import Final

from botcore.control.problems import Conflict, NotFound, Problem, Refused, Unavailable
from botcore.domain.modes import Mode
from botcore.domain.outcomes import Outcome

_KINDS: Final[dict[str, type[Problem]]] = {
    "ORDER_UNKNOWN": NotFound,
    "ORDER_NOT_WORKING": Conflict,
    "ORDER_CHANGE_PENDING": Conflict,
    "REFERENCE_REUSED": Conflict,
    "REFERENCE_SPENT": Conflict,
    "NOT_READY": Unavailable,
    "LOCK_UNKNOWN": NotFound,
}
_FIXES: Final = {
    "MODE_FORBIDS": "see GET /api/v1/risk/state for the mode and how it is left",
    "NOT_READY": "wait until the engine has reconciled with its venue; `./bot status` says when",
    "ORDER_UNKNOWN": "see GET /api/v1/trading/orders",
    "ORDER_NOT_WORKING": "see GET /api/v1/trading/orders/{id}: it has ended",
    "ORDER_CHANGE_PENDING": "wait for the answer to the change before",
    "INSTRUMENT_UNKNOWN": "see GET /api/v1/market-data/symbols for what is traded",
    "STRATEGY_UNKNOWN": "leave the strategy out, or see GET /api/v1/strategies",
    "REFERENCE_SPENT": "look at the orders; use a new Idempotency-Key for a new act",
    "REFERENCE_REUSED": "use a new Idempotency-Key for a new act",
    "LOCK_UNKNOWN": "see GET /api/v1/risk/state for those that are in force",
    "NO_PRICE": "wait for a price of the instrument",
    "PROTECTION_LOCKED": "wait until it ends, or lift it: POST /api/v1/risk/locks/{id}/lift",
}
_KEPT: Final = "ask again under a new Idempotency-Key: under this one it stays refused"
_FIX: Final = "change the order, or see GET /api/v1/risk/state for the limits and what is left"


def refusal(
    *,
    code: str,
    sentence: str,
    value: float,
    limit: float,
    mode: str = "",
    mode_cause: str = "",
) -> Problem:
    """Return the problem that a denial is.

    Args:
        code: of the denial.
        sentence: its words.
        value: what was too much or too little; 0 where no number is.
        limit: what it was held against.
        mode: of the account at that time, where it is known.
        mode_cause: why it was in that mode.
    """
    if code == "MODE_FORBIDS" and mode not in ("", Mode.NORMAL):
        because = f" ({mode_cause})" if mode_cause else ""
        sentence = f"the account is in {mode}{because}, which forbids it"
    return _KINDS.get(code, Refused)(
        code=code,
        cause=sentence or code,
        fix=_FIXES.get(code, _FIX),
        details={"value": value, "limit": limit} if value or limit else None,
    )


def must_be_done(outcome: Outcome) -> None:
    """Refuse what the engine refused.

    Raises:
        Problem: as the denial says.
    """
    if outcome.is_denied:
        problem = refusal(
            code=outcome.code,
            sentence=outcome.detail,
            value=outcome.value,
            limit=outcome.limit,
            mode="" if outcome.is_repeat else outcome.mode,  # it was refused in the mode of then
            mode_cause=outcome.mode_cause,
        )
        if outcome.is_repeat and outcome.code != "REFERENCE_SPENT":  # that one was done
            problem.fix = _KEPT  # its cause may be long gone; the engine keeps to what it said
        raise problem


def mode_kept(outcome: Outcome) -> Conflict:
    """Return the problem of an account that did not move: somebody was quicker."""
    return Conflict(
        code="MODE_KEPT",
        cause=f"the account stays in {outcome.mode}: {outcome.mode_cause}",
        fix="see GET /api/v1/risk/state for how that mode is left",
    )
