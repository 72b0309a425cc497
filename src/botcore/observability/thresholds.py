"""What is watched: one declaration for each alert, from which product and Prometheus both work.

A threshold ships with the metric that it watches. `MonitoringSystem` checks them in the product;
`rules` writes the same ones for Prometheus. Every one has a page in ``docs/runbooks``.
"""

from enum import StrEnum
from functools import partial
from typing import Final

import msgspec

from botcore.observability import catalogue as c

_MINUTE: Final = 60
_HOUR: Final = 3_600


class Severity(StrEnum):
    """Who should hear of it, and how fast."""

    PAGE = "page"
    """Money may be at stake: at once, also at night."""
    WARNING = "warning"
    """Today."""
    TICKET = "ticket"
    """When there is time."""


class Watch(StrEnum):
    """What is compared with the level."""

    ABOVE = "above"
    BELOW = "below"
    GROWS = "grows"
    """By how much a counter grew within `within_s`: more than the level."""


class Threshold(msgspec.Struct, frozen=True, kw_only=True):
    """One alert.

    Attributes:
        name: stable; its page in the runbooks has this heading.
        metric: what is watched; of each combination of labels by itself.
        where: label → values that count; others are not watched.
        watch, level: raised while the figure is above or below the level, in the metric's unit.
        clear: the level on whose other side it ends; the same one where it is None.
        within_s: of `GROWS`: over how long.
        is_summed: all combinations of labels together, as one.
        begins_at_zero: the counter began with this process; what it shows first was counted.
        for_s: how long it must hold without a break before it is raised.
        clear_s: how long it must not hold before it ends.
        words: one sentence for people; ``{value}`` and the labels by name stand in it.
    """

    name: str
    metric: c.MetricSpec
    watch: Watch
    level: float
    severity: Severity
    words: str
    where: dict[str, tuple[str, ...]] = {}
    clear: float | None = None
    within_s: int = 0
    is_summed: bool = False
    begins_at_zero: bool = True
    for_s: int = 0
    clear_s: int = 30

    @property
    def runbook(self) -> str:
        """Where it is written what to do, from the root of the repository."""
        return f"{RUNBOOKS}#{self.name.lower()}"


RUNBOOKS: Final = "docs/runbooks/alerts.md"
_PAGE, _WARNING, _TICKET = Severity.PAGE, Severity.WARNING, Severity.TICKET


def _level(
    name: str,
    metric: c.MetricSpec,
    level: float,
    severity: Severity,
    words: str,
    /,
    *,
    watch: Watch,
    for_s: int = 0,
    clear: float | None = None,
    **where: str,
) -> Threshold:
    return Threshold(
        name=name,
        metric=metric,
        watch=watch,
        level=level,
        severity=severity,
        words=words,
        where=_where(where),
        clear=clear,
        for_s=for_s,
    )


_above = partial(_level, watch=Watch.ABOVE)
_below = partial(_level, watch=Watch.BELOW)


def _grows(
    name: str,
    metric: c.MetricSpec,
    level: float,
    severity: Severity,
    words: str,
    /,
    *,
    within_s: int,
    is_summed: bool = False,
    begins_at_zero: bool = True,
    **where: str,
) -> Threshold:
    return Threshold(
        name=name,
        metric=metric,
        watch=Watch.GROWS,
        level=level,
        severity=severity,
        words=words,
        where=_where(where),
        within_s=within_s,
        is_summed=is_summed,
        begins_at_zero=begins_at_zero,
    )


def _where(where: dict[str, str]) -> dict[str, tuple[str, ...]]:
    return {label: tuple(values.split("|")) for label, values in where.items()}


