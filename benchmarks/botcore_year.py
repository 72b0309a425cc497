"""Bot Core's year: the call that ``botcore backtest`` makes, over the benchmark's tape.

Only slippage, participation cap and EMA seed are set to the peers', and the risk limits are wide
enough that none trips; all of it is in the line's ``assumptions``. ``--sizing tenth`` is the
second line: 10 % of equity an entry. ``--profile`` runs it once more under cProfile and prints
the functions that take the most time instead of the line.
"""

from __future__ import annotations

import argparse
import cProfile
import io
import pstats
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

from contestant import report, timed
from tape import Tape, load_year

PROFILE_LINES = 25


@dataclass(frozen=True, slots=True)
class YearResult:
    """What the year gave: filled orders, equity in USDT at the last close, and how."""

    orders: int
    final_equity: float
    fingerprint: str
    assumptions: dict[str, str]


def prepare(tape: Tape, *, sizing: str) -> Callable[[], YearResult]:
    """Return the run to measure; what is done here (building the tape's input) is not measured.

    ``sizing`` is ``one`` (1 BTC an entry) or ``tenth`` (10 % of equity an entry).
    """
    raise NotImplementedError("botcore.backtest is not there yet")


def profile_of(run: Callable[[], YearResult]) -> str:
    """Return the functions of one run that take the most time themselves, as text."""
    profiler = cProfile.Profile()
    profiler.runcall(run)
    text = io.StringIO()
    pstats.Stats(profiler, stream=text).strip_dirs().sort_stats("tottime").print_stats(
        PROFILE_LINES
    )
    return text.getvalue().strip()


def main() -> int:
    """Run the year once and print the line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--sizing", choices=("one", "tenth"), default="one")
    parser.add_argument("--profile", action="store_true")
    arguments = parser.parse_args()
    tape = load_year()
    run = prepare(tape, sizing=arguments.sizing)
    if arguments.profile:
        sys.stdout.write(profile_of(run) + "\n")
        return 0
    time, result = timed(run)
    report(
        name="Bot Core",
        version=version("botcore"),
        bars=len(tape),
        time=time,
        orders=result.orders,
        final_equity=result.final_equity,
        notes="; ".join(f"{key} {value}" for key, value in result.assumptions.items()),
        fill="next-open",
        fingerprint=result.fingerprint,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
