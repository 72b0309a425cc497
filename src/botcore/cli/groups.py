"""A verb with verbs of its own: ``botcore backtest STRATEGY`` and ``botcore backtest list``."""

from typing import Any, Final

from typer.core import TyperGroup

RUN: Final = "run"


class RunsByDefault(TyperGroup):
    """A group whose first word is an argument of ``run`` unless it names another verb."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401  # the parser's own
        """Put ``run`` before words that are no verb: also before a request for help."""
        if args and args[0] not in self.commands:
            args = [RUN, *args]
        parsed: list[str] = super().parse_args(ctx, args)
        return parsed