THRESHOLDS: Final[tuple[Threshold, ...]] = (
    # The engine, and what it stands on.
    _above(
        "EngineSilent",
        c.VIEW_AGE,
        10,
        _PAGE,
        "The engine is silent: its last word is {value} s old.",
        for_s=30,
        clear=5,
    ),
    _grows(
        "EngineRestarts",
        c.ENGINE_STARTS,
        3,
        _PAGE,
        "The engine was started anew {value} times within 10 minutes.",
        within_s=10 * _MINUTE,
    ),
    _below(
        "StorageFailed",
        c.STORAGE_OK,
        1,
        _PAGE,
        "The engine cannot write its store: it only cancels.",
    ),
    _above(
        "DecisionSlow",
        c.ORDER_STAGE,
        0.001,
        _WARNING,
        "Decisions take {value} s (99 of 100), more than 1 ms.",
        for_s=3 * _MINUTE,  # a single slow decision of a quiet minute stays for one
        clear=0.0008,
        stage="decision",
        quantile="0.99",
    ),
    _above(
        "PersistSlow",
        c.ORDER_STAGE,
        0.25,
        _WARNING,
        "It takes {value} s (99 of 100) until an order is durable.",
        for_s=_MINUTE,
        clear=0.1,
        stage="persist",
        quantile="0.99",
    ),
    _grows(
        "CoreStarved",
        c.CORE_WAIT,
        6,
        _WARNING,
        "The process {process} waited {value} s of the last minute for a core.",
        within_s=_MINUTE,
        begins_at_zero=False,
    ),
    _grows(
        "FactsLost",
        c.FACTS_LOST,
        5,
        _TICKET,
        "Facts did not come {value} times within 10 minutes.",
        within_s=10 * _MINUTE,
    ),
    _grows(
        "StrangerOnTheBus",
        c.BUS_REFUSED,
        0,
        _PAGE,
        "{value} messages within 10 minutes came as the engine's and were not.",
        within_s=10 * _MINUTE,
    ),
    _above(
        "OutboxLag",
        c.OUTBOX,
        10_000,
        _WARNING,
        "{value:.0f} facts are durable and not published: what is shown is old.",
        for_s=30,
        clear=1_000,
    ),
    _above(
        "QueueSaturated",
        c.QUEUE_USED,
        0.8,
        _WARNING,
        "The queue {queue} has been {value:.0%} full for a minute.",
        for_s=_MINUTE,
        clear=0.5,
    ),
    _above(
        "ReconcileStale",
        c.RECONCILE_OVERDUE,
        10 * _MINUTE,
        _PAGE,
        "Orders should have been reconciled {value:.0f} s ago: nothing is traded.",
    ),
    _grows(
        "ReconcileDiscrepancy",
        c.RECONCILE_DISCREPANCIES,
        0,
        _TICKET,
        "The venue reported {value:.0f} times what our books had otherwise ({kind}).",
        within_s=10 * _MINUTE,
    ),
    # Prices.
    _below(
        "FeedDown",
        c.STREAM_CONNECTED,
        1,
        _PAGE,
        "The feed {venue} is down.",
        for_s=30,
    ),
    _below(
        "MarketDataStale",
        c.STREAM_FRESH,
        1,
        _PAGE,
        "Prices of {venue} are older than the feed promises.",
        for_s=30,
    ),
    _grows(
        "ReconnectStorm",
        c.STREAM_RECONNECTS,
        10,
        _WARNING,
        "The streams of {venue} broke off {value:.0f} times within 10 minutes.",
        within_s=10 * _MINUTE,
        begins_at_zero=False,
        reason="broken",
    ),
    _grows(
        "SequenceGaps",
        c.STREAM_GAPS,
        5,
        _WARNING,
        "Data of {venue} did not come {value:.0f} times within 10 minutes.",
        within_s=10 * _MINUTE,
        begins_at_zero=False,
    ),
    _below(
        "BookInvalid",
        c.BOOK_VALID,
        1,
        _WARNING,
        "The book of {symbol} cannot be believed.",
        for_s=30,
    ),
    _above(
        "ClockSkew",
        c.CLOCK_OFFSET,
        0.5,
        _WARNING,
        "The clocks of {venue} and this machine differ by {value:.2f} s.",
        for_s=_MINUTE,
        clear=0.3,
    ),
    # The account.
    _below(
        "ModeNotNormal",
        c.UP_MODE,
        1,
        _WARNING,
        "The account {account} has not been in NORMAL for 5 minutes.",
        for_s=5 * _MINUTE,
        mode="normal",
    ),
    _above(
        "Halted",
        c.UP_MODE,
        0,
        _PAGE,
        "The account {account} is in HALT; only a person leaves it.",
        mode="halt",
    ),
    _above(
        "DailyLossNear",
        c.RISK_USED,
        0.8,
        _WARNING,
        "The account {account} has used {value:.0%} of its daily loss.",
        clear=0.75,
        limit="loss today",
    ),
    _above(
        "DailyLossBreached",
        c.RISK_USED,
        0.9999,
        _PAGE,
        "The account {account} has lost what it may in a day ({value:.0%}).",
        clear=0.95,
        limit="loss today",
    ),
    _above(
        "DrawdownNear",
        c.RISK_USED,
        0.8,
        _WARNING,
        "The account {account} has used {value:.0%} of its drawdown.",
        clear=0.75,
        limit="drawdown",
    ),
    _above(
        "DrawdownBreached",
        c.RISK_USED,
        0.9999,
        _PAGE,
        "The account {account} has fallen as far as it may ({value:.0%}).",
        clear=0.95,
        limit="drawdown",
    ),
    _above(
        "ExposureOverLimit",
        c.RISK_USED,
        1.02,
        _PAGE,
        "Exposure of {account} is {value:.0%} of its limit ({limit}).",
        for_s=_MINUTE,
        clear=1.0,
        limit="exposure|largest instrument",
    ),
    _grows(
        "LedgerInvariantFailed",
        c.INVARIANTS,
        0,
        _PAGE,
        "A rule of the ledger was broken: {invariant}.",
        within_s=5 * _MINUTE,
    ),
    # Orders.
    _above(
        "OrderInDoubtStuck",
        c.IN_DOUBT_OLDEST,
        120,
        _PAGE,
        "An order of {account} has had an unknown outcome for {value:.0f} s.",
    ),
    _above(
        "CancelOwedStuck",
        c.CANCELS_OWED,
        0,
        _PAGE,
        "{value:.0f} orders of {account} should be gone and are not proven to be.",
        for_s=_MINUTE,
    ),
    _grows(
        "OrdersRejected",
        c.ORDERS,
        10,
        _WARNING,
        "The venue rejected {value:.0f} orders within 10 minutes.",
        within_s=10 * _MINUTE,
        outcome="rejected",
    ),
    _grows(
        "OrdersNotSent",
        c.ORDERS,
        3,
        _PAGE,
        "{value:.0f} approved orders were not sent within 10 minutes.",
        within_s=10 * _MINUTE,
        outcome="not_sent",
    ),
    _above(
        "StrategyQuarantined",
        c.STRATEGY_STATE,
        0,
        _WARNING,
        "The strategy {strategy} misbehaved and is not asked any more.",
        state="quarantined",
    ),
    _grows(
        "StrategyErrors",
        c.STRATEGY_ERRORS,
        3,
        _WARNING,
        "Strategies raised {value:.0f} times within 10 minutes.",
        within_s=10 * _MINUTE,
        is_summed=True,
    ),
    # The API.
    _above(
        "EventLoopLag",
        c.LOOP_LAG_P99,
        0.25,
        _WARNING,
        "The API's event loop comes {value:.2f} s late (99 of 100).",
        for_s=2 * _MINUTE,
        clear=0.1,
    ),
    _grows(
        "ApiErrors",
        c.HTTP_REQUESTS,
        10,
        _WARNING,
        "{value:.0f} calls met an error of ours within 5 minutes.",
        within_s=5 * _MINUTE,
        is_summed=True,
        code_class="5xx",
    ),
    _below(
        "LoadShed",
        c.LOAD_FACTOR,
        1,
        _WARNING,
        "Reading is slowed to {value:.0%} of its budgets.",
        for_s=_MINUTE,
    ),
    _grows(
        "SlowSockets",
        c.WS_RESYNCS,
        1_000,
        _TICKET,
        "Slow clients lost their place {value:.0f} times within 5 minutes.",
        within_s=5 * _MINUTE,
    ),
    # Sign-in and the audit.
    _grows(
        "RefreshTokenReuse",
        c.TOKEN_REUSE,
        0,
        _PAGE,
        "A refresh token came twice: somebody else has it.",
        within_s=5 * _MINUTE,
    ),
    _grows(
        "SignInFailures",
        c.AUTH_ATTEMPTS,
        100,
        _WARNING,
        "{value:.0f} passwords, codes, tokens or keys were wrong within 5 minutes.",
        within_s=5 * _MINUTE,
        is_summed=True,
        result="refused",
    ),
    _grows(
        "SignInLockouts",
        c.LOCKOUTS,
        20,
        _WARNING,
        "{value:.0f} tries to sign in were refused as too many within 5 minutes.",
        within_s=5 * _MINUTE,
    ),
    _grows(
        "AccessDenied",
        c.DENIED,
        50,
        _WARNING,
        "Signed-in callers were not allowed {value:.0f} times within 5 minutes.",
        within_s=5 * _MINUTE,
        is_summed=True,
    ),
    _below(
        "AuditVerifyFailed",
        c.AUDIT_OK,
        1,
        _PAGE,
        "The audit is not what was written.",
    ),
    _above(
        "AuditWaiting",
        c.AUDIT_WAITING,
        0,
        _PAGE,
        "{value:.0f} audit entries could not be written.",
        for_s=30,
    ),
    # Stores, jobs, the machine.
    _grows(
        "StoreErrors",
        c.DB_ERRORS,
        0,
        _WARNING,
        "The store {db} refused {value:.0f} writes within 5 minutes.",
        within_s=5 * _MINUTE,
    ),
    _above(
        "StoreBacklog",
        c.DB_WAITING,
        1_000,
        _WARNING,
        "{value:.0f} writes wait for the store {db}.",
        for_s=30,
        clear=100,
    ),
    _above(
        "WalLarge",
        c.DB_WAL,
        512 * 1024 * 1024,
        _TICKET,
        "The write-ahead log of {db} has {value:.3g} bytes.",
        for_s=10 * _MINUTE,
    ),
    _below(
        "DiskLow",
        c.DISK_FREE,
        0.15,
        _WARNING,
        "{value:.0%} of the disk is free.",
        for_s=_MINUTE,
        clear=0.17,
    ),
    _below(
        "DiskFull",
        c.DISK_FREE,
        0.05,
        _PAGE,
        "{value:.0%} of the disk is free.",
        clear=0.07,
    ),
    _grows(
        "JobsFailed",
        c.JOBS_ENDED,
        5,
        _TICKET,
        "{value:.0f} jobs failed within an hour.",
        within_s=_HOUR,
        state="failed",
    ),
    _above(
        "JobsWaiting",
        c.JOBS,
        20,
        _TICKET,
        "{value:.0f} jobs have waited for half an hour.",
        for_s=30 * _MINUTE,
        state="queued",
    ),
    _grows(
        "ErrorsLogged",
        c.LOG_LINES,
        20,
        _WARNING,
        "{value:.0f} errors were logged within 10 minutes.",
        within_s=10 * _MINUTE,
        is_summed=True,
        level="error|critical",
    ),
)
"""Every alert that ships."""
