"""The container files and shell scripts pass their linters and keep what their heads promise."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SHELL = [".ci/run", *(path.relative_to(ROOT).as_posix() for path in ROOT.glob("scripts/*.sh"))]


def _tool(name: str) -> str:
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:  # its wheel exists for Linux on x86-64 only
        pytest.skip(f"{name} has no wheel for this machine")
    return found


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text()


def _service() -> dict[str, Any]:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    (service,) = compose["services"].values()
    assert isinstance(service, dict)
    return service


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    _run(_tool("hadolint"), "Dockerfile")


def test_shellcheck_finds_nothing_in_the_scripts() -> None:
    _run(_tool("shellcheck"), *SHELL)


def test_yamllint_finds_nothing_in_our_yaml() -> None:
    files = [path.name for path in ROOT.glob("*.yaml")]
    _run(sys.executable, "-m", "yamllint", "--strict", *files)


def test_the_image_does_not_run_as_root() -> None:
    last_stage = _dockerfile().rsplit("\nFROM ", 1)[1]

    user = re.findall(r"^USER (\S+)", last_stage, re.MULTILINE)

    assert user
    assert user[-1] not in {"root", "0", "0:0"}


def test_the_image_installs_hashed_wheels_only() -> None:
    installs = re.findall(r"pip\S* install .*", _dockerfile())

    assert installs
    assert all("--require-hashes" in line and "--only-binary :all:" in line for line in installs)


def test_the_image_holds_the_python_that_the_lists_are_made_for() -> None:
    bases = set(re.findall(r"^FROM (\S+)", _dockerfile(), re.MULTILINE))

    assert bases == {"python:3.11-slim"}
    assert "python3.11/site-packages" in _dockerfile()


def test_the_example_of_the_environment_is_what_the_settings_say() -> None:
    settings = pytest.importorskip("botcore.app.settings", reason="no settings yet")
    example = ROOT / ".env.example"

    assert example.exists(), "write settings.env_example() to .env.example"
    assert example.read_text() == settings.env_example()


def test_the_image_sets_only_settings_that_exist() -> None:
    named = set(re.findall(r"\b(BOTCORE_[A-Z_]+)=", _dockerfile()))
    example = ROOT / ".env.example"
    if not example.exists():
        pytest.skip("the settings are not written yet")

    assert named
    assert named <= set(re.findall(r"\b(BOTCORE_[A-Z_]+)=", example.read_text()))


@pytest.mark.requirement("NUM probes")
def test_the_image_is_asked_whether_it_lives() -> None:
    check = re.search(r"^HEALTHCHECK (.*?)\n[A-Z]", _dockerfile(), re.MULTILINE | re.DOTALL)

    assert check
    assert "/livez" in check[1]
    for option in ("--interval=30s", "--timeout=10s", "--retries=3"):
        assert option in check[1]


def test_what_the_image_copies_is_let_through() -> None:
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(\S+)", _dockerfile(), re.MULTILINE)

    assert ignored[0] == "*"
    assert copied
    for path in copied:
        assert f"!{path}" in ignored
        assert (ROOT / path).exists()


def test_compose_publishes_on_loopback_only() -> None:
    assert _service()["ports"] == ["127.0.0.1:8080:8080"]


@pytest.mark.requirement("TC-DEPLOY-001")
def test_compose_keeps_the_state_in_a_named_volume() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    home = re.search(r"BOTCORE_HOME=(\S+)", _dockerfile())
    assert home

    volume, _, target = _service()["volumes"][0].partition(":")

    assert target == home[1]
    assert volume in compose["volumes"]


@pytest.mark.requirement("TC-DEPLOY-003")
def test_compose_gives_the_service_limits_and_no_rights() -> None:
    service = _service()

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"] == "1g"
    assert "privileged" not in service


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml"])
def test_the_head_says_what_was_checked(name: str) -> None:
    head = "\n".join((ROOT / name).read_text().splitlines()[:8])

    assert "Checked:" in head
    assert "ot checked:" in head
