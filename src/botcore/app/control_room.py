"""Control put together: stores, sign-in, jobs, alerts and handlers over an engine, or without one.

The api process opens a room over the running engine; the command line opens one without, under the
home's lock, where nothing runs. Either way there is one writer of the control store.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import botcore
from botcore.app.alert_watch import AlertWatch
from botcore.app.composition import PAPER
from botcore.app.control_store import ControlStores, open_control
from botcore.app.data import lake_of
from botcore.app.engine_link import EngineLink
from botcore.app.engine_strategies import EngineStrategies
from botcore.app.history import ReasonWords, StoredHistory
from botcore.app.home import Home, RunInfo
from botcore.app.home_strategies import HomeStrategies
from botcore.app.jobs.runner import JobRunner
from botcore.app.jobs.schedule import SYSTEM
from botcore.app.kept_runs import HomeImports, HomeRuns, LakeRemover
from botcore.app.known_market import Traded, traded
from botcore.app.measuring import JobFigures, MachineFigures, StoreFigures
from botcore.app.monitoring import Monitored, open_monitoring
from botcore.app.monitoring_desk import StoredRiskAlerts
from botcore.app.no_engine import NoEngine
from botcore.app.notices import Notices
from botcore.app.pools import pools
from botcore.app.processes import page_address
from botcore.app.recorded_market import RecordedSeries
from botcore.app.run_notes import KeptNotes
from botcore.app.running_market import FollowedMarket
from botcore.app.setting_changes import SettingDesk
from botcore.app.settings import Settings
from botcore.app.stored_signals import StoredSignals
from botcore.app.vitals import ProcessVitals
from botcore.app.wanted import WantedSetUps
from botcore.control.access import ActorKind, Scope
from botcore.control.dispatch import Control
from botcore.control.engine_port import EnginePort
from botcore.control.handlers.accounts import AccountHandlers
from botcore.control.handlers.alerts import AlertHandlers
from botcore.control.handlers.audit import AuditHandlers
from botcore.control.handlers.auth import AuthHandlers
from botcore.control.handlers.backtests import BacktestHandlers
from botcore.control.handlers.data import DataHandlers
from botcore.control.handlers.exports import ExportHandlers
from botcore.control.handlers.health import HealthHandlers
from botcore.control.handlers.jobs import JobHandlers
from botcore.control.handlers.keys import KeyHandlers
from botcore.control.handlers.ledger import LedgerHandlers
from botcore.control.handlers.limits import LimitHandlers
from botcore.control.handlers.logs import LogHandlers
from botcore.control.handlers.market import MarketHandlers
from botcore.control.handlers.monitoring import MonitoringHandlers
from botcore.control.handlers.orders import OrderHandlers
from botcore.control.handlers.positions import PositionHandlers
from botcore.control.handlers.risk import RiskHandlers
from botcore.control.handlers.sessions import SessionHandlers
from botcore.control.handlers.settings import SettingHandlers
from botcore.control.handlers.strategies import StrategyHandlers
from botcore.control.handlers.trades import TradeHandlers
from botcore.control.handlers.users import UserHandlers
from botcore.control.handling import Handling
from botcore.control.identity.composing import Identity, opened
from botcore.control.identity.config import Algorithm, IdentityConfig
from botcore.control.identity.notices import Notice
from botcore.control.identity.passwords import cost_for, machine_memory
from botcore.control.identity.people import People
from botcore.control.operations import Request
from botcore.control.own_threads import OwnThreads
from botcore.control.schema import operations
from botcore.control.schema.health import HealthStatus
from botcore.domain.errors import StorageError
from botcore.kernel.clock import Clock
from botcore.storage import ReadingStore, ReadModels, Store

KEY_FILE: Final = "secrets.key"
_ACT_THREADS: Final = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class ControlRoom:
    """Control with all that stands behind it; `tending.tend` keeps it going."""

    control: Control
    stores: ControlStores
    identity: Identity
    engine: EnginePort
    market: FollowedMarket
    jobs: JobRunner
    alerts: AlertWatch
    notices: Notices
    limits: LimitHandlers
    strategies: EngineStrategies
    vitals: ProcessVitals
    health: HealthHandlers
    monitored: Monitored
    store_figures: StoreFigures


async def open_room(  # the one place where everything is named
    stack: AsyncExitStack,
    settings: Settings,
    *,
    info: RunInfo | None,
    clock: Clock,
    local_user: str,
    limits_words: Mapping[str, str] | None = None,
    link: EngineLink | None = None,
) -> ControlRoom:
    """Open a room; it is closed with the stack.

    Args:
        stack: closes what is opened.
        settings: in force.
        info: of the running platform; None opens a room without an engine.
        clock: the machine's.
        local_user: the account of this machine that the home belongs to.
        limits_words: limits of the API, for health.
        link: to the engine, entered already; None where there is none.

    Raises:
        ConfigError: a setting or a key file is refused.
        StorageError: a store cannot be opened.
    """
    home = Home(settings.home, settings.market_folder)
    stores = await asyncio.to_thread(open_control, settings.control_url_in(home.path), clock=clock)
    stack.callback(stores.close)
    notices = Notices(stores.notifications, clock=clock)
    background = _Background()
    stack.push_async_callback(background.close)

    def tell(notice: Notice) -> None:
        background.begin(
            notices.tell(
                [notice.user_id],
                kind="security",
                severity="critical",
                code=notice.kind.name,
                text=f"{notice.text} (from {notice.address or 'this machine'})",
            )
        )

    identity = await opened(
        store=stores.identity,
        key_file=home.path / KEY_FILE,
        config=IdentityConfig(
            public_url=_public_url(settings, info),
            algorithm=Algorithm(settings.token_algorithm),
        ),
        cost=cost_for(machine_memory()),
        notify=tell,
        clock=clock,
        local_token=home.token(),
        local_user=local_user,
    )
    stack.callback(identity.close)
    engine: EnginePort = NoEngine() if link is None else link
    is_ours = link is None and info is None  # nobody else writes it: the home is locked
    store = Store(home.journal_url) if is_ours else ReadingStore(home.journal_url)
    stack.callback(store.close)
    if is_ours:
        await asyncio.to_thread(store.upgrade)
    models = ReadModels(store)
    market = FollowedMarket(platform=engine)
    known = await asyncio.to_thread(_traded, models)
    market.use(known.instruments, known.step_ns)
    words = ReasonWords(known.strategies, home.strategies)
    history = StoredHistory(store, words=words)
    wanted = WantedSetUps(
        strategies=stores.strategies,
        limits=stores.limits,
        settings=settings,
        home=home,
        account=PAPER,
        clock=clock,
    )
    jobs = JobRunner(
        keeping=stores.jobs,
        overrides={"home": settings.home},
        clock=clock,
        slots=1,
        may_run=partial(_may_run_jobs, identity.people),
    )
    alerts = AlertWatch(
        store=stores.alerts,
        notices=notices,
        market=market,
        view=lambda: (engine.view(), engine.view_age_s()),
        clock=clock,
    )
    vitals = ProcessVitals(
        version=botcore.__version__,
        region=settings.region,
        clock=clock,
        limits=lambda: limits_words or {},
        pools=lambda: pools(stores.store, store, engine.view()),
    )
    vitals.add("control store", lambda: _store_health(stores))
    monitored = open_monitoring(
        settings,
        home,
        version=botcore.__version__,
        look=lambda: (engine.view(), engine.view_age_s()),
        clock=clock,
    )
    store_figures, job_figures = StoreFigures(stores, clock=clock), JobFigures()
    jobs.watch(job_figures.changed)
    for source in (
        store_figures,
        job_figures,
        MachineFigures(home.path, {"engine": home.engine, "control": home.path / "control.db"}),
    ):
        monitored.metrics.add(source)
    vitals.add("log", monitored.keeper.health)
    vitals.add("audit", store_figures.health)
    limits = LimitHandlers(engine=engine, stored=history, clock=clock, keep=wanted.keep_limits)
    strategies = EngineStrategies(
        engine=engine,
        link=link,
        home=home,
        account=PAPER,
        signals=StoredSignals(store, words=words),
        clock=clock,
        recomposed=monitored.metrics.recomposed,
    )
    health = HealthHandlers(engine=engine, history=history, vitals=vitals, clock=clock)
    acts = OwnThreads("acts", count=_ACT_THREADS)
    stack.callback(acts.close)
    handlers: dict[type[Request[Any]], Handling] = {}
    for area in (
        AccountHandlers(engine=engine, history=history),
        OrderHandlers(engine=engine, history=history, on_thread=acts.run),
        PositionHandlers(engine=engine, stored=history, clock=clock),
        TradeHandlers(engine=engine, history=history),
        LedgerHandlers(engine=engine, history=history),
        ExportHandlers(engine=engine, history=history),
        limits,
        RiskHandlers(engine=engine, history=history, clock=clock),
        StrategyHandlers(
            setups=wanted,
            catalogue=HomeStrategies(home),
            engine=strategies,
        ),
        MarketHandlers(
            running=market,
            recorded=RecordedSeries(lake_of({"home": settings.home})),
            engine=engine,
            clock=clock,
        ),
        BacktestHandlers(runs=HomeRuns(home), notes=KeptNotes(stores.notes, clock), jobs=jobs),
        DataHandlers(folder=HomeImports(home), jobs=jobs, remove=LakeRemover(home)),
        JobHandlers(jobs=jobs),
        AlertHandlers(rules=alerts, inbox=notices, clock=clock),
        AuditHandlers(records=stores.records),
        health,
        AuthHandlers(
            sign_in=identity.sign_in,
            factors=identity.factors,
            links=identity.links,
            people=identity.people,
            signing=identity.signing,
            tickets=identity.tickets,
            config=identity.config,
        ),
        UserHandlers(
            people=identity.people,
            sessions=identity.sessions,
            keys=identity.keys,
            factors=identity.factors,
            links=identity.links,
            sign_in=identity.sign_in,
            notify=tell,
            clock=clock,
            shut_out=jobs.shut_out,
        ),
        MonitoringHandlers(
            monitoring=monitored.desk,
            risk=StoredRiskAlerts(store, account=PAPER),
            clock=clock,
        ),
        LogHandlers(lines=monitored.logs),
        SettingHandlers(desk=SettingDesk(settings, home, store=stores.settings, clock=clock)),
        SessionHandlers(sessions=identity.sessions, people=identity.people),
        KeyHandlers(keys=identity.keys, people=identity.people, notify=tell),
    ):
        handlers |= area.handlers()
    control = Control(
        operations(),
        handlers,
        audit=stores.audit,
        repetitions=stores.repetitions,
        clock=clock,
    )
    await alerts.load()
    await wanted.catch_up()
    return ControlRoom(
        control=control,
        stores=stores,
        identity=identity,
        engine=engine,
        market=market,
        jobs=jobs,
        alerts=alerts,
        notices=notices,
        limits=limits,
        strategies=strategies,
        vitals=vitals,
        health=health,
        monitored=monitored,
        store_figures=store_figures,
    )


def _may_run_jobs(people: People, owner: str) -> bool:
    """Whether the owner of a job may run it: a user with the scope, the machine, the schedule."""
    is_user = owner != SYSTEM and not owner.startswith(f"{ActorKind.LOCAL}:")
    return not is_user or people.may(owner, Scope.RUN_JOBS)


def _public_url(settings: Settings, info: RunInfo | None) -> str:
    """Return where sign-in links lead; where nothing runs, to where it would."""
    running = page_address(settings, settings.port) if info is None else info.url
    return (settings.public_url or running).rstrip("/")


def _traded(models: ReadModels) -> Traded:
    try:
        return traded(models, PAPER)
    except StorageError:
        return Traded()  # the engine has not made its store yet


def _store_health(stores: ControlStores) -> tuple[HealthStatus, str]:
    waiting = stores.audit.waiting
    if waiting:
        return HealthStatus.DEGRADED, f"{waiting} audit entries wait to be written"
    return HealthStatus.OK, ""


class _Background:
    """Small acts that nobody waits for; closing waits for those under way."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, act: Any) -> None:  # noqa: ANN401  # a coroutine
        """Begin an act."""
        task = asyncio.get_running_loop().create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait for what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
