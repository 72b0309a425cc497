"""``botcore start``: run the platform, here or in the background."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.foreground import run_here, with_feed
from botcore.cli.options import (
    Feed,
    FeedFrom,
    FeedInstruments,
    FeedSpeed,
    FeedTimeframe,
    Headless,
    Home,
    Host,
    MemoryOptimized,
    Port,
    feed_given,
    given,
)
from botcore.cli.status import print_status


def start(
    *,
    home: Home = None,
    host: Host = None,
    port: Port = None,
    feed: Feed = None,
    instrument: FeedInstruments = None,
    timeframe: FeedTimeframe = None,
    begin: FeedFrom = None,
    speed: FeedSpeed = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="In the background; return when it is ready.")
    ] = False,
    memory_optimized: MemoryOptimized = False,
    headless: Headless = False,
) -> int:
    """Start the platform, without opening a browser."""
    overrides = given(home=home, host=host, port=port) | feed_given(
        feed, instrument, timeframe, begin, speed
    )
    if detach:
        chosen = with_feed(overrides)
        print_status(calls.commands().start(overrides=chosen, memory_optimized=memory_optimized))
        return 0
    return run_here(overrides=overrides, headless=headless, memory_optimized=memory_optimized)
