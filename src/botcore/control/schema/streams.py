"""The WebSocket's words: channels, the messages that flow in them, and the frames around them.

A channel has a **state**: items, each under a key. A subscriber gets the whole state first and
then every change of it as a **delta**, an envelope ``{type, data}`` with the channel and two
numbers: `seq`, its own, and `after`, that of the delta it follows. A delta applies where `after`
is the number one has; anything else is a hole, and one subscribes again. What a delta's item is
called within the state is `key`; with `removed` it has left the state, and `data` is its last word.

*Strict* channels deliver every change. *Conflated* ones deliver the newest state of what has
changed since the last delta, so that their numbers may jump while `after` never does. Of some
messages a state holds only the newest `KEEPS`: older ones are dropped by both sides alike.

Prices, quantities and money are decimal strings, times UTC. The fields bear the names they have in
REST, so that ``msgspec.convert(order, OrderUpdate, from_attributes=True)`` makes the one of the
other.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal

import msgspec

from botcore.control.access import Scope
from botcore.control.schema.values import InstrumentName, Money
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side, TimeInForce
from botcore.domain.questions import Usage

HEARTBEAT_S: Final = 30
FRAME_MAX: Final = 64 * 1024
"""Bytes of a frame that a client may send."""
MESSAGES_PER_S: Final = 20
SUBPROTOCOL: Final = "botcore.v1"
TICKET_PROTOCOL: Final = "ticket."
"""``Sec-WebSocket-Protocol: botcore.v1, ticket.<ticket>`` instead of a first frame."""
INSTRUMENTS_MAX: Final = 100


class Channel(StrEnum):
    """What can be subscribed to."""

    PRICES = "prices"
    CANDLES = "candles"
    BOOK = "book"
    ORDERS = "orders"
    FILLS = "fills"
    POSITIONS = "positions"
    EQUITY = "equity"
    SIGNALS = "signals"
    DECISIONS = "decisions"
    RISK = "risk"
    MODE = "mode"
    ALERTS = "alerts"
    JOBS = "jobs"
    HEALTH = "health"
    LOG = "log"


# -------------------------------------------------------------------------------- messages


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


# -------------------------------------------------------------------------------- channels


class ChannelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel is.

    Attributes:
        scope: needed to subscribe, checked at every message.
        messages: types that flow in it.
        is_conflated: only the newest state of each key is delivered; else every change.
        is_owned: everybody sees only what is their own, under numbers of its own.
        needs_instruments: a subscription must name instruments.
        summary: its state, in words.
    """

    name: Channel
    scope: Scope
    messages: tuple[type[Message], ...]
    summary: str
    is_conflated: bool = False
    is_owned: bool = False
    needs_instruments: bool = False


