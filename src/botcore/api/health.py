"""Health answers: alive, ready, well; and the metrics.

Liveness asks nothing of others: restarting this process mends nothing that is wrong elsewhere.
"""

from typing import Final

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from botcore.api.ports import MetricsPage
from botcore.control.ports import Platform
from botcore.control.views import FeedStatus

READY_AGE_S: Final = 10.0
"""An engine that has said nothing for longer is not ready. Above what the page calls stale, so
that one late document does not take a replica out of service."""
STORAGE_OK: Final = "ok"
_READ: Final = ["GET", "HEAD"]


def health_routes(platform: Platform, metrics: MetricsPage) -> APIRouter:
    """Return the routes."""
    router = APIRouter()

    @router.api_route("/livez", methods=_READ)
    async def livez() -> Response:
        return JSONResponse({"status": "alive"})

    @router.api_route("/readyz", methods=_READ)
    async def readyz() -> Response:
        why = why_not_ready(platform)
        if why:
            return JSONResponse({"status": "not ready", "cause": why}, status_code=503)
        return JSONResponse({"status": "ready"})

    @router.api_route("/health", methods=_READ)
    @router.api_route("/api/health", methods=_READ)
    @router.api_route("/api/v1/health", methods=_READ)
    async def health() -> Response:
        status = health_status(platform)
        return JSONResponse({"status": status}, status_code=200 if status == "ok" else 503)

    @router.api_route("/metrics", methods=_READ)
    async def metrics_page() -> Response:
        text = metrics.scrape(platform.view(), platform.view_age_s())
        return Response(text, media_type=metrics.content_type)

    return router


def why_not_ready(platform: Platform) -> str:
    """Return why the platform cannot be used yet, or an empty text when it can.

    The engine sends its first document when it is reconciled.
    """
    view = platform.view()
    if view is None or not view.accounts:
        return "the engine is starting"
    if platform.view_age_s() > READY_AGE_S:
        return "the engine does not answer"
    if view.storage != STORAGE_OK:
        return "storage is not ok"
    return ""


def health_status(platform: Platform) -> str:
    """Return ``ok``, ``starting`` or ``degraded``; all that a stranger is told."""
    view = platform.view()
    if view is None:
        return "starting"
    is_well = not why_not_ready(platform) and view.feed.status is FeedStatus.LIVE
    return "ok" if is_well else "degraded"
