"""Lists a page at a time: every row once, by an index, while the engine goes on writing."""

import shutil
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.contract.storage.facts import (
    BTC,
    MAIN,
    RSI,
    USDT,
    a_day,
    at,
    deposit,
    entries,
    filled,
    placed,
)

from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.events import LedgerPosted, PerformanceUpdate, Posting, SignalGenerated
from botcore.domain.ids import StrategyId
from botcore.domain.intents import Reason
from botcore.storage import Asked, History, ReadingStore, Rows, SqlJournal, Store
from botcore.storage import history as h
from botcore.storage import tables as t
from botcore.storage.paging import Order, _encoded, paged
from botcore.storage.tables import signals

Page = Callable[[Asked], Rows]


@pytest.fixture
def history(store_url: str, journal: SqlJournal) -> Iterator[History]:
    """What a small day left, read as another process reads it."""
    journal.wait_durable(journal.append(entries(a_day())))
    with ReadingStore(store_url) as store:
        yield History(store)


def walk(page: Page, key: str, *, limit: int = 2, **asked: Any) -> list[Any]:
    """Return the key of each row of all pages, joined by their cursors."""
    found: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        part = page(Asked(account=MAIN, limit=limit, cursor=cursor, **asked))
        found += [row[key] for row in part.rows]
        cursor = part.next_cursor
    return found


def test_every_list_comes_newest_or_oldest_first_each_row_once(history: History) -> None:
    pages: list[tuple[Page, str, int]] = [
        (history.orders, "client_order_id", 3),
        (history.fills, "trade_id", 2),
        (history.postings, "lsn", 8),
        (history.samples, "lsn", 1),
        (history.signals, "lsn", 1),
        (history.denials, "lsn", 1),
        (history.alerts, "lsn", 1),
        (history.mode_changes, "lsn", 1),
    ]
    for page, key, count in pages:
        for limit in (1, 2, 100):
            newest = walk(page, key, limit=limit)
            oldest = walk(page, key, limit=limit, is_newest=False)
            assert len(newest) == count
            assert oldest == newest[::-1]


def test_orders_are_filtered(history: History) -> None:
    def ids(**only: Any) -> list[str]:
        found = history.orders(Asked(account=MAIN), **only).rows
        return [row["client_order_id"] for row in found]

    assert ids() == ["BC-3", "BC-2", "BC-1"]
    assert ids(states=["FILLED"]) == ["BC-1"]
    assert ids(states=["INTENT", "ACCEPTED"]) == ["BC-3"]
    assert ids(states=["INTENT", "CANCELED"]) == ["BC-3", "BC-2"]
    assert ids(strategy=RSI, instrument=BTC, side="BUY") == ["BC-3", "BC-2", "BC-1"]
    assert ids(side="SELL") == ids(strategy="macd") == ids(instrument="ETHUSDT.SIM") == []
    assert history.orders(Asked(account="other")).rows == []
    span = Asked(account=MAIN, since=at(2), until=at(3))
    assert [row["client_order_id"] for row in history.orders(span).rows] == ["BC-2"]
    order = history.order("BC-2")
    assert order is not None
    assert order["state"] == "CANCELED"
    assert history.order("BC-9") is None


