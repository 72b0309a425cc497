"""Every metric by name: what it says, of which kind, with which labels, of which part."""

from enum import StrEnum
from typing import Final

import msgspec

PREFIX: Final = "botcore_"
OTHER: Final = "other"
"""The label of what is beyond a bound."""
SYMBOLS_MAX: Final = 200
"""Values of the label `symbol`; what comes behind them is `OTHER`."""


class Kind(StrEnum):
    """How a metric behaves."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Component(StrEnum):
    """The part of the platform that a metric is about."""

    PLATFORM = "platform"
    ENGINE = "engine"
    FEED = "feed"
    ACCOUNT = "account"
    ORDERS = "orders"
    RISK = "risk"
    STRATEGIES = "strategies"
    API = "api"
    SOCKETS = "sockets"
    SIGN_IN = "sign-in"
    AUDIT = "audit"
    JOBS = "jobs"
    STORES = "stores"
    LOGS = "logs"
    MONITORING = "monitoring"
    PROCESS = "process"


_UNITS: Final = ("seconds", "bytes", "ratio", "quote", "bps")


class MetricSpec(msgspec.Struct, frozen=True):
    """One metric.

    Attributes:
        name: ends in its unit.
        labels: closed sets only, never a user's text or an order's id.
        help: one sentence.
        prefix: stands before the name.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str
    component: Component
    prefix: str = PREFIX

    @property
    def full_name(self) -> str:
        """The name as Prometheus shows it."""
        return self.prefix + self.name

    @property
    def unit(self) -> str:
        """What its figures count: ``seconds``, ``quote`` …; ``count`` where the name has none."""
        words = self.name.removesuffix("_total").split("_")
        return next((unit for unit in _UNITS if unit in words[-2:]), "count")


class _Part:
    """Declares the metrics of one component."""

    def __init__(self, component: Component) -> None:
        self._component = component

    def gauge(self, name: str, help_text: str, *labels: str) -> MetricSpec:
        return MetricSpec(name, Kind.GAUGE, labels, help_text, self._component)

    def counter(self, name: str, help_text: str, *labels: str) -> MetricSpec:
        return MetricSpec(name, Kind.COUNTER, labels, help_text, self._component)

    def histogram(self, name: str, help_text: str, *labels: str) -> MetricSpec:
        return MetricSpec(name, Kind.HISTOGRAM, labels, help_text, self._component)


_platform = _Part(Component.PLATFORM)
BUILD_INFO = _platform.gauge(
    "build_info", "Always 1; the labels say what runs.", "version", "python"
)
VIEW_AGE = _platform.gauge(
    "view_age_seconds", "Since the engine last said how it is; +Inf before the first time."
)
UPTIME = _platform.gauge("uptime_seconds", "Of the engine's run.")
EPOCH = _platform.gauge("epoch", "Of the engine's session; each start has a higher one.")
STORAGE_OK = _platform.gauge("storage_ok", "1 while the engine's store takes what it is given.")
ALERTS = _platform.gauge("alerts", "Alerts that the page shows.")

_engine = _Part(Component.ENGINE)
ORDER_STAGE = _engine.gauge(
    "order_stage_seconds",
    "Of the last minute: decision is input taken to approved order, persist until it is durable.",
    "stage",
    "quantile",
)
CORE_WAIT = _engine.counter(
    "core_wait_seconds_total",
    "How long the process's main thread was ready to run and waited for a core.",
    "process",
)
ENGINE_STARTS = _engine.counter(
    "engine_restarts_total",
    "Engines that came after another had ended of itself; a change of set-ups is none.",
)
FACTS = _engine.counter("facts_total", "Facts heard from the engine.", "fact")
FACTS_LOST = _engine.counter(
    "facts_lost_total", "Times that facts did not come and the store was read anew."
)
BUS_REFUSED = _engine.counter(
    "bus_refused_total", "Messages that came as the engine's and were not: none was believed."
)

OUTBOX = _engine.gauge("outbox_pending", "Facts that are durable and not published yet.")
QUEUE_DEPTH = _engine.gauge(
    "queue_depth", "What waits: for the engine, for its journal, for the control store.", "queue"
)
QUEUE_CAPACITY = _engine.gauge("queue_capacity", "How much may wait there.", "queue")
QUEUE_USED = _engine.gauge("queue_used_ratio", "The one by the other; 1 is full.", "queue")
RECONCILE_RUNS = _engine.counter(
    "reconcile_runs_total",
    "Times that orders were brought to one truth with the venue: at a start, after a failure.",
    "result",
)
RECONCILE_DISCREPANCIES = _engine.counter(
    "reconcile_discrepancies_total",
    "Reports of the venue that our books did not know or had otherwise.",
    "kind",
)
RECONCILE_LAST = _engine.gauge(
    "reconcile_last_success_timestamp_seconds", "When that was done last, since 1970."
)
RECONCILE_TOOK = _engine.gauge("reconcile_duration_seconds", "How long the last one took.")
RECONCILE_OVERDUE = _engine.gauge(
    "reconcile_overdue_seconds", "How long it has been due and not done; nothing trades meanwhile."
)

