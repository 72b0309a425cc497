"""Monitoring put together: figures from every part, thresholds, alerts, and the searchable log."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from botcore.app.home import Home
from botcore.app.log_keeping import FOLDER, LogKeeper
from botcore.app.log_searching import KeptLogs
from botcore.app.monitoring_desk import Look, MonitoringDesk
from botcore.app.settings import Settings
from botcore.domain.errors import StorageError
from botcore.kernel.clock import Clock
from botcore.observability.from_calls import CallFigures
from botcore.observability.from_facts import FactFigures
from botcore.observability.loop_lag import LoopLag
from botcore.observability.metrics import Metrics
from botcore.observability.monitoring import Alert, MonitoringSystem
from botcore.storage.logs import LogStore

ALERTS_FILE: Final = "alerts.json"
_OBSERVE_S: Final = 1.0
_OBSERVED_BETWEEN_CHECKS: Final = 5

Hear = Callable[[Alert], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Monitored:
    """All that watches; further sources are added to `metrics`.

    Attributes:
        metrics: what `/metrics` prints.
        facts: hears the engine's facts.
        calls: is told of calls, by `WatchedControl` and `WatchedAuthenticator`.
        system: thresholds and alerts.
        desk: answers `MonitoringHandlers`.
        keeper, logs: follow and search the log.
        listeners: are told of each alert as it is raised, and as it ends.
    """

    metrics: Metrics
    facts: FactFigures
    calls: CallFigures
    lag: LoopLag
    system: MonitoringSystem
    desk: MonitoringDesk
    keeper: LogKeeper
    logs: KeptLogs
    listeners: list[Hear]


def open_monitoring(
    settings: Settings, home: Home, *, version: str, look: Look, clock: Clock
) -> Monitored:
    """Return what watches; nothing is watched before `watch` runs.

    Args:
        settings: how much of the log is kept.
        home: has the logs, and the alerts of the last run.
        version: of botcore.
        look: at the engine.
        clock: of the machine.

    Raises:
        StorageError: the folder of the searchable log cannot be made.
    """
    store = LogStore(home.logs / FOLDER, days=settings.log_days, max_bytes=settings.log_bytes)
    keeper = LogKeeper(home.logs, store, clock=clock)
    metrics = Metrics(version=version)
    facts, calls, lag = FactFigures(), CallFigures(), LoopLag(clock)
    listeners: list[Hear] = []

    def tell(alert: Alert) -> None:
        for hear in listeners:
            hear(alert)

    system = MonitoringSystem(clock=clock, known=_known(home), on_change=tell)
    for source in (facts, calls, lag, system, keeper):
        metrics.add(source)
    listeners.append(AlertLog())
    return Monitored(
        metrics=metrics,
        facts=facts,
        calls=calls,
        lag=lag,
        system=system,
        desk=MonitoringDesk(metrics, system, look),
        keeper=keeper,
        logs=KeptLogs(store),
        listeners=listeners,
    )


async def watch(
    monitored: Monitored,
    home: Home,
    *,
    look: Look,
    clock: Clock,
    each_check: Sequence[Callable[[], Awaitable[None]]] = (),
) -> None:
    """Measure, check and follow the log until cancelled.

    Args:
        monitored: what `open_monitoring` returned.
        home: where alerts are kept.
        look: at the engine.
        clock: paces.
        each_check: further figures that have to be waited for, before each check.
    """
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(monitored.lag.run(), name="loop-lag")
        tasks.create_task(monitored.keeper.run(), name="log-keeper")
        tasks.create_task(_check(monitored, home, look, clock, each_check), name="thresholds")


async def _check(
    monitored: Monitored,
    home: Home,
    look: Look,
    clock: Clock,
    each_check: Sequence[Callable[[], Awaitable[None]]],
) -> None:
    metrics, system = monitored.metrics, monitored.system
    kept = Kept(home)
    monitored.listeners.append(kept.changed)
    rounds = 0
    while True:
        await clock.sleep(_OBSERVE_S)
        metrics.observe(*look())
        rounds += 1
        if rounds % _OBSERVED_BETWEEN_CHECKS:
            continue
        for more in each_check:
            await more()
        for component, figures in metrics.figures().items():
            system.collect_metrics(component.value, figures)
        system.check_thresholds()
        await kept.keep(system)


class Kept:
    """Keeps the alerts in a file of the home, so that a restart forgets none.

    Args:
        home: has the file.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._is_changed = False
        self._log = structlog.get_logger("monitoring")

    def changed(self, _alert: Alert) -> None:
        """Note that there is something to keep."""
        self._is_changed = True

    async def keep(self, system: MonitoringSystem) -> None:
        """Keep what is remembered, where that has changed; what fails is tried at the next."""
        if not self._is_changed:
            return
        document = msgspec.json.encode(list(reversed(system.alerts())))
        self._is_changed = False
        try:
            await asyncio.to_thread(self._home.replace, ALERTS_FILE, document)
        except StorageError as error:
            self._is_changed = True
            self._log.error("alert_not_kept", code=error.code, cause=error.cause, fix=error.fix)


def _known(home: Home) -> list[Alert]:
    """Return the alerts of the run before; a damaged file is none."""
    try:
        return msgspec.json.decode((home.path / ALERTS_FILE).read_bytes(), type=list[Alert])
    except (OSError, msgspec.MsgspecError):
        return []


class AlertLog:
    """Logs alerts as they are raised and as they end."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("monitoring")

    def __call__(self, alert: Alert) -> None:
        """Write a line."""
        write = self._log.warning if alert.is_firing else self._log.info
        write(
            "alert_raised" if alert.is_firing else "alert_ended",
            msg=alert.words,
            alert=alert.name,
            severity=alert.severity.value,
            value=alert.value,
            labels=alert.labels,
        )