_SPECS: Final = (
    ChannelSpec(
        name=Channel.PRICES,
        scope=Scope.READ_MARKET,
        messages=(PriceUpdate,),
        is_conflated=True,
        summary="the last price of each instrument that is traded",
    ),
    ChannelSpec(
        name=Channel.CANDLES,
        scope=Scope.READ_MARKET,
        messages=(CandleUpdate,),
        is_conflated=True,
        needs_instruments=True,
        summary="the newest closed candle of each instrument asked for",
    ),
    ChannelSpec(
        name=Channel.BOOK,
        scope=Scope.READ_MARKET,
        messages=(BookUpdate,),
        is_conflated=True,
        needs_instruments=True,
        summary="the order book of each instrument asked for",
    ),
    ChannelSpec(
        name=Channel.ORDERS,
        scope=Scope.READ_ACCOUNT,
        messages=(OrderUpdate,),
        summary="the orders that may still trade; an order that ended is told once, removed",
    ),
    ChannelSpec(
        name=Channel.FILLS,
        scope=Scope.READ_ACCOUNT,
        messages=(TradeUpdate,),
        summary="the newest executions, oldest first",
    ),
    ChannelSpec(
        name=Channel.POSITIONS,
        scope=Scope.READ_ACCOUNT,
        messages=(PositionUpdate,),
        is_conflated=True,
        summary="the open positions of each strategy at the last prices",
    ),
    ChannelSpec(
        name=Channel.EQUITY,
        scope=Scope.READ_ACCOUNT,
        messages=(PerformanceUpdate,),
        is_conflated=True,
        summary="what each account is worth",
    ),
    ChannelSpec(
        name=Channel.SIGNALS,
        scope=Scope.READ_ACCOUNT,
        messages=(SignalUpdate,),
        summary="the newest signals of strategies, oldest first",
    ),
    ChannelSpec(
        name=Channel.DECISIONS,
        scope=Scope.READ_ACCOUNT,
        messages=(DecisionUpdate,),
        summary="each strategy's last word on each instrument",
    ),
    ChannelSpec(
        name=Channel.RISK,
        scope=Scope.READ_ACCOUNT,
        messages=(RiskUpdate, RiskAlert),
        summary="how much of its limits each account uses, and the newest alerts of the engine",
    ),
    ChannelSpec(
        name=Channel.MODE,
        scope=Scope.READ_ACCOUNT,
        messages=(ModeUpdate,),
        summary="what each account may do",
    ),
    ChannelSpec(
        name=Channel.ALERTS,
        scope=Scope.MANAGE_ALERTS,
        messages=(AlertUpdate,),
        is_owned=True,
        summary="one's own newest notices, oldest first",
    ),
    ChannelSpec(
        name=Channel.JOBS,
        scope=Scope.RUN_JOBS,
        messages=(JobUpdate,),
        is_owned=True,
        summary="one's own newest jobs, oldest first",
    ),
    ChannelSpec(
        name=Channel.HEALTH,
        scope=Scope.READ_ACCOUNT,
        messages=(SystemHealth,),
        summary="the health of each component",
    ),
    ChannelSpec(
        name=Channel.LOG,
        scope=Scope.ADMIN_SYSTEM,
        messages=(LogLine,),
        summary="the newest lines of the log, oldest first",
    ),
)
CHANNELS: Final[Mapping[str, ChannelSpec]] = {spec.name: spec for spec in _SPECS}
"""Every channel by name."""
MESSAGES: Final[Mapping[str, type[Message]]] = {
    kind.__name__: kind for spec in _SPECS for kind in spec.messages
}
"""Every message type by name."""


# ------------------------------------------------------------------ frames of the client


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first frame, unless the ticket came as a subprotocol: within five seconds.

    Attributes:
        ticket: from ``POST /api/v1/ws-ticket``: 30 seconds, one use, bound to this origin.
    """

    ticket: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class Filter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What of a channel is wanted.

    Attributes:
        instruments: ids; items about others are left out, those about none stay. Empty is all.
    """

    instruments: Annotated[
        tuple[InstrumentName, ...], msgspec.Meta(max_length=INSTRUMENTS_MAX)
    ] = ()


class Subscribe(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="subscribe",
):
    """Ask for a channel's state and its changes; answered with `snapshot` or `resumed`.

    One subscription a channel: a second one takes the place of the first.

    Attributes:
        channel: its name.
        since_seq: the number one has, from an earlier connection with the same filter: what came
            since is sent, if it is still known, and else a snapshot. None asks for a snapshot.
        filter: what of it.
    """

    channel: Annotated[str, msgspec.Meta(max_length=32)]
    since_seq: Annotated[int, msgspec.Meta(ge=0)] | None = None
    filter: Filter = Filter()


class Unsubscribe(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="unsubscribe",
):
    """Want no more of a channel; answered with `unsubscribed`, its last frame."""

    channel: Annotated[str, msgspec.Meta(max_length=32)]


class Ping(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="op",
    tag="ping",
):
    """Ask for a `pong` with the same `id`."""

    id: Annotated[str, msgspec.Meta(max_length=64)] = ""


ClientFrame = Subscribe | Unsubscribe | Ping
"""What a client says once it is signed in."""


# ------------------------------------------------------------------ frames of the server


