"""A fetch imports what the exchange's archives hold, and keeps what came before a failure."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from botcore.app import data, fetching
from botcore.domain.calendar import parse_instant
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.ids import MINUTE_NS
from botcore.kernel.clock import ManualClock
from botcore.venues.live.binance.archive_layout import BinanceUrls

START = parse_instant("2022-01-01")
NOW = parse_instant("2022-02-02T00:30")


def row(at: int) -> list[object]:
    ms = at // 1_000_000
    return [ms, "100.0", "101.0", "99.0", "100.5", "3.0", ms + 59_999, "1", 5, "1", "1", "0"]


def month() -> bytes:
    begin = parse_instant("2022-01-01")
    lines = [",".join(map(str, row(begin + i * MINUTE_NS))) for i in range(31 * 1_440)]
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("BTCUSDT-1m-2022-01.csv", "\n".join(lines))
    return target.getvalue()


class Exchange(http.server.BaseHTTPRequestHandler):
    """The archive has January, the klines route everything; `broken` breaks the route."""

    archive = month()
    broken = False

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path.endswith("BTCUSDT-1m-2022-01.zip"):
            self._answer(200, self.archive)
        elif address.path.endswith("BTCUSDT-1m-2022-01.zip.CHECKSUM"):
            digest = hashlib.sha256(self.archive).hexdigest()
            self._answer(200, f"{digest}  BTCUSDT-1m-2022-01.zip\n".encode())
        elif address.path.endswith("/klines") and not self.broken:
            self._answer(200, self._klines(parse_qs(address.query)))
        else:
            self._answer(404 if address.path.startswith("/data/") else 400, b"{}")

    def _klines(self, asked: dict[str, list[str]]) -> bytes:
        first, last = (int(asked[key][0]) * 1_000_000 for key in ("startTime", "endTime"))
        first = -(-first // MINUTE_NS) * MINUTE_NS
        count = int(asked.get("limit", ["500"])[0])
        stamps = range(first, min(last, NOW) + 1, MINUTE_NS)[:count]
        return json.dumps([row(at) for at in stamps]).encode()

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def urls(monkeypatch: pytest.MonkeyPatch) -> Iterator[BinanceUrls]:
    monkeypatch.setattr(Exchange, "broken", False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exchange) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://127.0.0.1:{server.server_port}"
        yield BinanceUrls(archive=base, spot=base, futures=base)
        server.shutdown()
        thread.join()


def fetch(home: Path, urls: BinanceUrls, *, start: str = "2022-01-01") -> fetching.Fetched:
    return fetching.fetch(
        overrides={"home": home},
        instrument="BTCUSDT.BINANCE",
        timeframe="1m",
        start=start,
        end=None,
        progress=lambda _done, _total: None,
        urls=urls,
        clock=ManualClock(NOW),
    )


def test_e12_a_fetch_ends_with_the_last_finished_candle(tmp_path: Path, urls: BinanceUrls) -> None:
    fetched = fetch(tmp_path, urls)

    (info,) = data.series(overrides={"home": tmp_path})
    assert fetched.files == 1
    assert (info.first, info.end) == (START, NOW)
    assert info.gaps == ()
    assert info.rows == fetched.added == (NOW - START) // MINUTE_NS


def test_a_second_fetch_adds_nothing(tmp_path: Path, urls: BinanceUrls) -> None:
    fetch(tmp_path, urls)

    again = fetch(tmp_path, urls)

    assert (again.added, again.conflicts) == (0, 0)


def test_what_came_before_a_failure_is_kept(
    tmp_path: Path, urls: BinanceUrls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Exchange, "broken", True)

    with pytest.raises(BotError):
        fetch(tmp_path, urls)

    (info,) = data.series(overrides={"home": tmp_path})
    assert info.rows == 31 * 1_440


def test_a_range_that_ends_before_it_begins_is_refused(tmp_path: Path, urls: BinanceUrls) -> None:
    with pytest.raises(ConfigError, match="RANGE_EMPTY"):
        fetch(tmp_path, urls, start="2023-01-01")


def test_a_mirror_that_the_settings_name_is_asked(tmp_path: Path, urls: BinanceUrls) -> None:
    fetched = fetching.fetch(
        overrides={
            "home": tmp_path,
            "binance_archives": urls.archive,
            "binance_rest": urls.spot,
        },
        instrument="BTCUSDT.BINANCE",
        timeframe="1m",
        start="2022-01-01",
        end=None,
        progress=lambda _done, _total: None,
        clock=ManualClock(NOW),
    )

    assert fetched.files == 1
    assert fetched.added == (NOW - START) // MINUTE_NS
