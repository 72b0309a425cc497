"""The terminal: the page's content drawn, told in lines, or logged."""

from __future__ import annotations

import io
import json
import logging
import threading
from collections.abc import Iterator

import pytest
import structlog
from rich.console import Console
from tests.support.sample_view import (
    BANNER,
    NOW,
    FakePlatform,
    sample_view,
    with_account,
)

from botcore.app.entrance import Entrance
from botcore.cli.drawing import TALL, drawn, spark
from botcore.cli.narration import STATUS_EVERY_S
from botcore.cli.terminal import Style, TerminalView, terminal_show
from botcore.control.views import AlertView, PlatformView
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import ManualClock

URL = "http://localhost:8080"
FILLS = tuple(sorted(sample_view().fills, key=lambda fill: fill.ts))


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Scene(threading.Event):
    """Stands for the stop event: shows the next document each time, and stops after the last."""

    def __init__(self, *shown: tuple[PlatformView | None, float], every_s: float = 1.0) -> None:
        super().__init__()
        self._shown = list(shown)
        self._every_s = every_s
        self.clock = ManualClock()
        self.platform = FakePlatform()
        self._next()

    def wait(self, timeout: float | None = None) -> bool:
        self.clock.advance(round(self._every_s * SECOND_NS))
        if not self._shown:
            return True
        self._next()
        return False

    def _next(self) -> None:
        self.platform.document, self.platform.age_s = self._shown.pop(0)


LINK = Entrance(
    url=f"{URL}/sign-in#link=lnk_{'x' * 43}",
    username="",
    ends_at=300 * SECOND_NS,
    tunnel="ssh -L 8080:127.0.0.1:8080 kim@203.0.113.9",
)


def told(*shown: tuple[PlatformView | None, float], every_s: float = 1.0) -> list[str]:
    scene = Scene(*shown, every_s=every_s)
    stream = io.StringIO()
    TerminalView(Style.LINES, stream=stream, clock=scene.clock).run(scene.platform, scene, URL)
    return stream.getvalue().splitlines()


def picture(
    view: PlatformView | None,
    age_s: float = 0.2,
    *,
    width: int = 140,
    height: int = 80,
    link: Entrance | None = None,
    now_s: int = 0,
) -> str:
    console = Console(width=width, height=height, file=io.StringIO(), force_terminal=False)
    with console.capture() as captured:
        console.print(
            drawn(view, age_s, url=URL, height=height, entrance=link, now_ns=now_s * SECOND_NS)
        )
    return captured.get()


def test_lines_begin_with_the_address_the_banner_and_the_clock() -> None:
    lines = told((None, float("inf")), (sample_view(), 0.2))

    assert URL in lines[0]
    assert lines[1] == "starting: waiting for the engine's first report"
    assert BANNER in lines[2]
    assert "times are in this clock: the simulated market's own clock" in lines[2]
    assert lines[3].endswith("continued: equity 10,098.77 USDT, 4 positions, stopped 2 min")


def test_a_fill_is_told_once_with_its_reason_and_its_own_time() -> None:
    before = (sample_view(fills=FILLS[:5]), 0.2)
    after = (sample_view(fills=FILLS), 0.2)

    lines = told(before, after, after, after)

    fills = [line for line in lines if "bought 0.8 SOLUSDT.SIM" in line]
    expected = (
        "14:05:26 fill: macd bought 0.8 SOLUSDT.SIM at 144.95, fee 0.1160 USDT –"
        " MACD 0.21 crossed above its signal 0.18: enter"
    )
    assert fills == [expected]


def test_what_happened_before_this_run_is_not_told_again() -> None:
    young = sample_view(uptime_s=60.0)

    lines = told((young, 0.2))

    assert len([line for line in lines if " fill: " in line]) == 1  # the one of 4 s ago


