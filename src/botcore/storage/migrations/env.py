"""Alembic's entrance: runs revisions on the connection, and in the transaction, it is given."""

from alembic import context

from botcore.storage.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    # SQLite's DDL is transactional too, once the driver leaves transactions alone (K23).
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
