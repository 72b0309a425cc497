"""The platform over its API, as a person with ``curl`` and the documentation lives it."""

from __future__ import annotations

import json
import shutil
import sqlite3
import sys
from decimal import Decimal
from typing import Any

import pyotp
import pytest
from tests.support.api_platform import API, BTC, GOOD, ApiPlatform, a_buy, resting
from tests.support.modes import others_may
from tests.support.platform_process import waited_for

from botcore.app.home import Home
from botcore.kernel.clock import SystemClock

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(240),
    pytest.mark.xdist_group("platform"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl"),
]


@pytest.fixture
def platform(api_platform: ApiPlatform) -> ApiPlatform:
    return api_platform


@pytest.fixture
def by(platform: ApiPlatform) -> str:
    """The header of who sits at the machine."""
    return platform.local


def a_key(platform: ApiPlatform, by: str, *scopes: str, **terms: Any) -> str:
    body = {"name": "story", "scopes": scopes, "user": "trader", **terms}
    made = platform.curl("POST", "/keys", body, by=by)
    assert made.status == 201, made
    return f"Bearer {made.body['api_key']}"


@pytest.mark.requirement(
    "TC-COMM-001",
    "TC-COMM-003",
    "REST POST auth/register",
    "REST POST auth/login",
    "REST alias /api/auth/login",
    "REST alias /api/auth/register",
    "REST POST auth/logout",
    "REST POST auth/refresh",
    "REST POST trading/orders",
    "REST GET trading/orders/{id}",
    "REST DELETE trading/orders/{id}",
    "WS OrderUpdate",
    "WS TradeUpdate",
)
def test_a_person_with_curl_signs_in_trades_watches_and_leaves(platform: ApiPlatform) -> None:
    curl, clock = platform.curl, SystemClock()

    # The one-time link makes the owner, once.
    link = curl("POST", "/auth/link", {}, by=platform.local).body
    assert link["url"].startswith(platform.address)
    who = {"username": "ada", "password": GOOD, "transport": "body"}
    assert curl("POST", "/auth/register", {**who, "token": link["token"]}).status == 201
    assert curl("POST", "//api/auth/register", {**who, "token": link["token"]}).status == 403
    signed_in = curl("POST", "//api/auth/login", who).body
    by = f"Bearer {signed_in['access_token']}"

    # A second factor; what it was set up with is not good again.
    totp = pyotp.TOTP(curl("POST", "/auth/totp", {}, by=by).body["secret"])
    confirmed = curl("POST", "/auth/totp/confirm", {"code": totp.now()}, by=by)
    codes = confirmed.body["codes"]
    assert len(codes) == 10
    challenged = curl("POST", "/auth/login", who).body
    assert (challenged["status"], challenged["access_token"]) == ("second_factor", "")
    finish = {"challenge": challenged["challenge"], "code": codes[0], "transport": "body"}
    session = curl("POST", "/auth/mfa", finish).body
    by = f"Bearer {session['access_token']}"
    assert curl("POST", "/auth/step-up", {"code": codes[1]}, by=by).status == 200
    refresh = {"refresh_token": session["refresh_token"], "transport": "body"}
    session = curl("POST", "/auth/refresh", refresh).body
    by = f"Bearer {session['access_token']}"

    # A key for the program, which is told what it may.
    made = curl(
        "POST",
        "/keys",
        {"name": "bot", "scopes": ["read:market", "read:account", "trade:paper"]},
        by=by,
    ).body
    key = f"Bearer {made['api_key']}"
    assert curl("GET", "/docs", by=key).status == 200
    assert curl("GET", "/users", by=key).code == "NOT_ALLOWED"

    with platform.socket(key) as stream:
        stream.subscribe("orders", "fills")

        # Looked at, confirmed, placed, filled.
        preview = curl("POST", "/trading/orders/preview", a_buy(), by=key).body
        assert preview["is_allowed"]
        assert Decimal(preview["order"]["quantity"]) == Decimal("0.001")
        unkeyed = curl("POST", "/trading/orders", a_buy(), by=key)
        assert unkeyed.code == "IDEMPOTENCY_KEY_MISSING"
        placed, effect = platform.confirmed("POST", "/trading/orders", a_buy(), by=key, key="b-1")
        assert placed.status == 201
        assert "0.001" in effect
        assert "BTCUSDT" in effect
        name = placed.body["id"]
        filled = platform.order_in(name, "FILLED", by=key)
        assert Decimal(filled["filled"]) == Decimal("0.001")
        trade = stream.until(lambda f: f["type"] == "TradeUpdate" and f["data"]["order_id"] == name)
        assert trade["data"]["price"] == filled["fills"][0]["price"]
        stream.until(
            lambda f: f["type"] == "OrderUpdate" and f["key"] == name and f.get("removed", False)
        )

        # Another one rests, and is taken back.
        rests, _ = platform.confirmed("POST", "/trading/orders", resting(), by=key, key="b-2")
        other = rests.body["id"]
        assert platform.order_in(other, "ACCEPTED", by=key)["is_working"]
        assert curl("DELETE", f"/trading/orders/{other}", by=key).status == 200
        assert not platform.order_in(other, "CANCELED", by=key)["is_working"]

        # The key is revoked, and is dead within a second; so is its socket.
        assert curl("DELETE", f"/keys/{made['key']['id']}", by=by).status == 200
        began = clock.monotonic_ns()
        assert curl("GET", "/account", by=key).code == "KEY_ENDED"
        assert stream.closed(within_s=5) == 4401
        assert clock.monotonic_ns() - began < 1_000_000_000

    assert curl("POST", "/auth/logout", {}, by=by).status == 200
    assert curl("GET", "/auth/me", by=by).code == "SESSION_ENDED"


