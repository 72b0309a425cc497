"""The tables: the journal, which is the truth, and the projections, which can be dropped.

Every projection row carries the `lsn` of the last fact that touched it. Instants are integer
nanoseconds (`ts`), with ISO text beside them (`time`) where people and tools read.
"""

from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from botcore.storage.columns import BIG, Exact

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _col(
    name: str,
    kind: TypeEngine[Any] | type[TypeEngine[Any]],
    *,
    primary_key: bool = False,
    nullable: bool = False,
) -> sa.Column[Any]:
    # Numbers are given by the journal, never by the database.
    numbered: Literal["auto", False] = False if primary_key else "auto"
    return sa.Column(name, kind, primary_key=primary_key, nullable=nullable, autoincrement=numbered)


def _lsn() -> sa.Column[Any]:
    return _col("lsn", BIG, primary_key=True)


def _stamped() -> tuple[sa.Column[Any], ...]:
    return _col("ts", sa.BigInteger), _col("time", sa.Text)


def _listed() -> tuple[sa.Column[Any], ...]:
    return _col("instrument", sa.Text), _col("symbol", sa.Text), _col("exchange", sa.Text)


journal = sa.Table(
    "journal",
    metadata,
    _lsn(),
    _col("schema", sa.SmallInteger),
    _col("kind", sa.Text),
    _col("ts", sa.BigInteger),
    _col("rank", sa.SmallInteger),
    _col("source", sa.Integer),
    _col("seq", sa.BigInteger),
    _col("account", sa.Text),
    _col("payload", sa.LargeBinary),
    _col("digest", sa.LargeBinary),
)
"""Inputs, facts and effects in order; `digest` chains each row to the one before it."""

journal_head = sa.Table(
    "journal_head",
    metadata,
    _col("id", sa.SmallInteger, primary_key=True),
    _col("lsn", sa.BigInteger),
    _col("digest", sa.LargeBinary),
    _col("schema", sa.SmallInteger),
    _col("written_by", sa.Text),
)
"""One row: where the journal ends, so that a missing end is seen, and who wrote it."""

snapshots = sa.Table(
    "snapshots",
    metadata,
    _lsn(),
    _col("digest", sa.Text),
    _col("checksum", sa.LargeBinary),
    _col("state", sa.LargeBinary),
)

outbox = sa.Table(
    "outbox",
    metadata,
    _col("consumer", sa.Text, primary_key=True),
    _col("lsn", sa.BigInteger),
)
"""Up to where each consumer has had the journal published to it."""

orders = sa.Table(
    "orders",
    metadata,
    _col("client_order_id", sa.Text, primary_key=True),
    _col("account", sa.Text),
    _col("strategy", sa.Text),
    *_listed(),
    _col("side", sa.Text),
    _col("type", sa.Text),
    _col("state", sa.Text),
    _col("quantity", Exact),
    _col("filled", Exact),
    _col("overfill", Exact),
    _col("limit_price", Exact, nullable=True),
    _col("trigger_price", Exact, nullable=True),
    _col("trail", Exact, nullable=True),
    _col("time_in_force", sa.Text),
    _col("expires_at", sa.BigInteger, nullable=True),
    _col("reduce_only", sa.Boolean),
    _col("parent", sa.Text, nullable=True),
    _col("oco_group", sa.Text),
    _col("cancel_owed", sa.Boolean),
    _col("replace_pending", sa.Boolean),
    _col("venue_order_id", sa.Text, nullable=True),
    _col("reserve", Exact),
    _col("reserve_currency", sa.Text),
    _col("decision_price", sa.Double, nullable=True),
    _col("reason_code", sa.Integer),
    _col("reason_operands", sa.Text),
    _col("config", sa.Text),
    _col("detail", sa.Text),
    _col("placed_at", sa.BigInteger),
    _col("updated_at", sa.BigInteger),
    _col("time", sa.Text),
    _col("lsn", sa.BigInteger),
    sa.Index(None, "account", "state"),
    sa.Index(None, "placed_at"),
    sa.Index(None, "parent"),
    sa.Index(None, "strategy", "placed_at"),
    sa.Index(None, "instrument", "placed_at"),
)

trades = sa.Table(
    "trades",
    metadata,
    _lsn(),
    *_stamped(),
    _col("account", sa.Text),
    _col("strategy", sa.Text),
    *_listed(),
    _col("order_id", sa.Text),
    _col("venue_order_id", sa.Text, nullable=True),
    _col("trade_id", sa.Text),
    _col("side", sa.Text),
    _col("price", Exact),
    _col("quantity", Exact),
    _col("quote_amount", Exact),
    _col("fees", Exact),
    _col("fee_currency", sa.Text),
    _col("liquidity", sa.Text),
    _col("flags", sa.Text),
    sa.Index(None, "exchange", "symbol", "trade_id"),
    sa.Index(None, "order_id"),
    sa.Index(None, "ts"),
    sa.Index(None, "strategy", "ts"),
    sa.Index(None, "instrument", "ts"),
)

