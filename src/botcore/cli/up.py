"""``botcore up``: run the platform here and show it."""

from botcore.cli.foreground import run_here
from botcore.cli.options import (
    Browser,
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


def up(
    *,
    home: Home = None,
    host: Host = None,
    port: Port = None,
    feed: Feed = None,
    instrument: FeedInstruments = None,
    timeframe: FeedTimeframe = None,
    start: FeedFrom = None,
    speed: FeedSpeed = None,
    headless: Headless = False,
    browser: Browser = True,
    memory_optimized: MemoryOptimized = False,
) -> int:
    """Start the platform and show it here; Ctrl+C stops it. Paper money, no key.

    Prices are simulated unless --feed says otherwise; only `binance` and `auto` need a network.
    """
    return run_here(
        overrides=given(home=home, host=host, port=port)
        | feed_given(feed, instrument, timeframe, start, speed),
        headless=headless,
        open_browser=browser,
        memory_optimized=memory_optimized,
    )
