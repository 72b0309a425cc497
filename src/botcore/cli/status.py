"""``botcore status``: what runs, where, since when, and how it is."""

from typing import Annotated, Final

import typer

from botcore.cli import calls
from botcore.cli.options import Home, given

EXIT_NOT_RUNNING: Final = 3
"""What service scripts say for "not running" (Linux Standard Base)."""


def status(
    home: Home = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Show what runs and where its state lies. Exit code 3 when it does not run."""
    found = calls.commands().status(overrides=given(home=home))
    if as_json:
        _print_json(found)
    else:
        print_status(found)
    return 0 if found.is_running else EXIT_NOT_RUNNING


def print_status(found: calls.Status) -> None:
    """Print a status for people: a name and a value a line."""
    for name, value in status_rows(found):
        print(f"{name:<10}{value}")


def status_rows(found: calls.Status) -> list[tuple[str, str]]:
    """Return a status as names and values."""
    if not found.is_running:
        return [("platform", "not running"), ("home", str(found.home))]
    from botcore.cli.way_in import FRESH
    from botcore.control import wording

    rows = [
        ("platform", "running"),
        ("page", found.url),
        ("sign in", FRESH),
        ("pid", str(found.pid)),
        ("home", str(found.home)),
    ]

    view = found.view
    state = wording.condition(view, found.view_age_s)
    if view is None:
        return [*rows, ("engine", state.detail)]
    rows.append(("uptime", wording.duration(view.uptime_s)))
    for account in view.accounts:
        equity = f"{wording.amount(account.equity)} {account.currency}"
        day = wording.signed_percent(account.day_result_frac)
        rows.append((account.id, f"equity {equity}, today {day}"))
        cause = f" – {account.mode_cause}" if account.mode_cause else ""
        rows.append(("mode", f"{account.mode}{cause}"))
    rows.append(("feed", f"{view.feed.name}: {state.word.lower()}, {state.detail}"))
    if view.feed.banner:
        rows.append(("note", view.feed.banner))
    return rows


def _print_json(found: calls.Status) -> None:
    import json

    from botcore.control.views import encode_view

    known = found.view is not None
    print(
        json.dumps(
            {
                "running": found.is_running,
                "url": found.url,
                "pid": found.pid,
                "home": str(found.home),
                "view_age_s": found.view_age_s if known else None,
                "view": json.loads(encode_view(found.view)) if found.view is not None else None,
            }
        )
    )
