"""What breaks while the platform is used: each part alone, and nothing half done.

A killed engine, a killed API, a store that cannot be written, a home of an earlier release.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.support.api_platform import Answered, ApiPlatform, resting
from tests.support.platform_process import waited_for

from botcore.app.desired import (
    COMPOSED,
    Desired,
    DesiredStrategy,
    read_desired,
    write_desired,
)
from botcore.app.home import Home
from botcore.kernel.clock import SystemClock

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("platform"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
]
STORES = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiPlatform]:
    process = ApiPlatform(
        tmp_path_factory.mktemp("faults") / "home",
        bar_s="1",
        history_days="0.02",
        limits__orders_per_s="1000",  # what is asked here is not how fast one may go
        rates__orders_per_s="1000",
        rates__orders_burst="1000",
    )
    process.up()
    try:
        process.wait_until_ready()
        process.an_owner()
        yield process
    finally:
        process.stop()


@pytest.fixture
def by(platform: ApiPlatform) -> str:
    """An unattended key: its acts need no confirmation. It outlives whatever is killed."""
    scopes = ["read:market", "read:account", "trade:paper", "manage:alerts", "read:metrics"]
    made = platform.curl(
        "POST",
        "/keys",
        {"name": "bot", "scopes": scopes, "is_unattended": True},
        by=platform.local,
    )
    assert made.status == 201, made
    return f"Bearer {made.body['api_key']}"


def pid_of(platform: ApiPlatform, role: str) -> int:
    """Return the process of the engine or the API: a child of the supervisor."""
    info = Home(platform.home).run_info()
    assert info is not None
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == info.pid and role.encode() in words:
            return int(folder.name)
    return 0


def is_back(platform: ApiPlatform, by: str) -> None:
    def ask() -> Any:
        found = platform.curl("GET", "/health", by=by)
        return found if found.status == 200 and found.body.get("status") == "ok" else None

    waited_for(ask, within_s=60, what="the platform being well again")


def place(platform: ApiPlatform, by: str, key: str) -> Answered:
    return platform.curl("POST", "/trading/orders", resting(), by=by, Idempotency_Key=key)


def told_until_done(platform: ApiPlatform, by: str, key: str) -> Answered:
    """Tell an act again and again under its key, as a client does, until it is answered."""

    seen: list[str] = []
    retold = 0

    def ask() -> Answered | None:
        nonlocal retold
        found = place(platform, by, key + "-again" * retold)
        seen.append(f"{found.status} {found.body}")
        if found.status == 422 and found.code == "NO_PRICE":  # refused: as a new order, then
            retold = 1
            return None
        assert found.status in (0, 201, 409, 503), found
        return found if found.status == 201 else None

    try:
        return waited_for(ask, within_s=60, what=f"an order under {key}")
    except AssertionError as error:
        raise AssertionError(f"{error}; it was answered {set(seen)}") from error


def placed_in_journal(platform: ApiPlatform) -> list[str]:
    """Return the ids of orders that were placed by hand, as the engine's own store has them."""
    store = sqlite3.connect(f"file:{Home(platform.home).engine}?mode=ro", uri=True)
    try:
        rows = store.execute(
            "select client_order_id from orders where strategy = 'manual' order by 1"
        ).fetchall()
    finally:
        store.close()
    return [name for (name,) in rows]


# --- the engine is killed


@pytest.mark.slow
def test_without_its_engine_history_is_read_and_an_order_told_again_is_placed_once(
    platform: ApiPlatform, by: str
) -> None:
    before = placed_in_journal(platform)
    first = place(platform, by, "engine-1")
    assert first.status == 201, first
    engine = pid_of(platform, "engine")

    os.kill(engine, signal.SIGSTOP)  # silent, as a hung one is; the watchdog has not acted yet
    try:
        history = platform.curl("GET", "/trading/orders?limit=5", by=by)
        fills = platform.curl("GET", "/trading/fills?limit=5", by=by)
        audit = platform.curl("GET", "/audit?limit=5", by=platform.local)
        act = place(platform, by, "engine-2")
    finally:
        with suppress(ProcessLookupError):  # its watchdog may have been quicker
            os.kill(engine, signal.SIGKILL)
    again = told_until_done(platform, by, "engine-2")
    same = told_until_done(platform, by, "engine-1")
    is_back(platform, by)

    assert (history.status, fills.status, audit.status) == (200, 200, 200)
    assert history.body["items"]
    assert act.status == 503, act
    assert act.code == "ENGINE_UNREACHABLE"
    assert act.body["fix"]
    assert again.status == 201
    assert same.body["id"] == first.body["id"]
    placed = set(placed_in_journal(platform)) - set(before)
    assert placed == {first.body["id"], again.body["id"]}, "each exactly once"
    assert pid_of(platform, "engine") != engine


