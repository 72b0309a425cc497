"""The API over PostgreSQL, while that breaks connections or lets nobody in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from tests.support.open_room import OpenRoom

pytestmark = pytest.mark.services
API = "/api/v1"
CANARY = "a-password-of-the-database"
RULE = {"kind": "drawdown", "level": "0.2"}


class Server:
    """A database of its own, and what an operator may do to those who use it."""

    def __init__(self, url: str) -> None:
        self.name = f"botcore_{uuid4().hex}"
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        own = sa.make_url(url).set(database=self.name)
        if own.password is None:
            own = own.set(password=CANARY)  # the server here asks for none
        self.password = str(own.password)
        self.url = own.render_as_string(hide_password=False)
        self._run(f'create database "{self.name}"')

    def cut(self) -> int:
        """Break every connection to it; return how many there were."""
        with self._engine.connect() as connection:
            question = sa.text(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = :n"
            )
            return int(connection.execute(question, {"n": self.name}).scalar_one())

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Let nobody in."""
        self._run(f'alter database "{self.name}" with allow_connections false')
        self.cut()
        try:
            yield
        finally:
            self._run(f'alter database "{self.name}" with allow_connections true')

    def drop(self) -> None:
        self.cut()
        self._run(f'drop database "{self.name}"')
        self._engine.dispose()

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(sa.text(statement))


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
