"""``cli.md``: every verb with its options, from the declarations that parse them."""

from typing import Any, Final

import typer

from botcore.cli.application import build
from botcore.cli.groups import RUN

_HEAD: Final = """\
# Command line

Written from the declarations by `python docs/generate.py`; a test keeps it so.

`./bot VERB` in a checkout and `botcore VERB` in an installation are the same; `./bot` has two more:
`test [--quick] [pytest options]` runs the tests, `check` runs formatting, lint, types and import
contracts. Exit codes: 0 well, 1 failed, 2 refused, 3 nothing runs (`status`), 130 interrupted.
`BOTCORE_TRACEBACK=1` shows where an unexpected error came from.
"""


def page() -> str:
    """Return the page."""
    group: Any = typer.main.get_command(build())
    shown = [each for each in group.commands.items() if not each[1].hidden]
    roles = [each for each in group.commands.items() if each[1].hidden]
    sections = [_section(*each) for name, command in shown for each in _verbs(name, command)]
    sections.append(
        "\n## Roles\n\nOne process each, as the supervisor and service files start them.\n"
    )
    sections.extend(_section(name, command).replace("\n## ", "\n### ") for name, command in roles)
    return _HEAD + "".join(sections)


def _verbs(name: str, command: Any) -> list[tuple[str, Any]]:  # noqa: ANN401  # as below
    """Return a verb, and the verbs under it; one that runs by default stands under its own name."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(name, command)]
    return [(name if each == RUN else f"{name} {each}", verb) for each, verb in inner.items()]


def _section(name: str, command: Any) -> str:  # noqa: ANN401  # whatever parser typer stands on
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    options = [each for each in command.params if each.param_type_name == "option"]
    words = "".join(
        f" {each.name.upper()}" if each.required else f" [{each.name.upper()}]"
        for each in arguments
    )
    lines = [f"\n## {name}\n", f"`botcore {name}{words}{' [options]' if options else ''}`\n"]
    lines.append(" ".join((command.help or "").split()) + "\n")
    rows = [_row(each) for each in (*arguments, *options)]
    if rows:
        lines.append("| option | default | |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    return "\n".join(lines)


def _row(parameter: Any) -> str:  # noqa: ANN401
    if parameter.param_type_name == "argument":
        return f"| `{parameter.name.upper()}` | – | {parameter.help or ''} |"
    names = ", ".join(f"`{each}`" for each in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    if callable(default) or default in (None, False, (), "") or not _is_plain(default):
        shown = "–"
    else:
        shown = f"`{str(default).lower() if isinstance(default, bool) else default}`"
    return f"| {names} | {shown} | {parameter.help or ''} |"


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool)
