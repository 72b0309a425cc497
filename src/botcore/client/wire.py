"""A request as HTTP, and an answer as what it is: the other half of `api`."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import msgspec

from botcore.control import problems
from botcore.control.operations import Operation, Request
from botcore.domain.errors import BotError

PREFIX: Final = "/api/v1"
_FIELD: Final = re.compile(r"\{(\w+)\}")
_BODILESS: Final = ("GET", "DELETE")
_BY_CODE: Final[Mapping[str, type[problems.Problem]]] = {
    "CONFIRMATION_REQUIRED": problems.ConfirmationRequired,
    "STEP_UP_REQUIRED": problems.StepUpRequired,
}
_BY_STATUS: Final[Mapping[int, type[problems.Problem]]] = {
    401: problems.Unauthenticated,
    403: problems.Forbidden,
    404: problems.NotFound,
    409: problems.Conflict,
    422: problems.Refused,
    429: problems.TooMany,
    503: problems.Unavailable,
}


class Sent(NamedTuple):
    """A request as HTTP: `path` below the server's root, `query` as pairs, `body` or None."""

    method: str
    path: str
    query: list[tuple[str, str]]
    body: bytes | None


def to_http(operation: Operation, request: Request[Any]) -> Sent:
    """Return a request as HTTP; what has its default is left out."""
    fields: dict[str, Any] = msgspec.to_builtins(request)
    defaults = {f.encode_name: f.default for f in msgspec.structs.fields(request)}

    def filled(match: re.Match[str]) -> str:
        return quote(str(fields.pop(match[1])), safe="")

    path = PREFIX + "/" + _FIELD.sub(filled, operation.path.strip("/"))
    given = {name: value for name, value in fields.items() if value != defaults.get(name)}
    if operation.method in _BODILESS:
        pairs = [(name, _text(each)) for name, value in given.items() for each in _listed(value)]
        return Sent(operation.method, path, pairs, None)
    return Sent(operation.method, path, [], msgspec.json.encode(given))


def problem_from(status: int, body: bytes) -> BotError:
    """Return what a refusal says, as what the server raised; also where it is none of ours."""
    try:
        told = msgspec.json.decode(body)
    except msgspec.DecodeError:
        told = {}
    if not isinstance(told, dict) or "code" not in told:
        return not_understood(status, "no problem that Bot Core tells")
    kind = _BY_CODE.get(str(told["code"])) or _BY_STATUS.get(status, problems.Problem)
    details = told.get("details")
    return kind(
        code=str(told["code"]),
        cause=str(told.get("cause", "")),
        fix=str(told.get("fix", "")),
        details=details if isinstance(details, dict) else {},
    )


def not_understood(status: int, why: str) -> problems.Unavailable:
    """Return the error of an answer that is none of ours: a proxy's, or of another version."""
    return problems.Unavailable(
        code="ANSWER_NOT_UNDERSTOOD",
        cause=f"the server answered with status {status} and nothing that Bot Core says: {why}",
        fix="check the address: something else, or another version, may listen there",
    )


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
