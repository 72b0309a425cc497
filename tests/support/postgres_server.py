"""A database of one test on a PostgreSQL server, and what goes wrong with one."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import sqlalchemy as sa

CANARY = "a-password-of-the-database"


class Server:
    """A database of its own, and what an operator may do to those who use it."""

    def __init__(self, url: str) -> None:
        self.name = f"botcore_{uuid4().hex}"
        self._engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        own = sa.make_url(url).set(database=self.name)
        if own.password is None:
            own = own.set(password=CANARY)  # the server here asks for none
        self.password = str(own.password)
        self.url = own.render_as_string(hide_password=False)
        self._run(f'create database "{self.name}"')

    def cut(self) -> int:
        """Break every connection to it; return how many there were."""
        with self._engine.connect() as connection:
            question = sa.text(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = :n"
            )
            return int(connection.execute(question, {"n": self.name}).scalar_one())

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Let nobody in."""
        self._run(f'alter database "{self.name}" with allow_connections false')
        self.cut()
        try:
            yield
        finally:
            self._run(f'alter database "{self.name}" with allow_connections true')

    @contextmanager
    def held(self, *tables: str) -> Iterator[None]:
        """Hold tables as another program would that writes: they can be read, and not written."""
        engine = sa.create_engine(self.url)
        try:
            with engine.begin() as connection:
                for table in tables:
                    connection.execute(sa.text(f'lock table "{table}" in exclusive mode'))
                yield
                connection.rollback()
        finally:
            engine.dispose()

    def drop(self) -> None:
        self.cut()
        self._run(f'drop database "{self.name}"')
        self._engine.dispose()

    def _run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(sa.text(statement))
