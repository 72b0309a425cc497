"""The limits of an account, their defaults written once, and how they are printed."""

import msgspec

from botcore.domain.errors import ConfigError

SMALLEST = 1e-9
LARGEST = 1e9
"""Bounds of a limit: 0 would forbid everything, infinity would forbid nothing."""


class RiskLimits(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What an account may do. Fractions are of the account's equity, 0.15 being 15 %.

    Attributes:
        order_frac: notional of one order that raises exposure.
        instrument_frac: worst-case exposure on one instrument: position, open and in-doubt orders.
        strategy_frac: worst-case exposure of one strategy over all its instruments.
        account_frac: worst-case exposure of the account.
        price_band_frac: how far a limit price may lie on the aggressive side of the mark, and
            how much above the mark a market buy reserves.
        daily_loss_frac: loss since UTC midnight at which the account only reduces until the next.
        drawdown_frac: fall from the highest equity at which it only reduces until a person acts.
        orders_per_s: orders of the account in any second of event time.
        fee_frac: highest fee, reserved with every buy.
        may_short: whether a position may go below zero (never on spot).
    """

    order_frac: float = 0.15
    instrument_frac: float = 0.40
    strategy_frac: float = 1.0
    account_frac: float = 1.0
    price_band_frac: float = 0.05
    daily_loss_frac: float = 0.05
    drawdown_frac: float = 0.20
    orders_per_s: int = 10
    fee_frac: float = 0.001
    may_short: bool = False

    def __post_init__(self) -> None:
        """Refuse limits that limit nothing or everything.

        Raises:
            ConfigError: a fraction is not above 0, or the order rate is no whole number from 1.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, bool):
                continue
            low = 0.0 if name == "fee_frac" else SMALLEST
            if name == "orders_per_s":
                low = 1 if isinstance(value, int) else LARGEST
            if not low <= value <= LARGEST:
                raise ConfigError(
                    code="LIMIT_REFUSED",
                    cause=f"risk limit {name} is {value}",
                    fix="give a number above 0; 0.15 means 15 % of equity",
                )

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return each limit with its value as people read it."""
        return (
            ("order", f"{self.order_frac:.4g} of equity"),
            ("instrument", f"{self.instrument_frac:.4g} of equity"),
            ("strategy", f"{self.strategy_frac:.4g} of equity"),
            ("account", f"{self.account_frac:.4g} of equity"),
            ("price band", f"{self.price_band_frac:.2%} from the mark"),
            ("daily loss", f"{self.daily_loss_frac:.2%} since UTC midnight: reduce only"),
            ("drawdown", f"{self.drawdown_frac:.2%} from the peak: reduce only"),
            ("order rate", f"{self.orders_per_s} orders/s"),
            ("fee reserved", f"{self.fee_frac:.3%} of each buy"),
            ("short selling", "allowed" if self.may_short else "never"),
        )
