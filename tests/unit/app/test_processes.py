"""What a start does before its processes run: little, because they wait for it."""

import subprocess
import sys
from pathlib import Path

import pytest

from botcore.app import commands
from botcore.app.processes import _Jitter, page_address
from botcore.app.settings import load_settings
from botcore.domain.errors import ConfigError

HEAVY = ("alembic", "starlette", "numpy", "prometheus_client", "rich", "sqlalchemy", "structlog")


def test_what_starts_the_processes_loads_nothing_that_only_they_need() -> None:
    program = (
        "import sys\n"
        "import botcore.app.commands, botcore.cli.foreground\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "strategies", [{}, {"mine": {"strategy": "emma-cross"}}], ids=["none", "misspelt"]
)
def test_strategies_that_cannot_be_are_refused_before_anything_starts(
    strategies: dict[str, object], tmp_path: Path
) -> None:
    home = tmp_path / "home"

    with pytest.raises(ConfigError):
        commands.start(overrides={"home": home, "strategies": strategies})

    assert not home.exists()


def test_restarts_are_spread_by_chance_of_their_own_seed() -> None:
    jitter, same, other = _Jitter(seed=1), _Jitter(seed=1), _Jitter(seed=2)

    drawn = [jitter.random() for _ in range(100)]

    assert all(0 <= each < 1 for each in drawn)
    assert drawn == [same.random() for _ in range(100)]
    assert drawn != [other.random() for _ in range(100)]


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "http://127.0.0.1:8081/"),
        ({"host": "0.0.0.0"}, "http://127.0.0.1:8081/"),  # it listens there, nobody is there
        ({"host": "192.0.2.8"}, "http://192.0.2.8:8081/"),
        ({"host": "::1"}, "http://[::1]:8081/"),
        ({"tls_certificate": "/c.pem"}, "https://127.0.0.1:8081/"),
    ],
)
def test_the_page_s_address_is_one_that_a_browser_can_open(
    given: dict[str, str], address: str
) -> None:
    assert page_address(load_settings(**given), 8081) == address


@pytest.mark.parametrize("address", ["bot.example", "ftp://bot.example", "https://a@b", "https://"])
def test_a_public_address_is_a_whole_one(address: str) -> None:
    with pytest.raises(ConfigError):
        load_settings(public_url=address)
