"""Counts and times the answers, for the metrics."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from botcore.api.ports import MetricsPage
from botcore.kernel.clock import Clock

_UNKNOWN_ROUTE = "unknown"


class Timing:
    """ASGI middleware around the routes.

    Args:
        app: what it times.
        metrics: is told of each answer.
        clock: gives the time, monotonic.
    """

    def __init__(self, app: ASGIApp, metrics: MetricsPage, clock: Clock) -> None:
        self._app = app
        self._metrics = metrics
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and say what was answered; an answer that never began counts as a failure."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = self._clock.monotonic_ns()
        self._metrics.began()

        async def send_seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_seen)
        finally:
            route = getattr(scope.get("route"), "path", _UNKNOWN_ROUTE)
            seconds = (self._clock.monotonic_ns() - began) / 1e9
            self._metrics.answered(
                route=route, method=scope["method"], status=status, seconds=seconds
            )
