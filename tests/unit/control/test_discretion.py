"""What is told elsewhere of a failure, and what is left out of it."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from botcore.control.discretion import discreet
from botcore.storage.faults import from_database, from_files

DRIVER = (
    'writing the control store: OperationalError: connection to server at "10.0.0.5" (10.0.0.5),'
    ' port 5432 failed: FATAL: password authentication failed for user "bot"'
)


@pytest.mark.parametrize(
    ("whole", "told"),
    [
        (
            "the home /home/kim/.botcore cannot be written: full",
            "the home .botcore cannot be written: full",
        ),
        ("'/var/lib/bot core/x.db' is damaged", "'bot core/x.db' is damaged"),
        (
            "there is no report in /data/backtests/b-1: it ended",
            "there is no report in b-1: it ended",
        ),
        ("~/.botcore/secrets.key can be read by others", "secrets.key can be read by others"),
        (
            "postgresql+psycopg://bot:hunter2@db.internal:5432/bot is another process's to write",
            "(an address of this server's) is another process's to write",
        ),
        (
            "sqlite:////home/kim/control.db?x=1 is of no kind",
            "(an address of this server's) is of no kind",
        ),
        ("https://kim:hunter2@proxy.example/x said 502", "https://proxy.example/x said 502"),
        (
            f"the act was not carried out: the database does not answer ({DRIVER})",
            "the act was not carried out: the database does not answer (writing the control store)",
        ),
    ],
)
def test_paths_addresses_and_drivers_words_are_left_out(whole: str, told: str) -> None:
    assert discreet(whole) == told


@pytest.mark.parametrize(
    "text",
    [
        "notional 5000 exceeds 1000 USDT (2 % of equity)",
        "use GET or HEAD; acts go to /api/v1, see /api/v1/docs",
        'POST /api/v1/ws-ticket, and send {"ticket": "…"} as the first frame',
        "open it as http://localhost:PORT, or add the name to allowed_hosts",
        "BTC/USDT and read/write, 24/7/365 and an escape %2F",
        "`./bot open` makes a link",
        "it is locked (by cool-down: a loss of 3 %)",
        "https://api.binance.com/api/v3/time did not answer",
    ],
)
def test_what_gives_nothing_away_is_told_as_it_is(text: str) -> None:
    assert discreet(text) == text


def test_what_a_store_says_of_its_failures_gives_no_place_away(tmp_path: Path) -> None:
    folder = tmp_path / "home" / "kim"
    try:
        sa.create_engine(f"sqlite:///{folder}/control.db").connect()
    except sa.exc.OperationalError as failed:
        error = from_database(failed, doing="reading the store")
    lost = from_files(OSError(28, "No space left"), doing="writing the tape", path=folder / "tape")
    odd = from_database(sqlite3.OperationalError(f"no such file: {folder}/x.db"), doing="a backup")

    assert [discreet(each.cause) for each in (error, lost)] == [
        "the store cannot be opened (reading the store)",
        "the disk is full (writing the tape)",
    ]
    assert "kim" not in discreet(odd.cause)
