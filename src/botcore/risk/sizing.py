"""How much a target weight is: fixed, fraction of equity, volatility target, ATR risk.

Every kind ends in a share of equity in parts per million or in a fixed quantity, so that float
arithmetic never decides the last lot (engine design P3).
"""

import math
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum

import msgspec

from botcore.domain.errors import ConfigError
from botcore.domain.numbers import MONEY, QUANTUM

PPM = 1_000_000

FloatTarget = Callable[[float, float, float, float], float]
"""Weight, equity, price and spread in; base units out."""


class SizingKind(StrEnum):
    """What a weight of 1 means."""

    FIXED = "FIXED"
    FRACTION = "FRACTION"
    VOLATILITY_TARGET = "VOLATILITY_TARGET"
    ATR_RISK = "ATR_RISK"


# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_FIXED = SizingKind.FIXED
_FRACTION = SizingKind.FRACTION


class Sizing(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """How a strategy's weight becomes a quantity on one instrument.

    Attributes:
        kind: which rule.
        quantity: FIXED: base units at weight 1.
        equity_frac: FRACTION: share of account equity at weight 1; for the other kinds the most
            that share may be.
        volatility: VOLATILITY_TARGET: wished volatility of the position, annualised fraction
            (0.2 is 20 %); the share is `volatility` over the instrument's own.
        risk_frac: ATR_RISK: share of equity lost if the price falls by `atr_multiple` ATRs.
        atr_multiple: ATR_RISK: distance in ATRs.
        band_frac: a held target is re-sized only when it is off by more than this share of it.
    """

    kind: SizingKind = _FRACTION
    quantity: Decimal = Decimal(0)
    equity_frac: float = 0.1
    volatility: float = 0.2
    risk_frac: float = 0.01
    atr_multiple: float = 2.0
    band_frac: float = 0.25

    def __post_init__(self) -> None:
        """Refuse a size that is no size.

        Raises:
            ConfigError: a number is not finite or out of its bounds.
        """
        checks = (
            ("equity_frac", self.equity_frac, 0.0, 10.0),
            ("volatility", self.volatility, 0.0, 10.0),
            ("risk_frac", self.risk_frac, 0.0, 1.0),
            ("atr_multiple", self.atr_multiple, 1e-6, 1000.0),
            ("band_frac", self.band_frac, 0.0, 10.0),
            ("quantity", float(self.quantity), 0.0, 1e15),
        )
        for name, value, low, high in checks:
            if not (math.isfinite(value) and low <= value <= high):
                raise ConfigError(
                    code="SIZING_REFUSED",
                    cause=f"sizing {name} is {value}",
                    fix=f"give {name} from {low:g} to {high:g}",
                )

    def describe(self) -> str:
        """Return the rule as people read it."""
        band = f", re-sized when off by {self.band_frac:.0%}"
        if self.kind is _FIXED:
            return f"fixed, {self.quantity:f} base units{band}"
        most = f"at most {self.equity_frac:.4g} of equity"
        if self.kind is _FRACTION:
            return f"{self.equity_frac:.4g} of equity{band}"
        if self.kind is SizingKind.VOLATILITY_TARGET:
            return f"volatility target {self.volatility:.2%} a year, {most}{band}"
        return f"{self.risk_frac:.2%} of equity at {self.atr_multiple:g} ATR, {most}{band}"

    @property
    def needs_equity(self) -> bool:
        """Whether the quantity depends on the account's equity."""
        return self.kind is not _FIXED

    @property
    def needs_range(self) -> bool:
        """Whether it needs the instrument's volatility or ATR."""
        return self.kind in (SizingKind.VOLATILITY_TARGET, SizingKind.ATR_RISK)

    def share_ppm(self, weight: float, *, price: float, spread: float) -> int:
        """Return the signed share of equity for a weight, in parts per million (ties to even).

        Args:
            weight: target weight, -1 to 1.
            price: quote units.
            spread: annualised volatility (fraction) for VOLATILITY_TARGET, ATR in quote units for
                ATR_RISK, ignored otherwise. 0 or NaN gives 0: no view on risk, no position.
        """
        if self.kind is _FRACTION:
            share = self.equity_frac
        elif not (math.isfinite(spread) and spread > 0.0):
            share = 0.0
        elif self.kind is SizingKind.VOLATILITY_TARGET:
            share = min(self.equity_frac, self.volatility / spread)
        else:
            share = min(self.equity_frac, self.risk_frac * price / (self.atr_multiple * spread))
        return round(weight * share * PPM)

    def target_quantity(
        self, weight: float, *, equity: Decimal, price: Decimal, lot: Decimal, spread: float
    ) -> Decimal:
        """Return the signed quantity wanted, in base units, towards zero to the lot.

        The share of equity is cut to 1e-8 first and divided without rounding, as the simulated
        venue's rule `size` does in whole numbers: both give the same lots.
        """
        if self.kind is _FIXED:
            return MONEY.divide_int(self.quantity * round(weight * PPM), PPM * lot) * lot
        ppm = self.share_ppm(weight, price=float(price), spread=spread)
        share = (equity * ppm / PPM).quantize(QUANTUM, ROUND_DOWN, MONEY)
        return MONEY.divide_int(share, price * lot) * lot

    def target_float(self, weight: float, equity: float, price: float, spread: float) -> float:
        """Return the same in floats: only to see quickly that nothing is to be done."""
        return self.in_floats()(weight, equity, price, spread)

    def in_floats(self) -> FloatTarget:
        """Return `target_float` for who asks at every bar: which rule it is, is decided here."""
        if self.kind is _FIXED:
            quantity = float(self.quantity)
            return lambda weight, _equity, _price, _spread: weight * quantity
        if self.kind is _FRACTION:
            share = self.equity_frac
            return lambda weight, equity, price, _spread: weight * share * equity / price
        return self._by_spread

    def _by_spread(self, weight: float, equity: float, price: float, spread: float) -> float:
        return self.share_ppm(weight, price=price, spread=spread) * equity / (PPM * price)
