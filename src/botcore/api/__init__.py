"""The platform over HTTP: takes calls in, hands them to control, gives its answers and pages out.

Nothing here decides what may be done or does it; `control` does.
"""

from botcore.api.application import create_app, routes_of
from botcore.api.ports import AccessRows, Authenticator, Controlling, MetricsPage
from botcore.api.rest import Door

__all__ = [
    "AccessRows",
    "Authenticator",
    "Controlling",
    "Door",
    "MetricsPage",
    "create_app",
    "routes_of",
]
