"""Bodies of calls: read within a size and a time, or written to a file as they come."""

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, Final

import msgspec
from starlette.types import Message, Receive

from botcore.api.rest.exchange import Exchange
from botcore.api.rest.refusals import TooLarge, TooSlow, Unreadable, WrongMedia
from botcore.control.operations import Upload
from botcore.control.problems import Conflict
from botcore.domain.errors import StorageError

_JSON: Final = "application/json"
_FILE: Final = "application/octet-stream"
_BUFFER: Final = 1024 * 1024
_SHOWN: Final = 64


class BodyTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long a body may take.

    Attributes:
        silence_s: between two parts of it.
        whole_s: of a JSON body.
        upload_s: of a file.
    """

    silence_s: float = 10.0
    whole_s: float = 30.0
    upload_s: float = 900.0


class CallerGoneError(Exception):
    """Nobody waits for an answer any more."""


async def read_json(exchange: Exchange, receive: Receive, *, most: int, times: BodyTimes) -> bytes:
    """Return the body of a call that takes JSON; empty where there is none.

    Args:
        exchange: the call.
        receive: of ASGI.
        most: bytes.
        times: bounds.

    Raises:
        WrongMedia: it is not JSON as it is, uncompressed.
        TooLarge: it is longer.
        TooSlow: it took too long.
        CallerGoneError: the caller hung up.
    """
    if not _has_body(exchange):
        return b""
    _refuse_media(exchange, _JSON)
    _refuse_length(exchange, most)
    parts = [part async for part in _parts(receive, most, times.silence_s, times.whole_s)]
    return parts[0] if len(parts) == 1 else b"".join(parts)


def refuse_body(exchange: Exchange) -> None:
    """Refuse a body where none is taken.

    Raises:
        Unreadable: there is one.
    """
    if _has_body(exchange):
        raise Unreadable(
            code="BODY_UNEXPECTED",
            cause=f"{exchange.method} takes no body here",
            fix="send the fields in the query",
        )


class Uploads:
    """Files on their way in: kept under a folder until who asked for them has taken them.

    A file is named by its own digest, so that a repetition is the same request. Whoever carries
    the request out moves it away, or leaves it to be removed.

    Args:
        folder: of this process alone; made if it is not there. What an earlier process left in it
            is removed.
        times: bounds.
    """

    def __init__(self, folder: Path, times: BodyTimes) -> None:
        self._folder = folder
        self._times = times
        self._busy: set[str] = set()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in folder.iterdir():
            left.unlink()

    @asynccontextmanager
    async def taken(
        self, exchange: Exchange, receive: Receive, *, most: int
    ) -> AsyncIterator[Upload]:
        """Write the body of a call to a file; it is there inside the context.

        Raises:
            WrongMedia, TooLarge, TooSlow, CallerGoneError: as `read_json`.
            Conflict: the very same file is being taken in by another call.
            StorageError: it cannot be written.
        """
        _refuse_media(exchange, _FILE)
        _refuse_length(exchange, most)
        part = self._folder / f"{secrets.token_hex(8)}.part"
        parts = _parts(receive, most, self._times.silence_s, self._times.upload_s)
        with _removed(part):
            try:
                upload = await self._written(part, parts)
            except OSError as error:
                raise StorageError(
                    code="UPLOAD_NOT_KEPT",
                    cause=f"the file cannot be written: {error.strerror}",
                    fix="make room on the disk of the home, then send it again",
                ) from error
            with self._alone(upload.sha256), _removed(Path(upload.path)):
                part.rename(upload.path)
                yield upload

    async def _written(self, part: Path, body: AsyncIterator[bytes]) -> Upload:
        digest, size = hashlib.sha256(), 0
        descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(descriptor, "wb", buffering=_BUFFER) as file:  # noqa: PTH123  # its mode is ours
            async for chunk in body:
                size += len(chunk)
                await asyncio.to_thread(_append, file, digest, chunk)
        name = digest.hexdigest()
        return Upload(path=str(self._folder / name), size=size, sha256=name)

    @contextmanager
    def _alone(self, digest: str) -> Iterator[None]:
        if digest in self._busy:
            raise Conflict(
                code="UPLOAD_RUNNING",
                cause="the very same file is being taken in by another call",
                fix="wait for its answer",
            )
        self._busy.add(digest)
        try:
            yield
        finally:
            self._busy.discard(digest)


@contextmanager
def _removed(path: Path) -> Iterator[None]:
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _append(file: BinaryIO, digest: "hashlib._Hash", chunk: bytes) -> None:
    digest.update(chunk)
    file.write(chunk)


async def _parts(
    receive: Receive, most: int, silence_s: float, whole_s: float
) -> AsyncIterator[bytes]:
    """Yield a body as it comes; nothing that is empty."""
    size = 0
    end = asyncio.get_running_loop().time() + whole_s
    has_more = True
    while has_more:
        message = await _next(receive, silence_s, end, whole_s)
        if message["type"] == "http.disconnect":
            raise CallerGoneError
        part: bytes = message.get("body", b"")
        has_more = message.get("more_body", False)
        size += len(part)
        if size > most:
            raise _too_large(f"more than {most}", most)
        if part:
            yield part


async def _next(receive: Receive, silence_s: float, end: float, whole_s: float) -> Message:
    left = end - asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(min(silence_s, left)):
            return await receive()
    except TimeoutError as error:
        raise TooSlow(
            code="BODY_TOO_SLOW",
            cause=f"the body did not arrive: {silence_s:g} s of silence, or {whole_s:g} s in all",
            fix="send it at once; see how good the connection is",
        ) from error


def _has_body(exchange: Exchange) -> bool:
    headers = exchange.headers
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers


def _refuse_media(exchange: Exchange, wanted: str) -> None:
    headers = exchange.headers
    if headers.get("content-encoding", "identity") != "identity":
        raise WrongMedia(
            code="BODY_COMPRESSED",
            cause="a compressed body is not taken: a small one could unpack to a huge one",
            fix="send it as it is, without Content-Encoding",
        )
    given, _, parameters = headers.get("content-type", "").partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if given.strip().lower() != wanted or charset not in ("", "charset=utf-8"):
        raise WrongMedia(
            code="BODY_MEDIA_TYPE",
            cause=f"the body is {given.strip()[:_SHOWN]!r}, this route takes {wanted}",
            fix=f"send `Content-Type: {wanted}`",
            details={"wanted": wanted},
        )


def _refuse_length(exchange: Exchange, most: int) -> None:
    text = exchange.headers.get("content-length", "0")
    if not text.isdigit() or int(text) > most:
        raise _too_large(text[:_SHOWN], most)


def _too_large(given: str, most: int) -> TooLarge:
    return TooLarge(
        code="BODY_TOO_LARGE",
        cause=f"the body's {given} bytes exceed {most}",
        fix="send less at once",
        details={"most": most},
    )