def test_fills_postings_and_the_rest_are_filtered(history: History) -> None:
    asked = Asked(account=MAIN)
    fills = history.fills(asked, order_id="BC-1").rows
    assert [row["trade_id"] for row in fills] == ["4", "3"]
    numbers = (fills[1]["lsn"], fills[1]["lsn"])
    assert [row["trade_id"] for row in history.fills(asked, numbers=numbers).rows] == ["3"]
    assert history.fills(asked, side="SELL").rows == []
    assert history.count_fills(at(3), at(4)) == 1
    assert history.count_fills(None, None) == 2
    assert history.spent({"BC-1": fills[0]["lsn"], "BC-2": 99}) == {"BC-1": Decimal("15000.005")}
    assert history.spent({"BC-1": fills[1]["lsn"]}) == {"BC-1": Decimal("6000.002")}
    assert history.spent({}) == {}
    assert history.last_price("BTCUSDT", since=0, until=at(9)) == Decimal("30000.01")
    assert history.last_price("BTCUSDT", since=0, until=at(3)) is None
    assert len(history.postings(asked, reference="BC-1/3").rows) == 3
    assert len(history.postings(asked, cause="deposit", currency="USDT").rows) == 2
    assert [r["amount"] for r in history.postings(asked, ledger="external").rows] == [-10_000]
    assert history.currencies("trading:rsi:BTCUSDT.SIM", after=0) == ["USDT"]
    assert [row["code"] for row in history.denials(asked, code="NOTIONAL").rows] == ["NOTIONAL"]
    assert history.denials(asked, code="OTHER").rows == []
    assert [row["weight"] for row in history.signals(asked, strategy=RSI).rows] == [0.5]
    assert [row["code"] for row in history.alerts(asked).rows] == ["DAILY_LOSS"]
    assert history.alerts(asked, code="OTHER").rows == []
    assert [row["mode"] for row in history.mode_changes(asked).rows] == ["REDUCE_ONLY"]
    assert history.accounts() == [MAIN]
    assert history.children("BC-1") == []
    assert history.reasons(["BC-1", "BC-9"]) == {"BC-1": (RSI, 2, "41.2,30.0")}
    assert history.reasons([]) == {}
    assert [row["ledger"] for row in history.balances(MAIN)] == [
        "assets:main:free", "external", "fees", "trading:rsi:BTCUSDT.SIM"
    ]  # fmt: skip


def test_movements_join_without_a_gap(history: History, journal: SqlJournal) -> None:
    facts = [fact for n in range(10, 40) for fact in (placed(n), *filled(n, n))]
    journal.wait_durable(journal.append(entries(facts)))
    whole = history.movements(MAIN, after=0, limit=1_000)
    fills, postings, after = [], [], 0
    while True:
        part = history.movements(MAIN, after=after, limit=7)
        numbers = [row["lsn"] for row in (*part.fills, *part.postings)]
        if not numbers:
            break
        assert min(numbers) > after
        after = max(numbers)
        fills += part.fills
        postings += part.postings

    assert (fills, postings) == whole
    assert len(fills) == 32
    assert {row["cause"] for row in postings} == {"deposit"}


def test_movements_miss_nothing_that_is_written_between_two_questions(
    store_url: str, journal: SqlJournal
) -> None:
    journal.wait_durable(journal.append(entries(a_day())))
    late = [*filled(3, 10), deposit("5")]

    def writes_once(*_: object) -> None:
        while late:
            journal.wait_durable(journal.append(entries([late.pop(0) for _ in tuple(late)])))

    with ReadingStore(store_url) as store:
        history = History(store)
        sa.event.listen(store.engine, "after_cursor_execute", writes_once)
        first = history.movements(MAIN, after=0, limit=100)
        after = max(row["lsn"] for row in (*first.fills, *first.postings))
        second = history.movements(MAIN, after=after, limit=100)

    assert [row["trade_id"] for row in first.fills + second.fills] == ["3", "4", "10"]
    deposited = [row["amount"] for row in first.postings + second.postings]
    assert deposited == [10_000, -10_000, 5, -5]


def test_dust_that_a_fill_takes_back_is_a_movement(history: History, journal: SqlJournal) -> None:
    back = (
        Posting("dust:main:rsi:BTCUSDT.SIM", USDT, Decimal(-3)),
        Posting("trading:main:rsi:BTCUSDT.SIM", USDT, Decimal(3)),
    )
    fill, _, position = filled(3, 10)
    booked = LedgerPosted(MAIN, at(10), "fill", "BC-3/10", back)
    journal.wait_durable(journal.append(entries([fill, booked, position])))
    after = history.movements(MAIN, after=0, limit=100).fills[-1]["lsn"] - 1

    found = history.movements(MAIN, after=after, limit=100)

    assert [row["trade_id"] for row in found.fills] == ["10"]
    assert [(row["lsn"], row["amount"]) for row in found.postings] == [(after + 2, Decimal(-3))]


def test_samples_without_a_value_are_left_out(history: History, journal: SqlJournal) -> None:
    unknown = PerformanceUpdate(MAIN, at(20), float("nan"), 10_000.0, 20_454, 10_000.0)
    never = PerformanceUpdate(MAIN, at(21), float("nan"), float("nan"), 20_454, float("nan"))
    known = PerformanceUpdate(MAIN, at(22), 9_991.0, 10_000.0, 20_454, 10_000.0)
    journal.wait_durable(journal.append(entries([unknown, never, known])))

    assert walk(history.samples, "equity", limit=1) == [9_991.0, 9_990.5]


