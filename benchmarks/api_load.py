"""The API under load: reads, orders, open orders and a login flood beside a busy engine."""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from botcore.domain.events import OrderPlaced
from botcore.domain.orders import OrderState
from botcore.domain.records import RecordKind, decode_fact
from botcore.storage import TapeReader

import machine
from api_generator import Ask, Plan
from api_market import symbols
from api_platform import Bare, Exchange, Platform, Spent, people_of, spent, until
from results import Section, table

NAME = "api"
TITLE = "The API under load, beside an engine that takes 1,000 market updates/s"
_HERE = Path(__file__).resolve().parent

_INSTRUMENTS = 64
_FRAMES_PER_S = 1_400
"""Quotes and prints that the exchange sends; the feed folds what comes within 100 ms together."""
_UPDATES_PER_S = 1_000
_STRATEGIES, _TRADED = ("rsi", "ema-cross"), 10
"""Strategies, and how many of the instruments they trade; the others are only followed."""
_CASH = 10_000_000
_USERS, _KEYS_EACH = 20, 2

_CACHED_S, _CACHED_SHARE = 5.0, 0.6
_READS_PER_S, _READ_S, _READ_P95_MS, _READ_P99_MS = 500, 15.0, 20, 50
_PROBES_PER_S = 10
"""Orders beside the reads: decision latency is measured on them."""
_DECISION_MS = 1
_FLOOD_PER_S, _FLOOD_S, _FLOOD_ADDRESSES = 50, 10.0, 50
_FLOOD_READS_PER_S, _FLOOD_P95_MS = 200, 100
_ORDERS_PER_S, _ORDERS_S = 100, 60
_WATCHERS, _SOCKETS_EACH, _WATCHED_PER_S, _WATCHED_S = 100, 5, 1, 30
_OPEN_ORDERS, _FILL_PER_S = 10_000, 170
_IDLE_MB, _HELP_S = 400, 0.3
_IDLE_S = _QUIET_S = 10.0
_SETTLE_S, _CALM_FRAC, _CALM_TRIES = 3.0, 0.25, 40

_AMPLE = {
    "rates__service_per_min": "10000000",
    "rates__service_burst": "1000000",
    "rates__global_per_s": "100000",
    "rates__global_burst": "100000",
}
"""Of the cached read alone, which goes as fast as it can."""
_TICKER = "/api/v1/market-data/symbols/BTCUSDT.BINANCE/ticker"
_READS = (
    ("account", "/api/v1/account"),
    ("positions", "/api/v1/trading/positions"),
    ("orders", "/api/v1/trading/orders?working=true&limit=50"),
    ("ohlcv", "/api/v1/market-data/symbols/{symbol}/ohlcv?timeframe=1m&limit=100"),
    ("strategies", "/api/v1/strategies"),
    ("health", "/api/v1/health"),
)
_Told = dict[str, Any]


class _Window(NamedTuple):
    """A stretch of time by the machine's wall clock, nanoseconds."""

    start: int
    end: int

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / 1e9


def run(*, repeat: int, only: frozenset[str], say: Callable[[str], None]) -> Section:
    """Measure ``repeat`` times, the orders once, and return the section.

    ``only`` names parts: startup, cached, reads, flood, sockets, orders.
    """
    about = machine.describe()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        load = _Load(folder, repeat=repeat, only=only, say=say)
        stack.callback(load.close)
        body = load.measured()
    words = "Machine: " + "; ".join(f"{label} {value}" for label, value in about) + "."
    return Section(NAME, TITLE, f"{body}\n\n{words}", tuple(load.problems))


