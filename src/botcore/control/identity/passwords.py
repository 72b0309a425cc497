"""Passwords: argon2id, a few at a time on threads, and a refusal of those that are guessed first.

Parameters after OWASP ASVS 5.0, appendix C, and the OWASP password storage cheat sheet. A password
is taken as it comes: nothing is cut off, and no kinds of characters are asked for.
"""

import asyncio
import os
import secrets
import sys
import threading
from base64 import b64encode
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from botcore.control.problems import Refused, TooMany

T = TypeVar("T")
LENGTH_MIN: Final = 8
LENGTH_MAX: Final = 1_024
"""Characters; a bound on work, far above what anybody types."""
GUESSES_LOG10_MIN: Final = 7.0
"""A password that zxcvbn expects within ten million guesses is refused."""
_ESTIMATED: Final = 64
"""Characters that are estimated: the time it takes grows faster than the length."""
_WAITING_MAX: Final = 64
_HASH_BYTES: Final = 32
_SALT_BYTES: Final = 16
_NICER: Final = 10
_CGROUP_LIMIT: Final = Path("/sys/fs/cgroup/memory.max")


class PasswordCost(NamedTuple):
    """What one hash costs.

    Attributes:
        memory_kib: memory, KiB.
        passes: over it.
    """

    memory_kib: int
    passes: int


STRONG: Final = PasswordCost(memory_kib=64 * 1_024, passes=3)
SMALL: Final = PasswordCost(memory_kib=19_456, passes=2)
_STRONG_FROM: Final = 2 * 1_024**3


def cost_for(memory_bytes: int) -> PasswordCost:
    """Return what a machine with so much memory can bear."""
    return STRONG if memory_bytes >= _STRONG_FROM else SMALL


def machine_memory() -> int:
    """Return the memory this process may use, bytes: the machine's, or its container's."""
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        limit = int(_CGROUP_LIMIT.read_text())
    except (OSError, ValueError):
        return whole
    return min(whole, limit)


class Passwords:
    """Hashes and checks passwords; at most so many at once, and the others wait in a line.

    Args:
        cost: of a hash.
        workers: hashes at once; max(1, cores − 1) if None.
    """

    def __init__(self, cost: PasswordCost, *, workers: int | None = None) -> None:
        self._hasher = PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=1,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
        )
        self._nobodys = _hash_of_nothing(cost)
        self._pool = ThreadPoolExecutor(
            workers or max(1, (os.cpu_count() or 1) - 1),
            thread_name_prefix="passwords",
            initializer=_give_way,
        )
        self._waiting = 0
        self._estimating = threading.Lock()

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Return its hash as a PHC string.

        Raises:
            TooMany: too many wait to be hashed.
        """
        return await self._run(self._hasher.hash, password)

    async def is_right(self, password_hash: str, password: str) -> bool:
        """Whether the password belongs to the hash.

        An empty hash, of nobody or of who has no password yet, takes as long and says no.

        Raises:
            TooMany: too many wait to be checked.
        """
        return await self._run(self._verify, password_hash, password)

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with other parameters than are asked for now."""
        return self._hasher.check_needs_rehash(password_hash)

    async def require_strong(self, password: str, *, about: Iterable[str] = ()) -> None:
        """Refuse a password that is too short or among the first that are guessed.

        Args:
            password: as it was typed.
            about: what an attacker knows of the person: the username.

        Raises:
            Refused: it is one of these.
        """
        if not LENGTH_MIN <= len(password) <= LENGTH_MAX:
            raise Refused(
                code="PASSWORD_LENGTH",
                cause=f"the password has {len(password)} characters; {LENGTH_MIN} to {LENGTH_MAX} "
                "are taken",
                fix="choose one of 15 or more characters, such as four or five random words",
            )
        guesses = await self._run(self._guesses_log10, password, tuple(about))
        if guesses < GUESSES_LOG10_MIN:
            raise Refused(
                code="PASSWORD_COMMON",
                cause="the password is easily guessed: about "
                f"{10 ** max(0, round(guesses)):,} tries find it, and "
                f"{10 ** round(GUESSES_LOG10_MIN):,} are the least",
                fix="choose one of 15 or more characters, such as four or five random words",
            )

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            self._hasher.verify(password_hash or self._nobodys, password)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError):
            return False  # a damaged hash lets nobody in
        return bool(password_hash)

    def _guesses_log10(self, password: str, about: tuple[str, ...]) -> float:
        from zxcvbn import (  # type: ignore[import-untyped]  # noqa: PLC0415  # ships no type
            zxcvbn,  # marker; its lists take a while to load, and only a new password needs them
        )

        with self._estimating:  # it keeps `user_inputs` in a global
            found = zxcvbn(password[:_ESTIMATED], user_inputs=[each for each in about if each])
        return float(found["guesses_log10"])

    async def _run(self, work: Callable[..., T], *args: object) -> T:
        if self._waiting >= _WAITING_MAX:
            raise TooMany(
                code="SIGN_IN_BUSY",
                cause=f"{self._waiting} passwords wait to be checked; {_WAITING_MAX} are the most",
                fix="try again in a few seconds",
                details={"retry_after_s": 5},
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)
        finally:
            self._waiting -= 1


def _give_way() -> None:
    """Let this thread have what others leave of the cores: guessing slows guessing alone.

    Only Linux counts niceness a thread (setpriority(2), BUGS); elsewhere it would be the process's.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            niceness = os.getpriority(os.PRIO_PROCESS, thread) + _NICER
            os.setpriority(os.PRIO_PROCESS, thread, min(niceness, 19))


def _hash_of_nothing(cost: PasswordCost) -> str:
    """Return a well-formed hash that no password has; checking it takes as long as any other."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (_SALT_BYTES, _HASH_BYTES)
    )
    return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p=1${salt}${digest}"
