"""Projections against the journal: is each row what its facts say it is?"""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from botcore.domain.events import Fact, LedgerPosted
from botcore.domain.numbers import EXACT, ZERO
from botcore.storage import tables
from botcore.storage.findings import Finding, Findings, Severity
from botcore.storage.projector import Projector, Row, Rows

_FIX = (
    "find out what changed the store beside Bot Core; the journal is the truth, and"
    " `botcore doctor --rebuild` makes the tables from it again"
)
_STATES = (tables.orders, *tables.STATES)


class Comparison:
    """Fold the journal once more, and compare as it goes.

    Tables that only grow are compared a stretch at a time; the last states are kept until the end
    (memory grows with the number of orders and positions, not with the length of the journal).

    Args:
        connection: sees one state of the store throughout.
        findings: where what differs is added.
    """

    def __init__(self, connection: sa.Connection, findings: Findings) -> None:
        self._connection = connection
        self._findings = findings
        self._projector = Projector()
        self._states: dict[sa.Table, dict[Hashable, Row]] = {table: {} for table in _STATES}
        self._upto = 0

    def advance(self, facts: Sequence[tuple[int, Fact]], upto: int) -> None:
        """Compare the rows of the facts between the last call and lsn `upto`."""
        for lsn, fact in facts:
            if isinstance(fact, LedgerPosted):
                self._must_balance(lsn, fact)
        rows = self._projector.fold(facts)
        for table in tables.LOGS:
            self._compare_log(table, rows.logs.get(table, []), upto)
        self._keep(rows)
        self._upto = upto

    def finish(self) -> None:
        """Compare the last states, and look for rows that belong to no record."""
        for table in tables.LOGS:
            column = table.c.lsn
            beyond = sa.select(sa.func.count()).where((column > self._upto) | (column < 1))
            count = self._connection.execute(beyond).scalar_one()
            if count:
                self._differ(table, f"{count} rows belong to no record of the journal")
        for table, expected in self._states.items():
            self._compare_states(table, expected)
        self._look_for_double_fills()

    def _compare_log(self, table: sa.Table, expected: list[Row], upto: int) -> None:
        names = [column.name for column in table.columns]
        key = list(table.primary_key.columns)
        query = sa.select(table).where(table.c.lsn > self._upto, table.c.lsn <= upto).order_by(*key)
        stored = [tuple(row) for row in self._connection.execute(query)]
        should = [tuple(row[name] for name in names) for row in expected]
        if stored == should:
            return
        width = len(key)
        self._tell_differences(
            table,
            {row[:width]: row for row in stored},
            {row[:width]: row for row in should},
            names,
        )

    def _compare_states(self, table: sa.Table, expected: dict[Hashable, Row]) -> None:
        names = [column.name for column in table.columns]
        keys = [column.name for column in table.primary_key]
        stored = {}
        for row in self._connection.execute(sa.select(table)).mappings():
            stored[tuple(row[key] for key in keys)] = tuple(row[name] for name in names)
        should = {
            tuple(row[key] for key in keys): tuple(row[name] for name in names)
            for row in expected.values()
        }
        if stored != should:
            self._tell_differences(table, stored, should, names)

    def _tell_differences(
        self,
        table: sa.Table,
        stored: dict[tuple[Any, ...], tuple[Any, ...]],
        should: dict[tuple[Any, ...], tuple[Any, ...]],
        names: Sequence[str],
    ) -> None:
        for key in sorted(should.keys() - stored.keys()):
            self._differ(table, f"row {_key(key)} is missing")
        for key in sorted(stored.keys() - should.keys()):
            self._differ(table, f"row {_key(key)} comes from no fact")
        for key in sorted(stored.keys() & should.keys()):
            for name, is_, must in zip(names, stored[key], should[key], strict=True):
                if is_ != must:
                    self._differ(
                        table, f"row {_key(key)} has {name} {is_}, the journal says {must}"
                    )

    def _keep(self, rows: Rows) -> None:
        orders = self._states[tables.orders]
        orders.update(rows.placed)
        for order_id, change in rows.changed.items():
            if order_id in orders:
                given = {name: value for name, value in change.items() if value is not None}
                del given["order_id"]
                orders[order_id].update(given)
        for table, last in rows.states.items():
            self._states[table].update(last)

    def _must_balance(self, lsn: int, fact: LedgerPosted) -> None:
        sums: dict[str, Any] = {}
        for posting in fact.postings:
            sums[posting.currency] = EXACT.add(sums.get(posting.currency, ZERO), posting.amount)
        for currency, total in sums.items():
            if total:
                self._findings.add(
                    Finding(
                        "LEDGER_UNBALANCED",
                        Severity.ERROR,
                        f"the transaction of lsn {lsn} ({fact.cause} {fact.reference}) leaves"
                        f" {total:f} {currency} unbalanced",
                        "report this as a bug, with the journal; do not trade this account",
                    )
                )

    def _look_for_double_fills(self) -> None:
        trades = tables.trades.c
        fill = (trades.account, trades.exchange, trades.symbol, trades.order_id, trades.trade_id)
        query = sa.select(*fill).group_by(*fill).having(sa.func.count() > 1)
        for row in self._connection.execute(query.limit(10)):
            self._findings.add(
                Finding(
                    "FILL_DOUBLED",
                    Severity.ERROR,
                    f"trade {row.trade_id} of order {row.order_id} was booked twice",
                    "report this as a bug, with the journal; do not trade this account",
                )
            )

    def _differ(self, table: sa.Table, how: str) -> None:
        # A code of its own for each table, so that one does not hide behind another's many.
        code = f"{table.name.upper()}_DIFFER"
        self._findings.add(Finding(code, Severity.ERROR, f"table {table.name}: {how}", _FIX))


def _key(key: Iterable[object]) -> str:
    return "/".join(map(str, key))
