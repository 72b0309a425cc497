"""The venue's store: durable before it is said, whole or not at all, and never silently wrong."""

import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.venue_session import PAPER, USDT, VenueSession, fills

from botcore.domain.errors import StorageError
from botcore.domain.orders import OrderType, Side
from botcore.domain.reports import ReportKind
from botcore.venues.simulated import SqliteVenueStore
from botcore.venues.simulated.records import VenueRecords

MARKET, LIMIT, STOP = OrderType.MARKET, OrderType.LIMIT, OrderType.STOP
TRAILING, STOP_LIMIT = OrderType.TRAILING_STOP, OrderType.STOP_LIMIT

BARS: list[tuple[float, float, float, float]] = [
    (101, 103, 98, 101),
    (101, 106, 94, 100),
    (100, 101, 89, 90),
    (90, 99, 88, 95),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "venue.sqlite3"


def a_session(path: Path, **more: Any) -> VenueSession:
    """A session over a store that holds cash and coins, and has seen one bar."""
    settings = {"taker_fee_ppm": 1_000, "maker_fee_ppm": 1_000, "participation_ppm": 100_000}
    session = VenueSession(store=SqliteVenueStore(path), coins="5", **(settings | more))
    session.bar(100, 100, 100, 100)
    return session


def with_orders(session: VenueSession) -> VenueSession:
    """Send orders that fill, fire, trail, cancel one another and stay over `BARS`."""
    session.buy(MARKET, "13", name="m")
    session.buy(LIMIT, "10", name="bid", limit_price="99")
    session.sell(LIMIT, "1", name="tp", limit_price="105", oco_group="g")
    session.sell(STOP, "1", name="sl", trigger_price="95", oco_group="g")
    session.sell(TRAILING, "1", name="ts", trail="4")
    session.sell(STOP_LIMIT, "1", name="stl", trigger_price="90", limit_price="89")
    session.sell(STOP, "9", name="ro", trigger_price="92", reduce_only=True)
    session.buy(LIMIT, "1", name="gtd", limit_price="50", expires_at=session.now * 3)
    return session


def reopened(session: VenueSession, path: Path) -> VenueSession:
    """The same session over a venue made anew from the file."""
    store = SqliteVenueStore(path)
    session.store = store
    session.venue = session.reopened(store)
    return session


def edit(path: Path, statement: str, *values: object) -> None:
    """Change the file behind the venue's back."""
    with sqlite3.connect(path) as connection:
        connection.execute(statement, values)
    connection.close()


def code_of(path: Path, session: VenueSession) -> str:
    """Why the file is refused."""
    with pytest.raises(StorageError) as caught:
        reopened(session, path)
    assert caught.value.cause
    assert caught.value.fix
    return caught.value.code


# --- the same truth again


def test_a_reopened_venue_knows_the_same_truth(path: Path) -> None:
    session = with_orders(a_session(path))
    session.buy(LIMIT, "1", name="waits", limit_price="1")
    for bar in BARS:
        session.bar(*bar, volume=120.0)
    truth = session.venue.snapshot()

    reopened(session, path)

    assert len(session.venue.trades(PAPER)) > 5
    assert session.venue.snapshot() == truth


def test_a_reopened_venue_still_refuses_a_used_client_id(path: Path) -> None:
    session = a_session(path)
    session.buy(MARKET, name="once")
    session.bar(100, 100, 100, 100)

    reopened(session, path)

    assert session.buy(MARKET, name="once").detail == "DUPLICATE"
    assert [report.kind for report in session.query("once")] == [ReportKind.FILLED]


def test_a_reopened_venue_gives_the_same_reports_as_before(path: Path) -> None:
    session = with_orders(a_session(path))
    session.bar(*BARS[0], volume=120.0)
    before = session.query("m")

    reopened(session, path)

    assert session.query("m") == before


def test_every_report_is_durable_before_it_is_given_out(path: Path, tmp_path: Path) -> None:
    session = with_orders(a_session(path))
    seen = 0

    def look(report: Any) -> None:
        nonlocal seen
        copy = tmp_path / f"copy{seen}"
        _copy(path, copy)
        other = VenueSession(cash="0")
        reopened(other, copy / path.name)
        assert report in other.query(report.client_order_id)
        seen += 1

    for bar in BARS:
        session.bar(*bar, volume=120.0, on_fill=look)

    assert seen > 5


def test_k13_a_kill_between_any_two_statements_leaves_a_whole_change(
    path: Path, tmp_path: Path
) -> None:
    session = with_orders(a_session(path))
    assert isinstance(session.store, SqliteVenueStore)
    minute, crashes = session.minute, _Crashes(path, tmp_path)
    session.store._connection.set_trace_callback(crashes.copy)
    for bar in BARS:
        session.bar(*bar, volume=120.0)
        crashes.bars_done += 1
    session.store._connection.set_trace_callback(None)
    truth = session.venue.snapshot()

    assert len(crashes.copies) > 30
    for copy, bars_done in crashes.copies:
        reopened(session, copy)
        session.minute = minute + bars_done
        for prices in BARS[bars_done:]:  # the bar in which it died is given again
            session.bar(*prices, volume=120.0)
        assert session.venue.snapshot() == truth, copy


class _Crashes:
    """Copies of the file as a kill before each statement would leave it."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path = path
        self.folder = folder
        self.bars_done = 0
        self.copies: list[tuple[Path, int]] = []

    def copy(self, _: str) -> None:
        folder = self.folder / f"crash{len(self.copies)}"
        _copy(self.path, folder)
        self.copies.append((folder / self.path.name, self.bars_done))


def _copy(path: Path, folder: Path) -> None:
    folder.mkdir()
    for part in ("", "-wal"):
        source = path.with_name(path.name + part)
        if source.exists():
            shutil.copy(source, folder / source.name)


_TRADER = """
import sys
from pathlib import Path
from botcore.domain.orders import OrderType, Side
from botcore.venues.simulated import SqliteVenueStore
from tests.support.venue_session import VenueSession

session = VenueSession(store=SqliteVenueStore(Path(sys.argv[1])), taker_fee_ppm=1000)
session.bar(100, 100, 100, 100)
while True:
    name = f"n{session.minute}"
    side = session.buy if session.minute % 2 else session.sell
    if side(OrderType.MARKET, name=name).detail:
        raise SystemExit("refused")
    for report in session.bar(100, 101, 99, 100):
        print(report.client_order_id, flush=True)
"""


def test_a_real_kill_loses_nothing_that_was_reported(path: Path) -> None:
    root = Path(__file__).resolve().parents[4]
    child = subprocess.Popen(
        [sys.executable, "-c", _TRADER, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=root,
        env={"PYTHONPATH": f"{root / 'src'}:{root}"},
    )
    assert child.stdout is not None
    told = [child.stdout.readline().strip() for _ in range(25)]
    child.send_signal(signal.SIGKILL)
    told += [line.strip() for line in child.stdout]
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL

    session = reopened(VenueSession(cash="0"), path)

    kept = [trade.client_order_id for trade in session.venue.trades(PAPER)]
    assert kept[: len(told)] == told
    assert len(kept) <= len(told) + 1
    assert set(session.venue.acceptances().values()) == {1}


# --- refused


def test_d09_a_flipped_byte_is_found(path: Path) -> None:
    session = with_orders(a_session(path))
    assert isinstance(session.store, SqliteVenueStore)
    session.store.close()
    data = bytearray(path.read_bytes())
    where = data.index(b'"client_order_id":"bid"') + len(b'"client_order_id":"')
    data[where] ^= 1
    path.write_bytes(data)

    assert code_of(path, session) == "VENUE_STORE_CORRUPT"


def test_d09_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_bytes(b"this is not a database, and long enough to be looked at" * 40)

    assert code_of(path, VenueSession(cash="0")) == "VENUE_STORE_CORRUPT"


@pytest.mark.parametrize("kind", ["balance", "fill", "order", "deposit"])
def test_d09_a_missing_row_is_found(path: Path, kind: str) -> None:
    session = with_orders(a_session(path))
    session.bar(*BARS[0], volume=120.0)
    edit(
        path,
        "DELETE FROM truth WHERE kind = ? AND name = (SELECT max(name) FROM truth WHERE kind = ?)",
        kind,
        kind,
    )

    assert code_of(path, session) == "VENUE_STORE_CORRUPT"


def test_d09_a_missing_refused_order_is_found(path: Path) -> None:
    session = a_session(path)
    assert session.buy(MARKET, "1000000").kind is ReportKind.REJECTED
    edit(path, "DELETE FROM truth WHERE kind = 'order'")

    assert code_of(path, session) == "VENUE_STORE_CORRUPT"


@pytest.mark.parametrize(("free", "locked"), [(1, 0), (0, 1), (-1, 1), (1, -1)])
def test_d09_an_edited_balance_is_found_even_with_its_digest(
    path: Path, free: int, locked: int
) -> None:
    session = with_orders(a_session(path))
    name = f"{PAPER} {USDT}"
    with sqlite3.connect(path) as connection:
        ((body,),) = connection.execute("SELECT body FROM truth WHERE name = ?", (name,)).fetchall()
    connection.close()
    row = json.loads(body)
    row["free"] = str(Decimal(row["free"]) + free)
    row["locked"] = str(Decimal(row["locked"]) + locked)
    forged = json.dumps(row)
    digest = hashlib.sha256(f"balance\n{name}\n{forged}".encode()).hexdigest()[:32]
    edit(path, "UPDATE truth SET body = ?, digest = ? WHERE name = ?", forged, digest, name)

    assert code_of(path, session) == "VENUE_STORE_CORRUPT"


def test_a_store_of_a_newer_version_is_refused(path: Path) -> None:
    session = a_session(path)
    edit(path, "PRAGMA user_version = 99")

    assert code_of(path, session) == "VENUE_STORE_NEWER"


def test_a_database_of_another_program_is_refused_and_left_alone(path: Path) -> None:
    edit(path, "CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()

    assert code_of(path, VenueSession(cash="0")) == "VENUE_STORE_FOREIGN"
    assert path.read_bytes() == before


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere" / "venue.sqlite3"

    assert code_of(missing, VenueSession(cash="0")) == "VENUE_STORE_MISSING"


def test_two_venues_never_write_one_file(path: Path) -> None:
    first = a_session(path)
    second = reopened(VenueSession(cash="0"), path)
    first.buy(MARKET, name="mine")

    with pytest.raises(StorageError) as caught:
        second.venue.deposit(PAPER, USDT, Decimal(1))

    assert caught.value.code == "VENUE_STORE_SHARED"
    reopened(first, path)
    assert first.working() == ["mine"]


def test_a_locked_file_is_named(path: Path) -> None:
    session = a_session(path)
    assert isinstance(session.store, SqliteVenueStore)
    session.store._connection.execute("PRAGMA busy_timeout = 0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(StorageError) as caught:
        session.buy(MARKET)

    other.close()
    assert caught.value.code == "VENUE_STORE_LOCKED"


def test_d06_a_full_disk_stops_the_venue_and_stores_nothing_half(path: Path) -> None:
    session = a_session(path)
    assert isinstance(session.store, SqliteVenueStore)
    truth = session.venue.snapshot()
    pages = session.store._connection.execute("PRAGMA page_count").fetchone()[0]
    session.store._connection.execute(f"PRAGMA max_page_count = {pages}")

    def fill_the_disk() -> None:
        nonlocal truth
        for number in range(200):
            truth = session.venue.snapshot()
            session.buy(LIMIT, "0.001", name=f"n{number}", limit_price="1")

    with pytest.raises(StorageError) as caught:
        fill_the_disk()
    with pytest.raises(StorageError) as again:
        session.buy(MARKET)

    assert caught.value.code == "VENUE_STORE_FULL"
    assert again.value is caught.value
    session.store.close()
    assert reopened(session, path).venue.snapshot() == truth


class BrokenStore:
    """A store that takes a number of commits and then fails."""

    def __init__(self, commits: int) -> None:
        self.commits = commits

    def load(self) -> VenueRecords | None:
        return None

    def commit(self, change: VenueRecords) -> None:
        if not self.commits:
            raise StorageError(code="VENUE_STORE_FAILED", cause="broken", fix="mend it")
        self.commits -= 1


def test_a_venue_whose_commit_failed_says_nothing_and_does_nothing_more() -> None:
    session = VenueSession(store=BrokenStore(2))
    session.bar(100, 100, 100, 100)
    session.buy(MARKET, name="m")
    reports: list[Any] = []

    with pytest.raises(StorageError):
        session.bar(100, 100, 100, 100, on_fill=reports.append)

    assert reports == []
    for act in (
        lambda: session.buy(MARKET),
        lambda: session.cancel("m"),
        lambda: session.replace("m", quantity="2"),
        lambda: session.venue.deposit(PAPER, USDT, Decimal(1)),
        lambda: session.bar(100, 100, 100, 100),
    ):
        with pytest.raises(StorageError):
            act()


def test_orders_submitted_together_are_one_commit_and_answered_each_by_itself() -> None:
    store = BrokenStore(2)  # the deposit, and all of them
    session = VenueSession(store=store, cash="1000")
    names = ("a", "b", "a", "dear")
    prices = ("90", "91", "92", "99")
    orders = [
        session.spec(Side.BUY, LIMIT, "9" if name == "dear" else "1", name=name, limit_price=price)
        for name, price in zip(names, prices, strict=True)
    ]

    answers = session.venue.submit_all([(each, session.now) for each in orders])

    assert [[report.kind for report in each] for each in answers] == [
        [ReportKind.ACCEPTED],
        [ReportKind.ACCEPTED],
        [ReportKind.REJECTED],
        [ReportKind.REJECTED],
    ]
    assert [each[0].detail.partition(":")[0] for each in answers[2:]] == [
        "DUPLICATE",
        "INSUFFICIENT_BALANCE",
    ]
    assert store.commits == 0


def test_a_restarted_venue_knows_the_orders_that_were_submitted_together(path: Path) -> None:
    session = a_session(path)
    orders = [session.spec(Side.BUY, LIMIT, "1", name=n, limit_price="90") for n in ("a", "b")]
    session.venue.submit_all([(each, session.now) for each in orders])
    truth = session.venue.snapshot()

    again = reopened(session, path)

    assert again.venue.snapshot() == truth
    assert again.working() == ["a", "b"]


def test_of_orders_submitted_together_none_is_answered_where_the_commit_fails() -> None:
    session = VenueSession(store=BrokenStore(1))
    orders = [session.spec(Side.BUY, LIMIT, "1", name=n, limit_price="90") for n in ("a", "b")]

    for _ in range(2):
        with pytest.raises(StorageError):
            session.venue.submit_all([(each, session.now) for each in orders])


def test_the_file_is_written_through(path: Path) -> None:
    store = SqliteVenueStore(path)

    def pragma(name: str) -> Iterator[Any]:
        return iter(store._connection.execute(f"PRAGMA {name}").fetchone())

    assert next(pragma("journal_mode")) == "wal"
    assert next(pragma("synchronous")) == 2  # FULL
    store.close()


def test_fills_survive_without_their_instruments_settings(path: Path) -> None:
    session = a_session(path)
    session.buy(MARKET, name="m")
    reports = session.bar(100, 100, 100, 100)
    session.instruments = (VenueSession(cash="0").instruments[0],)

    reopened(session, path)

    assert fills(session.query("m")) == fills(reports)
