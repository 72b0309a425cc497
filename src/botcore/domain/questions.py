"""What the engine is asked between two steps: nothing is journaled, nothing reserved.

Each question's class says what it is answered with. Amounts and prices are exact decimals in the
unit that is named; ages are seconds at the moment of the answer, in the market's own clock.
"""

from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin

import msgspec

from botcore.domain.commands import OrderWish
from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, Nanos, StrategyId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType, Side, TimeInForce

A = TypeVar("A")
BOOK_DEPTH_MAX = 500
DECISIONS_MAX = 1_000
OPEN_SHOWN = 500


class Question(msgspec.Struct, Generic[A], frozen=True, kw_only=True):
    """Something that the engine is asked; answered with an `A`."""


class SeenPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A price with its age.

    Attributes:
        source: ``mark``, ``bid``, ``ask`` or ``trade``.
        ts: when it was; None where that is not known, as after a restart.
    """

    price: Decimal
    source: str
    ts: Nanos | None = None
    age_s: float | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a limit is used.

    Attributes:
        limit: ``order``, ``instrument``, ``strategy``, ``account``, ``cash``, ``order rate``,
            ``daily loss`` or ``drawdown``.
        of: which instrument or strategy; empty for the account.
        used, allowed: amounts of `unit`.
        left: what is allowed less what is used; below zero where the limit is exceeded.
        used_frac: 1 is full; None where nothing is allowed.
    """

    limit: str
    of: str = ""
    used: Decimal
    allowed: Decimal
    left: Decimal
    used_frac: float | None
    unit: str


class Headroom(msgspec.Struct, frozen=True, kw_only=True):
    """A limit before an order and as it would be with it."""

    before: Usage
    after: Usage


class PreviewedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order on the grid of its instrument."""

    side: Side
    type: OrderType
    quantity: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expires_at: Nanos | None = None
    reduce_only: bool = False


class OrderPreview(msgspec.Struct, frozen=True, kw_only=True):
    """What an order would be, cost and change, and what the gate says of it.

    Attributes:
        order: on the grid, cut to what is allowed; None where that cannot be (see `code`).
        exits: what would hang on it.
        reference: the price it is measured at.
        expected_price: what it is expected to fill at.
        notional: quantity at `expected_price`, quote units. fee: in `fee_currency`.
        fee_model, slippage_model: which assumptions, in words.
        slippage: expected, quote units; slippage_bps: hundredths of a per cent.
        reserve: what it would lock, in `reserve_currency`.
        position_before, position_after: of its sub-ledger, base units, once it has filled.
        position_frac_after: value of that position over the account's equity.
        equity: of the account, in its reporting currency.
        headroom: each limit before and after; empty where there is no price.
        can_raise: whether it can raise exposure.
        is_approved: what the gate says now; else `code`, `detail`, `value` and `limit` say why.
    """

    account: AccountId
    strategy: StrategyId
    instrument: InstrumentId
    order: PreviewedOrder | None
    exits: tuple[PreviewedOrder, ...] = ()
    reference: SeenPrice | None = None
    expected_price: Decimal | None = None
    notional: Decimal | None = None
    currency: Currency = Currency("")
    fee: Decimal | None = None
    fee_currency: Currency = Currency("")
    fee_model: str = ""
    slippage: Decimal | None = None
    slippage_bps: Decimal | None = None
    slippage_model: str = ""
    reserve: Decimal | None = None
    reserve_currency: Currency = Currency("")
    position_before: Decimal = Decimal(0)
    position_after: Decimal | None = None
    position_frac_after: float | None = None
    equity: Decimal = Decimal(0)
    headroom: tuple[Headroom, ...] = ()
    can_raise: bool = True
    mode: Mode = Mode.NORMAL
    is_approved: bool = False
    code: str = ""
    detail: str = ""
    value: float = 0.0
    limit: float = 0.0


class PreviewOrder(Question[OrderPreview], frozen=True, kw_only=True, tag=True):
    """What would come of an order, were it placed now."""

    order: OrderWish


class DecisionSeen(msgspec.Struct, frozen=True, kw_only=True):
    """One decision, and what became of it.

    Attributes:
        ts: close of the bar decided on.
        wish: ``long``, ``flat``, ``short`` or ``no view``.
        weight: share of the budget wanted; None for no view.
        reason: why, as a sentence. Of a rule tree it names the rule that settled it and by how
            much it held or failed.
        code, operands: the same as numbers.
        outcome: what the engine did about it, or why nothing; empty where nothing was to be done.
        denied: code of the denial, where there was one.
        orders: what was placed.
    """

    ts: Nanos
    wish: str
    weight: float | None
    reason: str
    code: int
    operands: tuple[float, ...]
    outcome: str = ""
    denied: str = ""
    orders: tuple[ClientOrderId, ...] = ()


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions of one strategy on one instrument, newest first.

    Attributes:
        note: why there are none, where there cannot be any.
        has_more: whether older ones are remembered.
    """

    strategy: StrategyId
    instrument: InstrumentId
    items: tuple[DecisionSeen, ...]
    has_more: bool = False
    note: str = ""


