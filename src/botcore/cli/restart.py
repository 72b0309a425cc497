"""``botcore restart``: stop, then start in the background."""

from botcore.cli import calls
from botcore.cli.options import Home, Host, MemoryOptimized, Port, given
from botcore.cli.status import print_status


def restart(
    home: Home = None,
    host: Host = None,
    port: Port = None,
    memory_optimized: MemoryOptimized = False,
) -> None:
    """Stop the platform if it runs, and start it in the background."""
    print_status(
        calls.commands().restart(
            overrides=given(home=home, host=host, port=port), memory_optimized=memory_optimized
        )
    )
