"""``botcore open``: the page in the browser."""

from botcore.cli import calls
from botcore.cli.options import Home, given


def open_page(home: Home = None) -> None:
    """Open the page of the running platform in the browser."""
    print(calls.commands().open_page(overrides=given(home=home)))