def test_pages_join_without_a_gap_while_the_engine_writes(
    history: History, journal: SqlJournal
) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    for number in range(10, 30):
        if cursor is None:
            break
        part = history.orders(Asked(account=MAIN, limit=1, cursor=cursor))
        seen += [row["client_order_id"] for row in part.rows]
        cursor = part.next_cursor
        journal.wait_durable(journal.append(entries([placed(number), *filled(3, number)])))

    assert seen == ["BC-3", "BC-2", "BC-1"]


def test_the_curve_keeps_the_lowest_and_the_highest_of_each_stretch(
    history: History, journal: SqlJournal
) -> None:
    values = [10_000.0, 10_010.0, 9_900.0, 10_020.0, 10_050.0, 9_950.0, 10_100.0, 10_090.0]
    facts = [
        PerformanceUpdate(MAIN, at(100 + n), value, max(values[: n + 1]), 20_454, 10_000.0)
        for n, value in enumerate(values)
    ]
    journal.wait_durable(journal.append(entries(facts)))

    thin = history.curve(MAIN, since=at(100), until=at(108), stretches=2)
    fine = history.curve(MAIN, since=at(100), until=None, stretches=1_000)

    assert [
        (row["ts"], row["equity"], row["low"], row["high"], row["peak"], row["samples"])
        for row in thin
    ] == [
        (at(103), 10_020.0, 9_900.0, 10_020.0, 10_020.0, 4),
        (at(107), 10_090.0, 9_950.0, 10_100.0, 10_100.0, 4),
    ]
    assert [row["equity"] for row in fine] == values
    assert len(history.curve(MAIN, since=None, until=None, stretches=1)) == 1
    assert history.curve("other", since=None, until=None, stretches=5) == []


@pytest.mark.parametrize("cursor", ["x", "!!!", "k6VmaWxsc8I", "a" * 513])
def test_a_cursor_of_nobody_is_refused(history: History, cursor: str) -> None:
    with pytest.raises(ConfigError, match="CURSOR_MALFORMED"):
        history.orders(Asked(account=MAIN, cursor=cursor))


def test_a_cursor_of_another_list_or_order_is_refused(history: History) -> None:
    cursor = history.orders(Asked(account=MAIN, limit=1)).next_cursor or ""

    for page, asked in (
        (history.fills, Asked(account=MAIN, cursor=cursor)),
        (history.orders, Asked(account=MAIN, cursor=cursor, is_newest=False)),
    ):
        with pytest.raises(ConfigError, match="belongs to another"):
            page(asked)


def _plan(connection: sa.Connection, query: sa.Select[Any]) -> str:
    text = str(query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")
        return "\n".join(row[3] for row in rows)
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    return "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {text}"))


_ONE = Asked(account=MAIN)
_SPAN = Asked(account=MAIN, since=at(0), until=at(100))
_PAGES: list[tuple[sa.Select[Any], Order]] = [
    (h.orders_query(_ONE), h.ORDERS),
    (h.orders_query(_SPAN), h.ORDERS),
    (h.orders_query(_ONE, strategy="rsi"), h.ORDERS),
    (h.orders_query(_ONE, instrument=BTC), h.ORDERS),
    (h.orders_query(_ONE, states=["FILLED", "CANCELED"]), h.ORDERS),
    (h._asked(t.trades, h.TRADES, _ONE, {}), h.TRADES),
    (h._asked(t.trades, h.TRADES, _SPAN, {"side": "BUY"}), h.TRADES),
    (h._asked(t.trades, h.TRADES, _ONE, {"strategy": "rsi"}), h.TRADES),
    (h._asked(t.trades, h.TRADES, _ONE, {"instrument": BTC}), h.TRADES),
    (h._asked(t.postings, h.POSTINGS, _ONE, {}), h.POSTINGS),
    (h._asked(t.performance, h.PERFORMANCE, _SPAN, {}), h.PERFORMANCE),
    (h._asked(t.signals, h.SIGNALS, _ONE, {}), h.SIGNALS),
    (h._asked(t.signals, h.SIGNALS, _ONE, {"strategy": "rsi"}), h.SIGNALS),
    (h._asked(t.denials, h.DENIALS, _SPAN, {"strategy": "rsi"}), h.DENIALS),
    (h._asked(t.alerts, h.ALERTS, _ONE, {}), h.ALERTS),
    (h._asked(t.mode_changes, h.MODE_CHANGES, _ONE, {}), h.MODE_CHANGES),
]
_BY_NAME: list[sa.Select[Any]] = [
    sa.select(t.trades).where(t.trades.c.order_id == "BC-1"),
    sa.select(t.orders).where(t.orders.c.parent == "BC-1"),
    sa.select(t.postings).where(t.postings.c.reference == "BC-1/3"),
    h.orders_query(_ONE, states=["ACCEPTED", "INTENT"]),
]


