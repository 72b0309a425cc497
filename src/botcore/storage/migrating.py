"""Migrations: from any older shape of the tables to this version's, in one transaction.

An empty database is given this version's tables at once; the revisions would make the same.
"""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from botcore import __version__
from botcore.domain.records import SCHEMA
from botcore.storage.chain import START
from botcore.storage.tables import journal_head, metadata
from botcore.storage.upcasting import newer

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0001"
"""The revision of this version's tables, as Alembic names it."""

# As Alembic makes it, in a `MetaData` of its own: it is no table of this version's.
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

# Any number will do, as long as nothing else on the same database takes it.
_LOCK = 7_236_281


def revision(connection: sa.Connection) -> str | None:
    """Return the revision the store is at; None if it has no tables yet."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(
        sa.text("SELECT version_num FROM alembic_version")
    ).scalar()
    return found


def is_current(connection: sa.Connection) -> bool:
    """Whether the store has exactly this version's tables."""
    return revision(connection) == HEAD


def is_newer(connection: sa.Connection) -> bool:
    """Whether the store's revision is one this version has never heard of."""
    found = revision(connection)
    return found is not None and found != HEAD and found not in _known()


def upgrade(connection: sa.Connection) -> None:
    """Bring the tables to `HEAD` within the caller's transaction.

    Raises:
        StoreRefused: a newer version wrote the store.
    """
    if connection.dialect.name == "postgresql":
        # Two processes that start at once: the second waits, and finds it done.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
    if is_current(connection):
        return
    if is_newer(connection):
        raise newer(f"tables of revision {revision(connection)}", written_by=writer(connection))
    if sa.inspect(connection).get_table_names():
        migrate(connection)
    else:
        create(connection)


def create(connection: sa.Connection) -> None:
    """Make the tables of `HEAD` in an empty database, within the caller's transaction."""
    metadata.create_all(connection, checkfirst=False)
    connection.execute(
        sa.insert(journal_head).values(
            id=1, lsn=START.lsn, digest=START.digest, schema=SCHEMA, written_by=__version__
        )
    )
    _VERSION.create(connection, checkfirst=False)
    connection.execute(sa.insert(_VERSION).values(version_num=HEAD))


def migrate(connection: sa.Connection) -> None:
    """Run the revisions that the store lacks, within the caller's transaction."""
    from alembic import command  # noqa: PLC0415  # 0.2 s to load, and most starts migrate nothing

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


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


def _known() -> set[str]:
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # as above

    scripts = ScriptDirectory.from_config(_config())
    return {script.revision for script in scripts.walk_revisions()}


def _config() -> "Config":
    from alembic.config import Config  # noqa: PLC0415  # as above

    config = Config()
    config.set_main_option("script_location", "botcore.storage:migrations")
    config.set_main_option("path_separator", "os")
    return config
