"""The year: Bot Core, NautilusTrader, backtesting.py and backtrader over the same 525,600 bars.

All contestants run interleaved (A B C D, A B C D, …), each run in a fresh process of its own
environment, so that a slow minute of the machine falls on all of them. Orders and equity of each
are held against `reference.py`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import machine
import reference
from environments import interpreter_of
from results import Section, table
from tape import load_year

NAME = "year"
TITLE = "One year of 1-minute bars"
_HERE = Path(__file__).resolve().parent
_TIMEOUT_S = 900.0
_EQUITY_TOLERANCE_USDT = 0.01
_OURS = "Bot Core"
_TARGETS = {"NautilusTrader": 10.0, "backtesting.py": 2.0}


@dataclass(slots=True)
class Contestant:
    """A program to run, in our environment (``peer`` is None) or in the peer's own."""

    label: str
    module: str
    arguments: tuple[str, ...] = ()
    peer: str | None = None
    sizing: reference.Sizing = "one"
    family: str = ""  # contestants of one family are configurations of one product
    runs: list[dict[str, Any]] = field(default_factory=list)
    failure: str = ""

    def speeds(self) -> list[float]:
        """Return the bars per second of each run."""
        return [run["bars"] / run["seconds"] for run in self.runs]

    @property
    def speed(self) -> float:
        """Return the median bars per second."""
        return statistics.median(self.speeds())


def contestants() -> list[Contestant]:
    """Return the field, ours first, in the order of each round."""
    nautilus = "peers.nautilus"
    return [
        Contestant(_OURS, "botcore_year", family=_OURS),
        Contestant(
            "NautilusTrader, next open",
            nautilus,
            ("--fill", "next-open"),
            peer="nautilus",
            family="NautilusTrader",
        ),
        Contestant(
            "NautilusTrader, bars alone",
            nautilus,
            ("--fill", "close"),
            peer="nautilus",
            family="NautilusTrader",
        ),
        Contestant(
            "backtesting.py",
            "peers.backtesting_py",
            peer="backtesting_py",
            family="backtesting.py",
        ),
        Contestant("backtrader", "peers.backtrader_", peer="backtrader", family="backtrader"),
        Contestant(
            "Bot Core, 10 % of equity an entry",
            "botcore_year",
            ("--sizing", "tenth"),
            sizing="tenth",
        ),
    ]


