"""``botcore cancel-all``: cancel every working order."""

from typing import Annotated

import typer

from botcore.cli.acting import act
from botcore.cli.options import PAPER, Account, Home
from botcore.cli.target import anywhere


@anywhere
def cancel_all(
    context: typer.Context,
    *,
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
) -> int:
    """Cancel every working order; positions stay. Lowers risk, so it does not ask."""
    fields = {
        "account": account,
        "strategy": strategy,
        "instrument": instrument,
        "side": None if side is None else side.upper(),
    }
    return act(context, "orders.cancel-all", fields, home=home, yes=False)
