"""Commands and the other inputs of the engine.

Acts that lower risk (pause, cancel, kill switch) need no confirmation; those that can raise it
(leaving a mode, resuming) name the person, and flatten carries a confirmation.
"""

import msgspec

from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, Nanos, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.domain.modes import Mode
from botcore.domain.reports import VenueReport


class KillSwitch(msgspec.Struct, frozen=True, gc=False, tag=True):
    """HALT at once, cancel every working order, keep positions. Only a person leaves it."""

    account: AccountId
    by: str
    cause: str = "kill switch"


class SetMode(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Enter a mode, or leave one (leaving HALT takes a person: `by` starts with ``person:``)."""

    account: AccountId
    mode: Mode
    by: str
    cause: str


class CancelAll(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Cancel every working order, of one strategy where it is named."""

    account: AccountId
    by: str
    strategy: StrategyId | None = None


class CancelOne(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Cancel one order."""

    account: AccountId
    by: str
    client_order_id: ClientOrderId


class Flatten(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Close every position with reduce-only market orders. `confirmed` must be True."""

    account: AccountId
    by: str
    confirmed: bool


class PauseStrategy(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Stop asking a strategy; its orders and positions stay."""

    account: AccountId
    strategy: StrategyId
    by: str


class ResumeStrategy(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Ask a paused or quarantined strategy again."""

    account: AccountId
    strategy: StrategyId
    by: str


class Quarantine(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The supervisor found that a strategy never returned: recorded, so that replay agrees."""

    account: AccountId
    strategy: StrategyId
    cause: str


class Deposit(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Money from outside into the account (paper accounts begin with one).

    `amount` is a decimal string; negative is a withdrawal.
    """

    account: AccountId
    currency: str
    amount: str
    reference: str


class Checkpoint(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Write marks and watermarks into the facts, so that a fold of them is the whole state."""

    account: AccountId


class IntentNotDurable(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The journal could not be written: effects were dropped, and the account only cancels."""

    account: AccountId
    cause: str


class SessionStarted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The engine begins or goes on: what was never sent is closed, what is open is asked about.

    Attributes:
        epoch: goes into every client order id from now on; never lower than before, also after
            an old backup was restored (order protocol R2). A backtest uses 0.
    """

    account: AccountId
    epoch: int


class Reconciled(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Start-up asked the venue about every open order and has its answers."""

    account: AccountId
    orders: int


class ApplyConfig(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The settings in force from now on (canonical JSON)."""

    account: AccountId
    document: str


class TimerFired(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A timer that the engine asked for is due."""

    account: AccountId
    name: str


class InstrumentChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A new version of an instrument's rules is in force."""

    instrument: Instrument


class FundingSettled(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A perpetual's funding was paid. Refused until perpetuals are tradable."""

    instrument: InstrumentId
    ts_event: Nanos
    rate: float
    mark: float


class ModelOutput(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A model's prediction, recorded as an input because its threads are not bit-stable."""

    model: str
    instrument: InstrumentId
    ts_event: Nanos
    value: float
    confidence: float


Command = (
    KillSwitch
    | SetMode
    | CancelAll
    | CancelOne
    | Flatten
    | PauseStrategy
    | ResumeStrategy
    | Quarantine
    | Deposit
    | Checkpoint
    | IntentNotDurable
    | SessionStarted
    | Reconciled
    | ApplyConfig
)

Input = (
    BarsClosed
    | BarOpened
    | Trade
    | Quote
    | VenueReport
    | TimerFired
    | InstrumentChanged
    | FundingSettled
    | ModelOutput
    | Command
)

MARKET_INPUTS: tuple[type, ...] = (BarsClosed, BarOpened, Trade, Quote)
"""Inputs that go to the tape; all others go to the journal."""
