"""The tables of the control process: people, what they did, what they asked to be done.

Instants are integer nanoseconds since 1970, and 0 says "never"; the audit and the access log have
ISO text beside them. What is secret is a digest or sealed before it comes here.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from botcore.storage.columns import BIG, Exact
from botcore.storage.control.columns import Listed, Plain

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

_Kind = TypeEngine[Any] | type[TypeEngine[Any]]


def _col(name: str, kind: _Kind = Plain, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=nullable, autoincrement=False)


def _key(name: str, kind: _Kind = Plain) -> sa.Column[Any]:
    # Keys are given by us, never by the database.
    return sa.Column(name, kind, primary_key=True, nullable=False, autoincrement=False)


def _at(*names: str) -> tuple[sa.Column[Any], ...]:
    return tuple(_col(name, sa.BigInteger) for name in names)


def _stamped() -> tuple[sa.Column[Any], ...]:
    return _col("ts", sa.BigInteger), _col("time", sa.Text)


def _of(name: str, target: str) -> sa.Column[Any]:
    """A column whose row goes when the row it points to goes."""
    return sa.Column(name, Plain, sa.ForeignKey(target, ondelete="CASCADE"), nullable=False)


store_info = sa.Table(
    "control_info",
    metadata,
    _key("id", sa.SmallInteger),
    _col("written_by", sa.Text),
)
"""One row: who wrote the store last."""

# Who may sign in, and with what.

users = sa.Table(
    "users",
    metadata,
    _key("id"),
    _col("username"),
    _col("email"),
    _col("password_hash"),
    _col("role"),
    _col("is_disabled", sa.Boolean),
    *_at("created_at", "last_login", "password_changed_at"),
    sa.UniqueConstraint("username"),
)

sessions = sa.Table(
    "sessions",
    metadata,
    _key("id"),
    _of("user_id", "users.id"),
    _col("is_staying", sa.Boolean),
    *_at("created_at", "ends_at", "idle_ends_at", "seen_at", "auth_time"),
    _col("methods", Listed),
    _col("address"),
    _col("device"),
    *_at("revoked_at"),
    _col("revoked_why"),
    sa.Index(None, "user_id"),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    metadata,
    _key("digest", sa.LargeBinary),
    _of("session_id", "sessions.id"),
    *_at("created_at", "expires_at", "used_at"),
    sa.Index(None, "session_id"),
)

sign_in_links = sa.Table(
    "sign_in_links",
    metadata,
    _key("digest", sa.LargeBinary),
    _col("purpose"),
    _col("user_id"),
    _col("made_by"),
    *_at("created_at", "expires_at", "used_at"),
    sa.Index(None, "user_id"),
)
"""`user_id` is empty for the first owner's link, and so it points to nobody."""

invitations = sa.Table(
    "invitations",
    metadata,
    _key("id"),
    _col("digest", sa.LargeBinary),
    _col("role"),
    _col("note"),
    _col("made_by"),
    *_at("created_at", "expires_at", "used_at"),
    _col("used_by"),
    *_at("revoked_at"),
    sa.UniqueConstraint("digest"),
)

