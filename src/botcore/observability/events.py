"""The names of log events: a closed list, so that searches and alarms can rely on them."""

from enum import StrEnum


class LogEvent(StrEnum):
    """Everything a log line can be about."""

    PLATFORM_STARTED = "platform_started"
    PLATFORM_READY = "platform_ready"
    PLATFORM_STOPPING = "platform_stopping"
    PLATFORM_STOPPED = "platform_stopped"

    PROCESS_STARTED = "process_started"
    PROCESS_ENDED = "process_ended"
    PROCESS_STUCK = "process_stuck"
    PROCESS_KILLED = "process_killed"
    PROCESS_RESTARTING = "process_restarting"
    SUPERVISION_GAVE_UP = "supervision_gave_up"

    ENGINE_STARTED = "engine_started"
    ENGINE_RESTORED = "engine_restored"
    ENGINE_RECONCILED = "engine_reconciled"
    ENGINE_STOPPED = "engine_stopped"
    SNAPSHOT_WRITTEN = "snapshot_written"
    STORAGE_FAILED = "storage_failed"

    COMMAND_TAKEN = "command_taken"
    COMMAND_REFUSED = "command_refused"
    MODE_CHANGED = "mode_changed"
    ORDER_IN_DOUBT = "order_in_doubt"
    FILL = "fill"
    STRATEGY_STATUS = "strategy_status"
    STRATEGY_STUCK = "strategy_stuck"
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
