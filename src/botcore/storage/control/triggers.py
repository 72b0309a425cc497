"""Triggers that keep the audit append-only and gapless, whoever writes.

They stop a mistake and a careless hand. Who owns the database can drop them; `AuditLog.verify`
finds what was changed then.
"""

import sqlalchemy as sa

_SQLITE = (
    """
    CREATE TRIGGER audit_appends BEFORE INSERT ON audit
    WHEN NEW.seq <= (SELECT seq FROM audit_head WHERE id = 1)
      OR NEW.seq > (SELECT seq FROM audit_head WHERE id = 1) + 1
      AND NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq - 1)
    BEGIN SELECT RAISE(ABORT, 'the audit takes the next entry only'); END
    """,
    """
    CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'an audit entry is never changed'); END
    """,
    """
    CREATE TRIGGER audit_stays BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'an audit entry is never deleted'); END
    """,
    """
    CREATE TRIGGER audit_head_advances BEFORE UPDATE ON audit_head
    WHEN NEW.id <> OLD.id OR NEW.seq <= OLD.seq
      OR NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq AND hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, 'the end of the audit moves on to an entry'); END
    """,
    """
    CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head
    BEGIN SELECT RAISE(ABORT, 'the end of the audit is never deleted'); END
    """,
)
_POSTGRES = (
    """
    CREATE FUNCTION audit_refuses() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'an audit entry is never changed or deleted'; END $$
    """,
    """
    CREATE FUNCTION audit_takes_the_next() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE last bigint := (SELECT seq FROM audit_head WHERE id = 1);
    BEGIN
      IF NEW.seq <= last OR NEW.seq > last + 1
        AND NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq - 1)
      THEN
        RAISE EXCEPTION 'the audit takes the next entry only';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE FUNCTION audit_head_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF NEW.id <> OLD.id OR NEW.seq <= OLD.seq
        OR NOT EXISTS (SELECT 1 FROM audit WHERE seq = NEW.seq AND hash = NEW.hash)
      THEN
        RAISE EXCEPTION 'the end of the audit moves on to an entry';
      END IF;
      RETURN NEW;
    END $$
    """,
    """
    CREATE TRIGGER audit_appends BEFORE INSERT ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_takes_the_next()
    """,
    """
    CREATE TRIGGER audit_keeps BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()
    """,
    """
    CREATE TRIGGER audit_head_advances BEFORE UPDATE ON audit_head
    FOR EACH ROW EXECUTE FUNCTION audit_head_moves_on()
    """,
    """
    CREATE TRIGGER audit_head_stays BEFORE DELETE OR TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuses()
    """,
)


def guard_audit(connection: sa.Connection) -> None:
    """Make the triggers of revision 0001, within the caller's transaction."""
    for statement in _POSTGRES if connection.dialect.name == "postgresql" else _SQLITE:
        connection.exec_driver_sql(statement)
