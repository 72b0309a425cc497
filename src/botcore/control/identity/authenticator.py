"""From what a request carries to who asks: asked at every request, in memory, without waiting."""

import ipaddress
from typing import assert_never

import msgspec

from botcore.control.access import (
    GRANTS,
    Actor,
    ActorKind,
    Scope,
    local_actor,
    stranger_at,
)
from botcore.control.identity.access_tokens import AccessTokens
from botcore.control.identity.api_keys import PREFIX, ApiKeys
from botcore.control.identity.people import People
from botcore.control.identity.ports import ApiKey, Session, User
from botcore.control.identity.sessions import Sessions
from botcore.control.local_proof import LocalProof
from botcore.control.problems import Unauthenticated
from botcore.domain.ids import SECOND_NS

_replace = msgspec.structs.replace


class Authenticator:
    """Says who asks.

    Args:
        tokens: checks access tokens.
        people, sessions, keys: what lives now.
        local_proof: knows the home's secret.
        local_user: the account of this machine that the home belongs to.
    """

    def __init__(
        self,
        *,
        tokens: AccessTokens,
        people: People,
        sessions: Sessions,
        keys: ApiKeys,
        local_proof: LocalProof,
        local_user: str = "",
    ) -> None:
        self._tokens = tokens
        self._people = people
        self._sessions = sessions
        self._keys = keys
        self._local_proof = local_proof
        self._local_user = local_user

    def actor(self, authorization: str | None, address: str) -> Actor:
        """Return who asks.

        Args:
            authorization: the header: ``Bearer`` with an access token or an API key, or ``Local``
                with what proves to know the home's token, made for this process; None or empty is
                a stranger.
            address: of the peer.

        Raises:
            Unauthenticated: it names nobody who may come in now. It is never taken for a stranger,
                so that who believes to be signed in hears that he is not.
        """
        if not authorization:
            return stranger_at(address)
        scheme, _, credential = authorization.partition(" ")
        credential = credential.strip()
        match scheme.lower():
            case "bearer" if credential.startswith(PREFIX):
                return self._program(self._keys.check(credential, address), address)
            case "bearer":
                claims = self._tokens.check(credential)
                return self._person(claims.sid, claims.sub, claims.scopes, address)
            case "local":
                return self._local(credential, address)
            case _:
                raise Unauthenticated(
                    code="SCHEME_UNKNOWN",
                    cause="the header Authorization names no scheme that is taken here",
                    fix="send `Authorization: Bearer` with an access token or an API key",
                )

    def again(self, actor: Actor) -> Actor | None:
        """Return who an actor is now, or None where he may no longer come in.

        For what lasts longer than a request: a WebSocket asks each minute and at every end.
        """
        try:
            match actor.kind:
                case ActorKind.PERSON:
                    return self._person(actor.session, actor.user, actor.scopes, actor.address)
                case ActorKind.KEY:
                    key = self._keys.get(actor.session, actor.address)
                    return None if key is None else self._program(key, actor.address)
                case ActorKind.LOCAL | ActorKind.SYSTEM:
                    return actor
                case ActorKind.STRANGER:
                    return None
                case _:
                    assert_never(actor.kind)
        except Unauthenticated:
            return None

    def _person(
        self, session_id: str, user_id: str, scopes: frozenset[Scope], address: str
    ) -> Actor:
        session = self._sessions.use(session_id)
        user = None if session is None else self._people.get(session.user_id)
        if session is None or user is None or user.is_disabled or user.id != user_id:
            raise Unauthenticated(
                code="SESSION_ENDED",
                cause="the session has ended",
                fix="sign in again",
            )
        return person(user, session, scopes, address)

    def _program(self, key: ApiKey, address: str) -> Actor:
        user = self._people.get(key.user_id)
        if user is None or user.is_disabled:
            raise Unauthenticated(
                code="KEY_ENDED",
                cause=f"the user of the API key {key.id} is disabled",
                fix="ask the owner of this server",
            )
        return Actor(
            kind=ActorKind.KEY,
            name=f"key:{key.id}",
            user=user.id,
            role=user.role,
            scopes=key.scopes & GRANTS[user.role],
            session=key.id,
            address=address,
            is_unattended=key.is_unattended,
            symbols=key.symbols,
            max_notional=key.max_notional,
        )

    def _local(self, credential: str, address: str) -> Actor:
        if is_loopback(address) and self._local_proof.is_token(credential):
            raise Unauthenticated(
                code="LOCAL_TOKEN_SENT",
                cause="the token of the home was sent as it is, and that shows it to who listens",
                fix="use `botcore`, which proves that it knows the token, or an API key:"
                " `botcore key new`",
            )
        if not self._local_proof.is_shown(credential) or not is_loopback(address):
            raise Unauthenticated(
                code="LOCAL_TOKEN_REFUSED",
                cause="this does not prove to know the token of this home, or comes from elsewhere",
                fix="run the command as the user of the home, on its machine",
            )
        return _replace(local_actor(self._local_user), address=address)


def person(user: User, session: Session, scopes: frozenset[Scope], address: str) -> Actor:
    """Return a signed-in user; what he may is what the token says and his role still grants."""
    return Actor(
        kind=ActorKind.PERSON,
        name=f"person:{user.username}",
        user=user.id,
        role=user.role,
        scopes=scopes & GRANTS[user.role],
        session=session.id,
        address=address,
        auth_time=session.auth_time // SECOND_NS,
    )


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return found.is_loopback
