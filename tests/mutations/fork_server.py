"""Runs of pytest, each in a fork of a process that has loaded what no mutation changes.

Started as a program, in the copy of the tree that is to be tested. Reads one request a line from
standard input and answers each with one line on standard output, both JSON (`Request`, `Answer`).
Loading pytest and the libraries takes longer than almost any of the runs; here it is done once.
"""

import contextlib
import gc
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings

PLUGINS = ("_hypothesis_pytestplugin", "pytest_timeout")
"""Of pytest. The others, which these tests do without, load for longer than most runs take."""
LOADED_ONCE = (
    *PLUGINS,
    "alembic.command",
    "asyncio",
    "hypothesis.stateful",
    "hypothesis.strategies",
    "numpy",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.orm",
    "structlog",
)
"""What the tests import besides the program: never anything of ``botcore`` or ``tests``."""

_OPTIONS = (
    # Pytest's own traceback looks for its sources in every loaded module: a fifth of most runs.
    *("-x", "-q", "--no-header", "--tb=native"),
    *("-p", "no:cacheprovider"),
    *(word for plugin in PLUGINS for word in ("-p", plugin)),
    *("-o", "timeout=0", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
_KEPT_OUTPUT = 4_000
_KEPT_ERROR = 1_000


class Request(msgspec.Struct, frozen=True):
    """One run: the tests in `files` whose ids match `keyword`, for at most `limit_s` seconds."""

    files: tuple[str, ...]
    keyword: str
    limit_s: float
    examples: int


class Answer(msgspec.Struct, frozen=True):
    """How a run went.

    Attributes:
        exit_code: of pytest; None if it was ended at the limit, negative if by a signal.
        passed: how many tests passed.
        failed: ids of the tests that failed while they ran.
        errors: the exceptions they failed with, and those they came of: names and texts.
        output: the end of what pytest printed.
    """

    exit_code: int | None
    passed: int
    failed: tuple[str, ...]
    errors: tuple[str, ...]
    output: str


class _Recorder:
    """Sees which tests fail, and has Hypothesis look for one counter-example and not polish it."""

    def __init__(self, examples: int) -> None:
        self.examples = examples
        self.passed = 0
        self.failed: list[str] = []
        self.errors: list[str] = []

    def pytest_collection(self) -> None:
        # After the root conftest has loaded its profile, before the tests' modules read it.
        settings.register_profile(
            "mutations",
            max_examples=self.examples,
            phases=(Phase.explicit, Phase.generate),
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=tuple(HealthCheck),
        )
        settings.load_profile("mutations")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Iterator[None]:
        report: Any = yield
        if report.when == "call" and report.passed:
            self.passed += 1
        elif report.failed:
            self.failed.append(item.nodeid if report.when == "call" else f"{report.when} of it")
            if call.excinfo is not None:
                self.errors.append(_told(call.excinfo.value))
        return report  # type: ignore[no-any-return]  # what a wrapper returns goes on

    @pytest.hookimpl(tryfirst=True)
    def pytest_unconfigure(self) -> None:
        gc.freeze()  # pytest now collects five times over: there is nothing left to be found


def main() -> None:
    """Answer requests until standard input ends."""
    for name in LOADED_ONCE:
        importlib.import_module(name)
    assert not [name for name in sys.modules if name.partition(".")[0] in {"botcore", "tests"}]
    sys.path[:] = [path for path in sys.path if Path(path) != Path(__file__).parent]
    gc.freeze()
    for line in sys.stdin.buffer:
        answer = _run(msgspec.json.decode(line, type=Request))
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")
        sys.stdout.buffer.flush()


def _run(request: Request) -> Answer:
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as found:
        child = os.fork()
        if not child:
            _be_the_run(request, printed, found)
        exit_code = _ended(child, request.limit_s)
        printed.seek(max(0, printed.seek(0, os.SEEK_END) - _KEPT_OUTPUT))
        output = printed.read().decode("utf-8", "replace")
        found.seek(0)
        passed, failed, errors = msgspec.json.decode(
            found.read() or b"[0,[],[]]", type=tuple[int, tuple[str, ...], tuple[str, ...]]
        )
        return Answer(exit_code, passed, failed, errors, output)


def _be_the_run(request: Request, printed: IO[bytes], found: IO[bytes]) -> None:
    """Run pytest and end the process."""
    code = 70
    try:
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        os.setsid()  # so that what the tests start can be ended with them
        nothing = os.open(os.devnull, os.O_RDONLY)
        for descriptor, onto in ((nothing, 0), (printed.fileno(), 1), (printed.fileno(), 2)):
            os.dup2(descriptor, onto)
        recorder = _Recorder(request.examples)
        # Processes that the tests start are forks of this one, and not each a new interpreter.
        forks = multiprocessing.get_context("fork")
        multiprocessing.get_context = lambda _method=None: forks  # type: ignore[assignment]  # a fork, not a spawn
        options = [*_OPTIONS, "-k", request.keyword, *request.files]
        code = int(pytest.main(options, plugins=[recorder]))
        found.write(msgspec.json.encode((recorder.passed, recorder.failed, recorder.errors)))
        found.flush()
    finally:
        if sys.exc_info()[1] is not None:
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _told(error: BaseException | None) -> str:
    texts = []
    while error is not None:
        texts.append(f"{type(error).__name__}: {str(error)[:_KEPT_ERROR]}")
        error = error.__cause__ or error.__context__
    return "\n".join(texts)


def _ended(child: int, limit_s: float) -> int | None:
    """Wait for the run's end; None if the limit ended it."""
    end = time.monotonic() + limit_s  # noqa: TID251  # loads nothing of the program, no Clock
    while time.monotonic() < end:  # noqa: TID251  # no clock is given here
        process, status = os.waitpid(child, os.WNOHANG)
        if process:
            _end_group(child)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)  # noqa: TID251  # no clock is given here
    _end_group(child)
    os.waitpid(child, 0)
    return None


def _end_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


if __name__ == "__main__":
    main()