totp = sa.Table(
    "totp",
    metadata,
    sa.Column("user_id", Plain, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    _col("sealed", sa.LargeBinary),
    _col("is_confirmed", sa.Boolean),
    _col("last_step", sa.BigInteger),
    *_at("created_at"),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("user_id", Plain, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    _key("digest", sa.LargeBinary),
    *_at("used_at"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _key("id"),
    _of("user_id", "users.id"),
    _col("name"),
    _col("environment"),
    _col("digest", sa.LargeBinary),
    _col("scopes", Listed),
    _col("networks", Listed),
    _col("symbols", Listed),
    _col("max_notional", Exact, nullable=True),
    _col("is_unattended", sa.Boolean),
    *_at("created_at", "expires_at", "last_used_at", "revoked_at"),
    sa.Index(None, "user_id"),
)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    _key("kid"),
    _col("algorithm"),
    _col("sealed", sa.LargeBinary),
    *_at("created_at", "signs_from", "signs_until"),
)

server_secrets = sa.Table(
    "server_secrets",
    metadata,
    _key("name"),
    _col("sealed", sa.LargeBinary),
    *_at("created_at"),
)

# What was done.

audit = sa.Table(
    "audit",
    metadata,
    _key("seq", BIG),
    *_stamped(),
    _col("actor"),
    _col("user_id"),
    _col("session"),
    _col("address"),
    _col("action"),
    _col("request"),
    _col("result"),
    _col("code"),
    _col("detail"),
    _col("correlation"),
    _col("hash", sa.LargeBinary),
    sa.Index(None, "ts"),
    sa.Index(None, "actor", "seq"),
    sa.Index(None, "action", "seq"),
    sa.Index(None, "result", "seq"),
    sa.Index(None, "correlation"),
)
"""Append-only; `hash` chains each row to the one before it, and triggers refuse what is else."""

audit_head = sa.Table(
    "audit_head",
    metadata,
    _key("id", sa.SmallInteger),
    _col("seq", sa.BigInteger),
    _col("hash", sa.LargeBinary),
)
"""One row: where the audit ends, so that a missing end is seen."""

repetitions = sa.Table(
    "repetitions",
    metadata,
    _key("id"),
    _col("digest"),
    _col("run"),
    _col("answer", sa.LargeBinary, nullable=True),
    *_at("created_at"),
    sa.Index(None, "created_at"),
)
"""Idempotency keys: `id` is a hash of actor and key, `run` the process that began it."""

access_log = sa.Table(
    "access_log",
    metadata,
    sa.Column("id", BIG, primary_key=True, autoincrement=True),
    *_stamped(),
    _col("actor"),
    _col("method"),
    _col("route"),
    _col("status", sa.SmallInteger),
    _col("duration_ms", sa.Double),
    _col("size", sa.BigInteger),
    _col("address"),
    _col("correlation"),
    sa.Index(None, "ts"),
    sa.Index(None, "actor", "id"),
    sa.Index(None, "route", "id"),
    sa.Index(None, "status", "id"),
    sa.Index(None, "correlation"),
)

# What is wanted: versions, each a row; the newest of a key counts.

strategy_versions = sa.Table(
    "strategy_versions",
    metadata,
    _key("account"),
    _key("id"),
    _key("version", sa.Integer),
    _col("author"),
    *_at("created_at"),
    _col("document"),
    _col("note"),
    _col("is_deleted", sa.Boolean),
    _col("undo_of", sa.Integer, nullable=True),
)

desired_limits = sa.Table(
    "desired_limits",
    metadata,
    _key("account"),
    _key("id"),
    _key("version", sa.Integer),
    _col("author"),
    *_at("created_at"),
    _col("document"),
    _col("note"),
    _col("is_deleted", sa.Boolean),
    _col("undo_of", sa.Integer, nullable=True),
)

settings_changes = sa.Table(
    "settings_changes",
    metadata,
    _key("seq", BIG),
    _col("name"),
    _col("value", nullable=True),
    _col("author"),
    *_at("created_at"),
    sa.Index(None, "name", "seq"),
)

# Work.

jobs = sa.Table(
    "jobs",
    metadata,
    _key("id"),
    _col("kind"),
    _col("title"),
    _col("owner"),
    _col("state"),
    _col("request"),
    _col("result", nullable=True),
    _col("done", sa.BigInteger),
    _col("total", sa.BigInteger),
    _col("attempts", sa.Integer),
    *_at("created_at", "started_at", "ended_at"),
    _col("code"),
    _col("detail"),
    _col("run_key", nullable=True),
    sa.UniqueConstraint("run_key"),
    sa.Index(None, "owner", "created_at"),
    sa.Index(None, "created_at"),
    sa.Index(None, "ended_at"),
)
"""`run_key` names one run of a schedule, or one act of somebody, so that it is made once."""

job_log = sa.Table(
    "job_log",
    metadata,
    sa.Column("job_id", Plain, sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    _key("seq", sa.Integer),
    _col("line"),
)

# What people are told.

alert_rules = sa.Table(
    "alert_rules",
    metadata,
    _key("id"),
    _col("owner"),
    _col("kind"),
    _col("state"),
    _col("document"),
    *_at("created_at", "expires_at", "fired_at"),
    _col("fired_count", sa.Integer),
    _col("detail"),
    sa.Index(None, "owner", "created_at"),
    sa.Index(None, "state"),
)

notifications = sa.Table(
    "notifications",
    metadata,
    _key("id", BIG),
    _col("user_id"),
    _col("kind"),
    _col("severity"),
    _col("code"),
    _col("text"),
    _col("link"),
    *_at("created_at", "read_at"),
    sa.Index(None, "user_id", "id"),
    sa.Index(None, "user_id", "read_at", "id"),
)

announced = sa.Table(
    "announced",
    metadata,
    _key("source"),
    _col("lsn", sa.BigInteger),
)
"""Up to which of a journal's numbers people were told of what it holds."""

report_notes = sa.Table(
    "report_notes",
    metadata,
    _key("report"),
    _key("id"),
    _col("author"),
    _col("text"),
    *_at("created_at"),
)
