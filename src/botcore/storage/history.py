"""History: the projections a page at a time, with filters, newest or oldest first."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa

from botcore.domain.numbers import EXACT, ZERO
from botcore.domain.orders import TERMINAL
from botcore.storage import tables as t
from botcore.storage.paging import Order, Row, Rows, paged, read_page, rows_of
from botcore.storage.store import Store

ORDERS: Final = Order("orders", (t.orders.c.placed_at, t.orders.c.client_order_id))
TRADES: Final = Order("fills", (t.trades.c.ts, t.trades.c.lsn))
POSTINGS: Final = Order("postings", (t.postings.c.ts, t.postings.c.lsn, t.postings.c.line))
PERFORMANCE: Final = Order("performance", (t.performance.c.ts, t.performance.c.lsn))
SIGNALS: Final = Order("signals", (t.signals.c.ts, t.signals.c.lsn))
DENIALS: Final = Order("denials", (t.denials.c.ts, t.denials.c.lsn))
ALERTS: Final = Order("alerts", (t.alerts.c.ts, t.alerts.c.lsn))
MODE_CHANGES: Final = Order("mode changes", (t.mode_changes.c.ts, t.mode_changes.c.lsn))
_ENDED: Final = frozenset(str(state) for state in TERMINAL)
_LINES_A_POSTING: Final = 8
"""More than are ever read of one transaction."""
_NEWEST_MOVEMENTS: Final = sa.union_all(
    *(sa.select(sa.func.coalesce(sa.func.max(table.c.lsn), 0)) for table in (t.trades, t.postings))
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a list is asked for.

    Attributes:
        account: whose.
        since, until: stamps, ``since ≤ ts < until``; None is open.
        is_newest: the newest first; else the oldest.
        cursor: of the page before; empty begins.
        limit: how many rows at most.
    """

    account: str
    since: int | None = None
    until: int | None = None
    is_newest: bool = True
    cursor: str = ""
    limit: int = 100


class Movements(NamedTuple):
    """Rows of ``trades``, and of those ``postings`` that they do not tell of, by their ``lsn``.

    These are the transactions that no fill made, and of a fill's the dust that it took back.
    Between the first and the last of them nothing is left out. Both are empty at the end.
    """

    fills: list[Row]
    postings: list[Row]


