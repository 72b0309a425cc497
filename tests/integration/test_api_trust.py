"""What a request may make the platform believe or work before anybody is signed in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.open_room import GOOD, OpenRoom

from botcore.app.strategies import refuse_file
from botcore.domain.errors import ConfigError

API = "/api/v1"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRoom]:
    with OpenRoom(tmp_path_factory.mktemp("trusting")) as opened:
        yield opened


@pytest.fixture(scope="module")
def owner(room: OpenRoom) -> dict[str, Any]:
    return room.an_owner()


@pytest.mark.parametrize("claim", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_the_token_of_the_home_is_nobody_s_through_a_proxy_that_was_not_named(
    room: OpenRoom, owner: dict[str, Any], claim: str
) -> None:
    with room.client(room.local) as here:
        relayed = here.get(f"{API}/users", headers={claim: "203.0.113.9"})
        direct = here.get(f"{API}/users")

    assert owner
    assert (relayed.status_code, relayed.json()["code"]) == (401, "LOCAL_TOKEN_REFUSED")
    assert direct.status_code == 200


def test_what_a_proxy_relays_is_not_written_down_as_this_machine_s(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    with room.client() as stranger:
        body = {"username": "nobody", "password": GOOD}
        headers = {"X-Forwarded-For": "203.0.113.9", "X-Correlation-Id": "relayed-call-1"}
        stranger.post(f"{API}/auth/login", json=body, headers=headers)
    with room.client(f"Bearer {owner['access_token']}") as asked:
        found = asked.get(f"{API}/audit", params={"correlation": "relayed-call-1"}).json()

    assert {item["address"].split(".")[0] for item in found["items"]} == {"relayed by 127"}


def test_many_cookies_of_one_name_cost_a_few_looks_into_the_store(
    room: OpenRoom, owner: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = room.room.identity.sessions
    asked: list[str] = []
    look = sessions.session_of

    async def counted(token: str) -> object:
        asked.append(token)
        return await look(token)

    monkeypatch.setattr(sessions, "session_of", counted)
    with room.client() as stranger:
        name = f"botcore_refresh_{room.port}"
        crowd = "; ".join(f"{prefix}{name}=x{n}" for n in range(100) for prefix in ("", "__Host-"))
        refused = stranger.get("/", headers={"Cookie": crowd})

    assert owner
    assert refused.status_code == 401
    assert len(asked) <= 4


def test_a_cookie_that_another_path_set_does_not_sign_out_of_pages(
    room: OpenRoom, owner: dict[str, Any]
) -> None:
    assert owner
    with room.client() as browser:
        body = {"username": "olivia", "password": GOOD, "transport": "cookie"}
        signed = browser.post(f"{API}/auth/login", json=body)
        name, _, token = signed.headers["set-cookie"].partition(";")[0].partition("=")
        browser.cookies.clear()
        shown = browser.get("/view.json", headers={"Cookie": f"{name}=tossed; {name}={token}"})

    assert signed.status_code == 200, signed.text
    assert shown.status_code in (200, 503)
    assert isinstance(shown, httpx.Response)


@pytest.mark.parametrize("name", ["deploy.py", "deploy.json", "deploy.py:Second"])
def test_no_file_of_the_folder_it_was_started_in_is_run_because_somebody_names_it(
    room: OpenRoom,
    owner: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    marker = tmp_path / "was-run"
    (tmp_path / "deploy.py").write_text(f"open({str(marker)!r}, 'w').close()\n")
    (tmp_path / "deploy.json").write_text('{"secret": "kept"}')
    monkeypatch.chdir(tmp_path)
    key = {"Idempotency-Key": f"file-{name}"}
    with room.client(f"Bearer {owner['access_token']}") as asked:
        answers = [
            asked.get(f"{API}/strategies/available/{name}"),
            asked.post(f"{API}/backtests", json={"strategies": [name]}, headers=key),
            asked.post(f"{API}/strategies/checks", json={"strategy": name}, headers=key),
            asked.post(f"{API}/strategies", json={"id": "mine", "strategy": name}, headers=key),
        ]

    assert [answer.json()["code"] for answer in answers] == ["FIELD_INVALID"] * 4
    assert not marker.exists()


@pytest.mark.parametrize("name", ["mine.py", "rules/dip.yaml", "./mine.py:second", "../mine"])
def test_what_names_a_file_is_no_strategy_s_name(name: str) -> None:
    with pytest.raises(ConfigError, match="STRATEGY_UNKNOWN"):
        refuse_file(name)
    refuse_file("ema-cross")


def test_a_home_is_closed_to_others_whatever_is_in_it(room: OpenRoom) -> None:
    assert Path(room.home.path).stat().st_mode & 0o077 == 0
