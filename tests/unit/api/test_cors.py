"""Other web sites: those that are listed may use the API, nobody else may act through a browser."""

from __future__ import annotations

import pytest
from tests.support.edge import OWN, guarded

from botcore.api.cors import Origins
from botcore.domain.errors import ConfigError

LISTED = "https://dash.example"
ADDRESS = "/api/v1/trading/orders"
ACTS = ["POST", "PUT", "PATCH", "DELETE"]


def preflight(origin: str, *, address: str = ADDRESS) -> tuple[int, dict[str, str]]:
    answer = guarded(origins=[LISTED]).options(
        address,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, x-evil",
        },
    )
    return answer.status_code, dict(answer.headers)


def test_a_listed_origin_may_ask_and_is_told_what() -> None:
    status, headers = preflight(LISTED)

    assert status == 204
    assert headers["access-control-allow-origin"] == LISTED
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-allow-methods"] == "GET, HEAD, POST, PUT, PATCH, DELETE"
    assert "idempotency-key" in headers["access-control-allow-headers"]
    assert "x-evil" not in headers["access-control-allow-headers"]
    assert headers["vary"] == "Origin"


def test_each_header_of_an_answer_is_there_once() -> None:
    answer = guarded(origins=[LISTED]).options(
        ADDRESS, headers={"Origin": LISTED, "Access-Control-Request-Method": "POST"}
    )

    assert len(answer.headers.get_list("access-control-allow-origin")) == 1


@pytest.mark.parametrize("method", ["GET", *ACTS])
def test_a_listed_origin_reads_the_answers(method: str) -> None:
    answer = guarded(origins=[LISTED]).request(method, ADDRESS, headers={"Origin": LISTED})

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == LISTED
    assert "ratelimit" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize("method", ACTS)
def test_the_page_itself_may_act(method: str) -> None:
    asked = guarded()

    assert asked.request(method, ADDRESS, headers={"Origin": OWN}).status_code == 200
    assert asked.request(method, ADDRESS, headers={"Sec-Fetch-Site": "none"}).status_code == 200
    same = {"Sec-Fetch-Site": "same-origin"}
    assert asked.request(method, ADDRESS, headers=same).status_code == 200


@pytest.mark.parametrize("method", ["GET", *ACTS])
def test_a_program_that_names_no_origin_may_act(method: str) -> None:
    assert guarded().request(method, ADDRESS).status_code == 200


def test_an_answer_for_nobody_else_says_nothing_of_origins() -> None:
    headers = guarded().get(ADDRESS, headers={"Origin": LISTED}).headers

    assert not [name for name in headers if name.startswith("access-control")]
    assert "vary" not in headers


def test_pages_are_for_no_other_site() -> None:
    headers = guarded(origins=[LISTED]).get("/", headers={"Origin": LISTED}).headers

    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "origin", ["*", "null", "dash.example", "https://dash.example/x", "file://", "", "https://*.x"]
)
def test_what_is_no_origin_cannot_be_listed(origin: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Origins([origin])

    assert refused.value.code == "ORIGIN_MALFORMED"


def test_the_spelling_of_a_listed_origin_is_put_right() -> None:
    assert Origins(["https://Dash.Example/"]).lists(b"https://dash.example")
