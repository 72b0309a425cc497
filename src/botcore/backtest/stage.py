"""A run before it is played: engine, venue, session and the tape, from one description."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal

import botcore
from botcore.backtest.playing import Player, Progress
from botcore.backtest.tape import BarTape
from botcore.domain.commands import ApplyConfig, Deposit, Reconciled, SessionStarted
from botcore.domain.ids import AccountId, Currency
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import BarsClosed
from botcore.engine import Engine, EngineConfig, Sequencer, Session, SignalSlot, StrategyClass
from botcore.engine.session import Commit
from botcore.venues.simulated import SimulatedVenue, VenueConfig, VenueStore

ACCOUNT = AccountId("backtest")
_SETTLED = 1e-9


class Stage:
    """Everything that a run needs, made and not yet played.

    A backtest and the replay of its tape are the same stage with another `commit` and another
    store: that is why they can be compared fact by fact.

    Args:
        config: of the engine, for `ACCOUNT` alone.
        classes: what it names.
        tape: the bars that are traded on.
        history: the bars before them, for the strategies to settle on; may be empty.
        venue: the venue's assumptions.
        cash: opening money in `currency`, a decimal string above 0.
        commit: takes every step.
        store: where the venue keeps its truth; None keeps it in memory.
    """

    def __init__(
        self,
        *,
        config: EngineConfig,
        classes: Mapping[str, StrategyClass],
        tape: BarTape,
        history: BarTape,
        venue: VenueConfig,
        cash: str,
        currency: Currency,
        commit: Commit,
        store: VenueStore | None = None,
    ) -> None:
        self.config = config
        self.classes = classes
        self.tape = tape
        self.venue = SimulatedVenue(
            instruments=InstrumentBook(config.instruments), config=venue, store=store
        )
        self.engine = Engine(config, classes)
        self.sequencer = Sequencer()
        self.session = Session(
            engine=self.engine, venue=self.venue, sequencer=self.sequencer, commit=commit
        )
        self.cash = cash
        self.currency = currency
        self.history = self._needed(history)

    def digest(self) -> str:
        """Return the SHA-256 of all that decides what the run finds: code version, settings, data.

        Of a strategy's code it holds the version that it declares, and the digest of its file
        where it is a person's own.
        """
        seen = hashlib.sha256()
        seen.update(f"botcore {botcore.__version__} {self.config.document()}".encode())
        seen.update(f" {self.tape.digest()}".encode())
        if len(self.history):
            seen.update(f" after {self.history.digest()}".encode())
        for name in sorted(self.classes):
            each = self.classes[name]
            source = getattr(each, "source_digest", "")
            seen.update(f"{name} {each.version} {source}".encode())
        return seen.hexdigest()

    def open(self) -> None:
        """Fund the account, let the strategies settle on what came before, and begin to trade.

        The money is put in at the tape's first open: history moves neither cash nor equity.
        """
        begin, start = self.history.span[0] or self.tape.span[0], self.tape.span[0]
        tell = self.session.input
        self.venue.deposit(ACCOUNT, self.currency, Decimal(self.cash))
        tell(ApplyConfig(ACCOUNT, self.config.document()), begin)
        tell(SessionStarted(ACCOUNT, 0), begin)
        for event in self.history:
            tell(event, event.ts_close)
        tell(Deposit(ACCOUNT, self.currency, self.cash, "opening"), start)
        tell(Reconciled(ACCOUNT, 0), start)

    def play(self, progress: Progress | None = None, *, part: int | None = None) -> None:
        """Play the whole tape as fast as it goes."""
        more = {} if part is None else {"part": part}
        player = Player(
            self.session,
            engine=self.engine,
            venue=self.venue,
            sequencer=self.sequencer,
            **more,
        )
        player.play(self.tape, progress)

    def take(self, event: BarsClosed) -> None:
        """Take the bars of one close stamp, as paper does."""
        self.session.bars(event)

    def _needed(self, history: BarTape) -> BarTape:
        """Return the end of the history: as many bars as the slowest strategy needs or asks for."""
        bars = (
            slot.runner.settled(_SETTLED) if isinstance(slot, SignalSlot) else slot.history_bars
            for slot in self.engine.deciders.slots
        )
        return history.last(max(bars, default=0))
