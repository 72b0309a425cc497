"""What the simulated venue assumes, each assumption with its value, and the phases of a bar."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from botcore.domain.errors import ConfigError
from botcore.domain.ids import Currency
from botcore.venues.simulated.rules import PPM

PHASES: tuple[str, ...] = (
    "0 instrument changes: resting orders off the new grid are cancelled",
    "1 funding: none on spot",
    "2 open: waiting market orders, then stops and limits the open has passed",
    "3 liquidation: none on spot",
    "4 inside the bar: open, adverse extreme, favourable extreme, close",
    "5 expiry: orders whose time has come, after they were matched at that time",
    "6 mark: every position at the close",
    "7 equity, drawdown, day boundary, protections",
    "8 decide: strategies in configured order",
    "9 risk: intents in order, each approval reserving before the next",
)
"""The ten phases of one close stamp, each over all instruments before the next.

The venue runs 0, 2, 4 and 5 in `on_bars`; the engine's step runs 6 to 9 after it.
"""


class FeeMode(StrEnum):
    """Which currency a fee is taken in."""

    QUOTE = "quote"
    BASE = "base"
    """What is received: base on a buy, quote on a sell (E74)."""
    THIRD = "third"
    """`fee_currency` at `fee_price`; quote where the account holds too little of it (E75)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueConfig:
    """The venue's assumptions; the defaults are pessimistic.

    Attributes:
        taker_fee_ppm, maker_fee_ppm: of the notional; negative is a rebate.
        slippage_ppm: of the price, on market and stop orders, rounded to a tick against us.
        participation_ppm: of a bar's volume that all our fills of it may take; None is no cap.
        price_band_ppm: how far above the close a market buy reserves.
        fee_mode: the currency of fees.
        fee_currency, fee_price: with `FeeMode.THIRD` its name and what one unit of it is worth in
            quote units, fixed for the run; else None.
        gap_improvement: a limit the open has passed fills at the open instead of at itself.
        optimistic: inside a bar the favourable extreme comes first.

    Raises:
        ConfigError: a value is out of its range.
    """

    taker_fee_ppm: int = 1_000
    maker_fee_ppm: int = 1_000
    slippage_ppm: int = 200
    participation_ppm: int | None = 100_000
    price_band_ppm: int = 50_000
    fee_mode: FeeMode = FeeMode.QUOTE
    fee_currency: Currency | None = None
    fee_price: Decimal | None = None
    gap_improvement: bool = False
    optimistic: bool = False

    def __post_init__(self) -> None:
        for name, low, high in (
            ("taker_fee_ppm", -PPM // 10, PPM // 10),
            ("maker_fee_ppm", -PPM // 10, PPM // 10),
            ("slippage_ppm", 0, PPM // 2),
            ("participation_ppm", 1, PPM),
            ("price_band_ppm", 0, PPM),
        ):
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise _refused(f"{name} is {value}", f"give {name} from {low} to {high}")
        if self.fee_mode not in tuple(FeeMode):
            raise _refused(f"fees in {self.fee_mode}", f"choose one of {', '.join(FeeMode)}")
        object.__setattr__(self, "fee_mode", FeeMode(self.fee_mode))
        third = self.fee_mode is FeeMode.THIRD
        priced = self.fee_price is not None and self.fee_price.is_finite() and self.fee_price > 0
        if third != (self.fee_currency is not None) or third != priced:
            raise _refused(
                f"fees in {self.fee_mode} with currency {self.fee_currency} at {self.fee_price}",
                "name fee_currency and a fee_price above 0 with fee_mode third, and only then",
            )

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return every assumption as a name and a sentence, to be printed with each result."""
        fee_in = {
            FeeMode.QUOTE: "the quote currency",
            FeeMode.BASE: "what is received (base on a buy, quote on a sell)",
            FeeMode.THIRD: f"{self.fee_currency} at {self.fee_price} quote units, else in quote",
        }[self.fee_mode]
        capped = self.participation_ppm is not None
        share = f"{_percent(self.participation_ppm or 0)} of a bar's volume, for all fills of it"
        path = "favourable before adverse" if self.optimistic else "adverse before favourable"
        return (
            ("fee", f"taker {_percent(self.taker_fee_ppm)}, maker {_percent(self.maker_fee_ppm)}"),
            ("fee currency", f"{fee_in}; each fill's fee rounds against us to 1e-8"),
            (
                "slippage",
                (
                    f"{_percent(self.slippage_ppm)} on market and stop orders,"
                    " to a tick against us, not held inside the bar's range; never on limits"
                ),
            ),
            ("participation", f"{share}; the rest stays open" if capped else "no cap"),
            ("empty bar", "volume 0 fills nothing and fires no stop; market orders wait"),
            ("market order", "fills at the open of the bar after its decision"),
            ("data gap", "a waiting market order is cancelled; resting orders stay"),
            ("limit", "only if traded through, not if touched"),
            (
                "limit past the open",
                "fills at the open" if self.gap_improvement else "fills at its own price",
            ),
            ("stop", "fires on touch; at its trigger, or at the open beyond it"),
            ("path in a bar", f"open, {path}, close; two exits in one bar are flagged ambiguous"),
            (
                "entry bar",
                (
                    "an attached stop may fire, an attached target only if the close is beyond it,"
                    " unless the entry was at the open; trailing begins with the next bar"
                ),
            ),
            (
                "cash",
                (
                    "a market buy locks its cost at the close plus"
                    f" {_percent(self.price_band_ppm)}; at the fill it is cut to what cash pays for"
                ),
            ),
            ("instruments", "spot only; no borrowing, no short"),
            *(("phase", phase) for phase in PHASES),
        )


def _percent(ppm: int) -> str:
    return f"{Decimal(ppm) / 10_000:f} %"


def _refused(cause: str, fix: str) -> ConfigError:
    return ConfigError(code="VENUE_CONFIG_REFUSED", cause=f"simulated venue: {cause}", fix=fix)
