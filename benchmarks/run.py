"""Run a benchmark and write its section of ``RESULTS.md``.

``python benchmarks/run.py year --repeat 5``. A benchmark is a module with ``NAME``, ``TITLE`` and
``run(repeat=, only=, say=) -> Section``; it is listed in ``BENCHMARKS``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Protocol

import api_load
import l2_replay
import latency
import open_orders
import real_data
import startup
import websocket
import year
from results import RESULTS, Section, write_section


class Benchmark(Protocol):
    """What a benchmark's module offers."""

    NAME: str
    TITLE: str

    def run(self, *, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
        """Measure, saying each step, and return the section to write."""
        ...


BENCHMARKS: dict[str, Benchmark] = {
    benchmark.NAME: benchmark
    for benchmark in (
        year,
        latency,
        open_orders,
        startup,
        real_data,
        l2_replay,
        api_load,
        websocket,
    )
}


def say(words: str) -> None:
    """Show progress on stderr."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


def main() -> int:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("benchmark", choices=sorted(BENCHMARKS))
    parser.add_argument("--repeat", type=int, default=5, help="runs of each contestant")
    parser.add_argument(
        "--only", default="", help="comma-separated modules, as nautilus,botcore_year; not written"
    )
    parser.add_argument("--dry", action="store_true", help="print the section, write nothing")
    arguments = parser.parse_args()
    only = frozenset(filter(None, arguments.only.split(",")))
    section = BENCHMARKS[arguments.benchmark].run(repeat=arguments.repeat, only=only, say=say)
    for problem in section.problems:
        say(f"problem: {problem}")
    if arguments.dry or only or section.problems:  # a part of the field is no result to keep
        sys.stdout.write(section.body + "\n")
        return 1 if section.problems else 0
    write_section(section)
    say(f"written to {RESULTS}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
