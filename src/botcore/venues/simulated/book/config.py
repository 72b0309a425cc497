"""What the venue over ticks assumes, each assumption with its value."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from botcore.domain.errors import ConfigError
from botcore.domain.ids import SECOND_NS, Currency
from botcore.venues.simulated.config import FeeMode, VenueConfig
from botcore.venues.simulated.rules import PPM

_LONGEST_NS = 60 * SECOND_NS


class QueueModel(StrEnum):
    """What moves a resting order ahead in the queue at its price."""

    TRADES = "trades"
    """Prints alone: whoever cancels stood behind us, as long as that can be."""
    PRO_RATA = "pro_rata"
    """Prints, and of what is cancelled the share that stood ahead of us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long words take between us and the venue, nanoseconds.

    Attributes:
        order_ns: from the decision to the matching engine.
        jitter_ns: up to so much longer, evenly distributed, drawn for each message.
        answer_ns: from the matching engine back to us; whoever drives the venue waits for it.
        seed: of the draws. Each strategy has its own stream of them (E100).

    Raises:
        ConfigError: a delay is negative or longer than a minute, or the seed negative.
    """

    order_ns: int = 0
    jitter_ns: int = 0
    answer_ns: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("order_ns", "jitter_ns", "answer_ns"):
            value = getattr(self, name)
            if not 0 <= value <= _LONGEST_NS:
                raise _refused(f"{name} is {value}", f"give {name} from 0 to {_LONGEST_NS}")
        if self.seed < 0:
            raise _refused(f"seed is {self.seed}", "give a seed from 0")

    @property
    def is_none(self) -> bool:
        """Whether orders arrive in the instant in which they are sent."""
        return not self.order_ns and not self.jitter_ns

    def describe(self) -> str:
        """Return it as a sentence."""
        if self.is_none and not self.answer_ns:
            return "none: orders arrive, and answers come back, in the same instant"
        return (
            f"orders arrive after {_ms(self.order_ns)}, up to {_ms(self.jitter_ns)} more by chance"
            f" (seed {self.seed}, a stream for each strategy), in the order in which one strategy"
            f" sent them; answers take {_ms(self.answer_ns)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BookVenueConfig:
    """The venue's assumptions; the defaults are pessimistic about the queue, and say so.

    Attributes:
        taker_fee_ppm, maker_fee_ppm: of the notional; negative is a rebate.
        fee_mode, fee_currency, fee_price: as `VenueConfig`.
        price_band_ppm: how far above the best ask, or its trigger, a buy without a limit reserves.
        participation_ppm: of each displayed level that all our fills may take until it is updated;
            None is all of it.
        queue: what moves a resting order ahead.
        latency: how long words take.

    Raises:
        ConfigError: a value is out of its range.
    """

    taker_fee_ppm: int = 1_000
    maker_fee_ppm: int = 1_000
    fee_mode: FeeMode = FeeMode.QUOTE
    fee_currency: Currency | None = None
    fee_price: Decimal | None = None
    price_band_ppm: int = 50_000
    participation_ppm: int | None = None
    queue: QueueModel = QueueModel.TRADES
    latency: Latency = Latency()

    def __post_init__(self) -> None:
        if self.participation_ppm is not None and not 1 <= self.participation_ppm <= PPM:
            raise _refused(
                f"participation_ppm is {self.participation_ppm}",
                f"give participation_ppm from 1 to {PPM}, or none",
            )
        if self.queue not in tuple(QueueModel):
            raise _refused(f"a queue by {self.queue}", f"choose one of {', '.join(QueueModel)}")
        object.__setattr__(self, "queue", QueueModel(self.queue))
        object.__setattr__(self, "fee_mode", self.money().fee_mode)

    def money(self) -> VenueConfig:
        """Return what the rooms that move money ask for; a walk through a book has no slippage.

        Raises:
            ConfigError: a fee or the price band is out of its range.
        """
        return VenueConfig(
            taker_fee_ppm=self.taker_fee_ppm,
            maker_fee_ppm=self.maker_fee_ppm,
            slippage_ppm=0,
            participation_ppm=None,
            price_band_ppm=self.price_band_ppm,
            fee_mode=self.fee_mode,
            fee_currency=self.fee_currency,
            fee_price=self.fee_price,
        )

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return every assumption as a name and a sentence, to be printed with each result."""
        money = dict(self.money().describe())
        share = "all" if self.participation_ppm is None else _percent(self.participation_ppm)
        cancelled = (
            "who cancels stood behind us, as long as the displayed size allows it"
            if self.queue is QueueModel.TRADES
            else "of what is cancelled, the share that stood ahead of us moves us too"
        )
        return (
            ("fee", money["fee"]),
            ("fee currency", money["fee currency"]),
            ("latency", self.latency.describe()),
            (
                "market order",
                (
                    "walks the book level by level; what no level gives expires; refused where the"
                    " opposite side is empty"
                ),
            ),
            (
                "displayed size",
                (
                    f"our fills take at most {share} of a level, and none of it twice, until it"
                    " is updated; what a print took is gone until the book tells it"
                ),
            ),
            ("our effect", "the book does not react to our orders"),
            (
                "limit that crosses",
                "takes what its price reaches and pays as taker, then rests and pays as maker",
            ),
            (
                "queue",
                (
                    "joins behind all that is displayed at its price; prints at that price move it,"
                    f" a print beyond it fills it; {cancelled}"
                ),
            ),
            (
                "change of an order",
                (
                    "a new price or a larger quantity goes to the back of the queue,"
                    " a smaller quantity keeps its place"
                ),
            ),
            (
                "print",
                (
                    "fills only the side that its aggressor hit; one whose aggressor is unknown"
                    " fills nothing; one no newer than its level's last update is held to be in it"
                ),
            ),
            (
                "book through a resting order",
                "fills it at its own price, as maker, with at most what is displayed there",
            ),
            ("post-only", "refused where it would take, also by a change"),
            (
                "stop",
                (
                    "fires on the first print that touches it, at what that print left; against an"
                    " empty side it waits"
                ),
            ),
            ("own orders", "never trade with one another"),
            (
                "invalid book",
                "fills nothing and fires no stop; orders that need a price are refused",
            ),
            ("quote", "is the book where the tape has no other; else it moves nothing here"),
            (
                "cash",
                (
                    "a market buy locks its cost at the best ask plus"
                    f" {_percent(self.price_band_ppm)}; at the fill it is cut to what cash pays for"
                ),
            ),
            ("instruments", money["instruments"]),
        )


def _percent(ppm: int) -> str:
    return f"{Decimal(ppm) / 10_000:f} %"


def _ms(nanos: int) -> str:
    return f"{Decimal(nanos) / 1_000_000:f} ms"


def _refused(cause: str, fix: str) -> ConfigError:
    return ConfigError(code="VENUE_CONFIG_REFUSED", cause=f"simulated venue: {cause}", fix=fix)