def test_a_status_line_comes_each_half_minute_and_not_more_often() -> None:
    view = (sample_view(), 0.2)

    lines = told(*[view] * 62, every_s=1.0)

    status = [line for line in lines if " status: " in line]
    assert STATUS_EVERY_S == 30.0
    assert len(status) == 3  # at 0, 30 and 60 s
    assert "equity 10,123.45 USDT, today +24.68 (+0.24 %)" in status[0]
    assert "fees today 9.83 (0.097 % of equity)" in status[0]
    assert "mode NORMAL, 5 positions, 3 working orders" in status[0]


def test_a_change_of_mode_is_told_with_its_cause() -> None:
    halted = with_account(sample_view(), mode="HALT", mode_cause="kill switch")

    lines = told((sample_view(), 0.2), (halted, 0.2), (halted, 0.2))

    assert [line for line in lines if "HALT" in line and " status: " not in line] == [
        "14:05:30 account paper is in mode HALT: kill switch"
    ]


def test_silence_of_the_engine_and_its_return_are_told() -> None:
    view = sample_view()

    lines = told((view, 0.2), (view, 3.4), (view, 4.4), (view, 0.2))

    assert [line for line in lines if "stale:" in line or line.startswith("14:05:30 live:")] == [
        "14:05:30 live: last price 0.6 s ago",
        "14:05:30 stale: engine not answering since 3 s",
        "14:05:30 live: last price 0.6 s ago",
    ]


def test_an_alert_is_told_once() -> None:
    alert = AlertView(NOW, "DISK_LOW", "4 % left")
    after = (sample_view(alerts=(*sample_view().alerts, alert)), 0.2)

    lines = told((sample_view(), 0.2), after, after)

    assert len([line for line in lines if "alert DISK_LOW: 4 % left" in line]) == 1


def test_a_text_cannot_write_lines_of_its_own() -> None:
    evil = AlertView(NOW, "X", "one\n14:00:00 fill: nothing\x1b[2J")

    lines = told((sample_view(alerts=(evil,)), 0.2))

    assert not any(line.startswith("14:00:00") for line in lines)
    assert "\x1b" not in "".join(lines)


def test_headless_logs_one_json_object_a_line() -> None:
    stream = io.StringIO()
    show = terminal_show(headless=True, stream=stream)
    scene = Scene((None, float("inf")), (sample_view(fills=FILLS[:5]), 0.2), (sample_view(), 0.2))

    show(scene.platform, scene, URL, lambda: None)

    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    events = [line["event"] for line in lines]
    assert events[0] == "platform_started"
    assert "status" in events
    assert "unknown_event" not in events
    fill = next(line for line in lines if line["event"] == "fill" and line["price"] == "144.95")
    assert (fill["quantity"], fill["ts_event"]) == ("0.80", FILLS[-1].ts)
    ready = next(line for line in lines if line["event"] == "platform_ready")
    assert ready["banner"] == BANNER


def test_where_there_is_no_terminal_it_is_told_in_lines() -> None:
    stream = io.StringIO()
    scene = Scene((sample_view(), 0.2))

    terminal_show(headless=False, stream=stream)(scene.platform, scene, URL, lambda: None)

    assert "\x1b" not in stream.getvalue()
    assert " status: " in stream.getvalue()


def test_on_a_terminal_it_is_drawn_and_the_screen_given_back() -> None:
    stream = Terminal()
    scene = Scene((None, float("inf")), (sample_view(), 0.2))

    terminal_show(headless=False, stream=stream)(scene.platform, scene, URL, lambda: None)

    shown = stream.getvalue()
    assert "SIMULATED MARKET" in shown
    assert shown.rindex("\x1b[?1049l") > shown.index("\x1b[?1049h")  # its own screen, and back


def test_the_sign_in_link_stands_in_the_head_whole_while_it_is_good() -> None:
    head = picture(sample_view(), link=LINK, now_s=60).splitlines()[:4]

    assert head[1].rstrip() == "Sign in: the link makes the owner, once, within 4 min"
    assert head[2].rstrip() == LINK.url
    assert head[3].rstrip() == f"from your own machine: {LINK.tunnel}  then open the link there"


