"""What a user waits for: the command line, the platform's start, the first fill, idle memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.support.local_header import local_header

import machine
from results import Section, table

NAME = "startup"
TITLE = "Start-up and idle memory"
_ROOT = Path(__file__).resolve().parents[1]
_IDLE_S = 20
_WAIT_S = 120


def run(*, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
    """Measure ``repeat`` times and return the section with the medians."""
    del only
    about = machine.describe()
    helps = [_help() for _ in range(repeat)]
    say(f"--help: {statistics.median(helps):.3f} s")
    starts = []
    for round_ in range(1, repeat + 1):
        starts.append(_start())
        say(f"{round_}/{repeat} {starts[-1]}")

    def middle(name: str) -> float:
        return statistics.median(each[name] for each in starts)

    rows = [
        ("`botcore --help`, s", f"{statistics.median(helps):.3f}", "0.3"),
        ("`up` on an installed machine to ready, s", f"{middle('ready_s'):.2f}", "5"),
        ("`up` to the first fill, s", f"{middle('fill_s'):.1f}", "65"),
        ("engine and page idle, MB together", f"{middle('memory_mb'):.0f}", "400"),
        ("with the supervisor and its view, MB", f"{middle('all_mb'):.0f}", ""),
    ]
    verdict = [(*row, "" if not row[2] else _met(float(row[1]), float(row[2]))) for row in rows]
    body = "\n\n".join(
        (
            (
                f"Medians of {repeat}, each on a fresh home. Memory is resident (RSS), {_IDLE_S} s "
                "after ready. Ready is `/readyz` answering 200."
            ),
            table(("what", "measured", "goal below", ""), verdict),
            "Machine: " + "; ".join(f"{label} {value}" for label, value in about) + ".",
        )
    )
    return Section(NAME, TITLE, body)


def _met(value: float, limit: float) -> str:
    return "met" if value < limit else "**not met**"


def _help() -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "botcore", "--help"], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - began


def _start() -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "BOTCORE_HOME": folder, "BOTCORE_PORT": "0"}
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "botcore", "up", "--headless", "--no-browser"],
            env=env,
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            url = _until(lambda: json.loads((Path(folder) / "run.json").read_text())["url"])
            _until(lambda: _get(url + "readyz"))
            ready = time.perf_counter() - began
            token = (Path(folder) / "token").read_text().strip()
            view = _until(lambda: _filled(url, token))
            filled = time.perf_counter() - began
            time.sleep(max(0.0, _IDLE_S - (filled - ready)))
            engine = int(view["engine_pid"])
            children = _children(process.pid)
            own = [_rss_mb(pid) for pid in children]
            return {
                "ready_s": ready,
                "fill_s": filled,
                "memory_mb": sum(own),
                "all_mb": sum(own) + _rss_mb(process.pid),
                "engine_mb": _rss_mb(engine),
            }
        finally:
            process.terminate()
            process.wait(timeout=60)


def _until(ask: Callable[[], object]) -> object:
    deadline = time.perf_counter() + _WAIT_S
    while time.perf_counter() < deadline:
        try:
            found = ask()
        except (OSError, ValueError, KeyError):
            found = None
        if found:
            return found
        time.sleep(0.02)
    raise TimeoutError("the platform did not get there")


def _get(url: str, token: str = "") -> bytes:
    request = urllib.request.Request(url)  # noqa: S310  # the page's own http address
    if token:
        request.add_header("Authorization", local_header(url, token))
    with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
        return bytes(answer.read())


def _filled(url: str, token: str) -> dict[str, object] | None:
    view = json.loads(_get(url + "view.json", token))
    return view if view["fills"] else None


def _children(pid: int) -> list[int]:
    task = Path(f"/proc/{pid}/task")
    found = []
    for thread in task.iterdir():
        found += [int(word) for word in (thread / "children").read_text().split()]
    return found


def _rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0