def test_a_page_is_read_in_the_order_of_an_index(store: Store, history: History) -> None:
    for query, order in _PAGES:
        keys = [at(5) if key.type.python_type is int else "BC-1" for key in order.keys]
        for cursor in ("", _encoded(order, is_newest=True, keys=keys)):
            statement = paged(query, order, is_newest=True, cursor=cursor, limit=100)
            with store.reading() as connection:
                plan = _plan(connection, statement)
            if store.is_sqlite:
                assert "USING INDEX" in plan, statement
                # Only what has one and the same stamp is sorted.
                assert "USE TEMP B-TREE FOR ORDER BY" not in plan, statement
            else:
                assert "Index" in plan, statement
                assert "Seq Scan" not in plan, statement


def test_what_is_asked_for_by_name_is_found_by_an_index(store: Store, history: History) -> None:
    for query in _BY_NAME:
        with store.reading() as connection:
            plan = _plan(connection, query)

        assert ("SEARCH" in plan) if store.is_sqlite else ("Seq Scan" not in plan), query


def test_a_store_that_is_missing_is_an_error_and_none_is_made(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    with ReadingStore(f"sqlite:///{path}") as store, pytest.raises(StorageError) as missing:
        History(store).accounts()

    assert missing.value.code == "STORE_CANNOT_OPEN"
    assert not path.exists()


def test_a_store_that_appears_is_read_and_one_that_takes_its_place_too(tmp_path: Path) -> None:
    path, kept = tmp_path / "engine #1.db", tmp_path / "kept.db"
    with ReadingStore(f"sqlite:///{path}") as reading:
        history = History(reading)
        with pytest.raises(StorageError):
            history.accounts()
        with Store(f"sqlite:///{path}") as store, SqlJournal(store) as journal:
            journal.append(entries(a_day()))
        assert history.accounts() == [MAIN]
        with Store(f"sqlite:///{kept}") as store:
            store.upgrade()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.move(kept, path)

        assert history.accounts() == []

        path.unlink()
        with pytest.raises(StorageError):
            history.accounts()


def test_a_store_that_is_locked_for_long_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "engine.db"
    with Store(f"sqlite:///{path}") as store:
        store.upgrade()
        with store.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA locking_mode = EXCLUSIVE")
            connection.exec_driver_sql("CREATE TABLE held (x)")
            with (
                ReadingStore(f"sqlite:///{path}") as reading,
                pytest.raises(StorageError) as locked,
            ):
                History(reading).accounts()

    assert locked.value.code == "STORE_BUSY"


def test_a_store_of_another_process_cannot_be_written(store_url: str, history: History) -> None:
    with ReadingStore(store_url) as reading:
        with pytest.raises(StorageError, match="STORE_NOT_OURS"), reading.writing():
            pass
        with (
            pytest.raises(StorageError, match="STORE_READ_ONLY"),
            reading.reading() as connection,
        ):
            connection.execute(sa.delete(signals))

    assert len(history.signals(Asked(account=MAIN)).rows) == 1


def test_a_long_list_of_one_strategy_among_many_is_found_whole(
    history: History, journal: SqlJournal
) -> None:
    names = [StrategyId("rare"), *(StrategyId(f"s{n}") for n in range(4))]
    facts = [
        SignalGenerated(MAIN, names[n % 5], BTC, at(n // 10), 0.1, 1.0, Reason(1, (float(n),)))
        for n in range(500)
    ]
    journal.wait_durable(journal.append(entries(facts)))

    def rare(asked: Asked) -> Rows:
        return history.signals(asked, strategy="rare")

    found = walk(rare, "reason_operands", limit=7)

    assert found == [f"{float(n)!r}" for n in range(495, -1, -5)]
