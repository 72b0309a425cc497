"""What is kept: the journal and its projections, snapshots, and the tape.

Takes in encoded inputs, facts and effects; gives out the same records in order, read models made
from them in the same transaction, and a check of it all. SQLite embedded, PostgreSQL outside.
"""

from botcore.storage.fact_search import FoundFacts, head_lsn, newest_facts
from botcore.storage.faults import StoreRefused
from botcore.storage.findings import Finding, Severity
from botcore.storage.history import Asked, History, Movements
from botcore.storage.journal import Entry, EntryLike, SqlJournal
from botcore.storage.paging import Rows
from botcore.storage.projections import rebuild_projections
from botcore.storage.read_models import ReadModels, Row
from botcore.storage.reading import read_journal
from botcore.storage.reading_store import ReadingStore
from botcore.storage.snapshots import Snapshot
from botcore.storage.store import Store
from botcore.storage.tape import TapeDamage, TapeReader, TapeRecord, TapeWriter
from botcore.storage.upcasting import UPCASTERS, Upcaster
from botcore.storage.verification import refuse_if_damaged, upgrades_of, verify

__all__ = [
    "UPCASTERS",
    "Asked",
    "Entry",
    "EntryLike",
    "Finding",
    "FoundFacts",
    "History",
    "Movements",
    "ReadModels",
    "ReadingStore",
    "Row",
    "Rows",
    "Severity",
    "Snapshot",
    "SqlJournal",
    "Store",
    "StoreRefused",
    "TapeDamage",
    "TapeReader",
    "TapeRecord",
    "TapeWriter",
    "Upcaster",
    "head_lsn",
    "newest_facts",
    "read_journal",
    "rebuild_projections",
    "refuse_if_damaged",
    "upgrades_of",
    "verify",
]
