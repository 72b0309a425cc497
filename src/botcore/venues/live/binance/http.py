"""Downloads from Binance without a key: bounded in time, size and tries, and polite.

A host that asks to slow down is left alone for as long as it says, by every request of this
client; a ban ends the fetch at once (trap E71). Weights are read from the headers of each answer.
What can be had by asking again is asked for again, a bounded number of times.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Final, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from botcore.domain.errors import ConfigError, DataError, VenueError
from botcore.domain.ids import MINUTE_NS, SECOND_NS
from botcore.kernel.backoff import Backoff, Uniform
from botcore.kernel.clock import Clock
from botcore.venues.live.binance import refusals
from botcore.venues.live.binance.routes import Refusal

GEO_BLOCKED: Final = frozenset({403, 451})
_NOT_FOUND: Final = 404
_BANNED: Final = 418
_TOO_MANY: Final = 429
_BAD_REQUESTS_FROM: Final = 400
_USED_WEIGHT: Final = "X-MBX-USED-WEIGHT-1M"
_WEIGHT_USED_MAX: Final = 4_800
"""Of the 6,000 of a minute: other programs ask from the same address too."""
_WAIT_UNTOLD_S: Final = 60.0
_CHUNK: Final = 1 << 16
_USUAL_BACKOFF: Final = Backoff(base_s=0.5, cap_s=30.0)

T = TypeVar("T")


class MustWait(VenueError):  # noqa: N818  # says what has to be done, as OutcomeUnknown does
    """The venue wants to be left alone for longer than we wait: asking again makes it worse."""


class Answer(msgspec.Struct, frozen=True):
    """A whole answer.

    Attributes:
        served_ns: the server's own clock when it answered, whole seconds, nanoseconds UTC; None
            where it did not say.
    """

    body: bytes
    served_ns: int | None


class _Host:
    """How long one host wants to be left alone, by the monotonic clock."""

    __slots__ = ("banned_until_ns", "resume_ns")

    def __init__(self) -> None:
        self.resume_ns = 0
        self.banned_until_ns = 0


class PublicHttp:
    """A client of public files and routes. Use it as an asynchronous context manager.

    Args:
        clock: waits, and knows when a minute is over.
        rng: jitter of the waits between tries.
        attempts: how often one thing is asked for at most.
        backoff: the waits between tries.
        wait_max_s: the longest that is waited because a host says so, seconds.
        connect_timeout_s: how long a connection may take, seconds.
        read_timeout_s: how long a connection may be silent, seconds.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        rng: Uniform,
        attempts: int = 5,
        backoff: Backoff = _USUAL_BACKOFF,
        wait_max_s: float = 300.0,
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 30.0,
    ) -> None:
        self._clock = clock
        self._rng = rng
        self._attempts = attempts
        self._backoff = backoff
        self._wait_max_s = wait_max_s
        self._read_timeout_s = read_timeout_s
        self._timeouts = aiohttp.ClientTimeout(
            total=None, sock_connect=connect_timeout_s, sock_read=read_timeout_s
        )
        self._session: aiohttp.ClientSession | None = None
        self._hosts: dict[str, _Host] = {}
        self.received_bytes = 0

    async def __aenter__(self) -> "PublicHttp":
        self._session = aiohttp.ClientSession(timeout=self._timeouts)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def retried(self, once: Callable[[], Awaitable[T]]) -> T:
        """Try until it succeeds, with growing waits, and raise what the last try raised.

        Args:
            once: one whole try, with its own check of what came.

        Raises:
            MustWait: at once.
            VenueError, DataError: the last try failed.
        """
        for attempt in range(self._attempts - 1):
            try:
                return await once()
            except MustWait:
                raise
            except (VenueError, DataError):
                await self._clock.sleep(self._backoff.delay_s(attempt, rng=self._rng))
        return await once()

    async def get(
        self, url: str, query: Mapping[str, str] | None = None, *, size_max: int
    ) -> Answer | None:
        """Ask once for something small; None is a 404.

        Raises:
            ConfigError: the venue does not serve this place, or refuses what was asked.
            VenueError: no answer, half of one, or one that is too long.
        """
        async with self._answer(url, query) as answer:
            if answer is None:
                return None
            parts = [part async for part in self._parts(answer, url, size_max)]
            return Answer(b"".join(parts), _served_ns(answer.headers))

    async def download(self, url: str, write: Callable[[bytes], object], *, size_max: int) -> bool:
        """Ask once for something large, and hand its parts to `write` as they come.

        Returns:
            Whether it is there; False is a 404.

        Raises:
            ConfigError, VenueError: as `get`; some of it may have been written by then.
        """
        async with self._answer(url, None) as answer:
            if answer is None:
                return False
            async for part in self._parts(answer, url, size_max):
                write(part)
            return True

    @asynccontextmanager
    async def _answer(
        self, url: str, query: Mapping[str, str] | None
    ) -> AsyncIterator[aiohttp.ClientResponse | None]:
        """Give an answer with status 200, or None for a 404; any failure within it is ours."""
        if self._session is None:
            raise RuntimeError("used outside `async with`")
        host = self._host(url)
        await self._wait_for_room(host)
        try:
            async with self._session.get(url, params=query) as answer:
                self._read_weight(host, answer.headers)
                if answer.status == _NOT_FOUND:
                    yield None
                    return
                if answer.status >= _BAD_REQUESTS_FROM:
                    body = await answer.content.read(_CHUNK)
                    raise self._refusal(host, answer, body)
                yield answer
        except TimeoutError as error:
            raise refusals.timed_out(url, self._read_timeout_s) from error
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise _bad_url(url) from error
        except (aiohttp.ClientError, OSError) as error:
            raise refusals.unreachable(url, _why(error)) from error

    async def _parts(
        self, answer: aiohttp.ClientResponse, url: str, size_max: int
    ) -> AsyncIterator[bytes]:
        size = 0
        async for part in answer.content.iter_chunked(_CHUNK):
            size += len(part)
            self.received_bytes += len(part)
            if size > size_max:
                raise refusals.unreadable(url, f"it is longer than {size_max} bytes")
            yield part

    def _host(self, url: str) -> _Host:
        try:
            return self._hosts.setdefault(urlsplit(url).netloc, _Host())
        except ValueError as error:
            raise _bad_url(url) from error

    async def _wait_for_room(self, host: _Host) -> None:
        now = self._clock.monotonic_ns()
        if now < host.banned_until_ns:
            raise _must_wait(_BANNED, (host.banned_until_ns - now) / SECOND_NS)
        while now < host.resume_ns:  # another request may have been told to wait meanwhile
            await self._clock.sleep((host.resume_ns - now) / SECOND_NS)
            now = self._clock.monotonic_ns()

    def _read_weight(self, host: _Host, headers: Mapping[str, str]) -> None:
        told = headers.get(_USED_WEIGHT, "")
        if told.isdecimal() and int(told) > _WEIGHT_USED_MAX:
            # Limits are of whole minutes of wall time: the count begins anew with the next.
            self._leave_alone(host, MINUTE_NS - self._clock.now_ns() % MINUTE_NS)

    def _leave_alone(self, host: _Host, wait_ns: int) -> None:
        host.resume_ns = max(host.resume_ns, self._clock.monotonic_ns() + wait_ns)

    def _refusal(
        self, host: _Host, answer: aiohttp.ClientResponse, body: bytes
    ) -> ConfigError | VenueError:
        """Return what a status of 400 or above means, and remember how long to wait."""
        status, told = answer.status, answer.headers.get("Retry-After", "")
        wait_s = float(told) if told.isdecimal() else _WAIT_UNTOLD_S
        if status == _BANNED:
            host.banned_until_ns = self._clock.monotonic_ns() + round(wait_s * SECOND_NS)
            return _must_wait(status, wait_s)
        if status == _TOO_MANY:
            if wait_s > self._wait_max_s:
                return _must_wait(status, wait_s)
            self._leave_alone(host, round(wait_s * SECOND_NS))
        if status in GEO_BLOCKED:
            return _geo_blocked(answer.url.host or "", status)
        said = refusals.of_status(status, answer.url.path, wait_s=wait_s)
        return said if said is not None else _refused(answer.url.path, status, body)


