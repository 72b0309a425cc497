"""What can be watched from outside: the platform's view in, log lines and metrics out.

Health is answered by the API; the rooms below log nothing, their callers do.
"""

from botcore.observability.events import LogEvent
from botcore.observability.logs import LogFormat, configure_logging, get_logger
from botcore.observability.metrics import Metrics

__all__ = ["LogEvent", "LogFormat", "Metrics", "configure_logging", "get_logger"]
