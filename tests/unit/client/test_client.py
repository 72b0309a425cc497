"""The client: tries again without doing a thing twice, renews itself, and says what the server did.

Against a server that answers as written here, and against the real door.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import pytest
from starlette.types import Receive, Scope, Send
from tests.support.edge import serving
from tests.support.http_script import SILENT, CutWire, Script, Told, scripted
from tests.support.open_room import OpenRoom

from botcore.api.rest.decoding import Decoder
from botcore.api.rest.routing import paths_of
from botcore.client import Client, Credentials, Retrying
from botcore.client.wire import to_http
from botcore.control import problems
from botcore.control.access import Role
from botcore.control.access import Scope as Granted
from botcore.control.local_proof import LocalProof
from botcore.control.operations import Operation, Request
from botcore.control.problems import (
    ConfirmationRequired,
    Forbidden,
    NotFound,
    Problem,
    StepUpRequired,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from botcore.control.schema import operations
from botcore.control.schema.alerts import CreateRule, ListRules
from botcore.control.schema.audit import ListAudit
from botcore.control.schema.auth import Jwks, ReadKeys, ReadMe
from botcore.control.schema.keys import ListKeys, NewKey
from botcore.control.schema.orders import CancelOrder, GetOrder, ListOrders
from botcore.control.schema.sessions import ListSessions, RevokeSession
from botcore.control.schema.users import ListUsers, RemoveUser
from botcore.domain.errors import ConfigError
from botcore.domain.ids import Nanos

DONE = Told(200, {"keys": []})
BUSY = Told(503, {"code": "STORE_BUSY", "cause": "it is busy", "fix": "ask again"})
STILL_RUNNING = Told(409, {"code": "STILL_RUNNING", "cause": "it is at work", "fix": "wait"})
CANCELED = Told(
    200,
    {
        "id": "BC-1",
        "account": "paper",
        "state": "ACCEPTED",
        "filled": "0",
        "leaves": "1",
        "cancel_owed": True,
    },
)


class Waits:
    """A clock whose sleeps take no time, and are remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now_ns(self) -> Nanos:
        return Nanos(0)

    def monotonic_ns(self) -> int:
        return 0

    def sleep_blocking(self, seconds: float) -> None:
        raise AssertionError("a client does not block")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def send(
    url: str, request: Request[Any], waits: Waits | None = None, *, timeout_s: float = 5.0
) -> Any:
    """Send one request; return the answer, or what was raised."""

    async def sent() -> Any:
        retrying = Retrying(timeout_s=timeout_s)
        async with Client(url, retrying=retrying, clock=waits or Waits()) as client:
            try:
                return await client.send(request)
            except Problem as problem:
                return problem

    return asyncio.run(sent())


# --- tried again


@pytest.mark.requirement("REST clients: 10 s, 3 retries, POST only under its key")
def test_a_try_takes_ten_seconds_at_most_and_three_more_follow_with_growing_waits() -> None:
    waits = Waits()
    with scripted(BUSY) as (script, server):
        found = send(f"http://127.0.0.1:{server.port}", ReadKeys(), waits)

    assert isinstance(found, Unavailable)
    assert found.code == "STORE_BUSY"
    assert len(script.heard) == 4
    assert Retrying() == Retrying(timeout_s=10.0, retries=3)
    for slept, longest in zip(waits.slept, (0.25, 0.5, 1.0), strict=True):
        assert longest / 2 <= slept <= longest


def test_waits_are_not_the_same_for_everybody() -> None:
    """Clients that were cut off together must not come back together."""
    waits = {Retrying().wait_s(2) for _ in range(50)}

    assert len(waits) > 20
    assert all(0.5 <= each <= 1.0 for each in waits)


def test_a_try_that_succeeds_ends_it() -> None:
    waits = Waits()
    with scripted(BUSY, Told(502, b"<html>"), DONE) as (script, server):
        found = send(f"http://127.0.0.1:{server.port}", ReadKeys(), waits)

    assert found == Jwks(keys=())
    assert (len(script.heard), len(waits.slept)) == (3, 2)


