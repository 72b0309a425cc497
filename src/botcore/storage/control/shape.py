"""The lineage of the control process's store."""

from typing import Final

import sqlalchemy as sa

from botcore import __version__
from botcore.storage.control.tables import audit_head, metadata, store_info
from botcore.storage.control.triggers import guard_audit
from botcore.storage.lineage import Lineage

GENESIS: Final = bytes(32)
"""What the first entry of the audit is chained to."""


def _seed(connection: sa.Connection) -> None:
    connection.execute(sa.insert(audit_head).values(id=1, seq=0, hash=GENESIS))
    connection.execute(sa.insert(store_info).values(id=1, written_by=__version__))
    guard_audit(connection)


def _writer(connection: sa.Connection) -> str:
    if not sa.inspect(connection).has_table(store_info.name):
        return "a newer version"
    found = connection.execute(sa.text("SELECT written_by FROM control_info")).scalar()
    return f"botcore {found}" if found else "a newer version"


CONTROL: Final = Lineage(
    head="0002",
    metadata=metadata,
    scripts="botcore.storage.control:migrations",
    version_table="control_version",
    seed=_seed,
    writer=_writer,
    changes={
        "0001": "users, the audit, jobs, and what is wanted",
        "0002": "up to where people were told of facts",
    },
)
"""Of ``control.db``."""
