"""Orders that are filed by price fill, move and end as orders that are looked at one by one."""

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
import pytest
from tests.support.many_orders import NEVER, many_above
from tests.support.venue_session import MINUTES, PAPER, a_config, an_instrument

from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId, Nanos, StrategyId
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import Bar, BarFlag, BarOpened, BarsClosed
from botcore.domain.orders import OrderRef, OrderSpec, OrderType, Side, TimeInForce
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated import SimulatedVenue

T = TypeVar("T")
STEP = MINUTES.step_ns
BARS = 80
NEW_RULES = 50 * STEP
ACCOUNTS = (PAPER, AccountId("other"))
INSTRUMENTS = InstrumentBook(
    [
        an_instrument("AAUSDT.SIM", valid_to=NEW_RULES),
        an_instrument("AAUSDT.SIM", tick="0.25", lot="1", version=2, valid_from=NEW_RULES),
        an_instrument("BBUSDT.SIM", tick="0.5"),
    ]
)
KINDS = [(kind, TimeInForce.GTC) for kind in OrderType] + [
    (OrderType.LIMIT, TimeInForce.GTC),
    (OrderType.LIMIT, TimeInForce.GTC),
    (OrderType.LIMIT, TimeInForce.GTD),
    (OrderType.STOP, TimeInForce.GTD),
    (OrderType.LIMIT, TimeInForce.IOC),
    (OrderType.LIMIT, TimeInForce.FOK),
    (OrderType.MARKET, TimeInForce.IOC),
]


class Twins:
    """Two venues that are told the same and must say the same: one files every order, one none."""

    def __init__(self, **config: Any) -> None:
        def a_venue() -> SimulatedVenue:
            return SimulatedVenue(instruments=INSTRUMENTS, config=a_config(**config))

        self.filing, self.looking = a_venue(), a_venue()

    def both(self, act: Callable[[SimulatedVenue], T]) -> T:
        with many_above(0):
            one = act(self.filing)
        with many_above(NEVER):
            other = act(self.looking)
        assert one == other
        return one

    def drawn(self, begin: Callable[[SimulatedVenue], Any]) -> Iterator[VenueReport]:
        """Report by report, so that what is answered in between reaches both."""
        streams: dict[SimulatedVenue, Iterator[VenueReport]] = {}

        def take(venue: SimulatedVenue) -> VenueReport | None:
            if venue not in streams:
                streams[venue] = iter(begin(venue))
            return next(streams[venue], None)

        while (report := self.both(take)) is not None:
            yield report


