"""Latency of a decision: 100 strategies over 20 instruments on one core, open loop."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import machine
from results import Section, table

NAME = "latency"
TITLE = "Latency: 100 strategies over 20 instruments"
_HERE = Path(__file__).resolve().parent
_CASES = {
    "spread": "5 strategies an instrument, 50,000 updates/s",
    "spread-fifth": "the same at 10,000 updates/s",
    "full": "all 100 on each instrument, 5,000 updates/s",
    "full-tenth": "the same at 500 updates/s",
}
_P99_MS, _P999_MS = 1.0, 5.0


def run(*, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
    """Run each case ``repeat`` times and return the section with the medians."""
    about = machine.describe()
    rows, verdicts, durables = [], [], []
    for case, words in _CASES.items():
        if only and case not in only:
            continue
        lines = []
        for round_ in range(1, repeat + 1):
            done = subprocess.run(
                [sys.executable, "latency_run.py", case],
                cwd=_HERE,
                capture_output=True,
                text=True,
                check=True,
            )
            lines.append(json.loads(done.stdout.splitlines()[-1]))
            say(f"{round_}/{repeat} {words}: {lines[-1]}")
        middle = {
            name: statistics.median(line["order_ms"][name] for line in lines)
            for name in ("p50", "p99", "p99.9", "max")
        }
        updates = {
            name: statistics.median(line["update_ms"][name] for line in lines)
            for name in ("p99", "p99.9")
        }
        rows.append(
            (
                words,
                f"{statistics.median(line['achieved'] for line in lines):,.0f}",
                f"{statistics.median(line['orders'] for line in lines):,.0f}",
                *(f"{middle[name]:.3f}" for name in ("p50", "p99", "p99.9", "max")),
                f"{updates['p99']:.3f} / {updates['p99.9']:.3f}",
            )
        )
        met = middle["p99"] < _P99_MS and middle["p99.9"] < _P999_MS
        verdicts.append(f"- {words}: {'met' if met else '**not met**'}")
        durables += [line["durable_ms"] for line in lines]
    durable = ", ".join(
        f"{name} {statistics.median(line[name] for line in durables):.2f} ms"
        for name in ("p50", "p99")
    )
    head = (
        "case",
        "updates/s reached",
        "orders",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "max ms",
        "whole update p99 / p99.9 ms",
    )
    body = "\n\n".join(
        (
            (
                "Open loop, ten seconds a run: an update is timed from the instant it was due, so "
                "a slow one makes the next ones late. Update in → approved order ready (`step` "
                "returned its `Submit`); orders in 1 % of decisions; garbage collection on. "
                f"Medians of {repeat} runs, each in a fresh process."
            ),
            table(head, rows),
            f"Goal p99 < {_P99_MS:g} ms and p99.9 < {_P999_MS:g} ms:\n\n" + "\n".join(verdicts),
            (
                "Update → order durable in a journal on disk (SQLite, synchronous=FULL), 300 "
                f"updates/s, apart from the above: {durable}."
            ),
            "Machine: " + "; ".join(f"{label} {value}" for label, value in about) + ".",
        )
    )
    return Section(NAME, TITLE, body)
