"""The users of this server, in memory beside the store, and who may do what to whom."""

import asyncio
from typing import Final

import msgspec

from botcore.control.access import GRANTS, Actor, ActorKind, Role, Scope
from botcore.control.identity.ports import User, UserStore
from botcore.control.problems import Conflict, Forbidden, NotFound

_RANK: Final = {role: rank for rank, role in enumerate(Role)}
"""0 is the most powerful."""
_replace = msgspec.structs.replace


class People:
    """All users; every change goes through here.

    Args:
        store: keeps them.
    """

    def __init__(self, store: UserStore) -> None:
        self._store = store
        self._by_id: dict[str, User] = {}
        self._by_name: dict[str, User] = {}
        self._saving = asyncio.Lock()
        self.changing = asyncio.Lock()
        """Held by who checks a rule about users and then changes them."""

    async def load(self) -> None:
        """Read them all."""
        for user in await self._store.users():
            self._hold(user)

    def all(self) -> tuple[User, ...]:
        """Return them, by username."""
        return tuple(user for _, user in sorted(self._by_name.items()))

    def get(self, user_id: str) -> User | None:
        """Return the one with this id, or None."""
        return self._by_id.get(user_id)

    def named(self, username: str) -> User | None:
        """Return the one with this username, in any case, or None."""
        return self._by_name.get(username.lower())

    def require(self, username: str) -> User:
        """Return the one with this username.

        Raises:
            NotFound: there is none.
        """
        user = self.named(username)
        if user is None:
            raise NotFound(
                code="USER_UNKNOWN",
                cause=f"there is no user {username}",
                fix="see `./bot user list`",
            )
        return user

    def owner(self) -> User | None:
        """Return the owner who was made first, or None while there is none."""
        owners = [user for user in self._by_id.values() if user.role is Role.OWNER]
        return min(owners, key=lambda user: user.created_at, default=None)

    async def add(self, user: User) -> None:
        """Add one.

        Raises:
            Conflict: the username is taken.
        """
        self.require_free(user.username)
        if not await self._store.add_user(user):
            raise _taken(user.username)
        self._hold(user)

    async def add_by_link(self, user: User, digest: bytes, ts: int) -> bool:
        """Add one and use a link up, both or neither; False where somebody used it first."""
        added = await self._store.add_user_by_link(user, digest, ts)
        if added:
            self._hold(user)
        return added

    async def add_by_invitation(self, user: User, digest: bytes, ts: int) -> bool:
        """Add one and use an invitation up, both or neither; False where it was used first."""
        added = await self._store.add_user_by_invitation(user, digest, ts)
        if added:
            self._hold(user)
        return added

    async def change(self, user: User) -> None:
        """Put `user` in the place of the one with his id, at once, then in the store.

        Raises:
            StorageError: it cannot be stored; it holds until the next start.
        """
        self._hold(user)
        async with self._saving:  # one at a time, and what holds then: none overtakes another
            newest = self._by_id.get(user.id)
            if newest is not None:
                await self._store.save_user(newest)

    async def remove(self, user: User) -> None:
        """Remove one with all that is his."""
        self._by_id.pop(user.id, None)
        self._by_name.pop(user.username, None)
        await self._store.remove_user(user.id)

    def require_free(self, username: str) -> None:
        """Refuse a username that is taken.

        Raises:
            Conflict: it is.
        """
        if self.named(username) is not None:
            raise _taken(username)

    def require_may_manage(self, actor: Actor, user: User) -> None:
        """Refuse an act on a user who is more powerful than who asks.

        Raises:
            Forbidden: he is.
        """
        if actor.role is None or _RANK[user.role] < _RANK[actor.role]:
            raise Forbidden(
                code="USER_ABOVE_YOU",
                cause=f"{user.username} is {user.role}, and you are {actor.role or 'nobody'}",
                fix="ask the owner of this server",
            )

    def require_may_grant(self, actor: Actor, role: Role) -> None:
        """Refuse to give a role that is more powerful than who asks.

        Raises:
            Forbidden: it is.
        """
        if actor.role is None or _RANK[role] < _RANK[actor.role]:
            raise Forbidden(
                code="ROLE_ABOVE_YOURS",
                cause=f"the role {role} is above your own, {actor.role or 'none'}",
                fix="ask the owner of this server",
            )

    def may_still_let_in(self, maker: str, role: Role) -> bool:
        """Whether who made a link or an invitation could make it now, for somebody of this role.

        Args:
            maker: name of the actor. A person must still be here, enabled, manage users and be no
                less powerful; the machine itself always may.
            role: that of the user, or the one that is given.
        """
        kind, _, username = maker.partition(":")
        if kind != ActorKind.PERSON:
            return True
        found = self._by_name.get(username)
        return (
            found is not None
            and not found.is_disabled
            and Scope.ADMIN_USERS in GRANTS[found.role]
            and _RANK[found.role] <= _RANK[role]
        )

    def may(self, user_id: str, scope: Scope) -> bool:
        """Whether a user is here, enabled, and has a role with this scope."""
        user = self._by_id.get(user_id)
        return user is not None and not user.is_disabled and scope in GRANTS[user.role]

    def require_another_owner(self, user: User) -> None:
        """Refuse to lose the last owner who can sign in.

        Raises:
            Conflict: `user` is that one.
        """
        owners = [
            each
            for each in self._by_id.values()
            if each.role is Role.OWNER and not each.is_disabled
        ]
        if [each.id for each in owners] == [user.id]:
            raise Conflict(
                code="LAST_OWNER",
                cause=f"{user.username} is the last owner of this server",
                fix="make another user owner first",
            )

    def _hold(self, user: User) -> None:
        self._by_id[user.id] = user
        self._by_name[user.username] = user


def _taken(username: str) -> Conflict:
    return Conflict(
        code="USERNAME_TAKEN",
        cause=f"there is a user {username} already",
        fix="choose another username",
    )
