"""Checking a store: what `botcore doctor` prints, and what start-up refuses to go on with."""

import sqlalchemy as sa

from botcore.domain.errors import StorageError
from botcore.domain.records import SCHEMA, Record
from botcore.storage import snapshots
from botcore.storage.chain import START, Head, link
from botcore.storage.comparing import Comparison
from botcore.storage.faults import StoreRefused
from botcore.storage.findings import Finding, Findings, Severity
from botcore.storage.lineage import Lineage
from botcore.storage.projections import facts_of
from botcore.storage.reading import head_of, rows_after
from botcore.storage.store import Store
from botcore.storage.upcasting import newer, upcast

_RESTORE = "restore the last backup; what it lacks is reconciled with the venue at the start"


def verify(store: Store) -> list[Finding]:
    """Check pages, tables' shape, the journal's chain, the ledger, projections and snapshots.

    Reads everything once, changes nothing, and sees one state of the store while others write.

    Returns:
        What is wrong, errors first; empty when all is well or nothing is stored yet.
    """
    findings = Findings()
    try:
        with store.reading() as connection:
            if not store.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            _verify(connection, store.lineage, findings)
    except StorageError as error:
        findings.add(Finding.of(error))
    return findings.all()


def refuse_if_damaged(store: Store) -> list[Finding]:
    """Verify, and raise the first error found.

    Returns:
        The warnings.

    Raises:
        StoreRefused: the store must not be traded on.
    """
    findings = verify(store)
    for found in findings:
        if found.severity is Severity.ERROR:
            raise StoreRefused(code=found.code, cause=found.cause, fix=found.fix)
    return findings


def upgrades_of(store: Store) -> list[Finding]:
    """Return what upgrades changed, for as long as the copies they made first are kept."""
    return [
        Finding(
            "STORE_UPGRADED",
            Severity.WARNING,
            told,
            f"nothing; once you are content with this version, {copy.name} can be removed",
        )
        for copy, told in store.upgraded()
    ]


def outdated(revision: str, head: str) -> Finding:
    """Return that a store has the tables of an older version."""
    return Finding(
        "STORE_MIGRATION_MISSING",
        Severity.WARNING,
        f"the tables are of revision {revision}, this version uses {head}",
        "start Bot Core: it brings them up to date",
    )


def _verify(connection: sa.Connection, lineage: Lineage, findings: Findings) -> None:
    if connection.dialect.name == "sqlite":
        _check_pages(connection, findings)
    else:
        _check_settings(connection, findings)
    revision = lineage.revision(connection)
    if revision is None:
        return
    if lineage.is_newer(connection):
        written_by = lineage.writer(connection)
        findings.add(Finding.of(newer(f"tables of revision {revision}", written_by=written_by)))
        return
    if not lineage.is_current(connection):
        findings.add(outdated(revision, lineage.head))
        return
    _check_journal(connection, findings)
    _check_snapshots(connection, findings)


def _check_pages(connection: sa.Connection, findings: Findings) -> None:
    for (line,) in connection.exec_driver_sql("PRAGMA quick_check"):
        if line != "ok":
            findings.add(
                Finding("STORE_CORRUPT", Severity.ERROR, f"the file is damaged: {line}", _RESTORE)
            )


def _check_settings(connection: sa.Connection, findings: Findings) -> None:
    if connection.exec_driver_sql("SHOW fsync").scalar_one() != "on":
        findings.add(
            Finding(
                "DATABASE_NOT_DURABLE",
                Severity.WARNING,
                "the database runs with fsync off: a power cut can lose or damage the journal",
                "set fsync = on in its configuration",
            )
        )


def _check_journal(connection: sa.Connection, findings: Findings) -> None:
    comparison = Comparison(connection, findings)
    previous, is_whole = START, True
    while rows := rows_after(connection, previous.lsn):
        for record, digest in rows:
            is_whole &= _is_linked(previous, record, digest, findings)
            # Go on from what is stored: one bad row is one finding, not one for each after it.
            previous = Head(record.lsn, digest)
        if is_whole:
            records = [_current(record) for record, _ in rows]
            comparison.advance(list(facts_of(records)), previous.lsn)
    head = head_of(connection)
    if head != previous:
        is_whole = False
        findings.add(
            Finding(
                "JOURNAL_TRUNCATED",
                Severity.ERROR,
                f"the journal ends at lsn {previous.lsn}, and should end at lsn {head.lsn}",
                _RESTORE,
            )
        )
    # With a damaged journal there is nothing to compare the tables with.
    if is_whole:
        comparison.finish()


def _is_linked(previous: Head, record: Record, digest: bytes, findings: Findings) -> bool:
    if link(previous.digest, record) == digest and record.lsn == previous.lsn + 1:
        return True
    if record.lsn != previous.lsn + 1:
        findings.add(
            Finding(
                "JOURNAL_HOLE",
                Severity.ERROR,
                f"lsn {previous.lsn} is followed by {record.lsn} in the journal",
                _RESTORE,
            )
        )
    else:
        findings.add(
            Finding(
                "JOURNAL_EDITED",
                Severity.ERROR,
                f"the journal's row with lsn {record.lsn} is not what was written",
                _RESTORE,
            )
        )
    return False


def _current(record: Record) -> Record:
    payload = upcast(record.schema, record.kind, record.payload)
    return Record(record.lsn, SCHEMA, record.kind, record.key, record.account, payload)


def _check_snapshots(connection: sa.Connection, findings: Findings) -> None:
    head = head_of(connection)
    for snapshot, is_whole in snapshots.stored(connection):
        if not is_whole:
            findings.add(
                Finding(
                    "SNAPSHOT_DAMAGED",
                    Severity.WARNING,
                    f"the snapshot of lsn {snapshot.lsn} is not what was written",
                    "nothing: an older one or the whole journal is used; check the disk",
                )
            )
        if snapshot.lsn > head.lsn:
            findings.add(
                Finding(
                    "SNAPSHOT_AHEAD",
                    Severity.ERROR,
                    f"a snapshot of lsn {snapshot.lsn} exists, the journal ends at {head.lsn}",
                    _RESTORE,
                )
            )
