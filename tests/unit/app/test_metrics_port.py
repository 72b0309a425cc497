"""Metrics on a port of its own: that page and no other, to nobody who came by another name."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import aiohttp
import pytest

from botcore.app.metrics_port import metrics_port
from botcore.domain.errors import ConfigError
from botcore.observability.metrics import Metrics


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def served(ask: Callable[[aiohttp.ClientSession, str], Awaitable[None]], *hosts: str) -> int:
    """Serve, ask, and return how often figures were brought up to date."""
    observed = 0

    def observe() -> None:
        nonlocal observed
        observed += 1

    async def run() -> None:
        port = free_port()
        metrics = Metrics(version="1.2.3")
        async with (
            metrics_port(
                metrics, observe=observe, host="127.0.0.1", port=port, allowed_hosts=hosts
            ),
            aiohttp.ClientSession() as session,
        ):
            await ask(session, f"http://127.0.0.1:{port}")

    asyncio.run(run())
    return observed


def test_prometheus_reads_the_page_without_a_key() -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/metrics") as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            assert 'botcore_build_info{python="' in await answer.text()

    assert served(ask) == 1


def test_there_is_nothing_else() -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        for path in ("/", "/api/v1/orders", "/metrics/x", "/livez"):
            async with session.get(url + path) as answer:
                assert answer.status == 404
        async with session.post(f"{url}/metrics") as answer:
            assert answer.status == 405

    assert served(ask) == 0


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:9108", 200),
        ("[::1]:9108", 200),
        ("bot.example:9108", 200),
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example:9108", 421),
    ],
)
def test_a_name_of_somebody_else_is_refused(host: str, status: int) -> None:
    async def ask(session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(f"{url}/metrics", headers={"Host": host}) as answer:
            assert answer.status == status
            assert ("botcore_" in await answer.text()) is (status == 200)

    served(ask, "bot.example")


def test_a_port_that_is_taken_is_said() -> None:
    async def run(port: int) -> None:
        async with metrics_port(
            Metrics(version="1"), observe=lambda: None, host="127.0.0.1", port=port
        ):
            pass

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match="METRICS_PORT_TAKEN"):
            asyncio.run(run(taken.getsockname()[1]))
