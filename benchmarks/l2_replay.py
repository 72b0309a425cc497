"""The L2 replay: 347,927 recorded raw lines through parser, book and venue, beside hftbacktest.

Contestants run interleaved, each run in a fresh process of its own environment. Both put a bid and
an ask anew each second at the best prices, without latency, behind all that is displayed.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import machine
from environments import interpreter_of
from l2_lines import LINES
from results import Section, table

NAME = "l2"
TITLE = "Replay of recorded L2 lines"
_HERE = Path(__file__).resolve().parent
_TIMEOUT_S = 900.0
_GOAL = 100_000
_OURS, _PEER = "l2_replay_run", "hftbacktest_"
_WORDS = {
    (_OURS, "parse"): "Bot Core: parser",
    (_OURS, "book"): "Bot Core: parser and book, sequence rules checked",
    (_OURS, "venue"): "Bot Core: parser, book and matching venue",
    (_OURS, "quoted"): "**Bot Core: the same, with a maker's orders in it**",
    (_PEER, "convert"): "hftbacktest: its converter (Python), book tickers dropped",
    (_PEER, "replay"): "hftbacktest: its compiled replay of converted rows, with the maker",
    (_PEER, "both"): "**hftbacktest: raw lines to result**",
}


def run(*, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
    """Run both ``repeat`` times and return the section with the medians."""
    about = machine.describe()
    commands = {_OURS: [sys.executable, "-m", _OURS]}
    if not only or _PEER in only:
        commands[_PEER] = [str(interpreter_of("hftbacktest", say)), "-m", f"peers.{_PEER}"]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in commands}
    problems: list[str] = []
    for round_ in range(1, repeat + 1):
        for name, command in commands.items():
            try:
                line = json.loads(_output(command).splitlines()[-1])
            except (subprocess.SubprocessError, json.JSONDecodeError, IndexError) as error:
                problems.append(f"{name} did not run: {getattr(error, 'stderr', '') or error}")
                continue
            runs[name].append(line)
            say(f"{round_}/{repeat} {name}: {line['seconds']}")
    if problems:
        return Section(NAME, TITLE, "\n".join(problems), tuple(problems))
    profile = _output([*commands[_OURS], "--profile"])
    return Section(NAME, TITLE, _body(runs, about, repeat, profile))


def _output(command: list[str]) -> str:
    return subprocess.run(
        command, cwd=_HERE, capture_output=True, text=True, check=True, timeout=_TIMEOUT_S
    ).stdout


def _body(
    runs: dict[str, list[dict[str, Any]]], about: list[tuple[str, str]], repeat: int, profile: str
) -> str:
    rows = []
    for (name, stage), words in _WORDS.items():
        if name in runs:
            wall = statistics.median(line["seconds"][stage] for line in runs[name])
            processor = statistics.median(line["cpu_seconds"][stage] for line in runs[name])
            rows.append((words, f"{LINES / wall:,.0f}", f"{wall:.2f}", f"{LINES / processor:,.0f}"))
    ours = runs[_OURS]
    speed = LINES / statistics.median(line["seconds"]["quoted"] for line in ours)
    unpacking = statistics.median(line["seconds"]["read"] for line in ours)
    did = "; ".join(
        f"{lines[-1]['name']} {lines[-1]['version']}: {lines[-1]['orders']:,} orders,"
        f" {lines[-1]['trades']:,} trades, {lines[-1]['peak_rss_mb']:,.0f} MB"
        for lines in runs.values()
    )
    return "\n\n".join(
        (
            (
                f"{LINES:,} raw lines of six files (26,109 depth events with 1.44 million levels,"
                " 252,013 book tickers, 69,808 trades), one core, garbage collector on; a bid and"
                f" an ask put anew each second. Medians of {repeat} runs, each in a fresh process."
            ),
            table(("stage", "lines/s", "seconds", "lines per CPU second"), rows),
            f"Goal {_GOAL:,} lines/s: {'met' if speed >= _GOAL else '**not met**'}.",
            (
                f"Unpacking the files takes {unpacking:.2f} s more of ours and is inside the"
                " converter's time of hftbacktest, which converts once and may replay often. Its"
                " replay is compiled, books money in floats, fills orders in whole and checks no"
                " sequence numbers; ours is Python, exact, and matches at every line. Orders and"
                f" trades differ by the fill rules. {did}."
            ),
            (
                f"<details><summary>Where ours spends its time</summary>\n\n```\n{profile.strip()}"
                "\n```\n\n</details>"
            ),
            "Machine: " + "; ".join(f"{label} {value}" for label, value in about) + ".",
        )
    )
