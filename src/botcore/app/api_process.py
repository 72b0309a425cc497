"""The api process: control over HTTP and WebSocket, jobs and alerts. It holds no money state."""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import msgspec
import structlog
import uvicorn

import botcore
from botcore.api import create_app
from botcore.api.cors import Origins
from botcore.api.limits import RateLimits, watch_load
from botcore.api.proxies import Proxies
from botcore.api.rest import Door
from botcore.api.rest.bodies import BodyTimes, Uploads
from botcore.api.rest.cookies import cookie_name
from botcore.app.announcing import Announcer
from botcore.app.answering import AnsweredRows
from botcore.app.binding import Binding, binding_of, connections_of, server_options
from botcore.app.control_room import open_room
from botcore.app.edge_watch import EdgeWatch, RefusalsNoted
from botcore.app.engine_link import EngineLink
from botcore.app.fact_feed import Lost
from botcore.app.home import Home, RunInfo
from botcore.app.limiting import rate_limits
from botcore.app.local_user import local_user
from botcore.app.market_feed import MarketFeed
from botcore.app.measuring import BusFigures, LimitFigures, SocketFigures
from botcore.app.metrics_port import metrics_port
from botcore.app.monitoring import watch
from botcore.app.settings import Settings
from botcore.app.sockets import Sockets
from botcore.app.tending import tend
from botcore.control.access import Actor, Scope
from botcore.control.identity.authenticator import person
from botcore.control.identity.composing import Identity
from botcore.control.views import PlatformView
from botcore.domain.events import Fact
from botcore.domain.market import BarsClosed, Quote, Trade
from botcore.kernel.clock import SystemClock
from botcore.kernel.garbage import start_is_over
from botcore.kernel.heart import SUPERVISOR_FD, Heart
from botcore.observability.from_calls import WatchedAuthenticator, WatchedControl
from botcore.storage import ReadingStore

UPLOADS: Final = "uploads"
_SHUTDOWN_S: Final = 3
_DECISIONS_LEAST: Final = 100


def run_api(settings: Settings, info: RunInfo) -> None:
    """Serve until SIGTERM.

    Raises:
        ConfigError: a setting is refused.
        StorageError: the control store cannot be opened.
    """
    binding = binding_of(settings)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings, info, binding))


async def _serve(settings: Settings, info: RunInfo, binding: Binding) -> None:
    clock = SystemClock()
    home = Home(settings.home, settings.market_folder)
    log = structlog.get_logger("api")
    for warning in binding.warnings:
        log.warning("api_warning", cause=warning)
    async with AsyncExitStack() as stack:
        hearing = Hearing()
        link = EngineLink(
            events=info.events,
            commands=info.commands,
            token=home.token(),
            clock=clock,
            on_fact=hearing.on_fact,
            on_lost=hearing.on_lost,
        )
        await stack.enter_async_context(link)
        limits = rate_limits(settings.rates, latency=_Latency(link), clock=clock)
        room = await open_room(
            stack,
            settings,
            info=info,
            clock=clock,
            local_user=local_user(),
            limits_words=limit_words(limits),
            link=link,
        )
        monitored = room.monitored
        metrics = monitored.metrics
        proxies = Proxies(settings.trusted_proxies)
        origins = Origins(settings.allowed_origins)
        sockets = Sockets(
            room, lines=monitored.logs.newest, origins=origins, limits=limits, clock=clock
        )
        metrics.add(LimitFigures(limits))
        metrics.add(SocketFigures(sockets.hub))
        announcer = Announcer(
            notices=room.notices,
            people=room.identity.people,
            journal=stack.enter_context(ReadingStore(home.journal_url)),
            clock=clock,
            loop=asyncio.get_running_loop(),
        )
        room.jobs.watch(announcer.job)
        monitored.listeners.append(announcer.alert)
        hearing.begin(
            [sockets.on_fact, announcer.fact, monitored.facts.on_fact],
            [sockets.on_lost, announcer.lost, monitored.facts.on_lost],
        )

        def on_market(event: BarsClosed | Quote | Trade) -> None:
            room.market.observe(event)
            sockets.on_market(event)

        prices = MarketFeed(events=info.events, token=home.token(), on_event=on_market)
        prices.start()
        stack.callback(prices.close)
        metrics.add(BusFigures(lambda: link.refused, lambda: prices.refused))
        door = Door(
            WatchedControl(room.control, monitored.calls),
            authenticate=WatchedAuthenticator(Callers(room.identity), monitored.calls),
            clock=clock,
            limits=limits,
            rows=AnsweredRows(room.stores.rows, room.vitals),
            watch=EdgeWatch(room.stores.rows, RefusalsNoted(room.stores.audit), limits),
            uploads=Uploads(home.path / UPLOADS, BodyTimes()),
        )
        app = create_app(
            link.platform,
            allowed_hosts=(*settings.allowed_hosts, *binding.hosts),
            origins=origins,
            proxies=proxies,
            version=botcore.__version__,
            metrics=metrics,
            clock=clock,
            door=door,
            prove=room.identity.local_proof.answer,
            sockets=sockets.door.routes(),
        )
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                port=info.port,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=_SHUTDOWN_S,
                **server_options(binding, connections_of(settings, proxies)),
            )
        )

        def look() -> tuple[PlatformView | None, float]:
            return link.view(), link.view_age_s()

        if settings.metrics_port:
            await stack.enter_async_context(
                metrics_port(
                    metrics,
                    observe=lambda: metrics.observe(*look()),
                    host=settings.metrics_host,
                    port=settings.metrics_port,
                    allowed_hosts=settings.allowed_hosts,
                )
            )
        kept = {
            "tend": tend(room, settings, clock=clock),
            "monitoring": watch(
                monitored, home, look=look, clock=clock, each_check=(room.store_figures.count,)
            ),
            "audit": room.store_figures.run(),
            "load": watch_load(limits.governor, clock=clock),
            "sockets": sockets.run(),
            "announcing": announcer.run(),
        }
        await _run(server, kept, sockets)


