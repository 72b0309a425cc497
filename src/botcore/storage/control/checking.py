"""A look at the control store from outside: it is read, never made, changed or upgraded."""

from pathlib import Path
from typing import Final

import msgspec
import sqlalchemy as sa

from botcore.domain.errors import StorageError
from botcore.storage.control.audit_chain import Verdict, check_newest
from botcore.storage.control.shape import CONTROL
from botcore.storage.control.store import bounded
from botcore.storage.control.tables import audit_head, server_secrets, signing_keys, totp
from botcore.storage.findings import Finding, Severity
from botcore.storage.reading_store import ReadingStore
from botcore.storage.upcasting import newer
from botcore.storage.verification import outdated, upgrades_of

_NEWEST: Final = 1_000


class ControlState(msgspec.Struct, frozen=True, kw_only=True):
    """What a store of the control process looks like.

    Attributes:
        revision: of its tables; None where it has none yet.
        written_by: the version that wrote it last; empty where that cannot be told.
        entries: of the audit, as it says itself.
        checked: how many of these were read, the newest ones.
        has_secrets: whether it holds what only its key opens.
        store: what is wrong with it; empty when all is well.
        audit: what is wrong with the newest entries of its audit.
        upgrades: a finding for each copy that an upgrade left beside it.
    """

    revision: str | None = None
    written_by: str = ""
    entries: int = 0
    checked: int = 0
    has_secrets: bool = False
    store: tuple[Finding, ...] = ()
    audit: tuple[Finding, ...] = ()
    upgrades: tuple[Finding, ...] = ()


def look_at_control(url: str, *, newest: int = _NEWEST) -> ControlState:
    """Look whether a store opens, is of this version, and ends with a whole audit.

    It costs the same however long the audit is: only its newest entries are read.

    Args:
        url: as of a `ControlStore`.
        newest: how many entries.

    Raises:
        ConfigError: the URL is of no database we know.
    """
    parsed = bounded(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        return ControlState()
    text = parsed.render_as_string(hide_password=False)
    with ReadingStore(text, CONTROL) as store:
        try:
            with store.reading() as connection:
                found = _looked_at(connection, newest)
        except StorageError as error:
            return ControlState(store=(Finding.of(error),))
        return msgspec.structs.replace(found, upgrades=tuple(upgrades_of(store)))


def _looked_at(connection: sa.Connection, newest: int) -> ControlState:
    revision = CONTROL.revision(connection)
    if revision is None:
        return ControlState()
    written_by = CONTROL.writer(connection)
    seen = ControlState(revision=revision, written_by=written_by)
    if CONTROL.is_newer(connection):
        refused = newer(f"tables of revision {revision}", written_by=written_by)
        return msgspec.structs.replace(seen, store=(Finding.of(refused),))
    if revision != CONTROL.head:
        return msgspec.structs.replace(seen, store=(outdated(revision, CONTROL.head),))
    sealed = (sa.select(sa.literal(1)).select_from(t) for t in (signing_keys, server_secrets, totp))
    verdict = check_newest(connection, newest)
    return msgspec.structs.replace(
        seen,
        entries=connection.execute(sa.select(audit_head.c.seq)).scalar() or 0,
        checked=verdict.entries,
        has_secrets=connection.execute(sa.union_all(*sealed).limit(1)).scalar() is not None,
        audit=() if verdict.is_whole else (_broken(verdict),),
    )


def _broken(verdict: Verdict) -> Finding:
    return Finding(
        "AUDIT_BROKEN",
        Severity.ERROR,
        verdict.finding,
        "find out who changed the store beside Bot Core, and keep a copy of it as it is;"
        " `botcore audit verify` names the first entry that is not what was written",
    )
