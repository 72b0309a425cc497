"""The first store: the journal and its projections."""

import sqlalchemy as sa
from alembic import op

from botcore import __version__
from botcore.storage.columns import BIG, Exact

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_alerts")),
    )
    op.create_table(
        "balances",
        sa.Column("account", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("ledger", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("currency", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("amount", Exact(), nullable=False),
        sa.Column("lsn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "ledger", "currency", name=op.f("pk_balances")),
    )
    op.create_table(
        "configs",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_configs")),
    )
    op.create_table(
        "denials",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("bound", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_denials")),
    )
    op.create_table(
        "journal",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("schema", sa.SmallInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_journal")),
    )
    op.create_table(
        "journal_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("lsn", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("schema", sa.SmallInteger(), nullable=False),
        sa.Column("written_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_head")),
    )
    op.create_table(
        "mode_changes",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_mode_changes")),
    )
    op.create_table(
        "orders",
        sa.Column("client_order_id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("quantity", Exact(), nullable=False),
        sa.Column("filled", Exact(), nullable=False),
        sa.Column("overfill", Exact(), nullable=False),
        sa.Column("limit_price", Exact(), nullable=True),
        sa.Column("trigger_price", Exact(), nullable=True),
        sa.Column("trail", Exact(), nullable=True),
        sa.Column("time_in_force", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("oco_group", sa.Text(), nullable=False),
        sa.Column("cancel_owed", sa.Boolean(), nullable=False),
        sa.Column("replace_pending", sa.Boolean(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=True),
        sa.Column("reserve", Exact(), nullable=False),
        sa.Column("reserve_currency", sa.Text(), nullable=False),
        sa.Column("decision_price", sa.Double(), nullable=True),
        sa.Column("reason_code", sa.Integer(), nullable=False),
        sa.Column("reason_operands", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("lsn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_order_id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_account_state"), "orders", ["account", "state"], unique=False)
    op.create_index(op.f("ix_orders_placed_at"), "orders", ["placed_at"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("consumer", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("lsn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", name=op.f("pk_outbox")),
    )
    op.create_table(
        "performance",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("equity", sa.Double(), nullable=True),
        sa.Column("peak", sa.Double(), nullable=True),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("day_start", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_performance")),
    )
    op.create_index(
        op.f("ix_performance_account_ts"), "performance", ["account", "ts"], unique=False
    )
    op.create_table(
        "positions",
        sa.Column("account", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("strategy", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("instrument", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("quantity", Exact(), nullable=False),
        sa.Column("cost", Exact(), nullable=False),
        sa.Column("realised", Exact(), nullable=False),
        sa.Column("fees", Exact(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("lsn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "strategy", "instrument", name=op.f("pk_positions")),
    )
    op.create_table(
        "postings",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("line", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("ledger", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", Exact(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", "line", name=op.f("pk_postings")),
    )
    op.create_table(
        "risk_limits",
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("max_position_value", sa.Double(), nullable=True),
        sa.Column("max_daily_loss", sa.Double(), nullable=True),
        sa.Column("max_drawdown", sa.Double(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("lsn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_risk_limits")),
    )
    op.create_table(
        "signals",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("reason_code", sa.Integer(), nullable=False),
        sa.Column("reason_operands", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_signals")),
    )
    op.create_table(
        "snapshots",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("checksum", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_snapshots")),
    )
    op.create_table(
        "strategies",
        sa.Column("account", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("lsn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "id", name=op.f("pk_strategies")),
    )
    op.create_table(
        "trades",
        sa.Column("lsn", BIG, autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("time", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("strategy", sa.Text(), nullable=False),
        sa.Column("instrument", sa.Text(), nullable=False),
        sa.Column("symbol", sa.Text(), nullable=False),
        sa.Column("exchange", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Text(), nullable=False),
        sa.Column("venue_order_id", sa.Text(), nullable=True),
        sa.Column("trade_id", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("price", Exact(), nullable=False),
        sa.Column("quantity", Exact(), nullable=False),
        sa.Column("quote_amount", Exact(), nullable=False),
        sa.Column("fees", Exact(), nullable=False),
        sa.Column("fee_currency", sa.Text(), nullable=False),
        sa.Column("liquidity", sa.Text(), nullable=False),
        sa.Column("flags", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_trades")),
    )
    op.create_index(
        op.f("ix_trades_exchange_symbol_trade_id"),
        "trades",
        ["exchange", "symbol", "trade_id"],
        unique=False,
    )
    op.create_index(op.f("ix_trades_order_id"), "trades", ["order_id"], unique=False)
    op.create_index(op.f("ix_trades_ts"), "trades", ["ts"], unique=False)
    op.bulk_insert(
        sa.table(
            "journal_head",
            sa.column("id", sa.SmallInteger),
            sa.column("lsn", sa.BigInteger),
            sa.column("digest", sa.LargeBinary),
            sa.column("schema", sa.SmallInteger),
            sa.column("written_by", sa.Text),
        ),
        [{"id": 1, "lsn": 0, "digest": bytes(32), "schema": 1, "written_by": __version__}],
    )