class DecisionsOf(Question[Decisions], frozen=True, kw_only=True, tag=True):
    """What a strategy decided on an instrument, and why.

    Attributes:
        limit: how many at most.
        before: only decisions on bars that closed before this instant.
    """

    strategy: StrategyId
    instrument: InstrumentId
    limit: Annotated[int, msgspec.Meta(ge=1, le=DECISIONS_MAX)] = 100
    before: Nanos | None = None


class LockSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A protection that keeps something from being opened.

    Attributes:
        lock: names it. protection: its name in the settings; kind: which rule it is.
        strategy, instrument: what alone is locked; None is all of them.
        until: the first instant at which it has ended.
    """

    lock: str
    protection: str
    kind: str
    cause: str
    until: Nanos
    strategy: StrategyId | None = None
    instrument: InstrumentId | None = None


class ProtectionSeen(msgspec.Struct, frozen=True):
    """A protection that watches an account, whether or not it locks anything now.

    Attributes:
        name: in the settings. kind: which rule it is.
        rule: what it does, one sentence with its figures.
    """

    name: str
    kind: str
    rule: str


class AccountRiskState(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of an account and how much of each is used.

    Attributes:
        mode_exit: how the mode can be left; empty in NORMAL.
        stop: the protection in force, ``DRAWDOWN``, ``DAILY_LOSS`` or none.
        limits: all of them, by the names of the settings.
        limits_changed: names of those that people changed since the engine was composed.
        limits_by: who changed them last; empty where nobody did.
        limits_words: the same as people read them.
        exposures: per instrument and strategy that has any, and of the account.
        others: cash-like and loss limits: daily loss, drawdown, order rate.
        locks: of protections, those in force.
        protections: all that watch the account, in their order.
    """

    account: AccountId
    currency: Currency
    equity: Decimal
    peak: Decimal
    day_start: Decimal
    mode: Mode
    mode_cause: str
    mode_exit: str
    stop: str
    limits: dict[str, Any]
    limits_words: tuple[tuple[str, str], ...]
    exposures: tuple[Usage, ...]
    others: tuple[Usage, ...]
    has_doubts: bool
    locks: tuple[LockSeen, ...] = ()
    protections: tuple[ProtectionSeen, ...] = ()
    limits_changed: tuple[str, ...] = ()
    limits_by: str = ""


class RiskState(Question[tuple[AccountRiskState, ...]], frozen=True, kw_only=True, tag=True):
    """Limits, exposure, utilisation, mode and protections of every account."""


