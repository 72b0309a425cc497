"""What of a book's displayed sizes can still be taken: each lot once (E20), none that is gone."""

from collections.abc import Iterable, Iterator, Mapping

from botcore.domain.market import PriceLevel
from botcore.marketdata.book import BookSide
from botcore.venues.simulated import rules
from botcore.venues.simulated.scales import Scale


class Liquidity:
    """One side of a book, as whoever takes from it meets it.

    A level gives its displayed size, less what prints have eaten of it, in lots; of that our fills
    may take a share; and both are forgotten when the level is updated. Where a print went through
    the best prices, none of them gives anything until it is updated.

    Args:
        side: of the book.
        participation_ppm: the share; None is all.
    """

    __slots__ = ("_eaten", "_participation", "_refreshed", "_side", "_taken", "_through")

    def __init__(self, side: BookSide, participation_ppm: int | None) -> None:
        self._side = side
        self._participation = participation_ppm
        self._taken: dict[float, int] = {}
        self._eaten: dict[float, float] = {}
        # The farthest print that went through the best, as the side orders prices, and the levels
        # before it that were updated since. To mark each level it went through would cost more.
        self._through: float | None = None
        self._refreshed: set[float] = set()

    @property
    def displayed(self) -> Mapping[float, float]:
        """Quantity by price."""
        return self._side.quantities

    @property
    def best(self) -> float | None:
        """The best price; None where the side is empty."""
        return self._side.best

    def offers(self, limit: int, scale: Scale) -> Iterator[tuple[float, int, int]]:
        """Give what can be taken up to a limit, best first: price, price in ticks, and lots.

        Args:
            limit: ticks; 0 is none.
            scale: of the instrument now.

        Raises:
            DataError: a price lies off the instrument's grid.
        """
        sign = self._side.sign
        for price, quantity in self._side.levels():
            ticks = scale.ticks(price)
            if limit and (ticks - limit) * sign < 0:
                return
            lots = self._left(price, quantity, scale)
            if lots > 0:
                yield price, ticks, lots

    def take(self, price: float, lots: int) -> None:
        """Note that a fill of ours took `lots` of a level."""
        self._taken[price] = self._taken.get(price, 0) + lots

    def eat(self, price: float, quantity: float) -> None:
        """Note that a print at `price` took `quantity` (base units), and all that was better.

        Where the tape shows it later in the book too, nothing is counted twice: the update of the
        level forgets it.
        """
        side = self._side
        if not side.order:
            return
        place = side.sign * price
        if place < side.order[-1]:
            if self._through is None or place < self._through:
                self._through = place
                self._refreshed.clear()
            else:
                self._refreshed = {p for p in self._refreshed if side.sign * p <= place}
        if price in side.quantities:
            self._eaten[price] = self._eaten.get(price, 0.0) + quantity

    def updated(self, levels: Iterable[PriceLevel]) -> None:
        """Forget what is gone of levels that the venue has just told of."""
        taken, eaten = self._taken, self._eaten
        if eaten or taken:
            told = dict(levels)
            for gone in (eaten, taken):
                for price in [price for price in gone if price in told]:
                    del gone[price]  # type: ignore[attr-defined]  # one of two dicts
        through = self._through
        if through is not None:
            order, sign = self._side.order, self._side.sign
            if not order or order[-1] <= through:  # what it went through has left the book
                self._through = None
                self._refreshed.clear()
            else:
                self._refreshed.update(p for p, _ in levels if sign * p > through)

    def forget(self) -> None:
        """Forget all that is gone: the whole side is new."""
        self._taken.clear()
        self._eaten.clear()
        self._refreshed.clear()
        self._through = None

    def _left(self, price: float, quantity: float, scale: Scale) -> int:
        through = self._through
        if through is not None and self._side.sign * price > through:
            if price not in self._refreshed:
                return 0
        eaten = self._eaten.get(price)
        lots = scale.lots(quantity if eaten is None else quantity - eaten)
        if self._participation is not None:
            lots = rules.share(lots, self._participation)
        return lots - self._taken.get(price, 0)
