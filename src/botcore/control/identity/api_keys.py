"""API keys: ``bck_<environment>_<id8>_<secret43>_<crc6>``, of which only an HMAC is stored.

The checksum tells a typing error, and lets scanners of leaked secrets recognise a key. What a key
may is what it was given and its user still may, whichever is less.
"""

import hashlib
import hmac
import ipaddress
import re
import secrets
import zlib
from collections import OrderedDict
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from botcore.control.access import Scope
from botcore.control.identity.config import KEY_LIFE_S_MAX, IdentityConfig
from botcore.control.identity.endings import Endings
from botcore.control.identity.envelope import Envelope, Place
from botcore.control.identity.ports import ApiKey, KeyStore, Secret, SecretStore, User
from botcore.control.problems import Conflict, Refused, Unauthenticated
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

PREFIX: Final = "bck_"
_FORM: Final = re.compile(
    r"bck_(?P<environment>[a-z]{1,16})_(?P<id>[a-z0-9]{8})_(?P<secret>[A-Za-z0-9_-]{43})"
    r"_(?P<crc>[0-9A-Za-z]{6})"
)
_ID_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_BYTES: Final = 32
_PEPPER: Final = "api-key-pepper"
_PEPPER_BYTES: Final = 32
NETWORKS_MAX: Final = 32
NOT_FOR_KEYS: Final = frozenset({Scope.MANAGE_SELF})
"""A program changes no password and makes no further keys."""
_replace = msgspec.structs.replace


class KeyTerms(NamedTuple):
    """What a new key is to be.

    Attributes:
        life_s: how long it is good for, at most a year.
        networks: CIDR; empty is from anywhere.
        symbols, max_notional: bounds on its orders; empty and None are none.
    """

    name: str
    scopes: frozenset[Scope]
    life_s: int
    networks: tuple[str, ...] = ()
    symbols: frozenset[str] = frozenset()
    max_notional: Decimal | None = None
    is_unattended: bool = False


async def pepper_of(store: SecretStore, envelope: Envelope, clock: Clock) -> bytes:
    """Return the pepper of this server's keys, making it once; it is stored sealed.

    Raises:
        StorageError: it cannot be read, opened or written.
    """
    place = Place("secrets", _PEPPER, "sealed")
    fresh = envelope.enclose(secrets.token_bytes(_PEPPER_BYTES), place)
    await store.add_secret(Secret(name=_PEPPER, sealed=fresh, created_at=clock.now_ns()))
    kept = await store.secret(_PEPPER)
    if kept is None:
        raise StorageError(
            code="SECRET_LOST",
            cause=f"the store does not keep {_PEPPER}",
            fix="see `./bot doctor`",
        )
    return envelope.open(kept.sealed, place)


