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

from botcore.control.schema.streams.channels import CHANNELS, MESSAGES, Channel, ChannelSpec
from botcore.control.schema.streams.frames import (
    CLOSES,
    FRAME_MAX,
    HEARTBEAT_S,
    INSTRUMENTS_MAX,
    MESSAGES_PER_S,
    SUBPROTOCOL,
    TICKET_PROTOCOL,
    Batch,
    ClientFrame,
    Fault,
    FaultData,
    Filter,
    Heartbeat,
    HeartbeatData,
    Item,
    Ping,
    Pong,
    PongData,
    Resumed,
    Resync,
    ResyncData,
    ServerFrame,
    SignIn,
    Snapshot,
    Subscribe,
    Unsubscribe,
    Unsubscribed,
    Welcome,
    WelcomeData,
    delta_frames,
)
from botcore.control.schema.streams.messages import (
    AlertUpdate,
    BookLevel,
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
    RiskLock,
    RiskUpdate,
    SignalUpdate,
    SystemHealth,
    TradeUpdate,
)

__all__ = [
    "CHANNELS",
    "CLOSES",
    "FRAME_MAX",
    "HEARTBEAT_S",
    "INSTRUMENTS_MAX",
    "MESSAGES",
    "MESSAGES_PER_S",
    "SUBPROTOCOL",
    "TICKET_PROTOCOL",
    "AlertUpdate",
    "Batch",
    "BookLevel",
    "BookUpdate",
    "CandleUpdate",
    "Channel",
    "ChannelSpec",
    "ClientFrame",
    "DecisionUpdate",
    "Fault",
    "FaultData",
    "Filter",
    "Heartbeat",
    "HeartbeatData",
    "Item",
    "JobUpdate",
    "LogLine",
    "Message",
    "ModeUpdate",
    "OrderUpdate",
    "PerformanceUpdate",
    "Ping",
    "Pong",
    "PongData",
    "PositionUpdate",
    "PriceUpdate",
    "Resumed",
    "Resync",
    "ResyncData",
    "RiskAlert",
    "RiskLock",
    "RiskUpdate",
    "ServerFrame",
    "SignIn",
    "SignalUpdate",
    "Snapshot",
    "Subscribe",
    "SystemHealth",
    "TradeUpdate",
    "Unsubscribe",
    "Unsubscribed",
    "Welcome",
    "WelcomeData",
    "delta_frames",
]
