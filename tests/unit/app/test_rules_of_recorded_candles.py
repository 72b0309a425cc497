"""The rules that a run over recorded candles takes, and what it says about them."""

from __future__ import annotations

from decimal import Decimal

import numpy as np

from botcore.app.market_source import rules_of
from botcore.domain.ids import DAY_NS, MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles

BTC = InstrumentId("BTCUSDT.BINANCE")
IN_2017 = 17_400 * DAY_NS
IN_2023 = 19_400 * DAY_NS


def _candles(*prices: float, start: int, instrument: InstrumentId = BTC) -> Candles:
    stamps = start + np.arange(len(prices), dtype=np.int64) * MINUTE_NS
    columns = {name: np.array(prices) for name in FIELDS}
    return Candles(instrument, MINUTE_NS, stamps, columns)


def test_e104_the_venues_rules_are_taken_where_the_prices_lie_on_its_tick() -> None:
    notes: list[str] = []

    rules = rules_of(_candles(100.01, 100.02, start=IN_2023), notes)

    assert (rules.tick, rules.lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert notes == []


def test_e104_rules_that_are_younger_than_the_data_say_so() -> None:
    notes: list[str] = []

    rules = rules_of(_candles(100.01, 100.02, start=IN_2017), notes)

    assert rules.tick == Decimal("0.01")
    assert notes == [
        f"{BTC}: the venue's filters are those of 2021-10-12; the data begins 2017-08-22"
    ]


def test_e104_prices_of_another_tick_have_their_rules_inferred_and_said() -> None:
    notes: list[str] = []

    rules = rules_of(_candles(100.0125, 100.025, start=IN_2017), notes)

    assert rules.tick == Decimal("0.0001")
    (note,) = notes
    assert note.startswith(f"{BTC}: inferred filters (tick 0.0001, ")


def test_e104_an_instrument_that_is_not_known_has_its_rules_inferred_and_said() -> None:
    notes: list[str] = []
    unknown = InstrumentId("OLDUSDT.BINANCE")

    rules = rules_of(_candles(0.5, 0.7, start=IN_2023, instrument=unknown), notes)

    assert rules.tick == Decimal("0.1")
    assert [note.partition(" (")[0] for note in notes] == [f"{unknown}: inferred filters"]
