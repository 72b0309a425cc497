"""The first visit, as a person lives it: up on a terminal, the link, the owner, and in again."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import stat
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.browser import Browser, browsing
from tests.support.platform_process import PlatformProcess, waited_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.xdist_group("platform")]
LINK = re.compile(r"http://127\.0\.0\.1:\d+/sign-in#link=lnk_[A-Za-z0-9_-]{43}")
PASSWORD = "ribbon quarry lantern oboe"
COMMAND = [sys.executable, "-m", "botcore", "up"]


class Terminal:
    """A terminal of 50 lines and 160 columns that a platform draws on; over SSH, no display."""

    def __init__(self, platform: PlatformProcess, **environ: str) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
        kept = {
            name: value
            for name, value in platform.env.items()
            if name not in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "NO_COLOR")
        }
        self._process = subprocess.Popen(
            COMMAND,
            env=kept | {"TERM": "xterm-256color"} | environ,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)
        self.shown = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                part = os.read(self._master, 65_536)
            except OSError:  # the other side has gone
                return
            if not part:
                return
            self.shown += part.decode(errors="replace")

    def last_picture(self) -> str:
        """What was drawn last, and whole."""
        pictures = self.shown.split("Bot Core")
        return pictures[-2] if len(pictures) > 2 else ""

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._reader.join(10)
        os.close(self._master)


@pytest.fixture
def platform(tmp_path: Path) -> PlatformProcess:
    return PlatformProcess(tmp_path / "home", bar_s="1", history_days="0.02")


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with browsing(tmp_path) as running:
        yield running


def a_link(text: str) -> str:
    found = LINK.search(text)
    return found[0] if found else ""


def test_from_up_to_the_account_and_in_again(platform: PlatformProcess, browser: Browser) -> None:
    terminal = Terminal(platform, SSH_CONNECTION="198.51.100.7 50022 203.0.113.9 22")
    try:
        first = waited_for(lambda: a_link(terminal.shown), within_s=90, what="a link in the head")
        assert "makes the owner, once, within" in terminal.shown
        assert re.search(r"ssh -L (\d+):127\.0\.0\.1:\1 \S+@203\.0\.113\.9", terminal.shown)

        page = browser.page()
        page.open(first)
        page.wait_for_text("Make the owner's account")
        page.fill("#register-username", "alice")
        page.fill("#register-password", PASSWORD)
        page.press("Enter")
        assert "alice Sign out" in page.wait_for_text("Equity account paper")
        waited_for(
            lambda: "lnk_" not in terminal.last_picture(), within_s=30, what="the link's going"
        )

        other = browser.page()
        other.open(first)
        assert "./bot open" in other.wait_for_text("This link was used before")
        opened = platform.verb("open")
        assert opened.stdout.strip() == a_link(opened.stdout)
        assert "signs in as alice, once, within 5 min" in opened.stderr
        other.open(opened.stdout.strip())
        other.wait_for_text("Equity account paper")

        page.click("[data-sign-out]")
        page.wait_for_text("You are signed out.")
        page.fill("#password-username", "alice")
        page.fill("#password-password", PASSWORD)
        page.press("Enter")
        page.wait_for_text("Equity account paper")
        assert "Equity account paper" in other.text()  # another browser's session is its own
    finally:
        terminal.close()
    for path in platform.home.rglob("*"):
        if path.is_file():
            assert b"lnk_" not in path.read_bytes(), path


def test_the_browser_is_handed_the_link(platform: PlatformProcess, tmp_path: Path) -> None:
    handed = tmp_path / "handed"
    program = tmp_path / "browser"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$1" >> {handed}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    platform.env["BROWSER"] = str(program)
    terminal = Terminal(platform, BROWSER=str(program))
    try:

        def lines() -> list[str]:
            return handed.read_text().splitlines() if handed.exists() else []

        waited_for(lines, within_s=90, what="opening the browser")
        assert lines() == [a_link(terminal.shown) or a_link(lines()[0])]
        assert "ssh -L" not in terminal.shown

        opened = platform.verb("open")
        waited_for(lambda: len(lines()) == 2, within_s=10, what="opening it again")
        assert lines()[1] == opened.stdout.strip() != lines()[0]
        platform.verb("open", "--no-browser")
        assert len(lines()) == 2
    finally:
        terminal.close()


def test_lines_and_logs_say_that_a_link_can_be_made_and_hold_none(
    platform: PlatformProcess, tmp_path: Path
) -> None:
    started = platform.verb("start", "--detach")
    try:
        status = platform.verb("status")
        assert started.returncode == 0, started.stderr
        for shown in (started.stdout, status.stdout):
            assert re.search(r"^sign in +`./bot open` makes a one-time link$", shown, re.MULTILINE)
        waited_for(
            lambda: b"sign_in_offered" in (platform.home / "logs" / "up.log").read_bytes(),
            within_s=20,
            what="the line that says so",
        )
        link = platform.verb("open").stdout.strip()
        assert LINK.fullmatch(link)
    finally:
        platform.stop()
    files = [path for path in (platform.home / "logs").rglob("*") if path.is_file()]
    logs = b"".join(path.read_bytes() for path in files)
    assert b"lnk_" not in logs


def test_without_a_platform_open_says_how_to_start_one(platform: PlatformProcess) -> None:
    opened = platform.verb("open")

    assert opened.returncode == 2
    assert "NOT_RUNNING" in opened.stderr
    assert "botcore up" in opened.stderr
