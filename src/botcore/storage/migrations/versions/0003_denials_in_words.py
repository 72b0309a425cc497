"""Denials in words: what no number says of one, such as which protection it was and until when."""

from typing import Any, Final

import msgspec
import sqlalchemy as sa
from alembic import op

from botcore.storage.columns import BIG

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COLUMNS: Final = (
    "lsn, ts, time, account, strategy, instrument, symbol, exchange, code, value, bound"
)
_CHUNK: Final = 1_000


class _Denied(msgspec.Struct):
    detail: str = ""


class _Fact(msgspec.Struct):
    """Of a record as it was when this was written, what is needed of it."""

    denied: _Denied


_FACT: Final = msgspec.msgpack.Decoder(_Fact)


def upgrade() -> None:
    # Made anew, and not altered: it is then letter by letter the table of a new store.
    op.execute(f"CREATE TEMPORARY TABLE denials_before AS SELECT {_COLUMNS} FROM denials")  # noqa: S608  # names are ours
    op.drop_table("denials")
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
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lsn", name=op.f("pk_denials")),
    )
    op.create_index(op.f("ix_denials_ts"), "denials", ["ts"], unique=False)
    op.create_index(op.f("ix_denials_strategy_ts"), "denials", ["strategy", "ts"], unique=False)
    op.execute(
        f"INSERT INTO denials ({_COLUMNS}, detail) SELECT {_COLUMNS}, '' FROM denials_before"  # noqa: S608  # names are ours
    )
    op.execute("DROP TABLE denials_before")
    if not op.get_context().as_sql:
        _take_words(op.get_bind())


def _take_words(connection: sa.Connection) -> None:
    """Take the words from the journal, which the table is compared with before each start."""
    after = 0
    while rows := connection.execute(_NEXT, {"after": after, "most": _CHUNK}).all():
        words = [{"of": lsn, "words": _words(payload)} for lsn, payload in rows]
        given = [each for each in words if each["words"]]
        if given:
            connection.execute(_GIVE, given)
        after = rows[-1].lsn


def _words(payload: Any) -> str:  # noqa: ANN401  # bytes of the driver's own kind
    try:
        return _FACT.decode(bytes(payload)).denied.detail
    except msgspec.MsgspecError:
        return ""  # the check of the store says what is wrong with the journal


_NEXT: Final = sa.text(
    "SELECT denials.lsn, journal.payload FROM denials JOIN journal ON journal.lsn = denials.lsn"
    " WHERE denials.lsn > :after ORDER BY denials.lsn LIMIT :most"
)
_GIVE: Final = sa.text("UPDATE denials SET detail = :words WHERE lsn = :of")
