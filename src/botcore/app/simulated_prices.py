"""The simulated market as a source of prices: seeded, never stopping, going on where it stood."""

import structlog

from botcore.app.feed import (
    BANNER,
    SimulatedFeed,
    bars_of,
    market_config,
    open_market,
    save_state,
)
from botcore.app.home import Home
from botcore.app.market_tape import Tape
from botcore.app.markets import History, Put, PutHistory
from botcore.app.restoring import Restored
from botcore.app.settings import Settings
from botcore.backtest.demo import demo_instruments
from botcore.domain.errors import StorageError
from botcore.domain.ids import DAY_NS, InstrumentId
from botcore.domain.market import BarSpec
from botcore.kernel.clock import Clock


class SimulatedPrices:
    """Implements `Market` with the seeded generator.

    Args:
        settings: of a market that is new.
        home: keeps where it stands.
    """

    name = "simulated"
    clock_words = "the simulated market's own clock: wall time less the time it was stopped"
    has_ended = False
    is_connected = True
    end_words = ""
    pace = 1.0

    def __init__(self, settings: Settings, home: Home) -> None:
        self._settings = settings
        self._home = home
        config = market_config(settings)
        self.step_ns = config.bar_ns
        self.instruments = demo_instruments(config)
        self._log = structlog.get_logger("feed")

    def banner(self) -> str:
        """Say that nothing of this is real."""
        return BANNER

    def open(self, *, wall: Clock, last: int) -> None:
        """Begin the market, or go on with it.

        Raises:
            StorageError: what was kept cannot be read or written.
        """
        self._market, self._clock = open_market(self._settings, self._home, wall=wall, last=last)

    @property
    def clock(self) -> Clock:
        """The market's own."""
        return self._clock

    def history(self, restored: Restored, tape: Tape) -> History:
        """Return generated history of a market that is new, else what the tape holds."""
        spec = BarSpec(self.step_ns)
        bars = round(self._settings.history_days * DAY_NS) // self.step_ns
        if self._market.next_bar == 0:
            return History(list(bars_of(self._market.history(bars), spec)), is_new=True)
        events = tape.bars()
        if restored.are_strategies_warm:
            return History([each for each in events if each.ts_close > restored.decided_at])
        return History(events[-bars:])

    def caught_up(self, decided_at: int) -> None:
        """Leave out bars that closed after the market's file was written: they were played."""
        market = self._market
        while market.ts_open(market.next_bar) + self.step_ns <= decided_at:
            market.history(1)

    def start(self, put: Put, put_history: PutHistory) -> None:
        """Play the market forward; it never misses anything."""
        del put_history
        self._feed = SimulatedFeed(
            market=self._market, clock=self._clock, put=put, on_bar=self._keep_quietly
        )
        self._feed.start()

    def stop(self) -> None:
        """Stop playing."""
        self._feed.stop()

    def keep(self) -> None:
        """Keep where the market stands.

        Raises:
            StorageError: it cannot be written; the tape then tells the next start.
        """
        save_state(self._home, self._market, self._clock.now_ns())

    def stream(self) -> None:
        """Have no streams."""

    def book(self, instrument: InstrumentId, depth: int) -> None:
        """Keep none: only the best prices are published."""
        del instrument, depth

    def news(self) -> str:
        """Have nothing to tell: it never ends and never fails."""
        return ""

    def _keep_quietly(self) -> None:
        try:
            self.keep()
        except StorageError as error:
            self._log.warning("market_not_kept", cause=error.cause, fix=error.fix)