class StrategyState(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy as it runs, or does not.

    Attributes:
        strategy: what runs under the name, in the library or the person's folder; empty for
            `manual`.
        kind: ``signal``, ``event`` or ``manual``; empty of one that is stopped.
        status: ``running``, ``warming up``, ``paused``, ``quarantined``, ``stopped`` (it is not
            run at all) or ``manual``.
        cause: why it does not run, or what its last wish came to.
        badge: ``paper`` or ``live``.
        bars_to_come: bars still to be seen before its first decision.
        equity_frac: share of the account's equity at weight 1, over all its instruments.
        result: net profit so far in `currency`; None while something is unpriced.
    """

    id: StrategyId
    account: AccountId
    strategy: str
    kind: str
    status: str
    cause: str = ""
    badge: str = "paper"
    instruments: tuple[InstrumentId, ...] = ()
    step_s: float = 0.0
    parameters: dict[str, float] = {}
    equity_frac: float = 0.0
    bars_to_come: int = 0
    result: Decimal | None = None
    currency: Currency = Currency("")
    open_positions: int = 0
    working_orders: int = 0


class StrategyStates(Question[tuple[StrategyState, ...]], frozen=True, kw_only=True, tag=True):
    """Every strategy, event strategies, stopped ones and `manual` included."""


class TopOfBook(msgspec.Struct, frozen=True, kw_only=True):
    """The newest prices of an instrument.

    Attributes:
        mark: what positions are valued at; None before the first price.
        bid, ask: best prices, None where the feed gives none; quantities in base units.
        last: price of the last trade.
    """

    instrument: InstrumentId
    mark: SeenPrice | None = None
    bid: SeenPrice | None = None
    ask: SeenPrice | None = None
    bid_quantity: float | None = None
    ask_quantity: float | None = None
    last: SeenPrice | None = None
    last_quantity: float | None = None


class TopsOfBook(Question[tuple[TopOfBook, ...]], frozen=True, kw_only=True, tag=True):
    """The newest prices of some instruments, of all where none is named."""

    instruments: tuple[InstrumentId, ...] = ()


class BookLevels(msgspec.Struct, frozen=True, kw_only=True):
    """An order book, best level first; (price, base units).

    Attributes:
        is_valid: whether it can be believed; else `note` says why not, and there are no levels.
        source: ``depth`` for a kept book, ``quote`` where only the best prices are known.
    """

    instrument: InstrumentId
    bids: tuple[tuple[Decimal, Decimal], ...] = ()
    asks: tuple[tuple[Decimal, Decimal], ...] = ()
    is_valid: bool = False
    source: str = ""
    ts: Nanos | None = None
    age_s: float | None = None
    note: str = ""


class BookOf(Question[BookLevels], frozen=True, kw_only=True, tag=True):
    """The order book of an instrument, as deep as the feed gives it."""

    instrument: InstrumentId
    depth: Annotated[int, msgspec.Meta(ge=1, le=BOOK_DEPTH_MAX)] = 20


class OpenNow(msgspec.Struct, frozen=True, kw_only=True):
    """What is open at this moment: all of it is counted.

    Attributes:
        orders: how many work. positions: how many are not flat.
        first: ids of the oldest of those orders, at most `OPEN_SHOWN`.
    """

    orders: int
    positions: int
    first: tuple[ClientOrderId, ...] = ()


class WhatIsOpen(Question[OpenNow], frozen=True, kw_only=True, tag=True):
    """How many orders and positions are open: of a strategy, instrument and side if named.

    A position has no side of its own here: it is counted whichever is named.
    """

    account: AccountId
    strategy: StrategyId | None = None
    instrument: InstrumentId | None = None
    side: Side | None = None


Asked = PreviewOrder | DecisionsOf | RiskState | StrategyStates | TopsOfBook | BookOf | WhatIsOpen
"""Every question there is."""


def answer_type(question: type[Question[Any]]) -> Any:  # noqa: ANN401  # a type, maybe parametrised
    """Return what a question of this type is answered with.

    Raises:
        TypeError: its class does not say.
    """
    for base in getattr(question, "__orig_bases__", ()):
        if get_origin(base) is Question:
            return get_args(base)[0]
    raise TypeError(f"{question.__name__} does not say what it is answered with")
