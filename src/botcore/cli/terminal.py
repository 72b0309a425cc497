"""The platform in a terminal: drawn in place, told in plain lines, or logged as JSON lines."""

import sys
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TextIO

from botcore import __version__
from botcore.cli.calls import Entrance, Show
from botcore.cli.narration import Narrator, Told
from botcore.control import wording
from botcore.control.ports import Platform
from botcore.kernel.clock import Clock, SystemClock
from botcore.observability.events import LogEvent

DRAW_EVERY_S: Final = 1.0
Offered = Callable[[], Entrance | None]
"""Returns the one-time link that is good now, or None."""


class Style(StrEnum):
    """How the platform is shown."""

    DRAWN = "drawn"
    LINES = "lines"
    JSON = "json"


class TerminalView:
    """Shows a platform until it is told to stop.

    Args:
        style: how.
        stream: where to.
        clock: paces the status line.
        every_s: between two looks, seconds.
    """

    def __init__(
        self,
        style: Style,
        *,
        stream: TextIO,
        clock: Clock | None = None,
        every_s: float = DRAW_EVERY_S,
    ) -> None:
        self._style = style
        self._stream = stream
        self._clock = clock or SystemClock()
        self._every_s = every_s

    def run(
        self, platform: Platform, stop: threading.Event, url: str, offered: Offered = lambda: None
    ) -> None:
        """Show a platform on the caller's thread, until `stop`.

        Args:
            platform: what is shown.
            stop: ends it.
            url: the page's address.
            offered: the sign-in link; only what is drawn shows it, since lines may go into a file.
        """
        match self._style:
            case Style.DRAWN:
                self._draw(platform, stop, url, offered)
            case Style.LINES:
                self._tell(platform, stop, url)
            case Style.JSON:
                self._log(platform, stop, url)

    def _draw(self, platform: Platform, stop: threading.Event, url: str, offered: Offered) -> None:
        from rich.console import Console
        from rich.live import Live

        from botcore.cli.drawing import drawn

        console = Console(file=self._stream)
        with Live(console=console, auto_refresh=False, screen=True) as live:
            while True:
                age_s, view = platform.view_age_s(), platform.view()
                picture = drawn(
                    view,
                    age_s,
                    url=url,
                    height=console.size.height,
                    entrance=offered(),
                    now_ns=self._clock.now_ns(),
                )
                live.update(picture, refresh=True)
                if stop.wait(self._every_s):
                    return

    def _tell(self, platform: Platform, stop: threading.Event, url: str) -> None:
        def write(told: Told) -> None:
            view = platform.view()
            now = 0 if view is None else view.feed.now
            at = f"{wording.clock_time(told.ts or now, now)} " if now else ""
            line = "".join(char if char.isprintable() else " " for char in told.sentence)
            print(f"{at}{line}", file=self._stream, flush=True)

        self._follow(platform, stop, url, write)

    def _log(self, platform: Platform, stop: threading.Event, url: str) -> None:
        from botcore.observability import get_logger

        log = get_logger()

        def write(told: Told) -> None:
            log.info(told.event, msg=told.sentence, **told.fields)

        self._follow(platform, stop, url, write)

    def _follow(
        self, platform: Platform, stop: threading.Event, url: str, write: Callable[[Told], None]
    ) -> None:
        sentence = f"Bot Core {__version__} on paper money: {url}"
        write(Told(LogEvent.PLATFORM_STARTED, sentence, {"url": url}))
        narrator = Narrator(self._clock)
        while True:
            age_s, view = platform.view_age_s(), platform.view()
            for told in narrator.tell(view, age_s):
                write(told)
            if stop.wait(self._every_s):
                return


def terminal_show(*, headless: bool, stream: TextIO | None = None) -> Show:
    """Return what shows the platform on this terminal.

    Args:
        headless: JSON log lines, whatever the stream is.
        stream: standard output by default; drawn on a terminal, plain lines elsewhere.
    """
    stream = stream or sys.stdout
    if not headless:
        style = Style.DRAWN if stream.isatty() else Style.LINES
        return TerminalView(style, stream=stream).run
    from botcore.observability import configure_logging

    configure_logging(format="json", level="info", stream=stream, version=__version__)
    return TerminalView(Style.JSON, stream=stream).run
