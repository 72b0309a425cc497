"""The web application: routes, guarded by a list of host names and strict headers."""

from collections.abc import Sequence

from fastapi import FastAPI

from botcore.api.assets import load_assets
from botcore.api.guard import Guard, HostList
from botcore.api.health import health_routes
from botcore.api.page import page_routes
from botcore.api.ports import MetricsPage
from botcore.api.timing import Timing
from botcore.control.ports import Platform
from botcore.kernel.clock import Clock, SystemClock


def create_app(
    platform: Platform,
    *,
    allowed_hosts: Sequence[str] = (),
    version: str,
    metrics: MetricsPage,
    clock: Clock | None = None,
) -> FastAPI:
    """Return the application that shows `platform`.

    Args:
        platform: what is shown.
        allowed_hosts: names under which it may be asked for, beside those of this machine
            (``bot.example``: any port; ``bot.example:8080``: that port).
        version: of botcore, told to those who see the page.
        metrics: filled and printed at ``/metrics``.
        clock: times the answers.

    Raises:
        ConfigError: an allowed host is not a host name.
    """
    # No interactive documentation yet: its usual page loads scripts from elsewhere.
    app = FastAPI(
        title="Bot Core", version=version, docs_url=None, redoc_url=None, openapi_url=None
    )
    app.include_router(health_routes(platform, metrics))
    app.include_router(page_routes(platform, load_assets(), version=version))
    # The last one added is asked first: what the guard refuses is not timed under a route.
    app.add_middleware(Timing, metrics=metrics, clock=clock or SystemClock())
    app.add_middleware(Guard, hosts=HostList(allowed_hosts))
    return app
