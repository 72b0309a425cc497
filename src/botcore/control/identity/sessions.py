"""Sessions: who is signed in, where, until when. Memory decides; the store is for the next start.

A refresh token is good for one exchange. If it comes a second time, two hold it and one of them
stole it, so that the whole session ends.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from botcore.control.identity.config import IdentityConfig
from botcore.control.identity.endings import Endings
from botcore.control.identity.notices import Notice, NoticeKind, Notify
from botcore.control.identity.opaque import digest_of, new_id, new_token
from botcore.control.identity.ports import RefreshToken, Session, SessionStore
from botcore.control.problems import Unauthenticated
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

_replace = msgspec.structs.replace


class Origin(NamedTuple):
    """Where somebody signs in from, and for how long: for the list of sessions."""

    address: str = ""
    device: str = ""
    is_staying: bool = False


class Sessions:
    """All sessions that live.

    Args:
        store: keeps them.
        config: how long they last.
        endings: is told of every end.
        notify: is told of reuse.
        clock: they end by it.
    """

    def __init__(
        self,
        *,
        store: SessionStore,
        config: IdentityConfig,
        endings: Endings,
        notify: Notify,
        clock: Clock,
    ) -> None:
        self._store = store
        self._config = config
        self._endings = endings
        self._notify = notify
        self._clock = clock
        self._live: dict[str, Session] = {}
        self._of_user: dict[str, set[str]] = {}
        self._seen: dict[str, int] = {}

    async def load(self) -> None:
        """Read those that live."""
        for session in await self._store.live_sessions(self._clock.now_ns()):
            self._hold(session)

    def get(self, session_id: str) -> Session | None:
        """Return the one with this id if it lives now, or None."""
        session = self._live.get(session_id)
        if session is None or min(session.ends_at, session.idle_ends_at) <= self._clock.now_ns():
            return None
        return session

    def use(self, session_id: str) -> Session | None:
        """As `get`, and note that it is in use."""
        session = self.get(session_id)
        if session is not None:
            self._seen[session_id] = self._clock.now_ns()
        return session

    def of(self, user_id: str) -> tuple[Session, ...]:
        """Return a user's that live, the last used first."""
        found = (self.get(each) for each in self._of_user.get(user_id, ()))
        shown = [
            _replace(each, seen_at=max(each.seen_at, self._seen.get(each.id, 0)))
            for each in found
            if each is not None
        ]
        return tuple(sorted(shown, key=lambda each: (-each.seen_at, each.id)))

    async def start(
        self, user_id: str, methods: tuple[str, ...], origin: Origin
    ) -> tuple[Session, str]:
        """Begin a session for a user who has just shown who he is; return it and a refresh token.

        Raises:
            StorageError: it cannot be stored, and is not begun.
        """
        now, config = self._clock.now_ns(), self._config
        ends = now + (config.stay_s if origin.is_staying else config.browser_s) * SECOND_NS
        idle = now + config.stay_idle_s * SECOND_NS if origin.is_staying else ends
        session = Session(
            id=new_id(),
            user_id=user_id,
            is_staying=origin.is_staying,
            created_at=now,
            ends_at=ends,
            idle_ends_at=min(idle, ends),
            seen_at=now,
            auth_time=now,
            methods=methods,
            address=origin.address,
            device=origin.device,
        )
        token, record = self._new_token(session)
        await self._store.add_session(session, record)
        self._hold(session)
        surplus = self.of(user_id)[config.sessions_max :]
        await self.revoke([each.id for each in surplus], "too many sessions")
        return session, token

    async def refresh(self, token: str, address: str = "") -> tuple[Session, str]:
        """Exchange a refresh token for the next; return its session too.

        Raises:
            Unauthenticated: it is unknown, its session has ended, or it was used before, which
                ends the session.
            StorageError: the exchange cannot be stored; the token is still good.
        """
        digest, now = digest_of(token), self._clock.now_ns()
        found = await self._store.refresh_token(digest)
        if found is None:
            raise _ended()
        if found.used_at:
            raise await self._reused(found.session_id, address)
        session = self.get(found.session_id)
        if session is None or found.expires_at <= now:
            raise _ended()
        idle = now + self._config.stay_idle_s * SECOND_NS
        renewed = _replace(
            session,
            idle_ends_at=min(idle, session.ends_at) if session.is_staying else session.ends_at,
            seen_at=now,
        )
        successor, record = self._new_token(renewed)
        if not await self._store.rotate_refresh_token(digest, record, renewed, now):
            raise await self._reused(session.id, address)
        current = self.get(session.id)
        if current is None:  # it was ended while the exchange was stored
            raise _ended()
        merged = _replace(current, idle_ends_at=renewed.idle_ends_at, seen_at=now)
        self._hold(merged)
        if current is not session:  # a factor was shown meanwhile
            await self._store.save_session(merged)
        return merged, successor

    async def session_of(self, token: str) -> Session | None:
        """Return the session that a refresh token belongs to if it lives, without using it."""
        found = await self._store.refresh_token(digest_of(token))
        return None if found is None else self.get(found.session_id)

    async def show_factor(self, session_id: str, method: str) -> Session:
        """Note that a factor was shown again just now.

        Raises:
            Unauthenticated: the session has ended.
        """
        session = self.get(session_id)
        if session is None:
            raise _ended()
        methods = session.methods if method in session.methods else (*session.methods, method)
        shown = _replace(session, auth_time=self._clock.now_ns(), methods=methods)
        self._hold(shown)
        await self._store.save_session(shown)
        return shown

    async def revoke(self, session_ids: Iterable[str], why: str) -> None:
        """End these at once: in memory, for who listens, then in the store.

        Raises:
            StorageError: it cannot be stored; they are ended until the next start.
        """
        ended = [each for each in dict.fromkeys(session_ids) if each in self._live]
        for each in ended:
            self._drop(each)
        for each in ended:
            self._endings.tell(each)
        if ended:
            await self._store.revoke_sessions(ended, self._clock.now_ns(), why)

    async def revoke_all(self, user_id: str, why: str, *, but: str = "") -> int:
        """End all of a user's but one; return how many."""
        ended = [each.id for each in self.of(user_id) if each.id != but]
        await self.revoke(ended, why)
        return len(ended)

    def rescope(self, user_id: str) -> None:
        """Tell who listens that a user's sessions may something else than before."""
        for session in self.of(user_id):
            self._endings.tell(session.id)

    async def tend(self) -> None:
        """Drop what has ended by time, telling who listens, and store when each was last used."""
        for session_id in [each for each in self._live if self.get(each) is None]:
            self._drop(session_id)
            self._endings.tell(session_id)
        seen, self._seen = self._seen, {}
        for session_id, ts in seen.items():
            if session_id in self._live:
                self._live[session_id] = _replace(self._live[session_id], seen_at=ts)
        if seen:
            await self._store.note_seen(seen)

    async def _reused(self, session_id: str, address: str) -> Unauthenticated:
        session = self._live.get(session_id)
        if session is not None:
            await self.revoke([session_id], "refresh token reused")
            self._notify(
                Notice(
                    kind=NoticeKind.REFRESH_REUSED,
                    user_id=session.user_id,
                    address=address,
                    text=f"A refresh token of the session from {session.address or 'here'} came "
                    f"twice, the second time from {address or 'here'}; the session was ended.",
                )
            )
        return Unauthenticated(
            code="REFRESH_REUSED",
            cause="this refresh token was used before, so its session was ended",
            fix="sign in again; if you did not use it twice, change your password",
        )

    def _new_token(self, session: Session) -> tuple[str, RefreshToken]:
        token = new_token("bcr_")
        record = RefreshToken(
            digest=digest_of(token),
            session_id=session.id,
            created_at=self._clock.now_ns(),
            expires_at=session.idle_ends_at,
        )
        return token, record

    def _hold(self, session: Session) -> None:
        self._live[session.id] = session
        self._of_user.setdefault(session.user_id, set()).add(session.id)

    def _drop(self, session_id: str) -> None:
        session = self._live.pop(session_id)
        self._seen.pop(session_id, None)
        others = self._of_user[session.user_id]
        others.discard(session_id)
        if not others:
            del self._of_user[session.user_id]


def _ended() -> Unauthenticated:
    return Unauthenticated(
        code="SESSION_ENDED",
        cause="the session has ended, or the refresh token is unknown",
        fix="sign in again",
    )