@pytest.mark.requirement("REST clients: 10 s, 3 retries, POST only under its key")
def test_an_act_is_tried_again_under_one_key_and_another_act_has_another() -> None:
    with scripted(BUSY, BUSY, CANCELED) as (script, server):
        url = f"http://127.0.0.1:{server.port}"
        send(url, CancelOrder(id="BC-1"))
        send(url, CancelOrder(id="BC-1"))

    keys = [each.headers["idempotency-key"] for each in script.heard]
    assert len(keys) == 4
    assert len(set(keys[:3])) == 1
    assert keys[3] != keys[0]
    assert len(keys[0]) >= 16


def test_an_act_that_takes_longer_than_a_try_is_waited_for() -> None:
    """Its first try is still at work: that is no refusal, but the answer that it goes on."""
    waits = Waits()
    with scripted(Told(SILENT), *[STILL_RUNNING] * 7, CANCELED) as (script, server):
        found = send(
            f"http://127.0.0.1:{server.port}", CancelOrder(id="BC-1"), waits, timeout_s=0.3
        )

    assert not isinstance(found, Problem)
    assert found.id == "BC-1"
    assert len({each.headers["idempotency-key"] for each in script.heard}) == 1


def test_an_act_that_never_ends_is_not_waited_for_without_end() -> None:
    waits = Waits()
    with scripted(Told(SILENT), STILL_RUNNING) as (_, server):
        found = send(
            f"http://127.0.0.1:{server.port}", CancelOrder(id="BC-1"), waits, timeout_s=0.3
        )

    assert isinstance(found, Problem)
    assert found.code == "STILL_RUNNING"
    assert 50.0 < sum(waits.slept) < 70.0


def test_an_act_of_another_under_the_same_key_is_not_waited_for() -> None:
    with scripted(STILL_RUNNING) as (script, server):
        found = send(f"http://127.0.0.1:{server.port}", CancelOrder(id="BC-1"))

    assert isinstance(found, Problem)
    assert len(script.heard) == 1


def test_a_question_carries_no_key() -> None:
    with scripted(DONE) as (script, server):
        send(f"http://127.0.0.1:{server.port}", ReadKeys())

    assert "idempotency-key" not in script.heard[0].headers


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 428, 500])
def test_what_will_not_get_better_is_not_tried_again(status: int) -> None:
    refusal = Told(status, {"code": "NO", "cause": "no", "fix": "leave it"})
    with scripted(refusal) as (script, server):
        found = send(f"http://127.0.0.1:{server.port}", ReadKeys())

    assert isinstance(found, Problem)
    assert (found.code, found.cause, found.fix) == ("NO", "no", "leave it")
    assert len(script.heard) == 1


@pytest.mark.parametrize(
    ("asked", "slept"), [("2", 2.0), ("3600", 10.0), ("0", None), ("tomorrow", None)]
)
def test_the_server_says_when_to_come_again_but_not_for_ever(
    asked: str, slept: float | None
) -> None:
    slow = Told(429, {"code": "RATE_LIMITED", "cause": "", "fix": ""}, {"Retry-After": asked})
    waits = Waits()
    with scripted(slow, DONE) as (_, server):
        send(f"http://127.0.0.1:{server.port}", ReadKeys(), waits)

    assert waits.slept[0] == slept if slept else 0.125 <= waits.slept[0] <= 0.25


def test_a_server_that_never_answers_is_given_up() -> None:
    with scripted(Told(SILENT)) as (script, server):
        found = send(f"http://127.0.0.1:{server.port}", ReadKeys(), timeout_s=0.1)

    assert isinstance(found, Unavailable)
    assert found.code == "SERVER_UNREACHABLE"
    assert len(script.heard) == 4


