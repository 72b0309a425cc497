"""Health answers: alive, ready, well; and the metrics.

Liveness asks nothing of others: restarting this process mends nothing that is wrong elsewhere.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from botcore.api.pages import Pages
from botcore.api.ports import MetricsPage, Prove
from botcore.api.proxies import is_loopback
from botcore.api.rest.routing import Public, Route, Shown
from botcore.control.access import Scope
from botcore.control.local_proof import CHALLENGE_HEADER, PROOF_HEADER
from botcore.control.ports import Platform
from botcore.control.views import FeedStatus

READY_AGE_S: Final = 10.0
"""An engine that has said nothing for longer is not ready. Above what the page calls stale, so
that one late document does not take a replica out of service."""
STORAGE_OK: Final = "ok"
HEALTH_PATHS: Final = ("/api/v1/health", "/api/health", "/health")
_PROBE: Final = Public("a probe has no key, and learns one word")


def probe_routes(
    pages: Pages, platform: Platform, metrics: MetricsPage, prove: Prove | None = None
) -> list[Route]:
    """Return the routes of probes and of Prometheus.

    Args:
        pages: makes them.
        platform: what is asked how it is.
        metrics: what Prometheus reads.
        prove: answers the challenge of who sits at this machine (`control.local_proof`).
    """

    async def livez(request: Request) -> Response:
        return PlainTextResponse("ok", headers=_proof_for(request, prove))

    async def readyz(request: Request) -> Response:
        del request
        return PlainTextResponse("", 503) if why_not_ready(platform) else PlainTextResponse("ok")

    async def metrics_page(request: Request) -> Response:
        del request
        text = metrics.scrape(platform.view(), platform.view_age_s())
        return Response(text, media_type=metrics.content_type)

    return [
        pages.probe("/livez", livez, _PROBE),
        pages.probe("/readyz", readyz, _PROBE),
        pages.route("/metrics", metrics_page, Shown(Scope.READ_METRICS)),
    ]


def health_routes(pages: Pages, platform: Platform) -> list[Route]:
    """Return the routes of health where no door answers them."""

    async def health(request: Request) -> Response:
        del request
        status = health_status(platform)
        return JSONResponse({"status": status}, status_code=200 if status == "ok" else 503)

    rule = Public("a stranger learns one word")
    return [pages.route(path, health, rule) for path in HEALTH_PATHS]


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


def _proof_for(request: Request, prove: Prove | None) -> dict[str, str]:
    challenge = request.headers.get(CHALLENGE_HEADER, "")
    if prove is None or not challenge or request.client is None:
        return {}
    if not is_loopback(request.client.host):
        return {}
    proof = prove(challenge)
    return {PROOF_HEADER: proof} if proof else {}
