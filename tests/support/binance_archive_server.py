"""A local server with the layout of Binance's public archives and klines routes, and its faults.

It serves real daily archives, monthly ones built of them, and the same candles on the route. Each
fault befalls one request of one path, in the order given.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import zipfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum
from pathlib import Path

from aiohttp import web

DAY_MS = 86_400_000


class Fault(Enum):
    """What goes wrong with one answer."""

    DROP = "the connection breaks in the middle of the body"
    TRUNCATE = "half of the body is sent as if it were all"
    OTHER = "another zip than the one of the checksum"
    HTML = "a web page with status 200"
    SILENT = "the headers, and then nothing"


@dataclass(frozen=True, slots=True)
class Status:
    """An answer with a status of its own."""

    status: int
    retry_after: str | None = None
    body: str = ""


HTML = b"<!DOCTYPE html><html><body>Please sign in to the network</body></html>"


class BinanceArchiveServer:
    """Serves on loopback while its context is open.

    Attributes:
        requests: how often each path was asked for.
        queries: the queries of the klines routes, in order.
        now_ms: what its clock says, milliseconds UTC; None is the machine's own time.
        weight: what it says of the weight used in this minute.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.queries: list[dict[str, str]] = []
        self.now_ms: int | None = None
        self.weight = 2
        self.unlisted = False
        self._files: dict[str, bytes] = {}
        self._rows: list[list[str]] = []
        self._faults: dict[str, list[Fault | Status]] = {}
        self._closing = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> BinanceArchiveServer:
        application = web.Application()
        application.router.add_get("/api/v3/klines", self._klines)
        application.router.add_get("/fapi/v1/klines", self._klines)
        application.router.add_get("/{path:data/.+}", self._file)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def add_day(self, archive: Path, *, market: str = "spot") -> str:
        """Serve a real daily archive, and return its path."""
        symbol, interval = archive.name.split("-")[:2]
        path = f"data/{market}/daily/klines/{symbol}/{interval}/{archive.name}"
        self.add(path, archive.read_bytes())
        return path

    def add_month(self, archives: Iterable[Path], *, market: str = "spot") -> str:
        """Serve one archive built of the daily ones of a month, and return its path."""
        days = sorted(archives)
        symbol, interval = days[0].name.split("-")[:2]
        name = days[0].name[: -len("-01.zip")]
        rows = b"".join(_csv(day) for day in days)
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made:
            made.writestr(zipfile.ZipInfo(f"{name}.csv"), rows)
        path = f"data/{market}/monthly/klines/{symbol}/{interval}/{name}.zip"
        self.add(path, buffer.getvalue())
        return path

    def add(self, path: str, body: bytes) -> None:
        """Serve a file and its checksum."""
        name = path.rpartition("/")[2]
        self._files[path] = body
        self._files[f"{path}.CHECKSUM"] = f"{hashlib.sha256(body).hexdigest()}  {name}\n".encode()

    def replace(self, path: str, body: bytes) -> None:
        """Serve something else at a path, and leave its checksum as it is."""
        self._files[path] = body

    def remove(self, path: str) -> None:
        """Serve a file no more; its checksum stays."""
        del self._files[path]

    def add_candles(self, archive: Path) -> None:
        """Have the candles of a daily archive on the klines routes."""
        self._rows += [line.split(",") for line in _csv(archive).decode().splitlines()]
        self._rows.sort(key=lambda row: int(row[0]))

    def fail(self, path: str, *faults: Fault | Status) -> None:
        """Let the next requests of a path fail, one fault each."""
        self._faults.setdefault(path, []).extend(faults)

    async def _file(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        self.requests[path] += 1
        fault = self._next_fault(path)
        body = self._files.get(path)
        if isinstance(fault, Status):
            return _status(fault)
        if body is None:
            return web.Response(status=404, text="<?xml version='1.0'?><Error>NoSuchKey</Error>")
        return await self._sent(request, body, fault)

    async def _klines(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix("/")
        self.requests[path] += 1
        self.queries.append(dict(request.query))
        fault = self._next_fault(path)
        if isinstance(fault, Status):
            return _status(fault)
        if self.unlisted:
            return _status(Status(400, body='{"code":-1121,"msg":"Invalid symbol."}'))
        first, last = int(request.query["startTime"]), int(request.query["endTime"])
        chosen = [row for row in self._rows if first <= int(row[0]) <= last]
        rows = [_json_row(row) for row in chosen[: int(request.query["limit"])]]
        return await self._sent(request, f"[{','.join(rows)}]".encode(), fault)

    async def _sent(
        self, request: web.Request, body: bytes, fault: Fault | None
    ) -> web.StreamResponse:
        headers = {"X-MBX-USED-WEIGHT-1M": str(self.weight)}
        if self.now_ms is not None:
            at = datetime.fromtimestamp(self.now_ms / 1_000, tz=UTC)
            headers["Date"] = format_datetime(at, usegmt=True)
        match fault:
            case None:
                return web.Response(body=body, headers=headers)
            case Fault.HTML:
                return web.Response(body=HTML, content_type="text/html", headers=headers)
            case Fault.TRUNCATE:
                return web.Response(body=body[: len(body) // 2], headers=headers)
            case Fault.OTHER:
                return web.Response(body=_another_zip(), headers=headers)
            case Fault.DROP | Fault.SILENT:
                answer = web.StreamResponse(headers=headers)
                answer.content_length = len(body)
                await answer.prepare(request)
                await answer.write(body[: len(body) // 2])
                if fault is Fault.SILENT:
                    await self._closing.wait()
                if request.transport is not None:
                    request.transport.abort()
                return answer

    def _next_fault(self, path: str) -> Fault | Status | None:
        waiting = self._faults.get(path)
        return waiting.pop(0) if waiting else None


def _status(answer: Status) -> web.Response:
    headers = {} if answer.retry_after is None else {"Retry-After": answer.retry_after}
    return web.Response(status=answer.status, headers=headers, text=answer.body)


def _csv(archive: Path) -> bytes:
    with zipfile.ZipFile(archive) as opened:
        return opened.read(opened.namelist()[0])


def _json_row(row: list[str]) -> str:
    numbers = {0, 6, 8}
    return "[" + ",".join(v if at in numbers else f'"{v}"' for at, v in enumerate(row)) + "]"


def _another_zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("another.csv", "1,2,3\n")
    return buffer.getvalue()