def test_a_server_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    waits = Waits()

    found = send(f"http://127.0.0.1:{port}", ReadKeys(), waits)

    assert found.code == "SERVER_UNREACHABLE"
    assert f"http://127.0.0.1:{port}" in found.cause
    assert len(waits.slept) == 3


@pytest.mark.parametrize("body", [b"<html>login</html>", b"[1]", b'"x"', b"{}", b"\xff"])
def test_something_else_that_listens_there_is_not_taken_for_us(body: bytes) -> None:
    with scripted(Told(403, body)) as (_, server):
        found = send(f"http://127.0.0.1:{server.port}", ReadKeys())

    assert isinstance(found, Unavailable)
    assert found.code == "ANSWER_NOT_UNDERSTOOD"


def test_a_good_status_with_an_answer_that_is_none_of_ours_is_not_a_traceback() -> None:
    """A captive portal or a proxy answers 200 with a page of its own."""
    with scripted(Told(200, b"<html>welcome</html>")) as (_, server):
        found = send(f"http://127.0.0.1:{server.port}", ReadKeys())

    assert isinstance(found, Unavailable)
    assert found.code == "ANSWER_NOT_UNDERSTOOD"


def test_it_is_not_led_elsewhere_with_its_key() -> None:
    away = Told(307, b"", {"Location": "http://127.0.0.1:9/steal"})
    with scripted(away) as (script, server):
        found = send(f"http://127.0.0.1:{server.port}", ReadKeys())

    assert isinstance(found, Problem)
    assert len(script.heard) == 1


# --- the very request arrives


EXAMPLES = [
    pytest.param(operation, request, id=f"{operation.name} {number}")
    for operation in operations()
    if not operation.upload_max
    for number, request in enumerate(operation.examples)
]


@pytest.mark.parametrize(("operation", "request_"), EXAMPLES)
def test_what_is_sent_is_read_as_the_same_request(
    operation: Operation, request_: Request[Any]
) -> None:
    sent = to_http(operation, request_)
    path = paths_of(operation)[0]
    names = [part.strip("{}") for part in path.split("/") if part.startswith("{")]
    given = [
        unquote(one)
        for one, part in zip(sent.path.split("/"), path.split("/"), strict=True)
        if part.startswith("{")
    ]
    decoder, fields = Decoder(operation, path), dict(zip(names, given, strict=True))

    if sent.body is None:
        pairs = "&".join(f"{name}={value}".replace(" ", "%20") for name, value in sent.query)
        assert len(parse_qsl(pairs, keep_blank_values=True)) == len(sent.query)
        read = decoder.from_query(fields, sent.query)
    else:
        read = decoder.from_body(fields, sent.query, sent.body)

    assert read == request_


# --- the real door


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRoom]:
    with OpenRoom(tmp_path_factory.mktemp("client")) as opened:
        opened.an_owner()
        yield opened


def done(
    room: OpenRoom, act: Callable[[Client], Any], credentials: Credentials | None = None
) -> Any:
    """Do something with a client of a room; return what comes of it, or what was raised."""

    async def run() -> Any:
        given = credentials or Credentials(local=room.home.token())
        async with Client(room.url, given, clock=Waits()) as client:
            try:
                return await act(client)
            except Problem as problem:
                return problem

    return asyncio.run(run())


def signed_in(session: dict[str, Any]) -> Credentials:
    return Credentials(access=session["access_token"], refresh=session["refresh_token"])


def test_an_act_whose_answer_was_lost_is_done_once(room: OpenRoom) -> None:
    rule = _a_rule()

    async def act(client: Client) -> Any:
        made = await client.send(rule)
        return made, (await client.send(ListRules())).items

    with CutWire(room.port, cuts=2) as wire:

        async def run() -> Any:
            credentials = Credentials(local=room.home.token())
            url = f"http://127.0.0.1:{wire.port}"
            async with Client(url, credentials, clock=Waits()) as client:
                return await act(client)

        made, rules = asyncio.run(run())

    assert wire.lost == 2
    assert [each.id for each in rules if each.note == rule.note] == [made.id]