_feed = _Part(Component.FEED)
STREAM_CONNECTED = _feed.gauge("stream_connected", "1 unless the feed is down.", "venue", "stream")
STREAM_FRESH = _feed.gauge(
    "stream_fresh", "1 while prices are as young as the feed promises.", "venue", "stream"
)
STREAM_AGE = _feed.gauge(
    "stream_age_seconds", "Since the newest price of the feed.", "venue", "stream"
)

STREAM_LAST = _feed.gauge(
    "stream_last_message_timestamp_seconds",
    "Stamp of its newest price, in the feed's clock.",
    "venue",
    "stream",
)
STREAM_RECONNECTS = _feed.counter(
    "stream_reconnects_total",
    "Connections that took the place of another one; of a live feed.",
    "venue",
    "stream",
    "reason",
)
STREAM_GAPS = _feed.counter(
    "stream_gaps_total",
    "Times that prints, minutes or changes of a book did not come.",
    "venue",
    "stream",
)
STREAM_UNREADABLE = _feed.counter(
    "stream_parse_errors_total", "Messages that could not be read.", "venue", "stream"
)
STALENESS = _feed.gauge(
    "md_staleness_seconds", "Since the newest price of a symbol, in the feed's clock.", "symbol"
)
REFUSED = _feed.counter("md_quarantined_total", "Market data that was refused.", "reason")
BOOK_RESYNCS = _feed.counter(
    "book_resyncs_total", "Times that a book was lost to a hole and joined anew."
)
BOOK_VALID = _feed.gauge("book_valid", "1 while a symbol's book can be believed.", "symbol")
CLOCK_OFFSET = _feed.gauge(
    "venue_clock_offset_seconds",
    "By how much the venue's clock and this machine's differ, either way.",
    "venue",
)

_account = _Part(Component.ACCOUNT)
UP_MODE = _account.gauge(
    "up_mode",
    "1 for the account's mode, 0 for the others; starting is before it is reconciled.",
    "account",
    "mode",
)
EQUITY = _account.gauge(
    "equity_quote", "Equity at the marks, in the account's currency.", "account"
)
DRAWDOWN = _account.gauge("drawdown_ratio", "Fall from the peak of equity, 0 to 1.", "account")
DAILY_LOSS = _account.gauge("daily_loss_quote", "Loss since the day began; 0 on a gain.", "account")
FEES = _account.counter("fees_quote_total", "Fees since the account began.", "account")
UNREALISED = _account.gauge(
    "pnl_unrealized_quote", "Of the strategy's open positions, at the marks.", "account", "strategy"
)
REALISED = _account.gauge(
    "pnl_realized_quote", "What the strategy earned by closing, before fees.", "account", "strategy"
)
POSITION_BASE = _account.gauge(
    "position_base", "What is held of a symbol, in its base currency.", "account", "symbol"
)
ENTRY_PRICE = _account.gauge(
    "position_entry_price", "Average price of what is held of a symbol.", "account", "symbol"
)
POSITION = _account.gauge(
    "position_quote", "Value of what is held of a symbol, at the mark.", "account", "symbol"
)

_orders = _Part(Component.ORDERS)
ORDERS_OPEN = _orders.gauge("orders_open", "Orders that are not terminal.", "account")
IN_DOUBT = _orders.gauge("orders_in_doubt", "Orders with an unknown outcome.", "account")
IN_DOUBT_OLDEST = _orders.gauge(
    "orders_in_doubt_oldest_seconds",
    "Age of the oldest order in doubt, in the feed's clock; 0 when there is none.",
    "account",
)
CANCELS_OWED = _orders.gauge(
    "cancels_owed", "Orders to be cancelled, not yet proven gone.", "account"
)
FILLS = _orders.counter(
    "fills_total",
    "Executions.",
    "liquidity",
)
INTENTS = _orders.counter(
    "orders_intents_total", "Orders that risk approved.", "strategy", "side", "type"
)
ORDERS = _orders.counter("orders_total", "What became of orders.", "outcome")
NOTIONAL = _orders.counter(
    "fill_notional_quote_total", "Traded value, price times quantity.", "liquidity"
)
SLIPPAGE = _orders.histogram(
    "slippage_bps",
    "Fill price against the price at the decision; above zero is worse for us.",
    "side",
)

