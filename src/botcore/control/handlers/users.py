"""Handlers of users and invitations: nobody raises himself, and the last owner stays."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from botcore.control.access import Actor, ActorKind, Role
from botcore.control.handlers.paging import page_of
from botcore.control.handlers.sessions import shown_page
from botcore.control.handling import Context, Effect, Handling
from botcore.control.identity.api_keys import ApiKeys
from botcore.control.identity.factors import Factors
from botcore.control.identity.links import Links
from botcore.control.identity.notices import Notice, NoticeKind, Notify
from botcore.control.identity.opaque import new_id
from botcore.control.identity.people import People
from botcore.control.identity.ports import Invitation, LinkPurpose, User
from botcore.control.identity.sessions import Sessions
from botcore.control.identity.sign_in import SignIn
from botcore.control.operations import Done, Page, Request
from botcore.control.problems import Forbidden, NotFound
from botcore.control.schema import users as u
from botcore.control.schema.auth import SignInLink
from botcore.control.schema.sessions import SessionShown
from botcore.control.schema.values import instant
from botcore.kernel.clock import Clock

_replace = msgspec.structs.replace
ShutOut = Callable[[str], Awaitable[None]]
"""Takes the id of a user who may do less than before."""


class UserHandlers:
    """Makes, changes and removes users, and invites them.

    Args:
        people, sessions, keys, factors, links, sign_in: parts of `Identity`.
        notify: tells a user of what was done to his account.
        clock: dates new users.
        shut_out: stops the jobs of a user who may run none any more.
    """

    def __init__(
        self,
        *,
        people: People,
        sessions: Sessions,
        keys: ApiKeys,
        factors: Factors,
        links: Links,
        sign_in: SignIn,
        notify: Notify,
        clock: Clock,
        shut_out: ShutOut,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._keys = keys
        self._factors = factors
        self._links = links
        self._sign_in = sign_in
        self._notify = notify
        self._clock = clock
        self._shut_out = shut_out

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            u.ListUsers: Handling(self.list),
            u.AddUser: Handling(self.add),
            u.InviteUser: Handling(self.invite),
            u.ListInvitations: Handling(self.invitations),
            u.RevokeInvitation: Handling(self.revoke_invitation),
            u.SetRole: Handling(self.set_role),
            u.DisableUser: Handling(self.disable),
            u.EnableUser: Handling(self.enable),
            u.ResetUser: Handling(self.reset),
            u.RemoveUser: Handling(self.remove, self.effect_of_remove),
            u.ListUserSessions: Handling(self.sessions),
        }

    # Users.

    async def list(self, _context: Context, request: u.ListUsers) -> Page[u.UserShown]:
        """List users."""
        found = [user for user in self._people.all() if request.role in (None, user.role)]
        page = page_of(
            found, key=lambda user: user.username, limit=request.limit, cursor=request.cursor
        )
        shown = tuple([await self._shown(user) for user in page.items])
        return Page(items=shown, next_cursor=page.next_cursor)

    async def add(self, context: Context, request: u.AddUser) -> u.UserMade:
        """Make a user without a password, and the link that sets it."""
        async with self._people.changing:
            self._people.require_may_grant(context.actor, request.role)
            user = User(
                id=new_id(),
                username=request.user.lower(),
                email=request.email,
                role=request.role,
                created_at=self._clock.now_ns(),
            )
            await self._people.add(user)
            context.noted.changed(f"user {user.username}", None, user.role)
        link = await self._link(user, context.actor)
        return u.UserMade(user=await self._shown(user), link=link)

    async def set_role(self, context: Context, request: u.SetRole) -> u.UserShown:
        """Change a role; sockets reconnect with what the new one grants."""
        async with self._people.changing:
            user = self._managed(context, request.user)
            self._people.require_may_grant(context.actor, request.role)
            if request.role is not Role.OWNER:
                self._people.require_another_owner(user)
            changed = _replace(user, role=request.role)
            context.noted.changed(f"role of {user.username}", user.role, request.role)
            await self._people.change(changed)
        self._sessions.rescope(user.id)
        self._keys.suspend(user.id)
        text = f"The role was changed from {user.role} to {request.role} by {context.actor.name}."
        self._tell(NoticeKind.ROLE_CHANGED, user, context.actor, text)
        await self._shut_out(user.id)
        return await self._shown(changed)

    async def disable(self, context: Context, request: u.DisableUser) -> u.UserShown:
        """Let a user in no more, and stop what runs for him."""
        async with self._people.changing:
            user = self._managed(context, request.user)
            self._people.require_another_owner(user)
            changed = _replace(user, is_disabled=True)
            context.noted.changed(f"{user.username} is disabled", user.is_disabled, True)
            await self._people.change(changed)
        self._keys.suspend(user.id)
        try:
            await self._sessions.revoke_all(user.id, f"disabled by {context.actor.name}")
            await self._links.end_ways_in(user)
        finally:
            await self._shut_out(user.id)
        return await self._shown(changed)

    async def enable(self, context: Context, request: u.EnableUser) -> u.UserShown:
        """Let a user in again."""
        async with self._people.changing:
            user = self._managed(context, request.user)
            changed = _replace(user, is_disabled=False)
            context.noted.changed(f"{user.username} is disabled", user.is_disabled, False)
            await self._people.change(changed)
        return await self._shown(changed)

    async def reset(self, context: Context, request: u.ResetUser) -> SignInLink:
        """Make a link that sets a password; the second factor stays, unless at the machine."""
        user = self._managed(context, request.user)
        if request.clear_second_factor:
            if context.actor.kind is not ActorKind.LOCAL:
                raise Forbidden(
                    code="FACTOR_BY_OWNER",
                    cause="a second factor is cleared at the machine itself only",
                    fix=f"run `./bot user reset {user.username} --clear-second-factor` there",
                )
            has_one = await self._factors.is_set_up(user.id)
            context.noted.changed(f"second factor of {user.username}", has_one, False)
            await self._sign_in.remove_factor(user.id, keep="", address=context.actor.address)
        return await self._link(user, context.actor)

    async def remove(self, context: Context, request: u.RemoveUser) -> Done:
        """Remove a user with all that is his; his jobs stop, and what they made stays."""
        async with self._people.changing:
            user = self._managed(context, request.user)
            self._people.require_another_owner(user)
            context.noted.changed(f"user {user.username}", user.role, None)
            try:
                await self._people.remove(user)
                await self._links.end_ways_in(user)
            finally:  # and only now: until he was gone he could still sign in
                self._keys.forget(user.id)
                try:
                    await self._sessions.revoke_all(user.id, f"removed by {context.actor.name}")
                finally:
                    await self._shut_out(user.id)
        return Done(detail=f"{user.username} was removed")

    async def effect_of_remove(self, context: Context, request: u.RemoveUser) -> Effect:
        """Say what goes with him."""
        user = self._managed(context, request.user)
        sessions, keys = len(self._sessions.of(user.id)), len(self._keys.of(user.id))
        return Effect(
            f"Remove {user.username} ({user.role}) with {sessions} sessions and {keys} API keys; "
            "this cannot be undone"
        )

    async def sessions(self, context: Context, request: u.ListUserSessions) -> Page[SessionShown]:
        """List where a user is signed in."""
        user = self._people.require(request.user)
        return shown_page(context, self._sessions, user, request.limit, request.cursor)

    # Invitations.

    async def invite(self, context: Context, request: u.InviteUser) -> u.InvitationMade:
        """Make an invitation."""
        self._people.require_may_grant(context.actor, request.role)
        token, invitation = await self._links.invite(
            request.role, note=request.note, made_by=context.actor.name
        )
        context.noted.changed(f"invitation {invitation.id}", None, invitation.role)
        return u.InvitationMade(
            invitation=_invitation(invitation), url=self._links.address(token), token=token
        )

    async def invitations(
        self, _context: Context, request: u.ListInvitations
    ) -> Page[u.InvitationShown]:
        """List invitations that can still be used."""
        return page_of(
            [_invitation(each) for each in await self._links.invitations()],
            key=lambda each: f"{each.created_at.isoformat()} {each.id}",
            limit=request.limit,
            cursor=request.cursor,
            is_newest=True,
        )

    async def revoke_invitation(self, context: Context, request: u.RevokeInvitation) -> Done:
        """Revoke one that who asks could have made."""
        for each in await self._links.invitations():
            if each.id == request.id:
                self._people.require_may_grant(context.actor, each.role)
                context.noted.changed(f"invitation {each.id}", each.role, None)
        if not await self._links.revoke_invitation(request.id):
            raise NotFound(
                code="INVITATION_UNKNOWN",
                cause=f"there is no open invitation {request.id}",
                fix="see `./bot user invitations`; it may have been used",
            )
        return Done(detail="the invitation was revoked")

    def _managed(self, context: Context, username: str) -> User:
        user = self._people.require(username)
        self._people.require_may_manage(context.actor, user)
        return user

    async def _link(self, user: User, actor: Actor) -> SignInLink:
        token, link, _ = await self._sign_in.make_link(
            user.username, purpose=LinkPurpose.RESET, made_by=actor.name
        )
        return SignInLink(
            url=self._links.address(token, user.username),
            token=token,
            username=user.username,
            expires_at=instant(link.expires_at),
        )

    async def _shown(self, user: User) -> u.UserShown:
        return u.UserShown(
            username=user.username,
            email=user.email,
            role=user.role,
            is_disabled=user.is_disabled,
            has_password=bool(user.password_hash),
            has_second_factor=await self._factors.is_set_up(user.id),
            sessions=len(self._sessions.of(user.id)),
            keys=len(self._keys.of(user.id)),
            created_at=instant(user.created_at),
            last_login=instant(user.last_login) if user.last_login else None,
        )

    def _tell(self, kind: NoticeKind, user: User, actor: Actor, text: str) -> None:
        self._notify(Notice(kind=kind, user_id=user.id, address=actor.address, text=text))


def _invitation(invitation: Invitation) -> u.InvitationShown:
    return u.InvitationShown(
        id=invitation.id,
        role=invitation.role,
        note=invitation.note,
        made_by=invitation.made_by,
        created_at=instant(invitation.created_at),
        expires_at=instant(invitation.expires_at),
    )
