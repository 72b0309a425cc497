"""What of a book's displayed sizes can still be taken: each lot once (E20), none that is gone."""

from collections.abc import Iterable, Iterator, Mapping

from botcore.domain.market import PriceLevel
from botcore.marketdata.book import OrderBook
from botcore.venues.simulated import rules
from botcore.venues.simulated.scales import Scale


class Liquidity:
    """One side of a book, as whoever takes from it meets it.

    A level gives its displayed size, less what prints have eaten of it, in lots; of that our fills
    may take a share; and both are forgotten when the level is updated.

    Args:
        book: whose.
        sign: +1 for the asks, which buys take; -1 for the bids.
        participation_ppm: the share; None is all.
    """

    __slots__ = ("_book", "_eaten", "_participation", "_sign", "_taken")

    def __init__(self, book: OrderBook, sign: int, participation_ppm: int | None) -> None:
        self._book = book
        self._sign = sign
        self._participation = participation_ppm
        self._taken: dict[float, int] = {}
        self._eaten: dict[float, float] = {}

    @property
    def displayed(self) -> Mapping[float, float]:
        """Quantity by price."""
        return self._book.asks if self._sign > 0 else self._book.bids

    @property
    def best(self) -> float | None:
        """The best price; None where the side is empty."""
        return self._book.best_ask if self._sign > 0 else self._book.best_bid

    def offers(self, limit: int, scale: Scale) -> Iterator[tuple[float, int, int]]:
        """Give what can be taken up to a limit, best first: price, price in ticks, and lots.

        Args:
            limit: ticks; 0 is none.
            scale: of the instrument now.

        Raises:
            DataError: a price lies off the instrument's grid.
        """
        levels = self._book.ask_levels() if self._sign > 0 else self._book.bid_levels()
        for price, quantity in levels:
            ticks = scale.ticks(price)
            if limit and (ticks - limit) * self._sign > 0:
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
        best = self.best
        if best is None:
            return
        if (price - best) * self._sign > 0.0:
            self._eat_better(price)
        self._eaten[price] = self._eaten.get(price, 0.0) + quantity

    def updated(self, levels: Iterable[PriceLevel]) -> None:
        """Forget what is gone of levels that the venue has just told of."""
        taken, eaten = self._taken, self._eaten
        if taken:
            for price, _ in levels:
                taken.pop(price, None)
                eaten.pop(price, None)
        elif eaten:
            for price, _ in levels:
                eaten.pop(price, None)

    def forget(self) -> None:
        """Forget all that is gone: the whole side is new."""
        self._taken.clear()
        self._eaten.clear()

    def _eat_better(self, price: float) -> None:
        levels = self._book.ask_levels() if self._sign > 0 else self._book.bid_levels()
        for better, quantity in levels:
            if (price - better) * self._sign <= 0.0:
                return
            self._eaten[better] = quantity

    def _left(self, price: float, quantity: float, scale: Scale) -> int:
        eaten = self._eaten.get(price)
        lots = scale.lots(quantity if eaten is None else quantity - eaten)
        if self._participation is not None:
            lots = rules.share(lots, self._participation)
        return lots - self._taken.get(price, 0)
