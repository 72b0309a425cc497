"""The page: one file that asks nobody for anything, and says what the document says."""

import base64
import csv
import hashlib
import html
import json
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from tests.support.report_run import hand_run, minutes, run_on

from botcore.backtest import BacktestReport
from botcore.backtest.reporting import PAGE, TRADES, RoundTrip, write_report
from botcore.backtest.reporting.analysis import analyse
from botcore.backtest.reporting.drawn import coarser, drawn, extremes
from botcore.backtest.reporting.page import BYTES_MOST
from botcore.domain.ids import MINUTE_NS, InstrumentId
from botcore.engine import EquityCurve
from botcore.marketdata.candles import Candles

HOSTILE = "</script><img src=x onerror=alert(1)>'\"&{{ 7*7 }}"


class Read(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and scripts' text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts.setdefault(self._inside, []).append(data)

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def page_of(folder: Path, report: BacktestReport, candles: Any) -> str:
    write_report(report, folder, candles=candles)
    return (folder / PAGE).read_text("utf-8")


def data_of(page: str) -> Any:
    match = re.search(r'<script type="application/json" id="drawn">(.*?)</script>', page, re.S)
    assert match is not None
    return json.loads(match[1])


def test_no_request_leaves_the_page(tmp_path: Path) -> None:
    text = page_of(tmp_path, *hand_run())
    read = Read(text)

    for tag, attributes in read.elements:
        for name in ("src", "href", "action", "poster", "srcset", "data", "background"):
            target = attributes.get(name)
            assert target is None or target.startswith("#") or target == "data:,", (tag, target)
        assert "style" not in attributes, "the policy allows none"
        assert not any(name.startswith("on") for name in attributes), tag
    assert (
        re.findall(r"(?:https?:|wss?:|//[a-z]|@import|url\()", text.replace("// candles", "")) == []
    )
    assert not re.findall(r"\b(?:fetch|XMLHttpRequest|WebSocket|EventSource|import)\s*\(", text)
    assert read.count("link") == 1
    assert read.count("iframe") == read.count("img") == read.count("form") == 0


def test_the_policy_lets_its_own_style_and_script_run_and_nothing_else(tmp_path: Path) -> None:
    read = Read(page_of(tmp_path, *hand_run()))

    (policy,) = [
        attributes["content"]
        for tag, attributes in read.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src '{_hash(''.join(read.texts['style']))}'" in policy
    assert f"script-src '{_hash(read.texts['script'][1])}'" in policy
    assert "unsafe" not in policy


def test_hostile_names_are_text_and_nothing_more(tmp_path: Path) -> None:
    report, candles = hand_run()
    trips = tuple(msgspec.structs.replace(trip, strategy=HOSTILE) for trip in report.trips)

    text = page_of(
        tmp_path,
        msgspec.structs.replace(
            report,
            title=HOSTILE,
            warning=HOSTILE,
            notes=(HOSTILE,),
            trips=trips,
            assumptions=((HOSTILE, HOSTILE),),
            denied=1,
            activity=msgspec.structs.replace(report.activity, denied={(HOSTILE, HOSTILE): 1}),
        ),
        candles,
    )

    read = Read(text)
    assert read.count("script") == 2
    assert read.count("img") == 0
    assert "{{ 7*7 }}" in html.unescape(text), "and no template either"
    assert HOSTILE in data_of(text)["trips"]["strategies"]
    assert HOSTILE in "".join(read.texts["title"])


def test_the_page_says_what_the_document_says(tmp_path: Path) -> None:
    report, candles = hand_run()
    stored = write_report(report, tmp_path, candles=candles)
    text = (tmp_path / PAGE).read_text("utf-8")

    figures = re.findall(
        r'<summary><span class="name">(.*?)</span>'
        r'<span class="value"><span[^>]*>(.*?)</span></span>',
        text,
    )

    expected = {
        each.name: each.text.replace("-", "−", 1) if each.text.startswith("-") else each.text
        for each in stored.metrics
    }
    assert {html.unescape(name): html.unescape(value) for name, value in figures} == expected
    for name, value in stored.assumptions:
        assert html.escape(name, quote=False) in text
        assert value in html.unescape(text)
    assert stored.fingerprint in text
    assert stored.inputs_digest in text


def test_the_trades_of_the_page_are_those_of_the_file(tmp_path: Path) -> None:
    trips = data_of(page_of(tmp_path, *hand_run()))["trips"]
    with (tmp_path / TRADES).open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert trips["total"] == len(rows) == len(trips["o"])
    assert trips["p"] == [float(row["profit"]) for row in rows]
    assert trips["e"] == [float(row["entry_price"]) for row in rows]
    assert trips["l"] == [float(row["exit_price"] or 0) for row in rows]
    assert trips["f"] == [float(row["fees"]) for row in rows]
    assert [trips["reasons"][at] for at in trips["x"]] == ["it fell", "it fell", "still open"]
    assert trips["g"] == [0, 0, 2]


def test_every_metric_is_explained_with_a_question(tmp_path: Path) -> None:
    report, candles = hand_run()
    stored = write_report(report, tmp_path, candles=candles)
    text = (tmp_path / PAGE).read_text("utf-8")

    assert text.count('<p class="ask">') == len(stored.metrics)


def test_warnings_stand_above_everything_else(tmp_path: Path) -> None:
    report, candles = hand_run(warning="SIMULATED MARKET")

    text = page_of(tmp_path, report, candles)

    assert text.index("SIMULATED MARKET") < text.index("Equity at the end")


def test_a_run_without_trades_or_candles_says_so(tmp_path: Path) -> None:
    tape = minutes(*[(100.0, 100.0, 100.0, 100.0)] * 5)

    text = page_of(tmp_path, run_on(tape), {})

    assert "Nothing was bought in this run." in text
    assert "No candles were given with this run." in text


def test_everything_can_be_reached_by_keyboard_and_is_named(tmp_path: Path) -> None:
    read = Read(page_of(tmp_path, *hand_run()))

    for tag, attributes in read.elements:
        if tag == "canvas" or attributes.get("class") == "wide":
            assert attributes.get("tabindex") == "0"
            assert attributes.get("aria-label")
        if tag == "button":
            assert attributes.get("type") == "button"
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    targets = {
        str(attributes["href"])[1:]
        for tag, attributes in read.elements
        if tag == "a" and attributes.get("href")
    }
    assert targets <= set(ids)


def test_a_curve_is_thinned_without_losing_a_peak_or_a_fall() -> None:
    chance = np.random.default_rng(7)
    stamps = np.arange(1, 50_001, dtype=np.int64) * MINUTE_NS
    values = np.cumsum(chance.normal(size=50_000))

    kept = extremes(stamps, values, start=0, end=int(stamps[-1]), buckets=200)

    assert len(kept) <= 2 * 200 + 2
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    assert (np.diff(kept) > 0).all()
    for low in range(0, 50_000, 250):  # each bucket is 250 minutes
        inside = kept[(kept >= low) & (kept < low + 250)]
        assert values[inside].max() == values[low : low + 250].max()
        assert values[inside].min() == values[low : low + 250].min()


def test_a_short_curve_is_drawn_as_it_is() -> None:
    stamps = np.array([1, 2, 3], dtype=np.int64) * MINUTE_NS

    kept = extremes(stamps, np.array([3.0, 1.0, 2.0]), start=0, end=3 * MINUTE_NS, buckets=100)

    assert kept.tolist() == [0, 1, 2]
    assert not len(extremes(stamps[:0], np.empty(0), start=0, end=0, buckets=10))


def test_coarser_candles_keep_open_extremes_and_close() -> None:
    candles = some_candles(100, gap_at=37)

    found = coarser(candles, 12)

    assert found.step_ns == 10 * MINUTE_NS
    frame = 10 * MINUTE_NS
    for at, opened in enumerate(found.ts_open.tolist()):
        inside = candles.between(opened, opened + frame)
        assert found.columns["open"][at] == inside.columns["open"][0]
        assert found.columns["high"][at] == inside.columns["high"].max()
        assert found.columns["low"][at] == inside.columns["low"].min()
        assert found.columns["close"][at] == inside.columns["close"][-1]
        assert found.columns["volume"][at] == pytest.approx(inside.columns["volume"].sum())
    assert coarser(candles, 100) is candles


def test_a_page_that_would_be_too_large_holds_the_newest_trades_and_says_so(
    tmp_path: Path,
) -> None:
    report, candles = hand_run()
    many = tuple(
        msgspec.structs.replace(report.trips[0], profit=float(at), closed=at) for at in range(40)
    )
    analysis = analyse(msgspec.structs.replace(report, trips=many), candles)

    found = drawn(analysis, trips_most=10).trips

    assert (found.total, found.first, len(found.o)) == (41, 32, 10)
    assert found.p[:9] == [float(at) for at in range(31, 40)]


@pytest.mark.slow
def test_a_year_of_minutes_with_twenty_thousand_trades_is_at_most_three_megabytes(
    tmp_path: Path,
) -> None:
    count, trades = 525_600, 20_000
    candles = some_candles(count)
    chance = np.random.default_rng(5)
    at = np.sort(chance.integers(0, count - 40, trades))
    closes = candles.columns["close"].tolist()
    trips = tuple(
        RoundTrip(
            "ema-cross",
            candles.instrument,
            int(candles.ts_open[k]),
            int(candles.ts_open[k + 30]),
            (closes[k + 30] - closes[k]) / 7,
            quantity=Decimal("0.14286"),
            entered=Decimal("0.14286"),
            stake=Decimal(repr(round(closes[k] / 7, 8))),
            left=Decimal("0.14286"),
            received=Decimal(repr(round(closes[k + 30] / 7, 8))),
            fees=Decimal("5.71428571"),
            fills=2,
        )
        for k in at.tolist()
    )
    curve = EquityCurve()
    curve.extend(candles.ts_open + MINUTE_NS, (candles.columns["close"] + 1e6).tolist())
    report, _ = hand_run()
    large = msgspec.structs.replace(
        report, trips=trips, curve=curve, span=(0, count * MINUTE_NS), equity_start=Decimal(1030000)
    )

    write_report(large, tmp_path, candles={candles.instrument: candles})

    text = (tmp_path / PAGE).read_text("utf-8")
    assert len(text.encode()) <= BYTES_MOST
    assert len(data_of(text)["trips"]["o"]) == trades


def some_candles(count: int, *, gap_at: int | None = None) -> Candles:
    """A random walk of minutes with prices of two decimal places."""
    chance = np.random.default_rng(3)
    close = np.round(30_000 + np.cumsum(chance.normal(size=count)), 2)
    before = np.concatenate((close[:1], close[:-1]))
    high = np.round(np.maximum(close, before) + chance.random(count), 2)
    low = np.round(np.minimum(close, before) - chance.random(count), 2)
    ts_open = np.arange(count, dtype=np.int64) * MINUTE_NS
    if gap_at is not None:
        ts_open[gap_at:] += 25 * MINUTE_NS
    return Candles(
        InstrumentId("BTCUSDT.SIM"),
        MINUTE_NS,
        ts_open,
        {
            "open": before,
            "high": high,
            "low": low,
            "close": close,
            "volume": chance.random(count),
        },
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