_risk = _Part(Component.RISK)
RISK_USED = _risk.gauge(
    "risk_utilisation_ratio", "How much of a limit is used; 1 is full.", "account", "limit"
)
EXPOSURE = _risk.gauge(
    "risk_exposure_quote",
    "Worst case of what is held and ordered: of the account, of a symbol.",
    "account",
    "scope",
    "symbol",
)
CAP = _risk.gauge(
    "risk_limit_quote",
    "What an order, a symbol, the account may be at most now.",
    "account",
    "scope",
)
REJECTIONS = _risk.counter("risk_rejections_total", "Intents that risk denied.", "rule")
RISK_ALERTS = _risk.counter("risk_alerts_total", "Alerts that the engine raised.", "code")
MODE_CHANGES = _risk.counter("mode_changes_total", "Times that a mode was entered.", "mode")
LOCKS = _risk.counter("protection_locks_total", "Times that a protection locked.", "kind")
INVARIANTS = _risk.counter(
    "ledger_invariant_failures_total", "Facts that break a rule of the ledger.", "invariant"
)

_strategies = _Part(Component.STRATEGIES)
STRATEGY_STATE = _strategies.gauge(
    "strategy_state", "1 for the strategy's state, 0 for the others.", "strategy", "state"
)
STRATEGY_SIGNALS = _strategies.counter(
    "strategy_signals_total", "Times that it asked for another exposure.", "strategy"
)
STRATEGY_ERRORS = _strategies.counter(
    "strategy_exceptions_total", "Times that it raised or never returned.", "strategy"
)
STRATEGY_STEP = _strategies.gauge(
    "strategy_last_step_timestamp_seconds",
    "Close of the newest bar it decided on, in the feed's clock.",
    "strategy",
)
STRATEGY_RESULT = _strategies.gauge(
    "strategy_result_quote", "What the strategy has earned.", "strategy"
)

_api = _Part(Component.API)
HTTP_REQUESTS = _api.counter(
    "http_requests_total", "Answers given.", "route", "method", "code_class"
)
HTTP_DURATION = _api.histogram(
    "http_request_duration_seconds", "Time to the answer.", "route", "method"
)
HTTP_IN_FLIGHT = _api.gauge("http_in_flight", "Requests being answered.")
OPERATIONS = _api.counter(
    "operations_total", "What was asked and what came of it.", "operation", "result"
)
RATE_REFUSALS = _api.counter("rate_limit_refusals_total", "Requests refused by a limit.", "limit")
LOAD_FACTOR = _api.gauge(
    "load_factor_ratio", "What is left of the budgets for reading; 1 unless load is shed."
)
LOOP_LAG = _api.histogram(
    "eventloop_lag_seconds", "By how much the api process's event loop came late."
)
LOOP_LAG_P99 = _api.gauge("eventloop_lag_p99_seconds", "The same, 99 of 100, over the last minute.")

_sockets = _Part(Component.SOCKETS)
WS_CLIENTS = _sockets.gauge("ws_clients", "Signed-in WebSockets.")
WS_MESSAGES = _sockets.counter("ws_messages_total", "Frames written to them.")
WS_RESYNCS = _sockets.counter(
    "ws_resyncs_total", "Times that a slow client was told that the state follows whole."
)
WS_QUEUE = _sockets.gauge("ws_send_queue_bytes", "What waits to be written to them.")

_sign_in = _Part(Component.SIGN_IN)
AUTH_ATTEMPTS = _sign_in.counter(
    "auth_attempts_total", "Times that a factor, token or key was shown.", "result", "factor"
)
LOCKOUTS = _sign_in.counter("auth_lockouts_total", "Tries refused because there were too many.")
TOKEN_REUSE = _sign_in.counter(
    "token_reuse_total", "Refresh tokens that came twice: one of two holders stole it."
)
DENIED = _sign_in.counter(
    "authz_denied_total", "Signed-in callers who were not allowed.", "operation"
)
KEY_USES = _sign_in.counter("apikey_uses_total", "Calls with an API key.", "scope", "result")

_audit = _Part(Component.AUDIT)
AUDIT_SEQ = _audit.gauge("audit_seq", "Number of the newest entry.")
AUDIT_WAITING = _audit.gauge("audit_entries_waiting", "Entries that could not be written yet.")
AUDIT_OK = _audit.gauge("audit_verify_ok", "1 if the audit was whole when it was last checked.")
AUDIT_CHECKED = _audit.gauge("audit_verified_timestamp_seconds", "When it was last checked.")

_jobs = _Part(Component.JOBS)
JOBS = _jobs.gauge("jobs", "Jobs that have not ended.", "state")
JOBS_ENDED = _jobs.counter("jobs_ended_total", "Jobs that ended.", "state")

