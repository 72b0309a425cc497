"""The peers' environments: one venv each outside the repository, hash-pinned, made when missing.

An environment carries the digest of the requirement file it was made from; a changed file or an
interrupted installation makes it anew.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tape import cache_root

_REQUIREMENTS = Path(__file__).resolve().parent / "requirements"
_STAMP = "requirements.sha256"


def interpreter_of(peer: str, say: Callable[[str], None]) -> Path:
    """Return the peer's interpreter, making its environment first where needed.

    Raises:
        FileExistsError: if something else lies where the environment belongs.
        subprocess.CalledProcessError: if the installation fails (its own output is shown).
    """
    home = cache_root() / "environments" / peer
    requirements = _REQUIREMENTS / f"{peer}.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    stamp = home / _STAMP
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if stamp.exists() and stamp.read_text() == digest and python.exists():
        return python
    say(f"{peer}: making its environment in {home}")
    _remove(home)
    _install(home, python, requirements)
    stamp.write_text(digest)
    return python


def _remove(home: Path) -> None:
    if not home.exists():
        return
    if not (home / "pyvenv.cfg").exists():  # the cache's place is the user's to choose
        raise FileExistsError(f"{home} is not an environment made here; move it away")
    shutil.rmtree(home)


def _install(home: Path, python: Path, requirements: Path) -> None:
    uv = _uv()
    if uv is not None:
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(home))
        install = [uv, "pip", "install", "--python", str(python)]
    else:
        _run(sys.executable, "-m", "venv", str(home))
        install = [str(python), "-m", "pip", "install"]
    _run(*install, "--require-hashes", "-r", str(requirements))


def _uv() -> str | None:
    beside = Path(sys.executable).parent / "uv"
    return str(beside) if beside.exists() else shutil.which("uv")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
