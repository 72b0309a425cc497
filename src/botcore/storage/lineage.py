"""Lineages: how the tables of one store came to their shape, and the way from an older one.

An empty database is given this version's tables at once; the revisions would make the same.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from botcore.storage.upcasting import newer

if TYPE_CHECKING:
    from alembic.config import Config

# Any number will do, as long as nothing else on the same database takes it.
_LOCK = 7_236_281


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """The revisions of one kind of store; several kinds may live in one database.

    Attributes:
        head: the revision of this version's tables, as Alembic names it.
        metadata: this version's tables.
        scripts: where the revisions are, ``package:folder``.
        version_table: where the store's revision is noted.
        seed: makes what stands beside the tables: first rows, triggers.
        writer: says which version wrote a store last, as far as it can be told.
        changes: revision → what it brought, in words, for who reads the log of an upgrade.
    """

    head: str
    metadata: sa.MetaData
    scripts: str
    version_table: str
    seed: Callable[[sa.Connection], None]
    writer: Callable[[sa.Connection], str]
    changes: dict[str, str]

    def revision(self, connection: sa.Connection) -> str | None:
        """Return the revision the store is at; None if it has no tables yet."""
        if not sa.inspect(connection).has_table(self.version_table):
            return None
        noted = self._noted()
        found: str | None = connection.execute(sa.select(noted.c.version_num)).scalar()
        return found

    def is_current(self, connection: sa.Connection) -> bool:
        """Whether the store has exactly this version's tables."""
        return self.revision(connection) == self.head

    def is_newer(self, connection: sa.Connection) -> bool:
        """Whether the store's revision is one this version has never heard of."""
        found = self.revision(connection)
        return found is not None and found != self.head and found not in self._known()

    def refuse_if_newer(self, connection: sa.Connection) -> None:
        """Refuse a store from the future.

        Raises:
            StoreRefused: a newer version wrote it.
        """
        if self.is_newer(connection):
            raise newer(
                f"tables of revision {self.revision(connection)}",
                written_by=self.writer(connection),
            )

    def upgrade(self, connection: sa.Connection) -> None:
        """Bring the tables to `head` within the caller's transaction.

        Raises:
            StoreRefused: a newer version wrote the store.
        """
        if connection.dialect.name == "postgresql":
            # Two processes that start at once: the second waits, and finds it done.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        if self.is_current(connection):
            return
        self.refuse_if_newer(connection)
        if self._has_tables(connection):
            self.migrate(connection)
        else:
            self.create(connection)

    def create(self, connection: sa.Connection) -> None:
        """Make the tables of `head` where there are none, within the caller's transaction."""
        self.metadata.create_all(connection, checkfirst=False)
        self.seed(connection)
        noted = self._noted()
        noted.create(connection, checkfirst=False)
        connection.execute(sa.insert(noted).values(version_num=self.head))

    def migrate(self, connection: sa.Connection) -> None:
        """Run the revisions that the store lacks, within the caller's transaction."""
        from alembic import command  # noqa: PLC0415  # 0.2 s to load, and most starts migrate nothing

        config = self.config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")

    def told(self, since: str) -> str:
        """Return what the revisions after `since` brought, in words."""
        return "; ".join(text for number, text in self.changes.items() if number > since)

    def config(self) -> "Config":
        """Return Alembic's view of the revisions."""
        from alembic.config import Config  # noqa: PLC0415  # as above

        config = Config()
        config.set_main_option("script_location", self.scripts)
        config.set_main_option("path_separator", "os")
        return config

    def _has_tables(self, connection: sa.Connection) -> bool:
        names = sa.inspect(connection).get_table_names()
        return self.version_table in names or any(name in names for name in self.metadata.tables)

    def _known(self) -> set[str]:
        from alembic.script import ScriptDirectory  # noqa: PLC0415  # as above

        scripts = ScriptDirectory.from_config(self.config())
        return {script.revision for script in scripts.walk_revisions()}

    def _noted(self) -> sa.Table:
        # As Alembic makes it, in a `MetaData` of its own: it is no table of this version's.
        return sa.Table(
            self.version_table,
            sa.MetaData(),
            sa.Column("version_num", sa.String(32), nullable=False),
            sa.PrimaryKeyConstraint("version_num", name=f"{self.version_table}_pkc"),
        )
