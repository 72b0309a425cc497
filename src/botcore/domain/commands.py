"""Commands and the other inputs of the engine.

Acts that lower risk (pause, cancel, kill switch) need no confirmation; those that can raise it
(leaving a mode, resuming) name the person, and flatten carries a confirmation.
"""

from decimal import Decimal
from typing import Annotated, Any

import msgspec

from botcore.domain.ids import AccountId, ClientOrderId, InstrumentId, Nanos, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.intents import PlaceOrder
from botcore.domain.market import BarOpened, BarsClosed, Quote, Trade
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType, Side, TimeInForce
from botcore.domain.reports import VenueReport

MANUAL = StrategyId("manual")
"""The sub-ledger of a person's own orders; no strategy may be configured under this name."""

Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
"""What somebody calls an act of theirs: told again, it is not done again."""

Instant = Annotated[Nanos, msgspec.Meta(ge=0, le=2**63 - 1)]
"""Nanoseconds UTC that a store can hold."""


class OrderWish(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """An order as a person wants it; risk puts it on the grid and cuts it to what is allowed.

    Attributes:
        quantity: base units.
        take_profit, stop_loss: prices of attached exits. trailing: distance of one, quote units.
        strategy: the sub-ledger it belongs to; a strategy's own name acts on that one's position.
    """

    account: AccountId
    instrument: InstrumentId
    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: Instant | None = None
    reduce_only: bool = False
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    trailing: Decimal | None = None
    strategy: StrategyId = MANUAL

    def intent(self) -> PlaceOrder:
        """Return what risk is asked."""
        return PlaceOrder(
            account=self.account,
            strategy=self.strategy,
            instrument=self.instrument,
            side=self.side,
            type=self.type,
            quantity=self.quantity,
            limit_price=self.limit_price,
            trigger_price=self.trigger_price,
            trail=self.trail,
            time_in_force=self.time_in_force,
            expires_at=self.expires_at,
            reduce_only=self.reduce_only,
            take_profit=self.take_profit,
            stop_loss=self.stop_loss,
            trailing=self.trailing,
        )


class SubmitOrder(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Place an order for a person, through the same risk gate as any other.

    Attributes:
        reference: of the act.
        correlation: of the call that it came with, for logs; no part of what is asked.
    """

    order: OrderWish
    by: str
    reference: Reference
    correlation: str = ""

    @property
    def account(self) -> AccountId:
        """Whose money."""
        return self.order.account


class AmendOrder(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag=True):
    """Change a working order's total quantity or its prices; None leaves a value as it is."""

    account: AccountId
    by: str
    reference: Reference
    client_order_id: ClientOrderId
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    correlation: str = ""


class UseLimits(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Put other risk limits in force at once, until the next start reads its configuration.

    Attributes:
        limits: those that change, by the names of `risk.RiskLimits`; the others stay.
    """

    account: AccountId
    by: str
    reference: Reference
    limits: dict[str, Any]
    correlation: str = ""


class KillSwitch(msgspec.Struct, frozen=True, gc=False, tag=True):
    """HALT at once, cancel every working order, keep positions. Only a person leaves it."""

    account: AccountId
    by: str
    cause: str = "kill switch"


class SetMode(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Enter a mode, or leave one (leaving HALT takes a person: `by` starts with ``person:``).

    Attributes:
        known: the mode that is to be left, as who asks knows it: nothing is allowed that would
            leave another, such as a halt that came meanwhile. None, as in records of releases that
            did not know it, leaves any.
    """

    account: AccountId
    mode: Mode
    by: str
    cause: str
    known: Mode | None = None


class CancelAll(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Cancel every working order: of one strategy, instrument and side where they are named.

    Records of releases that knew the strategy alone have no more fields: they mean every one.
    """

    account: AccountId
    by: str
    strategy: StrategyId | None = None
    instrument: InstrumentId | None = None
    side: Side | None = None


class CancelOne(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Cancel one order; with a `reference` it is noted who did it, and done once."""

    account: AccountId
    by: str
    client_order_id: ClientOrderId
    reference: str = ""
    correlation: str = ""


class Flatten(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Close every position with reduce-only market orders. `confirmed` must be True.

    Attributes:
        known: the account's mode as who asks knows it, as in `SetMode`: a halt that came meanwhile
            stays, and nothing is sold.
    """

    account: AccountId
    by: str
    confirmed: bool
    known: Mode | None = None


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


class LiftLock(msgspec.Struct, frozen=True, gc=False, tag=True):
    """End a protection's lock early; it takes a person (`by` starts with ``person:``).

    Attributes:
        lock: its id, as `ProtectionLocked` gave it; one that is not in force changes nothing.
    """

    account: AccountId
    by: str
    lock: str


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


class ApplyConfig(msgspec.Struct, frozen=True, tag=True):
    """The settings in force from now on (canonical JSON).

    Attributes:
        limits: those that stay in force above the settings', by their names: a person changed them
            and the settings do not know of it.
        limits_by: who did; empty with no such limits.
    """

    account: AccountId
    document: str
    limits: dict[str, Any] = {}
    limits_by: str = ""


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
    | LiftLock
    | Quarantine
    | Deposit
    | Checkpoint
    | IntentNotDurable
    | SessionStarted
    | Reconciled
    | ApplyConfig
    | SubmitOrder
    | AmendOrder
    | UseLimits
)

Referenced = SubmitOrder | AmendOrder | CancelOne | UseLimits
"""Commands that carry a reference, and are done once under it."""

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
