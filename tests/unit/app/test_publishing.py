"""What watchers hear: facts once they are durable, each once, and the platform's health."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from tests.support.builders import a_key

from botcore.app.channel import Publisher
from botcore.app.publishing import FactPublisher
from botcore.domain.events import RiskAlert
from botcore.domain.ids import SECOND_NS, AccountId, Nanos
from botcore.domain.records import RecordKind, decode_fact, encode
from botcore.storage import Entry, SqlJournal, Store

MAIN = AccountId("main")


class Heard:
    """A bus on which one listens, and a journal in which nothing is."""

    durable_lsn = 0

    def __init__(self) -> None:
        self.facts: list[Any] = []

    def published(self, _consumer: str) -> int:
        return 0

    def publish_fact(self, _name: str, lsn: int, payload: bytes) -> None:
        assert lsn == 0
        self.facts.append(decode_fact(payload))


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def tell(heard: Heard) -> Callable[[str, str, int], None]:
    facts = FactPublisher(cast(SqlJournal, heard), cast(Publisher, heard), MAIN)
    return lambda component, status, second: facts.health(
        component, status, "", ts=second * SECOND_NS
    )


def test_health_is_told_when_it_changes(
    heard: Heard, tell: Callable[[str, str, int], None]
) -> None:
    tell("feed", "ok", 0)
    tell("feed", "ok", 1)
    tell("storage", "ok", 1)
    tell("feed", "down", 2)
    tell("feed", "ok", 3)

    told = [(fact.component, fact.status) for fact in heard.facts]
    assert told == [("feed", "ok"), ("storage", "ok"), ("feed", "down"), ("feed", "ok")]


def test_health_is_told_again_for_who_came_late(
    heard: Heard, tell: Callable[[str, str, int], None]
) -> None:
    for second in range(25):
        tell("feed", "ok", second)

    assert [fact.ts // SECOND_NS for fact in heard.facts] == [0, 10, 20]


class Outbox:
    """A real journal, and who publishes what it holds."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(f"sqlite:///{folder / 'engine.db'}")
        self.journal = SqlJournal(self.store)
        self.sent: list[int] = []
        self.facts = self.publisher()
        self._number = 0

    def publisher(self) -> FactPublisher:
        """Another one, as after a restart."""
        return FactPublisher(self.journal, cast(Publisher, self), MAIN)

    def publish_fact(self, _name: str, lsn: int, payload: bytes) -> None:
        fact = decode_fact(payload)
        assert isinstance(fact, RiskAlert)
        assert fact.detail == str(lsn)
        self.sent.append(lsn)

    def store_fact(self, *, is_told: bool = True) -> int:
        """Store an input and a fact; tell of it as the recorder does."""
        lsn = self.journal.last_lsn + 2
        fact = RiskAlert(MAIN, Nanos(0), "NUMBERED", str(lsn))
        entries = [
            Entry(RecordKind.INPUT, a_key(), MAIN, b"\xc0"),
            Entry(RecordKind.FACT, a_key(), MAIN, encode(fact)),
        ]
        self.journal.wait_durable(self.journal.append(entries))
        if is_told:
            self.facts.kept(lsn, fact)
        else:
            self.facts.missed()
        return lsn


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = Outbox(tmp_path)
    yield made
    made.journal.close()
    made.store.close()


def test_facts_that_were_told_are_published_without_reading_the_journal(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.store_fact(is_told=False)
    outbox.facts.flush()
    outbox.store_fact()
    outbox.facts.flush()  # from here on everything is told
    monkeypatch.setattr(outbox.journal, "read", None)

    outbox.store_fact()
    outbox.store_fact()
    outbox.facts.flush()
    outbox.facts.flush()

    assert outbox.sent == [2, 4, 6, 8]
    assert outbox.facts.last == 8
    assert not outbox.facts.is_holding


def test_a_fact_that_is_not_durable_is_not_published(outbox: Outbox) -> None:
    outbox.store_fact()
    outbox.facts.kept(4, RiskAlert(MAIN, Nanos(0), "NUMBERED", "4"))

    outbox.facts.flush()

    assert outbox.sent == [2]
    assert outbox.facts.is_holding


@pytest.mark.parametrize(
    "told", [[True] * 4, [True, False, True, True], [False, True, False, True]]
)
def test_facts_that_were_missed_are_read(outbox: Outbox, told: list[bool]) -> None:
    for is_told in told:
        outbox.store_fact(is_told=is_told)
    outbox.facts.flush()
    outbox.store_fact(is_told=False)
    outbox.facts.flush()

    assert outbox.sent == [2, 4, 6, 8, 10]


def test_a_new_session_goes_on_where_the_last_one_ended(outbox: Outbox) -> None:
    outbox.store_fact()
    outbox.facts.flush()
    outbox.store_fact()  # and then it is killed
    outbox.facts = outbox.publisher()

    outbox.store_fact()
    outbox.facts.flush()

    assert outbox.sent == [2, 4, 6]
