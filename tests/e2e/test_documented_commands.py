"""Whoever types what the pages show gets what they promise."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from botcore.cli.areas import AREAS

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(f"docs/how-to/{p.name}" for p in (ROOT / "docs/how-to").glob("*.md"))]
GROUPS = {"data", "strategy", *AREAS}
OF_THE_LAUNCHER = {"test", "check", "help"}
ENDS_BY_ITSELF = {
    *("backtest", "replay", "parity", "strategy", "doctor", "status", "--help", "--version")
}


def _blocks(page: str, language: str) -> list[str]:
    text = (ROOT / page).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def _commands(page: str) -> list[str]:
    """Return the `./bot` commands of a page's shell blocks, without comments."""
    lines = [
        line.split("  #")[0].strip() for each in _blocks(page, "sh") for line in each.split("\n")
    ]
    lines = [re.sub(r"^(?:BOTCORE_\w+=\S+ )+", "", line) for line in lines]
    return [line for line in lines if line.startswith("./bot ")]


def _botcore(
    arguments: list[str], home: Path, *, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "botcore", *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "BOTCORE_HOME": str(home),
            "BOTCORE_PORT": "0",
            "COLUMNS": "100",
            "BROWSER": "true",
        },
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


EVERY = sorted({(page, command) for page in PAGES for command in _commands(page)})


@pytest.mark.e2e
@pytest.mark.parametrize("verb", sorted({shlex.split(command)[1] for _, command in EVERY}))
def test_every_option_a_page_shows_is_one(verb: str, tmp_path: Path) -> None:
    if verb in OF_THE_LAUNCHER or verb.startswith("-"):
        pytest.skip("the launcher's own")
    typed = [shlex.split(command) for _, command in EVERY if shlex.split(command)[1] == verb]
    words = {word.partition("=")[0] for each in typed for word in each if word.startswith("--")}

    shown = _botcore([verb, "--help"], tmp_path).stdout
    for inner in sorted({each[2] for each in typed if verb in GROUPS and len(each) > 2}):
        shown += _botcore([verb, inner, "--help"], tmp_path).stdout

    assert shown.startswith("Usage: botcore")
    assert sorted(word for word in words if word not in shown) == []


def _ending(page: str) -> list[list[str]]:
    """Return the words of a page's commands that end by themselves, in its order."""
    split = [
        shlex.split(re.sub(r"--bars \d+", "--bars 3000", command), comments=True)[1:]
        for command in _commands(page)
    ]
    return [words for words in split if words[0] in ENDS_BY_ITSELF]


@pytest.mark.e2e
@pytest.mark.timeout(240)
@pytest.mark.parametrize("page", [page for page in PAGES if _ending(page)])
def test_the_commands_of_a_page_do_what_it_says_one_after_the_other(
    page: str, tmp_path: Path
) -> None:
    for words in _ending(page):
        done = _botcore(words, tmp_path)

        assert done.returncode == (3 if words[0] == "status" else 0), f"{words}: {done.stderr}"
        assert "Traceback" not in done.stderr
        if words[0] == "backtest" and words[1] not in ("list", "show", "compare"):
            assert "SIMULATED MARKET" in done.stdout
            assert "fingerprint" in done.stdout


@pytest.mark.e2e
@pytest.mark.parametrize("words", [["--help"], ["--version"]])
@pytest.mark.requirement("SCRIPT any other verb goes to botcore")
def test_the_launcher_answers_and_hands_on(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "bot", *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert ("./bot VERB" if words == ["--help"] else "botcore 0.") in done.stdout


@pytest.mark.e2e
@pytest.mark.requirement("SCRIPT scripts/bot.sh")
def test_the_script_calls_the_launcher() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "bot.sh", "help"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    assert "./bot VERB" in done.stdout


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("page", "number"),
    [(page, number) for page in PAGES for number in range(len(_blocks(page, "python")))],
)
def test_a_python_block_runs(page: str, number: int, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _blocks(page, "python")[number]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "BOTCORE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    if page == "README.md":
        trips = re.search(r"^round trips\s+(\d+)$", done.stdout, re.MULTILINE)
        assert trips
        assert int(trips[1]) > 0


@pytest.mark.e2e
@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page, "toml")])
def test_the_settings_a_page_shows_are_taken(page: str, tmp_path: Path) -> None:
    for block in _blocks(page, "toml"):
        (tmp_path / "settings.toml").write_text(block)

        done = _botcore(["status"], tmp_path)

        assert done.returncode == 3, done.stderr


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.requirement("SCRIPT start --detach --memory-optimized")
@pytest.mark.requirement("SCRIPT secrets make themselves")
def test_a_day_goes_as_the_readme_says(tmp_path: Path) -> None:
    (day,) = [block for block in _blocks("README.md", "sh") if "start --detach" in block]
    verbs = [shlex.split(line.split("  #")[0])[1:] for line in day.strip().split("\n")]
    said = {}

    try:
        for words in verbs:
            extra = ["--memory-optimized"] if words[0] == "start" else []
            extra += ["--yes"] if words[0] in ("clean", "resume") else []
            given = [word for word in words if word != "--follow"]
            done = _botcore([*given, *extra], tmp_path)
            said[words[0]] = done.stdout
            assert done.returncode == 0, (words, done.stdout, done.stderr)
            if words[0] == "status":
                assert (tmp_path / "token").stat().st_mode & 0o077 == 0
    finally:
        _botcore(["stop"], tmp_path)

    assert "page      http://127.0.0.1:" in said["start"]
    assert "SIMULATED MARKET" in said["status"]
    assert "engine_ready" in said["logs"]
    assert "HALT" in said["kill"]
    assert "NORMAL" in said["resume"]
    assert "orders, positions and cash are kept" in said["stop"]
    assert "all is well" in said["doctor"]
    assert "deleted" in said["clean"]
