"""The web application: one table of routes, timed, behind a guard."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Router
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from botcore.api.assets import load_assets
from botcore.api.cors import Origins
from botcore.api.guard import Guard, HostList
from botcore.api.health import health_routes, probe_routes
from botcore.api.page import page_routes
from botcore.api.pages import Pages
from botcore.api.ports import MetricsPage, Prove
from botcore.api.proxies import Proxies
from botcore.api.reference import reference_routes
from botcore.api.rest import Door, RouteTable
from botcore.api.signing_in import SigningIn
from botcore.api.timing import Timing
from botcore.control.ports import Platform
from botcore.kernel.clock import Clock, SystemClock


def create_app(
    platform: Platform,
    *,
    allowed_hosts: Sequence[str] = (),
    origins: Origins | None = None,
    proxies: Proxies | None = None,
    version: str,
    metrics: MetricsPage,
    clock: Clock | None = None,
    door: Door | None = None,
    prove: Prove | None = None,
    sockets: Sequence[BaseRoute] = (),
    lifespan: Lifespan[Router] | None = None,
) -> ASGIApp:
    """Return the application that shows `platform`, and through which one acts on it.

    Args:
        platform: what is shown.
        allowed_hosts: names under which it may be asked for, beside those of this machine
            (``bot.example``: any port; ``bot.example:8080``: that port).
        origins: web sites that may use the API, beside its own.
        proxies: whose word about a caller's address counts.
        version: of botcore, told to those who see the page.
        metrics: filled and printed at ``/metrics``.
        clock: times the answers.
        door: the operations; None serves the page alone, to everybody who gets here.
        prove: answers the challenge of who sits at this machine; None where nobody does.
        sockets: routes of WebSockets.
        lifespan: what runs as long as the application.

    Raises:
        ConfigError: an allowed host is not a host name.
    """
    table = routes_of(platform, version=version, metrics=metrics, door=door, prove=prove)
    app = _Served(table, Router(routes=sockets, lifespan=lifespan))
    timed = Timing(app, metrics=metrics, clock=clock or SystemClock())
    return Guard(
        timed,
        HostList(allowed_hosts),
        origins,
        proxies,
        metrics=metrics,
        watch=None if door is None else door.watch,
    )


def routes_of(
    platform: Platform,
    *,
    version: str,
    metrics: MetricsPage,
    door: Door | None,
    prove: Prove | None = None,
) -> RouteTable:
    """Return every route over HTTP; arguments as of `create_app`."""
    assets = load_assets()
    if door is None:
        pages = Pages()
        more = health_routes(pages, platform)
    else:
        signing_in = SigningIn(assets, door.authenticate)
        pages = Pages(
            door.authenticate, sign_in=signing_in.in_place, limits=door.limits, watch=door.watch
        )
        more = [
            *signing_in.routes(pages),
            *door.routes(),
            *reference_routes(pages, door.operations, assets, version=version),
        ]
    return RouteTable(
        [
            *probe_routes(pages, platform, metrics, prove),
            *page_routes(pages, platform, assets, version=version),
            *more,
        ]
    )


class _Served:
    """Calls go to the table; sockets, start and end to Starlette's router."""

    def __init__(self, table: RouteTable, router: Router) -> None:
        self._table = table
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app: ASGIApp = self._table if scope["type"] == "http" else self._router
        await app(scope, receive, send)