class WelcomeData(msgspec.Struct, frozen=True, kw_only=True):
    """What holds on this connection.

    Attributes:
        actor: as whom one is known.
        time: of the server.
        channels: those one may subscribe to.
        heartbeat_s: how often a `heartbeat` comes.
        frame_max: bytes of a frame that is taken; `messages_per_s`: how many of them.
    """

    actor: str
    time: datetime
    channels: tuple[Channel, ...]
    heartbeat_s: float
    frame_max: int
    messages_per_s: int


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="welcome"):
    """The ticket was taken: from now on one may subscribe."""

    data: WelcomeData


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope within a `snapshot` or a `batch`: one item of the state.

    Attributes:
        type: name of the message type; `data` is one.
        key: its name within the channel, unique for its type.
        removed: it has left the state.
    """

    type: str
    data: Any
    key: str
    removed: bool = False


class Snapshot(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="snapshot"):
    """The whole state of a channel, in one or more parts; it takes the place of what one had.

    Attributes:
        seq: the number one has from now on.
        part: counted from 0; part 0 begins anew.
        is_last: whether it is the last part.
        data: the items, those of which only the newest are kept oldest first.
    """

    channel: Channel
    seq: int
    part: int
    is_last: bool
    data: tuple[Item, ...]


class Resumed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="resumed"):
    """Nothing was missed but the deltas that follow; one keeps the state one had.

    Attributes:
        seq: the number one has from now on. It may differ from the one that was given where
            nothing happened in between.
    """

    channel: Channel
    seq: int


class Batch(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="batch"):
    """Several items of a conflated channel changed: one delta for all of them."""

    channel: Channel
    after: int
    seq: int
    data: tuple[Item, ...]


class ResyncData(msgspec.Struct, frozen=True, kw_only=True):
    """Why."""

    cause: str


class Resync(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="resync"):
    """Deltas were left out because they were not read in time: a snapshot follows."""

    channel: Channel
    data: ResyncData


class Unsubscribed(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="unsubscribed"):
    """Nothing more of this channel comes."""

    channel: Channel


class HeartbeatData(msgspec.Struct, frozen=True, kw_only=True):
    """The server's clock, and of every subscribed channel the number one must have.

    A channel whose snapshot is still owed is not named.
    """

    time: datetime
    seq: dict[str, int]


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="heartbeat"):
    """The connection lives; every 30 seconds."""

    data: HeartbeatData


class PongData(msgspec.Struct, frozen=True, kw_only=True):
    """The `id` of the ping and the server's clock."""

    id: str
    time: datetime


class Pong(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="pong"):
    """The answer to a ping."""

    data: PongData


class FaultData(msgspec.Struct, frozen=True, kw_only=True):
    """What was refused and why.

    Attributes:
        code: stable.
        cause: what happened.
        fix: what to do about it.
        channel: which it was about; empty if none.
    """

    code: str
    cause: str
    fix: str
    channel: str = ""


class Fault(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="error"):
    """A frame was refused; nothing else changed. Where the connection ends, a close follows."""

    data: FaultData


ServerFrame = (
    Welcome | Snapshot | Resumed | Batch | Resync | Unsubscribed | Heartbeat | Pong | Fault
)
"""What a server says beside deltas."""


CLOSES: Final[Mapping[int, str]] = {
    1003: "a binary frame came; frames are JSON text",
    1009: f"a frame was longer than {FRAME_MAX} bytes",
    1012: "the server stops or starts again: connect again",
    4401: "not signed in within five seconds, or the ticket, session or key is good no more",
    4408: "the client has not read for so long that its frames were too many",
    4429: "too many messages, or too many sockets of one user",
}
"""Codes with which the server ends a connection, and what each says."""


@cache
def delta_frames() -> tuple[Any, ...]:
    """Return one Struct a message type: the delta that carries it, as the schema shows it."""
    return tuple(
        msgspec.defstruct(
            f"{name}Delta",
            [
                ("data", kind),
                ("key", str),
                ("channel", Literal[_channel_of(kind)]),
                ("after", int),
                ("seq", int),
                ("removed", bool, False),
            ],
            frozen=True,
            kw_only=True,
            tag_field="type",
            tag=name,
            namespace={"__doc__": f"A change in channel `{_channel_of(kind)}`: {_first(kind)}"},
        )
        for name, kind in MESSAGES.items()
    )


def _channel_of(kind: type[Message]) -> str:
    return next(str(spec.name) for spec in _SPECS if kind in spec.messages)


def _first(kind: type[Message]) -> str:
    line = (kind.__doc__ or "").strip().splitlines()[0]
    return line[0].lower() + line[1:]
