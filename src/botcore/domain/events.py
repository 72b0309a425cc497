"""Facts: what has happened, in the past tense, under the names the contract gives.

Every fact names its account and travels in a `Record` that carries its schema version. The ones
in `FINGERPRINTED` make the fingerprint of a run; those in `OBSERVATIONS` are not journaled.
"""

from decimal import Decimal
from typing import Any

import msgspec

from botcore.domain.decisions import Denied
from botcore.domain.ids import (
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
    VenueOrderId,
)
from botcore.domain.intents import Reason
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderSpec, OrderState, Side
from botcore.domain.reports import Fill


class MarketDataUpdate(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A price was seen; made only when somebody listens."""

    instrument: InstrumentId
    ts: Nanos
    price: float
    volume: float


class DecisionMade(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy looked at a bar and decided, also when it decided to do nothing."""

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    ts: Nanos
    weight: float
    reason: Reason


class SignalGenerated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy asked for an exposure that its position does not have."""

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    ts: Nanos
    weight: float
    confidence: float
    reason: Reason


class OrderDenied(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Risk said no; nothing was reserved and nothing leaves."""

    account: AccountId
    denied: Denied


class OrderPlaced(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An order exists: as a durable intent, or held until its parent fills.

    Attributes:
        reserve: locked in `reserve_currency` until filled or gone.
        decision_price: arrival price, quote units.
        config: digest of the configuration in force.
    """

    account: AccountId
    order: OrderSpec
    state: OrderState
    reserve: Decimal
    reserve_currency: Currency
    decision_price: float
    ts: Nanos
    reason: Reason
    config: str


class OrderUpdated(msgspec.Struct, frozen=True, gc=False, tag=True):
    """An order changed without a fill.

    Attributes:
        quantity, limit_price, trigger_price: what it carries from now on; None means unchanged.
        cancel_owed: a cancel was asked for and the order is not proven terminal.
        replace_pending: a replace was asked for and not answered.
    """

    account: AccountId
    client_order_id: ClientOrderId
    state: OrderState
    ts: Nanos
    venue_order_id: VenueOrderId | None = None
    cancel_owed: bool = False
    replace_pending: bool = False
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    detail: str = ""


class OrderFilled(msgspec.Struct, frozen=True, gc=False, tag=True):
    """One execution was applied.

    Attributes:
        filled: cumulative quantity after it.
        overfill: how much of `filled` is beyond the order's quantity (E36).
        cumulative: the venue's own count up to this fill, None where it does not say (E35).
    """

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    client_order_id: ClientOrderId
    side: Side
    fill: Fill
    state: OrderState
    filled: Decimal
    overfill: Decimal
    flags: tuple[str, ...] = ()
    venue_order_id: VenueOrderId | None = None
    cumulative: Decimal | None = None


class Posting(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One line of a ledger transaction: `amount` of `currency` into `ledger` (out if negative)."""

    ledger: str
    currency: Currency
    amount: Decimal


class LedgerPosted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A balanced transaction: per currency its postings add up to zero.

    Attributes:
        cause: ``fill``, ``deposit``, ``withdrawal``, ``dust`` or ``adjustment``.
        reference: what caused it (``<order>/<trade>`` for a fill).
    """

    account: AccountId
    ts: Nanos
    cause: str
    reference: str
    postings: tuple[Posting, ...]


class PositionChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy's position on an instrument after a fill.

    Attributes:
        quantity: base units, signed.
        cost: what the open quantity cost in quote units, signed like `quantity`; the average
            price is a view, `cost / quantity`.
        realised: quote units earned by closing so far, before fees.
        fees: quote value of all fees paid so far.
    """

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    quantity: Decimal
    cost: Decimal
    realised: Decimal
    fees: Decimal
    ts: Nanos


class PerformanceUpdate(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Equity and its limits, at fills' day ends and checkpoints.

    Attributes:
        equity: account equity in its reporting currency, at the marks of `ts`.
        peak: highest equity so far; day_start: equity at the last UTC midnight.
        day: UTC day number since 1970.
        marks: instrument → last mark, sorted by instrument.
        highs: protection → the highest equity of each slice of its look-back, oldest first, with
            the instant at which the slice begins; only of protections that watch equity.
    """

    account: AccountId
    ts: Nanos
    equity: float
    peak: float
    day: int
    day_start: float
    marks: tuple[tuple[InstrumentId, float], ...] = ()
    highs: tuple[tuple[str, tuple[tuple[int, float], ...]], ...] = ()


class ModeChanged(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The account may do more, or less.

    Attributes:
        by: ``risk``, ``engine``, ``supervisor`` or ``person:<name>``.
    """

    account: AccountId
    ts: Nanos
    previous: Mode
    mode: Mode
    cause: str
    by: str


class RiskAlert(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Something a person should look at; `code` is stable."""

    account: AccountId
    ts: Nanos
    code: str
    detail: str


class StrategyQuarantined(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A strategy misbehaved and is not asked any more."""

    account: AccountId
    strategy: StrategyId
    ts: Nanos
    cause: str


class StrategyPaused(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A person paused a strategy, or let it go on."""

    account: AccountId
    strategy: StrategyId
    ts: Nanos
    paused: bool
    by: str


class ConfigApplied(msgspec.Struct, frozen=True, gc=False, tag=True):
    """The configuration in force from now on, as canonical JSON, and its digest."""

    account: AccountId
    ts: Nanos
    digest: str
    document: str


class LimitsChanged(msgspec.Struct, frozen=True, tag=True):
    """Other risk limits are in force.

    Attributes:
        limits: all of them, by the names of `risk.RiskLimits`.
        by: ``engine`` where a start put those of its configuration in force.
    """

    account: AccountId
    ts: Nanos
    limits: dict[str, Any]
    by: str


class PersonActed(msgspec.Struct, frozen=True, gc=False, tag=True):
    """Somebody asked for something under a reference, and this is what came of it.

    Attributes:
        act: name of the command.
        asked: digest of what was asked, so that another act under this reference is seen.
        orders: what was placed, changed or cancelled; a bracket's entry first.
        code, detail: why it was denied; empty if it was not.
        value, limit: the figures of `detail`.
    """

    account: AccountId
    ts: Nanos
    by: str
    act: str
    reference: str
    asked: str
    correlation: str = ""
    orders: tuple[ClientOrderId, ...] = ()
    code: str = ""
    detail: str = ""
    value: float = 0.0
    limit: float = 0.0


class SystemHealth(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A component's health, when it changes and now and then: ``ok``, ``degraded``, ``down``."""

    account: AccountId
    ts: Nanos
    component: str
    status: str
    detail: str = ""


class ProtectionLocked(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A protection lets nothing be opened for a time; said again when that time grows longer.

    Attributes:
        lock: names the lock: one of a protection and what it covers.
        protection: its name in the settings; `kind`: which rule it is, such as ``cool-down``.
        strategy, instrument: what alone is locked; None is all of them.
        until: the first instant at which it has ended.
        cause: why, with the figures.
    """

    account: AccountId
    ts: Nanos
    lock: str
    protection: str
    kind: str
    strategy: StrategyId | None
    instrument: InstrumentId | None
    until: Nanos
    cause: str


class ProtectionLifted(msgspec.Struct, frozen=True, gc=False, tag=True):
    """A person ended a lock early; a lock that ends by itself makes no fact.

    Attributes:
        by: ``person:<name>``.
    """

    account: AccountId
    ts: Nanos
    lock: str
    protection: str
    by: str


Fact = (
    MarketDataUpdate
    | DecisionMade
    | SignalGenerated
    | OrderDenied
    | OrderPlaced
    | OrderUpdated
    | OrderFilled
    | LedgerPosted
    | PositionChanged
    | PerformanceUpdate
    | ModeChanged
    | RiskAlert
    | StrategyQuarantined
    | StrategyPaused
    | ConfigApplied
    | LimitsChanged
    | PersonActed
    | SystemHealth
    | ProtectionLocked
    | ProtectionLifted
)

FINGERPRINTED: tuple[type, ...] = (
    OrderPlaced,
    OrderUpdated,
    OrderFilled,
    LedgerPosted,
    PositionChanged,
    ModeChanged,
    ProtectionLocked,
    ProtectionLifted,
)
"""Facts whose business fields make the fingerprint of a run."""

OBSERVATIONS: tuple[type, ...] = (MarketDataUpdate, DecisionMade, SystemHealth)
"""Facts for watchers only: not journaled, not folded."""
