"""What holds for any facts, any damage and any cut: storage never errs in silence."""

import tempfile
from decimal import Decimal
from pathlib import Path
from shutil import copy

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.storage.facts import a_day, deposit, entries, filled, placed, updated

from botcore.domain.events import Fact
from botcore.domain.keys import Key
from botcore.domain.orders import OrderState
from botcore.storage import (
    SqlJournal,
    Store,
    TapeReader,
    TapeWriter,
    rebuild_projections,
    verify,
)
from botcore.storage import tables as t

COUNT = len(a_day())


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with tables and nothing in them."""
    path = tmp_path_factory.mktemp("stores") / "empty.db"
    with Store(f"sqlite:///{path}") as store:
        SqlJournal(store).close()
    return path


@pytest.fixture(scope="module")
def traded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store after a day."""
    path = tmp_path_factory.mktemp("stores") / "traded.db"
    with Store(f"sqlite:///{path}") as store:
        with SqlJournal(store) as journal:
            journal.append(entries(a_day()))
        assert verify(store) == []
    return path


class _Copied:
    """A copy of a store for one example."""

    def __init__(self, original: Path) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._store = Store(f"sqlite:///{copy(original, self._folder.name)}")

    def __enter__(self) -> Store:
        return self._store

    def __exit__(self, *_: object) -> None:
        self._store.close()
        self._folder.cleanup()


def _columns() -> st.SearchStrategy[tuple[str, object]]:
    numbers = st.integers(-(2**31), 2**31 - 1)
    small = st.integers(-(2**15), 2**15 - 1)
    return st.one_of(
        st.tuples(st.sampled_from(["ts", "seq", "source"]), numbers),
        st.tuples(st.sampled_from(["rank", "schema"]), small),
        st.tuples(st.just("kind"), st.sampled_from(["INPUT", "FACT", "EFFECT", "fact", ""])),
        st.tuples(st.just("account"), st.text(st.characters(codec="ascii"), max_size=5)),
        st.tuples(st.sampled_from(["payload", "digest"]), st.binary(max_size=40)),
    )


@given(st.integers(1, COUNT), _columns())
def test_any_single_edit_of_the_journal_is_found(
    traded: Path, lsn: int, edit: tuple[str, object]
) -> None:
    name, value = edit
    with _Copied(traded) as store:
        place = t.journal.c.lsn == lsn
        with store.writing() as connection:
            before = connection.execute(sa.select(t.journal.c[name]).where(place)).scalar_one()
            connection.execute(sa.update(t.journal).where(place).values({name: value}))

        assert bool(verify(store)) == (before != value)


