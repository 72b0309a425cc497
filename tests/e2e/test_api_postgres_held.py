"""A control store in PostgreSQL that another program holds: what raises risk waits for nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support.api_platform import Answered, ApiPlatform, resting
from tests.support.open_room import UNLIMITED
from tests.support.platform_process import waited_for
from tests.support.postgres_server import Server

from botcore.kernel.clock import SystemClock

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.services,
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("platform"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
]
SECOND_NS = 10**9
PATIENT_S = 8.0
"""What lowers risk waits two seconds for the store at each step; the rest is the machine's."""
REFUSED_S = 12.0
"""What raises it is told within the five of `lock_timeout` and those that it may wait in line."""


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Server]:
    found = Server(postgres_url)
    yield found
    found.drop()


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory, server: Server) -> Iterator[ApiPlatform]:
    rates = {f"rates__{name}": str(value) for name, value in UNLIMITED.items()}
    process = ApiPlatform(
        tmp_path_factory.mktemp("held") / "home",
        bar_s="1",
        history_days="0.02",
        limits__orders_per_s="1000",
        control_url=server.url,
        **rates,
    )
    process.up()
    try:
        process.wait_until_ready()
        process.an_owner()
        yield process
    finally:
        process.stop()


@pytest.fixture(scope="module")
def by(platform: ApiPlatform) -> str:
    """An unattended key: its acts need no confirmation."""
    scopes = ["read:market", "read:account", "trade:paper", "manage:alerts", "manage:bots"]
    body = {"name": "bot", "scopes": scopes, "is_unattended": True}
    made = platform.curl("POST", "/keys", body, by=platform.local)
    assert made.status == 201, made
    return f"Bearer {made.body['api_key']}"


def timed(platform: ApiPlatform, *words: Any, **how: Any) -> tuple[Answered, float]:
    clock = SystemClock()
    began = clock.monotonic_ns()
    found = platform.curl(*words, **how)
    return found, (clock.monotonic_ns() - began) / SECOND_NS


def place(platform: ApiPlatform, by: str, key: str) -> tuple[Answered, float]:
    return timed(platform, "POST", "/trading/orders", resting(), by=by, Idempotency_Key=key)


def working(platform: ApiPlatform, by: str) -> set[str]:
    found = platform.curl("GET", "/trading/orders?limit=500&strategy=manual", by=by)
    assert found.status == 200, found
    return {each["id"] for each in found.body["items"]}


@pytest.mark.parametrize("tables", [("audit", "audit_head"), ("repetitions",)])
def test_what_raises_risk_is_refused_within_seconds_and_what_lowers_it_passes(
    platform: ApiPlatform, server: Server, by: str, tables: tuple[str, ...]
) -> None:
    name = tables[0]
    rests, _ = place(platform, by, f"{name}-rests")
    assert rests.status == 201, rests
    before = working(platform, by)
    keys = [f"{name}-{number}" for number in range(4)]

    with server.held(*tables), ThreadPoolExecutor(5) as pool:
        raising = [pool.submit(place, platform, by, key) for key in keys]
        change = {"order_frac": 0.11}
        limits = pool.submit(
            timed, platform, "PUT", "/risk/limits", change, by=by, Idempotency_Key=f"{name}-l"
        )
        cancel, canceled_s = timed(platform, "DELETE", f"/trading/orders/{rests.body['id']}", by=by)
        cancel_all, cancel_all_s = timed(platform, "DELETE", "/trading/orders", by=by)
        kill, killed_s = timed(
            platform,
            "POST",
            "/risk/kill-switch",
            {"cause": "it hangs"},
            by=by,
            Idempotency_Key=name,
        )
        refused = [each.result() for each in (*raising, limits)]
        after = working(platform, by)

    assert [each.status for each in (cancel, cancel_all, kill)] == [200, 200, 200], (
        cancel,
        cancel_all,
        kill,
    )
    assert kill.body["mode"] == "HALT"
    assert max(canceled_s, cancel_all_s, killed_s) < PATIENT_S
    for found, took in refused:
        assert (found.status, found.code) in {
            (503, "STORE_BUSY"),
            (503, "STORE_SLOW"),
            (503, "AUDIT_UNAVAILABLE"),
        }, found
        assert found.body["cause"]
        assert found.body["fix"]
        assert took < REFUSED_S
    assert after == before, "nothing is half done"

    well_again(platform, by, name)


def well_again(platform: ApiPlatform, by: str, name: str) -> None:
    """The lock is gone: what was done is written down, and trading may go on."""

    def told() -> Any:
        verdict = platform.curl("GET", "/audit/verification", by=platform.local)
        entries = platform.curl("GET", "/audit?limit=100", by=platform.local)
        if (verdict.status, entries.status) != (200, 200):
            return False
        done = [each["action"] for each in entries.body["items"] if each["result"] == "done"]
        lowered = {"orders.cancel", "orders.cancel-all", "risk.kill-switch"}
        return verdict.body["is_whole"] and lowered <= set(done)

    waited_for(told, within_s=60, what="what was done meanwhile in the audit")
    key = f"{name}-free"
    free, _ = platform.confirmed(
        "POST", "/risk/mode", {"mode": "NORMAL"}, by=platform.local, key=key
    )
    assert free.status == 200, free
    again, _ = place(platform, by, f"{name}-0")
    assert again.status == 201, again
