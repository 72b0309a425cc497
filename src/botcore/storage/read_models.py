"""Read models: the projections as rows, for views; money stays `Decimal`."""

from typing import Any

import sqlalchemy as sa

from botcore.domain.ids import AccountId
from botcore.domain.modes import Mode
from botcore.domain.orders import TERMINAL
from botcore.storage import tables
from botcore.storage.store import Store

Row = dict[str, Any]
"""Column name → value."""

_ENDED = [str(state) for state in TERMINAL]


class ReadModels:
    """Questions to the projections; each is one short read that holds no writer up.

    What is read is what was committed: it may be a moment behind the engine, never ahead.

    Args:
        store: brought up to date by the journal's owner.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def open_orders(self, account: AccountId) -> list[Row]:
        """Return the orders that may still trade, oldest first."""
        table = tables.orders
        return self._rows(
            sa.select(table)
            .where(table.c.account == account, table.c.state.not_in(_ENDED))
            .order_by(table.c.placed_at, table.c.client_order_id)
        )

    def orders(self, account: AccountId, *, limit: int = 100) -> list[Row]:
        """Return the last orders placed, newest first."""
        table = tables.orders
        newest = table.c.placed_at.desc(), table.c.client_order_id.desc()
        return self._rows(
            sa.select(table).where(table.c.account == account).order_by(*newest).limit(limit)
        )

    def order(self, client_order_id: str) -> Row | None:
        """Return one order, also one that ended long ago; None if it was never placed."""
        table = tables.orders
        found = self._rows(sa.select(table).where(table.c.client_order_id == client_order_id))
        return found[0] if found else None

    def trades_of(self, client_order_id: str) -> list[Row]:
        """Return the fills of one order, oldest first."""
        table = tables.trades
        return self._rows(
            sa.select(table).where(table.c.order_id == client_order_id).order_by(table.c.lsn)
        )

    def trades(self, account: AccountId, *, limit: int = 100) -> list[Row]:
        """Return the last fills, newest first."""
        return self._newest(tables.trades, account, limit)

    def positions(self, account: AccountId) -> list[Row]:
        """Return the open positions of each strategy, by strategy and instrument."""
        table = tables.positions
        rows = self._rows(
            sa.select(table)
            .where(table.c.account == account)
            .order_by(table.c.strategy, table.c.instrument)
        )
        return [row for row in rows if row["quantity"]]

    def balances(self, account: AccountId) -> list[Row]:
        """Return what each ledger holds of each currency, without the empty ones."""
        table = tables.balances
        rows = self._rows(
            sa.select(table)
            .where(table.c.account == account)
            .order_by(table.c.ledger, table.c.currency)
        )
        return [row for row in rows if row["amount"]]

    def performance(self, account: AccountId, *, limit: int = 1_000) -> list[Row]:
        """Return the last samples of the equity curve, newest first."""
        return self._newest(tables.performance, account, limit)

    def alerts(self, account: AccountId, *, limit: int = 100) -> list[Row]:
        """Return the last alerts, newest first."""
        return self._newest(tables.alerts, account, limit)

    def denials(self, account: AccountId, *, limit: int = 100) -> list[Row]:
        """Return what risk denied last, newest first."""
        return self._newest(tables.denials, account, limit)

    def strategies(self, account: AccountId) -> list[Row]:
        """Return the configured strategies by id."""
        table = tables.strategies
        return self._rows(sa.select(table).where(table.c.account == account).order_by(table.c.id))

    def newest_config(self, account: AccountId) -> str | None:
        """Return the configuration in force, canonical JSON; None before the first."""
        rows = self._newest(tables.configs, account, 1)
        return str(rows[0]["document"]) if rows else None

    def mode(self, account: AccountId) -> Mode:
        """Return the account's mode; NORMAL if it never changed."""
        rows = self._newest(tables.mode_changes, account, 1)
        return Mode(rows[0]["mode"]) if rows else Mode.NORMAL

    def _newest(self, table: sa.Table, account: AccountId, limit: int) -> list[Row]:
        return self._rows(
            sa.select(table)
            .where(table.c.account == account)
            .order_by(table.c.lsn.desc())
            .limit(limit)
        )

    def _rows(self, query: sa.Select[Any]) -> list[Row]:
        with self._store.reading() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]
