"""The refresh token in a cookie: out of the answer that gives it, into the request that takes it.

Scripts of a page can read neither, and no other site can make use of it. Programs that keep no
cookies say ``"transport": "body"``.
"""

import re
from typing import Any, Final

import msgspec

from botcore.api.ports import Header
from botcore.api.rest.exchange import Exchange
from botcore.api.rest.refusals import Unreadable
from botcore.control.dispatch import Told
from botcore.control.operations import Operation, Request
from botcore.control.problems import Forbidden

_TOKEN, _TRANSPORT, _COOKIE = "refresh_token", "transport", "cookie"
_OVER: Final = frozenset({"SESSION_ENDED", "REFRESH_REUSED"})
_MAX_AGE: Final = "refresh_max_age_s"
_CUSTOM: Final = "x-botcore"
_HOST: Final = "host"
_PORT: Final = re.compile(r":([0-9]{1,5})\Z")


def cookie_name(*, is_secure: bool, host: str) -> str:
    """Return the cookie's name.

    Args:
        is_secure: with TLS the browser itself holds it to this host.
        host: as the browser names it. Cookies know no ports, so that two platforms of one machine
            would sign each other out: the port stands in the name.
    """
    port = _PORT.search(host)
    name = f"botcore_refresh_{port[1]}" if port else "botcore_refresh"
    return f"__Host-{name}" if is_secure else name


class RefreshCookie:
    """How one operation has to do with the cookie.

    Args:
        operation: which.
    """

    def __init__(self, operation: Operation) -> None:
        asked = {field.name for field in msgspec.structs.fields(operation.request)}
        answer = operation.answer
        given = getattr(answer, "__struct_fields__", ())
        self.gives = _TOKEN in given and _TRANSPORT in asked
        self.takes = _TOKEN in asked and _TRANSPORT in asked
        self.ends = self.takes and not self.gives

    def filled(self, exchange: Exchange, request: Request[Any]) -> Request[Any]:
        """Return the request with the cookie's token, if that is how it is sent.

        Raises:
            Forbidden: the header that no other site's form can send is missing.
            Unreadable: there are two such cookies, one of them not ours.
        """
        if not self.takes or getattr(request, _TRANSPORT) != _COOKIE:
            return request
        token = _token_in(exchange)
        if token and exchange.headers.get(_CUSTOM) != "1":
            raise Forbidden(
                code="CUSTOM_HEADER_MISSING",
                cause="a call that signs itself in with a cookie needs the header X-Botcore: 1",
                fix="send it: it shows that no other site's form has sent the call",
            )
        return msgspec.structs.replace(request, **{_TOKEN: token}) if token else request

    def kept_back(
        self,
        exchange: Exchange,
        request: Request[Any],
        told: Told,
    ) -> tuple[bytes, list[Header]]:
        """Return what is told of an answer, and the headers that set or clear the cookie."""
        if self.ends:
            return told.encoded, [*cleared(exchange), (b"clear-site-data", b'"cache", "storage"')]
        if not self.gives or getattr(request, _TRANSPORT) != _COOKIE:
            return told.encoded, []
        token = getattr(told.answer, _TOKEN)
        if not token:  # a second factor is wanted first
            return told.encoded, []
        age = getattr(told.answer, _MAX_AGE, None)
        shown = msgspec.structs.replace(told.answer, **{_TOKEN: ""})
        return msgspec.json.encode(shown), [_set(exchange, token, max_age_s=age)]


def cleared(exchange: Exchange) -> list[Header]:
    """Return the header that makes a browser forget the cookie, if it has sent it."""
    if f"{_name(exchange)}=" not in exchange.headers.get(_COOKIE, ""):
        return []
    return [_set(exchange, "", max_age_s=0)]


def is_over(code: str) -> bool:
    """Whether a refusal with this code says that a session is over, and not only a token."""
    return code in _OVER


def _name(exchange: Exchange) -> str:
    return cookie_name(is_secure=exchange.is_secure, host=exchange.headers.get(_HOST, ""))


def _set(exchange: Exchange, token: str, *, max_age_s: int | None) -> Header:
    """Return the header that sets the cookie; without an age it lasts until the browser closes."""
    name = _name(exchange)
    secure = "; Secure" if exchange.is_secure else ""
    age = "" if max_age_s is None else f"; Max-Age={max_age_s}"
    text = f"{name}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}"
    return b"set-cookie", text.encode("ascii")


def _token_in(exchange: Exchange) -> str:
    name = _name(exchange)
    pairs = (each.strip().partition("=") for each in exchange.headers.get(_COOKIE, "").split(";"))
    found = [value for key, _, value in pairs if key == name]
    if len(found) > 1:
        raise Unreadable(
            code="COOKIE_TWICE",
            cause=f"there are two cookies {name}, and one of them is not ours",
            fix="delete the cookies of this site, then sign in again",
        )
    return found[0] if found else ""
