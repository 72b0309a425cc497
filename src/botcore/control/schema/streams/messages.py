"""The messages that flow in channels: each is one item of a channel's state."""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Literal

import msgspec

from botcore.control.schema.values import Money
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side, TimeInForce
from botcore.domain.questions import Usage


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a channel's state; its class's name is the `type` of its envelope.

    Attributes:
        KEY: fields that name it within the channel.
        ABOUT: the field that holds its instrument, for filters; empty where it is about none.
        KEEPS: how many of the newest a state holds; None is all.
    """

    KEY: ClassVar[tuple[str, ...]] = ()
    ABOUT: ClassVar[str] = ""
    KEEPS: ClassVar[int | None] = None

    @property
    def key(self) -> str:
        """Its name within the channel: unique for its type."""
        return "/".join(str(getattr(self, name)) for name in self.KEY)

    @property
    def about(self) -> str:
        """The instrument it is about; empty if none."""
        return str(getattr(self, self.ABOUT)) if self.ABOUT else ""


class PriceUpdate(Message, frozen=True, kw_only=True):
    """The last price of an instrument.

    Attributes:
        symbol: id of the instrument.
        price: quote units.
        timestamp: of the price, in the feed's clock.
    """

    KEY: ClassVar = ("symbol",)
    ABOUT: ClassVar = "symbol"

    symbol: str
    price: Decimal
    timestamp: datetime


class CandleUpdate(Message, frozen=True, kw_only=True):
    """The newest candle of an instrument.

    Attributes:
        symbol: id of the instrument.
        timeframe: length: ``1m``, ``1h``.
        time: when it opened.
        open, high, low, close: quote units.
        volume: base units.
    """

    KEY: ClassVar = ("symbol", "timeframe")
    ABOUT: ClassVar = "symbol"

    symbol: str
    timeframe: str
    time: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


class BookLevel(msgspec.Struct, frozen=True):
    """A price and the quantity that stands there, base units."""

    price: Decimal
    quantity: Decimal


class BookUpdate(Message, frozen=True, kw_only=True):
    """The order book of an instrument, or as much of it as the feed gives.

    Attributes:
        symbol: id of the instrument.
        depth: ``full``, ``best`` (best bid and ask only) or ``none``.
        bids, asks: best first.
        time: of the newest change; None where nothing is known.
    """

    KEY: ClassVar = ("symbol",)
    ABOUT: ClassVar = "symbol"

    symbol: str
    depth: str
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    time: datetime | None


class OrderUpdate(Message, frozen=True, kw_only=True):
    """An order as it stands; the state holds those that may still trade.

    Attributes:
        id: ours, unique for ever.
        account, strategy: whose.
        instrument: what is traded.
        state: where it stands; `is_working`: whether it may still trade.
        quantity, filled, leaves: base units: asked for, filled, left.
        limit_price, trigger_price, trail: quote units; None where its type has none.
        reduce_only: may only bring the position nearer to zero.
        cancel_owed: a cancel was asked for and is not proven yet.
        replace_pending: a change was asked for and is not answered yet.
        venue_order_id: the venue's own id, once it is known.
        detail: the last word of venue or engine about it.
        placed_at, updated_at: in the feed's clock.
    """

    KEY: ClassVar = ("id",)
    ABOUT: ClassVar = "instrument"

    id: str
    account: str
    strategy: str
    instrument: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce
    state: OrderState
    is_working: bool
    quantity: Decimal
    filled: Decimal
    leaves: Decimal
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    trail: Decimal | None = None
    reduce_only: bool = False
    cancel_owed: bool = False
    replace_pending: bool = False
    venue_order_id: str | None = None
    detail: str = ""
    placed_at: datetime
    updated_at: datetime


class TradeUpdate(Message, frozen=True, kw_only=True):
    """One execution of an order.

    Attributes:
        trade_id: the venue's id of it; unique within `order_id`.
        status: ``executed``.
        price: quote units.
        order_id, account, strategy, instrument, side: of the order.
        quantity: base units.
        fee: negative is a rebate.
        time: when it happened, in the feed's clock.
    """

    KEY: ClassVar = ("order_id", "trade_id")
    ABOUT: ClassVar = "instrument"
    KEEPS: ClassVar = 200

    trade_id: str
    status: Literal["executed"] = "executed"
    price: Decimal
    order_id: str
    account: str
    strategy: str
    instrument: str
    side: Side
    quantity: Decimal
    fee: Money
    time: datetime


class PositionUpdate(Message, frozen=True, kw_only=True):
    """A strategy's open position at the last price.

    Attributes:
        quantity: base units, signed.
        average_price: what it cost, quote units.
        mark: the last price; None where none is known, and then `value` and `unrealised` too.
    """

    KEY: ClassVar = ("account", "strategy", "instrument")
    ABOUT: ClassVar = "instrument"

    account: str
    strategy: str
    instrument: str
    quantity: Decimal
    average_price: Decimal
    mark: Decimal | None
    value: Money | None
    unrealised: Money | None
    realised: Money


class PerformanceUpdate(Message, frozen=True, kw_only=True):
    """What an account is worth at the last prices.

    Attributes:
        id: of the account.
        locked: what open orders lock; it is in `cash`, and not in `free`.
        day_result, day_result_frac: since UTC midnight; the fraction of what it was worth then.
        drawdown_frac: below its highest equity.
        fees_today, fees_total: paid since UTC midnight, and in all.
    """

    KEY: ClassVar = ("id",)

    id: str
    currency: str
    equity: Money
    cash: Money
    locked: Money
    free: Money
    day_result: Money
    day_result_frac: float
    drawdown_frac: float
    fees_today: Money
    fees_total: Money


class SignalUpdate(Message, frozen=True, kw_only=True):
    """A strategy asked for another exposure than it had.

    Attributes:
        id: later ones are higher.
        direction: ``long``, ``short`` or ``neutral``.
        weight: -1..1. `confidence`: 0..1.
        reason: the sentence.
    """

    KEY: ClassVar = ("id",)
    ABOUT: ClassVar = "symbol"
    KEEPS: ClassVar = 100

    id: int
    time: datetime
    strategy: str
    symbol: str
    direction: str
    weight: float
    confidence: float
    reason: str


class DecisionUpdate(Message, frozen=True, kw_only=True):
    """A strategy's last word on an instrument: why, or why not.

    Attributes:
        strategy: id of its set-up.
        wish: ``long``, ``flat``, ``short`` or ``no view``; `held` is what it has.
        reason: the sentence.
        outcome: why the wish was not carried out; empty where it was.
        time: close of the bar it decided on; None before the first.
    """

    KEY: ClassVar = ("strategy", "symbol")
    ABOUT: ClassVar = "symbol"

    strategy: str
    symbol: str
    wish: str
    held: str
    reason: str
    outcome: str
    time: datetime | None


class RiskLock(msgspec.Struct, frozen=True, kw_only=True):
    """A protection that keeps new positions closed until a time."""

    id: str
    protection: str
    cause: str
    strategy: str | None
    instrument: str | None
    until: datetime


class RiskUpdate(Message, frozen=True, kw_only=True):
    """How much of its limits an account uses, and what locks it.

    Attributes:
        exposures, others: limits of exposure, and the rest, each with what is used of it.
        has_doubts: an order's outcome is unknown: nothing new is opened.
    """

    KEY: ClassVar = ("account",)

    account: str
    exposures: tuple[Usage, ...]
    others: tuple[Usage, ...]
    has_doubts: bool
    locks: tuple[RiskLock, ...]


class RiskAlert(Message, frozen=True, kw_only=True):
    """Something that the engine thinks a person should look at; `code` is stable."""

    KEY: ClassVar = ("time", "code", "detail")
    KEEPS: ClassVar = 20

    time: datetime
    code: str
    detail: str


class ModeUpdate(Message, frozen=True, kw_only=True):
    """What an account may do, and why not more."""

    KEY: ClassVar = ("account",)

    account: str
    mode: Mode
    cause: str


class AlertUpdate(Message, frozen=True, kw_only=True):
    """Something that the person who is signed in is told: an alert fired, a job ended.

    Attributes:
        id: of the notification; later ones are higher.
        kind: ``alert``, ``risk``, ``job``, ``security`` or ``system``.
        severity: ``info``, ``warning`` or ``critical``.
        code: stable. `link`: path of what it is about, in the API.
        read_at: None while it is unread.
    """

    KEY: ClassVar = ("id",)
    KEEPS: ClassVar = 50

    id: int
    kind: str
    severity: str
    code: str
    text: str
    link: str
    created_at: datetime
    read_at: datetime | None


class JobUpdate(Message, frozen=True, kw_only=True):
    """A job of the person who is signed in.

    Attributes:
        kind: ``backtest``, ``fetch``, ``import``.
        title: what it does, in words.
        state: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        progress: 0..1; None where it cannot tell. `done`, `total`: the same in its own units.
        code, detail: why it failed, or where it stands.
    """

    KEY: ClassVar = ("id",)
    KEEPS: ClassVar = 100

    id: str
    kind: str
    title: str
    state: str
    progress: float | None
    done: int
    total: int
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    code: str = ""
    detail: str = ""


class SystemHealth(Message, frozen=True, kw_only=True):
    """The health of one part of the platform.

    Attributes:
        status: ``ok``, ``starting``, ``degraded`` or ``down``.
        last_error: the last thing that went wrong with it; empty if nothing did.
        detail: in words.
    """

    KEY: ClassVar = ("name",)

    name: str
    status: str
    last_error: str
    detail: str


class LogLine(Message, frozen=True, kw_only=True):
    """A line of the log.

    Attributes:
        id: unique, later ones sort behind.
        level: ``debug``, ``info``, ``warning`` or ``error``.
        event: name from the closed list of log events.
        fields: the rest, each as text.
    """

    KEY: ClassVar = ("id",)
    KEEPS: ClassVar = 200

    id: str
    time: datetime
    level: str
    event: str
    fields: dict[str, str]
