"""``botcore cancel-all``: cancel every working order."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.options import PAPER, Account, Home, given
from botcore.cli.people import person


def cancel_all(
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="Of one strategy only.")
    ] = None,
    home: Home = None,
    account: Account = PAPER,
) -> None:
    """Cancel every working order; positions stay. Lowers risk, so it does not ask."""
    from botcore.domain.commands import CancelAll
    from botcore.domain.ids import AccountId, StrategyId

    one = None if strategy is None else StrategyId(strategy)
    command = CancelAll(AccountId(account), person(), one)
    print(calls.commands().act(overrides=given(home=home), command=command))
