"""Health: a word for strangers, the contract's body for who is signed in, details for operators."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from botcore.control.access import Scope
from botcore.control.operations import Operation, Query
from botcore.domain.modes import Mode


class HealthStatus(StrEnum):
    """How something is."""

    OK = "ok"
    STARTING = "starting"
    DEGRADED = "degraded"
    DOWN = "down"


class HealthMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """A few figures.

    Attributes:
        uptime: of the engine's run, seconds; None while it does not run.
        response_time_ms: median of the last answers; None before the first.
        active_users: with a session or key seen in the last minutes.
        trades_today: executions since UTC midnight; None where the store cannot say.
    """

    uptime: float | None
    response_time_ms: float | None
    active_users: int
    trades_today: int | None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the platform works; a stranger reads the status and nothing else.

    Attributes:
        status: `ok`, `starting`, `degraded` or `down`.
        version: of the platform.
        region: where it runs, as the setting `region` names it; null where it names nothing.
        services: part → how it is.
        metrics: a few figures.
    """

    status: HealthStatus
    version: str | UnsetType = UNSET
    region: str | UnsetType | None = UNSET
    services: dict[str, HealthStatus] | UnsetType = UNSET
    metrics: HealthMetrics | UnsetType = UNSET


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the platform.

    Attributes:
        name: of the part.
        status: `ok`, `starting`, `degraded` or `down`.
        since: when it came to be so, UTC; None where that is not known.
        last_error: the last thing that went wrong with it; empty if nothing did.
        staleness_s: since it was last heard of, seconds; None where it is never silent.
        detail: in words.
    """

    name: str
    status: HealthStatus
    since: datetime | None = None
    last_error: str = ""
    staleness_s: float | None = None
    detail: str = ""


class AccountMode(msgspec.Struct, frozen=True, kw_only=True):
    """What an account may do.

    Attributes:
        account: whose.
        mode, cause: what it may do, and why not more.
    """

    account: str
    mode: Mode
    cause: str


class HealthDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Every part, and what is in force.

    Attributes:
        status: of the worst part.
        version: of the platform.
        components: every part.
        modes: of each account.
        pools: pool → its size and use, in words.
        limits: limit → its value in force, in words.
    """

    status: HealthStatus
    version: str
    components: tuple[Component, ...]
    modes: tuple[AccountMode, ...]
    pools: dict[str, str]
    limits: dict[str, str]


class GetHealth(Query[Health], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say whether the platform works; who is signed in reads more."""


class GetHealthDetails(Query[HealthDetails], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Show every part with its last error, the modes, and the pools and limits in force."""


OPERATIONS: Final = (
    Operation(
        name="health.show",
        request=GetHealth,
        method="GET",
        path="/health",
        aliases=("/api/health", "/health"),
        scope=None,
        command=("health", "show"),
        examples=(GetHealth(),),
    ),
    Operation(
        name="health.details",
        request=GetHealthDetails,
        method="GET",
        path="/health/details",
        scope=Scope.READ_METRICS,
        command=("health", "details"),
        examples=(GetHealthDetails(),),
    ),
)
