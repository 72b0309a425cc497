"""What can be watched from outside: figures, facts and calls in; log lines, metrics, alerts out.

Health is answered by control; the rooms below log nothing, their callers do. What loads
Prometheus' client is imported by its own name: ``botcore.observability.metrics`` and
``botcore.observability.monitoring`` with `MonitoringSystem`.
"""

from typing import TYPE_CHECKING

from botcore.observability.events import LogEvent
from botcore.observability.logs import LogFormat, configure_logging, get_logger

if TYPE_CHECKING:
    from botcore.observability.monitoring import MonitoringSystem

__all__ = ["LogEvent", "LogFormat", "MonitoringSystem", "configure_logging", "get_logger"]


def __getattr__(name: str) -> object:
    """Load the monitoring when it is asked for: every process logs, one watches."""
    if name != "MonitoringSystem":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from botcore.observability.monitoring import MonitoringSystem  # noqa: PLC0415  # as said

    return MonitoringSystem
