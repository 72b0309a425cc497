"""Candles of the klines route, page by page: only finished ones, of spot and of futures."""

from typing import Final

import msgspec
import numpy as np

from botcore.domain.ids import InstrumentId
from botcore.kernel.clock import Clock
from botcore.marketdata.candles import FIELDS, Candles
from botcore.venues.live.binance import refusals
from botcore.venues.live.binance.archive_layout import BinanceUrls, Listing
from botcore.venues.live.binance.http import PublicHttp
from botcore.venues.live.binance.messages import stamp_ns
from botcore.venues.live.binance.routes import KlineRow

PAGE: Final = 1_000
"""Candles asked for at once: the most that the spot market gives, and futures take it too."""
_MS: Final = 1_000_000
_ANSWER_MAX: Final = 8 * 1024 * 1024
_ROWS = msgspec.json.Decoder(list[KlineRow], strict=False)


class KlinePages:
    """The klines of one instrument and timeframe.

    Args:
        http: an open client.
        instrument: whose candles they become.
        step_ns: their length.
        wanted: its names at the venue.
        urls: where to ask.
        clock: says what is finished where the venue's answer names no time.
    """

    def __init__(
        self,
        http: PublicHttp,
        *,
        instrument: InstrumentId,
        step_ns: int,
        wanted: Listing,
        urls: BinanceUrls,
        clock: Clock,
    ) -> None:
        self._http = http
        self._instrument = instrument
        self._step = step_ns
        self._names = {"symbol": wanted.symbol, "interval": wanted.interval}
        base, route = (
            (urls.spot, "api/v3/klines") if wanted.is_spot else (urls.futures, "fapi/v1/klines")
        )
        self._url = f"{base.rstrip('/')}/{route}"
        self._clock = clock

    async def between(self, start_ns: int, end_ns: int) -> Candles:
        """Return the finished candles that open in ``[start_ns, end_ns)``, nanoseconds UTC.

        What is still forming by the venue's own clock is left out (E12).

        Raises:
            ConfigError: the venue does not serve this place, or has no such instrument.
            VenueError: no answer that can be read, however often it was asked for.
        """
        rows: list[KlineRow] = []
        while start_ns < end_ns:
            page, is_last = await self._page(start_ns, end_ns, PAGE)
            rows += page
            if is_last:
                break
            start_ns = stamp_ns(page[-1].open_time) + self._step
        opens = np.array([stamp_ns(row.open_time) for row in rows], dtype=np.int64)
        columns = {
            name: np.array([getattr(row, name) for row in rows], dtype=np.float64)
            for name in FIELDS
        }
        return Candles(self._instrument, self._step, opens, columns)

    async def has_any(self, start_ns: int, end_ns: int) -> bool:
        """Say whether any finished candle opens in ``[start_ns, end_ns)``.

        Raises:
            ConfigError, VenueError: as `between`.
        """
        page, _ = await self._page(start_ns, end_ns, 1)
        return bool(page)

    async def _page(self, start_ns: int, end_ns: int, limit: int) -> tuple[list[KlineRow], bool]:
        """Return the finished candles of one page, and whether it is the last one."""
        return await self._http.retried(lambda: self._ask(start_ns, end_ns, limit))

    async def _ask(self, start_ns: int, end_ns: int, limit: int) -> tuple[list[KlineRow], bool]:
        span = {"startTime": str(-(-start_ns // _MS)), "endTime": str((end_ns - 1) // _MS)}
        query = {**self._names, **span, "limit": str(limit)}
        answer = await self._http.get(self._url, query, size_max=_ANSWER_MAX)
        if answer is None:
            raise refusals.unreadable(self._url, "there is no such route (404)")
        try:
            rows = _ROWS.decode(answer.body)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise refusals.unreadable(self._url, str(error)) from error
        self._check_order(rows, start_ns, end_ns)
        now = self._clock.now_ns() if answer.served_ns is None else answer.served_ns
        finished = [row for row in rows if stamp_ns(row.open_time) + self._step <= now]
        return finished, len(rows) < limit or len(finished) < len(rows)

    def _check_order(self, rows: list[KlineRow], start_ns: int, end_ns: int) -> None:
        after = start_ns
        for row in rows:
            opened = stamp_ns(row.open_time)
            if not after <= opened < end_ns or opened % self._step:
                reason = f"a candle at {row.open_time} is not the next one of its timeframe"
                raise refusals.unreadable(self._url, reason)
            after = opened + self._step
