"""A bench: a copy of the tree in which one file at a time is mutated and watched by its tests."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType

import msgspec
from tests.mutations.catalogue import ROOT, Mutation
from tests.mutations.fork_server import Answer, Request

COPIED = ("src", "tests", "pyproject.toml")
LEFT_OUT = shutil.ignore_patterns("mutations", "e2e", ".hypothesis")
LIMIT_S = 90.0
"""For one mutation. The runs take well under a second; a machine under load takes longer."""
KILLERS_LIMIT_S = 300.0
EXAMPLES = 100
"""Of each Hypothesis test."""


class Bench:
    """Runs tests against mutated copies of the program.

    Args:
        tree: where to put the copy; must not exist.
    """

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        tree.mkdir()
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=LEFT_OUT)
            else:
                shutil.copy2(ROOT / name, tree / name)
        self._killers: set[str] = set()
        self._server = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("fork_server.py")],
            cwd=tree,
            env=_environment(tree),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> "Bench":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._server:
            assert self._server.stdin is not None
            self._server.stdin.close()

    def run(
        self,
        files: tuple[str, ...],
        keyword: str,
    ) -> Answer:
        """Run the tests of `files` (below ``tests``) whose ids match `keyword`, in the copy."""
        paths = tuple(str(Path("tests") / file) for file in files)
        return self._ask(Request(paths, keyword, LIMIT_S, EXAMPLES))

    def run_mutated(self, mutation: Mutation) -> Answer:
        """Run the tests that watch a rule while the program breaks it.

        Raises:
            ValueError: the catalogue is stale.
        """
        file = self.tree / mutation.path
        whole, compiled = file.read_bytes(), Path(importlib.util.cache_from_source(str(file)))
        try:
            _write(file, compiled, mutation.applied_to(whole.decode()).encode())
            answer = self.run(mutation.tests, mutation.keyword)
        finally:
            _write(file, compiled, whole)
        self._killers.update(answer.failed)
        return answer

    def run_killers(self) -> Answer:
        """Run the tests that failed under a mutation once more, with nothing broken."""
        return self._ask(Request(tuple(sorted(self._killers)), "", KILLERS_LIMIT_S, EXAMPLES))

    def _ask(self, request: Request) -> Answer:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(msgspec.json.encode(request) + b"\n")
        self._server.stdin.flush()
        return msgspec.json.decode(self._server.stdout.readline(), type=Answer)


def _write(file: Path, compiled: Path, text: bytes) -> None:
    """Write a source file; its bytecode is known by size and second only, so it goes."""
    compiled.unlink(missing_ok=True)
    file.write_bytes(text)


def _environment(tree: Path) -> dict[str, str]:
    # Bytecode is kept, whatever the machine says: each run loads the copy anew.
    ours = ("PYTEST_", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "COV_CORE", "BOTCORE_TEST_PROFILE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join((str(tree / "src"), str(tree)))
    # The copy lies elsewhere: recorded data is where it is for the tests around it.
    data = os.environ.get("BOTCORE_DATA") or str(ROOT.parent / "shared" / "data")
    return kept | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "BOTCORE_DATA": data}
