"""``botcore resume``: ask a paused strategy again, or let the account trade again."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.options import PAPER, Account, Home, given
from botcore.cli.people import person


def resume(
    strategy: Annotated[
        str | None, typer.Argument(help="One strategy; without it the whole account.")
    ] = None,
    home: Home = None,
    account: Account = PAPER,
) -> None:
    """Trade again, after pause, kill or a quarantine."""
    from botcore.domain.commands import ResumeStrategy, SetMode
    from botcore.domain.ids import AccountId, StrategyId
    from botcore.domain.modes import Mode

    command: ResumeStrategy | SetMode
    if strategy is not None:
        command = ResumeStrategy(AccountId(account), StrategyId(strategy), person())
    else:
        command = SetMode(AccountId(account), Mode.NORMAL, person(), "resumed by a person")
    print(calls.commands().act(overrides=given(home=home), command=command))