def test_a_link_for_somebody_says_whom_and_needs_no_tunnel_at_a_display() -> None:
    link = Entrance(url=LINK.url, username="alice", ends_at=LINK.ends_at)

    shown = picture(sample_view(), link=link)

    assert "the link signs in as alice, once, within 5 min" in shown
    assert "ssh" not in shown


def test_without_a_link_the_head_says_how_to_get_one() -> None:
    first = picture(sample_view()).splitlines()[0]

    assert first.rstrip().endswith("./bot open signs in")


def test_the_link_goes_from_the_drawn_head_when_it_is_over() -> None:
    offered: list[Entrance | None] = [LINK, LINK, None]
    stream = Terminal()
    scene = Scene(*[(sample_view(), 0.2)] * 3)

    TerminalView(Style.DRAWN, stream=stream, clock=scene.clock).run(
        scene.platform, scene, URL, lambda: offered.pop(0)
    )

    shown = stream.getvalue()
    last = shown[shown.rindex("Bot Core") :]
    assert "lnk_" in shown
    assert "lnk_" not in last
    assert offered == []


@pytest.mark.parametrize("style", [Style.LINES, Style.JSON])
def test_what_may_be_kept_in_a_file_never_holds_a_link(
    style: Style, capsys: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    scene = Scene((sample_view(), 0.2), (sample_view(), 0.2))
    if style is Style.JSON:
        terminal_show(headless=True, stream=stream)

    TerminalView(style, stream=stream, clock=scene.clock).run(
        scene.platform, scene, URL, lambda: LINK
    )

    assert "`./bot open` makes a one-time link" in stream.getvalue()
    assert "lnk_" not in stream.getvalue() + "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "part",
    [
        BANNER,
        URL,
        "10,123.45 USDT",
        "+24.68 (+0.24 %)",
        "drawdown 1.31 %",
        "fees today 9.83 (0.097 % of equity)",
        "Mode NORMAL",
        "exposure SOLUSDT.SIM 86 %",
        "RSI 41.2 is above 30: no entry",
        "denied: exposure 4,012.10 would exceed 4,000.00",
        "ensemble (paused)",
        "64,102.51",
        "not known",
        "in doubt, cancel owed",
        "RSI 28.7 is at most 30: enter",
        "order b1-000176 was sent and not answered",
        "the simulated market's own clock",
        "/home/kim/.botcore",
        "continued: equity 10,098.77 USDT",
        "● Live",
    ],
)
def test_the_picture_shows_what_the_page_shows(part: str) -> None:
    assert part in " ".join(picture(sample_view()).split())


def test_a_short_terminal_shows_each_strategy_on_one_line() -> None:
    short = picture(sample_view(), height=TALL - 1)

    assert "SOLUSDT.SIM +2" in short
    assert "RSI 41.2" not in short
    assert "denied: exposure" in short  # what was not carried out comes first


def test_a_narrow_terminal_cuts_sentences_and_no_figure() -> None:
    narrow = picture(sample_view(), width=100, height=60)

    assert "+12.81" in narrow
    assert "BTCUSDT.SIM" in narrow
    assert all(len(line) <= 100 for line in narrow.splitlines())


def test_the_picture_says_that_it_is_not_live() -> None:
    stale = picture(sample_view(), 12.3)

    assert "■ Stale" in stale
    assert "NOT LIVE: engine not answering since 12 s" in stale


def test_the_picture_of_nothing_says_that_it_starts() -> None:
    assert "Starting" in picture(None)


def test_hostile_text_is_no_style() -> None:
    view = sample_view(alerts=(AlertView(NOW, "[red]X", "[link=http://evil]text[/link]"),))

    assert "[red]X" in picture(view)
    assert "[link=http://evil]text[/link]" in picture(view)


def test_a_spark_line_rises_with_its_values() -> None:
    assert spark([1.0, 2.0, 3.0]) == "▁▅█"
    assert spark([5.0, 5.0]) == "▄▄"
    assert spark([5.0]) == ""
    assert spark([float("nan"), 1.0, 2.0]) == "▁█"
    assert len(spark([float(at) for at in range(1_000)], 48)) == 48
