"""A good answer: how long it may be kept, its mark, and whether it is compressed."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from botcore.api.ports import Header
from botcore.api.rest.caching import Kept, etag_of, is_known
from botcore.api.rest.compressing import SMALLEST, compressed, may_compress, takes_gzip
from botcore.api.rest.exchange import JSON, Answer, Exchange
from botcore.control.operations import Operation

_IS_JSON: Final[Header] = (b"content-type", JSON)
_NO_STORE: Final[Header] = (b"cache-control", b"no-store")
_ASK_AGAIN: Final[Header] = (b"cache-control", b"private, no-cache")
_VARY: Final[Header] = (b"vary", b"accept-encoding, authorization")
_GZIP: Final[Header] = (b"content-encoding", b"gzip")
_REPLAYED: Final[Header] = (b"idempotency-replayed", b"true")


class Answering:
    """Makes the good answers of one operation.

    Args:
        operation: which.
    """

    def __init__(self, operation: Operation) -> None:
        self._status = operation.status
        self._has_etag = operation.has_etag
        self._may_compress = may_compress(operation)

    async def told(
        self,
        exchange: Exchange,
        body: bytes,
        headers: Sequence[Header] = (),
        *,
        was_known: bool = False,
    ) -> Answer:
        """Return the answer with a new body.

        Args:
            exchange: the call.
            body: JSON.
            headers: of its own.
            was_known: it is the answer to an earlier call with the same key.
        """
        more = [*headers, _REPLAYED] if was_known else [*headers]
        if self._has_etag:
            etag = etag_of(body)
            more += [_ASK_AGAIN, (b"etag", etag), _VARY]
            if _is_known(exchange, etag):
                return self._unchanged(exchange, more)
        else:
            more.append(_NO_STORE)
        if self._is_compressed(exchange, body):
            return self._good(exchange, await compressed(body), [*more, _GZIP])
        return self._good(exchange, body, more)

    async def kept(self, exchange: Exchange, kept: Kept) -> Answer:
        """Return the answer with a body that may be told for a while."""
        may_keep = (b"cache-control", b"private, max-age=%d" % kept.seconds)
        more = [may_keep, (b"etag", kept.etag), _VARY]
        if _is_known(exchange, kept.etag):
            return self._unchanged(exchange, more)
        if not self._is_compressed(exchange, kept.body):
            return self._good(exchange, kept.body, more)
        if kept.zipped is None:
            kept.zipped = await compressed(kept.body)
        return self._good(exchange, kept.zipped, [*more, _GZIP])

    def _good(self, exchange: Exchange, body: bytes, more: list[Header]) -> Answer:
        correlation = (b"x-correlation-id", exchange.correlation.encode("ascii"))
        return Answer(self._status, body, [_IS_JSON, correlation, *more, *exchange.budget])

    def _unchanged(self, exchange: Exchange, more: list[Header]) -> Answer:
        return self._good(exchange, b"", more)._replace(status=int(HTTPStatus.NOT_MODIFIED))

    def _is_compressed(self, exchange: Exchange, body: bytes) -> bool:
        return (
            len(body) > SMALLEST
            and self._may_compress
            and takes_gzip(exchange.headers.get("accept-encoding", ""))
        )


def _is_known(exchange: Exchange, etag: bytes) -> bool:
    wanted = exchange.headers.get("if-none-match")
    return wanted is not None and is_known(wanted, etag)
