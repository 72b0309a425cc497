"""The machine and the code a result came from: what a reader needs to judge a number."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

_REPOSITORY = Path(__file__).resolve().parents[1]


def describe() -> list[tuple[str, str]]:
    """Return label and value pairs: processor, cores, memory, system, Python, commit, date."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return [
        ("processor", _processor()),
        ("cores", str(os.cpu_count())),
        ("memory", _memory()),
        ("kernel", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("commit", _commit()),
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("load before", f"{load:.2f}"),
    ]


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return "unknown"
    return f"{total / 2**30:.1f} GiB"


def _commit() -> str:
    git = shutil.which("git")
    if git is None:
        return "unknown"
    head = _git(git, "rev-parse", "--short=12", "HEAD")
    changed = _git(git, "status", "--porcelain", "--untracked-files=no", "--", "src")
    return head + (" with uncommitted changes in src" if changed else "")


def _git(git: str, *arguments: str) -> str:
    command = [git, "-C", str(_REPOSITORY), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
