from collections.abc import Callable
from decimal import Decimal

import pytest
import sqlalchemy as sa
from tests.contract.storage.facts import MAIN, USDT, a_day, at, entries, filled, placed, rechain

from botcore.domain.events import LedgerPosted, Posting
from botcore.domain.records import SCHEMA
from botcore.storage import (
    Severity,
    SqlJournal,
    Store,
    StoreRefused,
    rebuild_projections,
    refuse_if_damaged,
    verify,
)
from botcore.storage import tables as t

Damage = Callable[[sa.Connection], object]


@pytest.fixture
def traded(store: Store) -> Store:
    """A store after a day, with a snapshot, closed."""
    with SqlJournal(store) as journal:
        lsn = journal.append(entries(a_day()))
        journal.save_snapshot(lsn, b"state", "digest")
    return store


def _codes(store: Store, damage: Damage | None = None) -> list[str]:
    if damage is not None:
        with store.writing() as connection:
            damage(connection)
    return [found.code for found in verify(store)]


def test_a_store_that_was_only_written_by_the_journal_has_no_findings(traded: Store) -> None:
    assert verify(traded) == []
    assert refuse_if_damaged(traded) == []


def test_a_store_in_which_nothing_is_kept_yet_has_no_findings(store: Store) -> None:
    assert verify(store) == []


def test_a_store_that_is_written_meanwhile_has_no_findings(
    journal: SqlJournal, store: Store
) -> None:
    journal.wait_durable(journal.append(entries(a_day())))

    assert verify(store) == []


def test_one_edited_posting_is_found_and_the_start_refused(traded: Store) -> None:
    edited = (sa.update(t.postings).where(t.postings.c.lsn == 2, t.postings.c.line == 0)).values(
        amount=Decimal("10000000")
    )

    codes = _codes(traded, lambda c: c.execute(edited))

    assert codes == ["POSTINGS_DIFFER"]
    with pytest.raises(StoreRefused) as refused:
        refuse_if_damaged(traded)
    assert refused.value.code == "POSTINGS_DIFFER"
    assert "row 2/0 has amount 10000000, the journal says 10000" in refused.value.cause
    assert refused.value.fix


def test_rebuilding_mends_what_was_edited_beside_the_journal(traded: Store) -> None:
    assert _codes(traded, lambda c: c.execute(sa.delete(t.postings))) == ["POSTINGS_DIFFER"] * 6

    rebuild_projections(traded)

    assert verify(traded) == []


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda c: c.execute(sa.update(t.trades).values(fees=Decimal(0))), "TRADES_DIFFER"),
        (lambda c: c.execute(sa.delete(t.orders)), "ORDERS_DIFFER"),
        (lambda c: c.execute(sa.update(t.orders).values(state="FILLED")), "ORDERS_DIFFER"),
        (lambda c: c.execute(sa.update(t.balances).values(amount=Decimal(1))), "BALANCES_DIFFER"),
        (lambda c: c.execute(sa.update(t.positions).values(cost=Decimal(1))), "POSITIONS_DIFFER"),
        (lambda c: c.execute(sa.delete(t.mode_changes)), "MODE_CHANGES_DIFFER"),
        (lambda c: c.execute(sa.update(t.strategies).values(is_active=True)), "STRATEGIES_DIFFER"),
        (lambda c: c.execute(sa.delete(t.risk_limits)), "RISK_LIMITS_DIFFER"),
        (lambda c: c.execute(sa.update(t.performance).values(equity=1.0)), "PERFORMANCE_DIFFER"),
        (lambda c: c.execute(sa.update(t.denials).values(code="")), "DENIALS_DIFFER"),
        (
            lambda c: c.execute(
                sa.insert(t.alerts).values(
                    lsn=99, ts=0, time="", account="main", code="", detail=""
                )
            ),
            "ALERTS_DIFFER",
        ),
    ],
)  # fmt: skip
def test_every_projection_is_compared_with_the_journal(
    traded: Store, damage: Damage, code: str
) -> None:
    codes = _codes(traded, damage)

    assert set(codes) == {code}


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (
            lambda c: c.execute(
                sa.update(t.journal).where(t.journal.c.lsn == 3).values(account="x")
            ),
            "JOURNAL_EDITED",
        ),
        (lambda c: c.execute(sa.update(t.journal).where(t.journal.c.lsn == 3).values(ts=1)),
         "JOURNAL_EDITED"),
        (lambda c: c.execute(sa.delete(t.journal).where(t.journal.c.lsn == 15)), "JOURNAL_HOLE"),
        (
            lambda c: c.execute(sa.delete(t.journal).where(t.journal.c.lsn > 15)),
            "JOURNAL_TRUNCATED",
        ),
        (lambda c: c.execute(sa.update(t.journal_head).values(lsn=99)), "JOURNAL_TRUNCATED"),
        (
            lambda c: c.execute(
                sa.update(t.journal).where(t.journal.c.lsn == 4).values(payload=b"\xc1")
            ),
            "JOURNAL_EDITED",
        ),
    ],
)  # fmt: skip
def test_d09_damage_to_the_journal_itself_is_found(
    traded: Store, damage: Damage, code: str
) -> None:
    assert code in _codes(traded, damage)