_stores = _Part(Component.STORES)
DB_COMMITS = _stores.counter("db_commits_total", "Transactions committed.", "db")
DB_WAITING = _stores.gauge("db_writes_waiting", "Writes that wait for the disk.", "db")
DB_POOL = _stores.gauge("db_pool_in_use", "Connections in use.", "db")
DB_ERRORS = _stores.counter("db_errors_total", "Writes that the database refused.", "db")
DB_SIZE = _stores.gauge("db_size_bytes", "Size of the file.", "db")
DB_WAL = _stores.gauge("db_wal_bytes", "Size of its write-ahead log.", "db")
DISK_FREE = _stores.gauge("disk_free_ratio", "Free share of the disk.", "mount")

_logs = _Part(Component.LOGS)
LOG_LINES = _logs.counter("log_lines_total", "Lines that were logged.", "service", "level")
LOG_ODD = _logs.counter("log_lines_unreadable_total", "Lines of log files that are no JSON.")
LOG_SIZE = _logs.gauge("log_store_bytes", "What the searchable log takes on disk.")

_monitoring = _Part(Component.MONITORING)
FIRING = _monitoring.gauge(
    "alert_firing", "1 while the alert is raised, 0 while it is not.", "alert", "severity"
)

CATALOGUE: Final[tuple[MetricSpec, ...]] = tuple(
    found for found in list(globals().values()) if isinstance(found, MetricSpec)
)
"""Every metric of ours, in the order of this page."""


NOT_YET: Final[tuple[tuple[tuple[str, ...], str], ...]] = (
    (
        (
            "venue_requests_total",
            "venue_request_duration_seconds",
            "venue_weight_used",
            "venue_weight_limit",
            "venue_orders_used",
            "venue_ban_until_timestamp_seconds",
            "venue_429_total",
            "venue_418_total",
            "venue_clock_offset_age_seconds",
            "exchange_key_permission_ok",
        ),
        "orders go to the simulated venue within the engine's process: no request leaves, no key",
    ),
    (("breaker_state", "breaker_transitions_total"), "there is nothing that they would guard yet"),
    (("leader",), "no standby exists: a lock on the home lets one engine run"),
    (("stream_lag_seconds",), "when data was received does not leave the feed"),
    (
        ("strategy_step_seconds",),
        "strategies are asked together in one step; the log names a slow one (`step_slow`)",
    ),
    (
        ("queue_dropped_total", "queue_wait_seconds"),
        "the engine's queues make their senders wait and drop nothing",
    ),
    (
        ("tasks", "task_restarts_total", "supervisor_escalations_total"),
        "a task that fails ends its process; restarts of the engine are counted",
    ),
    (("db_commit_seconds",), "the stage `persist` of `order_stage_seconds` has it"),
    (("outbox_oldest_seconds",), "how many facts wait is known, not since when"),
    (("ws_dropped_total",), "nothing is dropped in silence: `ws_resyncs_total`"),
    (
        (
            "backup_last_success_timestamp_seconds",
            "backup_last_size_bytes",
            "backup_lag_seconds",
            "restore_drill_last_success_timestamp_seconds",
            "restore_drill_duration_seconds",
        ),
        "backups are made by hand",
    ),
    (("audit_checkpoint_age_seconds",), "no checkpoints are kept elsewhere"),
    (
        (
            "llm_requests_total",
            "llm_tokens_total",
            "llm_cost_usd_total",
            "llm_latency_seconds",
            "model_version_info",
            "model_drift_psi",
            "model_pred_seconds",
        ),
        "no model runs",
    ),
    (("notify_sent_total", "notify_failed_total"), "people are told within the product only"),
    (
        ("deadman_heartbeat_timestamp_seconds",),
        "the rule Watchdog, which always fires, is the heartbeat",
    ),
)
"""Names that one may look for and that are not measured, with the reason."""


def _clients(name: str, kind: Kind, help_text: str, *labels: str) -> MetricSpec:
    return MetricSpec(name, kind, labels, help_text, Component.PROCESS, prefix="")


CLIENTS: Final = (
    _clients("process_virtual_memory_bytes", Kind.GAUGE, "Virtual memory of the api process."),
    _clients("process_resident_memory_bytes", Kind.GAUGE, "Its resident memory."),
    _clients("process_start_time_seconds", Kind.GAUGE, "When it started, since 1970."),
    _clients("process_cpu_seconds_total", Kind.COUNTER, "Processor time it took."),
    _clients("process_open_fds", Kind.GAUGE, "Its open files."),
    _clients("process_max_fds", Kind.GAUGE, "How many it may have open."),
    _clients(
        "python_gc_objects_collected_total",
        Kind.COUNTER,
        "Objects its garbage collector freed.",
        "generation",
    ),
    _clients(
        "python_gc_objects_uncollectable_total",
        Kind.COUNTER,
        "Objects it could not free.",
        "generation",
    ),
    _clients("python_gc_collections_total", Kind.COUNTER, "Times it ran.", "generation"),
)
"""What Prometheus' client says of its process; `process_*` on Linux only."""