@pytest.mark.requirement(
    "TC-INTEGRATION-001",
    "REST GET account",
    "REST GET trading/positions",
    "REST GET trades",
    "REST alias /api/account",
    "REST alias /api/positions",
    "REST alias /api/trades/execute",
    "REST alias /api/trades/history",
)
def test_a_paper_order_from_the_api_to_risk_venue_ledger_and_the_socket(
    platform: ApiPlatform, by: str
) -> None:
    curl = platform.curl
    too_large = {**a_buy("1000"), "type": "MARKET"}

    # The risk gate says no, with the figures, and nothing is placed.
    denied = curl("POST", "/trading/orders", too_large, by=by, Idempotency_Key="i-0")
    assert denied.status == 422, denied
    assert any(digit in denied.body["cause"] for digit in "0123456789")

    with platform.socket(by) as stream:
        stream.subscribe("fills", "positions", "equity")
        asked = curl("POST", "//api/trades/execute", a_buy(), by=by, Idempotency_Key="i-1")
        token = asked.body["details"]["confirmation_token"]
        placed = curl(
            "POST",
            "//api/trades/execute",
            a_buy(),
            by=by,
            Idempotency_Key="i-1",
            Confirmation_Token=token,
            X_Correlation_Id="story-order-0001",
        )
        assert placed.status == 201, placed
        assert placed.headers["x-correlation-id"] == "story-order-0001"
        order = platform.order_in(placed.body["id"], "FILLED", by=by)
        (fill,) = order["fills"]
        told = stream.until(
            lambda f: f["type"] == "TradeUpdate" and f["data"]["order_id"] == order["id"]
        )["data"]

    # Venue: its own truth has the same execution.
    venue = sqlite3.connect(f"file:{Home(platform.home).venue}?mode=ro", uri=True)
    dump = "\n".join(str(row) for table in _tables(venue) for row in venue.execute(table))
    venue.close()
    assert order["venue_order_id"]
    assert order["venue_order_id"] in dump

    # Ledger: the postings of this fill balance in every currency.
    postings = curl("GET", "/ledger/postings?limit=500", by=by).body["items"]
    mine = [each for each in postings if each["reference"].startswith(order["id"] + "/")]
    sums: dict[tuple[int, str], Decimal] = {}
    for each in mine:
        slot = each["transaction"], each["currency"]
        sums[slot] = sums.get(slot, Decimal(0)) + Decimal(each["amount"])
    assert {currency for _, currency in sums} == {"BTC", "USDT"}
    assert set(sums.values()) == {Decimal(0)}

    # WebSocket and REST say the same.
    listed = curl("GET", "/trading/fills?strategy=manual", by=by).body["items"]
    (same,) = [each for each in listed if each["order_id"] == order["id"]]
    assert same == fill
    assert (told["trade_id"], told["fee"]["currency"]) == (fill["id"], fill["fee"]["currency"])
    for name in ("price", "quantity"):
        assert Decimal(told[name]) == Decimal(fill[name])
    assert Decimal(told["fee"]["amount"]) == Decimal(fill["fee"]["amount"])

    def held() -> Any:
        listed = curl("GET", "//api/positions", by=by).body["items"]
        return [each["instrument"] for each in listed if each["strategy"] == "manual"]

    assert waited_for(held, within_s=10, what="the position") == [BTC]
    account = curl("GET", "//api/account", by=by).body
    assert account["currency"] == "USDT"
    assert curl("GET", "//api/trades/history", by=by).status == 200

    # One id from the call to the audit.
    entries = curl("GET", "/audit?action=orders.place&limit=50", by=by).body["items"]
    results = [each["result"] for each in entries if each["correlation"] == "story-order-0001"]
    assert sorted(results) == ["asked", "done"]
    assert curl("GET", "/audit/verification", by=by).body["is_whole"]


