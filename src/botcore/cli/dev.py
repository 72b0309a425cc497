"""``botcore dev``: as up, and started again when the code changes."""

from botcore.cli import calls
from botcore.cli.options import Home, Host, Port, given


def dev(home: Home = None, host: Host = None, port: Port = None) -> int:
    """Start the platform for work on it: it starts again when its code changes."""
    from botcore.cli.terminal import terminal_show

    return calls.commands().up(
        overrides=given(home=home, host=host, port=port),
        show=terminal_show(headless=False),
        open_browser=False,
        memory_optimized=False,
        reload=True,
    )
