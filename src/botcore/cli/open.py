"""``botcore open``: into the page, signed in, by a one-time link."""

import sys

from botcore.cli import calls
from botcore.cli.options import Browser, Home, given


def open_page(home: Home = None, browser: Browser = True) -> None:
    """Make a one-time sign-in link, good for five minutes, and open it in the browser.

    Without a display it is only printed, with the SSH tunnel that leads to it.
    """
    from botcore.cli.way_in import how_from_elsewhere, what_it_does
    from botcore.kernel.clock import SystemClock

    found = calls.commands().open_page(overrides=given(home=home), open_browser=browser)
    print(found.url)  # alone on standard output, for scripts
    print(what_it_does(found, SystemClock().now_ns()), file=sys.stderr)
    if found.tunnel:
        print(how_from_elsewhere(found), file=sys.stderr)