def _tables(store: sqlite3.Connection) -> list[str]:
    names = store.execute("select name from sqlite_master where type = 'table'").fetchall()
    return [f'select * from "{name}"' for (name,) in names]


def test_the_same_order_told_twice_is_placed_once(platform: ApiPlatform, by: str) -> None:
    placed, _ = platform.confirmed("POST", "/trading/orders", resting(), by=by, key="twice-1")

    again = platform.curl("POST", "/trading/orders", resting(), by=by, Idempotency_Key="twice-1")
    other = platform.curl(
        "POST", "/trading/orders", resting("0.002"), by=by, Idempotency_Key="twice-1"
    )

    assert (placed.status, again.status) == (201, 201)
    assert again.body["id"] == placed.body["id"]
    assert again.headers["idempotency-replayed"] == "true"
    assert other.code == "IDEMPOTENCY_KEY_REUSED"
    platform.curl("DELETE", f"/trading/orders/{placed.body['id']}", by=by)


def test_an_order_that_was_refused_stays_refused_under_its_key_and_says_so(
    platform: ApiPlatform, by: str
) -> None:
    """What the engine has answered to a key it answers again: a new try takes a new key."""
    platform.a_person("trader", "bold")
    terms = {"user": "bold", "is_unattended": True}
    key = a_key(platform, by, "trade:paper", "read:account", **terms)
    first, again = (
        platform.curl("POST", "/trading/orders", a_buy("900"), by=key, Idempotency_Key="bold-1")
        for _ in range(2)
    )

    assert (first.status, again.status) == (422, 422)
    assert first.code == again.code
    assert "new Idempotency-Key" in again.body["fix"]
    assert "new Idempotency-Key" not in first.body["fix"]


def test_a_key_trades_only_what_it_was_made_for(platform: ApiPlatform, by: str) -> None:
    platform.a_person("trader", "trader")
    key = a_key(
        platform,
        by,
        "trade:paper",
        "read:account",
        symbols=["ETHUSDT.SIM"],
        max_notional="50",
        is_unattended=True,
    )
    other = platform.curl("POST", "/trading/orders", resting(), by=key, Idempotency_Key="k-1")
    eth = {"instrument": "ETHUSDT.SIM", "side": "BUY", "type": "LIMIT", "limit_price": "2000"}
    large = platform.curl(
        "POST", "/trading/orders", {**eth, "quantity": "0.1"}, by=key, Idempotency_Key="k-2"
    )
    small = platform.curl(
        "POST", "/trading/orders", {**eth, "quantity": "0.01"}, by=key, Idempotency_Key="k-3"
    )

    assert (other.status, other.code) == (403, "KEY_SCOPE")
    assert (large.status, large.code) == (403, "KEY_SCOPE")
    assert small.status == 201, "without a confirmation: the key is unattended"
    assert platform.curl("DELETE", f"/trading/orders/{small.body['id']}", by=key).status == 200


