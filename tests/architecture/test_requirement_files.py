"""What is installed is pinned, hashed, from no named host, and what pyproject.toml asks for."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "requirements").glob("*.txt"))
BASE = ROOT / "requirements" / "base.txt"
DEV = ROOT / "requirements" / "dev.txt"


def _entries(path: Path) -> list[str]:
    text = "\n".join(
        line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")
    )
    return [entry for entry in text.replace("\\\n", " ").splitlines() if entry.strip()]


def _pins(path: Path) -> dict[str, set[str]]:
    pins: dict[str, set[str]] = {}
    for entry in _entries(path):
        requirement = Requirement(entry.split(" --hash=")[0].strip())
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        pins.setdefault(canonicalize_name(requirement.name), set()).add(specifier.version)
    return pins


def _project() -> dict[str, list[str]]:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text())
    return {"base": data["project"]["dependencies"], "dev": data["dependency-groups"]["dev"]}


def test_the_three_lists_are_there() -> None:
    assert [path.name for path in FILES] == ["base.txt", "dev.txt", "uv.txt"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_package_is_pinned_with_its_hashes(path: Path) -> None:
    entries = _entries(path)

    assert entries
    assert all(
        re.match(r"[\w.\[\]-]+==[\w.+!-]+( ; [^\\]+?)? ( *--hash=sha256:[0-9a-f]{64})+ *$", entry)
        for entry in entries
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_list_names_a_host_or_a_file(path: Path) -> None:
    text = path.read_text()

    assert "://" not in text
    assert not re.search(r"^\s*(-e|-f|-i|--index|--extra|--find)", text, re.MULTILINE)


@pytest.mark.parametrize(("need", "path"), [("base", BASE), ("dev", DEV)])
def test_the_lists_hold_what_the_project_asks_for(need: str, path: Path) -> None:
    pins = _pins(path)

    for text in _project()[need]:
        requirement = Requirement(text)
        versions = pins.get(canonicalize_name(requirement.name), set())
        assert versions, f"{requirement.name} is not in {path.name}: run scripts/lock.sh"
        assert all(requirement.specifier.contains(version) for version in versions), text


def test_the_tools_stand_on_the_versions_the_platform_runs_with() -> None:
    base, dev = _pins(BASE), _pins(DEV)

    assert {name: versions for name, versions in base.items() if dev.get(name) != versions} == {}


def test_the_platform_installs_none_of_the_tools() -> None:
    assert not {"pytest", "hypothesis", "ruff", "mypy", "torch"} & _pins(BASE).keys()
