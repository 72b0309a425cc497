"""Up to where people were told of facts, so that a restart misses none and repeats none."""

import sqlalchemy as sa
from alembic import op

from botcore.storage.control.columns import Plain

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "announced",
        sa.Column("source", Plain(), autoincrement=False, nullable=False),
        sa.Column("lsn", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_announced")),
    )
