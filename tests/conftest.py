"""What every test shares: profiles of Hypothesis, recorded market data, and no network."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

# No deadline: a run beside another on a busy machine must not fail for being slow.
# The same examples at every run: a change is judged by what it changed. `explore` looks further.
settings.register_profile("ci", max_examples=100, deadline=None, print_blob=True, derandomize=True)
settings.register_profile("explore", max_examples=500, deadline=None, print_blob=True)
settings.register_profile(
    "quick",
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("BOTCORE_TEST_PROFILE", "ci"))


@pytest.fixture(scope="session")
def market_data_dir() -> Path:
    """The folder of recorded market data (`BOTCORE_DATA`); without it the test is skipped by name.

    With `BOTCORE_REQUIRE_DATA=1` a missing folder is a failure, so that nothing is skipped unseen.
    """
    path = Path(os.environ.get("BOTCORE_DATA") or ROOT.parent / "shared" / "data")
    if not path.is_dir():
        _absent(f"recorded market data: {path} does not exist (BOTCORE_DATA names the folder)")
    return path


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """The SQLAlchemy URL of a PostgreSQL to test on (`BOTCORE_TEST_POSTGRES_URL`), else a skip."""
    url = os.environ.get("BOTCORE_TEST_POSTGRES_URL", "")
    if not url:
        pytest.skip("needs PostgreSQL: BOTCORE_TEST_POSTGRES_URL names none")
    return url


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Refuse every connection that leaves this machine: a test that needs one is wrong."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            host = str(address[0])
            if host not in {"localhost", "::1", "0.0.0.0"} and not host.startswith("127."):
                raise AssertionError(f"a test tried to reach {host}: tests use no network")
        connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guarded)
    yield
    patch.undo()


def _absent(what: str) -> None:
    if os.environ.get("BOTCORE_REQUIRE_DATA") == "1":
        pytest.fail(f"BOTCORE_REQUIRE_DATA=1 and no {what}", pytrace=False)
    pytest.skip(f"needs {what}")
