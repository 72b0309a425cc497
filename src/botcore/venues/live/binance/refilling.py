"""Which minutes were missed while no data flowed, and their candles."""

from collections.abc import Sequence

from botcore.domain.errors import VenueError
from botcore.domain.ids import MINUTE_NS, SECOND_NS, InstrumentId
from botcore.domain.market import BarsClosed
from botcore.kernel.backoff import Backoff, Uniform
from botcore.venues.live.binance.history import fetch_minutes
from botcore.venues.live.binance.rest import BinanceRest
from botcore.venues.live.binance.venue_time import VenueTime

_POLL_S = 0.05
_SETTLE_NS = SECOND_NS
"""A candle is asked for no sooner after its close: a lagging server would not have it whole."""
_BACKOFF = Backoff(base_s=0.5, cap_s=15.0)


class Refill:
    """Finds the first minute that the live stream will close, and fetches those before it.

    Args:
        instruments: that are followed.
        rest: open while this is used.
        time: the venue's.
        rng: draws the waits between tries.
        first_candle_s: how long the first candle of each instrument is waited for.
        tries: how often candles are asked for.
        step_ns: length of a bar.
    """

    def __init__(
        self,
        instruments: Sequence[InstrumentId],
        *,
        rest: BinanceRest,
        time: VenueTime,
        rng: Uniform,
        first_candle_s: float,
        tries: int,
        step_ns: int = MINUTE_NS,
    ) -> None:
        self._instruments = tuple(instruments)
        self._rest = rest
        self._time = time
        self._rng = rng
        self._first_candle_s = first_candle_s
        self._tries = tries
        self._step = step_ns
        self._first: dict[InstrumentId, int] = {}

    def restart(self) -> None:
        """Look anew: the candles seen before a hole say nothing about what comes after it."""
        self._first.clear()

    def saw(self, instrument: InstrumentId, opens_at: int) -> None:
        """Take note of a candle on the stream, closed or not."""
        self._first.setdefault(instrument, opens_at)

    async def first_live(self) -> int:
        """Return the open of the first minute that the stream will tell the close of.

        That is the latest of the first candles of all instruments; where one stays silent, the
        candle of the others or, without any, the minute under way.
        """
        until = self._time.monotonic_ns() + round(self._first_candle_s * SECOND_NS)
        while len(self._first) < len(self._instruments) and self._time.monotonic_ns() < until:
            await self._time.sleep(_POLL_S)
        if self._first:
            return max(self._first.values())
        return self._time.now_ns() // self._step * self._step

    async def missed(self, start_ns: int, end_ns: int) -> list[BarsClosed]:
        """Fetch the bars that open in ``[start_ns, end_ns)``, oldest first.

        Raises:
            VenueError: the last try failed too.
            ConfigError: the venue does not know an instrument.
        """
        wait_ns = end_ns + _SETTLE_NS - self._time.now_ns()
        await self._time.sleep(wait_ns / SECOND_NS)
        for attempt in range(self._tries):
            try:
                return await self._fetch(start_ns, end_ns)
            except VenueError:
                if attempt + 1 == self._tries:
                    raise
            await self._time.sleep(_BACKOFF.delay_s(attempt, rng=self._rng))
        raise AssertionError("unreachable: the last try returns or raises")

    async def _fetch(self, start_ns: int, end_ns: int) -> list[BarsClosed]:
        return await fetch_minutes(
            self._rest, self._instruments, start_ns, end_ns, step_ns=self._step
        )