def test_an_engine_that_is_killed_in_the_middle_of_orders_places_each_once(
    platform: ApiPlatform, by: str
) -> None:
    before = set(placed_in_journal(platform))
    keys = [f"mid-{number}" for number in range(12)]

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(told_until_done, platform, by, key) for key in keys]
        waited_for(
            lambda: len(set(placed_in_journal(platform)) - before) >= 3,
            within_s=30,
            what="the first orders",
        )
        os.kill(pid_of(platform, "engine"), signal.SIGKILL)
        found = [each.result().body.get("id") for each in answers]
    is_back(platform, by)

    placed = set(placed_in_journal(platform)) - before
    assert None not in found
    assert len(set(found)) == len(keys)
    assert placed == set(found)


# --- the API is killed


def test_an_api_that_is_killed_while_orders_are_placed_places_each_once(
    platform: ApiPlatform, by: str
) -> None:
    before = set(placed_in_journal(platform))
    keys = [f"api-{number}" for number in range(12)]
    api = pid_of(platform, "api")

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(told_until_done, platform, by, key) for key in keys]
        waited_for(
            lambda: len(set(placed_in_journal(platform)) - before) >= 3,
            within_s=30,
            what="the first orders",
        )
        os.kill(api, signal.SIGKILL)
        found = [each.result().body.get("id") for each in answers]
    is_back(platform, by)
    again = [place(platform, by, key) for key in keys]

    placed = set(placed_in_journal(platform)) - before
    assert None not in found
    assert placed == set(found), "each exactly once, in the journal itself"
    assert [each.body["id"] for each in again] == found, "and told again it is the same one"
    assert pid_of(platform, "api") != api
    assert platform.curl("GET", "/audit/verification", by=platform.local).body["is_whole"]


@pytest.mark.slow
def test_trading_goes_on_while_the_api_is_away(platform: ApiPlatform, by: str) -> None:
    def recorded() -> int:
        return sum(file.stat().st_size for file in Home(platform.home).tape.iterdir())

    os.kill(pid_of(platform, "api"), signal.SIGSTOP)
    before = recorded()
    waited_for(lambda: recorded() > before, within_s=20, what="market data that is recorded")
    os.kill(pid_of(platform, "api"), signal.SIGKILL)
    is_back(platform, by)


def test_a_change_that_the_engine_never_heard_of_is_run_once_the_api_is_back(
    platform: ApiPlatform, by: str
) -> None:
    home, engine = Home(platform.home), pid_of(platform, "engine")
    wanted = Desired(
        revision=1,
        strategies={"rsi": DesiredStrategy(strategy="rsi", parameters={"period": 21.0})},
    )
    api = pid_of(platform, "api")

    os.kill(api, signal.SIGSTOP)
    write_desired(home, wanted)  # and there it was cut off
    os.kill(api, signal.SIGKILL)

    waited_for(
        lambda: read_desired(home, COMPOSED) == wanted,
        within_s=60,
        what="the engine being composed anew",
    )
    is_back(platform, by)
    assert pid_of(platform, "engine") != engine


# --- the control store cannot be written


@contextmanager
def store_broken(platform: ApiPlatform) -> Iterator[None]:
    """Let every write of the control store fail, as a damaged file or a full disk would."""
    store = sqlite3.connect(platform.home / "control.db", timeout=30, isolation_level=None)
    names = [f"broken_{table}" for table in WRITTEN]
    for name, table in zip(names, WRITTEN, strict=True):
        store.execute(
            f"create trigger {name} before insert on {table}"
            " begin select raise(fail, 'broken'); end"
        )
    try:
        yield
    finally:
        for name in names:
            store.execute(f"drop trigger {name}")
        store.close()


@contextmanager
def store_held(platform: ApiPlatform) -> Iterator[None]:
    """Hold the control store's write lock, as a backup that hangs would: nobody is refused."""
    store = sqlite3.connect(platform.home / "control.db", timeout=30, isolation_level=None)
    store.execute("begin immediate")
    try:
        yield
    finally:
        store.execute("rollback")
        store.close()


WRITTEN = ("audit", "repetitions", "alert_rules")


def set_free(platform: ApiPlatform) -> None:
    """Let the account trade again after the kill switch: a person's act, which is confirmed."""
    body = {"mode": "NORMAL"}
    found, _ = platform.confirmed(
        "POST", "/risk/mode", body, by=platform.local, key=f"free-{SystemClock().now_ns()}"
    )
    assert found.status == 200, found


def audited(platform: ApiPlatform) -> list[tuple[str, str]]:
    """Return the newest acts of the audit with their results, once it is whole."""

    def ask() -> Any:
        verdict = platform.curl("GET", "/audit/verification", by=platform.local)
        return verdict.status == 200 and verdict.body["is_whole"]

    waited_for(ask, within_s=30, what="an audit that is whole")
    entries = platform.curl("GET", "/audit?limit=50", by=platform.local).body["items"]
    return [(each["action"], each["result"]) for each in entries]


