"""Indexes for lists that are read a page at a time: by time, by strategy, by instrument."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEXES = (
    ("alerts", ("ts",)),
    ("denials", ("strategy", "ts")),
    ("denials", ("ts",)),
    ("mode_changes", ("ts",)),
    ("orders", ("instrument", "placed_at")),
    ("orders", ("parent",)),
    ("orders", ("strategy", "placed_at")),
    ("postings", ("reference",)),
    ("postings", ("ts",)),
    ("signals", ("strategy", "ts")),
    ("signals", ("ts",)),
    ("trades", ("instrument", "ts")),
    ("trades", ("strategy", "ts")),
)


def upgrade() -> None:
    for table, columns in INDEXES:
        name = "_".join(("ix", table, *columns))
        op.create_index(op.f(name), table, list(columns), unique=False)
