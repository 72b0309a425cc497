"""The platform as a user runs it: `python -m botcore` with a home of its own."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tests.support.local_header import local_header

from botcore.app.home import Home
from botcore.control.views import PlatformView, decode_view
from botcore.kernel.clock import SystemClock

T = TypeVar("T")
_CLOCK = SystemClock()


def waited_for(ask: Callable[[], T | None], *, within_s: float, what: str) -> T:
    """Ask again and again until there is an answer.

    Raises:
        AssertionError: none came in time.
    """
    deadline = _CLOCK.monotonic_ns() + round(within_s * 1e9)
    while True:
        found = ask()
        if found:
            return found
        if _CLOCK.monotonic_ns() > deadline:
            raise AssertionError(f"{what} did not happen within {within_s:.0f} s")
        _CLOCK.sleep_blocking(0.1)


def fetched(url: str, *, local: str = "") -> bytes:
    """Return what stands at an address.

    Args:
        url: the address.
        local: the home's token, for what needs one to be signed in.

    Raises:
        OSError: it does not answer, or answers with an error.
    """
    headers = {"Authorization": local_header(url, local)} if local else {}
    request = urllib.request.Request(url, headers=headers)
    with urllib.request.urlopen(request, timeout=5.0) as answer:
        return bytes(answer.read())


class PlatformProcess:
    """A home, and what is done with it from the command line.

    Args:
        home: of the platform.
        settings: further environment, by the settings' own names.
    """

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        own = {f"BOTCORE_{name.upper()}": value for name, value in settings.items()}
        self.env = {**os.environ, "BOTCORE_HOME": str(home), "BOTCORE_PORT": "0", **own}
        self._up: subprocess.Popen[bytes] | None = None

    def verb(self, *words: str, timeout_s: float = 90.0) -> subprocess.CompletedProcess[str]:
        """Run a verb to its end."""
        return subprocess.run(
            [sys.executable, "-m", "botcore", *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def up(self) -> None:
        """Start it as a child, without a terminal."""
        with (self.home.parent / "up.log").open("ab") as output:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "botcore", "up", "--headless", "--no-browser"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def url(self) -> str:
        """The page's address."""
        info = Home(self.home).run_info()
        assert info is not None
        return info.url

    def read(self, path: str = "") -> bytes:
        """Return a page below `url`, read as who sits at this machine.

        Raises:
            OSError: it does not answer, or answers with an error.
        """
        return fetched(self.url + path, local=Home(self.home).token())

    def view(self) -> PlatformView | None:
        """The newest view over HTTP, or None while there is none."""
        try:
            document = self.read("view.json")
        except (OSError, AssertionError):
            return None
        return decode_view(document) if json.loads(document) else None

    def seen(self, wish: Callable[[PlatformView], bool], *, within_s: float) -> PlatformView:
        """Wait for a view that shows something."""

        def ask() -> PlatformView | None:
            view = self.view()
            return view if view is not None and wish(view) else None

        return waited_for(ask, within_s=within_s, what="what the view should show")

    def stop(self) -> None:
        """End it in order, also when it was started by a verb."""
        self.verb("stop")
        if self._up is not None:
            if self._up.poll() is None:
                self._up.send_signal(signal.SIGTERM)
            self._up.wait(timeout=60)
