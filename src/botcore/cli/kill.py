"""``botcore kill``: the kill switch."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.options import PAPER, Account, Home, given
from botcore.cli.people import person


def kill(
    home: Home = None,
    account: Account = PAPER,
    cause: Annotated[str, typer.Option("--cause", help="Why, for the record.")] = "kill switch",
) -> None:
    """HALT at once and cancel every order; positions stay. Only a person leaves it (resume)."""
    from botcore.domain.commands import KillSwitch
    from botcore.domain.ids import AccountId

    command = KillSwitch(AccountId(account), person(), cause)
    print(calls.commands().act(overrides=given(home=home), command=command))
