"""A home: what processes with secrets write into it is nobody else's to read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_WRITES = """
import os, resource, sys
from pathlib import Path
from botcore.app.home import keep_to_oneself
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
