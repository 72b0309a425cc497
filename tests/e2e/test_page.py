"""The page in a real browser: it renews itself, says when nobody answers, and fits a phone."""

from __future__ import annotations

import shutil
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn
from msgspec.structs import replace
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from tests.support.browser import browsing
from tests.support.metrics_page import RecordingMetrics
from tests.support.sample_view import FakePlatform, sample_view, with_account

from botcore.api import create_app
from botcore.control.views import PlatformView

pytestmark = pytest.mark.e2e

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WIDE, PHONE = (1440, 1900), (390, 3_900)
START_S = 20.0

Serve = Callable[[ASGIApp], str]
Browse = Callable[..., str]


class Growing(FakePlatform):
    """Its equity is a figure higher each time it is looked at."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def view(self) -> PlatformView | None:
        self.looks += 1
        return with_account(sample_view(), equity=f"{70_000 + self.looks}")


class Long(FakePlatform):
    """Its names, figures and reasons are as long as those of the shipped strategies."""

    def view(self) -> PlatformView | None:
        view = sample_view()
        reason = "EMA 10 was last above EMA 30, now -1.8 bps, inside ±30: enter"
        fills = tuple(
            replace(each, strategy="volume-breakout", price="57588.79", reason=reason)
            for each in view.fills
        )
        return replace(view, fills=fills)


class Longest(FakePlatform):
    """Its names are as long as names may be, and an alert holds a word without end."""

    def view(self) -> PlatformView | None:
        view = sample_view()
        strategy, instrument = "a-name-of-a-strategy-as-long-as-", "1000SHIBUSDT-PERP.BINANCE"
        decided = tuple(
            replace(
                each,
                name=strategy,
                decisions=tuple(replace(d, instrument=instrument) for d in each.decisions),
            )
            for each in view.strategies
        )
        held, working, filled = (
            tuple(replace(each, strategy=strategy, instrument=instrument) for each in rows)
            for rows in (view.positions, view.orders, view.fills)
        )
        alerts = tuple(replace(each, detail="x" * 90) for each in view.alerts)
        return replace(
            view, strategies=decided, positions=held, orders=working, fills=filled, alerts=alerts
        )


class OnceOnly:
    """Gives the page out, and fails from then on, as a platform that has died."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/fragment":
            await PlainTextResponse("gone", status_code=502)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


@pytest.fixture
def serve() -> Iterator[Serve]:
    servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def started(app: ASGIApp) -> str:
        config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        patience = time.monotonic() + START_S
        while not server.started:
            assert time.monotonic() < patience, "the server did not start"
            time.sleep(0.02)
        return f"http://localhost:{server.servers[0].sockets[0].getsockname()[1]}/"

    yield started
    for server, thread in servers:
        server.should_exit = True
        thread.join(START_S)


@pytest.fixture
def browse(tmp_path: Path) -> Browse:
    """A browser without a window, in virtual time: waiting costs nothing."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip(f"needs a browser: none of {', '.join(BROWSERS)} is installed")

    def run(url: str, *options: str, virtual_ms: int = 1_500) -> str:
        done = subprocess.run(
            [
                program,
                "--headless=new",
                "--no-sandbox",  # tests may run as root in a container
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--hide-scrollbars",
                "--no-first-run",
                f"--user-data-dir={tmp_path / 'profile'}",
                f"--virtual-time-budget={virtual_ms}",
                "--enable-logging=stderr",
                *options,
                url,
            ],
            capture_output=True,
            text=True,
            timeout=90,
            check=True,
        )
        # What the page's own rules refuse, or its script gets wrong, is said on the console.
        said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        assert [line for line in said if "502" not in line] == []
        return done.stdout

    return run


def application(platform: FakePlatform) -> ASGIApp:
    return create_app(platform, version="0.1.0", metrics=RecordingMetrics())


def size_of(png: Path) -> tuple[int, int]:
    data = png.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def test_the_page_renews_itself_without_being_loaded_again(serve: Serve, browse: Browse) -> None:
    platform = Growing()

    html = browse(serve(application(platform)), "--dump-dom", virtual_ms=5_000)

    assert platform.looks >= 3
    assert "70,001.00" not in html  # what the page was first sent with
    assert '<div id="view" data-freshness="live"' in html
    assert html.count('id="view"') == 1


def test_the_page_turns_stale_by_itself_when_nobody_answers(serve: Serve, browse: Browse) -> None:
    url = serve(OnceOnly(application(FakePlatform())))

    html = browse(url, "--dump-dom", virtual_ms=9_000)

    assert '<div id="view" data-freshness="stale"' in html
    assert "platform not answering since" in html
    assert "<title>(stale) " in html
    assert "10,123.45" in html  # the last figures known stay


@pytest.mark.parametrize("window", [WIDE, PHONE], ids=["desktop", "phone"])
def test_the_page_can_be_pictured(
    serve: Serve, browse: Browse, tmp_path: Path, window: tuple[int, int]
) -> None:
    platform = FakePlatform()
    url = serve(application(platform))
    live, stale = tmp_path / "live.png", tmp_path / "stale.png"

    browse(url, f"--window-size={window[0]},{window[1]}", f"--screenshot={live}")
    platform.age_s = 12.3
    browse(url, f"--window-size={window[0]},{window[1]}", f"--screenshot={stale}")

    assert size_of(live) == size_of(stale) == window
    assert live.stat().st_size > 30_000  # something is drawn
    assert live.read_bytes() != stale.read_bytes()


@pytest.mark.parametrize("width", [1280, 1024, 768, 375])
@pytest.mark.parametrize("platform", [Long(), Longest()], ids=["long", "longest"])
def test_no_table_is_wider_than_its_card(
    serve: Serve, tmp_path: Path, width: int, platform: FakePlatform
) -> None:
    """What has to be scrolled to be seen is not seen: a bar is hidden until one scrolls."""
    url = serve(application(platform))

    with browsing(tmp_path) as browser:
        page = browser.page(width=width)
        page.open(url)
        page.wait_for_text("Last fills")
        hidden = page.run(
            "[...document.querySelectorAll('.scroll')].map((e) => e.scrollWidth - e.clientWidth)"
        )
        wide = page.run("document.documentElement.scrollWidth")

    assert hidden == [0, 0, 0]
    assert wide == width