@pytest.mark.requirement(
    "REST GET health", "REST health tells a signed-in reader services and metrics"
)
def test_health_says_one_word_to_strangers_and_more_to_who_is_known(
    platform: ApiPlatform, by: str
) -> None:
    for path in ("/health", "//api/health", "//health"):
        stranger = platform.curl("GET", path)
        known = platform.curl("GET", path, by=by)

        assert stranger.body.keys() == {"status"}
        assert {"status", "version", "region", "services", "metrics"} <= known.body.keys()
        assert known.body["metrics"].keys() >= {
            "uptime",
            "response_time_ms",
            "active_users",
            "trades_today",
        }
        assert known.body["services"]["engine"] == "ok"
    for path in ("//livez", "//readyz"):
        assert platform.curl("GET", path).body == "ok"


@pytest.mark.requirement(
    "NUM cache: API responses 5 min, market data 1 s, session 24 h, AI 5 min",
    "NUM cache: account, orders, positions and risk never",
    "REST GET market-data/symbols",
    "REST GET market-data/symbols/{symbol}/ohlcv",
    "REST alias /api/market/data",
)
def test_what_may_be_kept_says_how_long_and_money_is_never_kept(
    platform: ApiPlatform, by: str
) -> None:
    def kept(path: str) -> str:
        answer = platform.curl("GET", path, by=by)
        assert answer.status == 200, (path, answer)
        return answer.headers["cache-control"]

    assert kept("/market-data/symbols") == "private, max-age=300"
    assert kept(f"/market-data/symbols/{BTC}/ticker") == "private, max-age=1"
    assert kept(f"/market-data/symbols/{BTC}/ohlcv") == "private, max-age=1"
    closed = f"/market-data/symbols/{BTC}/ohlcv?start=2000-01-01T00:00:00Z&limit=1"
    assert kept(closed) == "private, max-age=300"
    assert kept(f"//api/market/data?symbol={BTC}") == "private, max-age=1"
    for path in ("/account", "/trading/orders", "/trading/positions", "/risk/limits"):
        assert kept(path) == "no-store"
    symbols = platform.curl("GET", "/market-data/symbols", by=by)
    same = platform.curl(
        "GET", "/market-data/symbols", by=by, If_None_Match=symbols.headers["etag"]
    )
    assert same.status == 304
    assert same.body == ""
    person = platform.a_person("viewer", "keeper")
    mine = f"Bearer {person['access_token']}"
    (session,) = platform.curl("GET", "/sessions", by=mine).body["items"]
    ends, began = (_seconds(session[name]) for name in ("ends_at", "created_at"))
    assert ends - began == 24 * 3600


