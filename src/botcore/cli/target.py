"""Which platform a command is for, and the rule that no other one is acted on."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import typer
from typer.core import TyperCommand

from botcore.cli.spoken import program
from botcore.domain.errors import ConfigError

V = TypeVar("V", bound=Callable[..., Any])
_ASKS_CONTROL: Final = "asks_control"
ON_A_SERVER: Final[Mapping[str, str]] = {
    "status": "health show",
    "logs": "log search",
    "backtest run": "backtests start",
    "backtest list": "backtests list",
    "backtest show": "backtests show",
    "backtest compare": "backtests compare",
    "replay": "backtests replay",
    "strategy list": "strategies available",
    "strategy show": "strategies declaration",
    "strategy check": "strategies check",
    "data fetch": "data start-fetch",
    "data import": "data start-import",
    "data check": "data start-check",
    "data list": "market series",
}
"""Verbs of this machine, and what does the same on a server."""


class Target(NamedTuple):
    """Which platform the options before the verb name.

    Attributes:
        server: an address; empty for this machine.
        key_file: holds the API key for it; BOTCORE_KEY otherwise.
    """

    server: str = ""
    key_file: str = ""


def anywhere(verb: V) -> V:
    """Mark a verb that asks control, wherever the target says that it is."""
    setattr(verb, _ASKS_CONTROL, True)
    return verb


def keep_the_rest_here(app: typer.Typer) -> None:
    """Let each verb that is not marked as going `anywhere` refuse a server, before it does a thing.

    A verb that nobody thought about is refused: acting on this machine, while another was named,
    would stop the wrong account.
    """
    for command in app.registered_commands:
        if not getattr(command.callback, _ASKS_CONTROL, False):
            command.cls = _OnlyHere
    for group in app.registered_groups:
        if group.typer_instance is not None:
            keep_the_rest_here(group.typer_instance)


class _OnlyHere(TyperCommand):
    """A verb that acts on this machine only."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401  # the parser's own
        """Run it, unless a server is named.

        Raises:
            ConfigError: one is.
        """
        server = (ctx.obj or Target()).server
        if server:
            verb = ctx.command_path.partition(" ")[2]
            instead = ON_A_SERVER.get(verb, "")
            there = f"; on the server: {program()} --server {server} {instead}" if instead else ""
            raise ConfigError(
                code="ONLY_THIS_MACHINE",
                cause=f"{verb} acts on this machine only, and --server names {server};"
                " nothing was done",
                fix=f"leave --server out to do it here{there}",
            )
        return super().invoke(ctx)
