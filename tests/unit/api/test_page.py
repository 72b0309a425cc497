"""The page: what it shows, what it refuses to run, and that it never looks live when it is not."""

from __future__ import annotations

import re
from html import unescape

import pytest
from msgspec.structs import replace
from starlette.testclient import TestClient
from tests.support.metrics_page import RecordingMetrics
from tests.support.sample_view import (
    BANNER,
    FakePlatform,
    sample_view,
    with_account,
    with_feed,
)

from botcore.api import create_app
from botcore.control.views import (
    AlertView,
    DecisionView,
    FeedStatus,
    PlatformView,
    StrategyView,
    decode_view,
)

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)> \"quoted\" 'too' {{ 7*7 }}"


def client(platform: FakePlatform | None = None) -> TestClient:
    app = create_app(platform or FakePlatform(), version="0.1.0", metrics=RecordingMetrics())
    return TestClient(app, base_url="http://localhost:8080")


def page(view: PlatformView | None, age_s: float = 0.2) -> str:
    return client(FakePlatform(view, age_s)).get("/").text


def words(html: str) -> str:
    """The text that a reader sees, on one line."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_says_that_the_market_is_simulated_before_any_figure() -> None:
    _, _, body = page(sample_view()).partition("<body>")
    text = words(body)

    assert BANNER in text
    assert text.index(BANNER) < text.index("10,123.45")


@pytest.mark.parametrize(
    "shown",
    [
        "10,123.45 USDT",
        "NORMAL",
        "+24.68 +0.24 %",  # the day's result
        "1.31 %",  # drawdown
        "9.83 0.097 % of equity",  # fees today
        "RSI 41.2 is above 30: no entry",
        "denied: exposure 4,012.10 would exceed 4,000.00 on the instrument",
        "paused by person:kim",
        "exposure SOLUSDT.SIM near, 86 %",
        "order b1-000176 was sent and not answered",
        "simulated, live",
        "the simulated market's own clock: wall time less its pauses",
        "/home/kim/.botcore",
        "continued: equity 10,098.77 USDT, 4 positions, stopped 2 min",
        "in doubt",
        "cancel owed",
        "RSI 28.7 is at most 30: enter",  # the reason of a fill
        "20 Nov 14:03:50",  # one of the day before
        "not known",  # a position without a mark
        "0.1.0",
    ],
)
def test_shows_what_the_platform_does_and_why(shown: str) -> None:
    assert shown in unescape(words(page(sample_view())))


def test_shows_that_it_starts_when_there_is_no_view_yet() -> None:
    text = words(page(None))

    assert "The platform is starting" in text
    assert "waiting for the engine's first report" in text.replace("&#39;", "'")


def test_shows_an_empty_account_in_words() -> None:
    view = with_account(
        sample_view(positions=(), orders=(), fills=(), alerts=(), strategies=()),
        equity_points=(),
        meters=(),
    )

    text = words(page(view))

    for empty in (
        "No open position.",
        "No working order.",
        "Nothing was bought or sold yet.",
        "Nothing needs you.",
        "No strategy is configured.",
        "The curve begins with the second bar.",
    ):
        assert empty in text


def test_who_decides_nothing_is_said_to_do_so() -> None:
    rsi = replace(sample_view().strategies[0], decisions=())
    lines = (rsi, replace(rsi, id="manual", status="manual"), replace(rsi, status="stopped"))

    text = words(page(sample_view(strategies=lines)))

    assert text.count("No decision yet: the first bar has not closed.") == 1
    assert text.count("Orders that a person gives; nothing decides here.") == 1
    assert text.count("It is stopped, and not asked.") == 1


def test_says_why_a_mode_is_not_normal() -> None:
    view = with_account(sample_view(), mode="HALT", mode_cause="daily loss 5.2 % exceeds 5 %")

    text = words(page(view))

    assert "HALT daily loss 5.2 % exceeds 5 %" in text
    assert "everything is allowed" not in text


def test_turns_stale_as_a_whole_when_the_engine_does_not_answer() -> None:
    html = page(sample_view(), age_s=12.3)

    assert '<div id="view" data-freshness="stale"' in html
    assert "■ Stale engine not answering since 12 s" in words(html)
    assert "Not live:" in html
    assert "<title>(stale) 10,123.45 USDT" in html


@pytest.mark.parametrize("status", [FeedStatus.STALE, FeedStatus.DOWN])
def test_turns_stale_when_prices_stop_though_the_engine_answers(status: FeedStatus) -> None:
    html = page(with_feed(sample_view(), status=status, age_s=75.0))

    assert '<div id="view" data-freshness="stale"' in html
    assert re.search(r"Not live: .*price.* 1 min", words(html))


def test_is_live_while_the_document_is_young() -> None:
    html = page(sample_view(), age_s=2.9)

    assert '<div id="view" data-freshness="live"' in html
    assert "Not live" not in html
    assert "last price 3 s ago" in words(html)  # 0.4 s when the document was made


def test_a_hostile_text_is_shown_and_never_run() -> None:
    decision = DecisionView("x", HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1)
    view = with_account(
        sample_view(
            home=HOSTILE,
            continued=HOSTILE,
            storage=HOSTILE,
            version=HOSTILE,
            alerts=(AlertView(1, HOSTILE, HOSTILE),),
            strategies=(StrategyView("x", HOSTILE, HOSTILE, HOSTILE, HOSTILE, (decision,)),),
        ),
        id=HOSTILE,
        currency=HOSTILE,
        equity=HOSTILE,
        mode=HOSTILE,
        mode_cause=HOSTILE,
    )

    html = page(view)

    assert "<script>alert" not in html
    assert "<img" not in html
    assert html.count("<script") == 1  # its own, by address
    assert "&lt;script&gt;alert(1)" in html
    assert "{{ 7*7 }}" in html  # shown as it is: no template ran in a text


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs_inline() -> None:
    html = page(sample_view())

    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', html)

    assert addresses
    assert all(address.startswith("/static/") for address in addresses)
    assert not re.search(r"\son\w+=|style=|javascript:|<style", html)
    assert re.findall(r"<script([^>]*)>(.*?)</script>", html)[0][1] == ""


def test_reloads_itself_without_script() -> None:
    assert re.search(r'<noscript><meta http-equiv="refresh" content="\d+"></noscript>', page(None))


def test_the_fragment_is_the_page_without_its_head() -> None:
    asked = client()

    fragment = asked.get("/fragment")

    assert fragment.text.strip().startswith('<div id="view"')
    assert fragment.text.strip() in asked.get("/").text


def test_every_table_has_headings_and_every_region_a_name() -> None:
    html = page(sample_view())
    ids = set(re.findall(r'id="([^"]+)"', html))

    for table in re.findall(r"<table>.*?</table>", html, re.DOTALL):
        assert 'scope="col"' in table
    for named in re.findall(r'aria-labelledby="([^"]+)"', html):
        assert named in ids
    assert html.count("<main>") == 1
    assert html.count("<h1>") == 1
    assert '<html lang="en">' in html


def test_the_document_comes_back_as_it_was_with_its_age() -> None:
    answer = client().get("/view.json")

    assert decode_view(answer.content) == sample_view()
    assert answer.headers["botcore-view-age-seconds"] == "0.200"


def test_there_is_no_document_while_starting() -> None:
    answer = client(FakePlatform(None)).get("/view.json")

    assert (answer.status_code, answer.json()) == (503, {"status": "starting"})


@pytest.mark.requirement("NUM cache: static assets 1 week")
def test_its_own_files_may_be_kept_for_a_week_under_their_mark_only() -> None:
    asked = client()
    (address,) = re.findall(r'href="(/static/page\.css\?v=[0-9a-f]+)"', asked.get("/").text)

    marked, bare = asked.get(address), asked.get("/static/page.css")

    assert marked.headers["content-type"] == "text/css; charset=utf-8"
    assert marked.headers["cache-control"] == "public, max-age=604800, immutable"
    assert bare.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["../page.py", "..%2Fpage.py", "none.css", "%2e%2e/application.py"]
)
def test_no_other_file_is_given_out(name: str) -> None:
    answer = client().get(f"/static/{name}")

    assert answer.status_code in (400, 404)
    assert "import" not in answer.text


def test_every_pair_of_colours_can_be_read() -> None:
    # Contrast by WCAG 2.2, "relative luminance" and success criterion 1.4.3 (AA: 4.5).
    css = client().get("/static/page.css").text
    light, dark = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    pairs = [
        ("text", "card"),
        ("text", "ground"),
        ("muted", "card"),
        ("muted", "ground"),
        ("muted", "chip"),
        ("text", "chip"),
        ("up", "card"),
        ("down", "card"),
        ("warn-text", "warn-ground"),
        ("warn-text", "card"),
        ("bad-text", "bad-ground"),
        ("bad-text", "card"),
        ("good-text", "good-ground"),
    ]

    for theme in (light, dark):
        colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", theme))
        for over, under in pairs:
            assert _contrast(colours[over], colours[under]) >= 4.5, (over, under)


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
