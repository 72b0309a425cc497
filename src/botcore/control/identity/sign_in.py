"""Signing in, staying signed in and showing a factor again: the steps, and their order.

Whatever can be tried is counted before it is checked. What takes time is checked again afterwards:
a user who was disabled, or whose password was changed, while his password was being hashed does
not get in.
"""

from typing import Final, NamedTuple

import msgspec

from botcore.control.access import GRANTS, Actor, Role
from botcore.control.identity import factors as second
from botcore.control.identity import links as one_time
from botcore.control.identity.access_tokens import AccessTokens
from botcore.control.identity.challenges import Challenges, ended
from botcore.control.identity.factors import Factors
from botcore.control.identity.links import Links
from botcore.control.identity.notices import Notice, NoticeKind, Notify
from botcore.control.identity.opaque import new_id
from botcore.control.identity.passwords import Passwords
from botcore.control.identity.people import People
from botcore.control.identity.ports import LinkPurpose, Session, SignInLink, User
from botcore.control.identity.sessions import Origin, Sessions
from botcore.control.identity.throttling import Throttle
from botcore.control.problems import Forbidden, Refused, Unauthenticated
from botcore.kernel.clock import Clock

_SECOND: Final = frozenset({second.OTP, second.RECOVERY})
_replace = msgspec.structs.replace


class Grant(NamedTuple):
    """Somebody is signed in.

    Attributes:
        access_ends_at: nanoseconds.
        refresh_token: opaque, good for one exchange.
    """

    user: User
    session: Session
    access_token: str
    access_ends_at: int
    refresh_token: str


class Pending(NamedTuple):
    """The first factor was right; `challenge` is to come back with the second."""

    user: User
    challenge: str


