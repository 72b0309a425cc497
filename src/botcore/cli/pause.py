"""``botcore pause``: no new risk, of one strategy or of the account."""

from typing import Annotated

import typer

from botcore.cli.acting import act, must_be_papers
from botcore.cli.options import PAPER, Account, Home, Yes
from botcore.cli.target import anywhere


@anywhere
def pause(
    context: typer.Context,
    strategy: Annotated[
        str | None, typer.Argument(help="One strategy; without it the whole account.")
    ] = None,
    home: Home = None,
    account: Account = PAPER,
    yes: Yes = False,
) -> int:
    """Stop taking new risk. A paused strategy is not asked; a paused account only reduces.

    It asks only where that would allow more than now: when the account is in HALT.
    """
    if strategy is not None:
        must_be_papers(account)
        return act(context, "strategies.stop", {"id": strategy}, home=home, yes=yes)
    fields = {"account": account, "mode": "REDUCE_ONLY", "cause": "paused by a person"}
    return act(context, "risk.mode", fields, home=home, yes=yes)
