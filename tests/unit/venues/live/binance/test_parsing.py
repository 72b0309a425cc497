from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import Bar, BookDelta, BookSnapshot, Quote, Trade
from botcore.venues.live.binance.messages import (
    AnswerMessage,
    QuoteMessage,
    ShutdownMessage,
    Unknown,
    Unparsable,
    stamp_ns,
)
from botcore.venues.live.binance.parsing import Parser, decode

BTC = InstrumentId("BTCUSDT.BINANCE")
NOW = Nanos(1_700_000_000_000_000_000)
TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT",'
    b'"t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}'
)
QUOTE = (
    b'{"stream":"btcusdt@bookTicker","data":{"u":50093239212,"s":"BTCUSDT",'
    b'"b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}}'
)
DEPTH = (
    b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255308,'
    b'"s":"BTCUSDT","U":50093239203,"u":50093239207,"b":[["55653.87000000","0.00000000"]],'
    b'"a":[["61838.04000000","0.32332000"]]}}'
)


def _kline(**changes: Any) -> bytes:
    kline = {"t": 1_723_161_240_000, "T": 1_723_161_299_999, "s": "BTCUSDT", "i": "1m", "n": 9}
    kline |= {"o": "1.5", "c": "2", "h": "2.5", "l": "1", "v": "10", "x": True, **changes}
    data = {"e": "kline", "E": 1_723_161_300_000, "s": "BTCUSDT", "k": kline}
    return json.dumps({"stream": "btcusdt@kline_1m", "data": data}, separators=(",", ":")).encode()


def test_a_trade_says_who_was_the_aggressor() -> None:
    value = Parser().parse(TRADE)

    assert value == Trade(BTC, Nanos(1_723_161_255_342_000_000), 61837.63, 0.02, False)


def test_a_quote_of_spot_is_stamped_at_its_receipt_for_it_carries_no_instant() -> None:
    value = Parser().parse(QUOTE, NOW)

    assert value == Quote(BTC, NOW, 61837.63, 61837.64, 3.78826, 1.54698)


def test_a_quote_of_futures_is_stamped_by_the_venue_and_named_as_a_perpetual() -> None:
    raw = (
        b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":1,"s":"BTCUSDT","b":"1.5",'
        b'"B":"2","a":"1.6","A":"3","T":1723161256313,"E":1723161256314}}'
    )

    value = Parser(is_perpetual=True).parse(raw, NOW)

    name = InstrumentId("BTCUSDT-PERP.BINANCE")
    assert value == Quote(name, Nanos(1_723_161_256_313_000_000), 1.5, 1.6, 2, 3)


def test_a_change_of_a_spot_book_names_its_first_and_last_update() -> None:
    value = Parser().parse(DEPTH)

    ts = Nanos(1_723_161_255_308_000_000)
    bids, asks = ((55653.87, 0.0),), ((61838.04, 0.32332),)
    assert value == BookDelta(BTC, ts, 50093239203, 50093239207, bids, asks, None)


def test_a_change_of_a_futures_book_names_the_update_before() -> None:
    raw = DEPTH.replace(b'"s":"BTCUSDT"', b'"s":"BTCUSDT","pu":7,"T":1723161255300')

    value = Parser(is_perpetual=True).parse(raw)

    assert isinstance(value, BookDelta)
    assert (value.previous_id, value.ts_event) == (7, 1_723_161_255_300_000_000)


def test_a_closed_candle_is_a_bar() -> None:
    value = Parser().parse(_kline())

    assert isinstance(value, Bar)
    assert (value.ts_open, value.ts_close) == (1_723_161_240 * 10**9, 1_723_161_300 * 10**9)
    assert (value.open, value.high, value.low, value.close, value.volume) == (1.5, 2.5, 1, 2, 10)
    assert (value.spec.step_ns, value.flags) == (60 * 10**9, 0)


def test_e12_a_candle_still_forming_is_no_bar() -> None:
    assert Parser().parse(_kline(x=False)) is None


def test_a_closed_candle_without_prints_is_flat() -> None:
    value = Parser().parse(_kline(n=0, v="0"))

    assert isinstance(value, Bar)
    assert value.flags == 1


def test_microseconds_are_told_from_milliseconds_by_their_size() -> None:
    assert stamp_ns(1_723_161_255_342) == stamp_ns(1_723_161_255_342_000)
    in_micros = _kline(t=1_723_161_240_000_000, T=1_723_161_299_999_999)
    assert Parser().parse(in_micros) == Parser().parse(_kline())


