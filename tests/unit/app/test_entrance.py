"""The way in: when a link is made, for whom it is opened, and when it is shown no longer."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from tests.support.sample_view import FakePlatform
from tests.support.sign_in_desk import HERE, LOCAL, Desk, open_desk, run

from botcore.app import entrance as way_in
from botcore.app.entrance import EntranceKeeper, has_display, make_entrance, tunnel_to
from botcore.control.identity import Algorithm, IdentityConfig
from botcore.control.operations import Request
from botcore.control.problems import Forbidden, Unavailable
from botcore.control.schema.auth import MakeLink, TakeLink
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import ManualClock

ADDRESS = "http://127.0.0.1:8080"
SSH = {"SSH_CONNECTION": "198.51.100.7 50022 203.0.113.9 22", "SSH_TTY": "/dev/pts/1"}


class Sitting:
    """Who sits at a machine whose control is real; stands for the stop event too."""

    def __init__(self) -> None:
        config = IdentityConfig(algorithm=Algorithm.ED25519, public_url=ADDRESS)
        self.desk: Desk = run(open_desk(config))
        self.asked: list[Request[Any]] = []
        self.fails: list[Exception] = []
        self.opened: list[str] = []

    def __call__(self, request: Request[Any]) -> Any:
        self.asked.append(request)
        if self.fails:
            raise self.fails.pop(0)
        return run(self.desk.send(LOCAL, request))

    def take(self, url: str) -> None:
        """Use a link, as a browser does."""
        run(self.desk.ask(TakeLink(token=url.partition("#link=")[2])))


class Waits(threading.Event):
    """Time passes by waiting; what is to happen meanwhile happens after so many waits."""

    def __init__(
        self, clock: ManualClock, *, most: int, then: dict[int, Any] | None = None
    ) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._then = then or {}
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        self._clock.advance(round((timeout or 0.0) * SECOND_NS))
        self._then.get(self.waits, lambda: None)()
        return self.waits >= self._most


@pytest.fixture
def sitting(monkeypatch: pytest.MonkeyPatch) -> Sitting:
    found = Sitting()
    monkeypatch.setattr("webbrowser.open", found.opened.append)
    for name in ("BROWSER", "SSH_CONNECTION", "SSH_TTY", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return found


def kept(sitting: Sitting, waits: Waits, *, opens: bool = False) -> EntranceKeeper:
    keeper = EntranceKeeper(sitting, opens=opens, clock=sitting.desk.clock)
    keeper.run(FakePlatform(), waits)
    return keeper


def test_a_link_is_made_when_the_page_answers_and_goes_when_it_ends(sitting: Sitting) -> None:
    seen = []
    keeper = EntranceKeeper(sitting, opens=False, clock=sitting.desk.clock)
    waits = Waits(sitting.desk.clock, most=1_000, then={1: lambda: seen.append(keeper.entrance())})

    keeper.run(FakePlatform(), waits)

    (shown,) = seen
    assert shown is not None
    assert shown.url.startswith(f"{ADDRESS}/sign-in#link=lnk_")
    assert shown.username == ""
    assert keeper.entrance() is None
    assert waits.waits == 60  # five minutes, five seconds each


def test_the_first_link_goes_when_there_is_an_owner(sitting: Sitting) -> None:
    waits = Waits(sitting.desk.clock, most=10, then={2: lambda: run(sitting.desk.owner())})

    keeper = kept(sitting, waits)

    assert waits.waits == 2
    assert keeper.entrance() is None


def test_a_link_goes_when_it_was_used_and_not_when_somebody_signs_in_otherwise(
    sitting: Sitting,
) -> None:
    run(sitting.desk.owner("alice"))
    keeper = EntranceKeeper(sitting, opens=False, clock=sitting.desk.clock)
    then = {
        2: lambda: run(sitting.desk.user("bob", "viewer")),  # type: ignore[arg-type]  # a word does
        4: lambda: sitting.take(keeper.entrance().url),  # type: ignore[union-attr]  # it is there
    }
    waits = Waits(sitting.desk.clock, most=20, then=then)

    keeper.run(FakePlatform(), waits)

    assert waits.waits == 4
    assert keeper.entrance() is None


def test_it_waits_for_a_page_that_does_not_answer_yet(sitting: Sitting) -> None:
    away = Unavailable(code="SERVER_UNREACHABLE", cause="a", fix="b")
    sitting.fails = [away, away]
    seen = []
    keeper = EntranceKeeper(sitting, opens=False, clock=sitting.desk.clock)
    waits = Waits(sitting.desk.clock, most=4, then={3: lambda: seen.append(keeper.entrance())})

    keeper.run(FakePlatform(), waits)

    assert [type(each) for each in sitting.asked[:3]] == [MakeLink] * 3
    assert seen[0] is not None


def test_where_a_link_is_refused_none_is_shown_and_nobody_asks_again(sitting: Sitting) -> None:
    sitting.fails = [Forbidden(code="ACCOUNT_DISABLED", cause="a", fix="b")]

    keeper = kept(sitting, Waits(sitting.desk.clock, most=10))

    assert len(sitting.asked) == 1
    assert keeper.entrance() is None


def test_nothing_is_made_when_it_stops_before_it_answers(sitting: Sitting) -> None:
    keeper = EntranceKeeper(sitting, opens=True, clock=sitting.desk.clock)

    keeper.run(FakePlatform(None), Waits(sitting.desk.clock, most=3))

    assert sitting.asked == []


def test_the_browser_is_opened_once_where_there_is_a_display(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way_in, "has_display", lambda _: True)

    kept(sitting, Waits(sitting.desk.clock, most=3), opens=True)

    (url,) = sitting.opened
    assert url.startswith(f"{ADDRESS}/sign-in#link=lnk_")


@pytest.mark.parametrize("opens", [True, False])
def test_no_browser_is_opened_where_nobody_sees_it(
    sitting: Sitting, monkeypatch: pytest.MonkeyPatch, opens: bool
) -> None:
    monkeypatch.setattr(way_in, "has_display", lambda _: not opens)

    kept(sitting, Waits(sitting.desk.clock, most=3), opens=opens)

    assert sitting.opened == []


@pytest.mark.parametrize(
    ("environ", "system", "expected"),
    [
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "linux", False),
        ({"DISPLAY": ":10.0", **SSH}, "linux", False),  # X11 forwarded: a browser would crawl
        ({}, "darwin", True),
        (SSH, "darwin", False),
        ({"BROWSER": "/usr/bin/helper", **SSH}, "linux", True),  # an editor's way to the person
    ],
)
def test_it_is_known_whether_a_browser_would_be_seen(
    environ: dict[str, str], system: str, expected: bool
) -> None:
    assert has_display(environ, system) is expected


def test_without_a_display_the_tunnel_is_told(sitting: Sitting) -> None:
    made = make_entrance(sitting, SSH)

    assert made.tunnel.startswith("ssh -L 8080:127.0.0.1:8080 ")
    assert made.tunnel.endswith("@203.0.113.9")  # as this machine was reached
    assert make_entrance(sitting, {"DISPLAY": ":0"} | {"BROWSER": "x"}).tunnel == ""


@pytest.mark.parametrize(
    ("url", "has_tunnel"),
    [
        ("http://127.0.0.1:8080/sign-in#link=x", True),
        ("http://localhost:9000/", True),
        ("http://[::1]:9000/", True),
        ("https://bot.example/", False),  # open to the network
        ("https://bot.example:8443/", False),
        ("http://192.0.2.8:8080/", False),
    ],
)
def test_only_a_page_of_this_machine_needs_a_tunnel(url: str, has_tunnel: bool) -> None:
    assert bool(tunnel_to(url, {})) is has_tunnel


def test_a_link_says_whom_it_signs_in_and_when_it_ends(sitting: Sitting) -> None:
    run(sitting.desk.owner("alice"))

    made = make_entrance(sitting, {})

    assert made.username == "alice"
    assert made.ends_at == sitting.desk.clock.now_ns() + 300 * SECOND_NS
    assert HERE not in made.url
