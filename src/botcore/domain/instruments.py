"""Instruments: what can be traded, under which rules, as versions in time."""

from bisect import bisect_right
from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

import msgspec

from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import ContractKind, Currency, InstrumentId, Nanos, parse_instrument_id
from botcore.domain.numbers import MONEY, ONE, ZERO, ceil_to, exact, floor_to
from botcore.domain.orders import Side

SNAP_FRACTION = 1e-6
"""A computed price this close to the grid (in ticks) is on it; 0.30000000000000004 is 0.3."""
_SNAP = Decimal(repr(SNAP_FRACTION))
MOST_STEPS = 2**63 - 1
"""Ticks and lots are 64-bit numbers inside the matching rules."""
_MOST_STEPS = Decimal(MOST_STEPS)


class TradingStatus(StrEnum):
    """Whether an instrument can be traded now."""

    TRADING = "TRADING"
    HALTED = "HALTED"
    CANCEL_ONLY = "CANCEL_ONLY"
    DELISTED = "DELISTED"


class BelowMinimum(msgspec.Struct, frozen=True, gc=False):
    """A quantity too small to trade: an expected "no", not an error."""

    quantity: Decimal
    minimum: Decimal


class Instrument(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One version of an instrument, in force during ``[valid_from, valid_to)``.

    Attributes:
        id: ``SYMBOL[-PERP|-YYYYMMDD].VENUE``.
        version: counts up with every change of the rules.
        kind: spot or a kind of contract.
        base: what is bought.
        quote: what it is priced in.
        settle: what profit is paid in (the quote currency for spot).
        tick: price step.
        lot: quantity step.
        min_quantity: smallest quantity of one order, in base units.
        min_notional: smallest price × quantity of one order, in quote units.
        multiplier: base units of one contract (1 for spot).
        valid_from: first instant of this version, nanoseconds UTC.
        valid_to: first instant after it; None means "still in force".
        status: whether it can be traded.
    """

    id: InstrumentId
    base: Currency
    quote: Currency
    settle: Currency
    tick: Decimal
    lot: Decimal
    min_quantity: Decimal
    min_notional: Decimal
    version: int = 1
    kind: ContractKind = ContractKind.SPOT
    multiplier: Decimal = ONE
    valid_from: Nanos = Nanos(0)
    valid_to: Nanos | None = None
    status: TradingStatus = TradingStatus.TRADING

    def __post_init__(self) -> None:
        """Refuse rules that cannot be.

        Raises:
            ConfigError: a step is not positive, a minimum is negative, or the kind and the id
                disagree.
        """
        for name in ("tick", "lot", "multiplier"):
            value: Decimal = getattr(self, name)
            if not (value.is_finite() and value > 0):
                raise _refused(self.id, f"{name} is {value}, it must be above 0")
        for name in ("min_quantity", "min_notional"):
            value = getattr(self, name)
            if not (value.is_finite() and value >= 0):
                raise _refused(self.id, f"{name} is {value}, it must not be negative")
        if parse_instrument_id(self.id)[1] is not self.kind:
            raise _refused(self.id, f"its name does not say {self.kind}")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise _refused(self.id, "its validity ends before it begins")

    def price_from_data(self, x: float) -> Decimal:
        """Return a recorded price as the exact price it was: the nearest tick.

        Raises:
            DataError: `x` is not positive and finite, or lies off the tick grid by more than a
                millionth of a tick (relative to the price's own float precision).
        """
        price = exact(x, what=f"a price of {self.id}")
        nearest = MONEY.divide(price, self.tick).to_integral_value() * self.tick
        off = abs(float(price - nearest))
        if nearest <= 0 or off > max(float(self.tick) * SNAP_FRACTION, abs(x) * 1e-15):
            raise DataError(
                code="PRICE_OFF_GRID",
                cause=f"price {x!r} of {self.id} is not a positive multiple of {self.tick}",
                fix="check the instrument's tick for that date, or the data file",
            )
        return nearest

    def mark_from_data(self, x: float) -> Decimal:
        """Return a mark as people read it: to half a tick, for it may be a middle.

        Floats leave digits behind the middle that mean nothing. For showing, never for an order.

        Raises:
            DataError: `x` is not finite.
        """
        mark = exact(x, what=f"a mark of {self.id}")
        halves = MONEY.divide(mark * 2, self.tick).to_integral_value()
        if not halves:
            return mark  # finer than the grid; a price of nothing would say that it is worthless
        ticks, is_between = divmod(halves, 2)
        return ticks * self.tick if not is_between else halves * self.tick / 2

    def order_price(self, x: float | Decimal, side: Side) -> Decimal:
        """Return the price an order would carry: snapped to the grid, else rounded.

        A limit is never more aggressive than `x`: buy down, sell up. A trigger errs to the
        cautious side: a sell stop, which protects a long, up; a buy stop, which protects a
        short, down (trap E96). Both roles round alike, so the side alone decides.

        Raises:
            DataError: the price is not finite, not above zero after rounding, or of more ticks
                than 64 bits hold.
        """
        wanted = exact(x, what="an order price")
        steps = MONEY.divide(wanted, self.tick)
        if steps > MOST_STEPS:
            raise _too_large(x, "an order price", self.id)
        nearest = steps.to_integral_value()
        if abs(steps - nearest) <= _SNAP:
            price = nearest * self.tick
        elif side is Side.BUY:
            price = floor_to(wanted, self.tick)
        else:
            price = ceil_to(wanted, self.tick)
        if price <= 0:
            raise DataError(
                code="PRICE_NOT_POSITIVE",
                cause=f"an order price of {x} for {self.id} rounds to {price}",
                fix="use a price of at least one tick",
            )
        return price

    def quantity(self, x: float | Decimal) -> Decimal | BelowMinimum:
        """Return `x` floored to the lot, or why it is too small.

        A float within a millionth of a lot of the grid is on it.

        Raises:
            DataError: `x` is negative, not finite, or of more lots than 64 bits hold.
        """
        wanted = exact(x, what="a quantity")
        if wanted < ZERO:
            raise DataError(
                code="QUANTITY_NEGATIVE",
                cause=f"a quantity of {x} for {self.id}",
                fix="give a side and a quantity above zero",
            )
        if wanted > _MOST_STEPS * self.lot:
            raise _too_large(x, "a quantity", self.id)
        floored = MONEY.divide_int(wanted, self.lot) * self.lot
        if floored != wanted and isinstance(x, float):
            parts = MONEY.divide(wanted, self.lot)
            nearest = parts.to_integral_value()
            if abs(parts - nearest) <= _SNAP:
                floored = nearest * self.lot
        if floored < self.lot or floored < self.min_quantity:
            return BelowMinimum(floored, max(self.min_quantity, self.lot))
        return floored


class InstrumentBook:
    """All versions of all instruments, asked as of an instant.

    Args:
        versions: in any order; the validity intervals of one id must not overlap.

    Raises:
        ConfigError: two versions of one id overlap.
    """

    def __init__(self, versions: Iterable[Instrument]) -> None:
        self._versions: dict[InstrumentId, list[Instrument]] = {}
        for version in versions:
            self._versions.setdefault(version.id, []).append(version)
        for known in self._versions.values():
            known.sort(key=lambda v: v.valid_from)
            for earlier, later in pairwise(known):
                if earlier.valid_to is None or earlier.valid_to > later.valid_from:
                    raise _refused(
                        later.id, f"versions {earlier.version} and {later.version} overlap"
                    )

    def at(self, instrument: InstrumentId, ts: int) -> Instrument:
        """Return the version in force at `ts`.

        Raises:
            ConfigError: the id is unknown, or has no version in force then.
        """
        versions = self._versions.get(instrument, [])
        found = bisect_right(versions, ts, key=lambda v: v.valid_from)
        if found:
            version = versions[found - 1]
            if version.valid_to is None or ts < version.valid_to:
                return version
        raise ConfigError(
            code="INSTRUMENT_UNKNOWN",
            cause=f"no rules of {instrument} are in force at {ts}",
            fix="add the instrument, or choose one of: " + ", ".join(sorted(self._versions)),
        )

    def around(self, instrument: InstrumentId, ts: int) -> Instrument:
        """Return the version in force at `ts`, or where none is its neighbour, not trading.

        After a version that has ended it is that one, DELISTED; before the first one it is that,
        HALTED. So what is still held of an instrument has rules for as long as it is held.

        Raises:
            ConfigError: the id is unknown.
        """
        try:
            return self.at(instrument, ts)
        except ConfigError:
            versions = self._versions.get(instrument)
            if versions is None:
                raise
        ended = [version for version in versions if version.valid_from <= ts]
        if ended:
            return msgspec.structs.replace(ended[-1], status=TradingStatus.DELISTED)
        return msgspec.structs.replace(versions[0], status=TradingStatus.HALTED)

    def next_change(self, ts: int) -> int | None:
        """Return the first instant after `ts` at which a version begins or ends, or None."""
        later = [
            edge
            for versions in self._versions.values()
            for version in versions
            for edge in (version.valid_from, version.valid_to)
            if edge is not None and edge > ts
        ]
        return min(later, default=None)

    def ids(self) -> tuple[InstrumentId, ...]:
        """Return every known id, sorted."""
        return tuple(sorted(self._versions))


def _too_large(x: float | Decimal, what: str, instrument: InstrumentId) -> DataError:
    return DataError(
        code="NUMBER_TOO_LARGE",
        cause=f"{what} of {x} for {instrument} does not fit into 64 bits",
        fix="give a number that the market can have",
    )


def _refused(instrument: InstrumentId, why: str) -> ConfigError:
    return ConfigError(
        code="INSTRUMENT_REFUSED",
        cause=f"instrument {instrument}: {why}",
        fix="correct the instrument's rules",
    )
