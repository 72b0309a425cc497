"""``botcore version``: what this is."""

import platform

from botcore import __version__


def version() -> None:
    """Show the version."""
    print(f"botcore {__version__} (Python {platform.python_version()})")
