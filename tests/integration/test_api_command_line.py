"""The command line finds control: in what runs here, on another server, or opened in process.

`botcore …` as a person types it, on homes of their own; the running platform is its real room.
"""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.http_script import Told, scripted
from tests.support.open_room import OpenRoom

from botcore.app.home import Home, RunInfo
from botcore.app.home_lock import HomeLock
from botcore.cli.boundary import run
from botcore.control.access import Role, Scope

STORED = Path(__file__).parents[1] / "data" / "stores" / "0.1.0"


class Typed:
    """What a person types, and what comes back."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.code = -1
        self.out = ""
        self.err = ""

    def __call__(self, *words: str) -> Any:
        """Type something; return what `--json` printed, or None."""
        self.code = run(list(words))
        self.out, self.err = self._capsys.readouterr()
        return json.loads(self.out) if "--json" in words and self.code == 0 else None


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Typed:
    return Typed(capsys)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRoom]:
    with OpenRoom(tmp_path_factory.mktemp("line")) as opened:
        opened.an_owner()
        yield opened


@pytest.fixture
def running(room: OpenRoom) -> Iterator[str]:
    """The room as what runs in its home: it holds the lock, and says where it answers."""
    with HomeLock(room.home.path):
        room.home.write_run_info(
            RunInfo(
                pid=0, url=room.url + "/", started_wall_ns=0, events="", commands="", port=room.port
            )
        )
        yield str(room.home.path)
    room.home.clear_run_info()


# --- (a) something runs here


def test_what_runs_here_is_asked_with_the_home_s_token(typed: Typed, running: str) -> None:
    me = typed("user", "me", "--home", running, "--json")

    assert me["kind"] == "local"
    assert me["username"] == "local:root"
    assert me["role"] == "owner"


def test_an_act_through_what_runs_is_in_the_audit_as_the_person_of_this_machine(
    typed: Typed, running: str, room: OpenRoom
) -> None:
    rule = ["alerts", "create", "--kind", "drawdown", "--level", "0.2"]

    made = typed(*rule, "--note", "from the shell", "--home", running, "--json")
    entries = typed("audit", "list", "--action", "alerts.create", "--home", running, "--json")

    assert [(each["actor"], each["result"]) for each in entries["items"][:2]] == [
        ("local:root", "done"),
        ("local:root", "asked"),
    ]
    assert entries["items"][0]["request"]["note"] == "from the shell"
    with room.client(room.local) as client:
        ids = [each["id"] for each in client.get("/api/v1/alerts/rules").json()["items"]]
    assert made["id"] in ids


def test_a_long_list_comes_in_pages_or_whole(typed: Typed, running: str) -> None:
    for number in range(5):
        typed("key", "new", f"k{number}", "--scopes", "read:market", "--home", running)

    page = typed("key", "list", "--limit", "2", "--home", running, "--json")
    rest = typed(
        "key", "list", "--limit", "2", "--cursor", page["next_cursor"], "--home", running, "--json"
    )
    whole = typed("key", "list", "--limit", "2", "--all", "--home", running, "--json")
    typed("key", "list", "--limit", "2", "--home", running)

    assert len(page["items"]) == len(rest["items"]) == 2
    assert whole["items"][:4] == page["items"] + rest["items"]
    assert len(whole["items"]) >= 5
    assert whole["next_cursor"] is None
    assert "there is more: --cursor" in typed.out


def test_all_notifications_come_with_all(typed: Typed, running: str, room: OpenRoom) -> None:
    async def told() -> None:
        await room.room.notices.tell(
            ["local:root"] * 1, kind="system", severity="info", code="TOLD", text="x", link=""
        )

    for _ in range(5):
        room.run(told())

    whole = typed("notifications", "list", "--limit", "2", "--all", "--home", running, "--json")

    assert len(whole["items"]) == 5


def test_what_must_be_confirmed_is_done_with_yes_and_left_without(
    typed: Typed, running: str, room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.a_person(Role.VIEWER, "gone")
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))

    typed("user", "remove", "gone", "--home", running)
    refused = (typed.code, typed.err)
    typed("user", "remove", "gone", "--yes", "--home", running)

    assert refused[0] == 2
    assert "gone" in refused[1]
    assert "[NOT_CONFIRMED]" in refused[1]
    assert typed.code == 0
    names = typed("user", "list", "--home", running, "--json")["items"]
    assert "gone" not in [each["username"] for each in names]


def test_the_same_idempotency_key_from_the_shell_is_the_same_act(
    typed: Typed, running: str
) -> None:
    words = ["alerts", "create", "--kind", "drawdown", "--level", "0.3"]
    again = [*words, "--idempotency-key", "shell-1", "--home", running, "--json"]

    first, second = typed(*again), typed(*again)
    typed(*words[:-1], "0.4", "--idempotency-key", "shell-1", "--home", running)

    assert first["id"] == second["id"]
    assert typed.code == 1
    assert "[IDEMPOTENCY_KEY_REUSED]" in typed.err


def test_a_refusal_of_what_runs_is_a_sentence(typed: Typed, running: str) -> None:
    typed("orders", "show", "BC-nowhere", "--home", running)

    assert (typed.code, typed.out) == (1, "")
    assert typed.err.startswith("botcore: there is no order 'BC-nowhere' [ORDER_UNKNOWN]")
    assert typed.err.count("\n") == 1


def test_a_run_that_is_written_down_and_gone_is_not_believed(typed: Typed, tmp_path: Path) -> None:
    """After a power failure `run.json` names what does not run: the lock says so."""
    home = Home(tmp_path / "home")
    home.write_run_info(
        RunInfo(pid=1, url="http://127.0.0.1:9/", started_wall_ns=0, events="", commands="", port=9)
    )

    found = typed("user", "list", "--home", str(home.path), "--json")

    assert found == {"items": [], "next_cursor": None}


def test_work_on_recorded_data_beside_control_is_in_the_audit(
    typed: Typed, running: str, room: OpenRoom, tmp_path: Path
) -> None:
    candles = tmp_path / "BTC_USDT-1m.csv"
    candles.write_text(
        "".join(f"{1_640_995_200_000 + m * 60_000},100,101,99,100.5,3\n" for m in range(9))
    )

    typed("data", "import", str(candles), "--venue", "BINANCE", "--yes", "--home", running)
    imported = typed.code
    typed("data", "remove", "BTCUSDT.BINANCE", "1m", "--yes", "--home", running)
    removed = typed.out
    entries = typed("audit", "list", "--limit", "5", "--home", running, "--json")["items"]

    assert imported == 0
    assert removed == "9 candles of BTCUSDT.BINANCE are removed\n"
    assert [(each["actor"], each["action"], each["result"]) for each in entries] == [
        ("local:root", "data.remove-series", "done"),
        ("local:root", "data.remove-series", "asked"),
        ("local:root", "data.remove-series", "refused"),  # it had to be confirmed
        ("local:root", "data.local-work", "done"),
        ("local:root", "data.local-work", "asked"),
    ]
    assert entries[-1]["request"]["what"] == str(candles)
    with room.client(room.local) as client:
        assert client.get("/api/v1/market-data/series").json()["items"] == []


def test_nobody_from_elsewhere_writes_down_what_control_has_not_seen(room: OpenRoom) -> None:
    session = room.a_person(Role.ADMIN, "far")

    with room.client(f"Bearer {session['access_token']}") as client:
        refused = client.post(
            "/api/v1/data/local-work", json={"work": "import", "what": "/home/kim/x.csv"}
        )

    assert refused.status_code == 422
    assert refused.json()["code"] == "ONLY_LOCAL"


# --- (b) another server


def test_who_took_the_port_of_what_ran_here_is_told_nothing(typed: Typed, tmp_path: Path) -> None:
    home = Home(tmp_path)
    with scripted(Told(200, {"username": "mallory"})) as (script, server), HomeLock(tmp_path):
        home.write_run_info(
            RunInfo(
                pid=0,
                url=f"http://127.0.0.1:{server.port}/",
                started_wall_ns=0,
                events="",
                commands="",
                port=server.port,
            )
        )
        typed("user", "me", "--home", str(tmp_path))

    assert typed.code == 2
    assert "[LISTENER_UNPROVED]" in typed.err
    assert [each.path for each in script.heard] == ["/livez"]
    told = [value for each in script.heard for value in each.headers.values()]
    assert not any(home.token() in value for value in told)


def test_another_server_is_asked_with_the_key_of_the_environment(
    typed: Typed, room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = room.a_person(Role.TRADER, "remote")
    key = room.a_key(session, [Scope.READ_ACCOUNT, Scope.MANAGE_ALERTS])
    monkeypatch.setenv("BOTCORE_KEY", key)

    rules = typed("--server", room.url, "alerts", "list", "--json")
    typed("--server", room.url, "audit", "list")

    assert rules["items"] == []
    assert typed.code == 1
    assert "[NOT_ALLOWED]" in typed.err
    assert "admin:audit" in typed.err


def test_the_key_can_stand_in_a_file(
    typed: Typed, room: OpenRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BOTCORE_KEY", raising=False)
    key = room.a_key(room.a_person(Role.VIEWER, "filed"), [Scope.READ_ACCOUNT])
    (tmp_path / "key").write_text(key + "\n")

    typed("--server", room.url, "--key-file", str(tmp_path / "key"), "jobs", "list")
    with_file = typed.code
    typed("--server", room.url, "--key-file", str(tmp_path / "none"), "jobs", "list")

    assert with_file == 0
    assert typed.code == 2
    assert "[KEY_FILE_UNREADABLE]" in typed.err


def test_a_server_without_a_key_is_not_asked(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BOTCORE_KEY", raising=False)
    with scripted(Told(200, {})) as (script, server):
        typed("--server", f"http://127.0.0.1:{server.port}", "orders", "list")

    assert typed.code == 2
    assert "[KEY_MISSING]" in typed.err
    assert script.heard == []


def test_a_revoked_key_is_refused_in_a_sentence(
    typed: Typed, room: OpenRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = room.a_key(room.a_person(Role.VIEWER, "brief"), [Scope.READ_ACCOUNT])
    with room.client(room.local) as client:
        assert client.delete(f"/api/v1/keys/{key.split('_')[2]}").status_code == 200
    monkeypatch.setenv("BOTCORE_KEY", key)

    typed("--server", room.url, "jobs", "list")

    assert typed.code == 1
    assert "[KEY_ENDED]" in typed.err
    assert key not in typed.err


# --- (c) nothing runs


def test_where_nothing_runs_control_is_opened_here_and_closed_again(
    typed: Typed, tmp_path: Path
) -> None:
    home = str(tmp_path / "home")

    made = typed("user", "invite", "trader", "--home", home, "--json")
    listed = typed("user", "invitations", "--home", home, "--json")
    verdict = typed("audit", "verify", "--home", home, "--json")

    assert made["token"].startswith("inv_")
    assert len(listed["items"]) == 1
    assert (verdict["is_whole"], verdict["entries"]) == (True, 2)
    with HomeLock(Path(home)):
        pass  # nobody holds it any more


def test_where_nothing_runs_nothing_can_be_traded(typed: Typed, tmp_path: Path) -> None:
    order = ["--instrument", "BTCUSDT.SIM", "--side", "BUY", "--quantity", "0.001"]

    typed("orders", "place", *order, "--home", str(tmp_path / "home"))

    assert typed.code == 1
    assert "botcore up" in typed.err
    assert typed.err.count("\n") == 1


def test_what_is_stored_can_be_read_where_nothing_runs(typed: Typed, tmp_path: Path) -> None:
    home = str(shutil.copytree(STORED, tmp_path / "home"))

    for words in (
        ["orders", "list"],
        ["fills", "list"],
        ["trades", "list"],
        ["strategies", "list"],
        ["health", "show"],
    ):
        found = typed(*words, "--home", home, "--json")
        assert typed.code == 0, (words, typed.err)
        assert isinstance(found, dict | list)
    orders = typed("orders", "list", "--all", "--home", home, "--json")["items"]
    fills = typed("fills", "list", "--all", "--home", home, "--json")["items"]
    assert len(orders) == 6
    assert {each["order_id"] for each in fills} <= {each["id"] for each in orders}


def test_while_another_holds_the_home_nothing_is_opened_beside_it(
    typed: Typed, tmp_path: Path
) -> None:
    """A store never has two writers: also not while the platform starts, and says nothing yet."""
    home = Home(tmp_path / "home")
    typed("user", "list", "--home", str(home.path))
    before = (home.path / "control.db").stat().st_mtime_ns

    with HomeLock(home.path):
        typed("user", "invite", "trader", "--home", str(home.path))

    assert typed.code == 2
    assert "[ALREADY_RUNNING]" in typed.err
    assert typed.err.count("\n") == 1
    assert (home.path / "control.db").stat().st_mtime_ns == before
    with sqlite3.connect(home.path / "control.db") as store:
        assert store.execute("select count(*) from invitations").fetchone() == (0,)
    store.close()


def test_who_comes_while_another_command_is_at_work_waits_for_its_end(
    typed: Typed, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    lock = HomeLock(home)
    lock.acquire()
    ending = threading.Timer(1.0, lock.release)
    ending.start()

    typed("user", "list", "--home", str(home))

    ending.join()
    assert (typed.code, typed.err) == (0, "")


def test_what_starts_while_a_command_waits_is_asked(
    typed: Typed, room: OpenRoom, tmp_path: Path
) -> None:
    """The platform takes the lock first, and says where it answers once it does."""
    with HomeLock(room.home.path):
        run_info = RunInfo(
            pid=0, url=room.url + "/", started_wall_ns=0, events="", commands="", port=room.port
        )
        ready = threading.Timer(1.0, room.home.write_run_info, [run_info])
        ready.start()

        me = typed("user", "me", "--home", str(room.home.path), "--json")

        ready.join()
        room.home.clear_run_info()
    assert me["kind"] == "local"


def test_a_home_that_cannot_be_written_is_one_sentence(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    typed("user", "list", "--home", str(tmp_path / "file" / "home"))

    assert typed.code == 1
    assert "[HOME_UNWRITABLE]" in typed.err
