"""Recorded markets as a user meets them: bring them in, read a year, run backtests on them."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import machine
from results import Section, table

NAME = "real-data"
TITLE = "Recorded markets: import, catalogue, backtests, parser"
_HERE = Path(__file__).resolve().parent
_DATA = Path(os.environ.get("BOTCORE_DATA") or _HERE.parents[1] / "shared" / "data")
_ALL = ("rsi", "macd", "bollinger", "volume-breakout", "ema-cross", "ensemble")
_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
_MB = 1024 * 1024


def run(*, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
    """Measure ``repeat`` times and return the section with the medians."""
    del only
    about = machine.describe()
    archives = _DATA / "binance-spot-1m"
    if not archives.is_dir():
        problem = f"{archives} does not exist (BOTCORE_DATA names the folder)"
        return Section(NAME, TITLE, problem, (problem,))
    imports, years, everything, parsers = [], [], [], []
    with tempfile.TemporaryDirectory() as home:
        _botcore(home, "data", "import", str(archives), "--yes")
        for round_ in range(1, repeat + 1):
            imports.append(json.loads(_python("data_import.py")))
            say(f"{round_}/{repeat} {imports[-1]}")
            years.append(_backtest(home, ("ema-cross",), _SYMBOLS[:1], "--to", "2023-01-01"))
            say(f"{round_}/{repeat} a year: {years[-1]}")
            everything.append(_backtest(home, _ALL, _SYMBOLS, "--allow-gaps"))
            say(f"{round_}/{repeat} 18 months, 3 instruments, 6 strategies: {everything[-1]}")
            parsers.append(json.loads(_python("parser.py", "--repeat", "1")))
    body = _body(imports, years, everything, parsers, repeat=repeat, about=about)
    return Section(NAME, TITLE, body)


def _body(
    imports: Sequence[dict[str, float]],
    years: Sequence[dict[str, float]],
    everything: Sequence[dict[str, float]],
    parsers: Sequence[dict[str, dict[str, float]]],
    *,
    repeat: int,
    about: Sequence[tuple[str, str]],
) -> str:
    def middle(runs: Sequence[dict[str, float]], name: str) -> float:
        return statistics.median(each[name] for each in runs)

    core = statistics.median(each["spot"]["core_frac_at_15000_per_s"] for each in parsers)
    rows = [
        ("import of 2,358,479 candles, s", f"{middle(imports, 'seconds'):.1f}", 20.0),
        ("its peak memory, MB", f"{middle(imports, 'peak_mb'):.0f}", 1024.0),
        ("the same import again, s", f"{middle(imports, 'again_seconds'):.2f}", None),
        (
            "a year of minutes from the catalogue to arrays, ms",
            f"{middle(imports, 'year_to_arrays_ms'):.0f}",
            100.0,
        ),
        (
            "backtest of a year of minutes, whole command, s",
            f"{middle(years, 'seconds'):.1f}",
            None,
        ),
        ("its peak memory, MB", f"{middle(years, 'peak_mb'):.0f}", 1024.0),
        ("its report.html, MB", f"{middle(years, 'page_mb'):.2f}", 3.0),
        (
            "18 months × 3 instruments × 6 strategies, whole command, s",
            f"{middle(everything, 'seconds'):.1f}",
            60.0,
        ),
        ("its peak memory, MB", f"{middle(everything, 'peak_mb'):.0f}", None),
        ("parser at 15,000 messages/s of a live mix, % of a core", f"{100 * core:.1f}", 30.0),
    ]
    told = [
        (what, value, "" if goal is None else f"{goal:g}", _met(float(value), goal))
        for what, value, goal in rows
    ]
    return "\n\n".join(
        (
            (
                f"Real Binance spot candles of 2022-01 to 2023-06 and recorded frames. Medians of"
                f" {repeat}, each in a fresh process. A backtest is the whole command: imports,"
                " reading, playing, report, page and trace. Import and reading time the call."
            ),
            table(("what", "measured", "goal below", ""), told),
            "Machine: " + "; ".join(f"{label} {value}" for label, value in about) + ".",
        )
    )


def _met(value: float, limit: float | None) -> str:
    if limit is None:
        return ""
    return "met" if value < limit else "**not met**"


def _backtest(
    home: str, strategies: Sequence[str], symbols: Sequence[str], *more: str
) -> dict[str, float]:
    words = [word for name in symbols for word in ("--instrument", f"{name}.BINANCE")]
    began = time.perf_counter()
    usage = _botcore(home, "backtest", *strategies, *words, "--from", "2022-01-01", *more)
    seconds = time.perf_counter() - began
    newest = sorted(Path(home, "runs").iterdir())[-1]
    page = (newest / "report.html").stat().st_size / _MB
    return {"seconds": seconds, "peak_mb": usage / 1024, "page_mb": page}


def _botcore(home: str, *words: str) -> int:
    """Run a verb; return its peak memory, KiB."""
    process = subprocess.Popen(
        [sys.executable, "-m", "botcore", *words, "--home", home],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise RuntimeError(f"botcore {' '.join(words)} failed")
    return usage.ru_maxrss


def _python(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words], cwd=_HERE, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()[-1]
