"""Every error has a status, and the answer says all of it."""

from __future__ import annotations

import msgspec
import pytest

from botcore.api.rest.exchange import Exchange, unquoted
from botcore.api.rest.problems import ProblemBody, internal_error, problem_answer, status_of
from botcore.api.rest.refusals import TooLarge, Unreadable
from botcore.control import problems
from botcore.domain import errors


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (problems.Malformed, 422),
        (problems.Unauthenticated, 401),
        (problems.Forbidden, 403),
        (problems.NotFound, 404),
        (problems.Conflict, 409),
        (problems.ConfirmationRequired, 428),
        (problems.TooMany, 429),
        (problems.Unavailable, 503),
        (TooLarge, 413),
        (errors.ConfigError, 422),
        (errors.StorageError, 503),
        (errors.VenueError, 503),
        (errors.OutcomeUnknown, 503),
        (errors.DataError, 503),
        (errors.InvariantBroken, 500),
        (errors.BotError, 503),
    ],
)
def test_every_kind_has_its_status(kind: type[errors.BotError], status: int) -> None:
    assert status_of(kind) == status


def test_details_and_the_time_to_wait_are_told() -> None:
    error = problems.TooMany(code="X", cause="a", fix="b", details={"retry_after_s": 1.2})

    answer = problem_answer(error, "c" * 8)

    body = msgspec.json.decode(answer.body, type=ProblemBody)
    assert body.details == {"retry_after_s": 1.2}
    assert (b"retry-after", b"2") in answer.headers


def test_a_bug_is_told_without_its_words() -> None:
    answer = problem_answer(internal_error("c" * 8), "c" * 8)

    assert answer.status == 500
    assert msgspec.json.decode(answer.body)["code"] == "INTERNAL"


def test_a_caller_without_an_address_is_one_all_the_same() -> None:
    exchange = Exchange({"method": "GET", "headers": [], "client": None, "query_string": b""})

    assert exchange.address == ""
    assert exchange.query() == []


def test_a_part_that_is_not_utf_8_is_refused() -> None:
    assert unquoted("a%20b") == "a b"
    with pytest.raises(Unreadable):
        unquoted("%ff")
