"""An embedded DuckDB that never reaches the network, within bounds of memory and threads."""

from typing import Final

import duckdb

_SETTINGS: Final[dict[str, str | bool | int | float | list[str]]] = {
    "autoinstall_known_extensions": "false",  # nothing is ever loaded from the network
    "autoload_known_extensions": "false",
    "memory_limit": "512MB",
    "threads": "2",
}


class Database:
    """Opened at the first use, which takes some hundredths of a second; it holds no data."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor for one use, to be closed by the caller; each thread takes its own."""
        if self._connection is None:
            self._connection = duckdb.connect(":memory:", config=_SETTINGS)
        return self._connection.cursor()
