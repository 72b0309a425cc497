"""Rules as the venue stated them, with the date, or as the candles show them."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from botcore.domain.errors import ConfigError, DataError
from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.marketdata.candles import FIELDS, Candles
from botcore.marketdata.instruments import (
    common_step,
    currencies_of,
    inferred_instrument,
    known_ids,
    known_instrument,
)

BTC = InstrumentId("BTCUSDT.BINANCE")


def candles(prices: list[float], instrument: InstrumentId = BTC) -> Candles:
    values = np.array(prices, float)
    columns = {name: values.copy() for name in FIELDS}
    stamps = np.arange(len(values)) * MINUTE_NS
    return Candles(instrument, MINUTE_NS, stamps, columns)


def test_e104_recorded_rules_say_their_date() -> None:
    known = known_instrument(BTC)

    assert known is not None
    assert known.recorded == "2021-10-12"
    assert (known.instrument.tick, known.instrument.lot) == (Decimal("0.01"), Decimal("0.00001"))
    assert (known.instrument.min_notional, known.taker_fee_ppm) == (Decimal(10), 1_000)


def test_recorded_rules_are_what_the_exchange_answered(market_data_dir: Path) -> None:
    recording = market_data_dir / "raw-cryptofeed" / "BINANCE.0.gz"
    text = gzip.decompress(recording.read_bytes()).decode()
    answer, _ = json.JSONDecoder().raw_decode(text[text.index('{"timezone"') :])
    told = {each["symbol"]: each for each in answer["symbols"]}

    for name in known_ids():
        known = known_instrument(name)
        assert known is not None
        rules = known.instrument
        said = told[name.partition(".")[0]]
        filters = {each["filterType"]: each for each in said["filters"]}
        assert (rules.base, rules.quote) == (said["baseAsset"], said["quoteAsset"])
        assert rules.tick == Decimal(filters["PRICE_FILTER"]["tickSize"])
        assert rules.lot == Decimal(filters["LOT_SIZE"]["stepSize"])
        assert rules.min_quantity == Decimal(filters["LOT_SIZE"]["minQty"])
        assert rules.min_notional == Decimal(filters["MIN_NOTIONAL"]["minNotional"])


def test_an_instrument_that_was_not_recorded_is_not_known() -> None:
    assert known_instrument(InstrumentId("BTCUSDT.KRAKEN")) is None
    assert known_instrument(InstrumentId("BTCUSDT-PERP.BINANCE")) is None


def test_e104_prices_off_the_tick_show_that_the_rules_were_others() -> None:
    known = known_instrument(BTC)

    assert known is not None
    assert known.fits(candles([100.01, 100.02, 3782.13]))
    assert not known.fits(candles([100.015, 100.02, 3782.13]))


def test_e104_one_odd_price_among_many_does_not_make_rules_those_of_another_time() -> None:
    known = known_instrument(BTC)

    assert known is not None
    assert known.fits(candles([100.01] * 199 + [100.015]))
    assert not known.fits(candles([100.01] * 98 + [100.015] * 2))


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([100.01, 100.02, 3782.13], "0.01"),
        ([100.0, 300.0, 4000.0], "100"),
        ([float(7 * i) / 20 for i in range(1, 400)], "0.01"),
        ([i * 0.05 for i in range(2_000, 3_000)], "0.05"),
        ([i * 0.25 for i in range(2_000, 3_000)], "0.25"),
        ([0.00002564, 0.00002567], "0.00000001"),
        ([1371255.3999999999, 712612.6], "0.1"),
        ([42.136] * 500, "0.001"),
        ([0.0, 0.0], "0.00000001"),
    ],
)
def test_the_step_is_the_largest_usual_one_that_divides_all(values: list[float], step: str) -> None:
    found = common_step(np.array(values))

    assert found == Decimal(step)
    assert "E+" not in str(found)


def test_rules_are_inferred_from_prices_and_volumes() -> None:
    held = candles([0.7837, 0.7866, 0.7871], InstrumentId("ADAUSDT-PERP.BINANCE"))
    held.columns["volume"][:] = [268909.0, 155960.0, 216432.0]

    found = inferred_instrument(held.instrument, held)

    assert (found.tick, found.lot, found.min_quantity) == (
        Decimal("0.0001"),
        Decimal(1),
        Decimal(1),
    )
    assert (str(found.base), str(found.quote)) == ("ADA", "USDT")
    assert found.min_notional == Decimal(10)


def test_without_candles_nothing_is_inferred() -> None:
    with pytest.raises(DataError, match="RULES_UNTOLD"):
        inferred_instrument(BTC, candles([]))


def test_a_symbol_is_split_at_its_quote_currency() -> None:
    assert currencies_of("1000LUNCUSDT") == ("1000LUNC", "USDT")
    assert currencies_of("ETHBTC") == ("ETH", "BTC")
    with pytest.raises(ConfigError, match="CURRENCIES_UNTOLD"):
        currencies_of("XYZ")