class _Load:
    """One run over one home."""

    def __init__(
        self, folder: Path, *, repeat: int, only: frozenset[str], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._repeat = repeat
        self._only = only
        self._say = say
        self._names = symbols(_INSTRUMENTS)
        self._people: dict[str, list[str]] = {}
        self._windows: dict[str, _Window] = {}
        self._rows: list[tuple[str, str, str, str]] = []
        self._notes: list[str] = []
        self.problems: list[str] = []
        home = folder / "home"
        home.mkdir()
        self._platform = Platform(home)
        self._exchange = Exchange(_INSTRUMENTS, _FRAMES_PER_S)

    def close(self) -> None:
        """End every process."""
        self._platform.stop()
        self._exchange.end()

    def measured(self) -> str:
        """Measure everything and return it in words and tables."""
        self._start_up()
        self._use_exchange()
        if self._wants("cached"):
            self._platform.start(_AMPLE)
            self._settle()
            self._cached()
            self._platform.stop()
        self._platform.start({})
        self._settle()
        if self._wants("reads"):
            self._reads()
        if self._wants("flood"):
            self._flood()
        if self._wants("sockets"):
            self._sockets()
        if self._wants("orders"):
            self._orders()
        self._platform.stop()
        self._tell_market()
        return "\n\n".join((_HEAD, table(_COLUMNS, self._rows), *self._notes, _THRESHOLDS))

    # --- the parts

    def _start_up(self) -> None:
        """Start on a fresh home with the defaults, look at it idle, and make the users."""
        rounds = self._repeat if self._wants("startup") else 1
        readies = []
        for number in range(rounds):
            if number:
                self._platform.stop()
            readies.append(self._platform.start({}))
        if self._wants("startup"):
            time.sleep(_IDLE_S)
            memory = {name: each.rss_mb for name, each in self._platform.readings().items()}
            lists = [self._platform.verb("orders", "list") for _ in range(rounds)]
            helps = [self._platform.verb("--help") for _ in range(rounds)]
            both = memory["engine"] + memory["api"]
            self._row("`up` to ready, s", f"{statistics.median(readies):.2f}")
            self._row("`botcore orders list` on what runs, s", f"{statistics.median(lists):.2f}")
            self._goal("`botcore --help`, s", statistics.median(helps), _HELP_S, digits=3)
            self._row("api process idle, MB", f"{memory['api']:.0f}")
            self._goal("engine and api idle, MB", both, _IDLE_MB, digits=0)
            self._row("with the supervisor, MB", f"{sum(memory.values()):.0f}")
            self._say(f"start-up: ready {readies}, list {lists}, help {helps}, memory {memory}")
        users = [f"load{number:02d}" for number in range(_USERS)]
        self._people = people_of(self._platform, users, _KEYS_EACH)
        self._platform.stop()

    def _use_exchange(self) -> None:
        """Write the settings of what follows."""
        instruments = json.dumps([f"{name}.BINANCE" for name in self._names])
        strategies = "".join(f'[strategies.{each}]\nstrategy = "{each}"\n' for each in _STRATEGIES)
        tiers = "".join(f'"{name}" = "service"\n' for name in self._people)
        (self._platform.home / "settings.toml").write_text(
            f'feed = "binance"\nfeed_instruments = {instruments}\nhistory_days = 0.1\n'
            f'binance_rest = "{self._exchange.urls["rest"]}"\n'
            f'binance_streams = "{self._exchange.urls["streams"]}"\n'
            f'cash = "{_CASH}"\n{strategies}[limits]\norders_per_s = 1000\n[rates.tiers]\n{tiers}'
        )
        self._platform.start({})
        traded = {"symbols": [f"{name}.BINANCE" for name in self._names[:_TRADED]]}
        for each in _STRATEGIES:
            address = f"/api/v1/strategies/{each}"
            self._platform.must("PUT", address, traded, credential=self._keys()[0])
        self._platform.stop()

    def _cached(self) -> None:
        """Ask for a cached answer as fast as it goes: ours, and the bare route's, in turn."""
        found: list[tuple[_Told, Spent, _Told, Spent]] = []
        mine = Plan(
            port=self._platform.port,
            asks=[_get("ticker", _TICKER, each) for each in self._credentials()],
            seconds=_CACHED_S,
            connections=16,
        )
        with Bare() as bare:
            theirs = Plan(
                port=bare.port,
                asks=[_get("bare", "/ticker", "")],
                seconds=_CACHED_S,
                connections=16,
            )
            for number in range(self._repeat):
                ours, used = self._over(f"cached-{number}", [mine])
                before = bare.reading()
                other = self._generate(theirs)
                found.append((ours[0], used["api"], other, spent(before, bare.reading())))
                self._must_be("cached", ours[0], {"200"})
                self._say(f"{number + 1}/{self._repeat} cached: {_cores(*found[-1][:2]):.0f}/s a"
                          f" core, bare: {_cores(*found[-1][2:]):.0f}")  # fmt: skip
        our = statistics.median(_cores(ours, used) for ours, used, _, _ in found)
        their = statistics.median(_cores(other, used) for _, _, other, used in found)
        self._row("cached read, requests/s a core", f"{our:,.0f}")
        self._row("bare FastAPI route, the same", f"{their:,.0f}")
        self._goal("ratio of these", our / their, _CACHED_SHARE, digits=2, is_least=True)
        self._notes.append(
            "Cached read: a ticker (kept for 1 s) asked for by all sessions and keys in turn over"
            " 16 connections, closed loop; a core's worth is requests by the CPU seconds of the"
            " whole process, so that market, views and access rows count. The bare route answers"
            " the same fields with the same server options. Reached"
            f" {_middle(ours['per_s'] for ours, *_ in found):,.0f}/s and"
            f" {_middle(other['per_s'] for _, _, other, _ in found):,.0f}/s; generator"
            f" {_middle(ours['cpu_frac'] for ours, *_ in found):.0%} of a core."
        )

    def _reads(self) -> None:
        """Read all kinds at a steady rate, and place a few orders beside."""
        found: list[tuple[_Told, dict[str, Spent], _Told]] = []
        for number in range(self._repeat):
            count = round((_READ_S + 1) * _READS_PER_S)
            plan = Plan(
                port=self._platform.port,
                asks=self._mixed(count, order_after=_READS_PER_S // _PROBES_PER_S),
                rate=float(_READS_PER_S + _PROBES_PER_S),
                seconds=_READ_S,
                is_once=True,
                apart=["order"],
            )
            (told,), used = self._over(f"reads-{number}", [plan])
            found.append((told, used, self._platform.view()))
            self._must_be("reads", told, {"200", "201"})
            self._say(f"{number + 1}/{self._repeat} reads: {_short(told)}")
        what = f"{_READS_PER_S} reads/s"
        all_ = [told["all"] for told, _, _ in found]
        self._row(f"{what}, p50 ms", f"{_middle(each['p50'] for each in all_):.1f}")
        self._goal("p95 ms", _middle(each["p95"] for each in all_), _READ_P95_MS)
        self._goal("p99 ms", _middle(each["p99"] for each in all_), _READ_P99_MS)
        self._row("largest ms", f"{_middle(each['max'] for each in all_):.0f}")
        self._decisions("meanwhile", [view for _, _, view in found])
        self._waits([used for _, used, _ in found])
        kinds = ", ".join(
            f"{kind} {_middle(told['kinds'][kind]['p99'] for told, _, _ in found):.1f}"
            for kind in found[0][0]["kinds"]
        )
        late = _middle(told["late_ms"]["p99"] for told, _, _ in found)
        self._notes.append(
            f"Reads: {_READ_S:.0f} s a run, open loop over 32 connections, six kinds in turn and"
            f" {_PROBES_PER_S} orders/s beside them; p99 ms by kind: {kinds}."
            f" {self._shares([(used, told['cpu_frac']) for told, used, _ in found])}"
            f" The generator itself was {late:.1f} ms late at its p99, which counts as ours."
        )

    def _flood(self) -> None:
        """Guess passwords from many addresses while others read."""
        found, statuses, shares = [], Counter[str](), []
        for number in range(self._repeat):
            network = f"127.{10 + number}.0"
            guesses = Plan(
                port=self._platform.port,
                asks=[_login(each) for each in range(round((_FLOOD_S + 1) * _FLOOD_PER_S))],
                rate=float(_FLOOD_PER_S),
                seconds=_FLOOD_S,
                is_once=True,
                sources=[f"{network}.{place + 1}" for place in range(_FLOOD_ADDRESSES)],
            )
            reads = Plan(
                port=self._platform.port,
                asks=self._mixed(round((_FLOOD_S + 1) * _FLOOD_READS_PER_S)),
                rate=float(_FLOOD_READS_PER_S),
                seconds=_FLOOD_S,
            )
            (told, flood), used = self._over(f"flood-{number}", [reads, guesses])
            self._must_be("reads beside the flood", told, {"200"})
            found.append(told["all"])
            statuses.update(flood["statuses"])
            shares.append((used, told["cpu_frac"] + flood["cpu_frac"]))
            self._say(f"{number + 1}/{self._repeat} flood: {_short(told)}, {flood['statuses']}")
            self._calm()
        what = f"{_FLOOD_READS_PER_S} reads/s beside the login flood"
        self._row(f"{what}, p50 ms", f"{_middle(each['p50'] for each in found):.1f}")
        self._goal("p95 ms", _middle(each["p95"] for each in found), _FLOOD_P95_MS)
        self._row("p99 ms", f"{_middle(each['p99'] for each in found):.1f}")
        answers = ", ".join(f"{count:,} × {status}" for status, count in sorted(statuses.items()))
        self._notes.append(
            f"Flood: {_FLOOD_PER_S} wrong passwords/s for {_FLOOD_S:.0f} s from"
            f" {_FLOOD_ADDRESSES} addresses, of loopback, others in each run, each guess over a"
            f" connection of its own; answered {answers} (401 was hashed with argon2id, 64 MiB and"
            " 3 passes, on threads that give way; 429 was refused before: 64 passwords wait, or an"
            f" address's budget is used up). {self._shares(shares)}"
        )

    def _sockets(self) -> None:
        """Have 500 sockets of 100 people watch orders that are placed meanwhile."""
        self._calm()
        people = people_of(self._platform, [f"watch{n:02d}" for n in range(_WATCHERS)], 0)
        trader = self._keys()[0]
        plan = {
            "port": self._platform.port,
            "watchers": [session for kept in people.values() for session in kept],
            "sockets_each": _SOCKETS_EACH,
            "orders": [self._body(number) for number in range(_WATCHED_PER_S * _WATCHED_S)],
            "rate": _WATCHED_PER_S,
            "trader": trader,
        }
        path = self._folder / "sockets.json"
        path.write_text(json.dumps(plan))
        process = subprocess.Popen(
            [sys.executable, "api_sockets.py", str(path)],
            cwd=_HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        try:
            json.loads(process.stdout.readline())
            self._calm()
            before = self._platform.readings()
            said, _ = process.communicate("go\n", timeout=120)
            after = self._platform.readings()
        finally:
            process.kill()
            process.wait()
        told = json.loads(said.splitlines()[-1])
        used = {each: spent(before[each], after[each]) for each in before}
        self._say(f"sockets: {told}")
        if told["missing"]:
            self.problems.append(f"sockets: {told['missing']} frames did not come")
        what = f"{told['sockets']} sockets, {told['frames_per_s']:,.0f} frames/s: an order from"
        for name, words in (
            ("whole", f"{what} its request to each socket"),
            ("spread", "the same from the first socket to each"),
        ):
            found = told[f"{name}_ms"]
            self._row(f"{words}, p50; p99 ms", f"{found['p50']:.1f}; {found['p99']:.1f}")
        self._notes.append(
            f"Sockets: {_WATCHERS} people with {_SOCKETS_EACH} each, by tickets, all follow orders;"
            f" {_WATCHED_PER_S} order/s for {_WATCHED_S} s through REST, and its time runs from"
            " before the request is sent, so that the journal's, the audit's and the key's"
            f" durability are in it. {self._shares([(used, told['cpu_frac'])])}"
        )

    def _orders(self) -> None:
        """Place orders for a minute, count them in the journal, go on to 10,000 open ones."""
        self._calm()
        before = self._watched("none open")
        told, used = self._place("orders", _ORDERS_PER_S, _ORDERS_PER_S * _ORDERS_S)
        view, ids, journal = self._platform.view(), self._placed("orders"), self._journal()
        lost = sum(journal[each] == 0 for each in ids)
        twice = len(ids) - len(set(ids)) + sum(journal[each] > 1 for each in ids)
        good = told["statuses"].get("201", 0)
        self._row(
            f"{_ORDERS_PER_S} orders/s for {_ORDERS_S} s, answered 201",
            f"{good:,} of {told['sent']:,}",
            "all",
            is_met=good == told["sent"],
        )
        self._row(
            "of these in the journal; lost; twice",
            f"{len(ids) - lost:,}; {lost}; {twice}",
            "all; 0; 0",
            is_met=not lost and not twice and len(ids) == good,
        )
        for name in ("p50", "p95", "p99", "max"):
            self._row(f"order to answer, {name} ms", f"{told['all'][name]:.1f}")
        self._decisions("of these orders", [view])
        self._say(f"orders: {_short(told)}, {told['statuses']}, lost {lost}, twice {twice}")
        more = _OPEN_ORDERS - self._working()
        if more > 0:
            filled, _ = self._place("filling", _FILL_PER_S, more)
            self._must_be("further orders", filled, {"201"})
        self._calm()
        self._open = self._working()
        self._costs = (before, self._watched("many open"))
        self._notes.append(
            f"Orders: buys that rest 3 % below the price, by the keys of {_USERS} users in turn,"
            " open loop, an Idempotency-Key each; the answer comes when journal, audit and key are"
            " durable. The ids that were answered were looked for in `engine.db`, by another"
            f" process, while the platform ran on. {self._shares([(used, told['cpu_frac'])])}"
        )

    def _tell_market(self) -> None:
        """Say what the engine took, by its tape, and what an update cost it."""
        sent = self._exchange.end()
        updates = self._updates()
        for name, rate in updates.items():
            if rate < _UPDATES_PER_S:
                self.problems.append(f"{name}: the engine took {rate:.0f} updates/s only")
        if not updates or not sent:
            return
        took = f"{min(updates.values()):,.0f} to {max(updates.values()):,.0f}"
        self._notes.append(
            f"Market: {_INSTRUMENTS} instruments of a local exchange that speaks Binance's"
            f" protocol, {sent['sent'] / sent['seconds']:,.0f} quotes and prints a second"
            f" ({sent['cpu_s'] / sent['seconds']:.0%} of a core, in its own process);"
            f" the engine took {took} updates/s, counted on its tape, and ran"
            f" {len(_STRATEGIES)} strategies on {_TRADED} of the instruments."
        )
        if "many open" not in updates:
            return
        none, many = (
            each["engine"].cpu_s / (updates[name] * self._windows[name].seconds) * 1e6
            for name, each in zip(("none open", "many open"), self._costs, strict=True)
        )
        self._row(
            f"engine's CPU an update, µs: no order open; {self._open:,}", f"{none:.0f}; {many:.0f}"
        )
        for name in ("engine", "api"):
            empty, full = (each[name].rss_mb for each in self._costs)
            self._row(f"{name}'s memory, MB: the same", f"{empty:.0f}; {full:.0f}")

    # --- what is measured with

    def _wants(self, what: str) -> bool:
        return not self._only or what in self._only

    def _generate(self, *plans: Plan) -> _Told:
        return self._generated(plans)[0]

    def _generated(self, plans: Sequence[Plan]) -> list[_Told]:
        """Carry plans out at the same time, each in a process of its own."""
        processes = []
        for plan in plans:
            path = self._folder / f"plan-{uuid.uuid4().hex}.json"
            path.write_bytes(msgspec.json.encode(plan))
            command = [sys.executable, "api_generator.py", str(path)]
            processes.append(
                subprocess.Popen(command, cwd=_HERE, stdout=subprocess.PIPE, text=True)
            )
        told = []
        for process in processes:
            try:
                said, _ = process.communicate(timeout=300)
            finally:
                process.kill()
                process.wait()
            told.append(dict(json.loads(said)))
        return told

    def _over(self, name: str, plans: Sequence[Plan]) -> tuple[list[_Told], dict[str, Spent]]:
        """Carry plans out; return what they tell, and what each process took meanwhile."""
        start, before = time.time_ns(), self._platform.readings()
        told = self._generated(plans)
        after = self._platform.readings()
        self._windows[name] = _Window(start, time.time_ns())
        return told, {each: spent(before[each], after[each]) for each in before}

    def _watched(self, name: str) -> dict[str, Spent]:
        """Look at the processes while nobody asks anything."""
        start, before = time.time_ns(), self._platform.readings()
        time.sleep(_QUIET_S)
        after = self._platform.readings()
        self._windows[name] = _Window(start, time.time_ns())
        return {each: spent(before[each], after[each]) for each in before}

    def _settle(self) -> None:
        """Wait until prices are live."""
        until(lambda: self._platform.view()["feed"]["status"] == "live", "live prices")
        self._calm()

    def _calm(self) -> None:
        """Wait until the api process has done what it was left with."""
        for _ in range(_CALM_TRIES):
            before = self._platform.readings()["api"]
            time.sleep(_SETTLE_S / 3)
            if spent(before, self._platform.readings()["api"]).cpu_frac < _CALM_FRAC:
                break
        time.sleep(_SETTLE_S)

    def _place(self, name: str, rate: float, count: int) -> tuple[_Told, dict[str, Spent]]:
        keys = self._keys()
        plan = Plan(
            port=self._platform.port,
            asks=[self._order(number, keys[number % len(keys)]) for number in range(count)],
            rate=rate,
            seconds=count / rate,
            warm_s=0.0,
            is_once=True,
            connections=64,
            answers=str(self._folder / name),
        )
        (told,), used = self._over(name, [plan])
        return told, used

    def _placed(self, name: str) -> list[str]:
        """Return the ids of the orders that were answered with 201."""
        lines = (self._folder / name).read_text().splitlines()
        words = [line.split() for line in lines]
        return [order for _, status, order in words if status == "201"]

    def _journal(self) -> Counter[str]:
        """Return how often each order was placed, by the facts of the journal."""
        found = Counter[str]()
        query = "select payload from journal where kind = ?"
        for (payload,) in self._asked(query, [str(RecordKind.FACT)]):
            fact = decode_fact(payload)
            if isinstance(fact, OrderPlaced):
                found[fact.order.client_order_id] += 1
        return found

    def _working(self) -> int:
        ended = [str(state) for state in OrderState if state.is_terminal]
        marks = ",".join("?" * len(ended))
        query = f"select count(*) from orders where state not in ({marks})"  # noqa: S608  # only marks
        return int(next(iter(self._asked(query, ended)))[0])

    def _asked(self, query: str, values: Sequence[str]) -> Iterable[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self._state / 'engine.db'}?mode=ro", uri=True) as base:
            yield from base.execute(query, values)
        base.close()

    def _updates(self) -> dict[str, float]:
        """Return how many updates the engine took a second in each window, by its tape."""
        found = Counter[str]()
        for record in TapeReader(self._state / "tape").read():
            for name, window in self._windows.items():
                found[name] += window.start <= record.key.ts < window.end
        return {name: found[name] / window.seconds for name, window in self._windows.items()}

    @property
    def _state(self) -> Path:
        home: Path = self._platform.home
        return home / "markets" / "binance"

    # --- who asks for what

    def _credentials(self) -> list[str]:
        return [each for kept in self._people.values() for each in kept]

    def _keys(self) -> list[str]:
        return [
            each for name, kept in self._people.items() if name.startswith("key:") for each in kept
        ]

    def _mixed(self, count: int, *, order_after: int = 0) -> list[Ask]:
        """Return so many reads by all sessions and keys in turn, an order after so many."""
        credentials, keys = self._credentials(), self._keys()
        asks: list[Ask] = []
        for number in range(count):
            kind, path = _READS[number % len(_READS)]
            symbol = f"{self._names[number // len(_READS) % _INSTRUMENTS]}.BINANCE"
            credential = credentials[number % len(credentials)]
            asks.append(_get(kind, path.replace("{symbol}", symbol), credential))
            if order_after and number % order_after == order_after - 1:
                turn = number // order_after
                asks.append(self._order(turn, keys[turn % len(keys)]))
        return asks

    def _order(self, number: int, credential: str) -> Ask:
        """Return a buy that rests 3 % below the price."""
        key = f"Idempotency-Key: {uuid.uuid4()}\r\n"
        return _post("order", "/api/v1/trading/orders", self._body(number), credential, key)

    def _body(self, number: int) -> dict[str, str]:
        return {
            "instrument": f"{self._names[number % _INSTRUMENTS]}.BINANCE",
            "side": "BUY",
            "type": "LIMIT",
            "quantity": "0.06",
            "limit_price": "97.00",
        }

    # --- what is told

    def _must_be(self, what: str, told: _Told, good: set[str]) -> None:
        bad = {status: count for status, count in told["statuses"].items() if status not in good}
        if bad or told["broken"] or told["unanswered"]:
            self.problems.append(
                f"{what}: answered {bad}, {told['broken']} broken, {told['unanswered']} unanswered"
            )

    def _decisions(self, when: str, views: Sequence[_Told]) -> None:
        p50, p99 = ([view.get(f"decision_{name}_s") for view in views] for name in ("p50", "p99"))
        if None in (*p50, *p99):
            self.problems.append(f"decision latency {when} was not told")
            return
        self._row(f"decision latency {when}, p50 ms", f"{_middle(p50) * 1e3:.2f}")
        self._goal("p99 ms", _middle(p99) * 1e3, _DECISION_MS, digits=2)

    def _waits(self, found: Sequence[dict[str, Spent]]) -> None:
        for name in ("engine", "api"):
            a_slice, a_second = (
                _middle(getattr(used[name], each) for used in found)
                for each in ("wait_ms_a_slice", "wait_ms_a_s")
            )
            self._row(
                f"{name}'s wait for a core, ms: each time; in a second",
                f"{a_slice:.2f}; {a_second:.0f}",
            )

    def _shares(self, found: Sequence[tuple[dict[str, Spent], float]]) -> str:
        api, engine = (
            _middle(used[name].cpu_frac for used, _ in found) for name in ("api", "engine")
        )
        generator = _middle(share for _, share in found)
        return f"Shares of a core: api {api:.0%}, engine {engine:.0%}, generators {generator:.0%}."

    def _goal(
        self, what: str, value: float, limit: float, *, digits: int = 1, is_least: bool = False
    ) -> None:
        is_met = value >= limit if is_least else value < limit
        self._row(
            what, f"{value:.{digits}f}", f"{'≥' if is_least else '<'} {limit:g}", is_met=is_met
        )

    def _row(self, what: str, value: str, goal: str = "", *, is_met: bool | None = None) -> None:
        verdict = "" if is_met is None else "met" if is_met else "**not met**"
        self._rows.append((what, value, goal, verdict))


_HEAD = (
    "Medians of the runs; orders and open orders once. Sign-in, roles, limits, audit and access"
    " rows are on; a third of the calls comes with access tokens (RS256), the others with API keys."
    " Latency is from the instant at which a request was due to its answer's last byte. Everything"
    " runs on the same cores: platform, exchange and generators, each in processes of their own."
    " Decision latency is the engine's own, over its last minute: input taken to approved order,"
    " strategies' orders at the minutes' ends among them. The wait for a core is that of"
    " the main thread, from `/proc/<pid>/schedstat`."
)
_COLUMNS = ("what", "measured", "goal", "")
_THRESHOLDS = (
    f"Thresholds: tier `service` for all of {_USERS} users and {_USERS * _KEYS_EACH} keys"
    " (`rates.tiers`) and the engine's `limits.orders_per_s` 1000, for all trade on one account;"
    " all others as they are by default: orders 10/s a user, global 1,000/s, sign-in 20/min an"
    " address. Of the cached read alone: "
    + ", ".join(f"`{name.replace('__', '.')}` {value}" for name, value in _AMPLE.items())
    + "."
)


def _cores(told: _Told, used: Spent) -> float:
    """Return requests by CPU second."""
    return float(told["answered"] / used.cpu_s)


def _middle(values: Iterable[Any]) -> float:
    return float(statistics.median(values))


def _short(told: _Told) -> str:
    all_ = told["all"]
    return f"p50 {all_['p50']:.1f}, p95 {all_['p95']:.1f}, p99 {all_['p99']:.1f} ms"


def _head(method: str, path: str, credential: str, more: str = "") -> str:
    authorization = f"Authorization: {credential}\r\n" if credential else ""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n"
        f"{authorization}{more}"
    )


def _get(kind: str, path: str, credential: str) -> Ask:
    return Ask(kind, _head("GET", path, credential) + "\r\n")


def _post(kind: str, path: str, body: object, credential: str, more: str = "") -> Ask:
    text = json.dumps(body)
    length = f"Content-Type: application/json\r\nContent-Length: {len(text)}\r\n"
    return Ask(kind, f"{_head('POST', path, credential, more)}{length}\r\n{text}")


def _login(number: int) -> Ask:
    body = {"username": f"guess{number}", "password": f"not the right one {number}"}
    return _post("login", "/api/v1/auth/login", body, "")
