"""The rooms' import contracts hold, and each of them would notice a breach."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = "from importlinter.cli import lint_imports_command as run; run()"


def _lint(root: Path, source: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, "--no-cache", "--config", str(ROOT / "pyproject.toml")],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(source), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A small tree of rooms that keeps every contract."""
    rooms = {
        "domain/money.py": "",
        "kernel/bus.py": "import zmq\nfrom botcore.domain import money\n",
        "learning/training.py": "import torch\nfrom botcore.kernel import bus\n",
        "risk/gate.py": "from botcore.kernel import bus\n",
        "execution/orders.py": "from botcore.domain import money\n",
        "engine/pipeline.py": "from botcore.risk import gate\n",
        "venues/live/binance.py": "import aiohttp\nfrom botcore.engine import pipeline\n",
        "storage/journal.py": "import sqlalchemy\nfrom botcore.engine import pipeline\n",
        "control/commands.py": "from botcore.engine import pipeline\n",
        "api/server.py": "import starlette\nfrom botcore.control import commands\n",
        "app/compose.py": (
            "import uvicorn\nfrom botcore.api import server\nfrom botcore.storage import journal\n"
            "from botcore.venues.live import binance\n"
        ),
        "cli/up.py": "from botcore.app import compose\n",
    }
    package = tmp_path / "botcore"
    for name, text in rooms.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for folder in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (folder / "__init__.py").touch()
    return tmp_path


@pytest.mark.requirement("TC-ARCH-001")
def test_every_import_contract_is_kept() -> None:
    done = _lint(ROOT, ROOT / "src")

    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


def test_a_tree_that_keeps_the_contracts_passes(house: Path) -> None:
    done = _lint(house, house)

    assert done.returncode == 0, done.stdout


BREACHES = [
    ("domain/money.py", "import botcore.kernel.bus", "botcore.domain.money -> botcore.kernel.bus"),
    ("risk/gate.py", "import botcore.execution.orders", "risk.gate -> botcore.execution.orders"),
    ("api/server.py", "import botcore.app.compose", "api.server -> botcore.app.compose"),
    (
        "control/commands.py",
        "import botcore.storage.journal",
        "commands -> botcore.storage.journal",
    ),
    ("cli/up.py", "from botcore.storage import journal", "cli.up -> botcore.storage.journal"),
    ("cli/up.py", "import botcore.venues.live.binance", "cli.up -> botcore.venues.live.binance"),
    ("risk/gate.py", "import torch", "botcore.risk.gate -> torch"),
    ("control/commands.py", "import starlette", "botcore.control.commands -> starlette"),
    ("engine/pipeline.py", "import sqlite3", "botcore.engine.pipeline -> sqlite3"),
    ("engine/pipeline.py", "import aiohttp", "botcore.engine.pipeline -> aiohttp"),
    ("execution/orders.py", "def f():\n    import socket", "execution.orders -> socket"),
    ("risk/gate.py", "import zmq", "botcore.risk.gate -> zmq"),
]


def test_every_breach_is_named(house: Path) -> None:
    for file, breach, _ in BREACHES:
        with (house / "botcore" / file).open("a") as out:
            out.write(f"{breach}\n")

    done = _lint(house, house)

    assert done.returncode == 1
    assert [named for _, _, named in BREACHES if named not in done.stdout] == [], done.stdout


def test_a_room_that_the_plan_does_not_know_is_refused(house: Path) -> None:
    room = house / "botcore" / "helpers"
    room.mkdir()
    (room / "__init__.py").touch()

    done = _lint(house, house)

    assert done.returncode == 1
    assert "botcore.helpers" in done.stdout


def test_a_cycle_inside_a_room_is_found(house: Path) -> None:
    room = house / "botcore" / "risk"
    (room / "limits.py").write_text("from botcore.risk import sizing\n")
    (room / "sizing.py").write_text("from botcore.risk import limits\n")
    shutil.rmtree(room / "__pycache__", ignore_errors=True)

    done = _lint(house, house)

    assert "No cycles at any depth BROKEN" in done.stdout
