"""The door: what a call becomes, and how it is answered."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.testclient import TestClient
from tests.support.limits import limits_of
from tests.support.rest_shop import (
    OPERATIONS,
    BuyThing,
    Colour,
    Counter,
    ListThings,
    PutThing,
    ReadThing,
    Refresh,
)

from botcore.control.access import Role

THINGS = "/api/v1/things"


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path)


@pytest.fixture
def asked(counter: Counter) -> TestClient:
    return counter.client()


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"]) == (status, code), told
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert told["status"] == status
    assert told["type"] == f"/api/v1/docs#{code}"
    assert told["correlation"] == answer.headers["x-correlation-id"]
    assert told["title"]
    assert told["cause"]
    assert told["fix"]
    return told


# --- what a call becomes


def test_a_query_is_read_from_text(counter: Counter, asked: TestClient) -> None:
    answer = asked.get(
        f"{THINGS}?colours=red&colours=blue&since=2030-01-31T12:00:00Z&most=1.50&is_new=true&limit=7"
    )

    assert answer.status_code == 200
    assert counter.shop.asked == [
        ListThings(
            colours=(Colour.RED, Colour.BLUE),
            since=datetime(2030, 1, 31, 12, tzinfo=UTC),
            most=Decimal("1.50"),
            is_new=True,
            limit=7,
        )
    ]


def test_a_part_of_the_path_may_hold_a_slash(counter: Counter, asked: TestClient) -> None:
    answer = asked.get(f"{THINGS}/a%2Fb")

    assert answer.json() == {"name": "a/b", "price": "1.10", "colour": "red", "seen_at": None}
    assert asked.get(f"{THINGS}/a/b").status_code == 404


def test_an_alias_is_the_same_and_may_take_a_field_from_the_query(
    counter: Counter, asked: TestClient
) -> None:
    assert asked.get("/api/thing?name=a/b").json() == asked.get(f"{THINGS}/a%2Fb").json()
    assert counter.shop.asked == [ReadThing(name="a/b")] * 2


def test_path_and_body_make_one_request(counter: Counter, asked: TestClient) -> None:
    answer = asked.put(f"{THINGS}/cup", json={"price": "2.5", "tags": ["x"]})

    assert answer.status_code == 200
    assert counter.shop.asked == [PutThing(name="cup", price=Decimal("2.5"), tags=("x",))]


def test_head_is_answered_like_get_without_a_body(asked: TestClient) -> None:
    answer = asked.head(f"{THINGS}/a%2Fb")

    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ("nope=1", "FIELD_UNKNOWN", "nope"),
        ("limit=x", "FIELD_INVALID", "limit"),
        ("limit=501", "FIELD_INVALID", "limit"),
        ("limit=1&limit=1", "FIELD_TWICE", "limit"),
        ("colours=red&colours=green", "FIELD_INVALID", "colours[1]"),
        ("cursor=" + "x" * 65, "FIELD_INVALID", "cursor"),
        ("since=1700000000", "FIELD_INVALID", "since"),
        ("since=2030-01-31T12:00:00", "FIELD_INVALID", "since"),
        ("most=NaN", "FIELD_INVALID", "most"),
        ("most=1e999", "FIELD_INVALID", "most"),
        ("cursor=%00", "FIELD_INVALID", "cursor"),
    ],
)
def test_a_wrong_field_of_the_query_is_named(
    asked: TestClient, query: str, code: str, field: str
) -> None:
    told = problem(asked.get(f"{THINGS}?{query}"), 422, code)

    assert told["details"] == {"field": field}


def test_a_value_outside_a_closed_set_is_told_the_set(asked: TestClient) -> None:
    told = problem(asked.get(f"{THINGS}?colours=green"), 422, "FIELD_INVALID")

    assert told["fix"] == "it is one of red, blue"


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"price": "1", "role": "owner"}, "FIELD_UNKNOWN", "role"),
        ({"price": "1", "name": "other"}, "FIELD_UNKNOWN", "name"),
        ({}, "FIELD_MISSING", "price"),
        ({"price": []}, "FIELD_INVALID", "price"),
        ({"price": "x"}, "FIELD_INVALID", "price"),
        ({"price": "-1"}, "FIELD_INVALID", ""),
        ({"price": "Infinity"}, "FIELD_INVALID", "price"),
        ({"price": "1" * 41}, "FIELD_INVALID", "price"),
        ({"price": "1", "colour": "green"}, "FIELD_INVALID", "colour"),
        ({"price": "1", "ratio": "1"}, "FIELD_INVALID", "ratio"),
        ({"price": "1", "tags": ["a", "b" * 9]}, "FIELD_INVALID", "tags[1]"),
        ({"price": "1", "tags": ["a", "\0"]}, "FIELD_INVALID", "tags[1]"),
        ({"price": "1", "tags": "a"}, "FIELD_INVALID", "tags"),
        ([], "FIELD_INVALID", ""),
        ("x", "FIELD_INVALID", ""),
    ],
)
def test_a_wrong_field_of_the_body_is_named(
    counter: Counter, asked: TestClient, body: object, code: str, field: str
) -> None:
    told = problem(asked.put(f"{THINGS}/cup", json=body), 422, code)

    assert told["details"] == {"field": field}
    assert counter.shop.asked == []


def test_a_part_of_the_path_has_its_bounds_too(asked: TestClient) -> None:
    told = problem(asked.get(f"{THINGS}/{'x' * 17}"), 422, "FIELD_INVALID")

    assert told["details"] == {"field": "name"}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b'{"price": "1"} {}',
        b"{'price': 1}",
        b'{"price": NaN}',
        b'{"price": "\xff"}',
    ],
)
def test_what_is_no_json_is_said_to_be_none(asked: TestClient, content: bytes) -> None:
    answer = asked.put(
        f"{THINGS}/cup", content=content, headers={"Content-Type": "application/json"}
    )

    problem(answer, 400, "NOT_JSON")


def test_json_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    asked = Counter(tmp_path).client()
    content = b'{"price": "1", "x": ' + b"[" * 450 + b"]" * 450 + b"}"

    answer = asked.put(
        f"{THINGS}/cup", content=content, headers={"Content-Type": "application/json"}
    )

    assert answer.status_code in (400, 422)


def test_a_name_that_stands_twice_in_the_json_is_refused(
    counter: Counter, asked: TestClient
) -> None:
    answer = asked.put(
        f"{THINGS}/cup",
        content=b'{"price": "1", "price": "1000"}',
        headers={"Content-Type": "application/json"},
    )

    told = problem(answer, 422, "FIELD_TWICE")
    assert told["details"] == {"field": "price"}
    assert counter.shop.asked == []


@pytest.mark.parametrize(
    "media",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonx",
     "application/json; charset=utf-16", ""],
)  # fmt: skip
def test_a_body_that_is_not_json_by_its_type_is_refused(asked: TestClient, media: str) -> None:
    answer = asked.put(f"{THINGS}/cup", content=b'{"price": "1"}', headers={"Content-Type": media})

    problem(answer, 415, "BODY_MEDIA_TYPE")


def test_a_charset_of_utf_8_may_be_named(asked: TestClient) -> None:
    answer = asked.put(
        f"{THINGS}/cup",
        content=b'{"price": "1"}',
        headers={"Content-Type": 'Application/JSON; charset="UTF-8"'},
    )

    assert answer.status_code == 200


def test_a_compressed_body_is_refused_unread(asked: TestClient) -> None:
    answer = asked.put(
        f"{THINGS}/cup",
        content=gzip.compress(b"0" * 1_000_000),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    problem(answer, 415, "BODY_COMPRESSED")


@pytest.mark.parametrize("size", [1_001, 5_000_000])
def test_a_body_above_the_route_s_bound_is_refused(asked: TestClient, size: int) -> None:
    answer = asked.put(
        f"{THINGS}/cup", content=b" " * size, headers={"Content-Type": "application/json"}
    )

    told = problem(answer, 413, "BODY_TOO_LARGE")
    assert told["details"] == {"most": 1_000}


def test_a_body_without_a_length_is_counted_as_it_comes(asked: TestClient) -> None:
    def parts() -> Any:
        for _ in range(20):
            yield b" " * 100

    answer = asked.put(
        f"{THINGS}/cup", content=parts(), headers={"Content-Type": "application/json"}
    )

    problem(answer, 413, "BODY_TOO_LARGE")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_body_where_none_is_taken_is_refused(asked: TestClient, method: str) -> None:
    answer = asked.request(method, f"{THINGS}/cup", json={"name": "x"})

    problem(answer, 400, "BODY_UNEXPECTED")


def test_a_query_where_the_body_counts_is_refused(asked: TestClient) -> None:
    answer = asked.put(f"{THINGS}/cup?price=1", json={"price": "1"})

    problem(answer, 422, "FIELD_UNKNOWN")


@pytest.mark.parametrize("name", ["access_token", "token", "key", "api_key", "Token"])
def test_a_token_in_the_address_is_refused_even_if_it_is_good(asked: TestClient, name: str) -> None:
    problem(asked.get(f"{THINGS}?{name}=bck_owner"), 400, "SECRET_IN_ADDRESS")


def test_a_query_that_is_too_long_is_refused(asked: TestClient) -> None:
    problem(asked.get(f"{THINGS}?cursor={'x' * 9_000}"), 400, "QUERY_MALFORMED")
    problem(asked.get(f"{THINGS}?{'colours=red&' * 120}"), 400, "QUERY_MALFORMED")
    problem(asked.get(f"{THINGS}?cursor=%ff"), 400, "QUERY_MALFORMED")


@pytest.mark.parametrize("header", ["Authorization", "Idempotency-Key", "Content-Type"])
def test_a_header_that_counts_once_is_refused_twice(counter: Counter, header: str) -> None:
    headers = [("Authorization", "Bearer bck_owner"), (header, "a"), (header, "b")]

    answer = counter.client(None).get(THINGS, headers=headers)

    problem(answer, 400, "HEADER_TWICE")


# --- who may


def test_a_stranger_is_told_to_sign_in_before_the_body_is_read(counter: Counter) -> None:
    stranger = counter.client(None)

    answer = stranger.put(f"{THINGS}/cup", content=b"{", headers={"Content-Type": "x"})

    told = problem(answer, 401, "NOT_SIGNED_IN")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert told["details"] == {}
    assert counter.audit.results("things.put") == ["refused"]


def test_who_lacks_the_scope_is_refused_before_the_body_is_read(counter: Counter) -> None:
    answer = counter.client(Role.VIEWER).put(f"{THINGS}/cup", content=b"{")

    told = problem(answer, 403, "NOT_ALLOWED")
    assert told["details"] == {"scope": "trade:paper"}
    assert counter.audit.results("things.put") == ["refused"]
    assert counter.rows.all == []  # the audit has it


def test_a_bad_key_is_refused_and_is_nobody_where_strangers_may_ask(counter: Counter) -> None:
    bad = {"Authorization": "Bearer bck_gone"}
    stranger = counter.client(None)

    problem(stranger.get(THINGS, headers=bad), 401, "TOKEN_REFUSED")
    assert stranger.get("/api/v1/mood", headers=bad).json() == {"detail": "stranger"}


def test_a_cookie_signs_nobody_in_but_for_reading_pages(counter: Counter) -> None:
    stranger = counter.client(None)
    cookie = {"Cookie": "page=owner"}

    problem(stranger.get(THINGS, headers=cookie), 401, "NOT_SIGNED_IN")
    assert stranger.get("/view.json", headers=cookie).status_code == 200
    assert stranger.get("/view.json").status_code == 401


def test_every_call_has_a_row_or_an_entry(counter: Counter, asked: TestClient) -> None:
    asked.get(THINGS)
    asked.get(THINGS)  # from the cache
    asked.get(f"{THINGS}/none")
    asked.put(f"{THINGS}/cup", content=b"{", headers={"Content-Type": "application/json"})
    asked.put(f"{THINGS}/cup", json={"price": "1"})

    assert counter.rows.all == [
        ("person:owner", "things.list", 200),
        ("person:owner", "things.list", 200),
        ("person:owner", "things.read", 404),
        ("person:owner", "things.put", 400),
    ]
    assert counter.audit.results("things.put") == ["asked", "done"]


# --- headers


def test_a_correlation_id_is_taken_or_made_and_told(asked: TestClient) -> None:
    given = asked.get(THINGS, headers={"X-Correlation-Id": "my-call-0001"})
    made = [asked.get(THINGS).headers["x-correlation-id"] for _ in range(2)]

    assert given.headers["x-correlation-id"] == "my-call-0001"
    assert len(set(made)) == 2
    assert all(len(each) == 16 for each in made)


@pytest.mark.parametrize("bad", ["short", "x" * 65, "a b c d e f g", "<script>x</script>", "ä" * 9])
def test_a_correlation_id_that_could_forge_a_log_line_is_replaced(
    asked: TestClient, bad: str
) -> None:
    answer = asked.get(THINGS, headers={b"X-Correlation-Id": bad.encode()})

    assert answer.headers["x-correlation-id"] != bad


@pytest.mark.parametrize("header", ["Idempotency-Key", "Confirmation-Token"])
@pytest.mark.parametrize("bad", ["", "x" * 129, "a b", "a\tb"])
def test_a_key_or_a_token_is_visible_characters(
    counter: Counter, asked: TestClient, header: str, bad: str
) -> None:
    headers = {"Idempotency-Key": "k", header: bad}

    answer = asked.post(f"{THINGS}/cup/purchases", json={"quantity": 1}, headers=headers)

    problem(answer, 400, "HEADER_MALFORMED")
    assert counter.shop.asked == []


def test_an_act_is_confirmed_with_the_token_it_was_met_with(
    counter: Counter, asked: TestClient
) -> None:
    body, key = {"quantity": 11}, {"Idempotency-Key": "k1"}
    path = f"{THINGS}/cup/purchases"

    first = problem(asked.post(path, json=body, headers=key), 428, "CONFIRMATION_REQUIRED")
    token = {"Confirmation-Token": first["details"]["confirmation_token"]}
    done = asked.post(path, json=body, headers=key | token)
    again = asked.post(path, json=body, headers=key)

    assert first["details"]["effect"] == "Buy 11 × cup"
    assert (done.status_code, done.json()) == (201, {"detail": "bought 11"})
    assert counter.shop.asked == [BuyThing(name="cup", quantity=11)]
    assert again.json() == done.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in done.headers
    assert counter.rows.all == [("person:owner", "things.buy", 201)], "the audit has the first"


def test_an_act_that_must_have_a_key_is_refused_without(asked: TestClient) -> None:
    answer = asked.post(f"{THINGS}/cup/purchases", json={"quantity": 1})

    problem(answer, 422, "IDEMPOTENCY_KEY_MISSING")


def test_another_form_than_json_is_not_to_be_had(asked: TestClient) -> None:
    problem(asked.get(THINGS, headers={"Accept": "text/html"}), 406, "NOT_ACCEPTABLE")
    for accept in ("*/*", "text/html, */*;q=0.1", "application/json", "application/*"):
        assert asked.get(THINGS, headers={"Accept": accept}).status_code == 200


# --- keeping


def test_a_kept_answer_is_told_until_its_time_is_up(counter: Counter, asked: TestClient) -> None:
    first = asked.get(THINGS)
    counter.clock.advance(4_900_000_000)
    second = asked.get("/api/things?limit=100")  # the same request at another address
    counter.clock.advance(200_000_000)
    asked.get(THINGS)

    assert first.headers["cache-control"] == "private, max-age=5"
    assert first.content == second.content
    assert len(counter.shop.asked) == 2


def test_a_kept_answer_is_told_to_those_with_an_equal_grant(counter: Counter) -> None:
    for role in (Role.OWNER, Role.VIEWER, Role.TRADER):
        assert counter.client(role).get(THINGS).status_code == 200

    assert len(counter.shop.asked) == 1
    problem(counter.client(None).get(THINGS), 401, "NOT_SIGNED_IN")


def test_an_unchanged_answer_is_not_sent_again(asked: TestClient) -> None:
    for path in (THINGS, f"{THINGS}/a%2Fb"):
        etag = asked.get(path).headers["etag"]

        for mark in (etag, etag.removeprefix("W/"), f'"x", {etag}', "*"):
            answer = asked.get(path, headers={"If-None-Match": mark})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == etag
            assert "content-length" not in answer.headers
        assert asked.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_what_belongs_to_an_account_is_not_stored_anywhere(asked: TestClient) -> None:
    assert asked.get(f"{THINGS}/a%2Fb").headers["cache-control"] == "private, no-cache"
    answer = asked.put(f"{THINGS}/cup", json={"price": "1"})
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


def test_a_long_answer_is_compressed_for_who_takes_it(counter: Counter, asked: TestClient) -> None:
    counter.shop.big = 5_000
    plain = asked.get(THINGS, headers={"Accept-Encoding": "identity"})
    packed = asked.get(THINGS, headers={"Accept-Encoding": "br, gzip"})
    refused = asked.get(THINGS, headers={"Accept-Encoding": "gzip;q=0"})

    assert "content-encoding" not in plain.headers
    assert "content-encoding" not in refused.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < 500
    assert packed.json() == plain.json()
    assert packed.headers["etag"] == plain.headers["etag"]
    assert "accept-encoding" in packed.headers["vary"]


def test_a_short_answer_is_sent_as_it_is(asked: TestClient) -> None:
    assert "content-encoding" not in asked.get(THINGS).headers


def test_the_row_of_a_call_has_the_bytes_that_went_over_the_wire(
    counter: Counter, asked: TestClient
) -> None:
    counter.shop.big = 5_000
    plain = asked.get(THINGS, headers={"Accept-Encoding": "identity"})
    packed = asked.get(THINGS, headers={"Accept-Encoding": "gzip"})
    asked.get(THINGS, headers={"If-None-Match": plain.headers["etag"]})
    failed = asked.get(f"{THINGS}/none")

    sent = [int(each.headers["content-length"]) for each in (plain, packed, failed)]
    assert counter.rows.sizes == [sent[0], sent[1], 0, sent[2]]
    assert sent[0] > 5_000 > sent[1] > 0


# --- failing


@pytest.mark.parametrize(
    ("how", "status", "code"),
    [("config", 422, "A_CONFIG"), ("storage", 503, "A_STORE"), ("session", 401, "SESSION_ENDED")],
)
def test_every_error_has_its_status(asked: TestClient, how: str, status: int, code: str) -> None:
    problem(asked.get(f"/api/v1/fail?how={how}"), status, code)


def test_an_error_tells_no_place_of_this_machine_and_the_log_has_it(
    asked: TestClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = asked.get("/api/v1/fail?how=home", headers={"X-Correlation-Id": "look-here-2"})

    told = problem(answer, 503, "A_STORE")
    assert (told["cause"], told["fix"]) == ("the disk is full (writing x)", "look at x")
    logged = caplog.text + capsys.readouterr().out
    assert "look-here-2" in logged
    assert "/home/kim/x: OSError: host db.internal" in logged


def test_a_bug_tells_nothing_but_where_to_look(
    asked: TestClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = asked.get("/api/v1/fail", headers={"X-Correlation-Id": "look-here-1"})

    told = problem(answer, 500, "INTERNAL")
    assert "secret" not in answer.text
    assert "ZeroDivision" not in answer.text
    assert "look-here-1" in told["fix"]
    logged = caplog.text + capsys.readouterr().out
    assert "request_failed" in logged
    assert "look-here-1" in logged
    assert "ZeroDivisionError" in logged


@pytest.mark.parametrize("path", ["/api/v1/none", "/api/v1/things/", "/api/v1/THINGS", "/api/v1"])
def test_an_address_that_is_none_is_a_problem_too(asked: TestClient, path: str) -> None:
    assert asked.get(path).status_code in (400, 404)
    assert asked.get(path).headers["content-type"] == "application/problem+json"


def test_a_method_that_an_address_does_not_answer_is_refused(asked: TestClient) -> None:
    answer = asked.patch(f"{THINGS}/cup", json={})

    told = problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "DELETE, GET, HEAD, PUT"
    assert told["details"] == {"allowed": ["DELETE", "GET", "HEAD", "PUT"]}


# --- the cookie


def test_a_browser_s_refresh_token_stands_in_the_cookie_only(counter: Counter) -> None:
    asked = counter.client(None)

    answer = asked.post("/api/v1/auth/login", json={"password": "x"})

    assert answer.json()["refresh_token"] == ""
    assert answer.json()["access_token"] == "a1"
    assert answer.headers["set-cookie"] == ("botcore_refresh=r1; Path=/; HttpOnly; SameSite=Strict")
    assert "content-encoding" not in answer.headers


def test_over_tls_the_browser_holds_the_cookie_to_this_host(counter: Counter) -> None:
    asked = counter.client(None, base_url="https://localhost")

    answer = asked.post("/api/v1/auth/login", json={"password": "stay"})

    assert answer.headers["set-cookie"] == (
        "__Host-botcore_refresh=r1; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=3600"
    )


def test_two_platforms_of_one_machine_do_not_sign_each_other_out(counter: Counter) -> None:
    for scheme, start in (("http", ""), ("https", "__Host-")):
        asked = counter.client(None, base_url=f"{scheme}://localhost:8081")
        other = {"Cookie": f"{start}botcore_refresh_8080=r1", "X-Botcore": "1"}
        own = {"Cookie": f"{start}botcore_refresh_8081=r1", "X-Botcore": "1"}

        signed = asked.post("/api/v1/auth/login", json={"password": "x"})

        assert signed.headers["set-cookie"].startswith(f"{start}botcore_refresh_8081=r1;")
        asked.cookies.clear()
        problem(asked.post("/api/v1/auth/refresh", json={}, headers=other), 401, "SESSION_ENDED")
        assert asked.post("/api/v1/auth/refresh", json={}, headers=own).status_code == 200


def test_a_program_has_it_in_the_body(counter: Counter) -> None:
    asked = counter.client(None)

    answer = asked.post("/api/v1/auth/login", json={"password": "x", "transport": "body"})
    again = asked.post("/api/v1/auth/refresh", json={"refresh_token": "r1", "transport": "body"})

    assert answer.json()["refresh_token"] == "r1"
    assert "set-cookie" not in answer.headers
    assert again.json()["refresh_token"] == "r2"


def test_tokens_are_kept_under_no_idempotency_key(counter: Counter) -> None:
    asked = counter.client(None)
    same = {"Idempotency-Key": "k1"}

    first = asked.post("/api/v1/auth/login", json={"password": "x"}, headers=same)
    other = asked.post("/api/v1/auth/login", json={"password": "stay"}, headers=same)

    assert (first.status_code, other.status_code) == (200, 200)
    assert counter.repetitions.known == {}


def test_a_step_before_the_tokens_sets_no_cookie(counter: Counter) -> None:
    answer = counter.client(None).post("/api/v1/auth/login", json={"password": "first"})

    assert "set-cookie" not in answer.headers


def test_the_cookie_is_exchanged_under_the_custom_header_only(counter: Counter) -> None:
    asked = counter.client(None)
    cookie = {"Cookie": "other=1; botcore_refresh=r1"}

    forged = asked.post("/api/v1/auth/refresh", json={}, headers=cookie)
    real = asked.post("/api/v1/auth/refresh", json={}, headers=cookie | {"X-Botcore": "1"})

    problem(forged, 403, "CUSTOM_HEADER_MISSING")
    assert real.json()["access_token"] == "a2"
    assert real.headers["set-cookie"].startswith("botcore_refresh=r2;")
    assert counter.shop.asked == [Refresh(refresh_token="r1")]


def test_a_cookie_that_another_site_has_tossed_beside_ours_is_refused(counter: Counter) -> None:
    headers = {"Cookie": "botcore_refresh=evil; botcore_refresh=r1", "X-Botcore": "1"}

    answer = counter.client(None).post("/api/v1/auth/refresh", json={}, headers=headers)

    problem(answer, 400, "COOKIE_TWICE")


def test_a_refused_refresh_clears_the_cookie(counter: Counter) -> None:
    headers = {"Cookie": "botcore_refresh=gone", "X-Botcore": "1"}

    answer = counter.client(None).post("/api/v1/auth/refresh", json={}, headers=headers)

    problem(answer, 401, "SESSION_ENDED")
    assert "botcore_refresh=;" in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]


def test_a_session_that_is_over_clears_the_cookie_wherever_that_is_said(asked: TestClient) -> None:
    cookie = {"Cookie": "botcore_refresh=r1"}

    over = asked.get("/api/v1/fail?how=session", headers=cookie)
    wrong = asked.post("/api/v1/auth/login", json={"password": "wrong"}, headers=cookie)

    assert "Max-Age=0" in over.headers["set-cookie"]
    assert "set-cookie" not in wrong.headers  # another's mistake ends no session


def test_signing_out_clears_what_the_browser_keeps(counter: Counter) -> None:
    headers = {"Cookie": "botcore_refresh=r1", "X-Botcore": "1"}

    answer = counter.client(None).post("/api/v1/auth/logout", json={}, headers=headers)

    assert answer.status_code == 200
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert answer.headers["clear-site-data"] == '"cache", "storage"'


def test_signing_out_with_a_token_needs_no_custom_header(asked: TestClient) -> None:
    assert asked.post("/api/v1/auth/logout").status_code == 200


def test_a_ticket_is_bound_to_the_origin_that_the_browser_says(asked: TestClient) -> None:
    honest = asked.post(
        "/api/v1/ws-ticket",
        json={"origin": "http://evil.example"},
        headers={"Origin": "http://localhost"},
    )

    assert honest.json() == {"detail": "http://localhost"}


# --- files


def test_a_file_is_taken_in_and_gone_afterwards(counter: Counter, asked: TestClient) -> None:
    content = bytes(range(256)) * 700

    answer = asked.post(
        "/api/v1/files?name=data",
        content=content,
        headers={"Content-Type": "application/octet-stream"},
    )

    assert answer.status_code == 202
    assert counter.shop.files == [("data", content)]
    assert list(counter.uploads.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "size", "media", "status", "code"),
    [
        ("files?name=data", 200_001, "application/octet-stream", 413, "BODY_TOO_LARGE"),
        ("files?name=data", 5, "multipart/form-data", 415, "BODY_MEDIA_TYPE"),
        ("files", 5, "application/octet-stream", 422, "FIELD_MISSING"),
        ("files?name=a&upload=/etc/passwd", 5, "application/octet-stream", 422, "FIELD_UNKNOWN"),
    ],
)
def test_a_file_that_is_not_taken_leaves_nothing(
    counter: Counter, asked: TestClient, path: str, size: int, media: str, status: int, code: str
) -> None:
    answer = asked.post(f"/api/v1/{path}", content=b"x" * size, headers={"Content-Type": media})

    problem(answer, status, code)
    assert counter.shop.files == []
    assert list(counter.uploads.iterdir()) == []


def test_what_an_earlier_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "uploads" / "old.part"
    left.parent.mkdir()
    left.write_bytes(b"x")

    Counter(tmp_path)

    assert not left.exists()


# --- pages


def test_a_stranger_in_a_browser_is_shown_how_to_sign_in(counter: Counter) -> None:
    answer = counter.client(None).get("/", headers={"Accept": "text/html"})

    assert answer.status_code == 401
    assert "./bot open" in answer.text
    assert "10,123" not in answer.text


def test_a_page_takes_its_scope(counter: Counter) -> None:
    assert counter.client(Role.VIEWER).get("/").status_code == 200
    problem(counter.client(Role.VIEWER).get("/metrics"), 403, "NOT_ALLOWED")
    assert counter.client(Role.ANALYST).get("/metrics").status_code == 200
    problem(counter.client(None).get("/metrics"), 401, "NOT_SIGNED_IN")
    problem(
        counter.client(None).get("/view.json", headers={"Authorization": "Bearer x"}),
        401,
        "TOKEN_REFUSED",
    )


def test_probes_say_one_word_to_anybody(counter: Counter) -> None:
    stranger = counter.client(None)

    assert (stranger.get("/livez").text, stranger.get("/readyz").text) == ("ok", "ok")


def test_the_description_is_for_who_is_signed_in(counter: Counter) -> None:
    for path in ("/api/v1/openapi.json", "/api/v1/docs"):
        assert counter.client(None).get(path).status_code == 401
        assert counter.client(Role.VIEWER).get(path).status_code == 200


def test_a_heavy_question_takes_more_of_the_budget(tmp_path: Path) -> None:
    operations = tuple(
        msgspec.structs.replace(each, cost=5) if each.name == "things.read" else each
        for each in OPERATIONS
    )
    asked = Counter(tmp_path, limits=limits_of(), operations=operations).client()

    left = [
        int(asked.get(f"/api/v1/{path}").headers["ratelimit-remaining"])
        for path in ("mood", "things/cup", "mood")
    ]

    assert left[0] - left[1] == 5
    assert left[1] - left[2] == 1