def _a_rule() -> CreateRule:
    example = next(each for each in operations() if each.name == "alerts.create").examples[1]
    assert isinstance(example, CreateRule)
    return msgspec.structs.replace(example, note="an answer was lost")


def test_a_refusal_is_what_the_server_raised(room: OpenRoom) -> None:
    key = Credentials(key=room.a_key(room.a_person(Role.TRADER, "reader"), [Granted.READ_ACCOUNT]))

    missing = done(room, lambda client: client.send(GetOrder(id="BC-nowhere")))
    forbidden = done(room, lambda client: client.send(ListAudit()), key)
    stranger = done(room, lambda client: client.send(ListOrders()), Credentials(access="x.y.z"))

    assert (type(missing), missing.code) == (NotFound, "ORDER_UNKNOWN")
    assert (type(forbidden), forbidden.code) == (Forbidden, "NOT_ALLOWED")
    assert forbidden.details == {"scope": "admin:audit"}
    assert type(stranger) is Unauthenticated
    assert "admin:audit" in forbidden.cause
    assert forbidden.fix


def test_every_kind_of_problem_keeps_its_class_over_the_wire() -> None:
    from botcore.api.rest.problems import problem_answer
    from botcore.client.wire import problem_from

    kinds = [
        kind
        for kind in vars(problems).values()
        if isinstance(kind, type) and issubclass(kind, Problem) and kind is not Problem
    ]
    codes = {ConfirmationRequired: "CONFIRMATION_REQUIRED", StepUpRequired: "STEP_UP_REQUIRED"}

    for kind in kinds:
        raised = kind(code=codes.get(kind, "A"), cause="b", fix="c", details={"n": 1})
        answer = problem_answer(raised, "c-1")
        found = problem_from(answer.status, answer.body)
        # 422 is both what cannot be read and what a rule refuses; the code tells them apart.
        wanted = problems.Refused if kind is problems.Malformed else kind
        assert type(found) is wanted
        assert (found.code, found.cause, found.fix) == (raised.code, "b", "c")
        assert isinstance(found, Problem)
        assert found.details == {"n": 1}


def test_a_list_is_followed_to_its_end(room: OpenRoom) -> None:
    async def listed(client: Client) -> Any:
        for number in range(7):
            await client.send(NewKey(name=f"k{number}", scopes=frozenset({Granted.READ_MARKET})))
        some = [each.id async for each in client.every(ListKeys(limit=3))]
        whole = await client.send(ListKeys(limit=500))
        return some, [each.id for each in whole.items]

    some, whole = done(room, listed)

    assert len(whole) >= 7
    assert some == whole


def test_what_must_be_confirmed_is_shown_and_done_only_on_yes(room: OpenRoom) -> None:
    room.a_person(Role.VIEWER, "leaver")
    shown: list[str] = []

    def no(effect: str) -> bool:
        shown.append(effect)
        return False

    async def names(client: Client) -> list[str]:
        return [each.username async for each in client.every(ListUsers())]

    async def refused(client: Client) -> Any:
        try:
            await client.send_confirmed(RemoveUser(user="leaver"), no)
        except ConfirmationRequired:
            return await names(client)

    async def agreed(client: Client) -> Any:
        await client.send_confirmed(RemoveUser(user="leaver"), lambda _: True)
        return await names(client)

    assert "leaver" in done(room, refused)
    assert "leaver" in shown[0]
    assert "leaver" not in done(room, agreed)


def test_a_token_of_a_confirmation_is_for_that_act_alone(room: OpenRoom) -> None:
    room.a_person(Role.VIEWER, "one")
    room.a_person(Role.VIEWER, "two")

    async def swapped(client: Client) -> Any:
        try:
            await client.send(RemoveUser(user="one"))
        except ConfirmationRequired as asked:
            token = str(asked.details["confirmation_token"])
            return await client.send(RemoveUser(user="two"), confirmation=token)

    assert done(room, swapped).code == "CONFIRMATION_MISMATCH"


