"""One-time links and invitations: tokens that let somebody in once."""

from typing import Final

from botcore.control.access import ActorKind, Role
from botcore.control.identity.config import IdentityConfig
from botcore.control.identity.opaque import digest_of, new_id, new_token
from botcore.control.identity.ports import (
    Invitation,
    LinkPurpose,
    LinkStore,
    SignInLink,
    User,
)
from botcore.control.problems import Forbidden
from botcore.domain.ids import MINUTE_NS, SECOND_NS
from botcore.kernel.clock import Clock

LINK: Final = "lnk_"
INVITATION: Final = "inv_"


class Links:
    """Makes links and invitations, and says what became of one.

    Args:
        store: keeps them.
        config: how long they are good for, and where they lead.
        clock: they end by it.
    """

    def __init__(self, *, store: LinkStore, config: IdentityConfig, clock: Clock) -> None:
        self._store = store
        self._config = config
        self._clock = clock

    async def make(
        self, purpose: LinkPurpose, *, user_id: str = "", made_by: str
    ) -> tuple[str, SignInLink]:
        """Make a link; return its token, shown once, and what is stored of it."""
        now = self._clock.now_ns()
        life_s = self._config.reset_s if purpose is LinkPurpose.RESET else self._config.link_s
        token = new_token(LINK)
        link = SignInLink(
            digest=digest_of(token),
            purpose=purpose,
            user_id=user_id,
            made_by=made_by,
            created_at=now,
            expires_at=now + life_s * SECOND_NS,
        )
        await self._store.add_link(link)
        return token, link

    async def open_link(self, token: str) -> SignInLink:
        """Return the link with this token if it is good now; it is not used up.

        Raises:
            Forbidden: it is unknown, used or has ended; each says so.
        """
        link = await self._store.link(digest_of(token))
        if link is None:
            raise Forbidden(
                code="LINK_UNKNOWN",
                cause="this server knows no such link",
                fix="make a fresh one with `./bot open`",
            )
        if link.used_at:
            raise used_link(link.purpose)
        if link.expires_at <= self._clock.now_ns():
            raise _late_link(link.purpose, (link.expires_at - link.created_at) // MINUTE_NS)
        return link

    async def take(self, link: SignInLink) -> None:
        """Use a link up.

        Raises:
            Forbidden: somebody used it first.
        """
        if not await self._store.take_link(link.digest, self._clock.now_ns()):
            raise used_link(link.purpose)

    async def invite(self, role: Role, *, note: str, made_by: str) -> tuple[str, Invitation]:
        """Make an invitation; return its token, shown once, and what is stored of it."""
        now = self._clock.now_ns()
        token = new_token(INVITATION)
        invitation = Invitation(
            id=new_id(),
            digest=digest_of(token),
            role=role,
            note=note,
            made_by=made_by,
            created_at=now,
            expires_at=now + self._config.invitation_s * SECOND_NS,
        )
        await self._store.add_invitation(invitation)
        return token, invitation

    async def open_invitation(self, token: str) -> Invitation:
        """Return the invitation with this token if it is good now; it is not used up.

        Raises:
            Forbidden: it is unknown, used, revoked or has ended; each says so.
        """
        found = await self._store.invitation(digest_of(token))
        if found is None:
            raise Forbidden(
                code="INVITATION_UNKNOWN",
                cause="this server knows no such invitation",
                fix="ask who invited you for a new one",
            )
        if found.used_at:
            raise used_invitation()
        if found.revoked_at or found.expires_at <= self._clock.now_ns():
            raise Forbidden(
                code="INVITATION_ENDED",
                cause="the invitation " + ("was revoked" if found.revoked_at else "has expired"),
                fix="ask who invited you for a new one",
            )
        return found

    async def invitations(self) -> tuple[Invitation, ...]:
        """Return those that can still be used, the newest first."""
        now = self._clock.now_ns()
        return tuple(
            each
            for each in await self._store.invitations()
            if not each.used_at and not each.revoked_at and each.expires_at > now
        )

    async def revoke_invitation(self, invitation_id: str) -> bool:
        """Revoke one; False where it is unknown, used or was revoked."""
        return await self._store.revoke_invitation(invitation_id, self._clock.now_ns())

    async def end_ways_in(self, user: User) -> None:
        """End the invitations and links that a user made, and the links for him, for good.

        Neither he, let in again, nor another of his name brings them back.
        """
        maker = f"{ActorKind.PERSON}:{user.username}"
        await self._store.end_ways_in(maker, user.id, self._clock.now_ns())

    def address(self, token: str, username: str = "") -> str:
        """Return where a browser takes a token: in the fragment, which is sent to no server.

        Args:
            token: of a link or an invitation.
            username: whom it is for, shown by the page; empty where that is open.
        """
        kind = "invitation" if token.startswith(INVITATION) else "link"
        whom = f"&user={username}" if username else ""
        return f"{self._config.public_url}/sign-in#{kind}={token}{whom}"


def used_link(purpose: LinkPurpose = LinkPurpose.SIGN_IN) -> Forbidden:
    """Return the refusal of a link that was used."""
    if purpose is LinkPurpose.RESET:
        return Forbidden(
            code="LINK_USED",
            cause="the link was used before; each is good once",
            fix="the owner makes a fresh one with `./bot user reset NAME`",
        )
    return Forbidden(
        code="LINK_USED",
        cause="the link was used before; each is good once",
        fix="make a fresh one with `./bot open`",
    )


def _late_link(purpose: LinkPurpose, minutes: int) -> Forbidden:
    if purpose is LinkPurpose.RESET:
        return Forbidden(
            code="LINK_EXPIRED",
            cause=f"the link was good for {minutes} minutes and has ended",
            fix="the owner makes a fresh one with `./bot user reset NAME`",
        )
    return Forbidden(
        code="LINK_EXPIRED",
        cause=f"the link was good for {minutes} minutes and has ended",
        fix="make a fresh one with `./bot open`",
    )


def void_link() -> Forbidden:
    """Return the refusal of a link that its maker could not make any more."""
    return Forbidden(
        code="LINK_EXPIRED",
        cause="who made the link may not let you in any more",
        fix="ask the owner of this server for a fresh one",
    )


def void_invitation() -> Forbidden:
    """Return the refusal of an invitation that its maker could not make any more."""
    return Forbidden(
        code="INVITATION_ENDED",
        cause="who made the invitation may not invite to that role any more",
        fix="ask the owner of this server for a new one",
    )


def used_invitation() -> Forbidden:
    """Return the refusal of an invitation that was used."""
    return Forbidden(
        code="INVITATION_USED",
        cause="the invitation was used before; each is good once",
        fix="sign in, or ask who invited you for a new one",
    )