def _served_ns(headers: Mapping[str, str]) -> int | None:
    told = headers.get("Date")
    if told is None:
        return None
    try:
        return round(parsedate_to_datetime(told).timestamp()) * SECOND_NS
    except (ValueError, OverflowError):
        return None


def _why(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the connection broke in the middle of the answer"
    return str(error) or type(error).__name__


def _must_wait(status: int, wait_s: float) -> MustWait:
    said = refusals.limited(status, wait_s)
    fix = "run the same command again after that: what is verified is kept"
    return MustWait(code=said.code, cause=said.cause, fix=fix)


def _geo_blocked(host: str, status: int) -> ConfigError:
    return ConfigError(
        code="HISTORY_GEO_BLOCKED",
        cause=f"{host} does not serve the country or network of this machine ({status})",
        fix="fetch from a mirror that does, or import files you have with: botcore data import",
    )


def _refused(what: str, status: int, body: bytes) -> ConfigError:
    try:
        said = msgspec.json.decode(body, type=Refusal)
        reason = f"{said.msg} ({said.code})"
    except (msgspec.MsgspecError, RecursionError):
        reason = f"status {status}"
    return ConfigError(
        code="HISTORY_REFUSED",
        cause=f"Binance refused {what}: {reason}",
        fix="check the instrument's name, the timeframe and the dates",
    )


def _bad_url(url: str) -> ConfigError:
    return ConfigError(
        code="URL_MALFORMED",
        cause=f"{url!r} is no address of a server",
        fix="write it as https://data.binance.vision",
    )
