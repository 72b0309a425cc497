"""Short verbs for acts of control: the same request, question and audit as the long ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import typer

from botcore.cli import calls
from botcore.cli.options import PAPER, given
from botcore.cli.target import Target
from botcore.domain.errors import ConfigError

_NOT_CONFIRMED: Final = "NOT_CONFIRMED"


def act(
    context: typer.Context, name: str, fields: Mapping[str, Any], *, home: Path | None, yes: bool
) -> int:
    """Tell control an act, and print in a sentence what was done; return the exit code.

    Args:
        context: of the verb: knows which platform is meant.
        name: of the operation, such as ``risk.kill-switch``.
        fields: of its request; None is not given.
        home: as the option says.
        yes: confirm without asking; else a person is asked where control wants that.

    Raises:
        ConfigError: a field is refused.
        BotError: control refuses, or cannot be reached.
    """
    from botcore.cli.operations import asked, request_of  # the schema: only where it is used
    from botcore.cli.values import printable
    from botcore.control.schema import operations

    (operation,) = (each for each in operations() if each.name == name)
    target = context.obj or Target()
    try:
        answer: Any = calls.doors().tell(
            operation,
            request_of(operation, given(**fields)),
            overrides=given(home=home),
            server=target.server,
            key_file=target.key_file,
            confirm=(lambda _: True) if yes else asked,
            idempotency_key="",
            all_pages=False,
            say=calls.said_aside,
        )
    except ConfigError as error:
        if error.code != _NOT_CONFIRMED:
            raise
        print("nothing was done")
        return 0
    print(printable(answer.detail) or "done")
    return 0


def must_be_papers(account: str) -> None:
    """Refuse a strategy of another account than the one in which strategies trade.

    Raises:
        typer.BadParameter: another one is named.
    """
    if account != PAPER:
        raise typer.BadParameter(f"strategies trade in {PAPER} only", param_hint="--account")
