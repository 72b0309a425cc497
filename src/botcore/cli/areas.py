"""Areas of the platform as words of the command line: ``botcore orders list``.

An area's verbs are made from its operations, and only when its word is typed: help stays quick.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import typer

AREAS: Final[Mapping[str, str]] = {
    "account": "The account: its figures, equity curve, lots and tax export.",
    "orders": "Orders: list, place, preview, amend and cancel them.",
    "positions": "What is held.",
    "fills": "Executions.",
    "trades": "Closed round trips and what they earned.",
    "ledger": "The double-entry ledger: postings and balances.",
    "strategies": "Strategies set up to run: change, start, stop, undo; why they trade or not.",
    "signals": "What strategies asked for.",
    "market": "Instruments, candles, the best prices, recorded series.",
    "risk": "Limits, exposure, locks and the mode ladder.",
    "backtests": "Backtests as jobs, and the runs that were kept.",
    "jobs": "Jobs: how far they are, what came out.",
    "alerts": "Alert rules; they only tell.",
    "notifications": "What you were told.",
    "user": "People: invite, roles, reset, sessions.",
    "key": "API keys for programs.",
    "session": "Where you are signed in.",
    "audit": "Who did what, and whether the record is whole.",
    "access": "Every other call.",
    "health": "How the platform is, part by part.",
    "log": "What the platform has written down.",
    "settings": "Settings in force.",
}
"""Words of verbs that are made from operations, with their help; a test holds them complete."""


def add_areas(
    app: typer.Typer, *, groups: Mapping[str, typer.Typer], wanted: Sequence[str] | None
) -> None:
    """Add the verbs made from operations.

    Args:
        app: gets them.
        groups: words that have verbs of their own already.
        wanted: the arguments of this call: only the areas among them are filled; None fills all.
    """
    known = dict(groups)
    for word, text in AREAS.items():
        known[word] = typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)
        app.add_typer(known[word], name=word)
    names = known.keys() if wanted is None else known.keys() & set(wanted)
    if not names:
        return
    # The schema and what makes verbs of it: only where they are used.
    from botcore.cli.operations import help_of, verb_of
    from botcore.control.schema import operations

    for operation in operations():
        if operation.command and operation.command[0] in names:
            name = "-".join(operation.command[1:])
            known[operation.command[0]].command(name, help=help_of(operation))(verb_of(operation))
