"""What a newcomer reads exists, agrees with the code, and names commands that are there."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import botcore

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
KINDS = {"added", "changed", "fixed", "removed", "safety"}


def _read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _verbs_of_bot() -> set[str]:
    done = subprocess.run(
        [sys.executable, ROOT / "bot", "help"], capture_output=True, text=True, check=True
    )
    return set(re.findall(r"^  ([a-z]+) {2,}", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("name", [*PAGES, "LICENSE", "changes/README.md"])
def test_the_page_is_there(name: str) -> None:
    assert len(_read(name)) > 300


def test_the_licence_is_apache_2() -> None:
    text = _read("LICENSE")

    assert "Apache License" in text
    assert "9. Accepting Warranty or Additional Liability." in text
    assert tomllib.loads(_read("pyproject.toml"))["project"]["license"] == "Apache-2.0"


def test_the_launcher_knows_every_verb_of_the_contract() -> None:
    contract = "up dev start stop restart status logs clean open test check"

    assert _verbs_of_bot() == set(contract.split())


def test_the_readme_names_the_two_commands() -> None:
    text = _read("README.md")

    assert "./bot up" in text
    assert "./bot test" in text


@pytest.mark.parametrize("name", PAGES)
def test_every_command_that_a_page_names_exists(name: str) -> None:
    named = set(re.findall(r"\./bot ([a-z][a-z-]+)", _read(name)))
    unknown = named - _verbs_of_bot()

    cli = ROOT / "src" / "botcore" / "cli"
    if unknown and cli.is_dir():
        help_text = subprocess.run(
            [sys.executable, "-m", "botcore", "--help"],
            env={"PYTHONPATH": str(ROOT / "src"), "COLUMNS": "120"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        unknown -= set(re.findall(r"\b([a-z][a-z-]+)\b", help_text))

    assert not unknown


def test_one_version_is_named_everywhere() -> None:
    project = tomllib.loads(_read("pyproject.toml"))["project"]["version"]
    newest = re.search(r"^## \[(\d\S*)\]", _read("CHANGELOG.md"), re.MULTILINE)
    image = re.search(r"image: botcore:(\S+)", _read("compose.yaml"))

    assert newest
    assert image
    assert {botcore.__version__, newest[1], image[1]} == {project}


def test_change_fragments_have_a_kind_and_a_sentence() -> None:
    for path in (ROOT / "changes").glob("*.md"):
        if path.name == "README.md":
            continue
        assert path.name.count(".") == 2, f"{path.name} is not <slug>.<kind>.md"
        assert path.name.split(".")[1] in KINDS, path.name
        assert path.read_text("utf-8").strip().endswith((".", "!")), path.name
