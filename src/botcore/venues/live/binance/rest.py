"""Binance's public REST routes: time, candles, books and the rules of instruments; no key.

Weights are read from the headers of each answer, and before the limit of a minute is reached the
rest of that minute is waited out. Bodies that are not what the route promises, statuses and
time-outs become one `VenueError` each; nothing here tries again, the caller knows whether to.
"""

import asyncio
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Final, TypeVar

import aiohttp
import msgspec
import numpy as np

from botcore.domain.errors import ConfigError
from botcore.domain.ids import MINUTE_NS, SECOND_NS, Currency, InstrumentId, Nanos
from botcore.domain.instruments import Instrument, TradingStatus
from botcore.domain.market import BookSnapshot
from botcore.kernel.clock import Clock
from botcore.marketdata.candles import FIELDS, Candles
from botcore.venues.live.binance import refusals
from botcore.venues.live.binance.messages import UNREADABLE, SnapshotMessage, stamp_ns
from botcore.venues.live.binance.routes import (
    ExchangeInfo,
    KlineRow,
    ListedSymbol,
    Refusal,
    ServerTime,
    interval_name,
)
from botcore.venues.live.binance.symbols import spot_symbol

REST_URL: Final = "https://api.binance.com"
KLINES_MAX: Final = 1_000
"""Candles an answer holds at most."""
_WEIGHT_LIMIT: Final = 6_000
_WEIGHT_KEPT_FREE: Final = 1_000
"""Of the minute's weight: other programs ask from the same address too."""
_USED_WEIGHT: Final = "X-MBX-USED-WEIGHT-1M"
_BODY_MAX: Final = 64 * 1024 * 1024
_BAD_REQUESTS_FROM: Final = 400
_BANNED: Final = 418
_SLOW_DOWN: Final = frozenset({_BANNED, 429})
_DEFAULT_WAIT_S: Final = 60.0
_WAIT_MAX_S: Final = 61.0
"""A longer wait, of a ban, is refused at once: the caller has something better to do."""
_CLOCK_SET_NS: Final = SECOND_NS // 10
"""Wall and monotonic time differ by more only where somebody set the clock."""
_STATUSES: Final = {
    "TRADING": TradingStatus.TRADING,
    "CANCEL_ONLY": TradingStatus.CANCEL_ONLY,
}

T = TypeVar("T")


class ClockReading(msgspec.Struct, frozen=True, gc=False):
    """Where the venue's clock stands against ours.

    Attributes:
        offset_ns: venue less local time, nanoseconds, wrong by half the round trip at most.
        round_trip_ns: how long the answer took.
    """

    offset_ns: int
    round_trip_ns: int


