"""What is said at every door names, on the command line, what is typed there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from botcore.cli.application import build
from botcore.cli.spoken import PROGRAM, VERBS, in_words_of_the_shell, program

SOURCES = Path(__file__).resolve().parents[3] / "src" / "botcore"
NO_VERB = {
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/step-up",
    "POST /api/v1/auth/totp",
    "POST /api/v1/ws-ticket",
}
"""Routes that are named in words and that the command line does not reach."""


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PROGRAM, raising=False)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("see GET /api/v1/risk/state for the mode", "see `botcore risk state` for the mode"),
        ("`GET /api/v1/trading/orders?state=open`", "`botcore orders list`"),
        ("see GET /api/v1/trading/orders/{id}.", "see `botcore orders show ID`."),
        ("POST /api/v1/trading/flatten does it", "`botcore positions flatten` does it"),
        ("use a new Idempotency-Key", "use a new --idempotency-key"),
        ("POST /api/v1/auth/step-up first", "POST /api/v1/auth/step-up first"),
        ("see `./bot user list`", "see `botcore user list`"),
        ("by ./bot up or ./bot nothing", "by botcore up or ./bot nothing"),
        ("the version of botcore that wrote it", "the version of botcore that wrote it"),
        ("in /opt/botcore data lies", "in /opt/botcore data lies"),
    ],
)
def test_a_route_becomes_the_verb_that_reaches_it(said: str, shown: str) -> None:
    assert in_words_of_the_shell(said) == shown


def test_in_a_checkout_it_is_the_program_of_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROGRAM, "./bot")

    assert program() == "./bot"
    assert in_words_of_the_shell("see botcore orders --help") == "see ./bot orders --help"
    assert in_words_of_the_shell("see GET /api/v1/accounts") == "see `./bot account list`"


def test_every_verb_is_known() -> None:
    app = build()

    names = {command.name for command in app.registered_commands}
    assert names | {group.name for group in app.registered_groups} == VERBS


def test_every_route_that_is_named_in_words_has_its_verb() -> None:
    named = {
        route
        for source in SOURCES.rglob("*.py")
        for route in re.findall(
            r"(?:GET|POST|PUT|PATCH|DELETE) /api/v1/[\w/{}-]*[\w}]", source.read_text()
        )
    }

    assert {each for each in named if in_words_of_the_shell(each) == each} == NO_VERB
