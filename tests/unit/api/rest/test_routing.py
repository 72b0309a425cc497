"""The table of routes: found by parts, whatever their number."""

from __future__ import annotations

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from botcore.api.rest.routing import Public, Route, RouteTable

WHY = Public("a test")


def route(method: str, path: str) -> Route:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        fields = scope.get("path_params") or {}
        await PlainTextResponse(f"{path} {sorted(fields.items())}")(scope, receive, send)

    return Route((method,), path, app, WHY)


def asked(*routes: tuple[str, str]) -> TestClient:
    return TestClient(RouteTable(route(*each) for each in routes), base_url="http://localhost")


def test_a_name_goes_before_a_field() -> None:
    client = asked(("GET", "/a/{x}/c"), ("GET", "/a/b/{y}"), ("GET", "/a/{x}"), ("GET", "/a/open"))

    assert client.get("/a/open").text == "/a/open []"
    assert client.get("/a/other").text == "/a/{x} [('x', 'other')]"
    assert client.get("/a/b/z").text == "/a/b/{y} [('y', 'z')]"
    assert client.get("/a/z/c").text == "/a/{x}/c [('x', 'z')]"


def test_a_field_is_found_where_a_name_led_nowhere() -> None:
    client = asked(("GET", "/a/b/c/d"), ("GET", "/a/{x}/c/e"))

    assert client.get("/a/b/c/e").text == "/a/{x}/c/e [('x', 'b')]"
    assert client.get("/a/b/c/f").status_code == 404


def test_an_encoded_slash_is_no_deeper_path() -> None:
    client = asked(("DELETE", "/orders/{id}"), ("DELETE", "/orders/{id}/all"))

    answer = client.delete("/orders/x%2Fall")

    assert answer.text == "/orders/{id} [('id', 'x/all')]"


@pytest.mark.parametrize("path", ["/orders/", "/orders//", "//orders/x", "/orders/x/", "/ORDERS/x"])
def test_an_empty_part_is_no_field(path: str) -> None:
    client = asked(("GET", "/orders/{id}"))

    assert client.get(f"http://localhost{path}").status_code == 404


@pytest.mark.parametrize("path", ["/orders/%ff", "/orders/%00", "/orders/a%00b"])
def test_a_part_that_is_no_text_is_refused(path: str) -> None:
    answer = asked(("GET", "/orders/{id}")).get(path)

    assert (answer.status_code, answer.json()["code"]) == (400, "PATH_MALFORMED")


def test_head_comes_with_get_and_other_methods_do_not() -> None:
    client = asked(("GET", "/a"), ("POST", "/a"))

    assert client.head("/a").status_code == 200
    answer = client.put("/a")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"


def test_two_routes_at_one_address_are_a_bug() -> None:
    with pytest.raises(TypeError, match="two routes answer GET /a"):
        RouteTable([route("GET", "/a"), route("GET", "/a")])


def test_two_names_for_one_part_are_a_bug() -> None:
    with pytest.raises(TypeError, match="names its parts"):
        RouteTable([route("GET", "/a/{x}"), route("POST", "/a/{y}")])
