"""The venue's durable truth as records: the same shape for a snapshot and for one change of it."""

from decimal import Decimal

import msgspec

from botcore.domain.errors import StorageError
from botcore.domain.ids import AccountId, Currency, InstrumentId
from botcore.domain.market import Bar, BarSpec
from botcore.domain.orders import OrderSpec, OrderState
from botcore.domain.reports import VenueReport

SCHEMA = 1
"""Version of the records written now."""


class DepositRecord(msgspec.Struct, frozen=True, gc=False):
    """Money that came from outside; `number` counts from 1."""

    number: int
    account: AccountId
    currency: Currency
    amount: Decimal


class BalanceRecord(msgspec.Struct, frozen=True, gc=False):
    """What an account holds of one currency, in whole units of it."""

    account: AccountId
    currency: Currency
    free: Decimal
    locked: Decimal


class OrderRecord(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One order ever asked for, refused ones too.

    Attributes:
        number: in order of arrival, from 1.
        ts: when it arrived; ended: when it ended, 0 while it works.
        locked: what it would lock alone, in its lock currency (a group locks its largest).
        reserve_price: the price that lock is reckoned at; None if it locks no quote.
        eligible_from: the first `ts_open` of a bar that may match it.
        trail_from: the first `ts_open` of a bar that may move its trailing stop.
        seen: `ts_open` of the last bar that filled, fired or moved it; None is none.
        detail: why it ended.
    """

    number: int
    spec: OrderSpec
    state: OrderState
    ts: int
    quantity: Decimal
    filled: Decimal
    limit_price: Decimal | None
    trigger_price: Decimal | None
    locked: Decimal
    reserve_price: Decimal | None
    eligible_from: int
    trail_from: int
    seen: int | None
    triggered: bool
    ended: int
    detail: str


class FillRecord(msgspec.Struct, frozen=True, gc=False):
    """One fill as it was reported; `order` is the order's number."""

    number: int
    order: int
    base: Currency
    quote: Currency
    report: VenueReport


class ProgressRecord(msgspec.Struct, frozen=True, gc=False):
    """How far an instrument's bars have been matched.

    Attributes:
        last: the reference bar: the last one of the smallest timeframe; None before the first.
        matching: which bars match: the smallest timeframe seen; None before the first.
        bar_open: `ts_open` of the bar that `used` belongs to.
        used: lots our fills took from that bar's volume.
        opened: `ts_open` of the last bar whose open was matched before it closed.
    """

    instrument: InstrumentId
    last: Bar | None
    matching: BarSpec | None
    bar_open: int
    used: int
    opened: int


class VenueRecords(msgspec.Struct, frozen=True, kw_only=True):
    """All of the venue, or what one change touched; each tuple sorted by its key.

    Attributes:
        orders_seen, fills_seen, deposits_seen: how many there ever were; a hole shows against
            them.
    """

    schema: int = SCHEMA
    orders_seen: int = 0
    fills_seen: int = 0
    deposits_seen: int = 0
    deposits: tuple[DepositRecord, ...] = ()
    balances: tuple[BalanceRecord, ...] = ()
    orders: tuple[OrderRecord, ...] = ()
    fills: tuple[FillRecord, ...] = ()
    progress: tuple[ProgressRecord, ...] = ()


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(VenueRecords)


def encode(records: VenueRecords) -> bytes:
    """Return the canonical bytes of `records`: equal truth gives equal bytes."""
    return _ENCODER.encode(records)


def decode(state: bytes) -> VenueRecords:
    """Read what `encode` wrote.

    Raises:
        StorageError: the bytes are damaged, or of a newer version.
    """
    try:
        records = _DECODER.decode(state)
    except (msgspec.MsgspecError, ValueError) as error:
        raise damaged(f"the snapshot cannot be read ({error})") from error
    if records.schema > SCHEMA:
        raise newer(records.schema)
    return records


def damaged(what: str) -> StorageError:
    """Return the error for truth that contradicts itself."""
    return StorageError(
        code="VENUE_STORE_CORRUPT",
        cause=f"the simulated venue's store is damaged: {what}",
        fix="restore the store's file from a backup; `botcore doctor` says more",
    )


def newer(version: int) -> StorageError:
    """Return the error for truth that a later version wrote."""
    return StorageError(
        code="VENUE_STORE_NEWER",
        cause=f"the simulated venue's store has version {version}, this program reads {SCHEMA}",
        fix="update Bot Core, or give it another home",
    )
