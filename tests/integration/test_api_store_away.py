"""The API over PostgreSQL, while that breaks connections or lets nobody in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.open_room import OpenRoom
from tests.support.postgres_server import Server

pytestmark = pytest.mark.services
API = "/api/v1"
RULE = {"kind": "drawdown", "level": "0.2"}


@pytest.fixture
def server(postgres_url: str) -> Iterator[Server]:
    found = Server(postgres_url)
    yield found
    found.drop()


def test_connections_that_break_are_made_anew_and_nothing_is_half_done(
    server: Server, tmp_path: Path
) -> None:
    with OpenRoom(tmp_path, control_url=server.url) as room, room.client(room.local) as client:
        first = client.post(f"{API}/alerts/rules", json=RULE, headers={"Idempotency-Key": "a"})

        assert server.cut() > 0
        answers = [
            client.post(f"{API}/alerts/rules", json=RULE, headers={"Idempotency-Key": key})
            for key in ("b", "b", "c", "c")
        ]
        rules = client.get(f"{API}/alerts/rules").json()["items"]
        verdict = client.get(f"{API}/audit/verification").json()

    assert first.status_code == 201
    assert {each.status_code for each in answers} <= {201, 503}
    made = {each.json()["id"] for each in (first, *answers) if each.status_code == 201}
    assert {each["id"] for each in rules} == made
    assert answers[-1].status_code == 201, "it is well again"
    assert verdict["is_whole"]


def test_a_database_that_is_gone_is_said_and_is_used_again_when_it_is_back(
    server: Server, tmp_path: Path
) -> None:
    with OpenRoom(tmp_path, control_url=server.url) as room, room.client(room.local) as client:
        with server.closed():
            read = client.get(f"{API}/audit")
            act = client.post(f"{API}/alerts/rules", json=RULE, headers={"Idempotency-Key": "x"})
            lowering = client.post(f"{API}/sessions/revoke-all", json={})
            own = client.get(f"{API}/auth/me")
            alive = client.get("/livez")
        again = client.post(f"{API}/alerts/rules", json=RULE, headers={"Idempotency-Key": "x"})
        rules = client.get(f"{API}/alerts/rules").json()["items"]
        verdict = client.get(f"{API}/audit/verification").json()

    for answer in (read, act):
        assert answer.status_code == 503
        told = answer.json()
        assert told["cause"]
        assert told["fix"]
        assert server.password not in answer.text
        assert "Traceback" not in answer.text
    assert lowering.status_code in (200, 409, 503)
    assert (own.status_code, alive.status_code) == (200, 200), "what memory knows is answered"
    assert again.status_code == 201
    assert [each["id"] for each in rules] == [again.json()["id"]], "once"
    assert verdict["is_whole"]