def _seconds(text: str) -> int:
    from datetime import datetime

    return round(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


@pytest.mark.requirement(
    "REST GET strategies",
    "REST POST strategies",
    "REST PUT strategies/{id}",
    "REST GET risk/limits",
    "REST PUT risk/limits",
)
def test_a_strategy_and_a_limit_are_changed_and_the_engine_follows(
    platform: ApiPlatform, by: str
) -> None:
    curl = platform.curl
    body = {"id": "mine", "strategy": "rsi", "equity_frac": 0.02}
    made, _ = platform.confirmed("POST", "/strategies", body, by=by, key="s-1")
    assert made.status == 201, made
    change = {"parameters": {"period": 21}}
    changed, _ = platform.confirmed("PUT", "/strategies/mine", change, by=by, key="s-2")
    assert changed.status == 200, changed

    def follows() -> Any:
        found = curl("GET", "/strategies/mine", by=by).body
        return found if found.get("parameters", {}).get("period") == 21 else None

    assert waited_for(follows, within_s=60, what="the change")
    listed = curl("GET", "/strategies", by=by).body["items"]
    assert "mine" in [each["id"] for each in listed]

    before = curl("GET", "/risk/limits", by=by).body
    lowered, _ = platform.confirmed("PUT", "/risk/limits", {"order_frac": 0.11}, by=by, key="s-3")
    assert lowered.status == 200, lowered
    after = curl("GET", "/risk/limits", by=by).body
    assert (before["order_frac"], after["order_frac"]) == (0.15, 0.11)
    for name in ("max_position_value", "max_daily_loss", "max_drawdown"):
        assert name in after


def test_a_log_line_cannot_be_forged_by_what_somebody_calls_himself(
    platform: ApiPlatform, by: str
) -> None:
    """CR, LF, an escape sequence and JSON in a name: one line each, and an audit that is whole."""
    names = [
        'x\r\n{"event":"forged","level":"info"}',
        "\x1b[2J\x1b[31mred",
        '","event":"forged","a":"',
        "\u2028\u2029\u202eabc",
    ]
    for name in names:
        tried = platform.curl("POST", "/auth/login", {"username": name, "password": "x" * 12})
        assert tried.status in (401, 422, 429)
    note = {"kind": "drawdown", "level": "0.9", "note": names[0] + names[1]}
    assert platform.curl("POST", "/alerts/rules", note, by=by).status in (201, 422)
    wrong = platform.curl("GET", "/health", X_Correlation_Id='a"b\tc{"event":"forged"}')
    assert '"' not in wrong.headers["x-correlation-id"]

    for file in Home(platform.home).logs.glob("*.log"):
        for line in file.read_text().split("\n"):
            if line:
                assert json.loads(line).get("event") != "forged"
                assert "\x1b" not in line
    assert platform.curl("GET", "/audit/verification", by=by).body["is_whole"]
    shown = platform.verb("audit", "list", "--action", "auth.login", "--limit", "20")
    assert shown.returncode == 0
    assert "\x1b" not in shown.stdout
    tries = platform.curl("GET", "/audit?action=auth.login&limit=20", by=by).body["items"]
    assert len(shown.stdout.splitlines()) <= 1 + len(tries) + 1


def test_what_is_decimal_is_a_string_and_what_is_a_time_is_utc(
    platform: ApiPlatform, by: str
) -> None:
    account = platform.curl("GET", "/account", by=by).body
    orders = platform.curl("GET", "/trading/orders?limit=5", by=by).body["items"]

    assert isinstance(account["equity"]["amount"], str)
    assert account["equity"]["currency"] == "USDT"
    for order in orders:
        assert isinstance(order["quantity"], str)
        assert order["placed_at"].endswith("Z")


def test_the_command_line_speaks_to_what_runs(platform: ApiPlatform, by: str) -> None:
    shown = platform.verb("orders", "list", "--limit", "2", "--json")
    rest = platform.curl("GET", "/trading/orders?limit=2", by=by).body
    account = platform.verb("account", "show")
    me = platform.verb("user", "me", "--json")
    wrong = platform.verb("orders", "show", "BC-nowhere")

    assert shown.returncode == 0, shown.stderr
    assert len(json.loads(shown.stdout)["items"]) == len(rest["items"]) == 2
    assert "equity" in account.stdout
    assert json.loads(me.stdout)["username"].startswith("local:")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "[ORDER_UNKNOWN]" in wrong.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
def test_nothing_in_the_home_is_anybody_else_s_to_read(platform: ApiPlatform, by: str) -> None:
    """Neither what the processes wrote, nor the supervisor, nor the command line."""
    platform.verb("alerts", "rules", "--json")

    assert others_may(platform.home) == []


def test_every_answer_of_the_api_has_the_headers_of_the_edge(
    platform: ApiPlatform, by: str
) -> None:
    for path in ("/account", "/nowhere", "/auth/jwks"):
        headers = platform.curl("GET", path, by=by).headers

        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "server" not in headers
        assert headers["x-correlation-id"]
    assert platform.curl("GET", "/account", by=by).headers["ratelimit-limit"]
    assert API == "/api/v1"