# --- signed in, and no longer


@pytest.mark.requirement("REST a 401 clears the tokens and leads back")
def test_an_access_token_that_has_ended_is_renewed_once_and_the_call_goes_on(
    tmp_path: Any,
) -> None:
    with OpenRoom(tmp_path) as room:
        credentials = signed_in(room.an_owner())

        async def over_time(client: Client) -> Any:
            before = (await client.send(ReadMe())).session
            first = client.credentials
            room.clock.skip(16 * 60 * 10**9)
            after = (await client.send(ReadMe())).session
            second = client.credentials
            room.clock.skip(16 * 60 * 10**9)
            await client.send(ReadMe())
            return before, after, first, second, client.credentials

        before, after, first, second, third = done(room, over_time, credentials)

    assert before == after, "it is the same session"
    assert len({first.access, second.access, third.access}) == 3
    assert len({first.refresh, second.refresh, third.refresh}) == 3


@pytest.mark.requirement("REST a 401 clears the tokens and leads back")
def test_a_session_that_ended_clears_the_tokens_and_says_to_sign_in(room: OpenRoom) -> None:
    credentials = signed_in(room.a_person(Role.VIEWER, "away"))

    async def ended(client: Client) -> Any:
        sessions = await client.send(ListSessions())
        async with Client(room.url, Credentials(local=room.home.token())) as local:
            await local.send(RevokeSession(id=sessions.items[0].id))
        try:
            await client.send(ReadMe())
        except Unauthenticated as problem:
            return problem, client.credentials

    problem, left = done(room, ended, credentials)

    assert problem.code == "SESSION_ENDED"
    assert "sign in" in problem.fix
    assert left == Credentials()


def test_a_refresh_that_nobody_answers_keeps_the_tokens() -> None:
    """A server that is down has not refused anybody."""
    ended = Told(401, {"code": "TOKEN_ENDED", "cause": "", "fix": ""})
    with scripted(ended, BUSY) as (script, server):

        async def run() -> Credentials:
            credentials = Credentials(access="a", refresh="r")
            async with Client(
                f"http://127.0.0.1:{server.port}", credentials, clock=Waits()
            ) as client:
                with pytest.raises(Unauthenticated):
                    await client.send(ReadMe())
                return client.credentials

        left = asyncio.run(run())

    assert left == Credentials(access="a", refresh="r")
    assert [each.path for each in script.heard] == ["/api/v1/auth/me", "/api/v1/auth/refresh"]
    assert msgspec.json.decode(script.heard[1].body)["transport"] == "body"


def test_many_calls_at_once_with_one_ended_token_do_not_end_the_session(tmp_path: Any) -> None:
    """Each would refresh; the second use of a refresh token ends its session (and rightly so)."""
    with OpenRoom(tmp_path) as room:
        credentials = signed_in(room.an_owner())

        async def at_once(client: Client) -> Any:
            room.clock.skip(16 * 60 * 10**9)
            found = await asyncio.gather(
                *(client.send(ReadMe()) for _ in range(5)), return_exceptions=True
            )
            return found, await client.send(ReadMe())

        found = done(room, at_once, credentials)

    assert not isinstance(found, Problem), found
    assert [each for each in found[0] if isinstance(each, BaseException)] == []