class BusyMarket:
    """Orders of every kind at two venues over a walk of prices, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        self.twins = Twins(
            participation_ppm=self.one_of([None, 100_000]),
            optimistic=bool(self.one_of([0, 1])),
            gap_improvement=bool(self.one_of([0, 1])),
            slippage_ppm=self.one_of([0, 200]),
            taker_fee_ppm=1_000,
        )
        for account in ACCOUNTS:
            for currency, amount in (("USDT", "40000"), ("AA", "300"), ("BB", "300")):
                self.tell("deposit", account, Currency(currency), Decimal(amount))
        self.prices = dict.fromkeys(INSTRUMENTS.ids(), 100.0)
        self.sent: dict[ClientOrderId, OrderSpec] = {}
        self.seen: Counter[str] = Counter()
        self.most = 0
        self.minute = 0

    def one_of(self, values: list[Any]) -> Any:
        return values[int(self.chance.integers(len(values)))]

    def tell(self, what: str, *given: Any) -> Any:
        return self.twins.both(lambda venue: getattr(venue, what)(*given))

    def run(self) -> None:
        for _ in range(BARS):
            for _ in range(int(self.chance.integers(6))):
                self.send({})
            for _ in range(int(self.chance.integers(2))):
                self.change_or_cancel()
            if self.chance.random() < 0.1:
                self.open_early()
            self.bars()
            if self.chance.random() < 0.05:
                self.tell("restore", self.tell("snapshot"))
            self.tell("snapshot")

    def send(self, fixed: dict[str, Any]) -> None:
        kind, life = self.one_of(KINDS)
        name = fixed.get("instrument") or self.one_of(list(INSTRUMENTS.ids()))
        order: dict[str, Any] = {
            "account": self.one_of(list(ACCOUNTS)),
            "strategy": StrategyId("s"),
            "instrument": name,
            "side": self.one_of(list(Side)),
            "type": kind,
            "quantity": Decimal(self.one_of(["0.5", "1", "3", "20"])),
            "time_in_force": life,
            "reduce_only": self.chance.random() < 0.2,
            "oco_group": self.one_of(["", "", "", "g", "h"]),
        }
        if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT):
            order["limit_price"] = self.a_price(name, -order["side"].sign)
        if kind in (OrderType.STOP, OrderType.STOP_LIMIT):
            order["trigger_price"] = self.a_price(name, order["side"].sign)
        if kind is OrderType.TRAILING_STOP:
            order["trail"] = Decimal(self.one_of(["0.5", "1", "2"]))
        if life is TimeInForce.GTD:
            ends = self.minute * STEP + int(self.chance.integers(1, 8)) * STEP // 2
            order["expires_at"] = Nanos(ends)
        spec = OrderSpec(client_order_id=ClientOrderId(f"n{len(self.sent)}"), **(order | fixed))
        self.sent[spec.client_order_id] = spec
        self.count(self.tell("submit", spec, self.minute * STEP))

    def a_price(self, name: InstrumentId, away: int) -> Decimal:
        """A price that the market has not reached, as a rule."""
        halves = round(self.prices[name] * 2) + away * int(self.chance.integers(-3, 24))
        return Decimal(max(1, halves)) / 2

    def change_or_cancel(self) -> None:
        open_ = [order for account in ACCOUNTS for order in self.tell("open_orders", account)]
        specs = [self.sent[order.client_order_id] for order in open_]
        self.most = max(self.most, len(specs))
        if not specs:
            return
        spec = self.one_of(specs)
        ref = OrderRef(spec.client_order_id, spec.instrument, spec.account)
        ts = self.minute * STEP
        if self.chance.random() < 0.4:
            self.count(self.tell("cancel", ref, ts))
            return
        quantity = self.one_of([None, Decimal(2), Decimal("0.5")])
        limit = None if spec.limit_price is None else self.a_price(spec.instrument, -spec.side.sign)
        trigger = (
            None if spec.trigger_price is None else self.a_price(spec.instrument, spec.side.sign)
        )
        self.count(self.tell("replace", ref, quantity, limit, trigger, ts))

    def open_early(self) -> None:
        name = self.one_of(list(INSTRUMENTS.ids()))
        opened = BarOpened(name, Nanos(self.minute * STEP), self.prices[name])
        self.count(self.twins.drawn(lambda venue: venue.on_open(opened)))

    def bars(self) -> None:
        start = self.minute * STEP
        self.minute += 1
        bars = tuple(self.a_bar(name, start) for name in INSTRUMENTS.ids())
        closed = BarsClosed(Nanos(start + STEP), bars)
        for report in self.twins.drawn(lambda venue: venue.on_bars(closed)):
            self.count([report])
            if report.kind is ReportKind.FILLED and self.chance.random() < 0.5:
                self.answer(report)

    def answer(self, report: VenueReport) -> None:
        """Send an exit or another order, or change one, between the reports of a bar."""
        if self.chance.random() < 0.3:
            self.change_or_cancel()
        fixed: dict[str, Any] = {"account": report.account, "instrument": report.instrument}
        if self.chance.random() < 0.7:
            fixed["parent"] = report.client_order_id
        self.send(fixed)

    def a_bar(self, name: InstrumentId, start: int) -> Bar:
        opened = self.prices[name] + int(self.chance.integers(-2, 3)) * 0.5
        closed = max(5.0, opened + int(self.chance.integers(-6, 7)) * 0.5)
        high = max(opened, closed) + int(self.chance.integers(4)) * 0.5
        low = min(opened, closed) - int(self.chance.integers(4)) * 0.5
        volume = self.one_of([0.0, 15.0, 80.0, 1e6, 1e6])
        flags = int(BarFlag.GAP_BEFORE) if self.chance.random() < 0.05 else 0
        self.prices[name] = closed
        return Bar(name, MINUTES, start, start + STEP, opened, high, low, closed, volume, flags)

    def count(self, reports: Any) -> None:
        for report in reports:
            self.seen[str(report.detail.partition(":")[0] or report.kind)] += 1


@pytest.mark.parametrize("seed", range(12))
def test_filed_orders_match_as_orders_looked_at_one_by_one(seed: int) -> None:
    market = BusyMarket(seed)

    market.run()  # compares every report, and the whole truth after every bar

    assert market.most >= 20
    assert min(market.seen[what] for what in ("FILLED", "REPLACED", "OCO", "GTD", "IOC")) > 5