def test_the_ticker_of_spot_gives_its_quote() -> None:
    data = {"e": "24hrTicker", "E": 1_723_161_255_343, "s": "BTCUSDT", "c": "5", "o": "4", "h": "6"}
    data |= {"l": "3", "v": "1", "q": "5", "b": "4.9", "B": "1", "a": "5.1", "A": "2", "new": [1]}
    raw = json.dumps({"stream": "btcusdt@ticker", "data": data}, separators=(",", ":")).encode()

    value = Parser().parse(raw)

    assert value == Quote(BTC, Nanos(1_723_161_255_343_000_000), 4.9, 5.1, 1, 2)


def test_a_snapshot_takes_its_symbol_from_its_stream_or_from_the_caller() -> None:
    body = b'{"lastUpdateId":7,"bids":[["1","2"]],"asks":[]}'
    framed = b'{"stream":"btcusdt@depth20@100ms","data":' + body + b"}"
    expected = BookSnapshot(BTC, NOW, 7, ((1.0, 2.0),), ())

    assert Parser().parse(framed, NOW) == expected
    assert Parser().parse(body, NOW, instrument=expected.instrument) == expected
    assert isinstance(Parser().parse(body, NOW), Unparsable)


def test_a_frame_of_another_layout_means_the_same() -> None:
    spaced = json.dumps(json.loads(TRADE)).encode()
    turned = json.dumps(dict(reversed(json.loads(QUOTE).items()))).encode()
    bare = json.dumps(json.loads(DEPTH)["data"]).encode()

    assert Parser().parse(spaced) == Parser().parse(TRADE)
    assert Parser().parse(turned, NOW) == Parser().parse(QUOTE, NOW)
    assert Parser().parse(bare) == Parser().parse(DEPTH)


def test_fields_that_are_not_known_change_nothing() -> None:
    grown = TRADE.replace(b'"M":true', b'"M":true,"zz":{"a":[1,{"b":null}]}')

    assert Parser().parse(grown) == Parser().parse(TRADE)


def test_a_listing_of_a_dated_future_is_named_by_its_delivery() -> None:
    raw = TRADE.replace(b"BTCUSDT", b"BTCUSDT_261225")

    value = Parser(is_perpetual=True).parse(raw)

    assert isinstance(value, Trade)
    assert value.instrument == "BTCUSDT-20261225.BINANCE"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"result":null,"id":1}', AnswerMessage(1)),
        (b'{"result":["a@trade"],"id":"x"}', AnswerMessage("x", ["a@trade"])),
        (b'{"code":2,"msg":"bad","id":3}', AnswerMessage(3, None, 2, "bad")),
        (b'{"error":{"code":2,"msg":"bad"},"id":3}', AnswerMessage(3, None, 2, "bad")),
        (b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":5}}', ShutdownMessage(5)),
        (b'{"e":"outlookChanged","E":5}', Unknown("outlookChanged")),
        (b'{"stream":"!ticker@arr","data":[{"e":"24hrTicker"}]}', Unknown("!ticker@arr")),
    ],
)
def test_what_is_no_market_data_is_told_apart(raw: bytes, expected: object) -> None:
    assert decode(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"<html><body>Bad gateway</body></html>",
        TRADE[:80],
        QUOTE[:-1],
        b"null",
        b"[]",
        b"12",
        b"{}",
        b'{"a":' * 100_000,
        TRADE.replace(b"61837.63000000", b"nan"),
        TRADE.replace(b"61837.63000000", b"inf"),
        TRADE.replace(b"61837.63000000", b"-1"),
        TRADE.replace(b"61837.63000000", b"0.0"),
        TRADE.replace(b"0.02000000", b"-0.02"),
        TRADE.replace(b"61837.63000000", b"61837,63"),
        TRADE.replace(b'"T":1723161255342', b'"T":-5'),
        TRADE.replace(b'"p":"61837.63000000",', b""),
        QUOTE.replace(b'"61837.63000000"', b"[1]"),
        DEPTH.replace(b'"0.00000000"', b'"1e999"'),
        DEPTH.replace(b'["55653.87000000","0.00000000"]', b'["55653.87000000"]'),
        TRADE.replace(b'"s":"BTCUSDT"', b'"s":"../etc"'),
        b'{"result":{"a":1},"id":1}'[:-3],
    ],
)
def test_what_cannot_be_read_is_a_value_with_a_reason(raw: bytes) -> None:
    value = Parser().parse(raw, NOW)

    assert isinstance(value, Unparsable)
    assert value.reason
    assert len(value.start) <= 80


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_raise(raw: bytes) -> None:
    Parser().parse(raw, NOW)


