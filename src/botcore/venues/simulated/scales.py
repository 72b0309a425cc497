"""Scales: one version of an instrument as the whole numbers the rules work with, and the crossings.

A price is ticks, a quantity lots, an amount of a currency quanta of 1e-8. `Scale` carries each
across exactly, from the exact decimals of an order, from the floats of a bar, and back.
"""

from decimal import Decimal
from fractions import Fraction

from botcore.domain.errors import ConfigError
from botcore.domain.ids import ContractKind
from botcore.domain.instruments import SNAP_FRACTION, Instrument, TradingStatus
from botcore.domain.numbers import MONEY, QUANTA_PER_UNIT, QUANTUM

_FOREVER = 2**63 - 1

_multiply = MONEY.multiply


class Scale:
    """The whole numbers of one instrument version.

    Attributes:
        num, den: quanta of one tick × one lot, as a fraction in lowest terms.
        lot_quanta: quanta of the base currency in one lot.
        valid_to: first instant after this version, nanoseconds UTC.
        least_lots: the smallest order, lots; least_notional: its smallest value, quanta.
        refusal: why no order of this version is taken; empty if they are.

    Raises:
        ConfigError: the lot is finer than a quantum, so a balance could not hold it.
    """

    __slots__ = (
        "_least",
        "_lot_a",
        "_lot_b",
        "_lots_asked",
        "_lots_per_unit",
        "_lots_told",
        "_quantity_asked",
        "_quantity_told",
        "_slack",
        "_tick",
        "_tick_a",
        "_tick_b",
        "_ticks_per_unit",
        "den",
        "instrument",
        "least_lots",
        "least_notional",
        "lot_quanta",
        "num",
        "refusal",
        "valid_to",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.refusal = _refusal(instrument)
        tick, lot = Fraction(instrument.tick), Fraction(instrument.lot)
        base = lot * QUANTA_PER_UNIT
        if base.denominator != 1:
            raise ConfigError(
                code="LOT_TOO_FINE",
                cause=f"a lot of {instrument.lot} {instrument.base} is no multiple of 1e-8",
                fix=f"use a lot of {instrument.id} that is a multiple of 0.00000001",
            )
        self.lot_quanta = base.numerator
        self.num, self.den = (tick * base).as_integer_ratio()
        self.valid_to: int = _FOREVER if instrument.valid_to is None else instrument.valid_to
        self._tick_a, self._tick_b = tick.as_integer_ratio()
        self._lot_a, self._lot_b = lot.as_integer_ratio()
        self._tick = float(tick)
        self._ticks_per_unit = float(1 / tick)
        self._lots_per_unit = float(1 / lot)
        self._slack = self._tick * SNAP_FRACTION
        self._least = self._tick * 0.75  # what lies above it is nearer to one tick than to none
        self.least_lots = max(1, -int(-Fraction(instrument.min_quantity) // lot))
        self.least_notional = int(instrument.min_notional * QUANTA_PER_UNIT)
        # The last answers of `lots_of` and `quantity`: an exit asks for what its entry did.
        self._quantity_asked, self._lots_asked = instrument.lot, 1
        self._lots_told, self._quantity_told = 1, _multiply(instrument.lot, 1)

    def ticks_of(self, price: Decimal) -> int | None:
        """Return an order's price in ticks; None if it is not a positive multiple of the tick."""
        return _steps(price, self._tick_a, self._tick_b)

    def ticks_above(self, price: Decimal) -> int:
        """Return the ticks of the first price of the grid that is not below `price`."""
        return -int(-Fraction(price) * self._tick_b // self._tick_a)

    def lots_of(self, quantity: Decimal) -> int | None:
        """Return an order's quantity in lots; None if it is not a positive multiple of the lot."""
        if quantity.is_finite() and quantity == self._quantity_asked:
            return self._lots_asked
        lots = _steps(quantity, self._lot_a, self._lot_b)
        if lots is not None:
            self._quantity_asked, self._lots_asked = quantity, lots
        return lots

    def ticks(self, price: float) -> int:
        """Return a recorded price in ticks: the nearest, as `Instrument.price_from_data` finds it.

        Raises:
            DataError: the price is not positive and finite, or lies off the grid.
        """
        if self._least < price < 1e300:  # noqa: PLR2004  # NaN and infinity go below
            nearest = round(price * self._ticks_per_unit)
            off = nearest * self._tick - price
            if -self._slack <= off <= self._slack:
                return nearest
        exact = self.instrument.price_from_data(price)
        return int(MONEY.divide(exact, self.instrument.tick))

    def lots(self, volume: float) -> int:
        """Return a recorded volume in lots, rounded down from a millionth of a lot above.

        A volume that is not positive and finite is no volume.
        """
        if 0.0 < volume < 1e300:  # noqa: PLR2004  # any finite bound: NaN and infinity are none
            return int(volume * self._lots_per_unit + SNAP_FRACTION)
        return 0

    def price(self, ticks: int) -> Decimal:
        """Return ticks as an exact price, quote units."""
        return _multiply(self.instrument.tick, ticks)

    def quantity(self, lots: int) -> Decimal:
        """Return lots as an exact quantity, base units."""
        if lots != self._lots_told:
            self._quantity_told = _multiply(self.instrument.lot, lots)
            self._lots_told = lots
        return self._quantity_told


def amount(quanta: int) -> Decimal:
    """Return quanta as an exact amount, in whole units of its currency."""
    return _multiply(QUANTUM, quanta)


def quanta(value: Decimal) -> int:
    """Return an exact amount in quanta.

    Raises:
        ConfigError: `value` is not finite, or finer than a quantum.
    """
    scaled = MONEY.scaleb(value, 8) if value.is_finite() else value
    if not scaled.is_finite() or scaled != int(scaled):
        raise ConfigError(
            code="AMOUNT_TOO_FINE",
            cause=f"an amount of {value} is not a whole number of 1e-8",
            fix="give an amount with at most eight decimals",
        )
    return int(scaled)


def _steps(value: Decimal, a: int, b: int) -> int | None:
    if not value.is_finite() or value <= 0:
        return None
    scaled = _multiply(value, b)
    whole = int(scaled)
    if whole != scaled or whole % a:
        return None
    return whole // a


def _refusal(instrument: Instrument) -> str:
    if instrument.kind is not ContractKind.SPOT:
        return f"NOT_SPOT: {instrument.id} is no spot instrument; perpetuals are not yet tradable"
    if instrument.multiplier != 1:
        return f"NOT_SPOT: {instrument.id} has a multiplier of {instrument.multiplier}"
    if instrument.status is not TradingStatus.TRADING:
        return f"NOT_TRADING: {instrument.id} is {instrument.status}"
    return ""
