"""A run over recorded candles of a perpetual says that none of its orders will be taken."""

import numpy as np
import pytest

from botcore.app.market_source import rules_of
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles


@pytest.mark.parametrize(
    ("name", "is_said"), [("BTCUSDT-PERP.BINANCE", True), ("BTCUSDT.KRAKEN", False)]
)
def test_a_perpetual_is_said_to_be_denied_before_anybody_wonders_at_no_trades(
    name: str, is_said: bool
) -> None:
    stamps = 19_000 * DAY_NS + np.arange(5, dtype=np.int64) * MINUTE_NS
    columns = dict.fromkeys(FIELDS, np.full(5, 100.0))
    notes: list[str] = []

    rules_of(Candles(InstrumentId(name), MINUTE_NS, stamps, columns), notes)

    assert "inferred filters" in notes[0]
    assert any("cannot be traded yet" in note for note in notes) is is_said
