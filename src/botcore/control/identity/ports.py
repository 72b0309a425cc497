"""Who may sign in and with what, as it is stored; and what the store must be able to do.

Instants are nanoseconds since 1970; 0 says "never" or "not yet". What is secret is stored as a
digest, or sealed (`identity.envelope`); never as it is. One process writes, and it keeps users,
sessions and keys in memory beside the store. Where exactly one of several callers may win, the
method is a compare-and-set in one transaction and returns whether this caller did.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec

from botcore.control.access import Role, Scope


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A person with an account on this server.

    Attributes:
        id: opaque, never used again.
        username: unique, lower case, never changes.
        email: for people; nothing is sent to it and nobody is found by it. May be empty.
        password_hash: PHC string (argon2id); empty while no password was set.
        created_at, last_login, password_changed_at: instants; 0 is never.
    """

    id: str
    username: str
    email: str = ""
    password_hash: str = ""
    role: Role
    is_disabled: bool = False
    created_at: int
    last_login: int = 0
    password_changed_at: int = 0


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One sign-in of one user; its refresh tokens are one family.

    Attributes:
        id: opaque, the claim ``sid`` of its access tokens.
        is_staying: it outlives the browser: "stay signed in".
        created_at: when the person signed in.
        ends_at: the latest instant it may last to.
        idle_ends_at: when it ends unless it is refreshed before.
        seen_at: when it was last used; stored from time to time.
        auth_time: when a factor was last shown.
        methods: how: ``pwd``, ``otp``, ``recovery``, ``link`` (claim ``amr``).
        address, device: where from; as text, for people.
        revoked_at: 0 while it lives.
        revoked_why: one word or two, for people; empty while it lives.
    """

    id: str
    user_id: str
    is_staying: bool = False
    created_at: int
    ends_at: int
    idle_ends_at: int
    seen_at: int
    auth_time: int
    methods: tuple[str, ...]
    address: str = ""
    device: str = ""
    revoked_at: int = 0
    revoked_why: str = ""


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """One refresh token of a session.

    Attributes:
        digest: SHA-256 of the token, 32 bytes; unique.
        used_at: when it was exchanged for the next; 0 while it was not.
    """

    digest: bytes
    session_id: str
    created_at: int
    expires_at: int
    used_at: int = 0


class LinkPurpose(StrEnum):
    """What a one-time link is for."""

    FIRST_OWNER = "first owner"
    """To make the owner, while there is none; it names no user."""
    SIGN_IN = "sign in"
    RESET = "reset"
    """To set a password without the old one."""


class SignInLink(msgspec.Struct, frozen=True, kw_only=True):
    """A link that signs one user in, once.

    Attributes:
        digest: SHA-256 of its token, 32 bytes; unique.
        user_id: whom; empty for the first owner.
        made_by: name of the actor who made it.
        used_at: 0 while it was not used.
    """

    digest: bytes
    purpose: LinkPurpose
    user_id: str = ""
    made_by: str
    created_at: int
    expires_at: int
    used_at: int = 0


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """Lets one person register with the role it names, once.

    Attributes:
        id: opaque, for lists and for revoking.
        digest: SHA-256 of its token, 32 bytes; unique.
        note: for whom it is, in the maker's words.
        used_by: id of the user who was made with it.
    """

    id: str
    digest: bytes
    role: Role
    note: str = ""
    made_by: str
    created_at: int
    expires_at: int
    used_at: int = 0
    used_by: str = ""
    revoked_at: int = 0


class Totp(msgspec.Struct, frozen=True, kw_only=True):
    """A user's second factor: time-based codes.

    Attributes:
        sealed: the seed, sealed for this row.
        is_confirmed: a code was shown once; before that it is not asked for.
        last_step: the newest time step whose code was used; never goes back.
    """

    user_id: str
    sealed: bytes
    is_confirmed: bool = False
    last_step: int = 0
    created_at: int


class RecoveryCode(msgspec.Struct, frozen=True, kw_only=True):
    """One code that stands in for the second factor, once.

    Attributes:
        digest: SHA-256 over user and code, 32 bytes; unique for a user.
    """

    user_id: str
    digest: bytes
    used_at: int = 0


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A program's own credential.

    Attributes:
        id: eight characters, shown in the key itself; unique.
        name: for people.
        environment: what the key says it is for; a key of another one is refused.
        digest: HMAC-SHA256 of its secret, 32 bytes.
        scopes: what it may, as far as its user still may it.
        networks: addresses it may come from, as CIDR; empty is anywhere.
        symbols: instruments it may trade; empty is all.
        max_notional: of one order, in the account's currency; None is no bound of its own.
        is_unattended: its acts need no confirmation.
        last_used_at: stored from time to time; 0 is never.
    """

    id: str
    user_id: str
    name: str
    environment: str
    digest: bytes
    scopes: frozenset[Scope]
    networks: tuple[str, ...] = ()
    symbols: frozenset[str] = frozenset()
    max_notional: Decimal | None = None
    is_unattended: bool = False
    created_at: int
    expires_at: int
    last_used_at: int = 0
    revoked_at: int = 0


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key that signs access tokens.

    Attributes:
        kid: its id in token headers; unique.
        algorithm: ``RS256`` or ``Ed25519``, fixed for its life.
        sealed: the private key as JSON Web Key, sealed for this row.
        signs_from: when it began to sign; 0 while it is only published.
        signs_until: when it ceased; 0 while it did not. It verifies a little longer.
    """

    kid: str
    algorithm: str
    sealed: bytes
    created_at: int
    signs_from: int = 0
    signs_until: int = 0


class Secret(msgspec.Struct, frozen=True, kw_only=True):
    """A secret of the server itself, by name: the pepper of API keys.

    Attributes:
        sealed: sealed for this row.
    """

    name: str
    sealed: bytes
    created_at: int


class UserStore(Protocol):
    """Table ``users``. Every method may raise StorageError."""

    async def users(self) -> tuple[User, ...]:
        """Return all, oldest first."""
        ...

    async def add_user(self, user: User) -> bool:
        """Add one; False where the username or id is taken."""
        ...

    async def add_user_by_link(self, user: User, digest: bytes, ts: int) -> bool:
        """Use a link up and add a user, both or neither.

        False where the link is unknown, used or past its end at `ts`, or the username is taken.
        """
        ...

    async def add_user_by_invitation(self, user: User, digest: bytes, ts: int) -> bool:
        """As `add_user_by_link` with an invitation, which notes the user; a revoked one loses."""
        ...

    async def save_user(self, user: User) -> None:
        """Overwrite one, by id; nothing if there is none."""
        ...

    async def remove_user(self, user_id: str) -> None:
        """Remove one with sessions, refresh tokens, links, factors and keys, all or nothing."""
        ...


class SessionStore(Protocol):
    """Sessions and their refresh tokens. Every method may raise StorageError."""

    async def live_sessions(self, ts: int) -> tuple[Session, ...]:
        """Return those neither revoked nor past either end at `ts`, oldest first."""
        ...

    async def add_session(self, session: Session, token: RefreshToken) -> None:
        """Add a session with its first token, both or neither."""
        ...

    async def save_session(self, session: Session) -> None:
        """Overwrite one, by id, but for `revoked_at` and `revoked_why`; nothing if there is none.

        A revoked session is not changed.
        """
        ...

    async def revoke_sessions(self, session_ids: Iterable[str], ts: int, why: str) -> None:
        """Note that they ended, those that had not."""
        ...

    async def note_seen(self, seen: Mapping[str, int]) -> None:
        """Set `seen_at` by session id, where it is later than what stands there."""
        ...

    async def refresh_token(self, digest: bytes) -> RefreshToken | None:
        """Return one, used or not."""
        ...

    async def rotate_refresh_token(
        self, digest: bytes, successor: RefreshToken, session: Session, ts: int
    ) -> bool:
        """Mark a token used at `ts`, add its successor and save the session, all or nothing.

        Exactly one caller wins: False where the token is unknown or was used, or its session was
        revoked; then nothing is changed.
        """
        ...


class LinkStore(Protocol):
    """One-time links and invitations. Every method may raise StorageError."""

    async def add_link(self, link: SignInLink) -> None:
        """Add one."""
        ...

    async def link(self, digest: bytes) -> SignInLink | None:
        """Return one, used or not."""
        ...

    async def take_link(self, digest: bytes, ts: int) -> bool:
        """Mark one used. Exactly one caller wins; False if unknown, used or past its end."""
        ...

    async def add_invitation(self, invitation: Invitation) -> None:
        """Add one."""
        ...

    async def invitations(self) -> tuple[Invitation, ...]:
        """Return all that are kept, newest first."""
        ...

    async def invitation(self, digest: bytes) -> Invitation | None:
        """Return one by its token's digest, whatever became of it."""
        ...

    async def revoke_invitation(self, invitation_id: str, ts: int) -> bool:
        """Revoke one; False where it is unknown, used or was revoked."""
        ...

    async def end_ways_in(self, maker: str, user_id: str, ts: int) -> None:
        """Revoke the open invitations that `maker` made, and delete links by him or for the user.

        All of them or none; what was used stays as it was.
        """
        ...


