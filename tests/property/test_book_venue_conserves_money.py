"""The venue over ticks, whatever comes: money is conserved, and no fill is better than the market.

Beside the venue runs a plain record of what the market showed and printed. From it follow bounds
that any honest queue and any honest walk must keep. Hypothesis draws the assumptions and a seed;
from the seed come some hundred acts, dense enough that most of them meet one another.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.venue_session import COIN, COINUSDT, USDT, an_instrument

from botcore.domain.ids import AccountId, ClientOrderId, Currency, Nanos, StrategyId
from botcore.domain.market import BookDelta, BookSnapshot, PriceLevel, Trade
from botcore.domain.orders import (
    Liquidity,
    OrderRef,
    OrderSpec,
    OrderType,
    Side,
    TimeInForce,
)
from botcore.domain.reports import Fill, ReportKind, VenueReport
from botcore.venues.simulated import FeeMode
from botcore.venues.simulated.book import BookVenue, BookVenueConfig, Latency, QueueModel

BNB = Currency("BNB")
ACCOUNTS = (AccountId("one"), AccountId("two"))
ACTS = 250
KINDS = (*OrderType, OrderType.LIMIT, OrderType.LIMIT, OrderType.LIMIT)
LIVES = (*TimeInForce, TimeInForce.GTC, TimeInForce.GTC)
IMMEDIATE = {TimeInForce.IOC, TimeInForce.FOK}
Levels = dict[float, float]


class Chance:
    """What is drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)

    def one_of(self, *choices: Any) -> Any:
        """One of several, evenly."""
        return choices[int(self._random.integers(len(choices)))]

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        return int(self._random.integers(n))

    def price(self) -> int:
        """A price in or near the spread."""
        return 97 + self.below(7)

    def quantity(self) -> Decimal:
        """A quantity on the grid."""
        return Decimal(self.one_of("0.001", "0.7", "2", "3", "6.013"))

    def levels(self, lowest: int, highest: int) -> Levels:
        """Some levels of a side."""
        prices = range(lowest, highest + 1)
        sizes = (0.0, 0.5, 3.0, 20.0)
        return {float(price): self.one_of(*sizes) for price in prices if self.below(2)}

    def order(self) -> dict[str, Any]:
        """An order of any kind."""
        kind, life = self.one_of(*KINDS), self.one_of(*LIVES)
        if life in IMMEDIATE and kind not in {OrderType.MARKET, OrderType.LIMIT}:
            life = TimeInForce.GTC
        side = self.one_of(*Side)
        order: dict[str, Any] = {
            "account": self.one_of(*ACCOUNTS),
            "strategy": StrategyId(self.one_of("a", "b")),
            "instrument": COINUSDT,
            "side": side,
            "type": kind,
            "quantity": self.quantity(),
            "time_in_force": life,
            "reduce_only": side is Side.SELL and not self.below(4),
            "oco_group": self.one_of("", "", "", "g"),
        }
        if kind in {OrderType.LIMIT, OrderType.STOP_LIMIT}:
            order["limit_price"] = Decimal(self.price())
        if kind in {OrderType.STOP, OrderType.STOP_LIMIT}:
            order["trigger_price"] = Decimal(self.price())
        if kind is OrderType.TRAILING_STOP:
            order["trail"] = Decimal(1 + self.below(3))
        return order


class Seen:
    """What the market showed of one side, and what of it went to us since it was last told."""

    def __init__(self) -> None:
        self.shown: Levels = {}
        self.ours: defaultdict[float, Decimal] = defaultdict(Decimal)
        self.printed: defaultdict[float, Decimal] = defaultdict(Decimal)

    def update(self, levels: Levels) -> None:
        """Take what a delta tells."""
        for price, quantity in levels.items():
            self.shown[price] = quantity
            self.ours.pop(price, None)
            self.printed.pop(price, None)

    def replace(self, levels: Levels) -> None:
        """Take what a snapshot tells."""
        self.shown = dict(levels)
        self.ours.clear()
        self.printed.clear()

    def left(self, price: float) -> Decimal:
        """The least that stands at a price: what was shown, less what was printed since."""
        return max(Decimal(repr(self.shown.get(price, 0.0))) - self.printed[price], Decimal(0))

    def give(self, price: float, quantity: Decimal) -> None:
        """Take a fill of ours from a level; it must be there."""
        self.ours[price] += quantity
        assert self.ours[price] <= Decimal(repr(self.shown.get(price, 0.0)))


