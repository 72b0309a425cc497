"""Judging and writing as one: on SQLite a writer is alone anyway, on PostgreSQL it takes a lock."""

import sqlalchemy as sa


def one_at_a_time(connection: sa.Connection, what: str) -> None:
    """Wait until no other transaction judges `what`, and keep others waiting until ours ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(what))))
