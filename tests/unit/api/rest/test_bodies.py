"""Bodies that come slowly, never, or twice; and callers who hang up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Message
from tests.support.rest_shop import Counter

from botcore.api.rest.bodies import BodyTimes
from botcore.kernel.clock import SystemClock

Part = tuple[float, bytes, bool]
"""How long it takes to come, seconds; what it is; whether more comes."""
QUICK = BodyTimes(silence_s=0.05, whole_s=0.15, upload_s=0.15)
JSON = [(b"content-type", b"application/json"), (b"transfer-encoding", b"chunked")]
FILE = [(b"content-type", b"application/octet-stream"), (b"transfer-encoding", b"chunked")]


def call(
    counter: Counter, path: str, headers: list[tuple[bytes, bytes]], parts: list[Part | None]
) -> list[Message]:
    """Send parts as a server would hand them on; None is a caller who hangs up."""
    method = "POST" if path.startswith("/api/v1/files") else "PUT"
    path, _, query = path.partition("?")
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost"), (b"authorization", b"Bearer bck_owner"), *headers],
        "client": ("127.0.0.1", 1),
        "scheme": "http",
    }
    waiting = list(parts)
    sent: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()
        part = waiting.pop(0)
        if part is None:
            return {"type": "http.disconnect"}
        await SystemClock().sleep(part[0])
        return {"type": "http.request", "body": part[1], "more_body": part[2]}

    async def send(message: Message) -> None:
        sent.append(message)

    app: Callable[..., Any] = counter.app
    asyncio.run(app(scope, receive, send))
    return sent


def told(sent: list[Message]) -> tuple[int, dict[str, Any]]:
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path, times=QUICK)


def test_a_body_that_comes_in_parts_is_one(counter: Counter) -> None:
    status, body = told(
        call(
            counter,
            "/api/v1/things/cup",
            JSON,
            [(0, b'{"pri', True), (0.01, b"", True), (0, b'ce": "1"}', False)],
        )
    )

    assert (status, body["price"]) == (200, "1")


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [(0, b"{", True)],
        [(0.2, b"{}", False)],
        [(0.04, b" ", True) for _ in range(9)],
    ],
    ids=["none", "half", "late", "drop by drop"],
)
@pytest.mark.parametrize("path", ["/api/v1/things/cup", "/api/v1/files?name=a"])
def test_a_slow_body_is_not_waited_for(counter: Counter, parts: list[Part], path: str) -> None:
    headers = JSON if "things" in path else FILE

    status, body = told(call(counter, path, headers, list(parts)))

    assert (status, body["code"]) == (408, "BODY_TOO_SLOW")
    assert counter.shop.asked == []
    assert list(counter.uploads.iterdir()) == []


@pytest.mark.parametrize("path", ["/api/v1/things/cup", "/api/v1/files?name=a"])
def test_who_hangs_up_is_not_answered_and_nothing_is_done(counter: Counter, path: str) -> None:
    headers = JSON if "things" in path else FILE

    sent = call(counter, path, headers, [(0, b'{"price": "1"}', True), None])

    assert sent == []
    assert counter.shop.asked == []
    assert list(counter.uploads.iterdir()) == []


def test_a_length_that_is_none_is_refused(counter: Counter) -> None:
    for length in (b"-1", b"x", b"1e3", b"1001"):
        headers = [(b"content-type", b"application/json"), (b"content-length", length)]

        status, body = told(call(counter, "/api/v1/things/cup", headers, [(0, b"{}", False)]))

        assert (status, body["code"]) == (413, "BODY_TOO_LARGE")


def test_the_very_same_file_is_taken_in_once_at_a_time(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    inside = asyncio.Event()
    leave = asyncio.Event()

    class Exchange:
        headers = {"content-type": "application/octet-stream"}  # noqa: RUF012  # a fake

    async def receive() -> Message:
        return {"type": "http.request", "body": b"same", "more_body": False}

    async def hold() -> None:
        async with counter.door._shared.uploads.taken(Exchange(), receive, most=9):  # type: ignore[union-attr, arg-type]  # its own part, and a fake
            inside.set()
            await leave.wait()

    async def story() -> None:
        first = asyncio.ensure_future(hold())
        await inside.wait()
        with pytest.raises(Exception, match="UPLOAD_RUNNING"):
            await hold()
        leave.set()
        await first

    asyncio.run(story())
    assert list(counter.uploads.iterdir()) == []
