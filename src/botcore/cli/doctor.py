"""``botcore doctor``: what is wrong with an installation or its stores, and what to do."""

from typing import Annotated

import typer

from botcore.cli import calls
from botcore.cli.options import Home, given


def doctor(
    home: Home = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="First make the tables from the journal again.")
    ] = False,
) -> int:
    """Check the home and its stores; exit code 1 when something is wrong."""
    if rebuild:
        count = calls.doctor().rebuild(overrides=given(home=home))
        print(f"made the tables again from {count:,} records of the journal")
    wrong = 0
    for finding in calls.doctor().run(overrides=given(home=home)):
        print(f"{'ok   ' if finding.is_ok else 'WRONG'}  {finding.name}: {finding.detail}")
        wrong += not finding.is_ok
        if finding.fix:
            print(f"       fix: {finding.fix}")
    print("all is well" if not wrong else f"{wrong} of these need you")
    return 1 if wrong else 0
