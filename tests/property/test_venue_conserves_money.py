"""I1, I5 and I6 at the simulated venue, whatever is sent, cancelled, replaced or restarted."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.support.venue_session import MINUTES, USDT, a_config, an_instrument

from botcore.domain.ids import AccountId, ClientOrderId, Currency, Nanos
from botcore.domain.market import Bar, BarFlag, BarsClosed
from botcore.domain.orders import OrderRef, OrderSpec, OrderType, Side, TimeInForce
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated import FeeMode, SimulatedVenue

BNB = Currency("BNB")
ACCOUNTS = (AccountId("one"), AccountId("two"))
INSTRUMENTS = (
    an_instrument("AAUSDT.SIM", tick="0.01", lot="0.001"),
    an_instrument("BBUSDT.SIM", tick="0.00001", lot="0.0001"),  # a lot-tick is a tenth quantum
)
PRICES = st.integers(90, 110)
QUANTITIES = st.sampled_from(["0.001", "0.7", "3", "11.013", "40"])


@st.composite
def an_order(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(OrderType))
    life = draw(st.sampled_from(TimeInForce))
    if life in (TimeInForce.IOC, TimeInForce.FOK) and kind not in (
        OrderType.MARKET,
        OrderType.LIMIT,
    ):
        life = TimeInForce.GTC
    order: dict[str, Any] = {
        "account": draw(st.sampled_from(ACCOUNTS)),
        "instrument": draw(st.sampled_from(INSTRUMENTS)).id,
        "side": draw(st.sampled_from(Side)),
        "type": kind,
        "quantity": Decimal(draw(QUANTITIES)),
        "time_in_force": life,
        "reduce_only": draw(st.booleans()),
        "oco_group": draw(st.sampled_from(["", "", "g", "h"])),
    }
    if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT):
        order["limit_price"] = Decimal(draw(PRICES))
    if kind in (OrderType.STOP, OrderType.STOP_LIMIT):
        order["trigger_price"] = Decimal(draw(PRICES))
    if kind is OrderType.TRAILING_STOP:
        order["trail"] = Decimal(draw(st.integers(1, 5)))
    return order


class VenueMoney(RuleBasedStateMachine):
    """Two accounts on two instruments, with answers between the reports of a bar."""

    @initialize(
        mode=st.sampled_from(FeeMode),
        taker=st.sampled_from([0, 1, 1_000, 100_000]),
        maker=st.sampled_from([-100, 0, 1_000]),
        cap=st.sampled_from([None, 100_000]),
        optimistic=st.booleans(),
    )
    def open_the_venue(
        self, mode: FeeMode, taker: int, maker: int, cap: int | None, optimistic: bool
    ) -> None:
        third: dict[str, Any] = {}
        if mode is FeeMode.THIRD:
            third = {"fee_currency": BNB, "fee_price": Decimal("611.3")}
        self.config = a_config(
            fee_mode=mode,
            taker_fee_ppm=taker,
            maker_fee_ppm=maker,
            participation_ppm=cap,
            slippage_ppm=200,
            optimistic=optimistic,
            **third,
        )
        self.venue = self._a_venue()
        self.minute = 0
        self.names: list[tuple[str, OrderSpec]] = []
        self.accepted: dict[str, int] = defaultdict(int)
        for account in ACCOUNTS:
            self.venue.deposit(account, USDT, Decimal("3000.00000007"))
            self.venue.deposit(account, BNB, Decimal("0.01"))
            self.venue.deposit(account, Currency("AA"), Decimal("20"))
        self.answers: list[dict[str, Any]] = []
        self._give_bar([100, 100], [0, 0], 1e6, 0)

    def _a_venue(self) -> SimulatedVenue:
        return SimulatedVenue(
            instruments={each.id: each for each in INSTRUMENTS}, config=self.config
        )

    @rule(
        opens=st.lists(PRICES, min_size=2, max_size=2),
        spreads=st.lists(st.integers(0, 12), min_size=2, max_size=2),
        volume=st.sampled_from([0.0, 3.0, 200.0, 1e6]),
        flags=st.sampled_from([0, 0, 0, int(BarFlag.GAP_BEFORE)]),
        answers=st.lists(an_order(), max_size=3),
    )
    def bar(
        self,
        opens: list[int],
        spreads: list[int],
        volume: float,
        flags: int,
        answers: list[dict[str, Any]],
    ) -> None:
        self.answers = answers
        self._give_bar(opens, spreads, volume, flags)

    def _give_bar(self, opens: list[int], spreads: list[int], volume: float, flags: int) -> None:
        start = self.minute * MINUTES.step_ns
        self.minute += 1
        end = self.minute * MINUTES.step_ns
        bars = tuple(
            Bar(
                instrument.id,
                MINUTES,
                start,
                end,
                float(open_),
                float(open_ + spread // 2),
                float(open_ - spread),
                float(open_ - spread // 3),
                volume,
                flags,
            )
            for instrument, open_, spread in zip(INSTRUMENTS, opens, spreads, strict=True)
        )
        for report in self.venue.on_bars(BarsClosed(Nanos(end), bars)):
            if report.kind is ReportKind.FILLED and self.answers:
                self._answer(report, self.answers.pop())

    def _answer(self, report: VenueReport, order: dict[str, Any]) -> None:
        mine = {"account": report.account, "instrument": report.instrument}
        self._send(order | mine | {"parent": report.client_order_id})

    @rule(order=an_order())
    def send(self, order: dict[str, Any]) -> None:
        self._send(order)

    def _send(self, order: dict[str, Any]) -> None:
        name = f"n{len(self.names)}"
        if order["time_in_force"] is TimeInForce.GTD:
            order = order | {"expires_at": Nanos((self.minute + 2) * MINUTES.step_ns)}
        spec = OrderSpec(client_order_id=ClientOrderId(name), strategy="s", **order)  # type: ignore[arg-type]  # a strategy
        self.names.append((name, spec))
        self._submit(spec)

    @rule(pick=st.integers(0, 50))
    def send_again(self, pick: int) -> None:
        if self.names:
            self._submit(self.names[pick % len(self.names)][1])

    def _submit(self, spec: OrderSpec) -> None:
        for report in self.venue.submit(spec, self.minute * MINUTES.step_ns):
            if report.kind is ReportKind.ACCEPTED:
                self.accepted[report.client_order_id] += 1

    @rule(pick=st.integers(0, 50))
    def cancel(self, pick: int) -> None:
        if self.names:
            self.venue.cancel(self._ref(pick), self.minute * MINUTES.step_ns)

    @rule(
        pick=st.integers(0, 50),
        quantity=st.none() | QUANTITIES.map(Decimal),
        limit=st.none() | PRICES.map(Decimal),
        trigger=st.none() | PRICES.map(Decimal),
    )
    def replace(
        self, pick: int, quantity: Decimal | None, limit: Decimal | None, trigger: Decimal | None
    ) -> None:
        if self.names:
            ts = self.minute * MINUTES.step_ns
            self.venue.replace(self._ref(pick), quantity, limit, trigger, ts)

    def _ref(self, pick: int) -> OrderRef:
        name, spec = self.names[pick % len(self.names)]
        return OrderRef(ClientOrderId(name), spec.instrument, spec.account)

    @rule()
    def restart(self) -> None:
        state = self.venue.snapshot()
        self.venue = self._a_venue()
        self.venue.restore(state)
        assert self.venue.snapshot() == state

    @invariant()
    def i1_every_asset_adds_up(self) -> None:
        if not hasattr(self, "venue"):
            return
        bases = {each.id: each.base for each in INSTRUMENTS}
        lots = {each.id: int(each.lot * 10**8) for each in INSTRUMENTS}
        held: dict[Currency, int] = defaultdict(int)
        fees: dict[Currency, int] = defaultdict(int)
        bought: dict[Currency, int] = defaultdict(int)
        for account in ACCOUNTS:
            for currency, balance in self.venue.balances(account).items():
                assert balance.free >= 0
                assert balance.locked >= 0
                held[currency] += balance.free + balance.locked
            for trade in self.venue.trades(account):
                sign = 1 if trade.side is Side.BUY else -1
                fees[trade.fee_currency] += trade.fee
                bought[bases[trade.instrument]] += sign * trade.quantity * lots[trade.instrument]
                bought[USDT] -= sign * trade.quote_amount
        put_in: dict[Currency, int] = defaultdict(int)
        for (_, currency), quanta in self.venue.deposits().items():
            put_in[currency] += quanta
        for currency in held.keys() | fees.keys() | put_in.keys():
            assert held[currency] + fees[currency] == put_in[currency] + bought[currency]

    @invariant()
    def e93_nothing_is_locked_without_an_order(self) -> None:
        if not hasattr(self, "venue"):
            return
        for account in ACCOUNTS:
            if not self.venue.open_orders(account):
                assert all(b.locked == 0 for b in self.venue.balances(account).values())

    @invariant()
    def i5_i6_no_order_is_overfilled_or_accepted_twice(self) -> None:
        if not hasattr(self, "venue"):
            return
        assert self.venue.acceptances() == dict(self.accepted)
        assert all(count == 1 for count in self.accepted.values())
        for account in ACCOUNTS:
            for order in self.venue.open_orders(account):
                assert 0 <= order.filled < order.quantity


VenueMoney.TestCase.settings = settings(max_examples=60, stateful_step_count=40)
test_i1_the_venue_conserves_money = VenueMoney.TestCase