class VenueOnTicks:
    """Two accounts at one market."""

    def __init__(self, chance: Chance, config: BookVenueConfig) -> None:
        self.chance = chance
        self.venue = BookVenue(instruments={COINUSDT: an_instrument()}, config=config)
        for account in ACCOUNTS:
            self.venue.deposit(account, USDT, Decimal("3000.00000007"))
            self.venue.deposit(account, BNB, Decimal("0.01"))
            self.venue.deposit(account, COIN, Decimal(20))
        self.now = 0
        self.last_id = 0
        self.is_valid = True
        self.bids, self.asks = Seen(), Seen()
        self.specs: dict[ClientOrderId, OrderSpec] = {}
        self.limits: dict[ClientOrderId, Decimal | None] = {}
        self.wanted: dict[ClientOrderId, Decimal] = {}
        self.filled: defaultdict[ClientOrderId, Decimal] = defaultdict(Decimal)
        self.ahead: dict[ClientOrderId, Decimal] = {}
        self.liquidity: Counter[Liquidity] = Counter()
        self.snapshot()

    def act(self) -> None:
        """Let one thing happen."""
        acts = [self.delta] * 6 + [self.trade] * 8 + [self.send] * 6
        acts += [self.cancel, self.replace, self.replace, self.wait, self.wait]
        if not self.below(40):
            acts = [self.gap]
        elif not self.is_valid or not self.below(20):
            acts = [self.snapshot, self.send, self.trade]
        self.chance.one_of(*acts)()

    def below(self, n: int) -> int:
        """A number from 0 to n - 1."""
        return self.chance.below(n)

    # --- the market

    def snapshot(self) -> None:
        """The whole book."""
        bids, asks = self.chance.levels(95, 100), self.chance.levels(100, 105)
        self.now += 1
        self.last_id += 1
        self._arrive(self.now - 1)
        self.bids.replace(bids)
        self.asks.replace(asks)
        self.is_valid = True
        self.ahead.clear()
        levels = (_levels(bids), _levels(asks))
        event = BookSnapshot(COINUSDT, Nanos(self.now), self.last_id, *levels)
        self._moved(self.venue.on_book(event))

    def delta(self) -> None:
        """Some levels change."""
        if not self.is_valid:
            return
        bids, asks = self.chance.levels(96, 100), self.chance.levels(100, 104)
        self.now += 1
        self.last_id += 1
        self._arrive(self.now - 1)
        self.bids.update(bids)
        self.asks.update(asks)
        for name in list(self.ahead):
            limit = self.limits[name]
            assert limit is not None
            if float(limit) in (bids if self.specs[name].side is Side.BUY else asks):
                del self.ahead[name]  # from now on the book tells more than prints do
        levels = (_levels(bids), _levels(asks))
        event = BookDelta(COINUSDT, Nanos(self.now), self.last_id, self.last_id, *levels)
        self._moved(self.venue.on_book(event))

    def gap(self) -> None:
        """Updates are missing."""
        self.now += 1
        self.last_id += 7
        self._arrive(self.now - 1)
        event = BookDelta(COINUSDT, Nanos(self.now), self.last_id, self.last_id, (), ())
        self.is_valid = False
        self.ahead.clear()
        self._moved(self.venue.on_book(event))

    def trade(self) -> None:
        """A print."""
        price, size = self.chance.price(), self.chance.one_of(0.5, 3.0, 7.0)
        aggressor = self.chance.one_of(True, True, False, False, None)
        self.now += 1
        self._arrive(self.now - 1)
        printed = Trade(COINUSDT, Nanos(self.now), float(price), size, aggressor)
        hit = Side.SELL if aggressor else Side.BUY
        passing = Decimal(repr(size))
        for name in list(self.ahead):
            limit = self.limits[name]
            assert limit is not None
            if aggressor is None or self.specs[name].side is not hit:
                continue
            if limit == price:
                self.ahead[name] -= passing
            elif (price - limit) * hit.sign < 0:
                del self.ahead[name]  # the print went through: nobody is left ahead of it
        if aggressor is not None:
            (self.asks if aggressor else self.bids).printed[float(price)] += passing

        reports = self.venue.on_trade(printed)

        given = Decimal(0)
        for report, fill in self._fills(reports):
            if fill.liquidity is Liquidity.MAKER:
                spec = self.specs[report.client_order_id]
                assert aggressor is not None
                assert spec.side is hit  # E23
                given += fill.quantity
                self._check_queue(report, fill, price)
            else:
                self._take(report, fill)
        assert given <= passing  # no print fills more than was printed

    def _check_queue(self, report: VenueReport, fill: Fill, price: int) -> None:
        """E22: at the print's own price, what stood ahead of us must be gone by prints alone."""
        name = report.client_order_id
        if name in self.ahead and fill.price == price:
            assert self.ahead[name] < 0
            assert self.filled[name] <= self.wanted[name]
            assert fill.quantity <= -self.ahead[name]

    # --- orders

    def send(self) -> None:
        """A new order."""
        order = self.chance.order()
        is_post_only = not self.below(4) and order["type"] is OrderType.LIMIT
        name = ClientOrderId(f"n{len(self.specs)}")
        if order["time_in_force"] is TimeInForce.GTD:
            order["expires_at"] = Nanos(self.now + 1 + self.below(30))
        spec = OrderSpec(client_order_id=name, **order)
        self.specs[name] = spec
        self.limits[name], self.wanted[name] = spec.limit_price, spec.quantity
        self._answered(self.venue.submit(spec, self.now, is_post_only=is_post_only))

    def cancel(self) -> None:
        """Take one back."""
        if self.specs:
            self._answered(self.venue.cancel(self._ref(), self.now))

    def replace(self) -> None:
        """Change one."""
        if self.specs:
            quantity = self.chance.one_of(None, self.chance.quantity())
            limit = self.chance.one_of(None, Decimal(self.chance.price()))
            self._answered(self.venue.replace(self._ref(), quantity, limit, None, self.now))

    def wait(self) -> None:
        """Time passes."""
        self.now += 1 + self.below(4)
        self._arrive(self.now)

    def _arrive(self, ts: int) -> None:
        self._answered(self.venue.advance(ts))

    def _ref(self) -> OrderRef:
        working = [order for each in ACCOUNTS for order in self.venue.open_orders(each)]
        name = self.chance.one_of(*(working or self.specs.values())).client_order_id
        spec = self.specs[name]
        return OrderRef(spec.client_order_id, spec.instrument, spec.account)

    # --- what must hold of every report

    def _answered(self, reports: Sequence[VenueReport]) -> None:
        """Orders arrived: they take what is shown, and nothing while the book is invalid."""
        self._taken(reports)
        for report in reports:
            name = report.client_order_id
            spec = self.specs[name]
            if report.kind is ReportKind.REPLACED:
                self.ahead.pop(name, None)
            if (
                report.kind is ReportKind.ACCEPTED
                and spec.type is OrderType.LIMIT
                and self.is_valid
            ):
                assert spec.limit_price is not None
                own = self.bids if spec.side is Side.BUY else self.asks
                self.ahead[name] = own.left(float(spec.limit_price))

    def _taken(self, reports: Sequence[VenueReport]) -> None:
        for report, fill in self._fills(reports):
            assert self.is_valid  # E26
            self._take(report, fill)

    def _take(self, report: VenueReport, fill: Fill) -> None:
        assert fill.liquidity is Liquidity.TAKER
        spec = self.specs[report.client_order_id]
        other = self.asks if spec.side is Side.BUY else self.bids
        other.give(float(fill.price), fill.quantity)

    def _moved(self, reports: Sequence[VenueReport]) -> None:
        """The book moved: it may fill us by going through us, with no more than it shows there."""
        given: defaultdict[Side, Decimal] = defaultdict(Decimal)
        reach: dict[Side, list[float]] = defaultdict(list)
        for report, fill in self._fills(reports):
            spec = self.specs[report.client_order_id]
            if fill.liquidity is Liquidity.MAKER:
                given[spec.side] += fill.quantity
                reach[spec.side].append(float(fill.price))
        for side, quantity in given.items():
            if side is Side.BUY:
                worst = max(reach[side])
                shown = [q for price, q in self.asks.shown.items() if price <= worst]
            else:
                worst = min(reach[side])
                shown = [q for price, q in self.bids.shown.items() if price >= worst]
            assert quantity <= Decimal(repr(sum(shown)))

    def _fills(self, reports: Sequence[VenueReport]) -> list[tuple[VenueReport, Fill]]:
        """The fills among reports, each within its order's limit and quantity."""
        found = []
        for report in reports:
            name = report.client_order_id
            if report.kind is ReportKind.REPLACED:
                self.limits[name] = report.limit_price
                assert report.quantity is not None
                self.wanted[name] = report.quantity
            fill = report.fill
            if fill is None:
                continue
            limit, side = self.limits[name], self.specs[name].side
            if limit is not None:  # E9
                assert fill.price <= limit if side is Side.BUY else fill.price >= limit
            self.filled[name] += fill.quantity
            assert self.filled[name] <= self.wanted[name]
            assert report.cumulative == self.filled[name]
            self.liquidity[fill.liquidity] += 1
            found.append((report, fill))
        return found

    def check_money(self) -> None:
        """I1: every asset adds up; E93: nothing is locked without an order; I5: no overfill."""
        lot = 10**5
        held: defaultdict[Currency, int] = defaultdict(int)
        for account in ACCOUNTS:
            for currency, balance in self.venue.balances(account).items():
                assert balance.free >= 0
                assert balance.locked >= 0
                held[currency] += balance.total
            for trade in self.venue.trades(account):
                sign = 1 if trade.side is Side.BUY else -1
                held[trade.fee_currency] += trade.fee
                held[COIN] -= sign * trade.quantity * lot
                held[USDT] += sign * trade.quote_amount
        put_in: defaultdict[Currency, int] = defaultdict(int)
        for (_, currency), quanta in self.venue.deposits().items():
            put_in[currency] += quanta
        for currency in held.keys() | put_in.keys():
            assert held[currency] == put_in[currency]

        for account in ACCOUNTS:
            orders = self.venue.open_orders(account)
            if not orders:
                assert all(b.locked == 0 for b in self.venue.balances(account).values())
            for order in orders:
                assert 0 <= order.filled < order.quantity


