"""Health: alive, ready, well, and no word more to a stranger."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from tests.support.metrics_page import RecordingMetrics
from tests.support.sample_view import FakePlatform, sample_view, with_feed

from botcore.api import create_app
from botcore.api.health import why_not_ready
from botcore.control.views import FeedStatus, PlatformView
from botcore.kernel.clock import ManualClock
from botcore.observability.metrics import Metrics


def client(platform: FakePlatform, metrics: RecordingMetrics | None = None) -> TestClient:
    app = create_app(
        platform,
        version="0.1.0",
        metrics=metrics or RecordingMetrics(),
        clock=ManualClock(),
    )
    return TestClient(app, base_url="http://localhost:8080", raise_server_exceptions=False)


class BrokenPlatform(FakePlatform):
    def view(self) -> PlatformView | None:
        raise RuntimeError("a secret detail")


def test_is_alive_whatever_the_engine_does() -> None:
    for platform in (FakePlatform(), FakePlatform(None), BrokenPlatform()):
        answer = client(platform).get("/livez")

        assert (answer.status_code, answer.text) == (200, "ok")


@pytest.mark.parametrize(
    ("address", "proof"),
    [("127.0.0.1", "proof of c"), ("::1", "proof of c"), ("198.51.100.7", None)],
)
def test_who_sits_at_the_machine_is_told_which_process_answers(
    address: str, proof: str | None
) -> None:
    app = create_app(
        FakePlatform(),
        version="0.1.0",
        metrics=RecordingMetrics(),
        prove=lambda challenge: f"proof of {challenge}",
    )
    asking = TestClient(app, base_url="http://localhost:8080", client=(address, 50_000))

    answer = asking.get("/livez", headers={"Local-Challenge": "c"})
    unasked = asking.get("/livez")

    assert answer.text == "ok"
    assert answer.headers.get("Local-Proof") == proof
    assert "Local-Proof" not in unasked.headers


@pytest.mark.requirement("TC-DEPLOY-002")
def test_is_ready_with_a_fresh_view() -> None:
    answer = client(FakePlatform()).get("/readyz")

    assert (answer.status_code, answer.text) == (200, "ok")


@pytest.mark.parametrize(
    ("view", "age_s", "cause"),
    [
        (None, 0.0, "the engine is starting"),
        (sample_view(accounts=()), 0.2, "the engine is starting"),
        (sample_view(), 10.1, "the engine does not answer"),
        (sample_view(storage="disk full"), 0.2, "storage is not ok"),
    ],
)
@pytest.mark.requirement("TC-DEPLOY-002")
def test_is_not_ready_and_tells_no_stranger_why(
    view: PlatformView | None, age_s: float, cause: str
) -> None:
    platform = FakePlatform(view, age_s)

    answer = client(platform).get("/readyz")

    assert (answer.status_code, answer.text) == (503, "")
    assert why_not_ready(platform) == cause


@pytest.mark.requirement(
    "REST GET health",
    "REST alias /health",
    "REST alias /api/health",
    "REST health tells a stranger the status only",
)
@pytest.mark.parametrize("address", ["/health", "/api/health", "/api/v1/health"])
def test_a_stranger_learns_the_status_only(address: str) -> None:
    answer = client(FakePlatform()).get(address)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("view", "age_s", "status"),
    [
        (None, 0.0, "starting"),
        (sample_view(), 60.0, "degraded"),
        (sample_view(storage="disk full"), 0.2, "degraded"),
        (with_feed(sample_view(), status=FeedStatus.DOWN), 0.2, "degraded"),
    ],
)
def test_health_that_is_not_ok_is_no_success(
    view: PlatformView | None, age_s: float, status: str
) -> None:
    answer = client(FakePlatform(view, age_s)).get("/health")

    assert (answer.status_code, answer.json()) == (503, {"status": status})


def test_metrics_are_those_of_the_newest_view() -> None:
    metrics = RecordingMetrics()
    platform = FakePlatform(sample_view(), 0.7)

    answer = client(platform, metrics).get("/metrics")

    assert answer.text == "botcore_up 1\n"
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert metrics.seen == [(sample_view(), 0.7)]


@pytest.mark.requirement("REST alias /metrics")
def test_the_real_metrics_fit_the_port() -> None:
    app = create_app(FakePlatform(), version="0.1.0", metrics=Metrics(version="0.1.0"))

    text = TestClient(app, base_url="http://localhost").get("/metrics").text

    assert 'botcore_equity_quote{account="paper"} 10123.4512' in text


def test_answers_are_counted_under_templates_and_never_under_a_stranger_s_path() -> None:
    metrics = RecordingMetrics()
    asked = client(FakePlatform(), metrics)

    asked.get("/static/page.css?v=1")
    asked.get("/a/path/made/up")
    asked.get("/livez")

    assert metrics.answers == [
        ("/static/{name}", "GET", 200),
        ("unknown", "GET", 404),
        ("/livez", "GET", 200),
    ]


def test_an_answer_that_fails_is_counted_and_tells_nothing() -> None:
    metrics = RecordingMetrics()

    answer = client(BrokenPlatform(), metrics).get("/")

    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert metrics.answers == [("/", "GET", 500)]
