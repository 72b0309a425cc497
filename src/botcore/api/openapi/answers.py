"""What may come back from an operation: its answer, and problems by status with their codes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Final

from botcore.api.openapi.codes import codes
from botcore.api.openapi.schemas import Schema, Schemas, reference
from botcore.api.rest.compressing import may_compress
from botcore.api.rest.cookies import RefreshCookie
from botcore.api.rest.decoding import BODILESS
from botcore.control.operations import Confirm, Idempotency, Operation

PROBLEM: Final = "ProblemBody"
_ALWAYS: Final = (
    "HEADER_TWICE",
    "HEADER_MALFORMED",
    "QUERY_MALFORMED",
    "SECRET_IN_ADDRESS",
    "PATH_MALFORMED",
    "HOST_NOT_ALLOWED",
    "NOT_ACCEPTABLE",
    "FIELD_UNKNOWN",
    "FIELD_MISSING",
    "FIELD_INVALID",
    "FIELD_TWICE",
    "RATE_LIMITED",
    "INTERNAL",
)
_BODY: Final = ("BODY_TOO_SLOW", "BODY_TOO_LARGE", "BODY_MEDIA_TYPE", "BODY_COMPRESSED")


def codes_of(operation: Operation) -> dict[int, list[str]]:
    """Return status → codes, of all that a call of this operation may be refused with."""
    named = [*_ALWAYS, *operation.problems]
    if operation.scope is not None:
        named += ["NOT_SIGNED_IN", "TOKEN_REFUSED", "TOKEN_EXPIRED", "SESSION_ENDED", "NOT_ALLOWED"]
    if operation.method in BODILESS:
        named.append("BODY_UNEXPECTED")
    else:
        named += _BODY if operation.upload_max else (*_BODY, "NOT_JSON")
        named.append("ORIGIN_NOT_ALLOWED")
    if operation.upload_max:
        named += ["UPLOAD_RUNNING", "UPLOAD_NOT_KEPT"]
    if operation.is_act:
        named += ["STILL_RUNNING", "IDEMPOTENCY_KEY_REUSED"]
        if not operation.lowers_risk:
            named += ["AUDIT_UNAVAILABLE", "ACT_UNFINISHED"]
    if operation.idempotency in (Idempotency.REQUIRED, Idempotency.IF_RAISING):
        named.append("IDEMPOTENCY_KEY_MISSING")
    if operation.has_step_up:
        named.append("STEP_UP_REQUIRED")
    if operation.confirm is not Confirm.NEVER:
        named += ["CONFIRMATION_REQUIRED", "CONFIRMATION_EXPIRED", "CONFIRMATION_MISMATCH"]
    if RefreshCookie(operation).takes:
        named.append("CUSTOM_HEADER_MISSING")
    found: defaultdict[int, list[str]] = defaultdict(list)
    for name in dict.fromkeys(named):
        known = codes().get(name)
        found[int(HTTPStatus.UNPROCESSABLE_ENTITY) if known is None else known.status].append(name)
    found.setdefault(int(HTTPStatus.SERVICE_UNAVAILABLE), [])
    if "{" in operation.path:
        found.setdefault(int(HTTPStatus.NOT_FOUND), [])
    return dict(sorted(found.items()))


def responses_of(operation: Operation, schemas: Schemas) -> Schema:
    """Return the responses of an operation."""
    found: Schema = {
        str(operation.status): {
            "description": "As it was asked for.",
            "headers": _headers(operation),
            "content": {"application/json": {"schema": schemas.told(operation.answer)}},
        }
    }
    if operation.has_etag or operation.cache_s:
        found["304"] = {"description": "The caller has it already: `If-None-Match` names its mark."}
    for status in codes_of(operation):
        found[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    return found


def problem_responses(operations: Iterable[Operation]) -> Schema:
    """Return the responses that say what went wrong, one a status."""
    statuses = {status for operation in operations for status in codes_of(operation)}
    found: Schema = {}
    for status in sorted(statuses):
        names = {"X-Correlation-Id": "Correlation"}
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            names["Retry-After"] = "RetryAfter"
        found[f"Problem{status}"] = {
            "description": f"{HTTPStatus(status).phrase}; `x-problems` of a route has the codes.",
            "headers": _referred(names),
            "content": {"application/problem+json": {"schema": reference(PROBLEM)}},
        }
    return found


def _headers(operation: Operation) -> Schema:
    names = {
        "X-Correlation-Id": "Correlation",
        "RateLimit": "RateLimit",
        "RateLimit-Policy": "RateLimitPolicy",
        "Cache-Control": "CacheControl",
    }
    if operation.has_etag or operation.cache_s:
        names["ETag"] = "ETag"
    if operation.is_act:
        names["Idempotency-Replayed"] = "IdempotencyReplayed"
    if may_compress(operation):
        names["Content-Encoding"] = "ContentEncoding"
    return _referred(names)


def _referred(names: Mapping[str, str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{value}"} for name, value in names.items()}


HEADERS: Final[Schema] = {
    name: {"description": words, "schema": {"type": "string"}}
    for name, words in {
        "Correlation": "Id of this call: the one that was sent, or a new one. Logs have it too.",
        "RateLimit": 'What is left of the budget: `"name";r=LEFT;t=SECONDS`.',
        "RateLimitPolicy": 'The budget: `"name";q=CALLS;w=SECONDS;burst=AT_ONCE`.',
        "CacheControl": "How long the answer may be kept.",
        "ETag": "Mark of the answer, for `If-None-Match`.",
        "IdempotencyReplayed": "`true` where this is the answer to an earlier call with the key.",
        "ContentEncoding": "`gzip` where it was accepted and the answer is long.",
        "RetryAfter": "Seconds to wait before asking again.",
    }.items()
}
