"""A small engine that can be killed: the product's own parts over the scripted tape.

It starts by recovery, plays the bars that are not on its tape yet, and dumps what it believes. Run
again in the same home it goes on.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
from tests.support.scripted_trading import (
    CASH,
    INSTRUMENTS,
    PAPER,
    STARTS,
    STRATEGIES,
    USDT,
    engine_config,
    tape,
)
from tests.support.socket_venue import SocketVenue
from tests.support.venue_process import Address

from botcore.app.channel import Publisher
from botcore.app.market_tape import Tape
from botcore.app.publishing import FactPublisher
from botcore.app.recording import Recorder
from botcore.app.recovering import Recovery, next_epoch
from botcore.app.restoring import capture, encode_state, restore
from botcore.domain.commands import Checkpoint, Deposit, Input
from botcore.domain.events import LedgerPosted, OrderFilled, RiskAlert
from botcore.domain.ids import SECOND_NS, ClientOrderId, Currency
from botcore.domain.keys import Key
from botcore.domain.market import BarsClosed
from botcore.domain.modes import Mode
from botcore.domain.numbers import use_money_context
from botcore.domain.orders import OrderState
from botcore.domain.records import RecordKind, decode_fact
from botcore.domain.steps import Step
from botcore.engine import Engine, Sequencer, Session
from botcore.execution import BarVenue, HorizonConfig
from botcore.kernel import SystemClock, failpoint
from botcore.storage import SqlJournal, Store, read_journal, verify
from botcore.venues.simulated import Balance, SimulatedVenue, SqliteVenueStore, VenueConfig

_CHECKPOINT_EVERY = 4
_TAPE_BYTES = 16 * 1024 * 1024
IN_PROCESS = HorizonConfig(receive_window_ns=0, backend_ns=0, lag_ns=0)


class TradedVenue(BarVenue, Protocol):
    """A venue with a clock and an account to fund."""

    def now(self) -> int:
        """Nanoseconds."""
        ...

    def wait(self, seconds: float) -> None:
        """Let the clock move on."""
        ...

    def balances(self) -> dict[Currency, Balance]:
        """What the account holds."""
        ...

    def deposit(self, amount: Decimal) -> None:
        """Give it USDT."""
        ...


class LocalVenue:
    """The paper venue in this process, with a clock that moves when it is told to."""

    def __init__(self, path: Path) -> None:
        self.simulated = SimulatedVenue(
            instruments={each.id: each for each in INSTRUMENTS},
            config=VenueConfig(),
            store=SqliteVenueStore(path),
        )
        self.on_open = self.simulated.on_open
        self.submit = self.simulated.submit
        self.submit_all = self.simulated.submit_all
        self.cancel = self.simulated.cancel
        self.replace = self.simulated.replace
        self.query = self.simulated.query
        self._now = STARTS

    def on_bars(self, event: BarsClosed) -> Iterable[Any]:
        """Match a stamp, which is the clock's as well."""
        self._now = max(self._now, event.ts_close)
        return self.simulated.on_bars(event)

    def now(self) -> int:
        """The clock."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Move it."""
        self._now += round(seconds * SECOND_NS)

    def balances(self) -> dict[Currency, Balance]:
        """What the account holds."""
        return self.simulated.balances(PAPER)

    def deposit(self, amount: Decimal) -> None:
        """Give it USDT."""
        self.simulated.deposit(PAPER, USDT, amount)


class OrderDump(msgspec.Struct, frozen=True):
    """An order as the engine believes it."""

    state: OrderState
    quantity: Decimal
    filled: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    cancel_owed: bool
    parent: ClientOrderId | None


class FillDump(msgspec.Struct, frozen=True, order=True):
    """A fill as the journal has it."""

    trade_id: str
    client_order_id: str
    price: Decimal
    quantity: Decimal
    fee: Decimal


