"""Health: how the parts are, told to whom it may be told."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from botcore.control.access import ActorKind
from botcore.control.engine_port import EnginePort
from botcore.control.handling import Context, Handling
from botcore.control.history_port import History, Span
from botcore.control.operations import Request
from botcore.control.schema.health import (
    AccountMode,
    Component,
    GetHealth,
    GetHealthDetails,
    Health,
    HealthDetails,
    HealthMetrics,
    HealthStatus,
)
from botcore.control.schema.values import instant
from botcore.control.views import FeedStatus, PlatformView
from botcore.control.wording import STALE_AFTER_S, condition, duration
from botcore.domain.errors import StorageError
from botcore.domain.ids import DAY_NS
from botcore.domain.modes import Mode
from botcore.kernel.clock import Clock

_WORST: Final = (
    HealthStatus.DOWN,
    HealthStatus.DEGRADED,
    HealthStatus.STARTING,
    HealthStatus.OK,
)


class Vitals(Protocol):
    """What this process knows of itself and of its stores; quick to ask."""

    def components(self) -> Sequence[Component]:
        """Return how its own parts are: stores, sockets, jobs."""
        ...

    def version(self) -> str:
        """Return the platform's version."""
        ...

    def region(self) -> str | None:
        """Return where it runs, as its settings say; None where they say nothing."""
        ...

    def response_time_ms(self) -> float | None:
        """Return the median of the last answers; None before the first."""
        ...

    def active_users(self) -> int:
        """Return how many users were seen in the last minutes."""
        ...

    def pools(self) -> Mapping[str, str]:
        """Return pool → its size and use, in words."""
        ...

    def limits(self) -> Mapping[str, str]:
        """Return limit of the API → its value in force, in words."""
        ...


class _Known(NamedTuple):
    """How a part was when it was last looked at, and the last thing that went wrong with it."""

    status: HealthStatus
    since: datetime
    error: str


class HealthHandlers:
    """Answers how the platform is.

    Args:
        engine: the part that trades.
        history: counts the day's executions.
        vitals: the other parts.
        clock: dates since when a part is as it is.
    """

    def __init__(
        self, *, engine: EnginePort, history: History, vitals: Vitals, clock: Clock
    ) -> None:
        self._clock = clock
        self._known: dict[str, _Known] = {}
        self._engine = engine
        self._history = history
        self._vitals = vitals
        self._counting: tuple[PlatformView, asyncio.Future[int | None]] | None = None

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {GetHealth: Handling(self.show), GetHealthDetails: Handling(self.details)}

    async def show(self, context: Context, _request: GetHealth) -> Health:
        """Return a word for strangers, the contract's body for others."""
        components = self._components()
        status = _worst(components)
        if context.actor.kind is ActorKind.STRANGER:
            return Health(status=status)
        view = self._engine.view()
        return Health(
            status=status,
            version=self._vitals.version(),
            region=self._vitals.region(),
            services={component.name: component.status for component in components},
            metrics=HealthMetrics(
                uptime=None if view is None else view.uptime_s,
                response_time_ms=self._vitals.response_time_ms(),
                active_users=self._vitals.active_users(),
                trades_today=await self._trades_today(view),
            ),
        )

    async def details(self, _context: Context, _request: GetHealthDetails) -> HealthDetails:
        """Return every part, and what is in force."""
        components = self._components()
        view = self._engine.view()
        return HealthDetails(
            status=_worst(components),
            version=self._vitals.version(),
            components=components,
            modes=tuple(
                AccountMode(account=each.id, mode=Mode(each.mode), cause=each.mode_cause)
                for each in (() if view is None else view.accounts)
            ),
            pools=dict(self._vitals.pools()),
            limits=dict(self._vitals.limits()),
        )

    def look(self) -> None:
        """See how the parts are now: who asks later is told since when."""
        self._components()

    def _components(self) -> tuple[Component, ...]:
        view, age_s = self._engine.view(), self._engine.view_age_s()
        parts = (_engine(view, age_s), *_parts(view, age_s), *self._vitals.components())
        now = instant(self._clock.now_ns())
        return tuple(self._dated(part, now) for part in parts)

    def _dated(self, part: Component, now: datetime) -> Component:
        """Return a part with since when it is so, and the last thing that went wrong with it."""
        known = self._known.get(part.name)
        since = now if known is None or known.status is not part.status else known.since
        error = part.last_error
        if not error and part.status in (HealthStatus.DEGRADED, HealthStatus.DOWN):
            error = part.detail
        error = error or ("" if known is None else known.error)
        self._known[part.name] = _Known(part.status, since, error)
        return msgspec.structs.replace(part, since=since, last_error=error)

    async def _trades_today(self, view: PlatformView | None) -> int | None:
        """Count the executions since midnight, in the feed's clock; None where none can say.

        They are counted once for a view, however many ask.
        """
        if view is None:
            return None
        if self._counting is None or self._counting[0] is not view:
            counting = asyncio.ensure_future(asyncio.to_thread(self._count, view))
            self._counting = (view, counting)
        return await asyncio.shield(self._counting[1])

    def _count(self, view: PlatformView) -> int | None:
        midnight = view.feed.now // DAY_NS * DAY_NS
        try:
            return self._history.count_fills(Span(start=midnight))
        except StorageError:
            return None


def _engine(view: PlatformView | None, age_s: float) -> Component:
    state = condition(view, age_s)
    if view is None:
        status = HealthStatus.STARTING
    else:
        status = HealthStatus.DEGRADED if age_s > STALE_AFTER_S else HealthStatus.OK
    return Component(
        name="engine",
        status=status,
        staleness_s=None if view is None else round(age_s, 3),
        detail=state.detail if status is not HealthStatus.OK else f"up {_uptime(view)}",
    )


def _uptime(view: PlatformView | None) -> str:
    return "" if view is None else duration(view.uptime_s)


def _parts(view: PlatformView | None, age_s: float) -> tuple[Component, ...]:
    """Return the engine's own parts: its feed and its store."""
    if view is None:
        return ()
    feed = {
        FeedStatus.LIVE: HealthStatus.OK,
        FeedStatus.STALE: HealthStatus.DEGRADED,
        FeedStatus.DOWN: HealthStatus.DOWN,
    }[view.feed.status]
    if feed is HealthStatus.OK and age_s > STALE_AFTER_S:
        feed = HealthStatus.DEGRADED  # of an engine that is silent nothing is live
    old_s = view.feed.age_s + age_s
    is_stored = view.storage == "ok"
    return (
        Component(
            name="feed",
            status=feed,
            last_error="" if feed is HealthStatus.OK else f"its newest price is {old_s:.0f} s old",
            staleness_s=round(old_s, 3),
            detail=view.feed.name,
        ),
        Component(
            name="journal",
            status=HealthStatus.OK if is_stored else HealthStatus.DEGRADED,
            last_error="" if is_stored else view.storage,
        ),
    )


def _worst(components: Sequence[Component]) -> HealthStatus:
    found = {component.status for component in components}
    return next((status for status in _WORST if status in found), HealthStatus.OK)
