"""Snapshots: the engine's state at an lsn, so that a start folds only what came later."""

from hashlib import sha256
from typing import NamedTuple

import sqlalchemy as sa

from botcore.storage.tables import snapshots

KEPT = 3
"""How many are kept: the newest, and two to fall back to."""


class Snapshot(NamedTuple):
    """The engine's state once every record up to `lsn` was folded.

    Attributes:
        digest: the engine's own name for this state, as given.
    """

    lsn: int
    state: bytes
    digest: str


def save(connection: sa.Connection, snapshot: Snapshot) -> None:
    """Store a snapshot and drop all but the newest, in the caller's transaction."""
    connection.execute(sa.delete(snapshots).where(snapshots.c.lsn == snapshot.lsn))
    connection.execute(
        sa.insert(snapshots).values(
            lsn=snapshot.lsn,
            digest=snapshot.digest,
            checksum=_checksum(snapshot),
            state=snapshot.state,
        )
    )
    kept = sa.select(snapshots.c.lsn).order_by(snapshots.c.lsn.desc()).limit(KEPT)
    oldest = min(connection.execute(kept).scalars())
    connection.execute(sa.delete(snapshots).where(snapshots.c.lsn < oldest))


def stored(connection: sa.Connection) -> list[tuple[Snapshot, bool]]:
    """Return every snapshot, newest first, each with whether it is as it was written."""
    rows = connection.execute(sa.select(snapshots).order_by(snapshots.c.lsn.desc())).all()
    found = [(Snapshot(row.lsn, bytes(row.state), row.digest), row.checksum) for row in rows]
    return [(snapshot, _checksum(snapshot) == bytes(checksum)) for snapshot, checksum in found]


def latest(connection: sa.Connection) -> Snapshot | None:
    """Return the newest undamaged snapshot; None leaves the whole journal to fold."""
    return next((snapshot for snapshot, is_whole in stored(connection) if is_whole), None)


def _checksum(snapshot: Snapshot) -> bytes:
    return sha256(b"%d\n%s\n%s" % (snapshot.lsn, snapshot.digest.encode(), snapshot.state)).digest()
