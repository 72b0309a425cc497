"""Attacks on the real door, each with the answer it must get.

What the edge alone refuses is proven in `tests/unit/api/test_attacks_edge.py`, and what sign-in
alone does in `tests/unit/control/identity`; here both stand behind the server that is shipped.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pyotp
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.support.edge import read_all, wait_until
from tests.support.open_room import GOOD, OpenRoom

from botcore.api.openapi import example_of
from botcore.api.rest.bodies import BodyTimes
from botcore.api.rest.routing import paths_of
from botcore.control.access import Role, Scope
from botcore.control.operations import Operation
from botcore.control.problems import Unauthenticated
from botcore.control.schema import operations

API = "/api/v1"
MINUTE = 60 * 10**9


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRoom]:
    with OpenRoom(tmp_path_factory.mktemp("attacked")) as opened:
        yield opened


@pytest.fixture(scope="module")
def owner(room: OpenRoom) -> dict[str, Any]:
    return room.an_owner()


@pytest.fixture
def asked(room: OpenRoom, owner: dict[str, Any]) -> Iterator[httpx.Client]:
    """The owner, signed in."""
    with room.client(f"Bearer {owner['access_token']}") as client:
        yield client


def code(answer: httpx.Response) -> str:
    """Return status and code of a refusal, which is a problem in form."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["cause"]
    assert told["fix"]
    return f"{answer.status_code} {told['code']}"


def login(client: httpx.Client, username: str, password: str = GOOD) -> httpx.Response:
    body = {"username": username, "password": password, "transport": "body"}
    return client.post(f"{API}/auth/login", json=body)


# --- fields that nobody may set


SMUGGLED = ("role", "owner_id", "user_id", "is_admin", "balance", "limits", "actor", "__class__")
WITH_EXAMPLE = [each for each in operations() if each.examples and not each.upload_max]


@pytest.mark.parametrize("operation", WITH_EXAMPLE, ids=lambda each: each.name)
def test_mass_assignment(asked: httpx.Client, operation: Operation) -> None:
    """A field that the schema does not have is refused by name; nothing is carried out."""
    example = example_of(operation, operation.examples[0], paths_of(operation)[0])
    declared = set(operation.request.__struct_fields__)
    found = {}

    for name in SMUGGLED:
        if name in declared:
            continue
        if example.body is None:
            sign = "&" if "?" in example.path else "?"
            path = f"{example.path}{sign}{name}=owner"
            answer = asked.request(operation.method, path)
        else:
            body = {**example.body, name: "owner"}
            answer = asked.request(operation.method, example.path, json=body)
        found[name] = (code(answer), answer.json()["details"].get("field"))

    assert found == {name: ("422 FIELD_UNKNOWN", name) for name in found}


def test_a_role_in_an_invitation_s_acceptance_changes_nothing(room: OpenRoom) -> None:
    with room.client(room.local) as local:
        token = local.post(f"{API}/invitations", json={"role": "viewer"}).json()["token"]
    body = {"token": token, "username": "climber", "password": GOOD, "transport": "body"}

    with room.client() as stranger:
        smuggled = stranger.post(f"{API}/auth/register", json={**body, "role": "owner"})
        honest = stranger.post(f"{API}/auth/register", json=body)

    assert code(smuggled) == "422 FIELD_UNKNOWN"
    assert honest.json()["role"] == "viewer", "and the invitation was not used up"


def test_nested_fields_are_judged_too(asked: httpx.Client) -> None:
    answer = asked.put(
        f"{API}/strategies/rules/mine", json={"document": {"version": 1}, "limits": {"a": 1}}
    )

    assert code(answer) == "422 FIELD_UNKNOWN"


# --- bodies that are none


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b'{"name":}', b"{} {}", b"{'a': 1}"],
    ids=repr,
)
def test_malformed(asked: httpx.Client, body: bytes) -> None:
    answer = asked.post(f"{API}/keys", content=body, headers={"Content-Type": "application/json"})

    assert code(answer) in ("400 NOT_JSON", "422 FIELD_INVALID", "422 FIELD_MISSING")


@pytest.mark.parametrize("depth", [1_000, 100_000])
def test_nested_without_end(asked: httpx.Client, depth: int) -> None:
    body = b'{"name":' + b"[" * (depth // 2) + b"]" * (depth // 2) + b"}"

    answer = asked.post(f"{API}/keys", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 413, 422)
    assert code(answer)


@pytest.mark.parametrize(("opening", "closing"), [('{"a":', "}"), ("[", "]")], ids=["{", "["])
def test_nested_as_deeply_as_one_reader_bears_and_the_next_does_not(
    asked: httpx.Client, opening: str, closing: str
) -> None:
    """What was asked is kept in the audit; no entry of it may keep others from being read."""
    path, headers = f"{API}/strategies/rules/deep", {"Content-Type": "application/json"}

    for depth in (62, 64, 500, *range(955, 975)):
        document = f'{{"a":{opening * depth}1{closing * depth}}}'
        answer = asked.put(path, content=f'{{"document":{document}}}', headers=headers)
        expected = ("422 RULES_REFUSED",) if depth == 62 else ("422 FIELD_INVALID", "400 NOT_JSON")
        assert code(answer) in expected
    listed = asked.get(f"{API}/audit", params={"limit": 100})

    assert listed.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"name":"a","name":"b","scopes":["read:market"]}', "name"),
        (b'{"name":"a","scopes":["read:market"],"scopes":["trade:live"]}', "scopes"),
        (b'{"name":"a","scopes":["read:market"],"\\u006eame":"b"}', "name"),
    ],
    ids=["name", "scopes", "escaped"],
)
def test_duplicated(asked: httpx.Client, body: bytes, field: str) -> None:
    """Two readers of one body must not see two things."""
    answer = asked.post(f"{API}/keys", content=body, headers={"Content-Type": "application/json"})

    assert code(answer) == "422 FIELD_TWICE"
    assert answer.json()["details"] == {"field": field}


