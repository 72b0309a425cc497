"""An exchange on loopback that prints and quotes at a steady rate: what the engine follows.

``python api_market.py INSTRUMENTS RATE`` serves Binance's public routes and streams (the server of
the tests), prints one JSON line with its addresses, and sends RATE quotes and prints a second, half
of each, spread over the instruments, with the candles of each minute beside them, until its stdin
is closed. Then it prints one JSON line: what it sent, and the CPU it took.
"""

from __future__ import annotations

import json
import resource
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from botcore.domain.ids import MINUTE_NS
from botcore.kernel.clock import SystemClock
from tests.support.binance_stream_server import (
    MS,
    BinanceStreamServer,
    a_candle,
    a_kline_row,
    a_quote,
    a_trade,
)

_HISTORY = 180
"""Minutes of candles before the first one."""
_BEAT_S = 0.01
_LIFE_S = 900.0
"""It ends by itself, whatever became of who started it."""


def symbols(count: int) -> list[str]:
    """Return the names that are listed."""
    return ["BTCUSDT", *(f"L{number:02d}USDT" for number in range(1, count))]


def price_of(number: int, at_s: float) -> float:
    """Return a price that swings by half a per cent about 100, each at its own pace."""
    phase = (at_s / (600 + 37 * (number % 11)) + number * 0.37) % 1.0
    return 100.0 + abs(phase - 0.5) * 2 - 0.5


def rules_of(symbol: str) -> dict[str, object]:
    """Return a symbol's filters as the exchange tells them."""
    return {
        "symbol": symbol,
        "status": "TRADING",
        "baseAsset": symbol.removesuffix("USDT"),
        "quoteAsset": "USDT",
        "filters": [
            {"filterType": "PRICE_FILTER", "tickSize": "0.01", "minPrice": "0.01"}
            | {"maxPrice": "1e6"},
            {"filterType": "LOT_SIZE", "stepSize": "0.00001", "minQty": "0.00001"}
            | {"maxQty": "9000000"},
            {"filterType": "NOTIONAL", "minNotional": "5"},
        ],
    }


class Exchange:
    """Sends until it is stopped."""

    def __init__(self, server: BinanceStreamServer, names: list[str], rate: float) -> None:
        self._server = server
        self._names = names
        self._rate = rate
        self._clock = SystemClock()
        self.sent = 0
        self.behind_s = 0.0
        opens = self._clock.now_ns() // MINUTE_NS * MINUTE_NS
        self._minute = opens
        for at, name in enumerate(names):
            server.klines[name] = [
                a_kline_row(opens - back * MINUTE_NS, _flat(price_of(at, opens / 1e9 - back * 60)))
                for back in range(_HISTORY, 0, -1)
            ]
        server.symbols = [rules_of(name) for name in names]

    def run(self, stopping: threading.Event) -> None:
        """Send on time; what is late is sent at once, and the longest delay is kept."""
        began = time.monotonic()
        next_candles = began
        while not stopping.wait(_BEAT_S) and time.monotonic() - began < _LIFE_S:
            passed = time.monotonic() - began
            count = int(passed * self._rate) - self.sent
            self.behind_s = max(self.behind_s, count / self._rate)
            lines = self._ticks(count)
            now = self._clock.now_ns()
            if now // MINUTE_NS * MINUTE_NS != self._minute and now % MINUTE_NS > 300 * MS:
                lines += self._closed()
            if time.monotonic() >= next_candles:
                next_candles += 2.0
                lines += self._candles(now)
            self._server.push_all(lines)

    def _ticks(self, count: int) -> list[str]:
        lines = []
        now = self._clock.now_ns()
        for _ in range(count):
            number, self.sent = self.sent, self.sent + 1
            at = number // 2 % len(self._names)
            name, price = self._names[at], price_of(at, now / 1e9)
            if number % 2:
                lines.append(a_trade(name, number, f"{price:.2f}", now))
            else:
                lines.append(a_quote(name, number, f"{price - 0.01:.2f}", f"{price + 0.01:.2f}"))
        return lines

    def _closed(self) -> list[str]:
        opens, self._minute = self._minute, self._minute + MINUTE_NS
        lines = []
        for at, name in enumerate(self._names):
            prices = _flat(price_of(at, opens / 1e9))
            self._server.klines[name].append(a_kline_row(opens, prices))
            lines.append(a_candle(name, opens, prices))
        return lines

    def _candles(self, now: int) -> list[str]:
        opens = now // MINUTE_NS * MINUTE_NS
        return [
            a_candle(name, opens, _flat(price_of(at, now / 1e9)), is_closed=False)
            for at, name in enumerate(self._names)
        ]


def _flat(price: float) -> tuple[str, str, str, str]:
    return (f"{price:.2f}", f"{price + 0.05:.2f}", f"{price - 0.05:.2f}", f"{price + 0.01:.2f}")


def main() -> None:
    """Serve until stdin is closed."""
    count, rate = int(sys.argv[1]), float(sys.argv[2])
    stopping = threading.Event()
    with BinanceStreamServer(SystemClock()) as server:
        exchange = Exchange(server, symbols(count), rate)
        thread = threading.Thread(target=exchange.run, args=(stopping,), daemon=True)
        thread.start()
        began = time.monotonic()
        _say({"rest": server.rest_url, "streams": server.stream_url})
        sys.stdin.read()
        stopping.set()
        thread.join(10)
        used = resource.getrusage(resource.RUSAGE_SELF)
        _say(
            {
                "sent": exchange.sent,
                "seconds": time.monotonic() - began,
                "behind_s": exchange.behind_s,
                "cpu_s": used.ru_utime + used.ru_stime,
            }
        )


def _say(found: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