class FactorStore(Protocol):
    """Second factors. Every method may raise StorageError."""

    async def totp(self, user_id: str) -> Totp | None:
        """Return a user's, confirmed or not."""
        ...

    async def enrol_totp(self, totp: Totp) -> bool:
        """Put an unconfirmed one in the place of an unconfirmed one or none; False if confirmed."""
        ...

    async def confirm_totp(self, user_id: str, step: int, codes: Iterable[RecoveryCode]) -> bool:
        """Confirm it, set `last_step` and replace the recovery codes, all or nothing.

        Exactly one caller wins; False where there is none, or it was confirmed.
        """
        ...

    async def advance_totp(self, user_id: str, step: int) -> bool:
        """Set `last_step` if `step` is later than what stands there, and say whether it was."""
        ...

    async def remove_totp(self, user_id: str) -> None:
        """Remove the factor and all recovery codes of a user."""
        ...

    async def replace_recovery_codes(self, user_id: str, codes: Iterable[RecoveryCode]) -> None:
        """Put these in the place of all others of the user."""
        ...

    async def take_recovery_code(self, user_id: str, digest: bytes, ts: int) -> bool:
        """Mark one used. Exactly one caller wins; False if it is unknown or was used."""
        ...

    async def recovery_codes_left(self, user_id: str) -> int:
        """Return how many were not used."""
        ...


