"""What keeps a control room going: jobs, alerts, sign-in, health, the market it follows."""

import asyncio
from typing import Final

import structlog

from botcore.app.composition import PAPER
from botcore.app.control_room import ControlRoom
from botcore.app.home import Home
from botcore.app.jobs.schedule import Schedule
from botcore.app.known_market import Traded, traded
from botcore.app.market_tape import recorded_bars
from botcore.app.running_market import FollowedMarket
from botcore.app.settings import Settings
from botcore.app.settling import settle
from botcore.domain.errors import StorageError
from botcore.kernel.clock import Clock
from botcore.storage import ReadingStore, ReadModels

_TEND_S: Final = 60.0
_FOLLOW_S: Final = 1.0
_LOOK_S: Final = 1.0


async def tend(room: ControlRoom, settings: Settings, *, clock: Clock) -> None:
    """Keep a room going until cancelled: jobs, alerts, sign-in, the market it follows."""
    home = Home(settings.home, settings.market_folder)
    await room.jobs.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(room.stores.run(), name="stores")
            tasks.create_task(room.alerts.run(), name="alerts")
            tasks.create_task(Schedule(jobs=room.jobs, clock=clock).run(), name="schedule")
            tasks.create_task(_tend_identity(room, clock), name="identity")
            tasks.create_task(_follow(room, home, clock), name="market")
            tasks.create_task(settle(room, clock=clock), name="settle")
            tasks.create_task(_look_at_health(room, clock), name="health")
    finally:
        await room.jobs.stop()


async def _look_at_health(room: ControlRoom, clock: Clock) -> None:
    while True:
        room.health.look()
        await clock.sleep(_LOOK_S)


async def _tend_identity(room: ControlRoom, clock: Clock) -> None:
    log = structlog.get_logger("identity")
    while True:
        await clock.sleep(_TEND_S)
        try:
            await room.identity.tend()
        except StorageError as error:
            log.error("storage_failed", code=error.code, cause=error.cause, fix=error.fix)


async def _follow(room: ControlRoom, home: Home, clock: Clock) -> None:
    """Take up what an engine trades each time one has started, with its recorded bars."""
    engine, seen = room.engine, 0
    store = ReadingStore(home.journal_url)
    try:
        while True:
            view = engine.view()
            if view is not None and view.engine_pid != seen:
                try:
                    known = await asyncio.to_thread(traded, ReadModels(store), PAPER)
                except StorageError:
                    known = Traded()
                if known.instruments:
                    seen = view.engine_pid
                    room.market.use(known.instruments, known.step_ns)
                    await asyncio.to_thread(_seed, room.market, home)
            await clock.sleep(_FOLLOW_S)
    finally:
        store.close()


def _seed(market: FollowedMarket, home: Home) -> None:
    """Take up the recorded bars; a tape that cannot be read costs the past alone."""
    try:
        market.seed(recorded_bars(home.tape))
    except StorageError as error:
        log = structlog.get_logger("market")
        log.warning("storage_failed", code=error.code, cause=error.cause, fix=error.fix)
