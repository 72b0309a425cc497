"""The recorder on a real journal whose disk fills up and is freed again."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.support.builders import BTCUSDT, MAIN, a_bar, a_key
from tests.support.full_disk import FullDisk

from botcore.app.recording import Recorder
from botcore.domain.commands import Checkpoint, Input
from botcore.domain.effects import Cancel, Query, SetTimer
from botcore.domain.errors import StorageError
from botcore.domain.events import Fact, RiskAlert, SystemHealth
from botcore.domain.ids import ClientOrderId, Nanos
from botcore.domain.keys import Key
from botcore.domain.market import BarsClosed
from botcore.domain.orders import OrderRef
from botcore.domain.records import RecordKind, decode_fact
from botcore.domain.steps import Step
from botcore.storage import SqlJournal, Store
from botcore.storage.journal import EntryLike

REF = OrderRef(ClientOrderId("o"), BTCUSDT, MAIN)


class MemoryTape:
    """A tape that can be full."""

    def __init__(self) -> None:
        self.events: list[Input] = []
        self.is_full = False
        self.flushed = 0

    def append(self, _key: Key, event: Input) -> None:
        if self.is_full:
            raise StorageError(code="STORE_DISK_FULL", cause="the tape's disk", fix="free some")
        self.events.append(event)

    def flush(self) -> None:
        self.flushed = len(self.events)


class Recording:
    """A recorder with what it writes to."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder / 'engine.db'}")
        self.disk = FullDisk(self.store)
        self.journal = SqlJournal(self.store)
        self.tape = MemoryTape()
        self.seen: list[Fact] = []
        self.told: list[int] = []
        self.recorder = Recorder(
            journal=self.journal,
            tape=self.tape,
            account=MAIN,
            on_fact=self._heard,
        )
        self._seq = 0

    def _heard(self, lsn: int, fact: Fact) -> None:
        self.seen.append(fact)
        self.told.append(lsn)

    def step(self, *effects: object, event: Input | None = None, durable: bool = True) -> None:
        """Commit a step with one fact, which carries its number."""
        self._seq += 1
        fact = RiskAlert(MAIN, Nanos(0), "NUMBERED", str(self._seq))
        self.recorder.commit(
            a_key(self._seq, seq=self._seq),
            event or Checkpoint(MAIN),
            Step((fact,), effects),  # type: ignore[arg-type]  # effects of any kind
            durable,
        )

    def kept(self) -> list[str]:
        """The numbers of the facts in the journal, in order."""
        found = [decode_fact(r.payload) for r in self.journal.read() if r.kind is RecordKind.FACT]
        return [fact.detail for fact in found if isinstance(fact, RiskAlert)]


@pytest.fixture
def recording(tmp_path: Path) -> Iterator[Recording]:
    made = Recording(tmp_path)
    yield made
    made.disk.free()
    made.journal.reopen()
    made.journal.close()
    made.store.close()


def _bars(number: int) -> BarsClosed:
    return BarsClosed(Nanos(number), (a_bar(),))


def test_a_step_with_effects_is_durable_when_the_call_returns(recording: Recording) -> None:
    recording.step(SetTimer(MAIN, "t", Nanos(1)))

    assert recording.journal.durable_lsn == recording.journal.last_lsn == 3


def test_market_inputs_go_to_the_tape_and_the_others_to_the_journal(recording: Recording) -> None:
    recording.step(event=_bars(1))
    recording.step()

    kinds = [record.kind for record in recording.journal.read()]
    assert kinds == [RecordKind.FACT, RecordKind.INPUT, RecordKind.FACT]
    assert recording.tape.events == [_bars(1)]


def test_a_bar_is_handed_on_before_what_was_decided_on_it_is_durable(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed_at_append: list[int] = []
    append = recording.journal.append

    def noting(entries: Sequence[EntryLike]) -> int:
        flushed_at_append.append(recording.tape.flushed)
        return append(entries)

    monkeypatch.setattr(recording.journal, "append", noting)

    recording.step(event=_bars(1))
    recording.recorder.commit(a_key(9, seq=9), _bars(2), Step((), ()), False)  # nothing decided
    recording.step(event=_bars(3))

    assert flushed_at_append == [1, 3]


def test_facts_for_watchers_only_are_seen_and_not_stored(recording: Recording) -> None:
    health = SystemHealth(MAIN, Nanos(0), "feed", "ok")

    recording.recorder.commit(a_key(), Checkpoint(MAIN), Step((health,), ()), True)

    assert recording.seen == [health]
    assert [record.kind for record in recording.journal.read()] == [RecordKind.INPUT]


def test_facts_are_told_with_the_places_that_the_journal_gave_them(recording: Recording) -> None:
    health = SystemHealth(MAIN, Nanos(0), "feed", "ok")
    alerts = [RiskAlert(MAIN, Nanos(0), "NUMBERED", text) for text in "ab"]

    recording.step(event=_bars(1))
    recording.step(SetTimer(MAIN, "t", Nanos(1)))
    recording.recorder.commit(
        a_key(9, seq=9), Checkpoint(MAIN), Step((alerts[0], health, alerts[1]), ()), True
    )

    stored = [r.lsn for r in recording.journal.read() if r.kind is RecordKind.FACT]
    assert recording.told == [1, 3, 6, 0, 7]
    assert stored == [1, 3, 6, 7]


def test_facts_that_wait_for_the_store_have_no_place_yet(recording: Recording) -> None:
    recording.disk.fill()
    with pytest.raises(StorageError):
        recording.step(SetTimer(MAIN, "t", Nanos(1)))

    recording.step(durable=False)

    assert recording.told[1:] == [0]


def test_d06_a_step_that_is_not_durable_raises_and_its_facts_are_kept_for_later(
    recording: Recording,
) -> None:
    recording.disk.fill()

    with pytest.raises(StorageError, match="STORE_DISK_FULL"):
        recording.step(SetTimer(MAIN, "t", Nanos(1)))
    recording.step(durable=False)
    assert not recording.recorder.try_again()
    recording.disk.free()

    assert recording.recorder.try_again()
    assert recording.recorder.failure is None
    assert recording.kept() == ["1", "2"]


def test_k15_a_step_that_only_cancels_or_asks_passes_while_the_store_is_broken(
    recording: Recording,
) -> None:
    recording.disk.fill()

    recording.step(Cancel(REF), Query(REF))

    assert recording.recorder.failure is not None


def test_d06_a_store_that_fails_again_while_the_backlog_is_written_doubles_nothing(
    recording: Recording,
) -> None:
    recording.disk.fill()
    with pytest.raises(StorageError):
        recording.step(SetTimer(MAIN, "t", Nanos(1)))
    recording.step(durable=False)
    recording.step(durable=False)
    # There is room for the step that failed: the head, its rows, and the alert's projection.
    recording.disk.fill(after=3)
    assert not recording.recorder.try_again()
    recording.disk.free()

    assert recording.recorder.try_again()

    assert recording.kept() == ["1", "2", "3"]


def test_d06_what_a_full_tape_cannot_take_is_in_the_journal_and_on_the_tape_later(
    recording: Recording,
) -> None:
    recording.tape.is_full = True

    with pytest.raises(StorageError):
        recording.step(SetTimer(MAIN, "t", Nanos(1)), event=_bars(1))
    recording.step(event=_bars(2), durable=False)
    assert not recording.recorder.try_again()
    recording.tape.is_full = False

    assert recording.recorder.try_again()
    assert recording.kept() == ["1", "2"]
    assert recording.tape.events == [_bars(1), _bars(2)]
