import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from tests.contract.storage.facts import (
    MAIN,
    a_day,
    a_key,
    an_alert,
    entries,
    rechain,
    some_entries,
)

from botcore.domain.errors import InvariantBroken, StorageError
from botcore.domain.keys import Key, Rank
from botcore.domain.records import SCHEMA, RecordKind, decode_fact, encode
from botcore.storage import Entry, SqlJournal, Store, StoreRefused
from botcore.storage.tables import journal as rows
from botcore.storage.tables import journal_head


def test_an_empty_journal_ends_at_zero_and_reads_as_nothing(journal: SqlJournal) -> None:
    assert journal.last_lsn == journal.durable_lsn == 0
    assert list(journal.read()) == []
    assert journal.latest_snapshot() is None


def test_what_is_appended_is_read_back_in_order_with_numbers_without_holes(
    journal: SqlJournal,
) -> None:
    key = Key(7, Rank.VENUE_REPORT, 3, 2**40)
    first = [
        Entry(RecordKind.INPUT, key, MAIN, b"\x00\xffinput"),
        Entry(RecordKind.FACT, key, MAIN, encode(an_alert("a"))),
        Entry(RecordKind.EFFECT, key, MAIN, b"effect"),
    ]
    second = some_entries(2, seq=9)

    assert journal.append(first) == 3
    last = journal.append(second)
    journal.wait_durable(last)
    read = list(journal.read())

    assert [record.lsn for record in read] == [1, 2, 3, 4, 5]
    assert {record.schema for record in read} == {SCHEMA}
    assert [Entry(r.kind, r.key, r.account, r.payload) for r in read] == [*first, *second]


def test_reading_goes_on_after_a_number(journal: SqlJournal) -> None:
    journal.wait_durable(journal.append(some_entries(5)))

    assert [record.lsn for record in journal.read(after=3)] == [4, 5]
    assert list(journal.read(after=5)) == []


def test_more_than_a_chunk_is_read_to_its_end(journal: SqlJournal) -> None:
    journal.wait_durable(journal.append(some_entries(9_000)))

    assert [record.lsn for record in journal.read()] == list(range(1, 9_001))


def test_appending_nothing_gives_no_number(journal: SqlJournal) -> None:
    assert journal.append([]) == 0
    journal.wait_durable(0)


def test_waiting_for_a_number_that_was_never_given_is_refused(journal: SqlJournal) -> None:
    with pytest.raises(ValueError, match="last one is 0"):
        journal.wait_durable(1)


def test_a_journal_goes_on_where_the_last_one_ended(store: Store) -> None:
    with SqlJournal(store) as first:
        first.append(some_entries(3))
    with SqlJournal(store) as second:
        assert second.last_lsn == second.durable_lsn == 3
        assert second.append(some_entries(1)) == 4
    with SqlJournal(store) as third:
        assert [record.lsn for record in third.read()] == [1, 2, 3, 4]


def test_closing_writes_what_waits_and_a_closed_journal_takes_nothing(store: Store) -> None:
    journal = SqlJournal(store)
    last = journal.append(some_entries(3))
    journal.close()

    assert journal.durable_lsn == last
    with pytest.raises(InvariantBroken, match="JOURNAL_CLOSED"):
        journal.append(some_entries(1))
    with pytest.raises(InvariantBroken, match="JOURNAL_CLOSED"):
        journal.save_snapshot(last, b"", "")


