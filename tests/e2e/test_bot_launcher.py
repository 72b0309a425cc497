"""`bot` sets up a checkout, goes on after an interruption, and hands over to the platform."""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest
import typer

ROOT = Path(__file__).resolve().parents[2]


def _load() -> Any:
    loader = SourceFileLoader("bot_launcher", str(ROOT / "bot"))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


class FakeInstaller:
    """Stands for venv, pip and uv: leaves what they leave, fails or is interrupted on demand."""

    def __init__(self, bot: Any) -> None:
        self._bot = bot
        self.steps: list[str] = []
        self.commands: list[list[str]] = []
        self.failures: dict[str, str] = {}
        self.interrupt_at = ""
        self.is_stamped_early = False

    def __call__(
        self, command: Sequence[str], home: Any, _progress: Any, describe: Callable[[str], str]
    ) -> tuple[int, str]:
        """Take the place of `run`."""
        step = self._name(command)
        self.steps.append(step)
        self.commands.append(list(command))
        self.is_stamped_early |= home.is_ready("base") or home.is_ready("dev")
        if step == "venv":
            _fake_python(home.venv, "exit 0")
        if step == self.interrupt_at:
            raise KeyboardInterrupt
        if step in self.failures:
            return 1, self.failures[step]
        site = home.venv / "lib" / "python3.11" / "site-packages"
        if step in {"uv base", "pip base", "uv dev", "pip dev"}:
            info = site / "thing-1.0.dist-info"
            info.mkdir(exist_ok=True)
            (info / "RECORD").touch()
        describe("Downloading thing")
        return 0, ""

    @staticmethod
    def _name(command: Sequence[str]) -> str:
        if "venv" in command:
            return "venv"
        tool = command[2]
        return f"{tool} {Path(command[command.index('-r') + 1]).stem}"


def _fake_python(venv: Path, body: str) -> None:
    (venv / "bin").mkdir(parents=True, exist_ok=True)
    (venv / "lib" / "python3.11" / "site-packages").mkdir(parents=True, exist_ok=True)
    python = venv / "bin" / "python"
    python.write_text(f"#!/bin/sh\n{body}\n")
    python.chmod(0o755)