def test_a_control_store_that_cannot_be_written_stops_what_raises_and_nothing_else(
    platform: ApiPlatform, by: str
) -> None:
    rests = told_until_done(platform, by, "broken-0").body["id"]
    before = set(placed_in_journal(platform))

    with store_broken(platform):
        raising = place(platform, by, "broken-1")
        rule = platform.curl("POST", "/alerts/rules", {"kind": "drawdown", "level": "0.3"}, by=by)
        read = platform.curl("GET", "/trading/orders?limit=2", by=by)
        cancel = platform.curl("DELETE", f"/trading/orders/{rests}", by=by)
        kill = platform.curl("POST", "/risk/kill-switch", {"cause": "the store is away"}, by=by)
        placed_meanwhile = set(placed_in_journal(platform)) - before
    ended = platform.order_in(rests, "CANCELED", by=by)

    for refused in (raising, rule):
        assert refused.status == 503, refused
        assert refused.body["cause"]
        assert refused.body["fix"]
    assert placed_meanwhile == set(), "nothing is half done"
    assert read.status == 200
    assert cancel.status == 200, cancel
    assert kill.status == 200, kill
    assert not ended["is_working"]
    waited_for(
        lambda: {("orders.cancel", "done"), ("risk.kill-switch", "done")} <= set(audited(platform)),
        within_s=30,
        what="what was done without the audit being written down in it",
    )
    set_free(platform)
    assert told_until_done(platform, by, "broken-1").status == 201


def test_a_control_store_that_does_not_answer_slows_no_cancel_and_no_kill_switch(
    platform: ApiPlatform, by: str
) -> None:
    clock = SystemClock()
    rests = told_until_done(platform, by, "held-0").body["id"]

    with store_held(platform):
        began = clock.monotonic_ns()
        cancel = platform.curl("DELETE", f"/trading/orders/{rests}", by=by)
        canceled = clock.monotonic_ns()
        kill = platform.curl("POST", "/risk/kill-switch", {"cause": "it hangs"}, by=by)
        killed = clock.monotonic_ns()
    platform.order_in(rests, "CANCELED", by=by)
    set_free(platform)

    assert (cancel.status, kill.status) == (200, 200), (cancel, kill)
    assert canceled - began < 8 * 10**9
    assert killed - canceled < 8 * 10**9
    audited(platform)


def test_a_control_store_that_another_program_holds_refuses_what_raises_within_seconds(
    platform: ApiPlatform, by: str
) -> None:
    clock = SystemClock()
    before = set(placed_in_journal(platform))
    keys = [f"locked-{number}" for number in range(6)]

    def timed(key: str) -> tuple[Answered, int]:
        began = clock.monotonic_ns()
        return place(platform, by, key), clock.monotonic_ns() - began

    with store_held(platform), ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(timed, keys))
        placed_meanwhile = set(placed_in_journal(platform)) - before
    again = [told_until_done(platform, by, key) for key in keys]

    assert {(found.status, found.code) for found, _ in answers} == {(503, "STORE_BUSY")}, answers
    assert all(found.body["cause"] and found.body["fix"] for found, _ in answers)
    assert max(took for _, took in answers) < 12 * 10**9
    assert placed_meanwhile == set(), "nothing is half done"
    assert len({each.body["id"] for each in again}) == len(keys)
    audited(platform)


# --- a home of the release before


def test_a_home_of_the_release_before_opens_with_a_backup_and_a_line(tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(STORES / "stores" / "0.1.0", home)
    (oldest, *_) = sorted((STORES / "control_stores").glob("*.sql"))
    with sqlite3.connect(home / "control.db") as store:
        store.executescript(oldest.read_text())
    store.close()
    platform = ApiPlatform(home, bar_s="60", history_days="0.1")
    platform.up()
    try:
        platform.wait_until_ready()
        local = platform.local
        orders = platform.curl("GET", "/trading/orders?limit=500", by=local).body["items"]
        users = platform.curl("GET", "/users", by=local).body["items"]
        audit = platform.curl("GET", "/audit?limit=500", by=local).body["items"]
        verdict = platform.curl("GET", "/audit/verification", by=local).body
    finally:
        platform.stop()

    assert len(orders) >= 6, "those that were stored, and what was placed since"
    assert [each["username"] for each in users] == ["alice"]
    assert len([each for each in audit if each["action"] == "orders.place"]) == 3
    assert verdict["is_whole"]
    lines = [
        json.loads(line)
        for file in Home(home).logs.glob("*.log")
        for line in file.read_text().splitlines()
    ]
    told = [line["detail"] for line in lines if line.get("event") == "store_upgraded"]
    (copy,) = home.glob("engine.db.*.bak")
    assert [line for line in told if copy.name in line], "the line names what was kept"
    kept = sqlite3.connect(copy)
    assert kept.execute("select version_num from alembic_version").fetchone() == ("0001",)
    assert kept.execute("select count(*) from orders").fetchone() == (6,)
    kept.close()
    for copy in home.glob("control.db.*.bak"):  # once its shape has changed, too
        assert [line for line in told if copy.name in line]
