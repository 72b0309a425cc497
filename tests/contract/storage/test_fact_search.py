"""Facts of a few kinds out of the journal, the same from both databases."""

import pytest
import sqlalchemy as sa
from tests.contract.storage.facts import MAIN, RSI, an_alert, at, entries, placed

from botcore.domain.events import ModeChanged, ProtectionLocked, RiskAlert, StrategyQuarantined
from botcore.domain.modes import Mode
from botcore.storage import FoundFacts, SqlJournal, Store, StoreRefused, head_lsn, newest_facts
from botcore.storage.tables import journal as table

MODE = ModeChanged(MAIN, at(3), Mode.NORMAL, Mode.HALT, "a test", "risk")
QUARANTINED = StrategyQuarantined(MAIN, RSI, at(4), "it raised")
LOCKED = ProtectionLocked(
    MAIN, at(5), "cool/all", "cool", "cool-down", None, None, at(60), "a close"
)
KINDS = (ModeChanged, RiskAlert, StrategyQuarantined, ProtectionLocked)


def _write(journal: SqlJournal, *facts: object) -> None:
    journal.wait_durable(journal.append(entries(facts)))  # type: ignore[arg-type]  # facts


def test_facts_of_the_kinds_asked_for_are_found_behind_a_place(
    store: Store, journal: SqlJournal
) -> None:
    _write(journal, an_alert("old"), placed(1), MODE, placed(2), QUARANTINED, an_alert("new"))
    _write(journal, LOCKED, placed(3))

    found = newest_facts(store, KINDS, after=1, most=10)

    assert found == FoundFacts(
        head=8,
        facts=((3, MODE), (5, QUARANTINED), (6, an_alert("new")), (7, LOCKED)),
        earlier=0,
        unseen=0,
    )
    assert newest_facts(store, (RiskAlert,), after=1, most=10).facts == ((6, an_alert("new")),)
    assert head_lsn(store) == 8


def test_of_many_facts_the_newest_are_given_and_the_others_counted(
    store: Store, journal: SqlJournal
) -> None:
    _write(journal, *(an_alert(str(number)) for number in range(10)), placed(1))

    found = newest_facts(store, KINDS, after=2, most=3)

    assert [lsn for lsn, _ in found.facts] == [8, 9, 10]
    assert (found.head, found.earlier, found.unseen) == (11, 5, 0)


def test_records_too_far_back_are_not_looked_at_and_that_is_said(
    store: Store, journal: SqlJournal
) -> None:
    _write(journal, *(an_alert(str(number)) for number in range(10)))

    found = newest_facts(store, KINDS, after=1, most=3, looked_max=4)

    assert [lsn for lsn, _ in found.facts] == [8, 9, 10]
    assert (found.earlier, found.unseen) == (1, 5)


def test_a_fact_that_cannot_be_read_is_refused_by_its_number(
    store: Store, journal: SqlJournal
) -> None:
    _write(journal, an_alert())
    with store.writing() as connection:
        [payload] = connection.execute(sa.select(table.c.payload)).scalars()
        connection.execute(sa.update(table).values(payload=bytes(payload)[:-3]))

    with pytest.raises(StoreRefused, match="lsn 1 cannot be read") as refused:
        newest_facts(store, KINDS, after=0, most=10)

    assert refused.value.code == "JOURNAL_BROKEN"
