"""A `BotError` as ``application/problem+json`` (RFC 9457)."""

import math
from http import HTTPStatus
from typing import Any, Final

import msgspec

from botcore.api.ports import Header
from botcore.api.rest.exchange import Answer
from botcore.api.rest.refusals import MethodNotAllowed
from botcore.control.discretion import discreet
from botcore.control.problems import Problem, TooMany, Unauthenticated
from botcore.domain.errors import BotError, ConfigError, DataError, InvariantBroken

PROBLEM_JSON: Final = b"application/problem+json"
DOCUMENTED_AT: Final = "/api/v1/docs#"
_STATUS: Final[tuple[tuple[type[BotError], int], ...]] = (
    (ConfigError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DataError, HTTPStatus.SERVICE_UNAVAILABLE),
    (InvariantBroken, HTTPStatus.INTERNAL_SERVER_ERROR),
)
"""What is in no row, such as a store that cannot be read or an engine that does not answer, is 503:
it may work later."""


class ProblemBody(msgspec.Struct, frozen=True, kw_only=True):
    """Why a call was not carried out.

    Attributes:
        type: where the code is documented.
        title: the status in words.
        status: of HTTP.
        code: stable; programs go by it.
        cause: what happened, with the value and the limit.
        fix: what to do about it.
        correlation: id of the call; the log has it too.
        details: further values, as the code says.
    """

    type: str
    title: str
    status: int
    code: str
    cause: str
    fix: str
    correlation: str
    details: dict[str, Any] = {}


def status_of(kind: type[BotError]) -> int:
    """Return the HTTP status that says an error of this class."""
    if issubclass(kind, Problem):
        return int(kind.status)
    for known, status in _STATUS:
        if issubclass(kind, known):
            return int(status)
    return int(HTTPStatus.SERVICE_UNAVAILABLE)


def problem_answer(error: BotError, correlation: str) -> Answer:
    """Return the answer that says an error; what it tells of this machine stays here."""
    status = status_of(type(error))
    body = ProblemBody(
        type=DOCUMENTED_AT + error.code,
        title=HTTPStatus(status).phrase,
        status=status,
        code=error.code,
        cause=discreet(error.cause),
        fix=discreet(error.fix),
        correlation=correlation,
        details=error.details if isinstance(error, Problem) else {},
    )
    return Answer(
        status,
        msgspec.json.encode(body),
        [
            (b"content-type", PROBLEM_JSON),
            (b"cache-control", b"no-store"),
            (b"x-correlation-id", correlation.encode("ascii")),
            *_extra(error),
        ],
    )


def internal_error(correlation: str) -> BotError:
    """Return what a caller learns of a bug: the log has the rest under the same id."""
    return InvariantBroken(
        code="INTERNAL",
        cause="the platform met a bug while it answered",
        fix=f"look for {correlation} in the log, and report what stands there",
    )


def _extra(error: BotError) -> list[Header]:
    match error:
        case Unauthenticated():
            return [(b"www-authenticate", b"Bearer")]
        case TooMany():
            seconds = error.details.get("retry_after_s")
            wait = math.ceil(seconds) if isinstance(seconds, int | float) else 1
            return [(b"retry-after", b"%d" % max(1, wait))]
        case MethodNotAllowed():
            return [(b"allow", ", ".join(error.allowed).encode("ascii"))]
        case _:
            return []
