"""The API's documentation in a real browser: it keeps its own rules, and links lead somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.e2e.test_page import Browse, Serve, browse, serve, size_of
from tests.support.browser import browsing
from tests.support.rest_shop import Counter

__all__ = ["browse", "serve"]  # fixtures

pytestmark = pytest.mark.e2e


class SignedIn:
    """A browser that has the cookie of a session."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], (b"cookie", b"page=owner")]
        await self._app(scope, receive, send)


def test_a_link_to_a_route_opens_it_and_nothing_is_refused(
    serve: Serve, browse: Browse, tmp_path: Path
) -> None:
    url = serve(SignedIn(Counter(tmp_path).app))

    html = browse(f"{url}api/v1/docs#things.buy", "--dump-dom")  # fails on a word of the console

    assert '<details class="card operation" id="things.buy"' in html
    opened = html.partition('id="things.buy"')[2].partition(">")[0]
    assert ' open=""' in opened
    assert ' open=""' not in html.partition('id="things.list"')[2].partition(">")[0]


@pytest.mark.parametrize("window", [(1280, 1400), (500, 1400)], ids=["desktop", "phone"])
def test_the_documentation_can_be_pictured(
    serve: Serve, browse: Browse, tmp_path: Path, window: tuple[int, int]
) -> None:
    url = serve(SignedIn(Counter(tmp_path).app))
    picture = tmp_path / "docs.png"

    browse(f"{url}api/v1/docs", f"--window-size={window[0]},{window[1]}", f"--screenshot={picture}")

    assert size_of(picture) == window
    assert picture.stat().st_size > 30_000


def test_opened_again_it_is_what_it_was(serve: Serve, tmp_path: Path) -> None:
    url = serve(SignedIn(Counter(tmp_path).app))

    with browsing(tmp_path) as browser:
        for page in (first := browser.page(), browser.page(beside=first)):
            page.open(f"{url}api/v1/docs#things.buy")
            page.wait_for("document.getElementById('things.buy').open")

            assert page.said == []


def test_a_stranger_is_led_to_sign_in(serve: Serve, browse: Browse, tmp_path: Path) -> None:
    url = serve(Counter(tmp_path).app)

    html = browse(f"{url}api/v1/docs", "--dump-dom")

    assert "./bot open" in html
    assert "things.buy" not in html


def test_searching_leaves_what_is_meant_with_the_scope_it_needs(
    serve: Serve, tmp_path: Path
) -> None:
    url = serve(SignedIn(Counter(tmp_path).app))

    with browsing(tmp_path) as browser:
        page = browser.page()
        page.open(f"{url}api/v1/docs")
        page.press("/")
        page.call("Input.insertText", text="things.buy")
        page.wait_for("document.querySelectorAll('.operation:not([hidden])').length === 1")
        for_buying = page.text()
        page.fill("#search", "ORIGIN_NOT_ALLOWED")
        page.wait_for("!document.getElementById('all-codes').hidden")
        for_a_code = page.text()

    assert "trade:paper" in for_buying
    assert "Error codes" not in for_buying, "no code is called that"
    assert "Error codes" in for_a_code
