"""Which other web sites may use the API from a browser: a fixed list, and nobody else.

An origin is answered from the list and never from what the request says; `null` (a sandboxed frame,
a file) is nobody, and a star does not exist.
"""

import re
from collections.abc import Sequence
from typing import Final

from botcore.domain.errors import ConfigError

METHODS: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE"
HEADERS: Final = (
    b"authorization, confirmation-token, content-type, idempotency-key, if-match, if-none-match,"
    b" x-botcore, x-correlation-id"
)
"""What a script on a listed origin may send."""
EXPOSED: Final = (
    b"etag, location, ratelimit, ratelimit-limit, ratelimit-policy, ratelimit-remaining,"
    b" ratelimit-reset, retry-after, x-correlation-id"
)
"""What it may read of an answer."""
_KEPT_S: Final = b"600"
_ORIGIN: Final = re.compile(
    r"https?://(?:\[[0-9a-f:.]+\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::[0-9]{1,5})?\Z"
)

Header = tuple[bytes, bytes]


class Origins:
    """The origins that may use the API beside its own.

    Args:
        listed: ``scheme://name`` or ``scheme://name:port``, exactly as a browser sends it.

    Raises:
        ConfigError: one of them is no origin.
    """

    def __init__(self, listed: Sequence[str] = ()) -> None:
        origins = [origin.lower().rstrip("/") for origin in listed]
        for origin in origins:
            if _ORIGIN.match(origin) is None:
                raise ConfigError(
                    code="ORIGIN_MALFORMED",
                    cause=f"allowed origin {origin!r} is no origin",
                    fix="write it as https://dash.example, with :port if it is not the usual one;"
                    " a star or null is not possible",
                )
        self._listed = {origin.encode(): _answer_headers(origin.encode()) for origin in origins}

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._listed)

    def lists(self, origin: bytes) -> bool:
        """Whether this is one of them."""
        return origin in self._listed

    def answer_headers(self, origin: bytes | None) -> Sequence[Header]:
        """Return what an answer to a call from this origin carries; nothing if it is not listed."""
        return self._listed.get(origin, ()) if origin else ()

    def preflight_headers(self, origin: bytes) -> Sequence[Header]:
        """Return the answer to a browser that asks whether a listed origin may call."""
        return (
            *self._listed[origin],
            (b"access-control-allow-methods", METHODS),
            (b"access-control-allow-headers", HEADERS),
            (b"access-control-max-age", _KEPT_S),
        )


def is_own(origin: bytes, scheme: str, host: str) -> bool:
    """Whether an origin is the very one that the request was sent to."""
    return origin == f"{scheme}://{host}".lower().encode("latin-1")


def _answer_headers(origin: bytes) -> tuple[Header, ...]:
    return (
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", EXPOSED),
    )
