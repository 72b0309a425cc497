"""Who may sign in, and with what: statements on rows, each within the caller's transaction.

Where one of several callers may win, the row itself decides: an update that names what it expects
changes one row or none.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from botcore.storage.control import tables as t
from botcore.storage.paging import Row

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

_NEVER: Final = 0


class _Undone(Exception):  # noqa: N818  # not a failure: it takes back what was begun
    """Somebody else won."""


def insert(connection: sa.Connection, table: sa.Table, values: Row) -> None:
    """Add a row."""
    connection.execute(sa.insert(table).values(**values))


def insert_if_free(connection: sa.Connection, table: sa.Table, values: Row) -> bool:
    """Add a row unless one with the same key, or another unique value, is there."""
    new = _insert(connection, table).values(**values).on_conflict_do_nothing()
    return _is_new(connection, new)


def put(connection: sa.Connection, table: sa.Table, all_values: Iterable[Row]) -> None:
    """Add rows, or overwrite those with the same keys."""
    keys = [column.name for column in table.primary_key]
    for values in all_values:
        new = _insert(connection, table).values(**values)
        connection.execute(
            new.on_conflict_do_update(
                index_elements=keys,
                set_={name: value for name, value in values.items() if name not in keys},
            )
        )


# Users.


def all_users() -> sa.Select[Any]:
    """Every user, oldest first."""
    return sa.select(t.users).order_by(t.users.c.created_at, t.users.c.username)


def save_user(connection: sa.Connection, user: Row) -> None:
    """Overwrite one, by id."""
    connection.execute(sa.update(t.users).where(t.users.c.id == user["id"]).values(**user))


def add_user_by_link(connection: sa.Connection, user: Row, digest: bytes, ts: int) -> bool:
    """Use a link up and add a user, both or neither."""
    return _both(
        connection,
        lambda: take_link(connection, digest, ts),
        lambda: insert_if_free(connection, t.users, user),
    )


def add_user_by_invitation(connection: sa.Connection, user: Row, digest: bytes, ts: int) -> bool:
    """Use an invitation up and add a user, both or neither."""
    c = t.invitations.c
    taken = (
        sa.update(t.invitations)
        .where(c.digest == digest, c.used_at == _NEVER, c.revoked_at == _NEVER, c.expires_at > ts)
        .values(used_at=ts, used_by=user["id"])
    )
    return _both(
        connection,
        lambda: connection.execute(taken).rowcount == 1,
        lambda: insert_if_free(connection, t.users, user),
    )


def remove_user(connection: sa.Connection, user_id: str) -> None:
    """Remove one; what is theirs goes with the row, but for the links."""
    connection.execute(sa.delete(t.sign_in_links).where(t.sign_in_links.c.user_id == user_id))
    connection.execute(sa.delete(t.users).where(t.users.c.id == user_id))


# Sessions.


def live_sessions(ts: int) -> sa.Select[Any]:
    """Those neither revoked nor past either end, oldest first."""
    c = t.sessions.c
    return (
        sa.select(t.sessions)
        .where(c.revoked_at == _NEVER, c.ends_at > ts, c.idle_ends_at > ts)
        .order_by(c.created_at, c.id)
    )


def add_session(connection: sa.Connection, session: Row, token: Row) -> None:
    """Add a session with its first token."""
    insert(connection, t.sessions, session)
    insert(connection, t.refresh_tokens, token)


def save_session(connection: sa.Connection, session: Row) -> bool:
    """Overwrite one that is not revoked, by id."""
    c = t.sessions.c
    kept = {key: value for key, value in session.items() if not key.startswith("revoked_")}
    change = (
        sa.update(t.sessions).where(c.id == session["id"], c.revoked_at == _NEVER).values(**kept)
    )
    return connection.execute(change).rowcount == 1


def revoke_sessions(connection: sa.Connection, ids: Iterable[str], ts: int, why: str) -> None:
    """End those that had not."""
    c = t.sessions.c
    for each in sorted(ids):
        connection.execute(
            sa.update(t.sessions)
            .where(c.id == each, c.revoked_at == _NEVER)
            .values(revoked_at=ts, revoked_why=why)
        )


def rotate(connection: sa.Connection, digest: bytes, successor: Row, session: Row, ts: int) -> bool:
    """Use a refresh token, add the next and save their session, all or nothing."""
    c = t.refresh_tokens.c
    used = (
        sa.update(t.refresh_tokens)
        .where(c.digest == digest, c.session_id == session["id"], c.used_at == _NEVER)
        .values(used_at=ts)
    )
    # The session first: its row is what a revocation at the same moment waits for.
    won = _both(
        connection,
        lambda: save_session(connection, session),
        lambda: connection.execute(used).rowcount == 1,
    )
    if won:
        insert(connection, t.refresh_tokens, successor)
    return won


def advance(
    connection: sa.Connection, table: sa.Table, column: str, stamps: Mapping[str, int]
) -> None:
    """Set an instant by id, where it is later than what stands there."""
    c = table.c
    for each, ts in sorted(stamps.items()):
        connection.execute(
            sa.update(table).where(c.id == each, c[column] < ts).values({column: ts})
        )


# Links and invitations.


def take_link(connection: sa.Connection, digest: bytes, ts: int) -> bool:
    """Use a link up; exactly one wins."""
    c = t.sign_in_links.c
    taken = (
        sa.update(t.sign_in_links)
        .where(c.digest == digest, c.used_at == _NEVER, c.expires_at > ts)
        .values(used_at=ts)
    )
    return connection.execute(taken).rowcount == 1


def all_invitations() -> sa.Select[Any]:
    """Every invitation, newest first."""
    c = t.invitations.c
    return sa.select(t.invitations).order_by(c.created_at.desc(), c.id)


def revoke_invitation(connection: sa.Connection, id_: str, ts: int) -> bool:
    """Revoke one that was neither used nor revoked."""
    c = t.invitations.c
    revoked = (
        sa.update(t.invitations)
        .where(c.id == id_, c.used_at == _NEVER, c.revoked_at == _NEVER)
        .values(revoked_at=ts)
    )
    return connection.execute(revoked).rowcount == 1


def end_ways_in(connection: sa.Connection, maker: str, user_id: str, ts: int) -> None:
    """Revoke the open invitations that somebody made, and delete links by him or for the user."""
    c = t.invitations.c
    connection.execute(
        sa.update(t.invitations)
        .where(c.made_by == maker, c.used_at == _NEVER, c.revoked_at == _NEVER)
        .values(revoked_at=ts)
    )
    link = t.sign_in_links.c
    connection.execute(
        sa.delete(t.sign_in_links).where(
            link.used_at == _NEVER, sa.or_(link.made_by == maker, link.user_id == user_id)
        )
    )


# Second factors.


def enrol_totp(connection: sa.Connection, totp: Row) -> bool:
    """Put an unconfirmed factor in the place of an unconfirmed one or none."""
    new = _insert(connection, t.totp).values(**totp)
    put_in_place = new.on_conflict_do_update(
        index_elements=["user_id"],
        set_={name: value for name, value in totp.items() if name != "user_id"},
        where=t.totp.c.is_confirmed.is_(False),
    )
    return _is_new(connection, put_in_place)


def confirm_totp(connection: sa.Connection, user_id: str, step: int, codes: Iterable[Row]) -> bool:
    """Confirm a factor and replace the recovery codes; exactly one wins."""
    c = t.totp.c
    confirmed = (
        sa.update(t.totp)
        .where(c.user_id == user_id, c.is_confirmed.is_(False))
        .values(is_confirmed=True, last_step=step)
    )
    if connection.execute(confirmed).rowcount != 1:
        return False
    replace_codes(connection, user_id, codes)
    return True


def advance_totp(connection: sa.Connection, user_id: str, step: int) -> bool:
    """Note that the code of a step was used; a step is used once, and never an earlier one."""
    c = t.totp.c
    moved = sa.update(t.totp).where(c.user_id == user_id, c.last_step < step).values(last_step=step)
    return connection.execute(moved).rowcount == 1


def remove_totp(connection: sa.Connection, user_id: str) -> None:
    """Remove a factor with the recovery codes."""
    connection.execute(sa.delete(t.totp).where(t.totp.c.user_id == user_id))
    replace_codes(connection, user_id, ())


def replace_codes(connection: sa.Connection, user_id: str, codes: Iterable[Row]) -> None:
    """Put recovery codes in the place of all others of a user."""
    c = t.recovery_codes.c
    connection.execute(sa.delete(t.recovery_codes).where(c.user_id == user_id))
    for code in codes:
        insert(connection, t.recovery_codes, code)


def take_code(connection: sa.Connection, user_id: str, digest: bytes, ts: int) -> bool:
    """Use a recovery code; exactly one wins."""
    c = t.recovery_codes.c
    taken = (
        sa.update(t.recovery_codes)
        .where(c.user_id == user_id, c.digest == digest, c.used_at == _NEVER)
        .values(used_at=ts)
    )
    return connection.execute(taken).rowcount == 1


def codes_left(connection: sa.Connection, user_id: str) -> int:
    """Return how many codes were not used."""
    c = t.recovery_codes.c
    query = sa.select(sa.func.count(c.digest)).where(c.user_id == user_id, c.used_at == _NEVER)
    return connection.execute(query).scalar_one()


# Keys.


def oldest_first(table: sa.Table) -> sa.Select[Any]:
    """Every row of a table of keys."""
    return sa.select(table).order_by(table.c.created_at, *table.primary_key)


def revoke_key(connection: sa.Connection, id_: str, ts: int) -> bool:
    """Revoke a key that was not."""
    c = t.api_keys.c
    revoked = sa.update(t.api_keys).where(c.id == id_, c.revoked_at == _NEVER).values(revoked_at=ts)
    return connection.execute(revoked).rowcount == 1


def remove_signing_key(connection: sa.Connection, kid: str) -> None:
    """Remove a signing key."""
    connection.execute(sa.delete(t.signing_keys).where(t.signing_keys.c.kid == kid))


def forget_before(connection: sa.Connection, ts: int) -> None:
    """Remove sessions, links, invitations and keys that ended before `ts`."""
    for table in (t.sign_in_links, t.invitations):
        connection.execute(sa.delete(table).where(table.c.expires_at < ts))
    s, k = t.sessions.c, t.api_keys.c
    over = sa.or_(s.ends_at < ts, s.idle_ends_at < ts)
    for table, revoked_at, is_over in (
        (t.sessions, s.revoked_at, over),
        (t.api_keys, k.revoked_at, k.expires_at < ts),
    ):
        ended = sa.or_(
            sa.and_(revoked_at != _NEVER, revoked_at < ts),
            sa.and_(revoked_at == _NEVER, is_over),
        )
        connection.execute(sa.delete(table).where(ended))


def _both(connection: sa.Connection, first: Callable[[], bool], second: Callable[[], bool]) -> bool:
    """Do two things or neither; each says whether it was done."""
    try:
        with connection.begin_nested():
            if not (first() and second()):
                raise _Undone
    except _Undone:
        return False
    return True


def _is_new(connection: sa.Connection, insert_: sa.Insert) -> bool:
    """Run an insert that may do nothing, and say whether it did something."""
    return connection.execute(insert_.execution_options(preserve_rowcount=True)).rowcount == 1


def _insert(connection: sa.Connection, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # loads drivers nobody needs here

    return postgresql.insert(table)