def test_many_threads_wait_for_one_commit(journal: SqlJournal) -> None:
    durable: list[int] = []

    def trade(number: int) -> None:
        lsn = journal.append(some_entries(2, seq=number))
        journal.wait_durable(lsn)
        assert journal.durable_lsn >= lsn
        durable.append(lsn)

    threads = [threading.Thread(target=trade, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(durable) == list(range(2, 41, 2))
    assert len(list(journal.read())) == 40


def test_an_append_beyond_the_capacity_waits_for_room_and_loses_nothing(store: Store) -> None:
    with SqlJournal(store, capacity=4, batch_max=2) as journal:
        for number in range(20):
            journal.append(some_entries(3, seq=number))

    with SqlJournal(store) as again:
        assert [record.lsn for record in again.read()] == list(range(1, 61))


def test_what_is_durable_is_seen_by_another_connection(journal: SqlJournal, store_url: str) -> None:
    journal.wait_durable(journal.append(some_entries(3)))

    with Store(store_url) as other, other.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(rows)).scalar() == 3


def test_d04_two_writers_on_one_store_are_told_apart_and_the_second_is_refused(
    store: Store, store_url: str
) -> None:
    with Store(store_url) as same, SqlJournal(store) as first:
        second = SqlJournal(same)
        first.wait_durable(first.append(some_entries(2)))

        lsn = second.append(some_entries(1))
        with pytest.raises(StoreRefused, match="JOURNAL_FORKED"):
            second.wait_durable(lsn)
        with pytest.raises(StoreRefused, match="JOURNAL_FORKED"):
            second.append(some_entries(1))
        with pytest.raises(StoreRefused, match="JOURNAL_FORKED"):
            second.reopen()
        with pytest.raises(StoreRefused, match="JOURNAL_FORKED"):
            second.close()

        assert first.append(some_entries(1)) == 3


def test_a_fact_that_cannot_be_read_stops_the_journal_and_is_not_stored(store: Store) -> None:
    journal = SqlJournal(store)
    lsn = journal.append([Entry(RecordKind.FACT, a_key(1), MAIN, b"\xc1")])

    with pytest.raises(StoreRefused, match="RECORD_UNREADABLE"):
        journal.wait_durable(lsn)
    with pytest.raises(StoreRefused, match="RECORD_UNREADABLE"):
        journal.close()

    with SqlJournal(store) as again:
        assert again.last_lsn == 0


def test_an_older_record_is_read_in_the_current_schema(store: Store) -> None:
    with SqlJournal(store) as journal:
        journal.append(entries([an_alert("old")]))
    rechain(store, schema=SCHEMA - 1)

    def add_a_word(kind: RecordKind, payload: bytes) -> bytes:
        assert kind is RecordKind.FACT
        return encode(an_alert("upcast"))

    with SqlJournal(store, upcasters={SCHEMA - 1: add_a_word}) as journal:
        [record] = journal.read()
    assert record.schema == SCHEMA
    assert decode_fact(record.payload) == an_alert("upcast")

    with SqlJournal(store) as journal, pytest.raises(StoreRefused, match="STORE_SCHEMA_UNKNOWN"):
        list(journal.read())


def test_a_record_of_a_newer_schema_is_refused(store: Store) -> None:
    with SqlJournal(store) as journal:
        journal.append(some_entries(1))
    rechain(store, schema=SCHEMA + 1)

    with SqlJournal(store) as journal, pytest.raises(StoreRefused, match="STORE_NEWER"):
        list(journal.read())


def test_a_store_whose_head_is_of_a_newer_schema_is_refused_and_names_its_version(
    store: Store,
) -> None:
    SqlJournal(store).close()
    with store.writing() as connection:
        connection.execute(sa.update(journal_head).values(schema=SCHEMA + 1, written_by="9.9.9"))

    with pytest.raises(StoreRefused) as refused:
        SqlJournal(store)

    assert refused.value.code == "STORE_NEWER"
    assert "botcore 9.9.9" in refused.value.cause


def test_a_store_of_a_newer_revision_is_refused_and_names_its_version(store: Store) -> None:
    SqlJournal(store).close()
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(sa.update(journal_head).values(written_by="9.9.9"))

    with pytest.raises(StoreRefused) as refused:
        SqlJournal(store)

    assert refused.value.code == "STORE_NEWER"
    assert "botcore 9.9.9" in refused.value.cause
    assert "9999" in refused.value.cause


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c.execute(sa.update(rows).where(rows.c.lsn == 3).values(payload=b"x")),
        lambda c: c.execute(sa.delete(rows).where(rows.c.lsn == 3)),
        lambda c: c.execute(sa.delete(rows).where(rows.c.lsn == 5)),
        lambda c: c.execute(sa.update(rows).where(rows.c.lsn == 2).values(kind="GOSSIP")),
        lambda c: c.execute(sa.delete(journal_head)),
    ],
    ids=["edited", "deleted", "truncated", "of no kind", "without a head"],
)
def test_d09_reading_a_damaged_journal_is_refused_and_never_silent(
    store: Store, damage: Callable[[sa.Connection], object]
) -> None:
    with SqlJournal(store) as journal:
        journal.append(some_entries(5))
    with store.writing() as connection:
        damage(connection)

    from botcore.storage import read_journal

    with pytest.raises(StoreRefused, match="JOURNAL_BROKEN"):
        list(read_journal(store))


