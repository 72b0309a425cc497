"""``botcore pause``: no new risk, of one strategy or of the account."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.options import PAPER, Account, Home, given
from botcore.cli.people import person


def pause(
    strategy: Annotated[
        str | None, typer.Argument(help="One strategy; without it the whole account.")
    ] = None,
    home: Home = None,
    account: Account = PAPER,
) -> None:
    """Stop taking new risk. A paused strategy is not asked; a paused account only reduces."""
    from botcore.domain.commands import PauseStrategy, SetMode
    from botcore.domain.ids import AccountId, StrategyId
    from botcore.domain.modes import Mode

    command: PauseStrategy | SetMode
    if strategy is not None:
        command = PauseStrategy(AccountId(account), StrategyId(strategy), person())
    else:
        command = SetMode(AccountId(account), Mode.REDUCE_ONLY, person(), "paused by a person")
    print(calls.commands().act(overrides=given(home=home), command=command))
