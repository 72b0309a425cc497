"""Answers compressed for those who take it, where that tells nobody a secret."""

import asyncio
import gzip
from functools import lru_cache
from typing import Final

from botcore.control.access import Scope
from botcore.control.operations import Operation, RouteClass

SMALLEST: Final = 1024
_ON_A_THREAD: Final = 64 * 1024
_LEVEL: Final = 5
_SECRET_SCOPES: Final = frozenset({Scope.MANAGE_SELF, Scope.ADMIN_USERS})


def may_compress(operation: Operation) -> bool:
    """Whether answers of an operation may be compressed.

    One that may hold a secret (a token, a key) beside what the caller sent is never: its length
    would tell the secret, a guess at a time (BREACH: Gluck, Harris, Prado, 2013).
    """
    return operation.route_class is not RouteClass.SIGN_IN and operation.scope not in _SECRET_SCOPES


@lru_cache(maxsize=256)
def takes_gzip(accept_encoding: str) -> bool:
    """Whether a caller with this header takes gzip."""
    for part in accept_encoding.lower().split(","):
        name, _, parameter = part.partition(";")
        if name.strip() in ("gzip", "*"):
            return parameter.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


async def compressed(body: bytes) -> bytes:
    """Return a body as gzip; a long one is made on a thread."""
    if len(body) < _ON_A_THREAD:
        return gzip.compress(body, _LEVEL, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0)
