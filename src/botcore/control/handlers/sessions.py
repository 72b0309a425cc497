"""Handlers of sessions: one's own, and those that an administrator may end."""

from typing import Any

from botcore.control.access import Scope
from botcore.control.handlers.paging import page_of
from botcore.control.handling import Context, Handling
from botcore.control.identity.people import People
from botcore.control.identity.ports import Session, User
from botcore.control.identity.sessions import Sessions
from botcore.control.operations import Done, Page, Request
from botcore.control.problems import NotFound
from botcore.control.schema import sessions as s
from botcore.control.schema.values import instant


class SessionHandlers:
    """Lists sessions and ends them.

    Args:
        sessions, people: parts of `Identity`.
    """

    def __init__(self, *, sessions: Sessions, people: People) -> None:
        self._sessions = sessions
        self._people = people

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            s.ListSessions: Handling(self.list),
            s.RevokeSession: Handling(self.revoke),
            s.RevokeSessions: Handling(self.revoke_all),
        }

    async def list(self, context: Context, request: s.ListSessions) -> Page[s.SessionShown]:
        """List where one is signed in, or where another is."""
        user = whose(context, self._people, request.user)
        return shown_page(context, self._sessions, user, request.limit, request.cursor)

    async def revoke(self, context: Context, request: s.RevokeSession) -> Done:
        """End one: one's own, or as administrator another's."""
        session = self._sessions.get(request.id)
        user = None if session is None else self._people.get(session.user_id)
        is_own = user is not None and user.id == context.actor.user
        if user is None or not (is_own or context.actor.may(Scope.ADMIN_USERS)):
            raise NotFound(
                code="SESSION_UNKNOWN",
                cause=f"there is no session {request.id} of yours",
                fix="see `./bot session list`; it may have ended",
            )
        if not is_own:
            self._people.require_may_manage(context.actor, user)
        await self._sessions.revoke([request.id], f"ended by {context.actor.name}")
        return Done(detail="the session was ended")

    async def revoke_all(self, context: Context, request: s.RevokeSessions) -> Done:
        """End all of one's own but this one, or all of another's."""
        user = whose(context, self._people, request.user)
        if user is not None and user.id != context.actor.user:
            self._people.require_may_manage(context.actor, user)
        ended = 0
        if user is not None:
            why = f"ended by {context.actor.name}"
            ended = await self._sessions.revoke_all(user.id, why, but=context.actor.session)
        return Done(detail=f"{ended} sessions were ended")


def whose(context: Context, people: People, username: str) -> User | None:
    """Return the user who is meant: oneself, or another whom who asks may look at.

    The machine itself is nobody's account: without a name it means the owner, and None while there
    is none.

    Raises:
        NotFound: there is none, or one may not know of him.
    """
    actor = context.actor
    if not username:
        return people.get(actor.user) or people.owner()
    user = people.named(username)
    if user is None or (user.id != actor.user and not actor.may(Scope.ADMIN_USERS)):
        raise NotFound(
            code="USER_UNKNOWN",
            cause=f"there is no user {username} that you may see",
            fix="leave the user out for your own, or ask the owner of this server",
        )
    return user


def shown_page(
    context: Context, sessions: Sessions, user: User | None, limit: int, cursor: str
) -> Page[s.SessionShown]:
    """Return a page of a user's sessions, the last used first."""
    found = () if user is None else sessions.of(user.id)
    name = "" if user is None else user.username
    return page_of(
        [_shown(each, name, context.actor.session) for each in found],
        key=lambda each: f"{each.seen_at.isoformat()} {each.id}",
        limit=limit,
        cursor=cursor,
        is_newest=True,
    )


def _shown(session: Session, username: str, this_one: str) -> s.SessionShown:
    return s.SessionShown(
        id=session.id,
        username=username,
        methods=session.methods,
        address=session.address,
        device=session.device,
        created_at=instant(session.created_at),
        seen_at=instant(session.seen_at),
        ends_at=instant(min(session.ends_at, session.idle_ends_at)),
        stays_signed_in=session.is_staying,
        is_this_one=session.id == this_one,
    )