def test_reading_on_from_a_row_that_is_gone_is_refused(journal: SqlJournal) -> None:
    with pytest.raises(StoreRefused, match="lsn 7"):
        list(journal.read(after=7))


def test_a_snapshot_comes_back_and_only_the_newest_are_kept(
    journal: SqlJournal, store: Store
) -> None:
    from botcore.storage.tables import snapshots

    for number in range(1, 6):
        lsn = journal.append(some_entries(1, seq=number))
        journal.save_snapshot(lsn, b"state %d" % number, f"digest {number}")

    found = journal.latest_snapshot()

    assert found == (5, b"state 5", "digest 5")
    with store.reading() as connection:
        kept = connection.execute(sa.select(snapshots.c.lsn).order_by("lsn")).scalars().all()
    assert kept == [3, 4, 5]


def test_a_snapshot_makes_what_it_covers_durable(journal: SqlJournal) -> None:
    lsn = journal.append(some_entries(3))

    journal.save_snapshot(lsn, b"state", "digest")

    assert journal.durable_lsn == lsn


def test_a_second_snapshot_of_one_place_replaces_the_first(journal: SqlJournal) -> None:
    journal.save_snapshot(0, b"first", "1")
    journal.save_snapshot(0, b"second", "2")

    assert journal.latest_snapshot() == (0, b"second", "2")


def test_d18_a_damaged_snapshot_is_passed_over_for_an_older_one(
    journal: SqlJournal, store: Store
) -> None:
    from botcore.storage.tables import snapshots

    for number in (1, 2):
        journal.save_snapshot(journal.append(some_entries(1)), b"state %d" % number, "d")
    with store.writing() as connection:
        newest = sa.update(snapshots).where(snapshots.c.lsn == 2)
        connection.execute(newest.values(state=b"state 3"))

    assert journal.latest_snapshot() == (1, b"state 1", "d")


def test_k10_where_publishing_had_come_to_survives_and_is_never_ahead(store: Store) -> None:
    with SqlJournal(store) as journal:
        assert journal.published("bus") == 0
        journal.append(some_entries(3))
        journal.mark_published("bus", 2)
        assert journal.published("bus") == 2
    with SqlJournal(store) as journal:
        assert journal.published("bus") == 2
        journal.mark_published("bus", 3)
        journal.wait_durable(journal.append(some_entries(1)))
        assert journal.published("bus") == 3
        assert journal.published("another") == 0


def test_the_facts_of_a_whole_day_are_read_back_equal(journal: SqlJournal) -> None:
    journal.append(entries(a_day()))
    journal.wait_durable(journal.last_lsn)

    assert [decode_fact(record.payload) for record in journal.read()] == a_day()


def test_a_store_that_does_not_exist_is_told_with_cause_and_fix(store_url: str) -> None:
    if store_url.startswith("sqlite"):
        nowhere = "sqlite:////nowhere/at/all/store.db"
        code = "STORE_CANNOT_OPEN"
    else:
        nowhere = str(sa.make_url(store_url).set(port=1).render_as_string(hide_password=False))
        code = "STORE_UNREACHABLE"

    with Store(nowhere) as store, pytest.raises(StorageError) as refused:
        SqlJournal(store)

    assert refused.value.code == code
    assert refused.value.fix
