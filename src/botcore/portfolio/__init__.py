"""Portfolio: fills and deposits in, balanced postings and positions out, and what they are worth.

What is owned and what it earned: a double-entry ledger, positions by strategy, equity at marks.
"""

from botcore.portfolio.holdings import Holdings
from botcore.portfolio.ledger import (
    Ledger,
    assets_path,
    dust_path,
    external_path,
    fees_path,
    trading_path,
)
from botcore.portfolio.lots import (
    Disposal,
    DisposalKind,
    Exchange,
    Lot,
    LotMethod,
    TaxLots,
    Transfer,
)
from botcore.portfolio.portfolio import Portfolio
from botcore.portfolio.positions import Position
from botcore.portfolio.valuation import Profit, Valuation

__all__ = [
    "Disposal",
    "DisposalKind",
    "Exchange",
    "Holdings",
    "Ledger",
    "Lot",
    "LotMethod",
    "Portfolio",
    "Position",
    "Profit",
    "TaxLots",
    "Transfer",
    "Valuation",
    "assets_path",
    "dust_path",
    "external_path",
    "fees_path",
    "trading_path",
]
