"""``botcore stop``: end the platform at a safe point."""

from botcore.cli import calls
from botcore.cli.options import Home, given


def stop(home: Home = None) -> None:
    """Stop the platform. Orders, positions and cash are kept; nothing is sold."""
    ended = calls.commands().stop(overrides=given(home=home))
    if ended is None:
        print("not running")
        return
    print(f"stopped (pid {ended.pid}); orders, positions and cash are kept in {ended.home}")
