"""Names: the grammar of instruments, of accounts and strategies, and of client order ids."""

import pytest

from botcore.domain.errors import ConfigError
from botcore.domain.ids import (
    CLIENT_ORDER_ID,
    ContractKind,
    instrument_id,
    parse_instrument_id,
    slug,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("BTCUSDT.SIM", ("BTCUSDT", ContractKind.SPOT, "SIM")),
        ("1000SHIBUSDT.BINANCE", ("1000SHIBUSDT", ContractKind.SPOT, "BINANCE")),
        ("ETHUSDT-PERP.BINANCE", ("ETHUSDT", ContractKind.LINEAR_PERPETUAL, "BINANCE")),
        ("BTCUSDT-20261225.BINANCE", ("BTCUSDT", ContractKind.FUTURE, "BINANCE")),
    ],
)
def test_an_instrument_id_says_symbol_kind_and_venue(
    text: str, parts: tuple[str, ContractKind, str]
) -> None:
    assert parse_instrument_id(text) == parts
    assert instrument_id(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "BTCUSDT",
        "BTC/USDT.SIM",
        "btcusdt.sim",
        "BTCUSDT.sim",
        "BTCUSDT.SIM\n",
        " BTCUSDT.SIM",
        "B.SIM",
        "BTCUSDT-SWAP.SIM",
        "BTCUSDT-2026122.SIM",
        "BTCUSDT-20261340.SIM",
        "BTCUSDT-20260230.SIM",
        "BTCUSDT-٢٠٢٦١٢٢٥.SIM",
        "BTCUSDT.1SIM",
        "BTCUSDT.SIM.SIM",
        "A" * 21 + ".SIM",
    ],
)
def test_a_name_outside_the_grammar_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        instrument_id(text)

    assert caught.value.code == "INSTRUMENT_MALFORMED"
    assert "BTCUSDT.SIM" in caught.value.fix


@pytest.mark.parametrize("text", ["rsi", "ema-cross", "a_1", "9lives", "x" * 32])
def test_a_slug_names_a_strategy(text: str) -> None:
    assert slug(text, what="strategy") == text


@pytest.mark.parametrize("text", ["", "RSI", "-rsi", "rsi 1", "rsi\n", "é", "x" * 33])
def test_a_slug_outside_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="strategy"):
        slug(text, what="strategy")


@pytest.mark.parametrize("text", ["a", "BC-1-0-1-1", "x" * 36, "a.B:c/d_e-f"])
def test_r2_what_venues_take_as_a_client_order_id(text: str) -> None:
    assert CLIENT_ORDER_ID.match(text)


@pytest.mark.parametrize("text", ["", "x" * 37, "a b", "a\n", "é", "a+b"])
def test_r2_what_venues_do_not_take_as_a_client_order_id(text: str) -> None:
    assert not CLIENT_ORDER_ID.match(text)
