"""What can be subscribed to, with which permission, and what flows there."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from botcore.control.access import Scope
from botcore.control.schema.streams.messages import (
    AlertUpdate,
    BookUpdate,
    CandleUpdate,
    DecisionUpdate,
    JobUpdate,
    LogLine,
    Message,
    ModeUpdate,
    OrderUpdate,
    PerformanceUpdate,
    PositionUpdate,
    PriceUpdate,
    RiskAlert,
    RiskUpdate,
    SignalUpdate,
    SystemHealth,
    TradeUpdate,
)


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