def test_who_sits_at_the_machine_never_sends_the_token_of_the_home() -> None:
    """Also not after the first answer: the port may change hands at any time."""
    proved, challenged = LocalProof("secret"), []

    class Proving(Script):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            asked = dict(scope["headers"]).get(b"local-challenge")
            if asked:
                challenged.append(asked)
                proof = proved.answer(asked.decode())
                self.answers.insert(0, Told(200, b"ok", {"Local-Proof": proof}))
            await super().__call__(scope, receive, send)

    script = Proving(DONE)
    with serving(script) as server:

        async def run() -> None:
            address = f"http://127.0.0.1:{server.port}"
            async with Client(address, Credentials(local="secret")) as client:
                await client.send(ReadKeys())
                await client.send(ReadKeys())

        asyncio.run(run())

    assert [each.path for each in script.heard] == ["/livez", *["/api/v1/auth/jwks"] * 2]
    assert len(challenged) == 1
    shown = [each.headers["authorization"].partition(" ")[2] for each in script.heard[1:]]
    assert all(map(proved.is_shown, shown))
    assert "secret" not in str(script.heard)


def test_a_platform_that_began_anew_proves_itself_anew(room: OpenRoom) -> None:
    credentials = Credentials(local=room.home.token())

    async def over_a_restart(client: Client) -> Any:
        before = await client.send(ReadMe())
        identity = room.room.identity
        identity.local_proof._process = "p" * 43  # as a new process has another
        return before, await client.send(ReadMe())

    before, after = done(room, over_a_restart, credentials)

    assert before == after


@pytest.mark.parametrize("proof", ["", "x", "p" * 43 + "." + "0" * 64])
def test_who_cannot_prove_to_be_the_platform_is_told_nothing(proof: str) -> None:
    with scripted(Told(200, b"ok", {"Local-Proof": proof})) as (script, server):

        async def run() -> None:
            address = f"http://127.0.0.1:{server.port}"
            async with Client(address, Credentials(local="secret"), clock=Waits()) as client:
                await client.send(ReadMe())

        with pytest.raises(ConfigError) as refused:
            asyncio.run(run())

    assert refused.value.code == "LISTENER_UNPROVED"
    assert [each.path for each in script.heard] == ["/livez"]
    assert "secret" not in str(script.heard)


def test_a_key_is_not_renewed_and_not_forgotten(room: OpenRoom) -> None:
    credentials = Credentials(key="bck_paper_aaaaaaaa_" + "a" * 43 + "_000000")

    async def refused(client: Client) -> Any:
        with pytest.raises(Unauthenticated):
            await client.send(ReadMe())
        return client.credentials

    assert done(room, refused, credentials).key == credentials.key


def test_too_many_calls_wait_as_the_server_says(tmp_path: Any) -> None:
    rates = {"strangers_per_min": 60, "strangers_burst": 4}
    with OpenRoom(tmp_path, rates=rates) as room:
        waits = Waits()

        async def many() -> Any:
            async with Client(room.url, clock=waits) as client:
                for _ in range(5):
                    await client.send(ReadKeys())

        with pytest.raises(TooMany) as limited:
            asyncio.run(many())

    assert limited.value.code == "RATE_LIMITED"
    assert limited.value.details["limit"] == "strangers"
    assert len(waits.slept) == 3
    assert all(math.isclose(each, 1.0) for each in waits.slept)


# --- addresses


@pytest.mark.parametrize("given", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080", " localhost/"])
def test_an_address_of_this_machine_needs_no_scheme(given: str) -> None:
    assert Client(given, key="bck_x").url == "http://" + given.strip().rstrip("/")


@pytest.mark.parametrize(
    ("given", "fix"),
    [
        ("bot.example:8443", "write https://bot.example:8443"),
        ("bot.example", "write https://bot.example"),
        ("ftp://bot.example", "write https://bot.example, or http://127.0.0.1:8080"),
        ("https://", "write https://bot.example, or http://127.0.0.1:8080"),
        ("::1", "write https://bot.example, or http://127.0.0.1:8080"),
        ("", "write https://bot.example, or http://127.0.0.1:8080"),
    ],
)
def test_an_address_that_does_not_say_how_is_refused_with_the_one_that_does(
    given: str, fix: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        Client(given, key="bck_x")

    assert refused.value.code == "SERVER_MALFORMED"
    assert refused.value.fix.startswith(fix)