class ApiKeys:
    """All API keys, in memory beside the store.

    Args:
        store: keeps them.
        pepper: a secret that is not stored with the digests.
        config: environment and bounds.
        endings: is told of every revocation.
        clock: they end by it.
    """

    def __init__(
        self,
        *,
        store: KeyStore,
        pepper: bytes,
        config: IdentityConfig,
        endings: Endings,
        clock: Clock,
    ) -> None:
        self._store = store
        self._pepper = pepper
        self._config = config
        self._endings = endings
        self._clock = clock
        self._keys: dict[str, ApiKey] = {}
        self._networks: dict[str, tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]] = {}
        self._used: dict[str, int] = {}
        self._expired: set[str] = set()
        self._verified: OrderedDict[bytes, str] = OrderedDict()

    async def load(self) -> None:
        """Read them all."""
        for key in await self._store.api_keys():
            self._hold(key)

    async def make(self, user: User, terms: KeyTerms) -> tuple[ApiKey, str]:
        """Make a key for a user; return it, and the text that is shown this once.

        Raises:
            Refused: its life, a network or a scope is out of bounds.
            Conflict: the user has too many.
        """
        self._require_bounds(user, terms)
        now = self._clock.now_ns()
        while True:
            key_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(8))
            text = written(self._config.environment, key_id, secrets.token_urlsafe(_SECRET_BYTES))
            key = ApiKey(
                id=key_id,
                user_id=user.id,
                name=terms.name,
                environment=self._config.environment,
                digest=self._digest(text),
                scopes=terms.scopes,
                networks=tuple(str(_network(each)) for each in terms.networks),
                symbols=terms.symbols,
                max_notional=terms.max_notional,
                is_unattended=terms.is_unattended,
                created_at=now,
                expires_at=now + terms.life_s * SECOND_NS,
            )
            if await self._store.add_api_key(key):
                self._hold(key)
                return key, text

    def check(self, text: str, address: str) -> ApiKey:
        """Return the key that was shown, if it is good now and from this address.

        A text that was verified before costs a look-up.

        Raises:
            Unauthenticated: it is not.
        """
        shown = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        key = self._keys.get(self._verified.get(shown, ""))
        if key is None:
            key = self._verify(text)
            self._verified[shown] = key.id
            if len(self._verified) > self._config.token_cache:
                self._verified.popitem(last=False)
        if key.revoked_at or key.expires_at <= self._clock.now_ns():
            raise Unauthenticated(
                code="KEY_ENDED",
                cause=f"the API key {key.id} {'was revoked' if key.revoked_at else 'has expired'}",
                fix="make a new one: `./bot key new`",
            )
        self._require_from(key, address)
        self._used[key.id] = self._clock.now_ns()
        return key

    def _verify(self, text: str) -> ApiKey:
        """Return the key that a text is, ended or not."""
        form = _FORM.fullmatch(text)
        if form is None or checksum(text.rsplit("_", 1)[0]) != form["crc"]:
            raise Unauthenticated(
                code="KEY_MISTYPED",
                cause="the API key is incomplete or mistyped: its checksum does not match",
                fix="copy the whole key, from bck_ to its last character",
            )
        key = self._keys.get(form["id"])
        # Compared even where there is none, so that the time does not tell.
        is_right = hmac.compare_digest(self._digest(text), key.digest if key else bytes(32))
        if key is None or not is_right or key.environment != self._config.environment:
            raise Unauthenticated(
                code="KEY_UNKNOWN",
                cause="this server knows no such API key",
                fix="make a new one: `./bot key new`",
            )
        return key

    def get(self, key_id: str, address: str | None = None) -> ApiKey | None:
        """Return the one with this id if it lives, and may come from `address` if one is given."""
        key = self._keys.get(key_id)
        if key is None or key.revoked_at or key.expires_at <= self._clock.now_ns():
            return None
        if address is not None and not self._is_from(key, address):
            return None
        return key

    def of(self, user_id: str) -> tuple[ApiKey, ...]:
        """Return a user's that are neither revoked nor expired, the newest first."""
        found = [
            _replace(key, last_used_at=max(key.last_used_at, self._used.get(key.id, 0)))
            for key in self._keys.values()
            if key.user_id == user_id and self.get(key.id) is not None
        ]
        return tuple(sorted(found, key=lambda key: (-key.created_at, key.id)))

    async def revoke(self, key_id: str) -> None:
        """End one at once: in memory, for who listens, then in the store.

        Raises:
            StorageError: it cannot be stored; it is revoked until the next start.
        """
        now = self._clock.now_ns()
        self._keys[key_id] = _replace(self._keys[key_id], revoked_at=now)
        self._endings.tell(key_id)
        await self._store.revoke_api_key(key_id, now)

    def suspend(self, user_id: str) -> None:
        """Tell who listens that a user's keys may less, or nothing, from now on."""
        for key in self.of(user_id):
            self._endings.tell(key.id)

    def forget(self, user_id: str) -> None:
        """Drop the keys of a user who was removed."""
        for key in self.of(user_id):
            self._endings.tell(key.id)
        self._keys = {i: key for i, key in self._keys.items() if key.user_id != user_id}

    async def tend(self) -> None:
        """Store when each was last used, and tell who listens of those that have expired."""
        now = self._clock.now_ns()
        for key in self._keys.values():
            if key.expires_at <= now and key.id not in self._expired:
                self._expired.add(key.id)
                self._endings.tell(key.id)
        used, self._used = self._used, {}
        for key_id, ts in used.items():
            if key_id in self._keys:
                self._keys[key_id] = _replace(self._keys[key_id], last_used_at=ts)
        if used:
            await self._store.note_used(used)

    def _require_bounds(self, user: User, terms: KeyTerms) -> None:
        if not 0 < terms.life_s <= KEY_LIFE_S_MAX:
            raise Refused(
                code="KEY_LIFE",
                cause=f"a life of {terms.life_s / 86_400:g} days; more than 0, at most 365",
                fix="choose an earlier end, and make a new key before it",
            )
        unfit = terms.scopes & NOT_FOR_KEYS
        if unfit or not terms.scopes:
            raise Refused(
                code="KEY_SCOPES",
                cause=f"a key cannot hold {', '.join(sorted(unfit)) or 'no scope at all'}",
                fix="name what it needs, such as read:account and trade:paper",
            )
        if len(terms.networks) > NETWORKS_MAX:
            raise Refused(
                code="KEY_NETWORKS",
                cause=f"{len(terms.networks)} networks; {NETWORKS_MAX} are the most",
                fix="join neighbours into one larger network",
            )
        if len(self.of(user.id)) >= self._config.keys_max:
            raise Conflict(
                code="KEY_COUNT",
                cause=f"{user.username} has {self._config.keys_max} keys, which is the most",
                fix="revoke one that is not used: `./bot key list`",
            )

    def _require_from(self, key: ApiKey, address: str) -> None:
        if not self._is_from(key, address):
            raise Unauthenticated(
                code="KEY_ADDRESS",
                cause=f"the API key {key.id} may not come from {address or 'an unknown address'}",
                fix="call from one of its networks, or make a key for this one",
            )

    def _is_from(self, key: ApiKey, address: str) -> bool:
        allowed = self._networks[key.id]
        if not allowed:
            return True
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        return any(found in network for network in allowed)

    def _digest(self, text: str) -> bytes:
        """Return the HMAC of all but the checksum: environment and id cannot be exchanged."""
        return hmac.digest(self._pepper, text.rsplit("_", 1)[0].encode(), hashlib.sha256)

    def _hold(self, key: ApiKey) -> None:
        self._keys[key.id] = key
        self._networks[key.id] = tuple(_network(each) for each in key.networks)


def written(environment: str, key_id: str, secret: str) -> str:
    """Return a key as its user keeps it."""
    body = f"{PREFIX}{environment}_{key_id}_{secret}"
    return f"{body}_{checksum(body)}"


def checksum(body: str) -> str:
    """Return the CRC-32 of the rest of a key as six digits of base 62."""
    rest, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, len(_BASE62))
        digits = _BASE62[digit] + digits
    return digits


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError as error:
        raise Refused(
            code="KEY_NETWORK",
            cause=f"{text} is no network: {error}",
            fix="write it as 203.0.113.0/24, or a single address",
        ) from error