def test_two_rows_that_changed_places_are_found(traded: Store) -> None:
    def swap(connection: sa.Connection) -> None:
        row = t.journal.c
        for lsn, to in ((3, -3), (4, 3), (-3, 4)):
            connection.execute(sa.update(t.journal).where(row.lsn == lsn).values(lsn=to))

    assert "JOURNAL_EDITED" in _codes(traded, swap)


def test_many_findings_of_one_kind_are_cut_short_and_counted(traded: Store) -> None:
    edited = sa.update(t.journal).values(source=5)

    codes = _codes(traded, lambda c: c.execute(edited))

    assert codes == ["JOURNAL_EDITED"] * 6
    assert verify(traded)[-1].cause == f"… and {len(a_day()) - 5} more like it"


def test_a_transaction_that_does_not_balance_is_found(store: Store) -> None:
    one_sided = LedgerPosted(MAIN, at(0), "fill", "BC-1/1", (Posting("fees", USDT, Decimal(1)),))
    with SqlJournal(store) as journal:
        journal.append(entries([one_sided]))

    [found] = verify(store)

    assert found.code == "LEDGER_UNBALANCED"
    assert "BC-1/1" in found.cause
    assert found.severity is Severity.ERROR


def test_r7_one_fill_booked_twice_is_found(store: Store) -> None:
    with SqlJournal(store) as journal:
        journal.append(entries([placed(1), *filled(1, 3), *filled(1, 3)]))

    assert [found.code for found in verify(store)] == ["FILL_DOUBLED"]


def test_two_orders_of_ours_that_met_in_one_trade_are_no_double_fill(store: Store) -> None:
    with SqlJournal(store) as journal:
        journal.append(entries([placed(1), placed(2), *filled(1, 3), *filled(2, 3)]))

    assert verify(store) == []


def test_d18_a_damaged_snapshot_is_a_warning_because_the_journal_stands(traded: Store) -> None:
    edited = sa.update(t.snapshots).values(state=b"another")

    assert _codes(traded, lambda c: c.execute(edited)) == ["SNAPSHOT_DAMAGED"]
    assert [found.severity for found in refuse_if_damaged(traded)] == [Severity.WARNING]


def test_a_snapshot_of_what_the_journal_does_not_hold_is_refused(traded: Store) -> None:
    with SqlJournal(traded) as journal:
        journal.save_snapshot(journal.last_lsn, b"state", "digest")
    digest = sa.select(t.journal.c.digest).where(t.journal.c.lsn == 3).scalar_subquery()
    shorter = [
        sa.delete(t.journal).where(t.journal.c.lsn > 3),
        sa.update(t.journal_head).values(lsn=3, digest=digest),
    ]

    codes = _codes(traded, lambda c: [c.execute(statement) for statement in shorter])

    assert "SNAPSHOT_AHEAD" in codes


def test_a_store_of_a_newer_version_is_an_error(traded: Store) -> None:
    newer = sa.text("UPDATE alembic_version SET version_num = '9999'")

    assert _codes(traded, lambda c: c.execute(newer)) == ["STORE_NEWER"]


def test_records_of_a_newer_version_are_an_error(store: Store) -> None:
    with SqlJournal(store) as journal:
        journal.append(entries(a_day()[:1]))
    rechain(store, schema=SCHEMA + 1)

    assert _codes(store) == ["STORE_NEWER"]


def test_a_missing_migration_is_a_warning_because_the_next_start_makes_it(
    traded: Store,
) -> None:
    older = sa.text("UPDATE alembic_version SET version_num = '0001'")
    with traded.writing() as connection:
        connection.execute(older)

    assert [(found.code, found.severity) for found in verify(traded)] == [
        ("STORE_MIGRATION_MISSING", Severity.WARNING)
    ]


def test_a_store_that_cannot_be_reached_is_a_finding(store_url: str) -> None:
    nowhere = (
        "sqlite:////nowhere/at/all.db"
        if store_url.startswith("sqlite")
        else sa.make_url(store_url).set(port=1).render_as_string(hide_password=False)
    )

    with Store(nowhere) as store:
        [found] = verify(store)

    assert found.code in {"STORE_CANNOT_OPEN", "STORE_UNREACHABLE"}
    assert found.severity is Severity.ERROR
