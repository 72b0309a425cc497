"""One call over HTTP as the door sees it, and its answer."""

import re
import secrets
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote

from starlette.types import Scope, Send

from botcore.api.ports import Header
from botcore.api.rest.refusals import NotAcceptable, Unreadable
from botcore.control.access import STRANGER

JSON: Final = b"application/json"
_CORRELATION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}\Z")
_VISIBLE: Final = re.compile(r"[\x21-\x7e]{1,128}\Z")
_QUERY_BYTES: Final = 8 * 1024
_QUERY_FIELDS: Final = 100
SECRETS: Final = frozenset({"access_token", "token", "key", "api_key", "apikey", "ticket"})
_ONCE: Final = frozenset(
    {
        "authorization",
        "confirmation-token",
        "content-encoding",
        "content-length",
        "content-type",
        "idempotency-key",
        "x-botcore",
        "x-correlation-id",
    }
)


class Answer(NamedTuple):
    """What goes back.

    Attributes:
        headers: without the length, which `send_answer` adds.
    """

    status: int
    body: bytes = b""
    headers: Sequence[Header] = ()


class Exchange:
    """One call, and what becomes known of it on its way.

    Args:
        scope: of ASGI.

    Attributes:
        headers: as text, by lower-case name.
        correlation: the caller's id of the call, or one that is made here.
        actor: who calls; a stranger until it is known.
        budget: headers that say what is left of it.
        is_audited: whether control writes the call down.
    """

    __slots__ = (
        "actor",
        "address",
        "budget",
        "correlation",
        "headers",
        "is_audited",
        "is_secure",
        "method",
        "path_fields",
        "scope",
    )

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        self.path_fields: dict[str, str] = scope.get("path_params") or {}
        self.is_secure = scope.get("scheme") == "https"
        client = scope.get("client")
        self.address: str = client[0] if client else ""
        self.headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            self.headers[name.decode("latin-1")] = value.decode("latin-1")
        self.actor = STRANGER
        self.budget: Sequence[Header] = ()
        self.is_audited = False
        given = self.headers.get("x-correlation-id", "")
        self.correlation = given if _CORRELATION.match(given) else secrets.token_hex(8)

    def check(self) -> None:
        """Refuse what no call may have.

        Raises:
            Unreadable: a header that counts once is there twice, a header or the query is
                malformed, or the query holds a secret.
            NotAcceptable: the caller takes no JSON.
        """
        if len(self.headers) != len(self.scope["headers"]):
            _refuse_repeated(name.decode("latin-1") for name, _ in self.scope["headers"])
        accept = self.headers.get("accept")
        if accept and "*/*" not in accept and "application/" not in accept:
            raise NotAcceptable(
                code="NOT_ACCEPTABLE",
                cause="this address answers in application/json, which Accept does not name",
                fix="send `Accept: application/json`, or no such header",
            )

    def visible(self, header: str) -> str:
        """Return a header of 1 to 128 visible characters; empty if it is not there.

        Raises:
            Unreadable: it is longer, or holds others.
        """
        value = self.headers.get(header)
        if value is None:
            return ""
        if _VISIBLE.match(value) is None:
            raise Unreadable(
                code="HEADER_MALFORMED",
                cause=f"the header {header} is not 1 to 128 visible characters",
                fix="send a random word, such as a UUID",
                details={"header": header},
            )
        return value

    def query(self) -> list[tuple[str, str]]:
        """Return the query, in order.

        Raises:
            Unreadable: it is malformed, too long, or holds a secret.
        """
        return pairs_of(self.scope["query_string"])


def pairs_of(query: bytes) -> list[tuple[str, str]]:
    """Return a query's fields, in order.

    Raises:
        Unreadable: it is malformed, too long, or holds a secret.
    """
    if not query:
        return []
    if len(query) > _QUERY_BYTES:
        raise _no_query(f"its {len(query)} bytes exceed {_QUERY_BYTES}")
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_QUERY_FIELDS,
        )
    except ValueError as error:
        raise _no_query("it is not UTF-8, or has more than 100 fields") from error
    for name, _ in pairs:
        if name.lower() in SECRETS:
            raise Unreadable(
                code="SECRET_IN_ADDRESS",
                cause=f"the address carries `{name.lower()}`: addresses end up in logs",
                fix="send it as `Authorization: Bearer …`, and revoke the one you have sent",
            )
    return pairs


def unquoted(segment: str) -> str:
    """Return a part of a path as text.

    Raises:
        Unreadable: it is not UTF-8.
    """
    if "%" not in segment:
        return segment
    try:
        return unquote(segment, errors="strict")
    except UnicodeDecodeError as error:
        raise Unreadable(
            code="PATH_MALFORMED",
            cause="the path is not UTF-8",
            fix="encode each part of the path as UTF-8, percent-encoded",
        ) from error


async def send_answer(send: Send, answer: Answer) -> None:
    """Send an answer, its length set."""
    headers = [*answer.headers]
    if answer.status not in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED):
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _refuse_repeated(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen and name in _ONCE:
            raise Unreadable(
                code="HEADER_TWICE",
                cause=f"the header {name} is there twice",
                fix="send it once",
                details={"header": name},
            )
        seen.add(name)


def _no_query(why: str) -> Unreadable:
    return Unreadable(
        code="QUERY_MALFORMED",
        cause=f"the query cannot be read: {why}",
        fix="encode it as UTF-8, percent-encoded, and shorten it",
    )