@given(st.sampled_from([TRADE, QUOTE, DEPTH, _kline()]), st.data())
def test_no_damaged_frame_makes_the_parser_raise(raw: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:place] + data.draw(st.binary(max_size=3)) + raw[place + 1 :]

    Parser().parse(damaged, NOW)


# --- against recorded lines


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path) as lines:
        for line in lines:
            yield line.rstrip(b"\n")


@pytest.mark.parametrize(("folder", "is_perpetual"), [("spot", False), ("usdm", True)])
def test_recorded_lines_are_read_as_the_json_says(
    market_data_dir: Path, folder: str, is_perpetual: bool
) -> None:
    parser = Parser(is_perpetual=is_perpetual)
    kinds: Counter[str] = Counter()

    for path in sorted((market_data_dir / "l2-hftbacktest" / folder).glob("*0808.gz")):
        name = parser.instrument_of(path.name.split("_")[0].upper())
        for number, line in enumerate(islice(_lines(path), 10_000)):
            raw = line.split(b" ", 1)[1]
            value = parser.parse(raw, NOW, instrument=name)
            kinds[type(value).__name__] += 1
            if number % 50 == 0:
                _agrees(value, json.loads(raw))

    assert kinds.keys() == {"Quote", "Trade", "BookDelta", "BookSnapshot"}


def _agrees(value: object, told: Any) -> None:
    """Hold a value against the standard library's reading of the same line."""
    data = told.get("data", told)
    if isinstance(value, Trade):
        assert (value.price, value.quantity) == (float(data["p"]), float(data["q"]))
        assert value.ts_event == data["T"] * 1_000_000
        assert value.buyer_is_aggressor is not data["m"]
    elif isinstance(value, Quote):
        quoted = (value.bid, value.bid_quantity, value.ask, value.ask_quantity)
        assert quoted == tuple(float(data[key]) for key in "bBaA")
    elif isinstance(value, BookDelta):
        assert (value.first_id, value.last_id) == (data["U"], data["u"])
        assert value.previous_id == data.get("pu")
        assert value.bids == tuple((float(p), float(q)) for p, q in data["b"])
        assert value.asks == tuple((float(p), float(q)) for p, q in data["a"])
    else:
        assert isinstance(value, BookSnapshot)
        assert value.last_id == data["lastUpdateId"]
        assert value.bids == tuple((float(p), float(q)) for p, q in data["bids"])


@pytest.mark.parametrize(
    ("name", "is_perpetual", "expected"),
    [
        ("BINANCE", False, {"BookDelta": 177, "Quote": 84, "Trade": 2, "NoneType": 2}),
        (
            "BINANCE_FUTURES",
            True,
            {"BookDelta": 764, "Quote": 613, "Trade": 91, "NoneType": 63, "Bar": 4},
        ),
    ],
)
def test_lines_recorded_before_2025_are_read(
    market_data_dir: Path, name: str, is_perpetual: bool, expected: dict[str, int]
) -> None:
    parser = Parser(is_perpetual=is_perpetual)
    lines = [
        line.split(b": ", 1)[1]
        for line in _lines(market_data_dir / "raw-cryptofeed" / f"{name}.ws.1.0.gz")
        if b": {" in line[:32]
    ]

    kinds = Counter(type(parser.parse(line, NOW)).__name__ for line in lines)

    assert kinds == expected
    # By grep: 4 lines hold `"x":true` (futures) and 0 (spot).
    assert sum(b'"x":true' in line for line in lines) == expected.get("Bar", 0)


def test_payloads_of_another_platform_are_read(market_data_dir: Path) -> None:
    folder = market_data_dir / "raw-nautilus/crates/adapters/binance/test_data/futures"
    kinds = {
        path.stem: type(Parser(is_perpetual=True).parse(path.read_bytes(), NOW)).__name__
        for path in sorted((folder / "market_data_json").glob("*_stream*.json"))
    }

    assert kinds["trade_stream"] == kinds["agg_trade_stream"] == "Trade"
    assert kinds["book_ticker_stream"] == "Quote"
    assert kinds["depth_update_stream"] == "BookDelta"
    assert kinds["kline_stream_closed"] == "Bar"
    assert kinds["kline_stream_open"] == "NoneType"
    assert kinds["mark_price_stream"] == kinds["liquidation_stream"] == "Unknown"


def test_an_update_number_stays_with_the_message() -> None:
    message = decode(QUOTE)

    assert isinstance(message, QuoteMessage)
    assert message.u == 50093239212
