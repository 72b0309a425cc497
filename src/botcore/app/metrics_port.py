"""`/metrics` on a port of its own, for a Prometheus that has no key: who reaches it may read it."""

import ipaddress
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from botcore.domain.errors import ConfigError
from botcore.observability.metrics import Metrics

_PATH: Final = "/metrics"


@asynccontextmanager
async def metrics_port(
    metrics: Metrics,
    *,
    observe: Callable[[], None],
    host: str,
    port: int,
    allowed_hosts: Collection[str] = (),
) -> AsyncIterator[None]:
    """Serve until the block ends; nothing but this one page.

    Args:
        metrics: printed.
        observe: brings them up to date, before each reading.
        host: address it listens on.
        port: its port.
        allowed_hosts: names under which it may be asked for, beside addresses and ``localhost``: a
            page of another site that points its own name here is refused.

    Raises:
        ConfigError: the port is taken, or the address is not this machine's.
    """

    async def page(request: web.Request) -> web.Response:
        if not _is_ours(request.headers.get("Host", ""), allowed_hosts):
            return web.Response(status=421, text="this server is not asked for by that name\n")
        observe()
        text = metrics.scrape_observed()
        return web.Response(body=text, headers={"Content-Type": metrics.content_type})

    app = web.Application()
    app.router.add_get(_PATH, page)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await _listen(runner, host, port)
        yield
    finally:
        await runner.cleanup()


async def _listen(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise ConfigError(
            code="METRICS_PORT_TAKEN",
            cause=f"metrics cannot be served at {host}:{port}: {error.strerror or error}",
            fix="end what listens there, or choose another metrics_port",
        ) from error


def _is_ours(host: str, allowed: Collection[str]) -> bool:
    """Whether a request names us by an address, ``localhost`` or a name that is allowed."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    name = name.strip("[]").lower()
    if name == "localhost" or name in allowed or host.lower() in allowed:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
