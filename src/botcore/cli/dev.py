"""``botcore dev``: as up, and started again when the code changes."""

from botcore.cli.foreground import run_here
from botcore.cli.options import Home, Host, Port, given


def dev(home: Home = None, host: Host = None, port: Port = None) -> int:
    """Start the platform for work on it: it starts again when its code changes."""
    return run_here(overrides=given(home=home, host=host, port=port), reload=True)
