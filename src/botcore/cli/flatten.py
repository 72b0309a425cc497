"""``botcore flatten``: sell everything, after asking."""

import typer

from botcore.cli import calls
from botcore.cli.options import PAPER, Account, Home, Yes, given
from botcore.cli.people import person


def flatten(home: Home = None, account: Account = PAPER, yes: Yes = False) -> int:
    """Close every position at the market. Asks first."""
    from botcore.domain.commands import Flatten
    from botcore.domain.ids import AccountId

    question = f"Close every position of account {account} at the market now?"
    if not yes and not typer.confirm(question):
        print("nothing was done")
        return 0
    command = Flatten(AccountId(account), person(), confirmed=True)
    print(calls.commands().act(overrides=given(home=home), command=command))
    return 0