postings = sa.Table(
    "postings",
    metadata,
    _lsn(),
    _col("line", sa.SmallInteger, primary_key=True),
    *_stamped(),
    _col("account", sa.Text),
    _col("cause", sa.Text),
    _col("reference", sa.Text),
    _col("ledger", sa.Text),
    _col("currency", sa.Text),
    _col("amount", Exact),
    sa.Index(None, "reference"),
    sa.Index(None, "ts"),
)

balances = sa.Table(
    "balances",
    metadata,
    _col("account", sa.Text, primary_key=True),
    _col("ledger", sa.Text, primary_key=True),
    _col("currency", sa.Text, primary_key=True),
    _col("amount", Exact),
    _col("lsn", sa.BigInteger),
)

positions = sa.Table(
    "positions",
    metadata,
    _col("account", sa.Text, primary_key=True),
    _col("strategy", sa.Text, primary_key=True),
    _col("instrument", sa.Text, primary_key=True),
    _col("symbol", sa.Text),
    _col("exchange", sa.Text),
    _col("quantity", Exact),
    _col("cost", Exact),
    _col("realised", Exact),
    _col("fees", Exact),
    *_stamped(),
    _col("lsn", sa.BigInteger),
)

performance = sa.Table(
    "performance",
    metadata,
    _lsn(),
    *_stamped(),
    _col("account", sa.Text),
    _col("equity", sa.Double, nullable=True),
    _col("peak", sa.Double, nullable=True),
    _col("day", sa.Integer),
    _col("day_start", sa.Double, nullable=True),
    sa.Index(None, "account", "ts"),
)

mode_changes = sa.Table(
    "mode_changes",
    metadata,
    _lsn(),
    *_stamped(),
    _col("account", sa.Text),
    _col("previous", sa.Text),
    _col("mode", sa.Text),
    _col("cause", sa.Text),
    _col("changed_by", sa.Text),
    sa.Index(None, "ts"),
)

alerts = sa.Table(
    "alerts",
    metadata,
    _lsn(),
    *_stamped(),
    _col("account", sa.Text),
    _col("code", sa.Text),
    _col("detail", sa.Text),
    sa.Index(None, "ts"),
)

denials = sa.Table(
    "denials",
    metadata,
    _lsn(),
    *_stamped(),
    _col("account", sa.Text),
    _col("strategy", sa.Text),
    *_listed(),
    _col("code", sa.Text),
    _col("value", sa.Double, nullable=True),
    _col("bound", sa.Double, nullable=True),
    _col("detail", sa.Text),
    sa.Index(None, "ts"),
    sa.Index(None, "strategy", "ts"),
)

signals = sa.Table(
    "signals",
    metadata,
    _lsn(),
    *_stamped(),
    _col("account", sa.Text),
    _col("strategy", sa.Text),
    *_listed(),
    _col("weight", sa.Double, nullable=True),
    _col("confidence", sa.Double, nullable=True),
    _col("reason_code", sa.Integer),
    _col("reason_operands", sa.Text),
    sa.Index(None, "ts"),
    sa.Index(None, "strategy", "ts"),
)

configs = sa.Table(
    "configs",
    metadata,
    _lsn(),
    *_stamped(),
    _col("account", sa.Text),
    _col("digest", sa.Text),
    _col("document", sa.Text),
)

strategies = sa.Table(
    "strategies",
    metadata,
    _col("account", sa.Text, primary_key=True),
    _col("id", sa.Text, primary_key=True),
    _col("user_id", sa.Text),
    _col("name", sa.Text),
    _col("description", sa.Text),
    _col("config", sa.Text),
    _col("is_active", sa.Boolean),
    _col("detail", sa.Text),
    _col("created_at", sa.BigInteger),
    _col("lsn", sa.BigInteger),
)

risk_limits = sa.Table(
    "risk_limits",
    metadata,
    _col("id", sa.Text, primary_key=True),
    _col("user_id", sa.Text),
    _col("max_position_value", sa.Double, nullable=True),
    _col("max_daily_loss", sa.Double, nullable=True),
    _col("max_drawdown", sa.Double, nullable=True),
    _col("updated_at", sa.BigInteger),
    _col("lsn", sa.BigInteger),
)
"""Limits are fractions of the account's equity, until a user gives amounts."""

LOGS = (trades, postings, performance, mode_changes, alerts, denials, signals, configs)
"""Projections that only grow: one row (or a few) for one fact, keyed by its `lsn`."""

STATES = (balances, positions, strategies, risk_limits)
"""Projections that hold the last state of each key."""

PROJECTIONS = (orders, *LOGS, *STATES)
"""Every projection: what `rebuild_projections` drops and refills."""