class Dump(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine believes when its tape has ended.

    Attributes:
        fills, posted: as they stand in the journal, twice if they stand there twice.
        hash_folded, hash_restored: of the state that the journal alone gives, and with snapshot.
        facts: lsn → kind of every fact in the journal.
        published: lsn of every fact the consumer was sent, in order, twice if sent twice.
        trace: the failpoints passed, in order.
    """

    state_hash: str
    hash_folded: str
    hash_restored: str
    mode: Mode
    epoch: int
    orders: dict[ClientOrderId, OrderDump]
    fills: list[FillDump]
    posted: list[str]
    cash: dict[Currency, Decimal]
    locked: dict[Currency, Decimal]
    alerts: list[str]
    findings: list[str]
    facts: dict[int, str]
    published: list[int]
    trace: list[str]


class Consumer:
    """Somebody who is sent facts, and remembers in a file which."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def publish_fact(self, name: str, lsn: int, payload: bytes) -> None:
        """Take a fact."""
        del name, payload
        with self._path.open("a") as file:
            file.write(f"{lsn}\n")

    def seen(self) -> list[int]:
        """Every lsn, as often as it was sent."""
        return [int(line) for line in self._path.read_text().split()] if self._path.exists() else []


class EngineUnderTest:
    """Engine, session, recorder, journal and a venue in one home.

    Args:
        home: its folder; what an earlier one left there is gone on with.
        venue: what it trades at.
        horizon: of the venue (R4).
        in_lockstep: every step is made durable before the next, so that the order in which
            failpoints are passed is always the same.
    """

    def __init__(
        self, home: Path, venue: TradedVenue, *, horizon: HorizonConfig, in_lockstep: bool = False
    ) -> None:
        use_money_context()
        self.home = home
        self.venue = venue
        self.store = Store(f"sqlite:///{home / 'engine.db'}")
        self.journal = SqlJournal(self.store)
        self.tape = Tape(home / "tape", max_bytes=_TAPE_BYTES)
        self.engine = Engine(engine_config(), STRATEGIES)
        self.recorder = Recorder(
            journal=self.journal, tape=self.tape, account=PAPER, on_fact=lambda _lsn, _fact: None
        )
        self.consumer = Consumer(home / "published")
        self._publisher = FactPublisher(self.journal, cast(Publisher, self.consumer), PAPER)
        self._horizon = horizon
        self._in_lockstep = in_lockstep
        self._decided_at = 0
        self.doubts = 0

    def open(self) -> None:
        """Recover: replay, reconcile, and be ready to trade."""
        tape_end = self.tape.last_key()
        restored = restore(self.engine, self.journal)
        self.engine.desk.portfolio.verify()
        keys = [key for key in (restored.key, tape_end) if key is not None]
        self.session = Session(
            engine=self.engine,
            venue=self.venue,
            sequencer=Sequencer(max(keys, key=lambda key: key.seq, default=None)),
            commit=self._commit,
        )
        self.recovery = Recovery(
            engine=self.engine,
            session=self.session,
            ask=lambda ref: list(self.venue.query(ref, self.venue.now())),
            account=PAPER,
            now=self.venue.now,
            wait=self.venue.wait,
            horizon=self._horizon,
            clock=SystemClock(),
        )
        epoch = next_epoch(self.engine.desk.execution.epoch, SystemClock().now_ns())
        self.recovery.begin(epoch)
        self._fund()
        self.recorder.is_taping = False
        for _, event in self.tape.read():
            if isinstance(event, BarsClosed):
                self.session.input(event, event.ts_close)
                self._decided_at = event.ts_close
        self.recorder.is_taping = True
        self.doubts = self.recovery.finish()
        self._publisher.flush()

    def play(self, *, until: int | None = None) -> None:
        """Play the bars that are not on the tape yet; settle doubts as they come.

        Args:
            until: the number of the first bar that is left out; None plays all.
        """
        for number, event in enumerate(tape()[:until]):
            if event.ts_close <= self._decided_at:
                continue
            self.bar(event)
            if number % _CHECKPOINT_EVERY == _CHECKPOINT_EVERY - 1:
                self.checkpoint()

    def bar(self, event: BarsClosed) -> None:
        """Play one stamp."""
        self.session.bars(event)
        self._decided_at = event.ts_close
        self.recorder.flush()
        if any(o.state is OrderState.IN_DOUBT for o in self.engine.desk.execution.index):
            self.recovery.finish()
        if self.recorder.failure is None:
            self._publisher.flush()

    def checkpoint(self) -> None:
        """Write watermarks and a snapshot."""
        self.session.input(Checkpoint(PAPER), self.venue.now())
        state, digest = encode_state(capture(self.engine, self._decided_at))
        self.journal.save_snapshot(self.journal.last_lsn, state, digest)

    def close(self) -> None:
        """Make everything durable and let go."""
        self.session.input(Checkpoint(PAPER), self.venue.now())
        self.journal.wait_durable(self.journal.last_lsn)
        self.tape.close()
        self._publisher.flush()
        self.journal.close()

    def dump(self) -> Dump:
        """Say what the engine believes, and what a fresh one would."""
        facts = {
            record.lsn: decode_fact(record.payload)
            for record in read_journal(self.store)
            if record.kind is RecordKind.FACT
        }
        desk = self.engine.desk
        index, ledger = desk.execution.index, desk.portfolio
        desk.portfolio.verify()
        currencies = (USDT, *(each.base for each in INSTRUMENTS))
        return Dump(
            state_hash=self.engine.state_hash(),
            hash_folded=self.hash_of_restored(use_snapshot=False),
            hash_restored=self.hash_of_restored(use_snapshot=True),
            mode=desk.risk.account(PAPER).mode,
            epoch=desk.execution.epoch,
            orders={
                order.id: OrderDump(
                    order.state,
                    order.quantity,
                    order.filled,
                    order.limit_price,
                    order.trigger_price,
                    order.cancel_owed,
                    order.spec.parent,
                )
                for order in index
            },
            fills=sorted(
                FillDump(
                    fact.fill.trade_id,
                    fact.client_order_id,
                    fact.fill.price,
                    fact.fill.quantity,
                    fact.fill.fee,
                )
                for fact in facts.values()
                if isinstance(fact, OrderFilled)
            ),
            posted=sorted(
                fact.reference for fact in facts.values() if isinstance(fact, LedgerPosted)
            ),
            cash={name: ledger.cash(PAPER, name) for name in currencies},
            locked={name: index.locked(PAPER, name) for name in currencies},
            alerts=[f.code for f in facts.values() if isinstance(f, RiskAlert)],
            findings=[str(finding) for finding in verify(self.store)],
            facts={lsn: type(fact).__name__ for lsn, fact in facts.items()},
            published=self.consumer.seen(),
            trace=[],
        )

    def hash_of_restored(self, *, use_snapshot: bool) -> str:
        """The state hash of a fresh engine over the same journal."""
        fresh = Engine(engine_config(), STRATEGIES)
        with SqlJournal(self.store) as journal:
            restore(fresh, journal, use_snapshot=use_snapshot)
        return fresh.state_hash()

    def _commit(
        self, key: Key, event: Input, step: Step, must_be_durable: bool
    ) -> None:  # as `Commit` has it
        self.recorder.commit(key, event, step, must_be_durable or self._in_lockstep)

    def _fund(self) -> None:
        if not self.venue.balances():
            self.venue.deposit(CASH)
        if not self.engine.desk.portfolio.ledger.at(f"external:{PAPER}"):
            self.session.input(Deposit(PAPER, USDT, f"{CASH:f}", "opening"), self.venue.now())


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How to run an engine as a process.

    Attributes:
        venue: address of its venue; None runs the paper venue in the engine's process.
        failpoint: armed from the start.
    """

    home: str
    venue: Address | None = None
    failpoint: str = ""
    in_lockstep: bool = True
    timeout_s: float = 5.0


def venue_of(run: Run) -> tuple[TradedVenue, HorizonConfig]:
    """The venue that a run trades at, and how long a request to it may be under way."""
    if run.venue is None:
        return LocalVenue(Path(run.home) / "venue.db"), IN_PROCESS
    return SocketVenue(run.venue, timeout_s=run.timeout_s), HorizonConfig()


def play(run: Run, *, then: Callable[[EngineUnderTest], None] | None = None) -> Dump:
    """Recover, play to the end of the tape, and return what the engine believes."""
    venue, horizon = venue_of(run)
    engine = EngineUnderTest(Path(run.home), venue, horizon=horizon, in_lockstep=run.in_lockstep)
    engine.open()
    engine.play()
    if then is not None:
        then(engine)
    engine.close()
    return engine.dump()


def main(run: Run) -> None:
    """Be the engine's process: what it believes in the end stands in ``dump.json``."""
    failpoint.arm(run.failpoint)
    dump = play(run)
    trace = failpoint.disarm()
    temporary = Path(run.home) / ".dump.json"
    temporary.write_bytes(msgspec.json.encode(msgspec.structs.replace(dump, trace=trace)))
    temporary.replace(Path(run.home) / "dump.json")
