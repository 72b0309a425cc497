"""``botcore resume``: ask a paused strategy again, or let the account trade again."""

from typing import Annotated

import typer

from botcore.cli.acting import act, must_be_papers
from botcore.cli.options import PAPER, Account, Home, Yes
from botcore.cli.target import anywhere


@anywhere
def resume(
    context: typer.Context,
    strategy: Annotated[
        str | None, typer.Argument(help="One strategy; without it the whole account.")
    ] = None,
    home: Home = None,
    account: Account = PAPER,
    yes: Yes = False,
) -> int:
    """Trade again, after pause, kill or a quarantine. Says what that allows, and asks."""
    if strategy is not None:
        must_be_papers(account)
        return act(context, "strategies.start", {"id": strategy}, home=home, yes=yes)
    fields = {"account": account, "mode": "NORMAL", "cause": "resumed by a person"}
    return act(context, "risk.mode", fields, home=home, yes=yes)