class SignIn:
    """Carries the steps out.

    Args:
        people, sessions, passwords, factors, links, challenges, tokens, throttle: its parts.
        notify: tells a user of what was done in his name.
        clock: dates changes.
    """

    def __init__(
        self,
        *,
        people: People,
        sessions: Sessions,
        passwords: Passwords,
        factors: Factors,
        links: Links,
        challenges: Challenges,
        tokens: AccessTokens,
        throttle: Throttle,
        notify: Notify,
        clock: Clock,
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._passwords = passwords
        self._factors = factors
        self._links = links
        self._challenges = challenges
        self._tokens = tokens
        self._throttle = throttle
        self._notify = notify
        self._clock = clock

    # Signing in.

    async def login(self, username: str, password: str, origin: Origin) -> Grant | Pending:
        """Sign in with a password.

        Raises:
            Unauthenticated: name or password is wrong; which of them is not said.
            Forbidden: the password is right and the account disabled.
            TooMany: too many tries.
        """
        self._throttle.try_from(origin.address)
        user = self._people.named(username)
        account = self._account(username, user, origin.address)
        self._throttle.try_account(account)
        proof = user.password_hash if user else ""
        is_right = await self._passwords.is_right(proof, password)
        now = self._people.get(user.id) if user else None
        if not is_right or now is None or now.password_hash != proof:
            raise _incorrect()
        self._throttle.succeeded(account)
        _require_enabled(now)
        return await self._first_shown(await self._rehashed(now, password), ("pwd",), origin)

    async def second_factor(self, challenge: str, code: str, address: str) -> Grant:
        """Finish a sign-in with its second factor.

        Raises:
            Unauthenticated: the attempt is over.
            Forbidden: the code is wrong, or the account was disabled.
            TooMany: too many tries.
        """
        self._throttle.try_from(address)
        attempt = self._challenges.find(challenge)
        self._throttle.try_account(_codes_of(attempt.user_id))
        self._challenges.count_try(challenge)
        method = await self._factors.check(attempt.user_id, code)
        if method is None:
            raise second.wrong_code()
        self._challenges.take(challenge)
        self._throttle.succeeded(_codes_of(attempt.user_id))
        user = self._people.get(attempt.user_id)
        if user is None or user.password_hash != attempt.proof:
            raise ended()
        _require_enabled(user)
        if method == second.RECOVERY:
            self._tell(NoticeKind.RECOVERY_CODE_USED, user.id, address, "A recovery code was used.")
        methods = (*attempt.methods, method)
        return await self._grant(user, methods, attempt.origin, new_hash=attempt.new_hash)

    async def refresh(self, token: str, address: str) -> Grant:
        """Exchange a refresh token for new tokens.

        Raises:
            Unauthenticated: the session has ended, or the token was used before, which ends it.
        """
        session, successor = await self._sessions.refresh(token, address)
        user = self._people.get(session.user_id)
        if user is None or user.is_disabled:
            await self._sessions.revoke([session.id], "user disabled")
            raise _session_over()
        access, ends = self._tokens.make(session, GRANTS[user.role])
        return Grant(user, session, access, ends, successor)

    async def logout(self, actor: Actor, refresh_token: str) -> None:
        """End the session of who asks, or the one that a refresh token belongs to."""
        ids = [actor.session] if actor.session else []
        if refresh_token:
            session = await self._sessions.session_of(refresh_token)
            ids += [session.id] if session else []
        await self._sessions.revoke(ids, "signed out")

    # By link and invitation.

    async def make_link(
        self, username: str, *, purpose: LinkPurpose = LinkPurpose.SIGN_IN, made_by: str
    ) -> tuple[str, SignInLink, User | None]:
        """Make a one-time link for a user; return its token, what is stored, and the user.

        Args:
            username: whom; empty is the owner, and while there is none, to make him.
            purpose: to sign in, or to set a password without the old one.
            made_by: name of the actor.

        Raises:
            NotFound: there is no such user.
            Forbidden: he is disabled.
        """
        user = self._people.require(username) if username else self._people.owner()
        if user is None:
            token, link = await self._links.make(LinkPurpose.FIRST_OWNER, made_by=made_by)
            return token, link, None
        _require_enabled(user)
        token, link = await self._links.make(purpose, user_id=user.id, made_by=made_by)
        return token, link, user

    async def take_link(self, token: str, new_password: str, origin: Origin) -> Grant | Pending:
        """Sign in with a one-time link; one that resets takes a new password.

        It stands in for the password only: a second factor is still asked for.

        Raises:
            Forbidden: it is unknown, used or ended, or the account is disabled.
            Refused: a password is missing, not asked for, or too easily guessed.
        """
        self._throttle.try_from(origin.address)
        link = await self._links.open_link(token)
        if link.purpose is LinkPurpose.FIRST_OWNER:
            if self._people.owner() is not None:
                raise one_time.used_link()
            raise Refused(
                code="LINK_REGISTERS",
                cause="this link makes the owner, and there is none yet",
                fix="POST /api/v1/auth/register with it, a username and a password",
            )
        user = self._people.get(link.user_id)
        if user is None:
            raise one_time.used_link()
        _require_enabled(user)
        new_hash = ""
        if link.purpose is LinkPurpose.RESET:
            await self._passwords.require_strong(new_password, about=_known_of(user))
            new_hash = await self._passwords.hash(new_password)
        elif new_password:
            raise Refused(
                code="LINK_SETS_NO_PASSWORD",
                cause="this link signs in, and sets no password",
                fix="leave the password out",
            )
        self._require_maker(link, user.id)
        await self._links.take(link)
        return await self._first_shown(user, ("link",), origin, new_hash=new_hash)

    async def register(
        self, token: str, username: str, password: str, email: str, origin: Origin
    ) -> Grant:
        """Make a user and sign him in: the owner by the first link, others by an invitation.

        Raises:
            Forbidden: there is neither, or it is unknown, used or ended.
            Conflict: the username is taken.
            Refused: the password is too easily guessed.
        """
        self._throttle.try_from(origin.address)
        link = await self._first_link(token) if token.startswith(one_time.LINK) else None
        invitation = None
        if token.startswith(one_time.INVITATION):
            invitation = await self._links.open_invitation(token)
        if link is None and invitation is None:
            raise _closed()
        username = username.lower()
        await self._passwords.require_strong(password, about=(username, email))
        hashed = await self._passwords.hash(password)
        now = self._clock.now_ns()
        user = User(
            id=new_id(),
            username=username,
            email=email,
            password_hash=hashed,
            role=invitation.role if invitation else Role.OWNER,
            created_at=now,
            password_changed_at=now,
        )
        async with self._people.changing:
            self._people.require_free(username)
            if link is not None:
                if self._people.owner() is not None:
                    raise _closed()
                if not await self._people.add_by_link(user, link.digest, now):
                    raise one_time.used_link()
            elif invitation is not None:
                if not self._people.may_still_let_in(invitation.made_by, user.role):
                    raise one_time.void_invitation()
                if not await self._people.add_by_invitation(user, invitation.digest, now):
                    raise one_time.used_invitation()
        return await self._grant(user, ("pwd",), origin)

    # Once signed in.

    async def step_up(self, actor: Actor, code: str, password: str) -> Session:
        """Take a factor again: a code, or the password of who has no second factor.

        Raises:
            Forbidden: it is wrong.
            Unauthenticated: the session has ended.
            TooMany: too many tries.
        """
        user = self._myself(actor)
        self._throttle.try_from(actor.address)
        if not await self._factors.is_set_up(user.id):
            await self._require_password(user, password, actor.address)
            return await self._sessions.show_factor(actor.session, "pwd")
        self._throttle.try_account(_codes_of(user.id))
        method = await self._factors.check(user.id, code)
        if method is None:
            raise second.wrong_code()
        self._throttle.succeeded(_codes_of(user.id))
        return await self._sessions.show_factor(actor.session, method)

    async def change_password(self, actor: Actor, current: str, new: str) -> int:
        """Change one's own password and end one's other sessions; return how many.

        Raises:
            Forbidden: the current one is wrong, or was changed meanwhile.
            Refused: the new one is too easily guessed.
            TooMany: too many tries.
            Unauthenticated: the session was ended meanwhile.
        """
        user = self._myself(actor)
        self._throttle.try_from(actor.address)
        await self._require_password(user, current, actor.address)
        await self._passwords.require_strong(new, about=_known_of(user))
        hashed = await self._passwords.hash(new)
        now = self._people.get(user.id)
        if now is None or now.is_disabled or now.password_hash != user.password_hash:
            raise _wrong_password()
        if self._sessions.get(actor.session) is None:
            raise _session_over()
        await self._set_password(user.id, hashed)
        return await self._sessions.revoke_all(user.id, "password changed", but=actor.session)

    async def confirm_factor(self, actor: Actor, code: str) -> tuple[str, ...]:
        """Finish setting a second factor up; other sessions, which have not shown it, end.

        Raises:
            Forbidden: the code is wrong.
            Conflict: none is being set up.
            TooMany: too many tries.
        """
        user = self._myself(actor)
        self._throttle.try_account(_codes_of(user.id))
        codes = await self._factors.confirm(user.id, code)
        self._throttle.succeeded(_codes_of(user.id))
        await self._sessions.show_factor(actor.session, second.OTP)
        await self._factor_changed(user.id, actor.session, actor.address, "set up")
        return codes

    async def remove_factor(self, user_id: str, *, keep: str, address: str) -> None:
        """Remove a user's second factor and end his sessions but one."""
        await self._factors.remove(user_id)
        await self._factor_changed(user_id, keep, address, "removed")

    # Parts of these.

    def _require_maker(self, link: SignInLink, user_id: str) -> None:
        """Refuse a link whose maker was made less since, or whose user was made more.

        Raises:
            Forbidden: it is one.
        """
        user = self._people.get(user_id)
        if user is None or not self._people.may_still_let_in(link.made_by, user.role):
            raise one_time.void_link()

    async def _first_shown(
        self, user: User, methods: tuple[str, ...], origin: Origin, *, new_hash: str = ""
    ) -> Grant | Pending:
        if not await self._factors.is_set_up(user.id):
            return await self._grant(user, methods, origin, new_hash=new_hash)
        challenge = self._challenges.give(
            user.id, methods, origin, proof=user.password_hash, new_hash=new_hash
        )
        return Pending(user, challenge)

    async def _grant(
        self, user: User, methods: tuple[str, ...], origin: Origin, *, new_hash: str = ""
    ) -> Grant:
        if new_hash:
            user = await self._set_password(user.id, new_hash)
            await self._sessions.revoke_all(user.id, "password reset")
        session, refresh = await self._sessions.start(user.id, methods, origin)
        lacks_factor = not _SECOND & set(methods) and await self._factors.is_set_up(user.id)
        now = self._people.get(user.id)
        if (
            lacks_factor
            or now is None
            or now.is_disabled
            or now.password_hash != user.password_hash
        ):
            await self._sessions.revoke([session.id], "changed while signing in")
            raise _incorrect()
        now = _replace(now, last_login=self._clock.now_ns())
        await self._people.change(now)
        access, ends = self._tokens.make(session, GRANTS[now.role])
        return Grant(now, session, access, ends, refresh)

    async def _first_link(self, token: str) -> SignInLink:
        link = await self._links.open_link(token)
        if link.purpose is not LinkPurpose.FIRST_OWNER or self._people.owner() is not None:
            raise _closed()
        return link

    async def _require_password(self, user: User, password: str, address: str) -> None:
        account = self._account(user.username, user, address)
        self._throttle.try_account(account)
        if not await self._passwords.is_right(user.password_hash, password):
            raise _wrong_password()
        self._throttle.succeeded(account)

    async def _set_password(self, user_id: str, hashed: str) -> User:
        user = self._people.get(user_id)
        if user is None:
            raise _incorrect()
        changed = _replace(user, password_hash=hashed, password_changed_at=self._clock.now_ns())
        await self._people.change(changed)
        self._tell(NoticeKind.PASSWORD_CHANGED, user_id, "", "The password was changed.")
        return changed

    async def _rehashed(self, user: User, password: str) -> User:
        """Hash a password that was right anew, if what a hash costs has risen since."""
        if not self._passwords.is_outdated(user.password_hash):
            return user
        hashed = await self._passwords.hash(password)
        now = self._people.get(user.id)
        if now is None or now.password_hash != user.password_hash:
            raise _incorrect()
        changed = _replace(now, password_hash=hashed)
        await self._people.change(changed)
        return changed

    async def _factor_changed(self, user_id: str, keep: str, address: str, what: str) -> None:
        await self._sessions.revoke_all(user_id, f"second factor {what}", but=keep)
        text = f"The second factor was {what}; other sessions were ended."
        self._tell(NoticeKind.FACTOR_CHANGED, user_id, address, text)

    def _myself(self, actor: Actor) -> User:
        user = self._people.get(actor.user)
        if user is None or not actor.session:
            raise Forbidden(
                code="NOT_A_PERSON",
                cause=f"{actor.name} is no signed-in person",
                fix="sign in with a browser or `POST /api/v1/auth/login`",
            )
        return user

    def _account(self, username: str, user: User | None, address: str) -> str:
        """Return what tries are counted for: where a user is signed in, others slow nobody down."""
        known = user is not None and any(
            session.address == address for session in self._sessions.of(user.id)
        )
        return f"pwd|{username.lower()}|{address if known else ''}"

    def _tell(self, kind: NoticeKind, user_id: str, address: str, text: str) -> None:
        self._notify(Notice(kind=kind, user_id=user_id, address=address, text=text))


def _codes_of(user_id: str) -> str:
    return f"otp|{user_id}"


def _known_of(user: User) -> tuple[str, ...]:
    return (user.username, user.email)


def _require_enabled(user: User) -> None:
    if user.is_disabled:
        raise Forbidden(
            code="ACCOUNT_DISABLED",
            cause=f"the account {user.username} is disabled",
            fix="ask the owner of this server",
        )


def _session_over() -> Unauthenticated:
    return Unauthenticated(code="SESSION_ENDED", cause="the session has ended", fix="sign in again")


def _wrong_password() -> Forbidden:
    return Forbidden(
        code="PASSWORD_WRONG",
        cause="the password is wrong, or none was set",
        fix="try again; a link of `./bot user reset` sets a new one",
    )


def _incorrect() -> Unauthenticated:
    return Unauthenticated(
        code="SIGN_IN_INCORRECT",
        cause="the username or the password is wrong",
        fix="try again; the owner can reset it with `./bot user reset`, nothing is mailed",
    )


def _closed() -> Forbidden:
    return Forbidden(
        code="REGISTRATION_CLOSED",
        cause="this server has an owner, or no link or invitation was given",
        fix="ask for an invitation: `./bot user invite`",
        details={"reason": "registration_closed"},
    )
