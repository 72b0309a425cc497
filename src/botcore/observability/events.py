"""The names of log events: a closed list, so that searches and alarms can rely on them."""

from enum import StrEnum


class LogEvent(StrEnum):
    """Everything a log line can be about."""

    PLATFORM_STARTED = "platform_started"
    PLATFORM_READY = "platform_ready"
    PLATFORM_STOPPING = "platform_stopping"
    PLATFORM_STOPPED = "platform_stopped"

    CHILD_STARTED = "child_started"
    CHILD_EXITED = "child_exited"
    CHILD_SILENT = "child_silent"
    CHILD_STUCK = "child_stuck"
    CHILD_RESTARTING = "child_restarting"
    CHILD_GAVE_UP = "child_gave_up"
    CHILD_KILLED = "child_killed"
    PROCESS_REFUSED = "process_refused"
    """A child process ends at once: what it was told cannot be."""

    ENGINE_READY = "engine_ready"
    """Restored and reconciled: it may trade."""
    ENGINE_STOPPED = "engine_stopped"
    SNAPSHOT_FAILED = "snapshot_failed"
    STORAGE_FAILED = "storage_failed"
    STORAGE_BACK = "storage_back"
    MARKET_NOT_KEPT = "market_not_kept"
    MARKET_NEWS = "market_news"
    """The source of prices says something: a stream broke off, a tape has ended."""
    SESSION_CONTINUED = "session_continued"
    STEP_SLOW = "step_slow"
    STEP_STUCK = "step_stuck"
    SNAPSHOT_WRITTEN = "snapshot_written"
    JOURNAL_FAILED = "journal_failed"
    JOURNAL_BACK = "journal_back"

    COMMAND_TAKEN = "command_taken"
    COMMAND_REFUSED = "command_refused"
    MODE_CHANGED = "mode_changed"
    ORDER_IN_DOUBT = "order_in_doubt"
    FILL = "fill"
    STRATEGY_STATUS = "strategy_status"
    ALERT = "alert"

    FRESHNESS_CHANGED = "freshness_changed"
    STATUS = "status"

    API_STARTED = "api_started"
    API_STOPPED = "api_stopped"

    ERROR = "error"
    """A `BotError`: its code, cause and fix are fields."""
    LIBRARY_MESSAGE = "library_message"
    """What a library logged; its text is `msg`."""
    UNKNOWN_EVENT = "unknown_event"
    """A line that names no event of this list; its text is `msg`. A bug, but not a lost line."""
