"""``botcore kill``: the kill switch."""

from typing import Annotated

import typer

from botcore.cli.acting import act
from botcore.cli.options import PAPER, Account, Home
from botcore.cli.target import anywhere


@anywhere
def kill(
    context: typer.Context,
    home: Home = None,
    account: Account = PAPER,
    cause: Annotated[str, typer.Option("--cause", help="Why, for the record.")] = "kill switch",
) -> int:
    """HALT at once and cancel every order; positions stay. Only a person leaves it (resume)."""
    fields = {"account": account, "cause": cause}
    return act(context, "risk.kill-switch", fields, home=home, yes=False)
