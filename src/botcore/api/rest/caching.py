"""Answers to queries kept for a moment: asked once, told to all who may see the same."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, NamedTuple

from botcore.control.access import Actor, Scope
from botcore.control.operations import Operation
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import Clock

ENTRIES_MAX: Final = 2_000
BYTES_MAX: Final = 64 * 1024 * 1024


class Fresh(NamedTuple):
    """A new answer as JSON, and how many seconds it may be kept."""

    body: bytes
    seconds: float


class Kept:
    """One answer.

    Attributes:
        body: JSON.
        etag: its mark, weak: it stays when the body is compressed.
        zipped: the body as gzip, once somebody wanted it.
        seconds: how long it may be kept from when it was given.
        until_ns: monotonic; how long it may be told.
    """

    __slots__ = ("body", "etag", "seconds", "until_ns", "zipped")

    def __init__(self, body: bytes, seconds: float, until_ns: int) -> None:
        self.body = body
        self.seconds = seconds
        self.etag = etag_of(body)
        self.zipped: bytes | None = None
        self.until_ns = until_ns


class AnswerCache:
    """Keeps the newest answers; drops the one that was used longest ago when it is full.

    Args:
        clock: ends them, by its monotonic time.
        entries_max, bytes_max: bounds; an answer that is larger than a tenth of all is not kept.
    """

    def __init__(
        self, clock: Clock, *, entries_max: int = ENTRIES_MAX, bytes_max: int = BYTES_MAX
    ) -> None:
        self._clock = clock
        self._entries_max = entries_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._kept: OrderedDict[Hashable, Kept] = OrderedDict()
        self._asking: dict[Hashable, asyncio.Future[Kept | None]] = {}

    def __len__(self) -> int:
        """Return how many answers are kept."""
        return len(self._kept)

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Fresh]]) -> Kept:
        """Return the answer under `key`, asking for it if there is none; once for all who wait.

        Args:
            key: who may see what, and the request.
            ask: gives the answer, and says how long it is kept; what it raises is raised to who
                asked, and the next one who waits asks again.
        """
        while True:
            kept = self._kept.get(key)
            if kept is not None and kept.until_ns > self._clock.monotonic_ns():
                self._kept.move_to_end(key)
                return kept
            asking = self._asking.get(key)
            if asking is None:
                return await self._asked(key, ask)
            told = await asyncio.shield(asking)
            if told is not None:
                return told

    async def _asked(self, key: Hashable, ask: Callable[[], Awaitable[Fresh]]) -> Kept:
        asking = self._asking[key] = asyncio.get_running_loop().create_future()
        kept = None
        try:
            body, seconds = await ask()
            until_ns = self._clock.monotonic_ns() + round(seconds * SECOND_NS)
            kept = Kept(body, seconds, until_ns)
            self._keep(key, kept)
            return kept
        finally:
            del self._asking[key]
            asking.set_result(kept)

    def _keep(self, key: Hashable, kept: Kept) -> None:
        old = self._kept.pop(key, None)
        self._bytes -= 0 if old is None else len(old.body)
        if len(kept.body) > self._bytes_max // 10:
            return
        self._kept[key] = kept
        self._bytes += len(kept.body)
        while len(self._kept) > self._entries_max or self._bytes > self._bytes_max:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.body)


def grant_of(operation: Operation, actor: Actor) -> Hashable:
    """Return who else may be told the same answer: those with an equal grant.

    Market data is the same for all whose keys name the same symbols; anything else is told to
    nobody but who asked.
    """
    if operation.scope is Scope.READ_MARKET:
        return actor.symbols
    return actor.name, actor.user, actor.scopes, actor.symbols


def etag_of(body: bytes) -> bytes:
    """Return the mark of a body."""
    return b'W/"' + hashlib.sha256(body).hexdigest()[:32].encode("ascii") + b'"'


def is_known(if_none_match: str, etag: bytes) -> bool:
    """Whether a caller has the answer with this mark already (RFC 9110, weak comparison)."""
    wanted = etag.decode("ascii").removeprefix("W/")
    return any(
        each.strip().removeprefix("W/") in (wanted, "*") for each in if_none_match.split(",")
    )
