"""``botcore api``: be the API's process; the supervisor and service files call it."""

from botcore.cli import calls
from botcore.cli.options import Home, Host, Port, given


def api(home: Home = None, host: Host = None, port: Port = None) -> int:
    """Run the API and the page alone."""
    return calls.commands().run_api(overrides=given(home=home, host=host, port=port))