class KeyStore(Protocol):
    """API keys. Every method may raise StorageError."""

    async def api_keys(self) -> tuple[ApiKey, ...]:
        """Return all that are kept, revoked ones too, oldest first."""
        ...

    async def add_api_key(self, key: ApiKey) -> bool:
        """Add one; False where the id is taken."""
        ...

    async def revoke_api_key(self, key_id: str, ts: int) -> bool:
        """Revoke one; False where it is unknown or was revoked."""
        ...

    async def note_used(self, used: Mapping[str, int]) -> None:
        """Set `last_used_at` by key id, where it is later than what stands there."""
        ...


class SecretStore(Protocol):
    """Signing keys and secrets of the server. Every method may raise StorageError."""

    async def signing_keys(self) -> tuple[SigningKey, ...]:
        """Return all, oldest first."""
        ...

    async def put_signing_keys(self, keys: Iterable[SigningKey]) -> None:
        """Add or overwrite them, by `kid`, all or nothing."""
        ...

    async def remove_signing_key(self, kid: str) -> None:
        """Remove one; nothing if there is none."""
        ...

    async def secret(self, name: str) -> Secret | None:
        """Return one."""
        ...

    async def add_secret(self, secret: Secret) -> bool:
        """Add one; False where the name is taken, and then nothing is changed."""
        ...


class IdentityStore(
    UserStore, SessionStore, LinkStore, FactorStore, KeyStore, SecretStore, Protocol
):
    """All of it, in one store."""

    async def forget_before(self, ts: int) -> None:
        """Remove what ended before `ts`: sessions with their tokens, links, invitations, keys.

        A session ended when it was revoked or, unless it was, at the earlier of its two ends; a
        link and an invitation at their `expires_at`; a key when it was revoked or expired.
        """
        ...
