"""Second factors: time-based codes (RFC 6238), each good once, and recovery codes.

A seed is sealed for its user's row. The newest step whose code was used is stored and only ever
advanced, so that a code that was overheard is worth nothing.
"""

import hashlib
import secrets
from base64 import b32encode
from typing import Final

import pyotp

from botcore.control.identity.config import IdentityConfig
from botcore.control.identity.envelope import Envelope, Place
from botcore.control.identity.ports import FactorStore, RecoveryCode, Totp, User
from botcore.control.problems import Conflict, Forbidden
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

STEP_S: Final = 30
RECOVERY_CODES: Final = 10
OTP: Final = "otp"
RECOVERY: Final = "recovery"
_SEED_BYTES: Final = 20
"""160 bits."""
_CODE_BYTES: Final = 15
"""120 bits: from 112 on, a fast hash may keep a code, since nobody can try so many (ASVS 6.5.2)."""
_GROUP: Final = 4


class Factors:
    """Sets second factors up and checks their codes.

    Args:
        store: keeps them.
        envelope: seals their seeds.
        config: issuer, and how many steps back are taken.
        clock: tells the step.
    """

    def __init__(
        self, *, store: FactorStore, envelope: Envelope, config: IdentityConfig, clock: Clock
    ) -> None:
        self._store = store
        self._envelope = envelope
        self._config = config
        self._clock = clock

    async def is_set_up(self, user_id: str) -> bool:
        """Whether the user has a confirmed second factor."""
        totp = await self._store.totp(user_id)
        return totp is not None and totp.is_confirmed

    async def enrol(self, user: User) -> tuple[str, str]:
        """Begin to set one up; return the seed (base 32) and its ``otpauth:`` address.

        Raises:
            Conflict: the user has one.
        """
        seed = secrets.token_bytes(_SEED_BYTES)
        totp = Totp(
            user_id=user.id,
            sealed=self._envelope.enclose(seed, _place(user.id)),
            created_at=self._clock.now_ns(),
        )
        if not await self._store.enrol_totp(totp):
            raise _set_up_already()
        text = b32encode(seed).decode()
        address = pyotp.TOTP(text).provisioning_uri(
            name=user.username, issuer_name=self._config.issuer
        )
        return text, address

    async def confirm(self, user_id: str, code: str) -> tuple[str, ...]:
        """Finish setting up with a code of the new seed; return ten recovery codes, shown once.

        Raises:
            Conflict: it is not being set up.
            Forbidden: the code is wrong.
        """
        totp = await self._store.totp(user_id)
        if totp is None or totp.is_confirmed:
            raise _set_up_already() if totp else _not_set_up()
        step = self._step_of(totp, code)
        if step is None:
            raise wrong_code()
        texts, codes = _new_codes(user_id)
        if not await self._store.confirm_totp(user_id, step, codes):
            raise _set_up_already()
        return texts

    async def check(self, user_id: str, code: str) -> str | None:
        """Use a code up; return what it was (`OTP` or `RECOVERY`), or None if it is not good."""
        totp = await self._store.totp(user_id)
        if totp is None or not totp.is_confirmed:
            return None
        step = self._step_of(totp, code)
        if step is not None:
            return OTP if await self._store.advance_totp(user_id, step) else None
        digest = _digest(user_id, code)
        if await self._store.take_recovery_code(user_id, digest, self._clock.now_ns()):
            return RECOVERY
        return None

    async def renew_codes(self, user_id: str) -> tuple[str, ...]:
        """Put ten new recovery codes in the place of all others; return them, shown once.

        Raises:
            Conflict: the user has no second factor.
        """
        if not await self.is_set_up(user_id):
            raise _not_set_up()
        texts, codes = _new_codes(user_id)
        await self._store.replace_recovery_codes(user_id, codes)
        return texts

    async def codes_left(self, user_id: str) -> int:
        """Return how many recovery codes were not used."""
        return await self._store.recovery_codes_left(user_id)

    async def remove(self, user_id: str) -> None:
        """Remove the factor and its recovery codes; nothing if there is none."""
        await self._store.remove_totp(user_id)

    def _step_of(self, totp: Totp, code: str) -> int | None:
        """Return the time step that a code belongs to among those that are taken, or None."""
        seed = self._envelope.open(totp.sealed, _place(totp.user_id))
        codes = pyotp.TOTP(b32encode(seed).decode())
        now = self._clock.now_ns() // (STEP_S * SECOND_NS)
        given = code.replace(" ", "").encode("utf-8", "surrogatepass")
        for step in range(now, now - self._config.totp_steps_back - 1, -1):
            if secrets.compare_digest(codes.generate_otp(step).encode(), given):
                return step
        return None


def wrong_code() -> Forbidden:
    """Return the refusal of a code, whatever is wrong with it."""
    return Forbidden(
        code="CODE_WRONG",
        cause="the code is wrong, too old, or was used before",
        fix="type the app's next code, or another of your recovery codes; each is good once",
    )


def _place(user_id: str) -> Place:
    return Place("totp", user_id, "sealed", owner=user_id)


def _new_codes(user_id: str) -> tuple[tuple[str, ...], tuple[RecoveryCode, ...]]:
    texts = tuple(_grouped(secrets.token_bytes(_CODE_BYTES)) for _ in range(RECOVERY_CODES))
    codes = tuple(RecoveryCode(user_id=user_id, digest=_digest(user_id, text)) for text in texts)
    return texts, codes


def _grouped(code: bytes) -> str:
    text = b32encode(code).decode().lower()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def _digest(user_id: str, code: str) -> bytes:
    """Return what a recovery code is stored as; see `_CODE_BYTES` for why the hash may be fast."""
    plain = code.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(f"{user_id}\0{plain}".encode("utf-8", "surrogatepass")).digest()


def _set_up_already() -> Conflict:
    return Conflict(
        code="FACTOR_SET_UP",
        cause="a second factor is set up already",
        fix="disable it first, to set up another",
    )


def _not_set_up() -> Conflict:
    return Conflict(
        code="FACTOR_NOT_SET_UP",
        cause="no second factor is set up",
        fix="POST /api/v1/auth/totp first",
    )
