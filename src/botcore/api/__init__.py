"""The platform over HTTP: takes the views' document in, gives the page and the health answers out.

Read-only for now: nothing here can act on the engine.
"""

from botcore.api.application import create_app
from botcore.api.ports import MetricsPage

__all__ = ["MetricsPage", "create_app"]