class BinanceRest:
    """A client of the public routes of the spot market.

    Args:
        clock: measures round trips and waits out limits.
        base_url: scheme, host and port.
        timeout_s: how long an answer may take, seconds.
    """

    def __init__(self, *, clock: Clock, base_url: str = REST_URL, timeout_s: float = 5.0) -> None:
        self._clock = clock
        self._base_url = base_url.rstrip("/")
        self._timeout_s = timeout_s
        self._session: aiohttp.ClientSession | None = None
        self._resume_at_ns = 0
        self.used_weight = 0

    async def __aenter__(self) -> "BinanceRest":
        # A time-out of the whole request is set in `_get`; the session's own would hide which.
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None))
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

    async def server_time(self) -> ClockReading:
        """Ask for the venue's time, and take it for the middle of the round trip.

        Raises:
            VenueError: no answer that can be read, or our own clock was set meanwhile.
        """
        began, wall = self._clock.monotonic_ns(), self._clock.now_ns()
        body = await self._get("time", {})
        took = self._clock.monotonic_ns() - began
        if abs(self._clock.now_ns() - wall - took) > _CLOCK_SET_NS:
            raise refusals.unreadable("time", "the clock of this machine was set meanwhile")
        told = stamp_ns(_decode(body, ServerTime, "time").serverTime)
        return ClockReading(told - (wall + took // 2), took)

    async def klines(
        self, instrument: InstrumentId, step_ns: int, start_ns: int, end_ns: int
    ) -> Candles:
        """Ask for the closed candles that open in ``[start_ns, end_ns)``, nanoseconds UTC.

        A candle that the venue says is still open at `end_ns` is not among them (trap E12).

        Raises:
            ConfigError: the venue has no candles of that length, or no such instrument.
            VenueError: no answer that can be read.
        """
        rows: list[KlineRow] = []
        symbol, interval = spot_symbol(instrument), interval_name(step_ns)
        start = start_ns
        while start < end_ns:
            found = await self._klines(symbol, interval, start, end_ns)
            rows += found
            if len(found) < KLINES_MAX:
                break
            start = max(start, stamp_ns(found[-1].open_time)) + step_ns
        closed = [row for row in rows if stamp_ns(row.close_time) < end_ns]
        columns = {
            name: np.array([getattr(row, name) for row in closed], dtype=np.float64)
            for name in FIELDS
        }
        opens = np.array([stamp_ns(row.open_time) for row in closed], dtype=np.int64)
        if (np.diff(opens) <= 0).any():
            raise refusals.unreadable("klines", f"the candles of {symbol} are not in order")
        return Candles(instrument, step_ns, opens, columns)

    async def depth(self, instrument: InstrumentId, *, limit: int = 1_000) -> BookSnapshot:
        """Ask for the best `limit` levels of a book, stamped at the receipt (spot names none).

        Raises:
            VenueError: no answer that can be read.
        """
        query = {"symbol": spot_symbol(instrument), "limit": str(limit)}
        body = await self._get("depth", query)
        found = _decode(body, SnapshotMessage, "depth")
        ts = self._clock.now_ns()
        return BookSnapshot(instrument, ts, found.lastUpdateId, found.bids, found.asks)

    async def instruments(self, wanted: Iterable[InstrumentId]) -> tuple[Instrument, ...]:
        """Ask for the rules of instruments, in the order given.

        Raises:
            ConfigError: the venue does not list one of them.
            VenueError: no answer that can be read.
        """
        names = {spot_symbol(each): each for each in wanted}
        query = {"symbols": msgspec.json.encode(list(names)).decode()}
        body = await self._get("exchangeInfo", query)
        listed = {each.symbol: each for each in _decode(body, ExchangeInfo, "rules").symbols}
        for symbol, name in names.items():
            if symbol not in listed:
                raise _not_listed(name)
        return tuple(_instrument(name, listed[symbol]) for symbol, name in names.items())

    async def _klines(
        self, symbol: str, interval: str, start_ns: int, end_ns: int
    ) -> list[KlineRow]:
        query = {
            "symbol": symbol,
            "interval": interval,
            "startTime": str(start_ns // 1_000_000),
            "endTime": str((end_ns - 1) // 1_000_000),
            "limit": str(KLINES_MAX),
        }
        return _decode(await self._get("klines", query), list[KlineRow], "klines")

    async def _get(self, route: str, query: Mapping[str, str]) -> bytes:
        if self._session is None:
            raise RuntimeError("used outside `async with`")
        await self._wait_for_room()
        url = f"{self._base_url}/api/v3/{route}"
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.get(url, params=query) as answer,
            ):
                body = await _whole(answer, route)
                self._read_weight(answer.headers)
                self._refuse_unless_ok(route, answer, body)
                return body
        except TimeoutError as error:
            raise refusals.timed_out(route, self._timeout_s) from error
        except (aiohttp.ClientError, OSError) as error:
            raise refusals.unreachable(self._base_url, str(error)) from error

    async def _wait_for_room(self) -> None:
        wait_s = (self._resume_at_ns - self._clock.now_ns()) / SECOND_NS
        if wait_s > _WAIT_MAX_S:
            raise refusals.limited(_BANNED, wait_s)
        await self._clock.sleep(wait_s)

    def _read_weight(self, headers: Mapping[str, str]) -> None:
        told = headers.get(_USED_WEIGHT, "")
        if not told.isdecimal():
            return
        self.used_weight = int(told)
        if self.used_weight > _WEIGHT_LIMIT - _WEIGHT_KEPT_FREE:
            # Limits are of whole minutes: the count begins anew with the next.
            self._resume_at_ns = (self._clock.now_ns() // MINUTE_NS + 1) * MINUTE_NS

    def _refuse_unless_ok(self, route: str, answer: aiohttp.ClientResponse, body: bytes) -> None:
        status = answer.status
        if status < _BAD_REQUESTS_FROM:
            return
        told = answer.headers.get("Retry-After", "")
        wait_s = float(told) if told.isdecimal() else _DEFAULT_WAIT_S
        if status in _SLOW_DOWN:
            self._resume_at_ns = self._clock.now_ns() + round(wait_s * SECOND_NS)
        refusal = refusals.of_status(status, route, wait_s=wait_s)
        if refusal is not None:
            raise refusal
        try:
            said = msgspec.json.decode(body, type=Refusal)
        except UNREADABLE:
            raise refusals.refused(route, status, "without a reason that can be read") from None
        raise refusals.refused(route, said.code, said.msg)


async def _whole(answer: aiohttp.ClientResponse, route: str) -> bytes:
    body = await answer.content.read(_BODY_MAX)
    parts = [body]
    size = len(body)
    while not answer.content.at_eof():
        part = await answer.content.read(_BODY_MAX)
        size += len(part)
        if size > _BODY_MAX:
            raise refusals.unreadable(route, f"it is longer than {_BODY_MAX} bytes")
        parts.append(part)
    return b"".join(parts)


def _decode(body: bytes, kind: type[T], route: str) -> T:
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except UNREADABLE as error:
        raise refusals.unreadable(route, str(error)) from error


def _instrument(name: InstrumentId, listed: ListedSymbol) -> Instrument:
    filters = {each.filterType: each for each in listed.filters}
    price, lot = filters.get("PRICE_FILTER"), filters.get("LOT_SIZE")
    notional = filters.get("NOTIONAL") or filters.get("MIN_NOTIONAL")
    if price is None or lot is None:
        raise refusals.unreadable("exchangeInfo", f"{name} has no price or lot filter")
    quote = Currency(listed.quoteAsset)
    try:
        return Instrument(
            id=name,
            base=Currency(listed.baseAsset),
            quote=quote,
            settle=quote,
            tick=price.tickSize.normalize(),
            lot=lot.stepSize.normalize(),
            min_quantity=lot.minQty.normalize(),
            min_notional=notional.minNotional.normalize() if notional else lot.minQty * 0,
            valid_from=Nanos(0),
            status=_STATUSES.get(listed.status, TradingStatus.HALTED),
        )
    except ConfigError as error:
        raise refusals.unreadable("exchangeInfo", error.cause) from error


def _not_listed(name: InstrumentId) -> ConfigError:
    return ConfigError(
        code="INSTRUMENT_NOT_LISTED",
        cause=f"Binance does not list {name}",
        fix="check its name: BTCUSDT.BINANCE is the spot pair BTC/USDT",
    )