def test_duplicated_in_the_query(asked: httpx.Client) -> None:
    assert code(asked.get(f"{API}/trading/orders?limit=1&limit=500")) == "422 FIELD_TWICE"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/auth/step-up", {"password": 7}),
        ("/auth/step-up", {"password": ["x"]}),
        ("/keys", {"name": "a", "scopes": "admin:users"}),
        ("/keys", {"name": "a", "scopes": [True]}),
        ("/keys", {"name": "a", "scopes": ["read:market"], "days": "90"}),
        ("/keys", {"name": "a", "scopes": ["read:market"], "days": 1.5}),
        ("/keys", {"name": "a", "scopes": ["read:market"], "days": 10**30}),
        ("/keys", {"name": "a", "scopes": ["read:market"], "is_unattended": "yes"}),
        ("/keys", {"name": "a", "scopes": ["read:market"], "max_notional": "NaN"}),
        ("/keys", {"name": "a", "scopes": ["read:market"], "max_notional": "1e999"}),
        ("/keys", {"name": "a\u0000b", "scopes": ["read:market"]}),
        ("/trading/orders/preview", {"instrument": "A.B", "side": "BUY", "quantity": "-1"}),
        ("/trading/orders/preview", {"instrument": "A.B", "side": "BUY", "quantity": "Infinity"}),
        ("/trading/orders/preview", {"instrument": "A B", "side": "BUY", "quantity": "1"}),
        ("/trading/orders/preview", {"instrument": "A.B", "side": "buy", "quantity": "1"}),
        ("/trading/orders/preview", {"instrument": "A.B", "side": None, "quantity": "1"}),
    ],
    ids=lambda each: json.dumps(each)[:60] if isinstance(each, dict) else "",
)
def test_wrong_types(asked: httpx.Client, path: str, value: dict[str, Any]) -> None:
    assert code(asked.post(f"{API}{path}", json=value)) == "422 FIELD_INVALID"


def test_a_number_that_only_a_parser_could_overflow(asked: httpx.Client) -> None:
    body = b'{"name":"a","scopes":["read:market"],"days":1e400}'

    answer = asked.post(f"{API}/keys", content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422)


# --- too much


@pytest.mark.parametrize("size", [64 * 1024 + 1, 2 * 1024 * 1024])
def test_oversized(asked: httpx.Client, size: int) -> None:
    body = b'{"name":"' + b"a" * size + b'"}'

    answer = asked.post(f"{API}/keys", content=body, headers={"Content-Type": "application/json"})

    assert code(answer) == "413 BODY_TOO_LARGE"


def test_oversized_without_saying_so(asked: httpx.Client) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(40):
            yield b" " * 4_096

    answer = asked.post(
        f"{API}/keys", content=parts(), headers={"Content-Type": "application/json"}
    )

    assert code(answer) == "413 BODY_TOO_LARGE"


def test_a_field_longer_than_its_bound(asked: httpx.Client) -> None:
    answer = asked.post(f"{API}/keys", json={"name": "a" * 65, "scopes": ["read:market"]})

    assert code(answer) == "422 FIELD_INVALID"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "identity,x"])
def test_a_decompression_bomb(asked: httpx.Client, encoding: str) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    assert len(bomb) < 64 * 1024

    answer = asked.post(
        f"{API}/keys",
        content=bomb,
        headers={"Content-Type": "application/json", "Content-Encoding": encoding},
    )

    assert code(answer) == "415 BODY_COMPRESSED"


def test_a_slow_body(tmp_path: Path) -> None:
    with OpenRoom(tmp_path, times=BodyTimes(silence_s=0.2, whole_s=0.6)) as room:
        session = room.an_owner()
        head = (
            f"POST {API}/keys HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {session['access_token']}\r\nContent-Length: 100\r\n\r\n"
        ).encode()

        with socket.create_connection(("127.0.0.1", room.port), timeout=10) as connection:
            connection.sendall(head + b'{"name":')
            answer = read_all(connection, quiet_s=1.5)
        with room.client(f"Bearer {session['access_token']}") as client:
            keys = client.get(f"{API}/keys").json()["items"]

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"BODY_TOO_SLOW" in answer
    assert keys == []


# --- what belongs to others


