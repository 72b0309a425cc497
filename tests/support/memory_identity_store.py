"""What sign-in stores, in memory: the fake that keeps the same contract as the real store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

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

replace = msgspec.structs.replace


class MemoryIdentityStore:
    """Keeps the contract of `IdentityStore`; what it holds is gone with it."""

    def __init__(self) -> None:
        self._users: dict[str, User] = {}
        self._sessions: dict[str, Session] = {}
        self._tokens: dict[bytes, RefreshToken] = {}
        self._links: dict[bytes, SignInLink] = {}
        self._invitations: dict[bytes, Invitation] = {}
        self._totp: dict[str, Totp] = {}
        self._codes: dict[tuple[str, bytes], RecoveryCode] = {}
        self._keys: dict[str, ApiKey] = {}
        self._signing: dict[str, SigningKey] = {}
        self._secrets: dict[str, Secret] = {}

    # Users

    async def users(self) -> tuple[User, ...]:
        return tuple(sorted(self._users.values(), key=lambda user: user.created_at))

    async def add_user(self, user: User) -> bool:
        if user.id in self._users or any(
            user.username == known.username for known in self._users.values()
        ):
            return False
        self._users[user.id] = user
        return True

    async def add_user_by_link(self, user: User, digest: bytes, ts: int) -> bool:
        if not self._is_link_open(digest, ts) or not await self.add_user(user):
            return False
        return await self.take_link(digest, ts)

    async def add_user_by_invitation(self, user: User, digest: bytes, ts: int) -> bool:
        found = self._invitations.get(digest)
        if found is None or found.used_at or found.revoked_at or found.expires_at <= ts:
            return False
        if not await self.add_user(user):
            return False
        self._invitations[digest] = replace(found, used_at=ts, used_by=user.id)
        return True

    async def save_user(self, user: User) -> None:
        if user.id in self._users:
            self._users[user.id] = user

    async def remove_user(self, user_id: str) -> None:
        self._users.pop(user_id, None)
        gone = {each.id for each in self._sessions.values() if each.user_id == user_id}
        self._drop_sessions(gone)
        self._links = {d: each for d, each in self._links.items() if each.user_id != user_id}
        self._keys = {i: each for i, each in self._keys.items() if each.user_id != user_id}
        await self.remove_totp(user_id)

    # Sessions

    async def live_sessions(self, ts: int) -> tuple[Session, ...]:
        live = [
            each
            for each in self._sessions.values()
            if not each.revoked_at and ts < each.ends_at and ts < each.idle_ends_at
        ]
        return tuple(sorted(live, key=lambda session: session.created_at))

    async def add_session(self, session: Session, token: RefreshToken) -> None:
        self._sessions[session.id] = session
        self._tokens[token.digest] = token

    async def save_session(self, session: Session) -> None:
        known = self._sessions.get(session.id)
        if known is not None and not known.revoked_at:
            self._sessions[session.id] = replace(session, revoked_at=0, revoked_why="")

    async def revoke_sessions(self, session_ids: Iterable[str], ts: int, why: str) -> None:
        for each in session_ids:
            known = self._sessions.get(each)
            if known is not None and not known.revoked_at:
                self._sessions[each] = replace(known, revoked_at=ts, revoked_why=why)

    async def note_seen(self, seen: Mapping[str, int]) -> None:
        for each, ts in seen.items():
            known = self._sessions.get(each)
            if known is not None and ts > known.seen_at:
                self._sessions[each] = replace(known, seen_at=ts)

    async def refresh_token(self, digest: bytes) -> RefreshToken | None:
        return self._tokens.get(digest)

    async def rotate_refresh_token(
        self, digest: bytes, successor: RefreshToken, session: Session, ts: int
    ) -> bool:
        token = self._tokens.get(digest)
        known = self._sessions.get(session.id)
        if token is None or token.used_at or known is None or known.revoked_at:
            return False
        self._tokens[digest] = replace(token, used_at=ts)
        self._tokens[successor.digest] = successor
        await self.save_session(session)
        return True

    # Links and invitations

    async def add_link(self, link: SignInLink) -> None:
        self._links[link.digest] = link

    async def link(self, digest: bytes) -> SignInLink | None:
        return self._links.get(digest)

    async def take_link(self, digest: bytes, ts: int) -> bool:
        if not self._is_link_open(digest, ts):
            return False
        self._links[digest] = replace(self._links[digest], used_at=ts)
        return True

    async def add_invitation(self, invitation: Invitation) -> None:
        self._invitations[invitation.digest] = invitation

    async def invitations(self) -> tuple[Invitation, ...]:
        newest = sorted(self._invitations.values(), key=lambda each: each.created_at)
        return tuple(reversed(newest))

    async def invitation(self, digest: bytes) -> Invitation | None:
        return self._invitations.get(digest)

    async def end_ways_in(self, maker: str, user_id: str, ts: int) -> None:
        self._invitations = {
            digest: replace(each, revoked_at=ts)
            if each.made_by == maker and not each.used_at and not each.revoked_at
            else each
            for digest, each in self._invitations.items()
        }
        self._links = {
            digest: each
            for digest, each in self._links.items()
            if each.used_at or (each.made_by != maker and each.user_id != user_id)
        }

    async def revoke_invitation(self, invitation_id: str, ts: int) -> bool:
        for digest, each in self._invitations.items():
            if each.id == invitation_id and not each.used_at and not each.revoked_at:
                self._invitations[digest] = replace(each, revoked_at=ts)
                return True
        return False

    # Second factors

    async def totp(self, user_id: str) -> Totp | None:
        return self._totp.get(user_id)

    async def enrol_totp(self, totp: Totp) -> bool:
        known = self._totp.get(totp.user_id)
        if known is not None and known.is_confirmed:
            return False
        self._totp[totp.user_id] = totp
        return True

    async def confirm_totp(self, user_id: str, step: int, codes: Iterable[RecoveryCode]) -> bool:
        known = self._totp.get(user_id)
        if known is None or known.is_confirmed:
            return False
        self._totp[user_id] = replace(known, is_confirmed=True, last_step=step)
        await self.replace_recovery_codes(user_id, codes)
        return True

    async def advance_totp(self, user_id: str, step: int) -> bool:
        known = self._totp.get(user_id)
        if known is None or known.last_step >= step:
            return False
        self._totp[user_id] = replace(known, last_step=step)
        return True

    async def remove_totp(self, user_id: str) -> None:
        self._totp.pop(user_id, None)
        await self.replace_recovery_codes(user_id, ())

    async def replace_recovery_codes(self, user_id: str, codes: Iterable[RecoveryCode]) -> None:
        kept = {place: code for place, code in self._codes.items() if place[0] != user_id}
        self._codes = kept | {(user_id, code.digest): code for code in codes}

    async def take_recovery_code(self, user_id: str, digest: bytes, ts: int) -> bool:
        found = self._codes.get((user_id, digest))
        if found is None or found.used_at:
            return False
        self._codes[user_id, digest] = replace(found, used_at=ts)
        return True

    async def recovery_codes_left(self, user_id: str) -> int:
        return sum(each.user_id == user_id and not each.used_at for each in self._codes.values())

    # API keys

    async def api_keys(self) -> tuple[ApiKey, ...]:
        return tuple(sorted(self._keys.values(), key=lambda key: key.created_at))

    async def add_api_key(self, key: ApiKey) -> bool:
        if key.id in self._keys:
            return False
        self._keys[key.id] = key
        return True

    async def revoke_api_key(self, key_id: str, ts: int) -> bool:
        known = self._keys.get(key_id)
        if known is None or known.revoked_at:
            return False
        self._keys[key_id] = replace(known, revoked_at=ts)
        return True

    async def note_used(self, used: Mapping[str, int]) -> None:
        for each, ts in used.items():
            known = self._keys.get(each)
            if known is not None and ts > known.last_used_at:
                self._keys[each] = replace(known, last_used_at=ts)

    # Signing keys and secrets

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        return tuple(sorted(self._signing.values(), key=lambda key: key.created_at))

    async def put_signing_keys(self, keys: Iterable[SigningKey]) -> None:
        self._signing |= {key.kid: key for key in keys}

    async def remove_signing_key(self, kid: str) -> None:
        self._signing.pop(kid, None)

    async def secret(self, name: str) -> Secret | None:
        return self._secrets.get(name)

    async def add_secret(self, secret: Secret) -> bool:
        if secret.name in self._secrets:
            return False
        self._secrets[secret.name] = secret
        return True

    async def forget_before(self, ts: int) -> None:
        self._drop_sessions(
            {
                each.id
                for each in self._sessions.values()
                if (each.revoked_at or min(each.ends_at, each.idle_ends_at)) < ts
            }
        )
        self._links = {d: each for d, each in self._links.items() if each.expires_at >= ts}
        self._invitations = {
            d: each for d, each in self._invitations.items() if each.expires_at >= ts
        }
        self._keys = {
            i: each for i, each in self._keys.items() if (each.revoked_at or each.expires_at) >= ts
        }

    def _is_link_open(self, digest: bytes, ts: int) -> bool:
        found = self._links.get(digest)
        return found is not None and not found.used_at and ts < found.expires_at

    def _drop_sessions(self, gone: set[str]) -> None:
        self._sessions = {i: each for i, each in self._sessions.items() if i not in gone}
        self._tokens = {d: each for d, each in self._tokens.items() if each.session_id not in gone}
