"""The simulated market as one object: bars at once, or the ticks and the book inside a bar.

There is one process: bars are aggregated from the trades that `ticks` puts into time, so history
and live are the same market. It knows no clock; whoever runs it decides which bar is now.
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from botcore.venues.simulated.market.bars import BarColumns, aggregate, join
from botcore.venues.simulated.market.book import BookSnapshot, build_book
from botcore.venues.simulated.market.checkpoint import SCHEMA_VERSION, Checkpoint, decode, encode
from botcore.venues.simulated.market.config import S_PER_YEAR, Grid, MarketConfig
from botcore.venues.simulated.market.path import (
    CommonBlock,
    CommonPath,
    CommonState,
    InstrumentBlock,
    InstrumentPath,
    InstrumentState,
)
from botcore.venues.simulated.market.ticks import MarketQuote, MarketTick, TickMaker
from botcore.venues.simulated.market.volatility import VolatilityLaw

DEFAULT_ORIGIN_NS = 1_704_067_200_000_000_000
"""2024-01-01T00:00:00Z, where bar 0 begins unless the caller says otherwise."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """The hidden weather of one bar, for views and tests; strategies must not be given it.

    Attributes:
        regime: Name of the regime.
        volatility_frac: Annualised volatility of the bar without its jumps, 0.5 = 50 %.
        spread: Typical quoted spread, quote currency, at least one tick.
    """

    regime: str
    volatility_frac: float
    spread: float


class _Start(msgspec.Struct, frozen=True):
    """Where a block begins."""

    number: int
    common: CommonState
    instruments: dict[str, InstrumentState]


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """A generated block, where it began and where the next begins."""

    start: _Start
    end: _Start
    common: CommonBlock
    instruments: dict[str, InstrumentBlock]


class SimulatedMarket:
    """A seeded market; the same configuration and seed give the same market on every machine.

    `history` hands out bars and moves on; `ticks`, `book` and `conditions` look at a bar and move
    nothing. They reach from the block before the next bar to the block after it (256 bars each as
    shipped): a live market looks at the bar that is now, not into an archive.

    Instruments come out in the order of their ids, whatever order the configuration lists.
    """

    def __init__(
        self, config: MarketConfig, seed: int, *, origin_ns: int = DEFAULT_ORIGIN_NS
    ) -> None:
        """Stand before the first bar.

        Args:
            config: The law of the market.
            seed: Not negative.
            origin_ns: When bar 0 begins, nanoseconds UTC. It stamps the bars and moves no price.

        Raises:
            ValueError: The seed is negative.
        """
        if seed < 0:
            raise ValueError(f"seed {seed} is negative")
        law = VolatilityLaw.of(config)
        self._config = config
        self._seed = seed
        self._origin_ns = origin_ns
        self._instruments = {
            each.instrument: each
            for each in sorted(config.instruments, key=lambda each: each.instrument)
        }
        self._common = CommonPath(config, law)
        self._paths = {
            name: InstrumentPath(config, each, law) for name, each in self._instruments.items()
        }
        self._makers = {
            name: TickMaker(each, seed=seed, bar_ns=config.bar_ns)
            for name, each in self._instruments.items()
        }
        self._annual = {
            name: law.second_volatility(each) * S_PER_YEAR**0.5
            for name, each in self._instruments.items()
        }
        self._next_bar = 0
        self._blocks: dict[int, _Block] = {}
        self._begin_at(
            _Start(
                0,
                self._common.start(seed),
                {name: path.start(seed) for name, path in self._paths.items()},
            )
        )

    @classmethod
    def resume(cls, config: MarketConfig, state: bytes) -> "SimulatedMarket":
        """Return the market that goes on where `state` was taken, as if it had never stopped.

        Raises:
            MarketStateError: The state is damaged, or of another schema or configuration.
        """
        checkpoint = decode(state, config)
        market = cls(config, checkpoint.seed, origin_ns=checkpoint.origin_ns)
        market._next_bar = checkpoint.next_bar
        market._blocks.clear()
        market._begin_at(_Start(checkpoint.block, checkpoint.common, checkpoint.instruments))
        return market

    def state(self) -> bytes:
        """Return all that `resume` needs; a few kilobytes, however long the market has run."""
        start = self._blocks[self._next_bar // self._config.bars_per_block].start
        return encode(
            Checkpoint(
                schema_version=SCHEMA_VERSION,
                fingerprint=self._config.fingerprint(),
                seed=self._seed,
                origin_ns=self._origin_ns,
                next_bar=self._next_bar,
                block=start.number,
                common=start.common,
                instruments=start.instruments,
            )
        )

    @property
    def config(self) -> MarketConfig:
        """The law of this market."""
        return self._config

    @property
    def seed(self) -> int:
        """The seed of this market."""
        return self._seed

    @property
    def next_bar(self) -> int:
        """The number of the first bar that `history` has not yet handed out."""
        return self._next_bar

    def ts_open(self, bar_index: int) -> int:
        """Return when a bar begins, nanoseconds UTC; it ends where the next begins."""
        return self._origin_ns + bar_index * self._config.bar_ns

    def history(self, n_bars: int) -> dict[str, BarColumns]:
        """Return the next `n_bars` bars of each instrument, and move past them.

        Asking once for 300 bars or three times for 100 gives the same bars.

        Raises:
            ValueError: `n_bars` is negative.
        """
        if n_bars < 0:
            raise ValueError(f"n_bars {n_bars} is negative")
        per_block = self._config.bars_per_block
        parts: dict[str, list[BarColumns]] = {name: [] for name in self._instruments}
        end = self._next_bar + n_bars
        while True:
            number, offset = divmod(self._next_bar, per_block)
            stop = min(per_block, offset + end - self._next_bar)
            for name, columns in self._columns(number, slice(offset, stop)).items():
                parts[name].append(columns)
            self._next_bar += stop - offset
            self._keep_window()
            if self._next_bar == end:
                return {name: join(columns) for name, columns in parts.items()}

    def ticks(self, bar_index: int) -> list[MarketTick]:
        """Return the trades and quotes inside a bar, in the order of their time.

        The trades of an instrument aggregate to exactly its bar.

        Raises:
            LookupError: The bar is more than a block away from the next bar.
        """
        block, offset = self._find(bar_index)
        ts_open = self.ts_open(bar_index)
        ticks = [
            tick
            for name, maker in self._makers.items()
            for tick in maker.make(
                block.instruments[name], offset, bar_index=bar_index, ts_open=ts_open
            )
        ]
        # The sort is stable: at one instant instruments stand in the order of their ids.
        ticks.sort(key=lambda tick: tick.ts_event)
        return ticks

    def book(self, bar_index: int, depth: int = 10) -> dict[str, BookSnapshot]:
        """Return the book of each instrument at the end of a bar.

        Args:
            bar_index: The bar.
            depth: Levels a side, at least 1.

        Raises:
            LookupError: The bar is more than a block away from the next bar.
            ValueError: The depth is below 1.
        """
        if depth < 1:
            raise ValueError(f"depth {depth} is below 1")
        block, offset = self._find(bar_index)
        books = {}
        for name, maker in self._makers.items():
            path = block.instruments[name]
            *_, quote = maker.make(
                path, offset, bar_index=bar_index, ts_open=self.ts_open(bar_index)
            )
            assert isinstance(quote, MarketQuote)
            books[name] = build_book(
                self._instruments[name],
                quote,
                depth=depth,
                spread_ticks=maker.spread_ticks(path, offset),
                touch_lots=maker.touch_lots(path, offset),
                seed=self._seed,
                bar_index=bar_index,
            )
        return books

    def conditions(self, bar_index: int) -> dict[str, Conditions]:
        """Return the hidden weather of a bar.

        Raises:
            LookupError: The bar is more than a block away from the next bar.
        """
        block, offset = self._find(bar_index)
        regime = self._config.regimes[int(block.common.regimes[offset])].name
        found = {}
        for name, maker in self._makers.items():
            path = block.instruments[name]
            tick = Grid.of(self._instruments[name].tick_size)
            ticks = max(1, round(maker.spread_ticks(path, offset)))
            found[name] = Conditions(
                regime=regime,
                volatility_frac=self._annual[name] * float(path.volatility[offset]),
                spread=ticks * tick.numerator / tick.denominator,
            )
        return found

    def _columns(self, number: int, bars: slice) -> dict[str, BarColumns]:
        block = self._block(number)
        first = number * self._config.bars_per_block + bars.start
        count = bars.stop - bars.start
        ts_open = self.ts_open(first) + self._config.bar_ns * np.arange(count, dtype=np.int64)
        return {
            name: aggregate(
                block.instruments[name],
                bars=bars,
                ts_open=ts_open,
                tick=Grid.of(each.tick_size),
                lot=Grid.of(each.lot_size),
            )
            for name, each in self._instruments.items()
        }

    def _find(self, bar_index: int) -> tuple[_Block, int]:
        number, offset = divmod(bar_index, self._config.bars_per_block)
        now = self._next_bar // self._config.bars_per_block
        if number not in self._blocks and number != now + 1:
            raise LookupError(
                f"bar {bar_index} is out of reach: the next bar is {self._next_bar}, and ticks "
                f"reach one block of {self._config.bars_per_block} bars to either side"
            )
        return self._block(number), offset

    def _block(self, number: int) -> _Block:
        if number not in self._blocks:
            self._begin_at(self._blocks[number - 1].end)
        return self._blocks[number]

    def _begin_at(self, start: _Start) -> None:
        common, next_common = self._common.run(start.common)
        blocks, states = {}, {}
        for name, path in self._paths.items():
            blocks[name], states[name] = path.run(start.instruments[name], common)
        end = _Start(start.number + 1, next_common, states)
        self._blocks[start.number] = _Block(start, end, common, blocks)

    def _keep_window(self) -> None:
        """Hold the block of the next bar and the one before, and forget what is older."""
        now = self._next_bar // self._config.bars_per_block
        self._block(now)
        for number in [each for each in self._blocks if each < now - 1]:
            del self._blocks[number]
