"""Migrations of the engine's store: the journal and its projections."""

from typing import Final

import sqlalchemy as sa

from botcore import __version__
from botcore.domain.records import SCHEMA
from botcore.storage.chain import START
from botcore.storage.lineage import Lineage
from botcore.storage.tables import journal_head, metadata


def writer(connection: sa.Connection) -> str:
    """Return which version wrote the store last, as far as it can be told."""
    inspector = sa.inspect(connection)
    if not inspector.has_table("journal_head"):
        return "a newer version"
    columns = {column["name"] for column in inspector.get_columns("journal_head")}
    if "written_by" not in columns:
        return "a newer version"
    found = connection.execute(sa.text("SELECT written_by FROM journal_head")).scalar()
    return f"botcore {found}" if found else "a newer version"


def _seed(connection: sa.Connection) -> None:
    connection.execute(
        sa.insert(journal_head).values(
            id=1, lsn=START.lsn, digest=START.digest, schema=SCHEMA, written_by=__version__
        )
    )


ENGINE: Final = Lineage(
    head="0003",
    metadata=metadata,
    scripts="botcore.storage:migrations",
    version_table="alembic_version",
    seed=_seed,
    writer=writer,
    changes={
        "0001": "the journal and its projections",
        "0002": "indexes for lists that are read a page at a time",
        "0003": "denials in words",
    },
)
"""Of ``engine.db``."""
