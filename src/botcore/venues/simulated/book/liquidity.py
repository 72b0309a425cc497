"""What of a book's displayed sizes can still be taken: each lot once (E20), none that is gone."""

from collections.abc import Iterable, Iterator

from botcore.domain.market import PriceLevel
from botcore.marketdata.book import BookSide
from botcore.venues.simulated import rules
from botcore.venues.simulated.scales import Scale


class Liquidity:
    """One side of a book, as whoever takes from it meets it.

    A level gives its displayed size in lots, less what prints have eaten of it; of that our fills
    may take a share. What we took is forgotten when the venue tells of the level again; what
    prints ate when it tells of anything that is newer, for then the book knows of them.

    Args:
        side: of the book.
        participation_ppm: the share; None is all.
    """

    __slots__ = ("_eaten", "_eaten_at", "_participation", "_side", "_taken", "_through")

    def __init__(self, side: BookSide, participation_ppm: int | None) -> None:
        self._side = side
        self._participation = participation_ppm
        self._taken: dict[float, int] = {}
        self._eaten: dict[float, float] = {}
        self._eaten_at = -1
        self._through: float | None = None  # the farthest print, as the side orders prices

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

    def eat(self, price: float, quantity: float, ts: int) -> None:
        """Note that a print of `ts` took `quantity` (base units) at a price, and all before it."""
        place = self._side.sign * price
        if self._through is None or place < self._through:
            self._through = place
        self._eaten[price] = self._eaten.get(price, 0.0) + quantity
        self._eaten_at = ts

    def updated(self, levels: Iterable[PriceLevel], ts: int) -> None:
        """Take what the venue told of the side in an update of `ts`."""
        if self._eaten_at < ts and self._through is not None:
            self._eaten.clear()
            self._through = None
        taken = self._taken
        if taken:
            told = dict(levels)
            for price in [price for price in taken if price in told]:
                del taken[price]

    def forget(self) -> None:
        """Forget all that is gone: the whole side is new."""
        self._taken.clear()
        self._eaten.clear()
        self._through = None

    def _left(self, price: float, quantity: float, scale: Scale) -> int:
        if self._through is not None:
            if self._side.sign * price > self._through:
                return 0
            quantity -= self._eaten.get(price, 0.0)
        lots = scale.lots(quantity)
        if self._participation is not None:
            lots = rules.share(lots, self._participation)
        return lots - self._taken.get(price, 0)
