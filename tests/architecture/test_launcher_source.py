"""`bot` runs on a machine that has only Python: its text says so."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOT = ROOT / "bot"


@pytest.mark.requirement("SCRIPT up", "SCRIPT test", "SCRIPT check")
def test_bot_is_executable_and_finds_python_by_the_path() -> None:
    assert os.access(BOT, os.X_OK)
    assert BOT.read_text().startswith("#!/usr/bin/env python3\n")


def test_bot_imports_the_standard_library_only() -> None:
    tree = ast.parse(BOT.read_text())

    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported
    assert imported <= sys.stdlib_module_names


def test_an_old_python_can_read_bot_to_be_told_that_it_is_old() -> None:
    ast.parse(BOT.read_text(), feature_version=(3, 7))


def test_the_version_is_asked_before_anything_new_is_imported() -> None:
    body = ast.parse(BOT.read_text()).body

    asked = next(i for i, node in enumerate(body) if isinstance(node, ast.If))
    before = [ast.unparse(node) for node in body[1:asked]]

    assert before == ["import os", "import shutil", "import subprocess", "import sys"]


@pytest.mark.parametrize("script", ["scripts/bot.sh", "scripts/lock.sh", ".ci/run"])
def test_scripts_are_executable(script: str) -> None:
    assert os.access(ROOT / script, os.X_OK)
