"""Attacks at the edge, by name, each with the answer it gets."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
from collections.abc import Iterator

import pytest
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from tests.support.edge import OWN, Echo, Served, guarded, read_all, serving, wait_until

from botcore.api.connections import ConnectionBounds
from botcore.api.guard import Guard, HostList

ORDERS = "/api/v1/trading/orders"
EVIL = "https://evil.example"
ACTS = ["POST", "PUT", "PATCH", "DELETE"]


def code_of(answer: object) -> str:
    return str(json.loads(answer.text)["code"])  # type: ignore[attr-defined]  # of the test client


# --- names: DNS rebinding and what a Host header can hold


@pytest.mark.parametrize("method", ["GET", *ACTS])
@pytest.mark.parametrize("address", ["/", ORDERS, "/api/v1/auth/login", "/livez"])
def test_dns_rebinding(method: str, address: str) -> None:
    app = Echo()

    answer = guarded(app).request(method, address, headers={"Host": "rebound.evil.example:8080"})

    assert answer.status_code == 400
    assert "HOST_NOT_ALLOWED" in answer.text
    assert app.reached == []


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8080@evil.example",
        "localhost@evil.example",
        "user:password@localhost",
        "localhost:8080.evil.example",
        "localhost:808080",
        "localhost:-1",
        "localhost:8080:8080",
        "localhost:eighty",
        "localhost\t",
        "localhost evil.example",
        "localhost,evil.example",
        "localhost/evil",
        "localhost#",
        "localhost?",
        "[::1",
        "::1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "127.0.0.1.",
        "localhost.",
        "loc\xe4lhost",
    ],
)
def test_host_header_tricks(host: str) -> None:
    app = Echo()

    answer = guarded(app).get(ORDERS, headers={b"Host": host.encode("latin-1")})

    assert (answer.status_code, code_of(answer)) == (400, "HOST_NOT_ALLOWED")
    assert app.reached == []


def test_two_hosts() -> None:
    asked = guarded()
    for hosts in (["localhost", "evil.example"], ["evil.example", "localhost"], ["localhost"] * 2):
        assert asked.get(ORDERS, headers=[("Host", host) for host in hosts]).status_code == 400


@pytest.mark.parametrize("header", ["X-Forwarded-Host", "X-Host", "Forwarded", "X-Original-Host"])
def test_a_host_beside_the_host_counts_for_nothing(header: str) -> None:
    value = "host=localhost" if header == "Forwarded" else "localhost"

    answer = guarded().get(ORDERS, headers={"Host": "evil.example", header: value})

    assert answer.status_code == 400


# --- origins: CSRF and reading across sites


@pytest.mark.parametrize("method", ACTS)
@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "http://localhost",  # another port is another origin
        "http://localhost:8081",
        "https://localhost:8080",  # another scheme, too
        "http://localhost:8080.evil.example",
        "http://evil.example/http://localhost:8080",
        "http://localhost:8080/",
        "http://user@localhost:8080",
        "HTTP://localhost:8080 ",
    ],
)
def test_foreign_origin(method: str, origin: str) -> None:
    app = Echo()

    answer = guarded(app).request(
        method, ORDERS, headers={"Origin": origin, "Cookie": "session=of-the-victim"}
    )

    assert (answer.status_code, code_of(answer)) == (403, "ORIGIN_NOT_ALLOWED")
    assert app.reached == []


@pytest.mark.parametrize("method", ACTS)
@pytest.mark.parametrize("origins", [(), ("https://dash.example",)])
def test_null_origin(method: str, origins: tuple[str, ...]) -> None:
    asked = guarded(origins=origins)

    answer = asked.request(method, ORDERS, headers={"Origin": "null", "Cookie": "a=b"})

    assert (answer.status_code, code_of(answer)) == (403, "ORIGIN_NOT_ALLOWED")
    read = asked.get(ORDERS, headers={"Origin": "null"})
    assert "access-control-allow-origin" not in read.headers


def test_two_origins() -> None:
    answer = guarded().post(ORDERS, headers=[("Origin", OWN), ("Origin", EVIL)])

    assert code_of(answer) == "ORIGIN_NOT_ALLOWED"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "Same-Origin"])
def test_a_foreign_page_that_hides_its_origin(site: str) -> None:
    answer = guarded().post(ORDERS, headers={"Sec-Fetch-Site": site, "Cookie": "a=b"})

    assert code_of(answer) == "ORIGIN_NOT_ALLOWED"


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "null",
        "*",
        "https://dash.example.evil.example",
        "https://evil.dash.example",
        "https://dash.example:444",
        "http://dash.example",
        "https://dash.example\x00",
    ],
)
def test_cors_reflection(origin: str) -> None:
    asked = guarded(origins=["https://dash.example"])
    before = {"Origin": origin, "Access-Control-Request-Method": "POST"}

    preflight, read = asked.options(ORDERS, headers=before), asked.get(ORDERS, headers=before)

    assert (preflight.status_code, code_of(preflight)) == (403, "ORIGIN_NOT_ALLOWED")
    for answer in (preflight, read):
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("host", "origin", "address"),
    [
        ("localhost:8080", EVIL, "/api/v1/ws"),
        ("localhost:8080", "null", "/ws"),
        ("localhost:8080", "https://localhost:8080", "/ws"),
        ("localhost:8080", "http://localhost:8081", "/api/v1/ws"),
        ("evil.example", "http://evil.example", "/ws"),
        ("localhost:8080", OWN, "/api/v1/trading/orders"),
        ("localhost:8080", OWN, "/api/v1/ws/"),
        ("localhost:8080", OWN, "//ws"),
        ("localhost:8080", OWN, "/%77s"),
        ("localhost:8080", OWN, "/"),
    ],
)
def test_cross_site_socket_hijacking(host: str, origin: str, address: str) -> None:
    app = Echo()
    asked = guarded(app, base_url="ws://localhost:8080")

    with (
        pytest.raises(WebSocketDisconnect) as refused,
        asked.websocket_connect(
            f"ws://localhost:8080{address}", headers={"Host": host, "Origin": origin}
        ),
    ):
        pass

    assert refused.value.code == 1008
    assert app.reached == []


@pytest.mark.parametrize("address", ["/ws", "/api/v1/ws"])
@pytest.mark.parametrize("origin", [OWN, "https://dash.example", ""])
def test_a_socket_of_our_own_page_a_listed_site_or_a_program(address: str, origin: str) -> None:
    headers = {"Origin": origin} if origin else {}
    asked = guarded(origins=["https://dash.example"])

    with asked.websocket_connect(address, headers={"Host": "localhost:8080", **headers}) as open_:
        assert open_.receive_text() == origin  # what the ticket is bound to


# --- what proxies say


@pytest.mark.parametrize("peer", ["192.0.2.66", "127.0.0.1"])
def test_x_forwarded_for_spoofing_from_a_stranger(peer: str) -> None:
    claims = {
        "X-Forwarded-For": "10.1.1.1, 127.0.0.1",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "bot.example",
        "X-Forwarded-Port": "443",
        "Forwarded": "for=127.0.0.1;proto=https",
        "X-Real-IP": "127.0.0.1",
    }

    answer = guarded(proxies=["10.0.0.7"], peer=peer).get(ORDERS, headers=claims)

    relayed = "relayed by " if peer == "127.0.0.1" else ""  # somebody came, and not from here
    assert answer.json()["client"] == relayed + peer
    assert answer.json()["scheme"] == "http"
    assert not {name.lower() for name in claims} & set(answer.json()["headers"])
    assert "strict-transport-security" not in answer.headers


def test_x_forwarded_for_written_by_the_client_before_a_known_proxy() -> None:
    asked = guarded(proxies=["10.0.0.7"], peer="10.0.0.7")

    answer = asked.get(
        ORDERS,
        headers={"X-Forwarded-For": "127.0.0.1, 192.0.2.66", "X-Forwarded-Proto": "https"},
    )

    assert (answer.json()["client"], answer.json()["scheme"]) == ("192.0.2.66", "https")
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


def test_the_origin_is_judged_by_the_scheme_that_a_known_proxy_says() -> None:
    asked = guarded(hosts=["bot.example"], proxies=["10.0.0.7"], peer="10.0.0.7")
    headers = {"Host": "bot.example", "X-Forwarded-Proto": "https"}

    assert asked.post(ORDERS, headers=headers | {"Origin": "https://bot.example"}).is_success
    assert code_of(asked.post(ORDERS, headers=headers | {"Origin": "http://bot.example"}))


# --- methods and paths


@pytest.mark.parametrize(
    "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"]
)
@pytest.mark.parametrize(("method", "address"), [("GET", ORDERS), ("POST", ORDERS), ("GET", "/")])
def test_method_override(header: str, method: str, address: str) -> None:
    app = Echo()

    guarded(app).request(method, f"{address}?_method=DELETE", headers={header: "DELETE"})

    assert app.reached == [(method, address)]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW", "PROPFIND", "OPTIONS"])
def test_odd_methods(method: str) -> None:
    app = Echo()

    answer = guarded(app).request(method, ORDERS)

    assert (answer.status_code, code_of(answer)) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE"
    assert app.reached == []


@pytest.mark.parametrize("method", ACTS)
@pytest.mark.parametrize(
    "address", ["/", "/livez", "/metrics", "/api", "/API/v1/trading/orders", "/static/page.js"]
)
def test_an_act_beside_the_api(method: str, address: str) -> None:
    app = Echo()

    answer = guarded(app).request(method, address)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert app.reached == []


TRICKS = (
    b"//api/v1/trading/orders",
    b"/api//v1/trading/orders",
    b"/api/v1/trading/orders//",
    b"/api/v1/./trading/orders",
    b"/api/v1/health/../trading/orders",
    b"/livez/../api/v1/trading/orders",
    b"/api/v1/health/%2e%2e/trading/orders",
    b"/api/v1/health/%2E./trading/orders",
    b"/api/v1/health/.%2e",
    b"/api/v1/%2e",
    b"/%2e%2e/api/v1/trading/orders",
    b"/%61pi/v1/trading/orders",
    b"/api%2fv1%2ftrading%2forders",
    b"/livez%2f..%2fapi",
    b"/api/v1\\trading\\orders",
    b"/api/v1%5ctrading",
    b"/api/v1/%252e%252e/trading/orders",
    b"/api/v1/trading/orders%00.css",
    b"/api/v1/trading/orders%0d%0aX-Evil:1",
    b"/api/v1/trading/orders%",
    b"/api/v1/trading/orders%zz",
    b"/api/v1/trading/orders\x7f",
    b"/static/%70age.js",
    b"*",
    b"",
)


@pytest.mark.parametrize("path", TRICKS)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.anyio
async def test_path_tricks(path: bytes, method: str) -> None:
    app, sent = Echo(), []
    scope = {
        "type": "http",
        "method": method,
        "scheme": "http",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": b"",
        "headers": [(b"host", b"localhost:8080")],
        "client": ("192.0.2.1", 1),
    }

    async def send(message: object) -> None:
        sent.append(message)

    await Guard(app, HostList())(scope, None, send)  # type: ignore[arg-type]  # nothing is read

    assert sent[0]["status"] == 400  # type: ignore[index]  # an ASGI message
    assert app.reached == []


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def test_an_encoded_slash_stays_inside_its_part() -> None:
    app = Echo()

    guarded(app).get("/api/v1/market-data/symbols/BTC%2FUSDT/ohlcv")

    assert app.reached == [("GET", "/api/v1/market-data/symbols/BTC%2FUSDT/ohlcv")]


# --- scripts


def test_no_two_answers_share_a_nonce() -> None:
    asked = guarded()
    answers = [asked.get("/") for _ in range(50)]

    nonces = {answer.json()["nonce"] for answer in answers}

    assert len(nonces) == 50
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        word = answer.json()["nonce"]
        assert f"script-src 'self' 'nonce-{word}'; style-src 'self' 'nonce-{word}';" in policy
        assert re.fullmatch(r"[\w-]{22}", word)


def test_what_is_no_page_is_an_empty_sandbox_to_a_browser() -> None:
    headers = guarded().get("/api/v1/account").headers

    assert headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "sandbox",
    ]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cross-origin-resource-policy"] == "same-origin"


def test_a_page_below_the_api_has_the_policy_of_pages() -> None:
    headers = guarded(HTMLResponse("<p>read me")).get("/api/v1/docs").headers

    assert "script-src 'self' 'nonce-" in headers["content-security-policy"]
    assert "camera=()" in headers["permissions-policy"]


@pytest.mark.parametrize("path", ["/", "/api/v1/docs", "/api/v1/account"])
def test_what_has_not_changed_keeps_the_policy_that_it_came_with(path: str) -> None:
    """A browser puts the headers of a 304 in the place of those that it has stored."""
    headers = guarded(Response(status_code=304)).get(path).headers

    assert "content-security-policy" not in headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"


def test_the_policy_is_the_whole_list() -> None:
    answer = guarded().get("/")

    nonce = answer.json()["nonce"]
    assert answer.headers["content-security-policy"].split("; ") == [
        "default-src 'none'",
        f"script-src 'self' 'nonce-{nonce}'",
        f"style-src 'self' 'nonce-{nonce}'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types botcore",
    ]


# --- against the real server


@pytest.fixture(scope="module")
def app() -> Echo:
    return Echo()


@pytest.fixture(scope="module")
def server(app: Echo) -> Iterator[Served]:
    with serving(Guard(app, HostList())) as served:
        yield served


@pytest.fixture(autouse=True)
def _forgotten(app: Echo) -> None:
    app.reached.clear()


def request(*lines: bytes, body: bytes = b"", line: bytes = b"POST /api/v1/x HTTP/1.1") -> bytes:
    return b"\r\n".join([line, b"Host: localhost", *lines, b"", body])


SMUGGLED = b"GET /api/v1/smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize(
    "head",
    [
        [b"Content-Length: 4", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Content-Length: 4"],
        [b"Content-Length: 4", b"Content-Length: 4"],
        [b"Content-Length: 4", b"Content-Length: 0"],
        [b"Content-Length: 4, 4"],
        [b"Content-Length: +4"],
        [b"Content-Length: 0x4"],
        [b"Content-Length: -4"],
        [b"Content-Length : 4"],
        [b"Content-Length: 99999999999999999999999"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"],
        [b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding: identity"],
        [b"Transfer-Encoding: gzip, chunked"],
        [b"Transfer-Encoding: xchunked"],
        [b"Transfer-Encoding: chunked, identity"],
        [b"Transfer-Encoding : chunked"],
        [b"Transfer-Encoding:\x0bchunked"],
        [b"X: y\nTransfer-Encoding: chunked"],
        [b" Transfer-Encoding: chunked"],
        [b"X: y", b" Content-Length: 40"],
    ],
)
def test_request_smuggling(server: Served, app: Echo, head: list[bytes]) -> None:
    answer = server.exchange(request(*head, body=b"0\r\n\r\n" + SMUGGLED))

    assert b"smuggled" not in answer
    assert not [path for _, path in app.reached if "smuggled" in path]
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1


def test_chunks_of_an_old_version(server: Served, app: Echo) -> None:
    head = request(b"Transfer-Encoding: chunked", line=b"POST /api/v1/x HTTP/1.0")

    assert server.exchange(head, b"0\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert app.reached == []


@pytest.mark.parametrize("size", [b"-1", b"0x2", b"2;\n", b"FFFFFFFFFFFFFFFFF"])
def test_chunks_of_an_odd_size(server: Served, app: Echo, size: bytes) -> None:
    head = request(b"Transfer-Encoding: chunked")

    answer = server.exchange(head + size + b"\r\nab\r\n0\r\n\r\n" + SMUGGLED)

    assert b"smuggled" not in answer


@pytest.mark.parametrize(
    "line",
    [
        b"get /api/v1/x HTTP/1.1",
        b"GET /api/v1/x y HTTP/1.1",
        b"GET /api/v1/x HTTP/1.1\r\n\r",
        b"GET /api/v1/x HTTP/9.9",
        b"GET /api/v1/x\x00 HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01",
    ],
)
def test_a_first_line_that_is_none(server: Served, app: Echo, line: bytes) -> None:
    answer = server.exchange(request(line=line))

    assert not answer.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("value", [b"a\x00b", b"a\x01b", b"a\rb", b"a\nb", b"a\x7fb"])
def test_crlf_and_control_characters_in_a_header(server: Served, app: Echo, value: bytes) -> None:
    answer = server.exchange(request(b"X-Correlation-Id: " + value, line=b"GET /api/v1/x HTTP/1.1"))

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert app.reached == []


def test_a_header_is_not_repeated_into_an_answer(server: Served) -> None:
    answer = server.exchange(
        request(
            b"Origin: https://evil.example%0d%0aSet-Cookie:a=b",
            b"Connection: close",
            line=b"POST /api/v1/x HTTP/1.1",
        )
    )

    head = answer.partition(b"\r\n\r\n")[0].lower()
    assert b"set-cookie" not in head
    assert answer.startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    "head",
    [
        [b"X-Large: " + b"a" * 20_000],
        [b"X-%d: %s" % (number, b"a" * 1_000) for number in range(20)],
        [b"X-%d: a" % number for number in range(120)],
        [b"A" * 20_000 + b": a"],
    ],
)
def test_oversized_headers(server: Served, app: Echo, head: list[bytes]) -> None:
    answer = server.exchange(request(*head, line=b"GET /api/v1/x HTTP/1.1"))

    assert answer.startswith(b"HTTP/1.1 431 ")
    assert app.reached == []


def test_an_oversized_address(server: Served, app: Echo) -> None:
    line = b"GET /api/v1/" + b"a" * 20_000 + b" HTTP/1.1"

    assert server.exchange(request(line=line)).startswith(b"HTTP/1.1 431 ")
    assert app.reached == []


def test_a_header_that_never_ends(server: Served) -> None:
    with server.connect() as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Endless: ")
        sent = 0
        try:
            while sent < 100_000_000:
                connection.sendall(b"a" * 8_192)
                sent += 8_192
        except ConnectionError:
            pass

    assert sent < 50_000_000  # the kernel's own buffers take some


def test_two_hosts_over_the_wire(server: Served, app: Echo) -> None:
    answer = server.exchange(b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert app.reached == []


def test_no_host_at_all(server: Served, app: Echo) -> None:
    answer = server.exchange(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert app.reached == []


def test_an_address_with_another_host_in_it(server: Served, app: Echo) -> None:
    answer = server.exchange(
        request(b"Connection: close", line=b"GET http://evil.example/api/v1/x HTTP/1.1")
    )

    assert b"evil.example" not in answer
    assert app.reached in ([], [("GET", "/api/v1/x")])


@pytest.mark.parametrize("path", [path for path in TRICKS if b"\\" not in path and path])
def test_path_tricks_over_the_wire(server: Served, app: Echo, path: bytes) -> None:
    line = b"GET " + path + b" HTTP/1.1"

    answer = server.exchange(request(b"Connection: close", line=line))

    assert not answer.startswith(b"HTTP/1.1 200")
    assert app.reached == []


def test_uvicorn_believes_no_proxy_of_its_own(server: Served) -> None:
    answer = server.exchange(
        request(
            b"X-Forwarded-For: 192.0.2.66",
            b"X-Forwarded-Proto: https",
            b"Connection: close",
            line=b"GET /api/v1/x HTTP/1.1",
        )
    )

    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (body["client"], body["scheme"]) == ("relayed by 127.0.0.1", "http")


def test_the_server_does_not_say_what_it_is(server: Served) -> None:
    answer = server.exchange(request(b"Connection: close", line=b"GET / HTTP/1.1"))

    assert b"uvicorn" not in answer.lower()
    assert b"\r\nserver:" not in answer.lower()


# --- slowness and number, with bounds that a test can wait for

QUICK = ConnectionBounds(
    head_s=0.3, body_silence_s=0.3, body_bytes_s=1_000, answer_s=0.3, per_address=3
)


@pytest.fixture(scope="module")
def strict(app: Echo) -> Iterator[Served]:
    with serving(Guard(app, HostList()), bounds=QUICK) as served:
        yield served


def drip(connection: socket.socket, piece: bytes, *, times: int = 30) -> bytes:
    """Send a piece each tenth of a second until the other side has had enough."""
    connection.settimeout(0.1)
    for _ in range(times):
        try:
            connection.sendall(piece)
            return connection.recv(65_536)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    raise AssertionError("it took all of it")


@pytest.mark.parametrize(
    ("begun", "piece"),
    [
        (b"", b"\r\n"),
        (b"", b"G"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n", b"X: y\r\n"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ", b"y"),
    ],
)
def test_slowloris(strict: Served, app: Echo, begun: bytes, piece: bytes) -> None:
    with strict.connect() as connection:
        connection.sendall(begun)

        answer = drip(connection, piece)

    assert answer.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 400 "))
    assert app.reached == []


def test_a_connection_that_says_nothing(strict: Served) -> None:
    with strict.connect() as connection:
        assert read_all(connection, quiet_s=5).startswith(b"HTTP/1.1 408 ")


def test_a_slow_second_request(strict: Served, app: Echo) -> None:
    with strict.connect() as connection:
        connection.sendall(request(line=b"GET / HTTP/1.1"))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")

        answer = drip(connection, b"\r\n")

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert app.reached == [("GET", "/")]


def test_a_slow_body(strict: Served) -> None:
    with strict.connect() as connection:
        connection.sendall(request(b"Content-Length: 100000"))

        assert drip(connection, b"ab").startswith(b"HTTP/1.1 408 ")


def test_a_body_that_stops(strict: Served) -> None:
    assert strict.exchange(request(b"Content-Length: 10", body=b"ab")).startswith(b"HTTP/1.1 408 ")


def test_a_body_that_keeps_the_pace_may_take_its_time(strict: Served) -> None:
    with strict.connect() as connection:
        connection.sendall(request(b"Content-Length: 4000", b"Connection: close"))
        connection.settimeout(0.1)
        for _ in range(7):
            connection.sendall(b"a" * 500)
            with pytest.raises(TimeoutError):
                connection.recv(1)
        connection.sendall(b"a" * 500)

        assert read_all(connection).startswith(b"HTTP/1.1 200 ")


def test_too_many_connections_of_one_address(strict: Served) -> None:
    first = [strict.connect() for _ in range(3)]

    refused = strict.exchange(b"")
    for connection in first:
        connection.close()
    wait_until(lambda: not len(strict.connections))

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert strict.exchange(request(b"Connection: close", line=b"GET / HTTP/1.1")).startswith(
        b"HTTP/1.1 200 "
    )


def test_sockets_count_as_connections_until_they_end(strict: Served) -> None:
    key = base64.b64encode(os.urandom(16))
    upgrade = (
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: " + key,
    )
    sockets = []
    for _ in range(3):
        connection = strict.connect()
        connection.sendall(request(*upgrade, line=b"GET /ws HTTP/1.1"))
        assert connection.recv(4_096).startswith(b"HTTP/1.1 101 ")
        sockets.append(connection)

    refused = strict.exchange(b"")
    quiet = read_all(sockets[0], quiet_s=0.6)  # longer than a head may take
    for connection in sockets:
        connection.close()
    wait_until(lambda: not len(strict.connections))

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"408" not in quiet


def test_a_crowd_of_requests_in_one_breath(strict: Served, app: Echo) -> None:
    answer = strict.exchange(request(line=b"GET /api/v1/x HTTP/1.1") * 500)

    assert len(app.reached) <= QUICK.pipelined + 1
    assert answer.count(b"HTTP/1.1 200") <= QUICK.pipelined + 1


def test_who_does_not_read_is_left() -> None:
    class Endless(Echo):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                await super().__call__(scope, receive, send)
                return
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(1_000):
                await send({"type": "http.response.body", "body": b"a" * 65_536, "more_body": True})

    with serving(Guard(Endless(), HostList()), bounds=QUICK) as served, served.connect() as deaf:
        deaf.sendall(request(line=b"GET / HTTP/1.1"))
        wait_until(lambda: len(served.connections) == 1)

        wait_until(lambda: not len(served.connections))
