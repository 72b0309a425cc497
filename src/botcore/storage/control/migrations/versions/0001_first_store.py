"""The first store: people, the audit, jobs, and what is wanted."""

import sqlalchemy as sa
from alembic import op

from botcore import __version__
from botcore.storage.columns import BIG, Exact
from botcore.storage.control.columns import Listed, Plain
from botcore.storage.control.triggers import guard_audit

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "access_log",
        sa.Column("id", BIG, autoincrement=True, nullable=False),
        sa.Column("ts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("actor", Plain(), autoincrement=False, nullable=False),
        sa.Column("method", Plain(), autoincrement=False, nullable=False),
        sa.Column("route", Plain(), autoincrement=False, nullable=False),
        sa.Column("status", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("duration_ms", sa.Double(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("address", Plain(), autoincrement=False, nullable=False),
        sa.Column("correlation", Plain(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_log")),
    )
    op.create_index(op.f("ix_access_log_actor_id"), "access_log", ["actor", "id"], unique=False)
    op.create_index(op.f("ix_access_log_correlation"), "access_log", ["correlation"], unique=False)
    op.create_index(op.f("ix_access_log_route_id"), "access_log", ["route", "id"], unique=False)
    op.create_index(op.f("ix_access_log_status_id"), "access_log", ["status", "id"], unique=False)
    op.create_index(op.f("ix_access_log_ts"), "access_log", ["ts"], unique=False)
    op.create_table(
        "alert_rules",
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("owner", Plain(), autoincrement=False, nullable=False),
        sa.Column("kind", Plain(), autoincrement=False, nullable=False),
        sa.Column("state", Plain(), autoincrement=False, nullable=False),
        sa.Column("document", Plain(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fired_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fired_count", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("detail", Plain(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
    )
    op.create_index(
        op.f("ix_alert_rules_owner_created_at"),
        "alert_rules",
        ["owner", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_alert_rules_state"), "alert_rules", ["state"], unique=False)
    op.create_table(
        "audit",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.Text(), autoincrement=False, nullable=False),
        sa.Column("actor", Plain(), autoincrement=False, nullable=False),
        sa.Column("user_id", Plain(), autoincrement=False, nullable=False),
        sa.Column("session", Plain(), autoincrement=False, nullable=False),
        sa.Column("address", Plain(), autoincrement=False, nullable=False),
        sa.Column("action", Plain(), autoincrement=False, nullable=False),
        sa.Column("request", Plain(), autoincrement=False, nullable=False),
        sa.Column("result", Plain(), autoincrement=False, nullable=False),
        sa.Column("code", Plain(), autoincrement=False, nullable=False),
        sa.Column("detail", Plain(), autoincrement=False, nullable=False),
        sa.Column("correlation", Plain(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_action_seq"), "audit", ["action", "seq"], unique=False)
    op.create_index(op.f("ix_audit_actor_seq"), "audit", ["actor", "seq"], unique=False)
    op.create_index(op.f("ix_audit_correlation"), "audit", ["correlation"], unique=False)
    op.create_index(op.f("ix_audit_result_seq"), "audit", ["result", "seq"], unique=False)
    op.create_index(op.f("ix_audit_ts"), "audit", ["ts"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "control_info",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("written_by", sa.Text(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_control_info")),
    )
    op.create_table(
        "desired_limits",
        sa.Column("account", Plain(), autoincrement=False, nullable=False),
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author", Plain(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", Plain(), autoincrement=False, nullable=False),
        sa.Column("note", Plain(), autoincrement=False, nullable=False),
        sa.Column("is_deleted", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("undo_of", sa.Integer(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("account", "id", "version", name=op.f("pk_desired_limits")),
    )
    op.create_table(
        "invitations",
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("role", Plain(), autoincrement=False, nullable=False),
        sa.Column("note", Plain(), autoincrement=False, nullable=False),
        sa.Column("made_by", Plain(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used_by", Plain(), autoincrement=False, nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitations_digest")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("kind", Plain(), autoincrement=False, nullable=False),
        sa.Column("title", Plain(), autoincrement=False, nullable=False),
        sa.Column("owner", Plain(), autoincrement=False, nullable=False),
        sa.Column("state", Plain(), autoincrement=False, nullable=False),
        sa.Column("request", Plain(), autoincrement=False, nullable=False),
        sa.Column("result", Plain(), autoincrement=False, nullable=True),
        sa.Column("done", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("total", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("attempts", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("started_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ended_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("code", Plain(), autoincrement=False, nullable=False),
        sa.Column("detail", Plain(), autoincrement=False, nullable=False),
        sa.Column("run_key", Plain(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("run_key", name=op.f("uq_jobs_run_key")),
    )
    op.create_index(op.f("ix_jobs_created_at"), "jobs", ["created_at"], unique=False)
    op.create_index(op.f("ix_jobs_ended_at"), "jobs", ["ended_at"], unique=False)
    op.create_index(op.f("ix_jobs_owner_created_at"), "jobs", ["owner", "created_at"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("user_id", Plain(), autoincrement=False, nullable=False),
        sa.Column("kind", Plain(), autoincrement=False, nullable=False),
        sa.Column("severity", Plain(), autoincrement=False, nullable=False),
        sa.Column("code", Plain(), autoincrement=False, nullable=False),
        sa.Column("text", Plain(), autoincrement=False, nullable=False),
        sa.Column("link", Plain(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("read_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index(
        op.f("ix_notifications_user_id_id"), "notifications", ["user_id", "id"], unique=False
    )
    op.create_index(
        op.f("ix_notifications_user_id_read_at_id"),
        "notifications",
        ["user_id", "read_at", "id"],
        unique=False,
    )
    op.create_table(
        "repetitions",
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("digest", Plain(), autoincrement=False, nullable=False),
        sa.Column("run", Plain(), autoincrement=False, nullable=False),
        sa.Column("answer", sa.LargeBinary(), autoincrement=False, nullable=True),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repetitions")),
    )
    op.create_index(op.f("ix_repetitions_created_at"), "repetitions", ["created_at"], unique=False)
    op.create_table(
        "report_notes",
        sa.Column("report", Plain(), autoincrement=False, nullable=False),
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("author", Plain(), autoincrement=False, nullable=False),
        sa.Column("text", Plain(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("report", "id", name=op.f("pk_report_notes")),
    )
    op.create_table(
        "server_secrets",
        sa.Column("name", Plain(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_server_secrets")),
    )
    op.create_table(
        "settings_changes",
        sa.Column("seq", BIG, autoincrement=False, nullable=False),
        sa.Column("name", Plain(), autoincrement=False, nullable=False),
        sa.Column("value", Plain(), autoincrement=False, nullable=True),
        sa.Column("author", Plain(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_settings_changes")),
    )
    op.create_index(
        op.f("ix_settings_changes_name_seq"), "settings_changes", ["name", "seq"], unique=False
    )
    op.create_table(
        "sign_in_links",
        sa.Column("digest", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("purpose", Plain(), autoincrement=False, nullable=False),
        sa.Column("user_id", Plain(), autoincrement=False, nullable=False),
        sa.Column("made_by", Plain(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sign_in_links")),
    )
    op.create_index(op.f("ix_sign_in_links_user_id"), "sign_in_links", ["user_id"], unique=False)
    op.create_table(
        "signing_keys",
        sa.Column("kid", Plain(), autoincrement=False, nullable=False),
        sa.Column("algorithm", Plain(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signs_from", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("signs_until", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
    )
    op.create_table(
        "strategy_versions",
        sa.Column("account", Plain(), autoincrement=False, nullable=False),
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("author", Plain(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("document", Plain(), autoincrement=False, nullable=False),
        sa.Column("note", Plain(), autoincrement=False, nullable=False),
        sa.Column("is_deleted", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("undo_of", sa.Integer(), autoincrement=False, nullable=True),
        sa.PrimaryKeyConstraint("account", "id", "version", name=op.f("pk_strategy_versions")),
    )
    op.create_table(
        "users",
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("username", Plain(), autoincrement=False, nullable=False),
        sa.Column("email", Plain(), autoincrement=False, nullable=False),
        sa.Column("password_hash", Plain(), autoincrement=False, nullable=False),
        sa.Column("role", Plain(), autoincrement=False, nullable=False),
        sa.Column("is_disabled", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_login", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("password_changed_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("user_id", Plain(), nullable=False),
        sa.Column("name", Plain(), autoincrement=False, nullable=False),
        sa.Column("environment", Plain(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("scopes", Listed(), autoincrement=False, nullable=False),
        sa.Column("networks", Listed(), autoincrement=False, nullable=False),
        sa.Column("symbols", Listed(), autoincrement=False, nullable=False),
        sa.Column("max_notional", Exact(), autoincrement=False, nullable=True),
        sa.Column("is_unattended", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
    )
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"], unique=False)
    op.create_table(
        "job_log",
        sa.Column("job_id", Plain(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("line", Plain(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_log_job_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", "seq", name=op.f("pk_job_log")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", Plain(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("used_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "digest", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", Plain(), autoincrement=False, nullable=False),
        sa.Column("user_id", Plain(), nullable=False),
        sa.Column("is_staying", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ends_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("idle_ends_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("auth_time", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("methods", Listed(), autoincrement=False, nullable=False),
        sa.Column("address", Plain(), autoincrement=False, nullable=False),
        sa.Column("device", Plain(), autoincrement=False, nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("revoked_why", Plain(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "totp",
        sa.Column("user_id", Plain(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("is_confirmed", sa.Boolean(), autoincrement=False, nullable=False),
        sa.Column("last_step", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_totp_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp")),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.LargeBinary(), autoincrement=False, nullable=False),
        sa.Column("session_id", Plain(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("used_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["sessions.id"],
            name=op.f("fk_refresh_tokens_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_refresh_tokens")),
    )
    op.create_index(
        op.f("ix_refresh_tokens_session_id"), "refresh_tokens", ["session_id"], unique=False
    )
    op.bulk_insert(
        sa.table(
            "audit_head",
            sa.column("id", sa.SmallInteger),
            sa.column("seq", sa.BigInteger),
            sa.column("hash", sa.LargeBinary),
        ),
        [{"id": 1, "seq": 0, "hash": bytes(32)}],
    )
    op.bulk_insert(
        sa.table(
            "control_info", sa.column("id", sa.SmallInteger), sa.column("written_by", sa.Text)
        ),
        [{"id": 1, "written_by": __version__}],
    )
    guard_audit(op.get_bind())
