"""Alembic's entrance: runs revisions on the connection, and in the transaction, it is given."""

from alembic import context

from botcore.storage.control.shape import CONTROL

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=CONTROL.metadata,
    version_table=CONTROL.version_table,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
