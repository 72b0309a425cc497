"""Runs the platform on this terminal and shows it, for every verb that does so."""

import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from botcore.cli import calls

if TYPE_CHECKING:
    from botcore.control.ports import Platform


def run_here(
    *,
    overrides: calls.Overrides,
    headless: bool = False,
    open_browser: bool = False,
    memory_optimized: bool = False,
    reload: bool = False,
) -> int:
    """Run until it is stopped, and say how it ended; return the exit code."""

    def show(
        platform: "Platform",
        stop: threading.Event,
        url: str,
        entrance: Callable[[], calls.Entrance | None],
    ) -> None:
        from botcore.cli.terminal import terminal_show  # loaded while the platform starts

        terminal_show(headless=headless)(platform, stop, url, entrance)

    code = calls.commands().up(
        overrides=with_feed(overrides),
        show=show,
        open_browser=open_browser and not headless,
        offer_link=not headless and sys.stdout.isatty(),  # a file would keep it
        memory_optimized=memory_optimized,
        reload=reload,
    )
    if code == 0 and not headless:
        print("stopped; orders, positions and cash are kept")
    return code


def with_feed(overrides: calls.Overrides) -> calls.Overrides:
    """Settle where prices come from, and say so where that was left open."""
    chosen = calls.commands().choose_feed(overrides=overrides)
    if chosen.note:
        print(chosen.note, file=sys.stderr)
    return chosen.overrides