class History:
    """Questions to what was stored; each is one short read that holds no writer up.

    What is read was committed: it may be a moment behind the engine, never ahead. Filters that are
    None or empty do not filter. Every method raises `StorageError` where the store cannot be read;
    those that take an `Asked` raise `ConfigError` for a cursor that is none of ours.

    Args:
        store: brought up to date by the process that writes it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def accounts(self) -> list[str]:
        """Return the ids of all accounts that have a history, sorted."""
        c = t.balances.c
        query = sa.select(c.account).distinct().order_by(c.account)
        with self._store.reading() as connection:
            return list(connection.execute(query).scalars())

    def orders(
        self,
        asked: Asked,
        *,
        states: Collection[str] = (),
        strategy: str | None = None,
        instrument: str | None = None,
        side: str | None = None,
    ) -> Rows:
        """Return orders by when they were placed."""
        query = orders_query(
            asked, states=states, strategy=strategy, instrument=instrument, side=side
        )
        if states:  # many may have to be sorted: first by their keys alone
            c = t.orders.c
            few = paged(
                query.with_only_columns(c.client_order_id),
                ORDERS,
                is_newest=asked.is_newest,
                cursor=asked.cursor,
                limit=asked.limit,
            )
            query = sa.select(t.orders).where(c.client_order_id.in_(few))
        return self._page(query, ORDERS, asked)

    def order(self, client_order_id: str) -> Row | None:
        """Return one order, also one that ended long ago; None if it was never placed."""
        c = t.orders.c
        found = self._rows(sa.select(t.orders).where(c.client_order_id == client_order_id))
        return found[0] if found else None

    def children(self, client_order_id: str) -> list[str]:
        """Return the ids of the orders that hang on one, in the order they were placed."""
        c = t.orders.c
        query = (
            sa.select(c.client_order_id)
            .where(c.parent == client_order_id)
            .order_by(c.placed_at, c.client_order_id)
        )
        with self._store.reading() as connection:
            return list(connection.execute(query).scalars())

    def reasons(self, order_ids: Collection[str]) -> dict[str, tuple[str, int, str]]:
        """Return order → strategy, code of its reason and operands, for those that are known."""
        c = t.orders.c
        query = sa.select(c.client_order_id, c.strategy, c.reason_code, c.reason_operands).where(
            c.client_order_id.in_(sorted(order_ids))
        )
        return {
            row["client_order_id"]: (row["strategy"], row["reason_code"], row["reason_operands"])
            for row in (self._rows(query) if order_ids else ())
        }

    def fills(
        self,
        asked: Asked,
        *,
        strategy: str | None = None,
        instrument: str | None = None,
        side: str | None = None,
        order_id: str | None = None,
        numbers: tuple[int, int] | None = None,
    ) -> Rows:
        """Return executions by when they happened; `numbers` are the first and last ``lsn``."""
        query = _asked(
            t.trades,
            TRADES,
            asked,
            {"strategy": strategy, "instrument": instrument, "side": side, "order_id": order_id},
        )
        if numbers is not None:
            query = query.where(t.trades.c.lsn.between(*numbers))
        return self._page(query, TRADES, asked)

    def spent(self, upto: Mapping[str, int]) -> dict[str, Decimal]:
        """Return order → quote units of its fills before fees; without those not filled.

        Args:
            upto: order → the last ``lsn`` to count. With that of the order's own row the sum is of
                just the fills which that row counts, whatever was written since it was read.
        """
        c = t.trades.c
        query = sa.select(c.order_id, c.quote_amount, c.lsn).where(c.order_id.in_(sorted(upto)))
        total: dict[str, Decimal] = {}
        for row in self._rows(query) if upto else ():
            order_id = row["order_id"]
            if row["lsn"] <= upto[order_id]:
                total[order_id] = EXACT.add(total.get(order_id, ZERO), row["quote_amount"])
        return total

    def last_price(self, symbol: str, *, since: int, until: int) -> Decimal | None:
        """Return the price of the last execution of a symbol in a span; None without one."""
        c = t.trades.c
        query = (
            sa.select(c.price)
            .where(c.symbol == symbol, *_within(c.ts, since, until))
            .order_by(c.ts.desc(), c.lsn.desc())
            .limit(1)
        )
        found = self._rows(query)
        return found[0]["price"] if found else None

    def currencies(self, ledger: str, *, after: int) -> list[str]:
        """Return the currencies of a place's first transaction after a number, in its order."""
        c = t.postings.c
        first = (
            sa.select(sa.func.min(c.lsn)).where(c.ledger == ledger, c.lsn > after).scalar_subquery()
        )
        query = sa.select(c.currency).where(c.lsn == first, c.ledger == ledger).order_by(c.line)
        return [row["currency"] for row in self._rows(query)]

    def count_fills(self, since: int | None, until: int | None) -> int:
        """Return how many executions of all accounts lie in a span."""
        c = t.trades.c
        query = sa.select(sa.func.count(c.lsn)).where(*_within(c.ts, since, until))
        with self._store.reading() as connection:
            return connection.execute(query).scalar_one()

    def postings(
        self,
        asked: Asked,
        *,
        ledger: str | None = None,
        currency: str | None = None,
        cause: str | None = None,
        reference: str | None = None,
    ) -> Rows:
        """Return lines of the ledger's transactions, by time."""
        wanted = {"ledger": ledger, "currency": currency, "cause": cause, "reference": reference}
        return self._page(_asked(t.postings, POSTINGS, asked, wanted), POSTINGS, asked)

    def balances(self, account: str) -> list[Row]:
        """Return what each ledger holds of each currency, without the empty ones, sorted."""
        c = t.balances.c
        query = sa.select(t.balances).where(c.account == account).order_by(c.ledger, c.currency)
        return [row for row in self._rows(query) if row["amount"]]

    def samples(self, asked: Asked) -> Rows:
        """Return samples of the equity curve, by time; without those taken as a price was missing.

        Each has ``equity`` and ``peak``.
        """
        c = t.performance.c
        query = _asked(t.performance, PERFORMANCE, asked, {}).where(
            c.equity.is_not(None), c.peak.is_not(None)
        )
        return self._page(query, PERFORMANCE, asked)

    def curve(
        self, account: str, *, since: int | None, until: int | None, stretches: int
    ) -> list[Row]:
        """Return the equity curve thinned out, oldest first.

        Args:
            account: whose.
            since: first stamp; None is from the first sample.
            until: stamp that the range ends before; None is to the last sample.
            stretches: into how many equal stretches of time the range is cut, 1 or more.

        Returns:
            For each stretch with samples ``ts`` and ``equity`` of its last one, ``low``, ``high``
            and ``peak`` of all, and ``samples``, how many there were.
        """
        with self._store.reading() as connection:
            query = curve_query(connection, account, since, until, stretches)
            if query is None:
                return []
            return _mapped(connection, query)

    def signals(
        self, asked: Asked, *, strategy: str | None = None, instrument: str | None = None
    ) -> Rows:
        """Return what strategies signalled, by time."""
        wanted = {"strategy": strategy, "instrument": instrument}
        return self._page(_asked(t.signals, SIGNALS, asked, wanted), SIGNALS, asked)

    def denials(
        self,
        asked: Asked,
        *,
        strategy: str | None = None,
        instrument: str | None = None,
        code: str | None = None,
    ) -> Rows:
        """Return what the risk gate denied, by time."""
        wanted = {"strategy": strategy, "instrument": instrument, "code": code}
        return self._page(_asked(t.denials, DENIALS, asked, wanted), DENIALS, asked)

    def count_denials(self, account: str, since: int | None, until: int | None) -> dict[str, int]:
        """Return code → how often the risk gate denied for it in a span, by code."""
        c = t.denials.c
        query = (
            sa.select(c.code, sa.func.count(c.lsn))
            .where(c.account == account, *_within(c.ts, since, until))
            .group_by(c.code)
            .order_by(c.code)
        )
        with self._store.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def alerts(self, asked: Asked, *, code: str | None = None) -> Rows:
        """Return alerts, by time."""
        return self._page(_asked(t.alerts, ALERTS, asked, {"code": code}), ALERTS, asked)

    def mode_changes(self, asked: Asked) -> Rows:
        """Return changes of the account's mode, by time."""
        return self._page(_asked(t.mode_changes, MODE_CHANGES, asked, {}), MODE_CHANGES, asked)

    def movements(self, account: str, *, after: int, limit: int) -> Movements:
        """Return what moved an account after a number, lowest first, about `limit` of each kind.

        To read on, ask again after the highest ``lsn`` of both.
        """
        f, p = t.trades.c, t.postings.c
        lines = limit * _LINES_A_POSTING
        with self._store.reading() as connection:
            # First where it ends: what is written between two questions is read the next time.
            head = max(connection.execute(_NEWEST_MOVEMENTS).scalars(), default=0)
            fills = _mapped(
                connection,
                sa.select(t.trades)
                .where(f.account == account, f.lsn > after, f.lsn <= head)
                .order_by(f.lsn)
                .limit(limit),
            )
            if len(fills) == limit:
                head = fills[-1]["lsn"]
            postings = _mapped(
                connection,
                sa.select(t.postings)
                .where(
                    p.account == account,
                    p.lsn > after,
                    p.lsn <= head,
                    (p.cause != "fill") | p.ledger.startswith("dust:"),
                )
                .order_by(p.lsn, p.line)
                .limit(lines),
            )
        if len(postings) == lines:
            head = postings[-1]["lsn"] - 1  # its transaction may not be whole
            fills = [row for row in fills if row["lsn"] <= head]
            postings = [row for row in postings if row["lsn"] <= head]
        return Movements(fills, postings)

    def _page(self, query: sa.Select[Any], order: Order, asked: Asked) -> Rows:
        with self._store.reading() as connection:
            return read_page(
                connection,
                query,
                order,
                is_newest=asked.is_newest,
                cursor=asked.cursor,
                limit=asked.limit,
            )

    def _rows(self, query: sa.Select[Any]) -> list[Row]:
        with self._store.reading() as connection:
            return _mapped(connection, query)


