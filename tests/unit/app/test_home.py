"""A home: what processes with secrets write into it is nobody else's to read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.modes import others_may

from botcore.app.home import Home, RunInfo

_WRITES = """
import os, resource, sys
from pathlib import Path
from botcore.app.oneself import keep_to_oneself
keep_to_oneself()
Path(sys.argv[1], "engine.db").write_bytes(b"")
Path(sys.argv[1], "tape").mkdir()
print(resource.getrlimit(resource.RLIMIT_CORE)[0])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="modes and core files are POSIX's")
def test_files_in_a_home_that_others_can_open_are_still_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    ran = subprocess.run(  # this interpreter
        [sys.executable, "-c", _WRITES, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == "0"
    assert (tmp_path / "engine.db").stat().st_mode & 0o077 == 0
    assert (tmp_path / "tape").stat().st_mode & 0o077 == 0


_NOTHING_RUNS = [
    ["user", "list", "--json"],
    ["settings", "list"],
    ["strategy", "list"],
    ["backtest", "run", "ema-cross", "--market", "demo", "--bars", "2000"],
    ["doctor"],
]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_the_command_line_makes_nothing_that_others_can_open_where_nothing_runs(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    told = "import os, sys; os.umask(0); from botcore.cli import main; main()"

    for words in _NOTHING_RUNS:
        ran = subprocess.run(  # this interpreter
            [sys.executable, "-c", told, *words],
            env={**os.environ, "BOTCORE_HOME": str(home)},
            capture_output=True,
            check=False,
        )
        assert ran.returncode == 0, (words, ran.stderr)

    assert len(list(home.iterdir())) > 3
    assert others_may(home) == []


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_a_program_that_opens_a_home_makes_it_its_owner_s_whatever_its_umask(
    tmp_path: Path,
) -> None:
    before = os.umask(0)
    try:
        home = Home(tmp_path / "home", "tape")
        home.write_run_info(
            RunInfo(pid=1, url="", started_wall_ns=0, events="", commands="", port=1)
        )
        home.token()
    finally:
        os.umask(before)

    assert others_may(home.path) == []
