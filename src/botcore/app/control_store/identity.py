"""Sign-in's store: users, sessions, links, factors and keys in `control.db`."""

from collections.abc import Iterable, Mapping

from botcore.app.control_store.rows import row_of, rows_of, value_of, values_of
from botcore.control.identity.ports import (
    ApiKey,
    Invitation,
    RecoveryCode,
    RefreshToken,
    Secret,
    Session,
    SigningKey,
    SignInLink,
    Totp,
    User,
)
from botcore.storage.control import ControlStore, identity, tables


class SqlIdentityStore:
    """Keeps the contract of `IdentityStore`; every method may raise `StorageError`.

    Args:
        store: opened.
    """

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    # Users

    async def users(self) -> tuple[User, ...]:
        """Return all, oldest first."""
        return values_of(await self._store.rows(identity.all_users()), User)

    async def add_user(self, user: User) -> bool:
        """Add one; False where the username or id is taken."""
        row = row_of(user)
        return await self._store.write(lambda c: identity.insert_if_free(c, tables.users, row))

    async def add_user_by_link(self, user: User, digest: bytes, ts: int) -> bool:
        """Use a link up and add a user, both or neither."""
        row = row_of(user)
        return await self._store.write(lambda c: identity.add_user_by_link(c, row, digest, ts))

    async def add_user_by_invitation(self, user: User, digest: bytes, ts: int) -> bool:
        """Use an invitation up and add a user, both or neither."""
        row = row_of(user)
        return await self._store.write(
            lambda c: identity.add_user_by_invitation(c, row, digest, ts)
        )

    async def save_user(self, user: User) -> None:
        """Overwrite one, by id; nothing if there is none."""
        row = row_of(user)
        await self._store.write(lambda c: identity.save_user(c, row))

    async def remove_user(self, user_id: str) -> None:
        """Remove one with all that is theirs."""
        await self._store.write(lambda c: identity.remove_user(c, user_id))

    # Sessions

    async def live_sessions(self, ts: int) -> tuple[Session, ...]:
        """Return those neither revoked nor past either end at `ts`, oldest first."""
        return values_of(await self._store.rows(identity.live_sessions(ts)), Session)

    async def add_session(self, session: Session, token: RefreshToken) -> None:
        """Add a session with its first token, both or neither."""
        rows = row_of(session), row_of(token)
        await self._store.write(lambda c: identity.add_session(c, *rows))

    async def save_session(self, session: Session) -> None:
        """Overwrite one that is not revoked, by id."""
        row = row_of(session)
        await self._store.write(lambda c: identity.save_session(c, row))

    async def revoke_sessions(self, session_ids: Iterable[str], ts: int, why: str) -> None:
        """Note that they ended, those that had not."""
        ids = tuple(session_ids)
        await self._store.write(lambda c: identity.revoke_sessions(c, ids, ts, why))

    async def note_seen(self, seen: Mapping[str, int]) -> None:
        """Set `seen_at` by session id, where it is later than what stands there."""
        stamps = dict(seen)
        await self._store.write(lambda c: identity.advance(c, tables.sessions, "seen_at", stamps))

    async def refresh_token(self, digest: bytes) -> RefreshToken | None:
        """Return one, used or not."""
        row = await self._store.row(tables.refresh_tokens, digest=digest)
        return None if row is None else value_of(row, RefreshToken)

    async def rotate_refresh_token(
        self, digest: bytes, successor: RefreshToken, session: Session, ts: int
    ) -> bool:
        """Mark a token used, add its successor and save the session, all or nothing."""
        rows = row_of(successor), row_of(session)
        return await self._store.write(lambda c: identity.rotate(c, digest, *rows, ts))

    # Links and invitations

    async def add_link(self, link: SignInLink) -> None:
        """Add one."""
        row = row_of(link)
        await self._store.write(lambda c: identity.insert(c, tables.sign_in_links, row))

    async def link(self, digest: bytes) -> SignInLink | None:
        """Return one, used or not."""
        row = await self._store.row(tables.sign_in_links, digest=digest)
        return None if row is None else value_of(row, SignInLink)

    async def take_link(self, digest: bytes, ts: int) -> bool:
        """Mark one used; exactly one caller wins."""
        return await self._store.write(lambda c: identity.take_link(c, digest, ts))

    async def add_invitation(self, invitation: Invitation) -> None:
        """Add one."""
        row = row_of(invitation)
        await self._store.write(lambda c: identity.insert(c, tables.invitations, row))

    async def invitations(self) -> tuple[Invitation, ...]:
        """Return all that are kept, newest first."""
        return values_of(await self._store.rows(identity.all_invitations()), Invitation)

    async def invitation(self, digest: bytes) -> Invitation | None:
        """Return one by its token's digest, whatever became of it."""
        row = await self._store.row(tables.invitations, digest=digest)
        return None if row is None else value_of(row, Invitation)

    async def revoke_invitation(self, invitation_id: str, ts: int) -> bool:
        """Revoke one; False where it is unknown, used or was revoked."""
        return await self._store.write(lambda c: identity.revoke_invitation(c, invitation_id, ts))

    async def end_ways_in(self, maker: str, user_id: str, ts: int) -> None:
        """Revoke invitations that `maker` made, and delete links by him or for the user."""
        await self._store.write(lambda c: identity.end_ways_in(c, maker, user_id, ts))

    # Second factors

    async def totp(self, user_id: str) -> Totp | None:
        """Return a user's, confirmed or not."""
        row = await self._store.row(tables.totp, user_id=user_id)
        return None if row is None else value_of(row, Totp)

    async def enrol_totp(self, totp: Totp) -> bool:
        """Put an unconfirmed one in the place of an unconfirmed one or none."""
        row = row_of(totp)
        return await self._store.write(lambda c: identity.enrol_totp(c, row))

    async def confirm_totp(self, user_id: str, step: int, codes: Iterable[RecoveryCode]) -> bool:
        """Confirm it, set `last_step` and replace the recovery codes, all or nothing."""
        rows = rows_of(codes)
        return await self._store.write(lambda c: identity.confirm_totp(c, user_id, step, rows))

    async def advance_totp(self, user_id: str, step: int) -> bool:
        """Set `last_step` if `step` is later than what stands there, and say whether it was."""
        return await self._store.write(lambda c: identity.advance_totp(c, user_id, step))

    async def remove_totp(self, user_id: str) -> None:
        """Remove the factor and all recovery codes of a user."""
        await self._store.write(lambda c: identity.remove_totp(c, user_id))

    async def replace_recovery_codes(self, user_id: str, codes: Iterable[RecoveryCode]) -> None:
        """Put these in the place of all others of the user."""
        rows = rows_of(codes)
        await self._store.write(lambda c: identity.replace_codes(c, user_id, rows))

    async def take_recovery_code(self, user_id: str, digest: bytes, ts: int) -> bool:
        """Mark one used; exactly one caller wins."""
        return await self._store.write(lambda c: identity.take_code(c, user_id, digest, ts))

    async def recovery_codes_left(self, user_id: str) -> int:
        """Return how many were not used."""
        return await self._store.read(lambda c: identity.codes_left(c, user_id))

    # Keys and secrets

    async def api_keys(self) -> tuple[ApiKey, ...]:
        """Return all that are kept, revoked ones too, oldest first."""
        return values_of(await self._store.rows(identity.oldest_first(tables.api_keys)), ApiKey)

    async def add_api_key(self, key: ApiKey) -> bool:
        """Add one; False where the id is taken."""
        row = row_of(key)
        return await self._store.write(lambda c: identity.insert_if_free(c, tables.api_keys, row))

    async def revoke_api_key(self, key_id: str, ts: int) -> bool:
        """Revoke one; False where it is unknown or was revoked."""
        return await self._store.write(lambda c: identity.revoke_key(c, key_id, ts))

    async def note_used(self, used: Mapping[str, int]) -> None:
        """Set `last_used_at` by key id, where it is later than what stands there."""
        stamps = dict(used)
        await self._store.write(
            lambda c: identity.advance(c, tables.api_keys, "last_used_at", stamps)
        )

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        """Return all, oldest first."""
        return values_of(
            await self._store.rows(identity.oldest_first(tables.signing_keys)), SigningKey
        )

    async def put_signing_keys(self, keys: Iterable[SigningKey]) -> None:
        """Add or overwrite them, by `kid`, all or nothing."""
        rows = rows_of(keys)
        await self._store.write(lambda c: identity.put(c, tables.signing_keys, rows))

    async def remove_signing_key(self, kid: str) -> None:
        """Remove one; nothing if there is none."""
        await self._store.write(lambda c: identity.remove_signing_key(c, kid))

    async def secret(self, name: str) -> Secret | None:
        """Return one."""
        row = await self._store.row(tables.server_secrets, name=name)
        return None if row is None else value_of(row, Secret)

    async def add_secret(self, secret: Secret) -> bool:
        """Add one; False where the name is taken, and then nothing is changed."""
        row = row_of(secret)
        return await self._store.write(
            lambda c: identity.insert_if_free(c, tables.server_secrets, row)
        )

    async def forget_before(self, ts: int) -> None:
        """Remove what ended before `ts`: sessions with their tokens, links, invitations, keys."""
        await self._store.write(lambda c: identity.forget_before(c, ts))
