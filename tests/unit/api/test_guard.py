"""The door: host names, methods and headers."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.support.metrics_page import RecordingMetrics
from tests.support.sample_view import FakePlatform

from botcore.api import create_app
from botcore.api.guard import HostList
from botcore.domain.errors import ConfigError

ADDRESSES = (
    "/",
    "/fragment",
    "/view.json",
    "/livez",
    "/readyz",
    "/health",
    "/metrics",
    "/static/page.js",
    "/nowhere",
)


def client(*, allowed_hosts: tuple[str, ...] = ()) -> TestClient:
    app = create_app(
        FakePlatform(), allowed_hosts=allowed_hosts, version="0.1.0", metrics=RecordingMetrics()
    )
    return TestClient(app, base_url="http://localhost:8080")


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:9000", "127.8.8.8", "[::1]:8080"],
)
def test_answers_under_every_name_of_this_machine(host: str) -> None:
    assert client().get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "evil.example#localhost",
        "localhost@evil.example",
        "evil.example, localhost",
        "127.0.0.1.evil.example",
        "0.0.0.0:8080",
        "10.0.0.5",
        "192.168.1.10:8080",
        "[::]",
        "[::ffff:10.0.0.1]",
        "localhost:8080:9",
        "localhost:",
        "",
        "<script>",
    ],
)
@pytest.mark.parametrize("address", ["/", "/view.json", "/livez", "/static/page.js"])
def test_refuses_a_name_that_may_have_been_rebound(host: str, address: str) -> None:
    answer = client().get(address, headers={"Host": host})

    assert answer.status_code == 400
    assert "[HOST_NOT_ALLOWED]" in answer.text
    assert "BOTCORE_ALLOWED_HOSTS" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


def test_refuses_a_request_with_two_hosts() -> None:
    headers = [("Host", "localhost"), ("Host", "evil.example")]

    assert client().get("/", headers=headers).status_code == 400


def test_answers_under_a_configured_name_with_any_port() -> None:
    asked = client(allowed_hosts=("Bot.Example",))

    assert asked.get("/", headers={"Host": "bot.example"}).status_code == 200
    assert asked.get("/", headers={"Host": "BOT.example:444"}).status_code == 200
    assert asked.get("/", headers={"Host": "x.bot.example"}).status_code == 400


def test_answers_under_a_configured_port_only_where_one_is_given() -> None:
    hosts = HostList(("bot.example:8443",))

    assert hosts.allows("bot.example:8443")
    assert not hosts.allows("bot.example:8080")
    assert not hosts.allows("bot.example")


@pytest.mark.parametrize("name", ["*", "http://bot.example", "bot example", "", "-x"])
def test_a_configured_name_that_is_none_is_refused_at_once(name: str) -> None:
    with pytest.raises(ConfigError) as refused:
        HostList((name,))

    assert refused.value.code == "HOST_MALFORMED"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"])
@pytest.mark.parametrize("address", ["/", "/view.json", "/health", "/metrics", "/nowhere"])
def test_can_only_be_read(method: str, address: str) -> None:
    answer = client().request(method, address)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("address", ADDRESSES[:-1])
def test_head_is_answered_like_get(address: str) -> None:
    asked = client()

    assert asked.head(address).status_code == asked.get(address).status_code == 200


def _allows_no_feature(policy: str) -> None:
    named = dict(part.split("=") for part in policy.split(", "))

    assert set(named.values()) == {"()"}
    assert named.keys() >= {
        "camera",
        "clipboard-read",
        "display-capture",
        "fullscreen",
        "geolocation",
        "hid",
        "local-fonts",
        "microphone",
        "payment",
        "publickey-credentials-get",
        "screen-wake-lock",
        "serial",
        "storage-access",
        "usb",
        "window-management",
    }


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.requirement("NUM cache: account, orders, positions and risk never")
def test_every_answer_carries_the_strict_headers(address: str) -> None:
    headers = client().get(address).headers

    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self' 'nonce-" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    _allows_no_feature(headers["permissions-policy"])
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers
    assert "cache-control" in headers
    if not address.startswith("/static/"):
        assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("host", "method"), [("evil.example", "GET"), ("localhost", "POST")])
def test_a_refusal_carries_them_too(host: str, method: str) -> None:
    headers = client().request(method, "/", headers={"Host": host}).headers

    assert "default-src 'none'" in headers["content-security-policy"]


def test_no_socket_is_opened() -> None:
    with pytest.raises(WebSocketDisconnect), client().websocket_connect("/ws"):
        pass


def test_there_is_no_interactive_documentation_that_loads_from_elsewhere() -> None:
    asked = client()

    assert [asked.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")] == [
        404,
        404,
        404,
    ]