@given(st.integers(1, COUNT), st.integers(0, 2**40))
def test_any_flipped_bit_of_a_payload_is_found(traded: Path, lsn: int, where: int) -> None:
    with _Copied(traded) as store:
        place = t.journal.c.lsn == lsn
        with store.writing() as connection:
            payload = bytearray(
                connection.execute(sa.select(t.journal.c.payload).where(place)).scalar_one()
            )
            payload[where // 8 % len(payload)] ^= 1 << where % 8
            edited = sa.update(t.journal).where(place).values(payload=bytes(payload))
            connection.execute(edited)

        assert any(found.code == "JOURNAL_EDITED" for found in verify(store))


@given(st.sets(st.integers(1, COUNT), min_size=1))
def test_any_deletion_or_truncation_is_found(traded: Path, gone: set[int]) -> None:
    with _Copied(traded) as store:
        with store.writing() as connection:
            connection.execute(sa.delete(t.journal).where(t.journal.c.lsn.in_(gone)))

        codes = {found.code for found in verify(store)}

    assert codes & {"JOURNAL_HOLE", "JOURNAL_TRUNCATED"}


@given(st.lists(st.integers(1, COUNT), min_size=2, max_size=2, unique=True))
def test_any_two_rows_that_changed_places_are_found(traded: Path, pair: list[int]) -> None:
    first, second = pair
    with _Copied(traded) as store:
        with store.writing() as connection:
            for lsn, to in ((first, -1), (second, first), (-1, second)):
                moved = sa.update(t.journal).where(t.journal.c.lsn == lsn).values(lsn=to)
                connection.execute(moved)

        assert any(found.code == "JOURNAL_EDITED" for found in verify(store))


@given(st.integers(0, 50), st.decimals(-(10**6), 10**6, places=8))
def test_any_edited_posting_is_found(traded: Path, number: int, amount: Decimal) -> None:
    with _Copied(traded) as store:
        with store.writing() as connection:
            rows = connection.execute(sa.select(t.postings)).all()
            row = rows[number % len(rows)]
            place = (t.postings.c.lsn == row.lsn) & (t.postings.c.line == row.line)
            connection.execute(sa.update(t.postings).where(place).values(amount=amount))

        codes = [found.code for found in verify(store)]

    assert codes == ([] if row.amount == amount else ["POSTINGS_DIFFER"])


@st.composite
def _sessions(draw: st.DrawFn) -> list[list[Fact]]:
    """Facts of a few orders in any order of events, cut into commits anywhere."""
    groups: list[list[Fact]] = [[deposit()]]
    trade = 100
    for number in draw(st.lists(st.integers(1, 4), max_size=12)):
        kind = draw(st.sampled_from(["place", "update", "fill"]))
        if kind == "place":
            groups.append([placed(number)])
        elif kind == "update":
            state = draw(st.sampled_from(OrderState))
            quantity = draw(st.none() | st.decimals(1, 5, places=3))
            second = draw(st.integers(0, 60))
            groups.append([updated(number, state, second=second, quantity=quantity)])
        else:
            trade += 1
            groups.append(filled(number, trade, quantity="0.125", total="0.125"))
    return groups


@settings(max_examples=settings().max_examples // 4)  # each commits many times
@given(_sessions(), st.integers(1, 5))
def test_r9_projections_equal_the_fold_of_the_journal_however_it_was_committed(
    empty: Path, session: list[list[Fact]], every: int
) -> None:
    with _Copied(empty) as store:
        with SqlJournal(store) as journal:
            for number, facts in enumerate(session):
                lsn = journal.append(entries(facts, seq=number))
                if number % every == 0:
                    journal.wait_durable(lsn)
        written = _contents(store)

        assert verify(store) == []
        rebuild_projections(store)
        assert _contents(store) == written


records = st.lists(st.binary(max_size=60), max_size=12)


def _taped(folder: Path, payloads: list[bytes]) -> Path | None:
    with TapeWriter(folder) as tape:
        for seq, payload in enumerate(payloads):
            tape.append(Key(seq, 0, 0, seq), payload)
    return next(iter(folder.iterdir()), None)


@given(records, st.integers(0, 2_000))
def test_a_tape_cut_anywhere_gives_a_prefix_of_what_was_written(
    payloads: list[bytes], length: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        segment = _taped(Path(name), payloads)
        if segment is not None:
            segment.write_bytes(segment.read_bytes()[:length])
        read = [record.payload for record in TapeReader(Path(name)).read()]

    assert read == payloads[: len(read)]


@given(records, st.integers(0, 2**30))
def test_a_flipped_bit_of_a_tape_never_gives_a_record_that_was_not_written(
    payloads: list[bytes], where: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        segment = _taped(Path(name), payloads)
        if segment is None:
            return
        data = bytearray(segment.read_bytes())
        header = 8  # its version byte may turn into a newer one, which is refused by name
        if len(data) > header:
            data[header + where // 8 % (len(data) - header)] ^= 1 << where % 8
            segment.write_bytes(data)
        reader = TapeReader(Path(name))
        read = [record.payload for record in reader.read()]

    assert read == payloads[: len(read)]
    assert len(read) < len(payloads)
    assert len(reader.damage) == 1


def _contents(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(sa.select(table))), key=repr
            )
            for table in t.PROJECTIONS
        }
