"""Lines: one strategy on one instrument, with the names its money goes by, made once."""

from botcore.domain.ids import Currency
from botcore.domain.numbers import EXACT, ZERO
from botcore.portfolio.amounts import canonical
from botcore.portfolio.holdings import Holdings
from botcore.portfolio.ledger import Ledger, assets_path, dust_path, fees_path, trading_path
from botcore.portfolio.positions import Position

_UNKNOWN = Currency("")


class Line:
    """A position with its places in the ledger.

    Attributes:
        base, quote: learnt from the first fill folded; empty before, when somebody only asked.
    """

    __slots__ = ("assets", "base", "dust", "fees", "holdings", "position", "quote", "trading")

    def __init__(self, position: Position, holdings: Holdings) -> None:
        owner = (position.account, position.strategy, position.instrument)
        self.position = position
        self.holdings = holdings
        self.assets = assets_path(position.account)
        self.trading = trading_path(*owner)
        self.fees = fees_path(*owner)
        self.dust = dust_path(*owner)
        self.base = self.quote = _UNKNOWN

    def pair(self, base: Currency, quote: Currency) -> None:
        """Learn what is traded against what."""
        self.base, self.quote = base, quote
        self.holdings.pairs[self.position.instrument] = (base, quote)

    def refresh_dust(self, ledger: Ledger) -> None:
        """Take the dust from the ledger, which alone knows it."""
        position, dust = self.position, self.holdings.dust
        now = canonical(ledger.balance(self.dust, self.base))
        change = EXACT.subtract(now, position.dust)
        dust[position.instrument] = EXACT.add(dust.get(position.instrument, ZERO), change)
        position.dust = now
        position.dust_cost = canonical(ledger.balance(self.dust, self.quote))

    def clear(self) -> None:
        """Forget everything but the names, before a state is restored."""
        self.base = self.quote = _UNKNOWN
        self.position.clear()