def _levels(levels: Levels) -> tuple[PriceLevel, ...]:
    return tuple(levels.items())


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    mode=st.sampled_from(FeeMode),
    taker=st.sampled_from([0, 1, 1_000, 100_000]),
    maker=st.sampled_from([-100, 0, 1_000]),
    share=st.sampled_from([None, None, 100_000]),
    queue=st.sampled_from(QueueModel),
    jitter=st.sampled_from([None, None, 3]),
)
def test_i1_the_venue_over_ticks_conserves_money_and_fills_honestly(
    seed: int,
    mode: FeeMode,
    taker: int,
    maker: int,
    share: int | None,
    queue: QueueModel,
    jitter: int | None,
) -> None:
    third: dict[str, Any] = {}
    if mode is FeeMode.THIRD:
        third = {"fee_currency": BNB, "fee_price": Decimal("611.3")}
    world = VenueOnTicks(
        Chance(seed),
        BookVenueConfig(
            fee_mode=mode,
            taker_fee_ppm=taker,
            maker_fee_ppm=maker,
            participation_ppm=share,
            queue=queue,
            latency=Latency() if jitter is None else Latency(order_ns=2, jitter_ns=jitter),
            **third,
        ),
    )

    for _ in range(ACTS):
        world.act()
        world.check_money()

    assert world.liquidity[Liquidity.TAKER] >= 3
    assert world.liquidity[Liquidity.MAKER] >= 3