def _mapped(connection: sa.Connection, query: sa.Select[Any]) -> list[Row]:
    return rows_of(connection.execute(query))


def orders_query(
    asked: Asked,
    *,
    states: Collection[str] = (),
    strategy: str | None = None,
    instrument: str | None = None,
    side: str | None = None,
) -> sa.Select[Any]:
    """Return the question of `History.orders`, without its order."""
    c = t.orders.c
    is_about_few = states and _ENDED.isdisjoint(states)
    # By account and state an index finds the few orders that work. Of all others it would find too
    # many to sort: there the orders are walked in their order, and the account is only compared.
    account = c.account if is_about_few else sa.func.coalesce(c.account, "")
    query = sa.select(t.orders).where(
        account == asked.account, *_within(c.placed_at, asked.since, asked.until)
    )
    if states:
        query = query.where(c.state.in_(sorted(states)))
    return _only(query, t.orders, {"strategy": strategy, "instrument": instrument, "side": side})


def curve_query(
    connection: sa.Connection,
    account: str,
    since: int | None,
    until: int | None,
    stretches: int,
) -> sa.Select[Any] | None:
    """Return the question of `History.curve`; None where there are no samples."""
    c = t.performance.c
    wanted = [c.account == account, c.equity.is_not(None), *_within(c.ts, since, until)]
    ends = [
        connection.execute(sa.select(c.ts).where(*wanted).order_by(by).limit(1)).scalar()
        for by in (c.ts.asc(), c.ts.desc())
    ]
    if ends[0] is None or ends[1] is None:
        return None
    width = (ends[1] - ends[0]) // stretches + 1
    stretch = (c.ts - sa.literal(ends[0], sa.BigInteger)) // sa.literal(width, sa.BigInteger)
    found = (
        sa.select(
            sa.func.max(c.lsn).label("last"),
            sa.func.min(c.equity).label("low"),
            sa.func.max(c.equity).label("high"),
            sa.func.max(c.peak).label("peak"),
            sa.func.count(c.lsn).label("samples"),
        )
        .where(*wanted)
        .group_by(stretch)
        .subquery()
    )
    return (
        sa.select(c.ts, c.equity, found.c.low, found.c.high, found.c.peak, found.c.samples)
        .join(found, c.lsn == found.c.last)
        .order_by(c.ts, c.lsn)
    )


def _asked(
    table: sa.Table, order: Order, asked: Asked, wanted: Mapping[str, str | None]
) -> sa.Select[Any]:
    query = sa.select(table).where(
        table.c.account == asked.account, *_within(order.keys[0], asked.since, asked.until)
    )
    return _only(query, table, wanted)


def _only(
    query: sa.Select[Any], table: sa.Table, wanted: Mapping[str, str | None]
) -> sa.Select[Any]:
    for name, value in wanted.items():
        if value is not None:
            query = query.where(table.c[name] == value)
    return query


def _within(
    column: sa.Column[Any], since: int | None, until: int | None
) -> list[sa.ColumnElement[bool]]:
    return [
        *([column >= since] if since is not None else []),
        *([column < until] if until is not None else []),
    ]