@pytest.fixture(autouse=True)
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what the launcher, run in this process, says of itself."""
    monkeypatch.setenv("BOTCORE_PROGRAM", "")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with the real launcher and short lists."""
    root = tmp_path / "a checkout"
    (root / "requirements").mkdir(parents=True)
    (root / "src" / "botcore").mkdir(parents=True)
    shutil.copy(ROOT / "bot", root / "bot")
    for name in ("base", "dev", "uv"):
        (root / "requirements" / f"{name}.txt").write_text(f"{name}thing==1.0 --hash=sha256:0\n")
    return root


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The launcher as a module, with a fake installer and a `become` that comes back."""
    module = _load()
    module.installer = FakeInstaller(module)
    module.became = []
    monkeypatch.setattr(module, "run", module.installer)
    monkeypatch.setattr(module, "become", lambda _home, words: module.became.append(words))
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(module.signal, "signal", lambda *_: before)
    return module


def _launch(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, checkout / "bot", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "BOTCORE_DATA": str(checkout), **environment},
    )


def _ready(checkout: Path, body: str, need: str = "dev") -> None:
    """Make the checkout look set up, with a Python that does `body`."""
    home = _load().Checkout(checkout)
    _fake_python(home.venv, body)
    home.write_stamp(need)


# ---- setting up


def test_a_fresh_checkout_is_set_up_and_stamped_last(bot: Any, checkout: Path) -> None:
    bot.main(["up"], checkout)

    assert bot.installer.steps == ["venv", "pip uv", "uv base"]
    assert not bot.installer.is_stamped_early
    assert bot.Checkout(checkout).is_ready("base")
    assert bot.became == [["-m", "botcore", "up"]]


def test_the_sources_are_put_on_the_path_without_a_build(bot: Any, checkout: Path) -> None:
    bot.main(["up"], checkout)

    site = checkout / ".venv" / "lib" / "python3.11" / "site-packages"
    assert (site / "botcore-checkout.pth").read_text() == f"{checkout}/src\n"
    assert "-m botcore" in (checkout / ".venv" / "bin" / "botcore").read_text()


def test_every_install_asks_for_hashes_and_wheels(bot: Any, checkout: Path) -> None:
    bot.main(["up"], checkout)

    installs = [command for command in bot.installer.commands if "install" in command]
    assert len(installs) == 2
    assert all("--require-hashes" in command for command in installs)
    assert all(command[command.index("--only-binary") + 1] == ":all:" for command in installs)


def test_a_second_start_installs_nothing(bot: Any, checkout: Path) -> None:
    bot.main(["up"], checkout)
    bot.installer.steps.clear()

    bot.main(["status"], checkout)

    assert bot.installer.steps == []


def test_the_tools_are_added_when_tests_ask_for_them(bot: Any, checkout: Path) -> None:
    bot.main(["up"], checkout)
    bot.installer.steps.clear()

    bot.ensure(bot.Checkout(checkout), "dev")

    assert bot.installer.steps == ["pip uv", "uv dev"]
    assert bot.Checkout(checkout).is_ready("base")


@pytest.mark.parametrize("at", ["pip uv", "uv base"])
def test_an_interrupted_install_goes_on_in_the_same_environment(
    bot: Any, checkout: Path, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.installer.interrupt_at = at

    code = bot.main(["up"], checkout)

    assert code == 130
    assert "goes on where this one stopped" in capsys.readouterr().err
    assert not bot.Checkout(checkout).is_ready("base")

    bot.installer.interrupt_at = ""
    bot.installer.steps.clear()
    bot.main(["up"], checkout)

    assert bot.installer.steps == ["pip uv", "uv base"]
    assert "--reinstall" in bot.installer.commands[-1]
    assert bot.Checkout(checkout).is_ready("base")


def test_a_half_written_package_is_cleared_before_going_on(bot: Any, checkout: Path) -> None:
    bot.installer.interrupt_at = "uv base"
    bot.main(["up"], checkout)
    half = checkout / ".venv" / "lib" / "python3.11" / "site-packages" / "half-1.0.dist-info"
    half.mkdir()

    bot.installer.interrupt_at = ""
    bot.main(["up"], checkout)

    assert not half.exists()


def test_an_environment_that_was_interrupted_while_made_is_made_anew(
    bot: Any, checkout: Path
) -> None:
    bot.installer.interrupt_at = "venv"
    bot.main(["up"], checkout)
    rest = checkout / ".venv" / "rest"
    rest.touch()

    bot.installer.interrupt_at = ""
    bot.installer.steps.clear()
    bot.main(["up"], checkout)

    assert bot.installer.steps == ["venv", "pip uv", "uv base"]
    assert not rest.exists()


def test_a_changed_list_is_installed_again(bot: Any, checkout: Path) -> None:
    bot.main(["up"], checkout)
    (checkout / "requirements" / "base.txt").write_text("basething==2.0 --hash=sha256:1\n")
    bot.installer.steps.clear()

    bot.main(["up"], checkout)

    assert bot.installer.steps == ["pip uv", "uv base"]


def test_a_moved_checkout_gets_a_new_environment(bot: Any, checkout: Path) -> None:
    bot.main(["up"], checkout)
    moved = checkout.rename(checkout.with_name("moved"))
    bot.installer.steps.clear()

    bot.main(["up"], moved)

    assert bot.installer.steps == ["venv", "pip uv", "uv base"]


def test_an_environment_whose_python_is_gone_is_made_anew(bot: Any, checkout: Path) -> None:
    bot.main(["up"], checkout)
    (checkout / ".venv" / "bin" / "python").unlink()
    bot.installer.steps.clear()

    bot.main(["up"], checkout)

    assert bot.installer.steps[0] == "venv"


def test_a_working_environment_made_by_hand_is_kept(bot: Any, checkout: Path) -> None:
    _fake_python(checkout / ".venv", "exit 0")
    own = checkout / ".venv" / "own"
    own.touch()

    bot.main(["up"], checkout)

    assert bot.installer.steps == ["pip uv", "uv base"]
    assert own.exists()


@pytest.mark.parametrize("text", ["", "[]", "not json", '{"base": 1}'])
def test_a_spoiled_stamp_is_no_stamp(bot: Any, checkout: Path, text: str) -> None:
    bot.main(["up"], checkout)
    (checkout / ".venv" / ".botcore-setup.json").write_text(text)

    assert not bot.Checkout(checkout).is_ready("base")


# ---- when it fails


def test_pip_takes_over_where_uv_cannot(bot: Any, checkout: Path) -> None:
    bot.installer.failures = {"uv base": "error: unsupported platform"}

    bot.main(["up"], checkout)

    assert bot.installer.steps[-2:] == ["uv base", "pip base"]
    assert bot.Checkout(checkout).is_ready("base")


def test_pip_is_enough_where_uv_has_no_wheel(bot: Any, checkout: Path) -> None:
    bot.installer.failures = {"pip uv": "ERROR: No matching distribution found for uv==0.13.9"}

    bot.main(["up"], checkout)

    assert bot.installer.steps == ["venv", "pip uv", "pip base"]


@pytest.mark.parametrize(
    ("step", "printed", "said"),
    [
        ("pip uv", "NewConnectionError: Failed to establish a new connection", "index cannot be"),
        ("pip base", "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "pinned hash"),
        ("pip base", "OSError: [Errno 28] No space left on device", "the disk is full"),
        ("pip base", "ERROR: No matching distribution found for numpy", "ready-made wheel"),
        ("pip base", "Traceback …\nERROR: something else\n", "something else"),
        ("venv", "Error: it does not work", "it does not work"),
    ],
)
def test_a_failed_set_up_ends_in_one_sentence(
    bot: Any,
    checkout: Path,
    step: str,
    printed: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bot.installer.failures = {step: printed, "uv base": "error: no"}

    code = bot.main(["up"], checkout)

    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 1
    assert last.startswith("bot: ")
    assert said in last
    assert bot.became == []
    assert not bot.Checkout(checkout).is_ready("base")


def test_without_a_network_nothing_is_tried_twice(bot: Any, checkout: Path) -> None:
    bot.installer.failures = {"pip uv": "Temporary failure in name resolution"}

    bot.main(["up"], checkout)

    assert bot.installer.steps == ["venv", "pip uv"]


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_names_the_line_that_mends_it(
    bot: Any,
    checkout: Path,
    missing: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    apt = tmp_path / "bin" / "apt"
    apt.parent.mkdir()
    apt.write_text("#!/bin/sh\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt.parent))
    find = importlib.util.find_spec
    monkeypatch.setattr(
        bot.importlib.util, "find_spec", lambda name: None if name == missing else find(name)
    )

    code = bot.main(["up"], checkout)

    error = capsys.readouterr().err
    assert code == 1
    assert f"apt install python3.{sys.version_info.minor}-venv" in error
    assert missing in error
    assert bot.installer.steps == []


def test_a_missing_list_ends_in_one_sentence(checkout: Path) -> None:
    (checkout / "requirements" / "base.txt").unlink()
    _fake_python(checkout / ".venv", "exit 0")

    done = _launch(checkout, "up")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "base.txt: No such file or directory" in done.stderr


OLD = (
    "import sys\n"
    "sys.version_info = (3, 8, 0, 'final', 0)\n"
    "sys.argv = ['bot', 'up', '--headless']\n"
    "exec(compile(open({bot!r}).read(), {bot!r}, 'exec'), {{'__file__': {bot!r}, '__name__': 'x'}})"
)


def test_an_old_python_is_named_with_what_is_needed(checkout: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OLD.format(bot=str(checkout / "bot"))],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path)},
    )

    assert done.returncode == 1
    assert "this is Python 3.8 and Bot Core needs 3.11 or newer" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_python_hands_over_to_a_newer_one_beside_it(checkout: Path, tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text('#!/bin/sh\n[ "$1" = -c ] || echo "newer: $2 $3"\n')
    newer.chmod(0o755)

    done = subprocess.run(
        [sys.executable, "-c", OLD.format(bot=str(checkout / "bot"))],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": str(tmp_path)},
    )

    assert done.stdout == "newer: up --headless\n"


# ---- what a person sees


def test_a_log_gets_plain_lines(
    bot: Any, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot.main(["up"], checkout)

    error = capsys.readouterr().err
    assert "\r" not in error
    assert "\x1b" not in error
    assert "[3/4] packages" in error
    assert "1 packages, 0.0 s" in error


def test_a_terminal_gets_one_line_that_moves(
    bot: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(bot.sys.stderr, "isatty", lambda: True, raising=False)
    progress = bot.Progress(steps=4)

    progress.begin("packages")
    progress.tick("3 of about 36, Downloading numpy")
    progress.end("36 packages,")

    drawn = capsys.readouterr().err.split("\r\x1b[2K")
    assert "3 of about 36, Downloading numpy" in drawn[2]
    assert [part.endswith("\n") for part in drawn[1:]] == [False, False, True]


def test_help_names_every_verb() -> None:
    from botcore.cli.application import build

    verbs = typer.main.get_command(build()).commands  # type: ignore[attr-defined]  # it is a group
    named = set(_load().USAGE.split())

    assert {name for name, each in verbs.items() if not each.hidden} <= named


def test_help_needs_no_environment(checkout: Path) -> None:
    done = _launch(checkout, "--help")

    assert done.returncode == 0
    assert "Usage: ./bot VERB" in done.stdout
    assert not (checkout / ".venv").exists()


# ---- two at once


def test_a_second_set_up_waits_and_uses_what_the_first_made(checkout: Path) -> None:
    with (checkout / ".venv.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = subprocess.Popen(
            [sys.executable, checkout / "bot", "status"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert second.stderr
        assert "waiting for it" in second.stderr.readline()
        _ready(checkout, 'echo "$@"')
    out, error = second.communicate(timeout=30)

    assert out == "-m botcore status\n"
    assert "Setting up" not in error


# ---- handing over


@pytest.mark.requirement(
    *(
        f"SCRIPT {verb}"
        for verb in ("up", "dev", "start", "stop", "restart", "status", "logs", "clean", "open")
    ),
    "TC-DEPLOY-004",
)
@pytest.mark.parametrize(
    "words",
    [
        ["up", "--headless"],
        ["dev"],
        ["start", "--detach", "--memory-optimized"],
        ["stop"],
        ["restart"],
        ["status"],
        ["logs", "--service", "engine", "--follow"],
        ["clean"],
        ["open"],
        ["backtest", "ema-cross", "--help"],
        ["--version"],
    ],
    ids=lambda words: words[0],
)
def test_a_verb_goes_through_with_its_options_and_its_exit_code(
    checkout: Path, words: list[str]
) -> None:
    _ready(checkout, 'echo "$@"; exit 7', need="base")

    done = _launch(checkout, *words)

    assert done.stdout == f"-m botcore {' '.join(words)}\n"
    assert done.returncode == 7


def test_a_signal_reaches_the_platform_itself(checkout: Path) -> None:
    _ready(checkout, "trap 'echo ended; exit 42' TERM; echo up; while :; do sleep 0.1; done")
    running = subprocess.Popen(
        [sys.executable, checkout / "bot", "up"], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout
    assert running.stdout.readline() == "up\n"

    running.send_signal(signal.SIGTERM)
    out, _ = running.communicate(timeout=30)

    assert out == "ended\n"
    assert running.returncode == 42


def test_the_script_elsewhere_calls_the_same_launcher(checkout: Path) -> None:
    _ready(checkout, 'echo "$@"')
    (checkout / "scripts").mkdir()
    script = Path(shutil.copy(ROOT / "scripts" / "bot.sh", checkout / "scripts" / "bot.sh"))

    done = subprocess.run([script, "status"], capture_output=True, text=True, check=True, cwd="/")

    assert done.stdout == "-m botcore status\n"


# ---- test and check


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "-m pytest -n 2 --dist loadgroup"),
        (["--quick"], "-m pytest -n 2 --dist loadgroup -m not slow and not services and not e2e"),
        (["tests/unit", "-k", "fee"], "-m pytest -n 2 --dist loadgroup tests/unit -k fee"),
        (["-n0", "-x"], "-m pytest -n0 -x"),
        (["--pdb"], "-m pytest --pdb"),
    ],
)
def test_tests_run_on_two_workers_unless_told_otherwise(
    checkout: Path, words: list[str], expected: str
) -> None:
    _ready(checkout, 'echo "$@"')

    done = _launch(checkout, "test", *words)

    assert done.stdout.splitlines()[-1] == expected


def test_quick_tests_take_the_quick_profile(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOTCORE_TEST_PROFILE", raising=False)
    _ready(checkout, 'echo "profile $BOTCORE_TEST_PROFILE"')

    quick, whole = _launch(checkout, "test", "--quick"), _launch(checkout, "test")

    assert quick.stdout.splitlines()[-1] == "profile quick"
    assert whole.stdout.splitlines()[-1] == "profile "


def test_tests_keep_their_bytecode_also_where_the_machine_keeps_none(checkout: Path) -> None:
    _ready(checkout, 'echo "without: ${PYTHONDONTWRITEBYTECODE:-nothing}"')

    done = _launch(checkout, "test", PYTHONDONTWRITEBYTECODE="1")

    assert done.stdout.splitlines()[-1] == "without: nothing"


def test_what_will_be_skipped_is_named_before_the_tests(checkout: Path) -> None:
    _ready(checkout, "exit 0")

    done = _launch(
        checkout, "test", BOTCORE_DATA=str(checkout / "none"), BOTCORE_TEST_POSTGRES_URL=""
    )

    assert "Recorded market data: none" in done.stdout
    assert "PostgreSQL: none named" in done.stdout


def test_check_runs_everything_and_names_what_failed(checkout: Path) -> None:
    _ready(checkout, 'case "$*" in *"ruff check"*|*importlinter*) echo "bad"; exit 1;; esac')

    done = _launch(checkout, "check")

    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "check: failed: ruff check, import contracts"
    assert done.stdout.count(" ok (") == 3


def test_check_ends_well_when_nothing_failed(checkout: Path) -> None:
    _ready(checkout, "exit 0")

    done = _launch(checkout, "check")

    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "check: all is well"


# ---- for real


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.requirement("TC-TECH-001")
def test_the_pinned_lists_install_also_after_a_kill_in_the_middle(tmp_path: Path) -> None:
    root = tmp_path / "checkout"
    root.mkdir()
    shutil.copy(ROOT / "bot", root)
    for folder in ("requirements", "src"):
        shutil.copytree(ROOT / folder, root / folder)
    command = [sys.executable, str(root / "bot"), "--version"]

    first = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert first.stderr
    for line in first.stderr:
        if "[3/4]" in line:
            break
    with contextlib.suppress(ProcessLookupError):
        os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    second = subprocess.run(command, capture_output=True, text=True, check=False)
    if "index cannot be reached" in second.stderr:
        pytest.skip("needs the package index, which cannot be reached")

    assert "Ready in" in second.stderr
    assert "environment              kept" in second.stderr
    imports = "import alembic, botcore, msgspec, numpy, rich, sqlalchemy, starlette, typer, zmq"
    subprocess.run([root / ".venv" / "bin" / "python", "-W", "error", "-c", imports], check=True)
