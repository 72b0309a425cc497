"""``botcore flatten``: sell everything, after asking."""

import typer

from botcore.cli.acting import act
from botcore.cli.options import PAPER, Account, Home, Yes
from botcore.cli.target import anywhere


@anywhere
def flatten(
    context: typer.Context, home: Home = None, account: Account = PAPER, yes: Yes = False
) -> int:
    """Close every position at the market. Asks first."""
    return act(context, "positions.flatten", {"account": account}, home=home, yes=yes)
