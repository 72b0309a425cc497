"""The names of instruments, ours and Binance's: ``BTCUSDT-PERP.BINANCE`` is its ``BTCUSDT``."""

from typing import Final

from botcore.domain.errors import ConfigError
from botcore.domain.ids import ContractKind, InstrumentId, instrument_id, parse_instrument_id

VENUE: Final = "BINANCE"
_KEPT: Final = 20_000
"""Far more names than the venue lists; a stream of made-up ones must not fill the memory."""


class InstrumentIds(dict[str, InstrumentId]):
    """Our ids by the venue's names, each made once: ``ids["BTCUSDT"]``.

    A dated future is ``BTCUSDT_261225`` there. Asking raises `ConfigError` for a name that none of
    our ids can hold.

    Args:
        is_perpetual: the names are of USDⓈ-M futures.
    """

    def __init__(self, *, is_perpetual: bool = False) -> None:
        super().__init__()
        self._suffix = "-PERP" if is_perpetual else ""

    def __missing__(self, symbol: str) -> InstrumentId:
        name, _, delivery = symbol.partition("_")
        suffix = f"-20{delivery}" if delivery else self._suffix
        made = instrument_id(f"{name}{suffix}.{VENUE}")
        if len(self) >= _KEPT:
            self.clear()
        self[symbol] = made
        return made


def spot_symbol(instrument: InstrumentId) -> str:
    """Return Binance's name of a spot instrument: ``BTCUSDT``.

    Raises:
        ConfigError: it is of another venue, or a contract.
    """
    symbol, kind, venue = parse_instrument_id(instrument)
    if venue != VENUE or kind is not ContractKind.SPOT:
        raise ConfigError(
            code="NOT_BINANCE_SPOT",
            cause=f"{instrument} is not an instrument of Binance's spot market",
            fix="name one as BTCUSDT.BINANCE",
        )
    return symbol
