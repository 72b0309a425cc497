"""Runs the platform on this terminal and shows it, for every verb that does so."""

from botcore.cli import calls


def run_here(
    *,
    overrides: calls.Overrides,
    headless: bool = False,
    open_browser: bool = False,
    memory_optimized: bool = False,
    reload: bool = False,
) -> int:
    """Run until it is stopped, and say how it ended; return the exit code."""
    from botcore.cli.terminal import terminal_show

    code = calls.commands().up(
        overrides=overrides,
        show=terminal_show(headless=headless),
        open_browser=open_browser and not headless,
        memory_optimized=memory_optimized,
        reload=reload,
    )
    if code == 0 and not headless:
        print("stopped; orders, positions and cash are kept")
    return code
