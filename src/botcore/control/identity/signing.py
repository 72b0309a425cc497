"""The keys that sign access tokens: one signs, the next is already published, the last verify.

A key is known by its ``kid`` in memory only, and its algorithm is fixed for its life.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec
from joserfc.jwk import OKPKey, RSAKey

from botcore.control.identity.config import Algorithm, IdentityConfig
from botcore.control.identity.envelope import Envelope, Place
from botcore.control.identity.opaque import new_id
from botcore.control.identity.ports import SecretStore, SigningKey
from botcore.domain.ids import DAY_NS, SECOND_NS
from botcore.kernel.clock import Clock

RSA_BITS: Final = 3_072
_replace = msgspec.structs.replace


class Verifier(NamedTuple):
    """A key and the one algorithm it is used with."""

    kid: str
    algorithm: str
    key: RSAKey | OKPKey


class SigningKeys:
    """The keys of this server.

    Args:
        store: keeps them, sealed.
        envelope: seals them.
        config: names the algorithm and the lives.
        clock: they age by it.
    """

    def __init__(
        self, *, store: SecretStore, envelope: Envelope, config: IdentityConfig, clock: Clock
    ) -> None:
        self._store = store
        self._envelope = envelope
        self._config = config
        self._clock = clock
        self._records: dict[str, SigningKey] = {}
        self._verifiers: dict[str, Verifier] = {}
        self._signing = ""

    async def load(self) -> None:
        """Read the keys, make those that are missing, and replace what is too old.

        Raises:
            StorageError: they cannot be read, opened or written.
        """
        for record in await self._store.signing_keys():
            if self._has_lapsed(record):
                await self._store.remove_signing_key(record.kid)
            else:
                self._hold(record, self._opened(record))
        await self._complete()
        signing = self._records[self._signing]
        age = self._clock.now_ns() - signing.signs_from
        if age > self._config.signing_days * DAY_NS:
            await self.rotate()

    def signer(self) -> Verifier:
        """Return the key that signs now."""
        return self._verifiers[self._signing]

    def verifier(self, kid: str) -> Verifier | None:
        """Return the key of this name if it may still verify, or None."""
        record = self._records.get(kid)
        if record is None or self._has_lapsed(record):
            return None
        return self._verifiers[kid]

    def published(self) -> tuple[Mapping[str, str], ...]:
        """Return the public keys as JSON Web Keys: what signs, what will, what verifies yet."""
        return tuple(
            {
                **_public(self._verifiers[kid].key),
                "kid": kid,
                "use": "sig",
                "alg": record.algorithm,
            }
            for kid, record in self._records.items()
            if not self._has_lapsed(record)
        )

    async def rotate(self) -> None:
        """Let the published next key sign; the last one verifies until its tokens have ended.

        Raises:
            StorageError: this cannot be stored; the keys stay as they were.
        """
        now = self._clock.now_ns()
        signing = _replace(self._records[self._signing], signs_until=now)
        following = _replace(self._next(), signs_from=now)
        fresh, key = await self._made()
        await self._store.put_signing_keys((signing, following, fresh))
        self._records |= {signing.kid: signing, following.kid: following}
        self._hold(fresh, key)
        self._signing = following.kid

    async def replace_all(self) -> None:
        """Drop every key at once and make new ones: every access token is refused from now on.

        For when a key may have leaked. Sessions stay, and get new tokens by refreshing.

        Raises:
            StorageError: this cannot be stored; in memory the old keys are gone.
        """
        (first, first_key), (second, second_key) = await self._made(), await self._made()
        first = _replace(first, signs_from=self._clock.now_ns())
        dropped = tuple(self._records)
        self._records.clear()
        self._verifiers.clear()
        self._hold(first, first_key)
        self._hold(second, second_key)
        self._signing = first.kid
        await self._store.put_signing_keys((first, second))
        for kid in dropped:
            await self._store.remove_signing_key(kid)

    async def _complete(self) -> None:
        """See that one key of the algorithm asked for signs and another is published.

        Keys of another algorithm, asked for earlier, cease to sign.
        """
        now = self._clock.now_ns()
        changed = [
            _replace(record, signs_until=now)
            for record in self._records.values()
            if record.algorithm != self._config.algorithm and not record.signs_until
        ]
        self._records |= {record.kid: record for record in changed}
        usable = [record for record in self._records.values() if not record.signs_until]
        made: dict[str, RSAKey | OKPKey] = {}
        while len(usable) < 2:  # noqa: PLR2004  # one that signs and the next
            record, made[record.kid] = await self._made()
            usable.append(record)
            changed.append(record)
        signing = max(usable, key=lambda record: record.signs_from)
        if not signing.signs_from:
            signing = _replace(usable[0], signs_from=now)
            changed = [each for each in changed if each.kid != signing.kid] + [signing]
        if changed:
            await self._store.put_signing_keys(changed)
        for record in changed:
            if record.kid in made:
                self._hold(record, made[record.kid])
            else:
                self._records[record.kid] = record
        self._signing = signing.kid

    def _next(self) -> SigningKey:
        return next(
            record
            for record in self._records.values()
            if not record.signs_from and not record.signs_until
        )

    def _hold(self, record: SigningKey, key: RSAKey | OKPKey) -> None:
        self._records[record.kid] = record
        self._verifiers[record.kid] = Verifier(record.kid, record.algorithm, key)

    def _has_lapsed(self, record: SigningKey) -> bool:
        """Whether the last token that it signed has ended."""
        last = record.signs_until + (self._config.access_s + self._config.leeway_s) * SECOND_NS
        return bool(record.signs_until) and last <= self._clock.now_ns()

    async def _made(self) -> tuple[SigningKey, RSAKey | OKPKey]:
        algorithm = self._config.algorithm
        key = await asyncio.to_thread(_generated, algorithm)
        kid = new_id()
        material = json.dumps(key.as_dict(private=True)).encode()
        record = SigningKey(
            kid=kid,
            algorithm=algorithm.value,
            sealed=self._envelope.enclose(material, _place(kid)),
            created_at=self._clock.now_ns(),
        )
        return record, key

    def _opened(self, record: SigningKey) -> RSAKey | OKPKey:
        material: dict[str, Any] = json.loads(
            self._envelope.open(record.sealed, _place(record.kid))
        )
        if record.algorithm == Algorithm.RS256:
            return RSAKey.import_key(material)
        return OKPKey.import_key(material)


def _place(kid: str) -> Place:
    return Place("signing_keys", kid, "sealed")


def _generated(algorithm: Algorithm) -> RSAKey | OKPKey:
    if algorithm is Algorithm.RS256:
        return RSAKey.generate_key(RSA_BITS)
    return OKPKey.generate_key("Ed25519")


def _public(key: RSAKey | OKPKey) -> dict[str, str]:
    return {name: str(value) for name, value in key.as_dict(private=False).items()}
