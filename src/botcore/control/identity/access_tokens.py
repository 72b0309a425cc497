"""Access tokens: JSON Web Tokens of at most 15 minutes, after RFC 9068.

Nothing in a token chooses how it is checked: its ``kid`` is looked up in memory, the key found
there names the one algorithm, and a header that holds more than it must is refused. Whether the
session still lives is asked elsewhere, at each request.
"""

import hashlib
import json
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from collections import OrderedDict
from functools import lru_cache
from typing import Final

import msgspec
from joserfc import jws
from joserfc.errors import JoseError

from botcore.control.access import Scope
from botcore.control.identity.config import IdentityConfig
from botcore.control.identity.opaque import new_id
from botcore.control.identity.ports import Session
from botcore.control.identity.signing import SigningKeys, Verifier
from botcore.control.problems import Unauthenticated
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

TYPE: Final = "at+jwt"
_LENGTH_MAX: Final = 4_096
_HEADER_NAMES: Final = frozenset({"alg", "kid", "typ"})


class Claims(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an access token says; every one is required. Times are seconds since 1970.

    Attributes:
        iss, aud: who made it, and for whom.
        sub, sid: ids of the user and the session.
        jti: of this token.
        iat, nbf, exp: made, valid from, valid until.
        scope: granted, with spaces between.
        amr: how the person signed in.
        auth_time: when a factor was last shown.
    """

    iss: str
    aud: str
    sub: str
    sid: str
    jti: str
    iat: int
    nbf: int
    exp: int
    scope: str
    amr: tuple[str, ...]
    auth_time: int

    @property
    def scopes(self) -> frozenset[Scope]:
        """The scopes that this server knows."""
        return _scopes_of(self.scope)


class AccessTokens:
    """Makes and checks access tokens.

    Args:
        keys: sign and verify.
        config: who, for whom, how long.
        clock: they end by it.
    """

    def __init__(self, *, keys: SigningKeys, config: IdentityConfig, clock: Clock) -> None:
        self._keys = keys
        self._config = config
        self._clock = clock
        self._verified: OrderedDict[bytes, tuple[str, Claims]] = OrderedDict()

    def make(self, session: Session, scopes: frozenset[Scope]) -> tuple[str, int]:
        """Return a token and when it ends, nanoseconds; never later than its session."""
        now = self._clock.now_ns() // SECOND_NS
        end = min(now + self._config.access_s, session.ends_at // SECOND_NS)
        claims = Claims(
            iss=self._config.issuer,
            aud=self._config.audience,
            sub=session.user_id,
            sid=session.id,
            jti=new_id(),
            iat=now,
            nbf=now,
            exp=end,
            scope=" ".join(sorted(scopes)),
            amr=session.methods,
            auth_time=session.auth_time // SECOND_NS,
        )
        signer = self._keys.signer()
        token = jws.serialize_compact(
            {"alg": signer.algorithm, "kid": signer.kid, "typ": TYPE},
            msgspec.json.encode(claims),
            signer.key,
            algorithms=[signer.algorithm],
        )
        return token, end * SECOND_NS

    def check(self, token: str) -> Claims:
        """Return what a token says, if all of it holds now.

        A token that was verified before costs a look-up.

        Raises:
            Unauthenticated: it does not; the text says no more than whether it has ended.
        """
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._verified.get(digest)
        if known is None:
            known = self._verify(token)
            self._verified[digest] = known
            if len(self._verified) > self._config.token_cache:
                self._verified.popitem(last=False)
        else:
            self._verified.move_to_end(digest)
        kid, claims = known
        if self._keys.verifier(kid) is None:
            raise _refused()
        self._require_now(claims)
        return claims

    def _verify(self, token: str) -> tuple[str, Claims]:
        """Check what stays true of a token: form, signature, claims but for the time."""
        if len(token) > _LENGTH_MAX:
            raise _refused()
        verifier = self._verifier_of(token)
        try:
            found = jws.deserialize_compact(token, verifier.key, algorithms=[verifier.algorithm])
            claims = msgspec.json.decode(found.payload or b"", type=Claims)
        except (JoseError, msgspec.MsgspecError, ValueError) as error:
            raise _refused() from error
        if (
            claims.iss != self._config.issuer
            or claims.aud != self._config.audience
            or not claims.sub
            or not claims.sid
            or not claims.jti
            or not 0 <= claims.exp - claims.iat <= self._config.access_s
        ):
            raise _refused()
        return verifier.kid, claims

    def _verifier_of(self, token: str) -> Verifier:
        """Return the key that the header names, if the header holds what it must and no more."""
        try:
            head = token.split(".", 1)[0]
            header = json.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        except (Base64Error, ValueError, RecursionError) as error:
            raise _refused() from error
        if not isinstance(header, dict) or header.keys() != _HEADER_NAMES:
            raise _refused()  # jku, x5u, jwk, x5c and any crit are among the others
        kid = header["kid"]
        verifier = self._keys.verifier(kid) if isinstance(kid, str) else None
        if verifier is None or header["alg"] != verifier.algorithm or header["typ"] != TYPE:
            raise _refused()
        return verifier

    def _require_now(self, claims: Claims) -> None:
        now = self._clock.now_ns() // SECOND_NS
        if claims.exp <= now:
            raise Unauthenticated(
                code="TOKEN_EXPIRED",
                cause=f"the access token ended {now - claims.exp} s ago",
                fix="POST /api/v1/auth/refresh for a new one, or sign in again",
            )
        if max(claims.iat, claims.nbf) > now + self._config.leeway_s:
            raise _refused()


@lru_cache(maxsize=256)
def _scopes_of(words: str) -> frozenset[Scope]:
    return frozenset(Scope) & frozenset(words.split())


def _refused() -> Unauthenticated:
    return Unauthenticated(
        code="TOKEN_REFUSED",
        cause="the access token is not one of this server, or was changed",
        fix="sign in again",
    )
