"""What can be watched from outside: the platform's view in, log lines and metrics out.

Health is answered by the API; the rooms below log nothing, their callers do.
``botcore.observability.metrics`` is imported by its own name, because it loads Prometheus' client.
"""

from botcore.observability.events import LogEvent
from botcore.observability.logs import LogFormat, configure_logging, get_logger

__all__ = ["LogEvent", "LogFormat", "configure_logging", "get_logger"]