def test_other_people_s_ids_look_like_ids_that_nobody_has(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    """404 and not 403, in the same words: an answer must not tell that something is there."""
    admin, trader = room.a_person(Role.ADMIN, "theirs"), room.a_person(Role.TRADER, "curious")
    with room.client(f"Bearer {admin['access_token']}") as client:
        headers = {"Idempotency-Key": "a-check"}
        job = client.post(f"{API}/data/checks", json={}, headers=headers).json()["id"]
        rule = client.post(f"{API}/alerts/rules", json={"kind": "drawdown", "level": "0.1"}).json()[
            "id"
        ]
    key = room.a_key(admin, [Scope.READ_MARKET]).split("_")[2]
    session = admin["session"]
    wanted: list[tuple[str, str, str, str]] = [
        ("GET", "/jobs/{}", job, "404 JOB_UNKNOWN"),
        ("GET", "/jobs/{}/log", job, "404 JOB_UNKNOWN"),
        ("POST", "/jobs/{}/cancel", job, "404 JOB_UNKNOWN"),
        ("DELETE", "/keys/{}", key, "404 KEY_NOT_FOUND"),
        ("DELETE", "/sessions/{}", session, "404 SESSION_UNKNOWN"),
        ("DELETE", "/alerts/rules/{}", rule, "404 ALERT_UNKNOWN"),
    ]

    with room.client(f"Bearer {trader['access_token']}") as client:
        for method, path, theirs, expected in wanted:
            nobodys = re.sub(r"[a-z0-9]", "0", theirs)
            of_others = client.request(method, API + path.format(theirs))
            of_nobody = client.request(method, API + path.format(nobodys))
            assert (code(of_others), code(of_nobody)) == (expected, expected), path
            said = of_others.json()["cause"].replace(theirs, "…")
            assert said == of_nobody.json()["cause"].replace(nobodys, "…")
        lists = [
            client.get(API + path).json()["items"] for path in ("/jobs", "/alerts/rules", "/keys")
        ]

    assert lists == [[], [], []]
    with room.client(f"Bearer {admin['access_token']}") as client:
        assert client.get(f"{API}/jobs/{job}").json()["job"]["state"] == "queued", (
            "and is not cancelled"
        )
        assert [each["id"] for each in client.get(f"{API}/keys").json()["items"]] == [key]
        assert [each["id"] for each in client.get(f"{API}/alerts/rules").json()["items"]] == [rule]


def test_other_people_s_notifications_cannot_be_marked(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    reader, other = room.a_person(Role.VIEWER, "reader"), room.a_person(Role.VIEWER, "other")
    room.a_key(reader, [Scope.READ_MARKET])  # of which he is told
    with (
        room.client(f"Bearer {reader['access_token']}") as mine,
        room.client(f"Bearer {other['access_token']}") as theirs,
    ):
        told = mine.get(f"{API}/notifications").json()
        theirs.post(f"{API}/notifications/read", json={"ids": [told["items"][0]["id"]]})
        after = mine.get(f"{API}/notifications").json()

    assert told["unread"] >= 1
    assert after == told


def test_another_s_sessions_and_keys_are_not_listed_for_who_asks_by_name(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    person = room.a_person(Role.TRADER, "asker")
    with room.client(f"Bearer {person['access_token']}") as client:
        answers = {
            code(client.get(f"{API}/{what}", params={"user": user}))
            for what in ("sessions", "keys")
            for user in ("olivia", "nobody-at-all")
        }

    assert len(answers) == 1, "who exists is not told either"
    assert answers <= {"404 USER_UNKNOWN", "403 USER_ABOVE_YOU"}


def test_an_administrator_is_not_above_the_owner(room: OpenRoom, owner: dict[str, Any]) -> None:
    admin = room.a_person(Role.ADMIN, "deputy")
    with room.client(f"Bearer {admin['access_token']}") as client:
        tries = [
            client.put(f"{API}/users/olivia/role", json={"role": "viewer"}),
            client.put(f"{API}/users/deputy/role", json={"role": "owner"}),
            client.post(f"{API}/users/olivia/disable", json={}),
            client.post(f"{API}/users/olivia/reset", json={}),
            client.post(f"{API}/users", json={"user": "x", "role": "owner"}),
            client.post(f"{API}/invitations", json={"role": "owner"}),
            client.post(f"{API}/auth/link", json={"user": "olivia"}),
            client.delete(f"{API}/sessions/{owner['session']}"),
        ]

    assert [each.status_code for each in tries if each.status_code not in (403, 404, 422)] == []
    assert {code(each) for each in tries} <= {
        "403 USER_ABOVE_YOU",
        "403 ROLE_ABOVE_YOURS",
        "403 LINKS_BY_OWNER",
        "404 SESSION_UNKNOWN",
    }
    with room.client(f"Bearer {owner['access_token']}") as client:
        assert client.get(f"{API}/auth/me").json()["role"] == "owner"


def test_who_was_made_less_is_less_at_once_with_his_keys(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    person = room.a_person(Role.ADMIN, "demoted")
    key = room.a_key(person, [Scope.ADMIN_AUDIT, Scope.READ_ACCOUNT])
    with room.client(f"Bearer {key}") as program, room.client(room.local) as local:
        before = program.get(f"{API}/audit").status_code

        local.put(f"{API}/users/demoted/role", json={"role": "viewer"})

        assert before == 200
        assert code(program.get(f"{API}/audit")) == "403 NOT_ALLOWED"
        local.post(f"{API}/users/demoted/disable", json={})
        assert code(program.get(f"{API}/auth/jwks/x")) == "404 NO_SUCH_ADDRESS"
        assert code(program.get(f"{API}/jobs")) == "401 KEY_ENDED"


@pytest.mark.parametrize("act", ["disable", "remove"])
def test_nothing_of_who_was_shut_out_opens_anything(
    room: OpenRoom, owner: dict[str, Any], act: str
) -> None:
    """Sessions, refresh tokens, keys, tickets, codes, links and invitations: all of it, at once."""
    name = f"gone-by-{act}"
    first = room.a_person(Role.ADMIN, name)
    bearer = f"Bearer {first['access_token']}"
    key = room.a_key(first, [Scope.READ_MARKET])
    link = room.a_link(name)
    with room.client() as stranger, room.client(bearer) as his:
        second = login(stranger, name).json()
        invitation = his.post(f"{API}/invitations", json={"role": "viewer"}).json()["token"]
        ticket = his.post(f"{API}/ws-ticket", json={}).json()["ticket"]
    ended: list[str] = []
    stop = room.room.identity.endings.on_revoked(ended.append)  # as the sockets hear of it

    with room.client(room.local) as local:
        path = f"{API}/users/{name}" + ("/disable" if act == "disable" else "")
        method, body = ("POST", b"{}") if act == "disable" else ("DELETE", None)
        local.headers["Content-Type"] = "application/json"
        asked = local.request(method, path, content=body)
        if asked.status_code == 428:
            token = asked.json()["details"]["confirmation_token"]
            asked = local.request(method, path, content=body, headers={"Confirmation-Token": token})
        assert asked.status_code == 200, asked.text
    stop()

    assert set(ended) == {first["session"], second["session"], key.split("_")[2]}
    for credential in (bearer, f"Bearer {second['access_token']}", f"Bearer {key}"):
        with room.client(credential) as client:
            assert client.get(f"{API}/notifications").status_code == 401
    with pytest.raises(Unauthenticated):
        _opened(room, ticket)
    with room.client() as stranger:
        for session in (first, second):
            again = {"refresh_token": session["refresh_token"], "transport": "body"}
            assert stranger.post(f"{API}/auth/refresh", json=again).status_code == 401
        assert code(login(stranger, name)) in {"403 ACCOUNT_DISABLED", "401 SIGN_IN_INCORRECT"}
        taken = stranger.post(f"{API}/auth/link/take", json={"token": link})
        assert code(taken) == "403 LINK_UNKNOWN"
        joining = {"token": invitation, "username": f"x-{act}", "password": GOOD}
        assert code(stranger.post(f"{API}/auth/register", json=joining)) == "403 INVITATION_ENDED"


def _opened(room: OpenRoom, ticket: str) -> None:
    """Do what the socket's door does with a ticket.

    Raises:
        Unauthenticated: it opens nothing.
    """
    identity = room.room.identity

    async def opened() -> None:
        if identity.authenticator.again(identity.tickets.take(ticket, "")) is None:
            raise Unauthenticated(code="SESSION_ENDED", cause="it has ended", fix="sign in")

    room.run(opened())


def test_a_key_has_no_more_than_its_maker(room: OpenRoom, owner: dict[str, Any]) -> None:
    viewer = room.a_person(Role.VIEWER, "modest")
    with room.client(f"Bearer {viewer['access_token']}") as client:
        found = {
            scope: client.post(f"{API}/keys", json={"name": "k", "scopes": [scope]})
            for scope in Scope
        }

    for scope, answer in found.items():
        if scope in (Scope.READ_MARKET, Scope.READ_ACCOUNT, Scope.MANAGE_ALERTS):
            assert answer.status_code == 201
        else:
            assert code(answer) in ("403 KEY_SCOPES_ABOVE", "422 KEY_SCOPES"), scope


# --- replays


def test_the_same_key_replays_the_answer_and_carries_no_other_act(asked: httpx.Client) -> None:
    body = {"kind": "drawdown", "level": "0.15"}
    headers = {"Idempotency-Key": "replay-1"}

    first = asked.post(f"{API}/alerts/rules", json=body, headers=headers)
    again = asked.post(f"{API}/alerts/rules", json=body, headers=headers)
    other = asked.post(f"{API}/alerts/rules", json={**body, "level": "0.9"}, headers=headers)
    elsewhere = asked.post(f"{API}/notifications/read", json={}, headers=headers)

    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    assert code(other) == code(elsewhere) == "422 IDEMPOTENCY_KEY_REUSED"


def test_another_s_idempotency_key_replays_nothing_of_theirs(
    room: OpenRoom, owner: dict[str, Any], asked: httpx.Client
) -> None:
    body = {"kind": "drawdown", "level": "0.16"}
    headers = {"Idempotency-Key": "shared-word"}
    person = room.a_person(Role.TRADER, "echo")

    mine = asked.post(f"{API}/alerts/rules", json=body, headers=headers)
    with room.client(f"Bearer {person['access_token']}") as client:
        theirs = client.post(f"{API}/alerts/rules", json=body, headers=headers)

    assert theirs.json()["id"] != mine.json()["id"]
    assert "idempotency-replayed" not in theirs.headers


def test_one_key_in_many_hands_at_once_acts_once(asked: httpx.Client, room: OpenRoom) -> None:
    body = {"kind": "drawdown", "level": "0.17"}
    together = threading.Barrier(8)

    def act(_: int) -> httpx.Response:
        with room.client(asked.headers["Authorization"]) as client:
            together.wait()
            return client.post(
                f"{API}/alerts/rules", json=body, headers={"Idempotency-Key": "at-once"}
            )

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(act, range(8)))

    ids = {each.json()["id"] for each in answers if each.status_code == 201}
    assert len(ids) == 1
    assert {code(each) for each in answers if each.status_code != 201} <= {"409 STILL_RUNNING"}
    rules = asked.get(f"{API}/alerts/rules?limit=500").json()["items"]
    assert sum(each["level"] == "0.17" for each in rules) == 1


def test_a_confirmation_is_good_once_for_that_act_by_that_session(
    room: OpenRoom, owner: dict[str, Any], asked: httpx.Client
) -> None:
    room.a_person(Role.VIEWER, "leaver-1")
    room.a_person(Role.VIEWER, "leaver-2")
    told = asked.delete(f"{API}/users/leaver-1")
    token = told.json()["details"]["confirmation_token"]
    shown = {"Confirmation-Token": token}

    other = asked.delete(f"{API}/users/leaver-2", headers=shown)
    spent = asked.delete(f"{API}/users/leaver-1", headers=shown)

    assert code(told) == "428 CONFIRMATION_REQUIRED"
    assert "leaver-1" in told.json()["details"]["effect"]
    assert code(other) == "422 CONFIRMATION_MISMATCH"
    assert code(spent) == "422 CONFIRMATION_EXPIRED", "a wrong use has used it up"
    again = asked.delete(f"{API}/users/leaver-1").json()["details"]["confirmation_token"]
    with room.client(room.local) as local:
        stolen = local.delete(f"{API}/users/leaver-1", headers={"Confirmation-Token": again})
    assert code(stolen) == "422 CONFIRMATION_MISMATCH"


def test_a_link_and_an_invitation_are_good_once(room: OpenRoom, owner: dict[str, Any]) -> None:
    link = room.a_link("olivia")
    with room.client() as stranger:
        first = stranger.post(f"{API}/auth/link/take", json={"token": link, "transport": "body"})
        second = stranger.post(f"{API}/auth/link/take", json={"token": link, "transport": "body"})
        assert first.status_code == 200
        assert code(second) == "403 LINK_USED"
        with room.client(room.local) as local:
            token = local.post(f"{API}/invitations", json={"role": "viewer"}).json()["token"]
        answers = [
            stranger.post(
                f"{API}/auth/register",
                json={"token": token, "username": name, "password": GOOD, "transport": "body"},
            )
            for name in ("guest-1", "guest-2")
        ]

    assert answers[0].status_code == 201
    assert code(answers[1]) == "403 INVITATION_USED"


@pytest.mark.requirement("REST registration closes after the owner")
def test_nobody_registers_without_an_invitation(room: OpenRoom, owner: dict[str, Any]) -> None:
    bodies = [
        {"username": "me", "password": GOOD},
        {"username": "me", "password": GOOD, "token": "lnk_" + "a" * 43},
        {"username": "me", "password": GOOD, "token": room.a_link("olivia")},
        {"username": "me", "password": GOOD, "token": owner["refresh_token"]},
    ]
    with room.client() as stranger:
        answers = [stranger.post(f"{API}/auth/register", json=body) for body in bodies]
        alias = stranger.post("/api/auth/register", json=bodies[0])

    assert code(answers[0]) == code(alias) == "403 REGISTRATION_CLOSED"
    assert {each.status_code for each in answers} <= {403, 422}
    with room.client(room.local) as local:
        names = [each["username"] for each in local.get(f"{API}/users").json()["items"]]
    assert "me" not in names


@pytest.mark.requirement("TC-COMM-003")
def test_a_code_of_the_second_factor_and_a_recovery_code_are_good_once(tmp_path: Path) -> None:
    with OpenRoom(tmp_path) as room:
        session = room.an_owner("tina")
        with room.client(f"Bearer {session['access_token']}") as client:
            totp = pyotp.TOTP(client.post(f"{API}/auth/totp", json={}).json()["secret"])

            def now() -> str:
                return totp.at(room.clock.now_ns() // 10**9)

            used = now()
            confirmed = client.post(f"{API}/auth/totp/confirm", json={"code": used})
            codes = confirmed.json()["codes"]
            replayed = client.post(f"{API}/auth/step-up", json={"code": used})
        with room.client() as stranger:

            def shown(answer: str) -> httpx.Response:
                challenge = login(stranger, "tina").json()["challenge"]
                body = {"challenge": challenge, "code": answer, "transport": "body"}
                return stranger.post(f"{API}/auth/mfa", json=body)

            room.clock.skip(30 * 10**9)
            fresh, spent = shown(now()), shown(now())
            recovered, spent_too = shown(codes[0]), shown(codes[0])

    assert len(codes) == 10
    assert code(replayed) == "403 CODE_WRONG"
    assert fresh.json()["status"] == "signed_in"
    assert code(spent) == "403 CODE_WRONG"
    assert recovered.json()["status"] == "signed_in"
    assert code(spent_too) == "403 CODE_WRONG"


@pytest.mark.requirement("TC-COMM-003")
def test_a_refresh_race_has_one_winner_at_most_and_ends_the_family(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    """Also the winner's tokens are dead: nobody can know which of them is the thief."""
    session = room.a_person(Role.TRADER, "racer")
    body = {"refresh_token": session["refresh_token"], "transport": "body"}
    together = threading.Barrier(8)

    def refresh(_: int) -> httpx.Response:
        with room.client() as client:
            together.wait()
            return client.post(f"{API}/auth/refresh", json=body)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(refresh, range(8)))

    won = [each.json() for each in answers if each.status_code == 200]
    assert len(won) <= 1
    assert {code(each) for each in answers if each.status_code != 200} <= {
        "401 REFRESH_REUSED",
        "401 SESSION_ENDED",
    }
    dead = [session, *won]
    for each in dead:
        with room.client(f"Bearer {each['access_token']}") as client:
            again = {"refresh_token": each["refresh_token"], "transport": "body"}
            assert code(client.get(f"{API}/auth/me")) == "401 SESSION_ENDED"
            assert client.post(f"{API}/auth/refresh", json=again).status_code == 401
    with room.client() as stranger:
        assert login(stranger, "racer").status_code == 200, "who knows the password comes in"


def test_two_refreshes_one_after_the_other_end_the_family(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    session = room.a_person(Role.TRADER, "robbed")
    body = {"refresh_token": session["refresh_token"], "transport": "body"}
    with room.client() as client:
        first = client.post(f"{API}/auth/refresh", json=body)
        second = client.post(f"{API}/auth/refresh", json=body)
        of_the_winner = client.get(
            f"{API}/auth/me", headers={"Authorization": f"Bearer {first.json()['access_token']}"}
        )

    assert first.status_code == 200
    assert code(second) == "401 REFRESH_REUSED"
    assert code(of_the_winner) == "401 SESSION_ENDED"


# --- forged tokens


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _part(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    return found


Forge = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], str]
OURS = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _signed(header: dict[str, Any], claims: dict[str, Any], sign: Callable[[bytes], bytes]) -> str:
    body = f"{_b64(msgspec.json.encode(header))}.{_b64(msgspec.json.encode(claims))}"
    return f"{body}.{_b64(sign(body.encode()))}"


def _by_us(header: dict[str, Any], claims: dict[str, Any]) -> str:
    return _signed(
        header, claims, lambda body: OURS.sign(body, padding.PKCS1v15(), hashes.SHA256())
    )


def _hmac_with_the_public_key(
    header: dict[str, Any], claims: dict[str, Any], jwk: dict[str, Any]
) -> str:
    numbers = rsa.RSAPublicNumbers(
        *(int.from_bytes(base64.urlsafe_b64decode(jwk[name] + "=="), "big") for name in ("e", "n"))
    )
    pem = numbers.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    header = {**header, "alg": "HS256"}
    return _signed(header, claims, lambda body: hmac.digest(pem, body, hashlib.sha256))


def _our_jwk() -> dict[str, str]:
    numbers = OURS.public_key().public_numbers()
    return {
        "kty": "RSA",
        "n": _b64(numbers.n.to_bytes(256, "big")),
        "e": _b64(numbers.e.to_bytes(3, "big")),
    }


def _of_kid(kid: str | int) -> Forge:
    return lambda header, claims, _: _by_us({**header, "kid": kid}, claims)


KIDS = ("../../../../dev/null", "' OR '1'='1", "http://127.0.0.1:9/key", "", "\u0000", "none", 7)
FORGERIES: dict[str, Forge] = {
    "alg none": lambda h, c, _: _signed({**h, "alg": "none"}, c, lambda _: b""),
    "alg None": lambda h, c, _: _signed({**h, "alg": "None"}, c, lambda _: b""),
    "alg missing": lambda h, c, _: _by_us({k: v for k, v in h.items() if k != "alg"}, c),
    "alg HS256 with the public key": _hmac_with_the_public_key,
    "alg PS256": lambda h, c, _: _by_us({**h, "alg": "PS256"}, c),
    "signed by somebody": lambda h, c, _: _by_us(h, c),
    "key in the header": lambda h, c, _: _by_us({**h, "jwk": _our_jwk()}, c),
    "key at an address": lambda h, c, _: _by_us({**h, "jku": "http://127.0.0.1:9/jwks"}, c),
    "certificate in the header": lambda h, c, _: _by_us({**h, "x5c": ["MIIB"]}, c),
    "certificate at an address": lambda h, c, _: _by_us({**h, "x5u": "http://127.0.0.1:9"}, c),
    "unknown crit": lambda h, c, _: _by_us({**h, "crit": ["exp"]}, c),
    "typ JWT": lambda h, c, _: _by_us({**h, "typ": "JWT"}, c),
    **{f"kid {kid!r}": _of_kid(kid) for kid in KIDS},
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_access_tokens(room: OpenRoom, owner: dict[str, Any], forgery: str) -> None:
    """Algorithm confusion and key tricks: the same refusal, whatever is claimed."""
    with room.client() as client:
        header, claims, _ = owner["access_token"].split(".")
        (jwk, *_) = [
            each
            for each in client.get(f"{API}/auth/jwks").json()["keys"]
            if each["kid"] == _part(header)["kid"]
        ]
        token = FORGERIES[forgery](_part(header), _part(claims), jwk)

        answer = client.get(f"{API}/auth/me", headers={"Authorization": f"Bearer {token}"})

    assert answer.status_code == 401
    assert code(answer).startswith("401 TOKEN_")
    assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    "change",
    [
        {"sub": "somebody-else"},
        {"sid": "0" * 32},
        {"scope": "admin:users trade:live"},
        {"exp": 9_999_999_999},
        {"aud": "another"},
        {"iss": "another"},
    ],
    ids=str,
)
def test_a_good_token_with_a_changed_claim(
    room: OpenRoom, owner: dict[str, Any], change: dict[str, Any]
) -> None:
    header, claims, signature = owner["access_token"].split(".")
    changed = _b64(msgspec.json.encode({**_part(claims), **change}))

    with room.client(f"Bearer {header}.{changed}.{signature}") as client:
        answer = client.get(f"{API}/auth/me")

    assert code(answer).startswith("401 TOKEN_")


def test_a_token_is_dead_when_its_time_is_up_or_its_keys_are_dropped(tmp_path: Path) -> None:
    with OpenRoom(tmp_path) as room:
        session = room.an_owner()
        with (
            room.client(f"Bearer {session['access_token']}") as client,
            room.client(room.local) as local,
        ):
            alive = client.get(f"{API}/auth/me").status_code
            local.post(f"{API}/auth/jwks/renew", json={})
            dropped = client.get(f"{API}/auth/me")
            body = {"refresh_token": session["refresh_token"], "transport": "body"}
            renewed = client.post(f"{API}/auth/refresh", json=body).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {renewed}"
            again = client.get(f"{API}/auth/me").status_code
            room.clock.skip(16 * MINUTE)
            over = client.get(f"{API}/auth/me")

    assert (alive, again) == (200, 200)
    assert code(dropped).startswith("401 TOKEN_")
    assert code(over) == "401 TOKEN_EXPIRED"


# --- where a credential may not stand


@pytest.mark.parametrize("name", ["access_token", "token", "key", "api_key", "ticket", "Token"])
def test_a_token_in_the_query_is_refused_even_if_it_is_good(
    room: OpenRoom, owner: dict[str, Any], name: str
) -> None:
    key = room.a_key(owner, [Scope.READ_ACCOUNT])
    with room.client() as stranger, room.client(f"Bearer {key}") as program:
        alone = stranger.get(f"{API}/jobs", params={name: key})
        beside = program.get(f"{API}/jobs", params={name: key})

    assert alone.status_code in (400, 401)
    assert code(beside) == "400 SECRET_IN_ADDRESS"
    assert key not in alone.text + beside.text


def test_a_key_as_a_password_or_a_cookie_is_nobody(room: OpenRoom, owner: dict[str, Any]) -> None:
    key = room.a_key(owner, [Scope.READ_ACCOUNT])
    with room.client() as client:
        basic = base64.b64encode(f"{key}:".encode()).decode()
        answers = [
            client.get(f"{API}/jobs", headers={"Authorization": f"Basic {basic}"}),
            client.get(f"{API}/jobs", headers={"Cookie": f"Authorization=Bearer {key}"}),
            client.get(f"{API}/jobs", headers={"X-Api-Key": key}),
            client.get(f"{API}/jobs", headers={"Authorization": key}),
        ]

    assert {each.status_code for each in answers} == {401}


def test_two_credentials_are_one_too_many(room: OpenRoom, owner: dict[str, Any]) -> None:
    request = (
        f"GET {API}/auth/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Local x\r\n"
        f"Authorization: Bearer {owner['access_token']}\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", room.port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = read_all(connection, quiet_s=5)

    assert answer.startswith(b"HTTP/1.1 400 ")


# --- other sites


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_a_foreign_page_cannot_act_with_what_the_browser_sends(
    room: OpenRoom, owner: dict[str, Any], origin: str
) -> None:
    with room.client(f"Bearer {owner['access_token']}") as client:
        answer = client.post(
            f"{API}/alerts/rules",
            json={"kind": "drawdown", "level": "0.66"},
            headers={"Origin": origin},
        )
        read = client.get(f"{API}/auth/me", headers={"Origin": origin})
        rules = client.get(f"{API}/alerts/rules?limit=500").json()["items"]

    assert answer.status_code == 403
    assert [each for each in rules if each["level"] == "0.66"] == []
    assert "access-control-allow-origin" not in read.headers


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example"]
)
def test_dns_rebinding_reaches_nothing(room: OpenRoom, owner: dict[str, Any], host: str) -> None:
    """A name of the attacker's that points here: the browser sends it as `Host`."""
    with room.client(f"Bearer {owner['access_token']}") as client:
        answers = [
            client.get(path, headers={"Host": f"{host}:{room.port}"})
            for path in ("/", f"{API}/auth/me", "/livez", "/sign-in", f"{API}/auth/jwks")
        ]

    assert {each.status_code for each in answers} <= {400, 403, 421}


@pytest.mark.requirement("TC-COMM-003")
def test_a_cookie_refreshes_only_with_the_header_that_no_form_can_send(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    body = {"username": "olivia", "password": GOOD}
    with room.client() as browser:
        signed_in = browser.post(f"{API}/auth/login", json=body)
        cookie = signed_in.headers["set-cookie"]
        assert signed_in.json()["refresh_token"] == ""
        browser.cookies.clear()
        mine = {"Cookie": cookie.partition(";")[0]}

        forged = browser.post(f"{API}/auth/refresh", json={}, headers=mine)
        form = browser.post(
            f"{API}/auth/refresh",
            content=b"a=b",
            headers={**mine, "Content-Type": "application/x-www-form-urlencoded"},
        )
        plain = browser.post(
            f"{API}/auth/refresh",
            content=b"{}",
            headers={**mine, "Content-Type": "text/plain", "X-Botcore": "1"},
        )
        acted = browser.post(
            f"{API}/alerts/rules",
            json={"kind": "drawdown", "level": "0.5"},
            headers={**mine, "X-Botcore": "1"},
        )
        page = browser.get("/", headers=mine)
        honest = browser.post(f"{API}/auth/refresh", json={}, headers={**mine, "X-Botcore": "1"})

    for word in ("HttpOnly", "SameSite=Strict", "Path=/"):
        assert word in cookie
    assert code(forged) == "403 CUSTOM_HEADER_MISSING"
    assert code(form) == code(plain) == "415 BODY_MEDIA_TYPE"
    assert code(acted) == "401 NOT_SIGNED_IN", "a cookie opens pages and nothing else"
    assert page.status_code == 200
    assert honest.json()["status"] == "signed_in"


def test_a_refused_attack_is_in_the_audit(room: OpenRoom, owner: dict[str, Any]) -> None:
    viewer = room.a_person(Role.VIEWER, "prober")
    with room.client(f"Bearer {viewer['access_token']}") as client:
        client.get(f"{API}/audit")
        client.delete(f"{API}/trading/orders")
    with room.client(room.local) as local:
        entries = local.get(f"{API}/audit", params={"actor": "person:prober"}).json()["items"]
        verdict = local.get(f"{API}/audit/verification").json()

    refused = {each["action"] for each in entries if each["result"] == "refused"}
    assert refused == {"audit.list", "orders.cancel-all"}
    assert all(each["code"] == "NOT_ALLOWED" for each in entries if each["result"] == "refused")
    assert verdict["is_whole"]


def test_what_does_not_even_come_in_is_in_the_audit_and_has_a_row(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    viewer = room.a_person(Role.VIEWER, "onlooker")
    key = room.a_key(owner, [Scope.READ_MARKET])
    with room.client() as stranger:
        foreign = stranger.get("/", headers={"Host": "evil.example"})
        forged = stranger.post(f"{API}/auth/refresh", headers={"Origin": "https://evil.example"})
        wrong = stranger.get(f"{API}/account", headers={"Authorization": f"Bearer {key}x"})
        stranger.get("/livez")
    with room.client(f"Bearer {key}") as program:
        not_allowed = program.get("/metrics")
    with room.client(f"Bearer {viewer['access_token']}") as person:
        shown = person.get("/fragment")
    answers = (foreign, forged, wrong, not_allowed, shown)
    assert [each.status_code for each in answers] == [400, 403, 401, 403, 200]

    def refused() -> set[tuple[str, str]]:
        page = {"limit": "500", "result": "refused"}
        with room.client(room.local) as local:
            entries = local.get(f"{API}/audit", params=page).json()["items"]
        return {(each["action"], each["code"]) for each in entries}

    expected = {
        ("edge.come-in", "HOST_NOT_ALLOWED"),
        ("edge.come-in", "ORIGIN_NOT_ALLOWED"),
        ("account.show", "KEY_MISTYPED"),
        ("page.read", "NOT_ALLOWED"),
    }
    wait_until(lambda: expected <= refused())

    def seen() -> set[tuple[str, int, str]]:
        room.room.stores.catch_up()
        with room.client(room.local) as local:
            rows = local.get(f"{API}/access", params={"limit": 500}).json()["items"]
        return {(each["route"], each["status"], each["actor"]) for each in rows}

    wait_until(
        lambda: (
            seen()
            >= {
                ("unknown", 400, "stranger"),
                ("unknown", 403, "stranger"),
                ("/fragment", 200, "person:onlooker"),
            }
        )
    )
    assert ("/metrics", 403) in {(route, status) for route, status, _ in seen()}
    assert not any(route == "/livez" for route, _, _ in seen()), "a probe is nobody's call"


def test_no_secret_is_in_the_audit_the_access_rows_or_the_log(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    """Every secret that this test made, looked for in everything that is kept as text."""
    session = room.a_person(Role.TRADER, "canary")
    key = room.a_key(session, [Scope.READ_ACCOUNT])
    link = room.a_link("canary")
    with room.client() as stranger:
        login(stranger, "canary", "wrong " + GOOD)
        refreshed = stranger.post(
            f"{API}/auth/refresh",
            json={"refresh_token": session["refresh_token"], "transport": "body"},
        ).json()
    secrets = [
        GOOD,
        "wrong " + GOOD,
        key,
        link,
        session["access_token"],
        session["refresh_token"],
        refreshed["access_token"],
        refreshed["refresh_token"],
    ]
    with room.client(room.local) as local:
        for path in ("/audit", "/access", "/users", "/notifications"):
            text = local.get(API + path, params={"limit": 500}).text
            assert [each for each in secrets if each in text] == [], path

    files = b"".join(
        path.read_bytes() for path in room.home.path.glob("control.db*") if path.is_file()
    )
    assert [each for each in secrets if each.encode() in files] == []
    assert [each for each in secrets if each in repr(room.log)] == []