def run(*, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
    """Run every contestant ``repeat`` times and return the section.

    ``only`` restricts the field to these modules, named without their package (all, where empty).
    """
    field_ = [c for c in contestants() if not only or c.module.rpartition(".")[2] in only]
    about = machine.describe()
    load_year()  # parsed once, before anything is measured
    pythons = {
        c.peer: interpreter_of(c.peer, say) if c.peer else Path(sys.executable) for c in field_
    }
    for round_ in range(1, repeat + 1):
        for contestant in field_:
            if not contestant.failure:
                _run_once(contestant, pythons[contestant.peer], f"{round_}/{repeat}", say)
    profile = _profile(say) if any(c.label == _OURS and c.runs for c in field_) else ""
    problems = tuple(f"{c.label} did not run: {c.failure}" for c in field_ if c.failure)
    return Section(NAME, TITLE, _body(field_, about, repeat, profile), problems)


def _run_once(
    contestant: Contestant, python: Path, round_: str, say: Callable[[str], None]
) -> None:
    command = [str(python), "-m", contestant.module, *contestant.arguments]
    try:
        done = subprocess.run(
            command,
            cwd=_HERE,  # modules are found from there, in every environment alike
            capture_output=True,
            text=True,
            check=True,
            timeout=_TIMEOUT_S,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        words = str(error.stderr or error).strip().splitlines()
        contestant.failure = words[-1] if words else "no output"
        say(f"{round_} {contestant.label}: failed: {contestant.failure}")
        return
    line = json.loads(done.stdout.splitlines()[-1])
    contestant.runs.append(line)
    speed = line["bars"] / line["seconds"]
    say(
        f"{round_} {contestant.label}: {speed:,.0f} bars/s, {line['seconds']:.2f} s, "
        f"{line['orders']:,} orders, equity {line['final_equity']:,.2f}"
    )


def _profile(say: Callable[[str], None]) -> str:
    say("profile of ours")
    command = [sys.executable, "-m", "botcore_year", "--profile"]
    done = subprocess.run(command, cwd=_HERE, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _body(field_: list[Contestant], about: list[tuple[str, str]], repeat: int, profile: str) -> str:
    ran = [c for c in field_ if c.runs]
    task = (
        "Real BTCUSDT 1-minute bars of 2022 (525,600), 10,000,000 USDT, long or flat, 1 BTC by "
        "EMA 10/30, market at the next open, 0.1 % fee, no decision in the first 29 bars, no "
        f"forced exit. Medians of {repeat} runs, interleaved, each in a fresh process; the time "
        "is that of the run call, without loading the data or building a peer's objects of it. "
        "Peak memory is the process's, its copy of the data included."
    )
    parts = [
        task,
        _speeds(ran),
        _agreement(ran),
        _ratios(ran),
        "Notes of each:\n\n"
        + "\n".join(f"- **{c.label}** {c.runs[0]['version']}: {c.runs[0]['notes']}" for c in ran),
        "Machine: " + "; ".join(f"{label} {value}" for label, value in about) + ".",
    ]
    if profile:
        parts.append(f"Profile of ours (cProfile, which slows it):\n\n```text\n{profile}\n```")
    return "\n\n".join(part for part in parts if part)


def _speeds(ran: list[Contestant]) -> str:
    rows = []
    for c in ran:
        seconds = [run["seconds"] for run in c.runs]
        rows.append(
            (
                c.label,
                f"{c.speed:,.0f}",
                f"{min(c.speeds()):,.0f}–{max(c.speeds()):,.0f}",
                f"{statistics.median(seconds):.2f}",
                f"{statistics.median(run['cpu_seconds'] for run in c.runs):.2f}",
                f"{1e6 * statistics.median(seconds) / c.runs[0]['bars']:.2f}",
                f"{statistics.median(run['peak_rss_mb'] for run in c.runs):,.0f}",
            )
        )
    head = ("contestant", "bars/s", "min–max", "seconds", "of CPU", "µs/bar", "peak MB")
    return table(head, rows)


def _agreement(ran: list[Contestant]) -> str:
    tape, rows, off = load_year(), [], []
    for c in ran:
        line = c.runs[0]
        expected = reference.replay(tape, fill=line["fill"], sizing=c.sizing)
        differs = line["final_equity"] - expected.final_equity
        rows.append(
            (
                c.label,
                f"{line['orders']:,}",
                f"{line['final_equity']:,.2f}",
                f"{expected.orders:,}",
                f"{expected.final_equity:,.2f}",
                f"{differs:+.4f}",
            )
        )
        if line["orders"] != expected.orders or abs(differs) > _EQUITY_TOLERANCE_USDT:
            off.append(c.label)
        if len({(run["orders"], run["final_equity"]) for run in c.runs}) > 1:
            off.append(f"{c.label} (its own runs differ)")
    head = (
        "contestant",
        "orders",
        "final equity",
        "float check orders",
        "its equity",
        "difference",
    )
    verdict = (
        f"**Not explained: {', '.join(off)}.**"
        if off
        else "All agree with the float check of their fill price (`reference.py`) to 0.01 USDT. "
        "NautilusTrader on bars alone fills at the deciding bar's close: the same orders, other "
        "prices."
    )
    return f"{table(head, rows)}\n\n{verdict}"


def _ratios(ran: list[Contestant]) -> str:
    ours = next((c for c in ran if c.label == _OURS), None)
    if ours is None:
        return ""
    best: dict[str, Contestant] = {}
    for c in ran:
        if c.peer and (c.family not in best or c.speed > best[c.family].speed):
            best[c.family] = c
    rows = []
    for family, c in best.items():
        ratio, target = ours.speed / c.speed, _TARGETS.get(family)
        verdict = "" if target is None else ("met" if ratio >= target else "**not met**")
        wanted = "" if target is None else f"≥ {target:g}"
        rows.append((c.label, f"{ratio:.1f}", wanted, verdict))
    return "Bot Core's bars per second to each peer's:\n\n" + table(
        ("peer", "ratio", "target", ""), rows
    )
