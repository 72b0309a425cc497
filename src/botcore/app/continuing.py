"""From a stop to the next start: when it was, and what is told about going on."""

from decimal import Decimal

from botcore.app.composition import PAPER
from botcore.app.home import Home
from botcore.engine import Engine

_STOPPED = "stopped.json"


def keep_stop(home: Home, *, wall_ns: int) -> None:
    """Keep when the platform stopped.

    Raises:
        StorageError: it cannot be written.
    """
    home.replace(_STOPPED, b'{"wall_ns": %d}' % wall_ns, folder=home.state)


def continued(home: Home, engine: Engine, *, wall_ns: int) -> str:
    """Return a sentence: what the account goes on with, and how long it stood still.

    Args:
        home: where the stop was kept; after a crash none was, or an older one.
        engine: restored.
        wall_ns: the machine's wall time.
    """
    desk = engine.desk
    equity = desk.valuation.equity_exact(PAPER).quantize(Decimal("0.01"))
    held = sum(1 for p in desk.portfolio.positions(PAPER) if p.quantity)
    stopped = home.read_json(_STOPPED, folder=home.state) or {}
    ago = (wall_ns - int(stopped.get("wall_ns", wall_ns))) / 1e9
    positions = "1 position" if held == 1 else f"{held} positions"
    return f"continued: equity {equity:,f} USDT, {positions}, stopped {_ago(ago)}"


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"
