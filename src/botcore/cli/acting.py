"""Short verbs for acts of control: the same request, question and audit as the long ones."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import typer

from botcore.cli import calls
from botcore.cli.options import PAPER, given
from botcore.cli.target import Target
from botcore.domain.errors import ConfigError

_NOT_CONFIRMED: Final = "NOT_CONFIRMED"
_WHAT_MAX: Final = 500


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
    from botcore.cli.operations import asked  # the schema: only where it is used
    from botcore.cli.values import printable

    confirm = (lambda _: True) if yes else asked
    try:
        answer = _told(context.obj or Target(), name, fields, home=home, confirm=confirm)
    except ConfigError as error:
        if error.code != _NOT_CONFIRMED:
            raise
        print("nothing was done")
        return 0
    print(printable(answer.detail) or "done")
    return 0


def write_down(work: str, what: str, *, home: Path | None, replace: bool = False) -> None:
    """Have control of this machine write down what is about to be done with recorded data.

    Args:
        work: ``import`` or ``fetch``.
        what: with what.
        home: as the option says.
        replace: what comes goes before what is stored.

    Raises:
        BotError: it cannot be written down, so that it must not be done.
    """
    fields = {"work": work, "what": what[-_WHAT_MAX:], "replace": replace}
    _told(Target(), "data.local-work", fields, home=home, confirm=lambda _: True)


def must_be_papers(account: str) -> None:
    """Refuse a strategy of another account than the one in which strategies trade.

    Raises:
        typer.BadParameter: another one is named.
    """
    if account != PAPER:
        raise typer.BadParameter(f"strategies trade in {PAPER} only", param_hint="--account")


def _told(
    target: Target,
    name: str,
    fields: Mapping[str, Any],
    *,
    home: Path | None,
    confirm: Callable[[str], bool],
) -> Any:  # noqa: ANN401  # of the operation's type
    from botcore.cli.operations import request_of
    from botcore.control.schema import operations

    (operation,) = (each for each in operations() if each.name == name)
    return calls.doors().tell(
        operation,
        request_of(operation, given(**fields)),
        overrides=given(home=home),
        server=target.server,
        key_file=target.key_file,
        confirm=confirm,
        idempotency_key="",
        all_pages=False,
        say=calls.said_aside,
    )
