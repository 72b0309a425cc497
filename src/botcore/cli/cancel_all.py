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
    instrument: Annotated[
        str | None, typer.Option("--instrument", help="On one instrument only.")
    ] = None,
    side: Annotated[
        str | None, typer.Option("--side", help="Only `buy` or only `sell` orders.")
    ] = None,
    home: Home = None,
    account: Account = PAPER,
) -> None:
    """Cancel every working order; positions stay. Lowers risk, so it does not ask."""
    from botcore.domain.commands import CancelAll
    from botcore.domain.ids import AccountId, InstrumentId, StrategyId
    from botcore.domain.orders import Side

    if side is not None and side.upper() not in Side.__members__:
        raise typer.BadParameter(f"{side!r} is neither buy nor sell", param_hint="--side")
    command = CancelAll(
        AccountId(account),
        person(),
        None if strategy is None else StrategyId(strategy),
        None if instrument is None else InstrumentId(instrument),
        None if side is None else Side(side.upper()),
    )
    print(calls.commands().act(overrides=given(home=home), command=command))