async def _run(
    server: uvicorn.Server, kept: Mapping[str, Coroutine[None, None, None]], sockets: Sockets
) -> None:
    """Serve until the server ends, and keep the rest going; then everything else ends too."""

    def end() -> None:
        """Without its supervisor nobody would ever stop it, and it would keep the port."""
        server.should_exit = True

    fd = os.environ.get(SUPERVISOR_FD)
    heart = None if fd is None else Heart(int(fd), on_orphaned=end)
    if heart is not None:
        heart.start()
    tasks = [asyncio.create_task(each, name=name) for name, each in kept.items()]
    for task in tasks:
        task.add_done_callback(partial(_must_run, server))
    start_is_over()
    try:
        await server.serve()
    finally:
        sockets.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if heart is not None:
            heart.stop()


def _must_run(server: uvicorn.Server, task: asyncio.Task[None]) -> None:
    """End the process when something that must always run has failed: it is started anew."""
    if not task.cancelled() and task.exception() is not None:
        structlog.get_logger("api").error(
            "task_failed", task=task.get_name(), exc_info=task.exception()
        )
        server.should_exit = True


class Hearing:
    """Facts on their way to the sockets, which are there a little later than the engine's word."""

    def __init__(self) -> None:
        self._facts: Sequence[Callable[[int, Fact], None]] = ()
        self._losses: Sequence[Callable[[Lost], None]] = ()

    def begin(
        self,
        facts: Sequence[Callable[[int, Fact], None]],
        losses: Sequence[Callable[[Lost], None]],
    ) -> None:
        """Hand on from now on; what came before is in the store, which the sockets read first."""
        self._facts, self._losses = facts, losses

    def on_fact(self, lsn: int, fact: Fact) -> None:
        """Take a fact."""
        for hear in self._facts:
            hear(lsn, fact)

    def on_lost(self, lost: Lost) -> None:
        """Take a loss."""
        for hear in self._losses:
            hear(lost)


def limit_words(limits: RateLimits) -> dict[str, str]:
    """Return the API's limits in force, name → value."""
    return {name: str(value) for name, value in msgspec.to_builtins(limits.config).items()}


class Callers:
    """Says who calls (`api.ports.Authenticator`): by the header; a page also by its cookie.

    Args:
        identity: who may come in.
    """

    def __init__(self, identity: Identity) -> None:
        self._identity = identity

    async def __call__(self, headers: Mapping[str, str], address: str) -> Actor:
        """Return who calls."""
        authorization = headers.get("authorization")
        if authorization is None and "cookie" in headers:
            found = await self._by_cookie(headers["cookie"], headers.get("host", ""), address)
            if found is not None:
                return found
        return self._identity.authenticator.actor(authorization, address)

    async def _by_cookie(self, cookies: str, host: str, address: str) -> Actor | None:
        """Return who reads a page; the token is not used up by it.

        Behind a proxy that adds TLS the cookie has the name it has with TLS: that one goes first,
        since no other host can have set it.
        """
        pairs = [cookie.strip().partition("=") for cookie in cookies.split(";")]
        for is_secure in (True, False):
            wanted = cookie_name(is_secure=is_secure, host=host)
            given = [value for name, _, value in pairs if name == wanted and value]
            for token in given[:_COOKIES_TRIED]:
                session = await self._identity.sessions.session_of(token)
                user = None if session is None else self._identity.people.get(session.user_id)
                if session is not None and user is not None and not user.is_disabled:
                    return person(user, session, _EVERYTHING, address)
        return None


_COOKIES_TRIED: Final = 2
"""Of one name: ours and one that another path set. Each costs a look into the store, which nobody
pays for."""
_EVERYTHING: Final = frozenset(Scope)
"""A cookie opens pages that are only read, with all that the person's role grants."""


class _Latency:
    """Where the load governor reads the engine's decision latency.

    The 99th percentile of fewer than a hundred is their slowest: one slow decision of a quiet
    minute is no load, and slows nobody.
    """

    def __init__(self, link: EngineLink) -> None:
        self._link = link

    def p99_s(self) -> float | None:
        """Return the newest figure; None while the engine has too few decisions for one."""
        view = self._link.view()
        if view is None or view.decisions_timed < _DECISIONS_LEAST:
            return None
        return view.decision_p99_s


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes event loops: uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
