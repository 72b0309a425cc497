"""A simulated venue and its bars, driven one minute at a time, as the runner drives them."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from botcore.domain.ids import (
    MINUTE_NS,
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
)
from botcore.domain.instruments import Instrument
from botcore.domain.market import Bar, BarOpened, BarsClosed, BarSpec
from botcore.domain.orders import OrderRef, OrderSpec, OrderType, Side, TimeInForce
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated import SimulatedVenue, VenueConfig, VenueStore

PAPER = AccountId("paper")
COIN, USDT = Currency("COIN"), Currency("USDT")
COINUSDT = InstrumentId("COINUSDT.SIM")
MINUTES = BarSpec(MINUTE_NS)

OnFill = Callable[[VenueReport], object]


def an_instrument(
    name: str = "COINUSDT.SIM",
    *,
    tick: str = "0.01",
    lot: str = "0.001",
    min_quantity: str = "0",
    min_notional: str = "0",
    **more: Any,
) -> Instrument:
    """An instrument whose grid no test trips over unless it asks to."""
    symbol = name.partition(".")[0].partition("-")[0]
    return Instrument(
        id=InstrumentId(name),
        base=Currency(symbol.removesuffix("USDT")),
        quote=USDT,
        settle=USDT,
        tick=Decimal(tick),
        lot=Decimal(lot),
        min_quantity=Decimal(min_quantity),
        min_notional=Decimal(min_notional),
        **more,
    )


def a_config(**values: Any) -> VenueConfig:
    """Free of charge and of slippage, with no cap: what is left are the rules of the bar."""
    free: dict[str, Any] = {
        "taker_fee_ppm": 0,
        "maker_fee_ppm": 0,
        "slippage_ppm": 0,
        "participation_ppm": None,
    }
    return VenueConfig(**(free | values))


class VenueSession:
    """One account on one venue; each bar is one minute, the first opens at minute 0."""

    def __init__(
        self,
        *instruments: Instrument,
        store: VenueStore | None = None,
        cash: str = "1000000",
        coins: str = "0",
        **config: Any,
    ) -> None:
        self.instruments = instruments or (an_instrument(),)
        self.config = a_config(**config)
        self.store = store
        self.venue = self.reopened(store)
        if Decimal(cash):
            self.venue.deposit(PAPER, USDT, Decimal(cash))
        if Decimal(coins):
            self.venue.deposit(PAPER, self.instruments[0].base, Decimal(coins))
        self.minute = 0
        self.sent = 0

    def reopened(self, store: VenueStore | None) -> SimulatedVenue:
        """A venue with the same rules over `store`."""
        return SimulatedVenue(
            instruments={each.id: each for each in self.instruments},
            config=self.config,
            store=store,
        )

    @property
    def now(self) -> int:
        """The close of the last bar, which is the open of the next."""
        return self.minute * MINUTE_NS

    def spec(
        self, side: Side, type_: OrderType, quantity: str, *, name: str = "", **more: Any
    ) -> OrderSpec:
        """An order of this account; prices may be given as text."""
        self.sent += 1
        for price in ("limit_price", "trigger_price", "trail"):
            if isinstance(more.get(price), str):
                more[price] = Decimal(more[price])
        if "expires_at" in more:
            more.setdefault("time_in_force", TimeInForce.GTD)
        given: dict[str, Any] = {
            "account": PAPER,
            "strategy": StrategyId("s"),
            "instrument": self.instruments[0].id,
        }
        return OrderSpec(
            client_order_id=ClientOrderId(name or f"o{self.sent}"),
            side=side,
            type=type_,
            quantity=Decimal(quantity),
            **(given | more),
        )

    def send(
        self,
        side: Side,
        type_: OrderType,
        quantity: str,
        *,
        ts: int | None = None,
        **more: Any,
    ) -> VenueReport:
        """Submit an order now (or at `ts`) and return the venue's answer to it."""
        order = self.spec(side, type_, quantity, **more)
        return self.venue.submit(order, self.now if ts is None else ts)[-1]

    def buy(self, type_: OrderType, quantity: str = "1", **more: Any) -> VenueReport:
        """Submit a buy."""
        return self.send(Side.BUY, type_, quantity, **more)

    def sell(self, type_: OrderType, quantity: str = "1", **more: Any) -> VenueReport:
        """Submit a sell."""
        return self.send(Side.SELL, type_, quantity, **more)

    def a_bar(
        self,
        open_: float,
        high: float,
        low: float,
        close: float,
        volume: float = 1e6,
        *,
        flags: int = 0,
        instrument: InstrumentId | None = None,
        spec: BarSpec = MINUTES,
    ) -> Bar:
        """The next bar, not given to the venue yet."""
        ts_close = self.now + MINUTE_NS
        return Bar(
            instrument or self.instruments[0].id,
            spec,
            ts_close - spec.step_ns,
            ts_close,
            float(open_),
            float(high),
            float(low),
            float(close),
            float(volume),
            flags,
        )

    def bar(self, *prices: float, on_fill: OnFill | None = None, **more: Any) -> list[VenueReport]:
        """Give the venue the next bar (open, high, low, close)."""
        return self.bars(self.a_bar(*prices, **more), on_fill=on_fill)

    def bars(self, *bars: Bar, on_fill: OnFill | None = None) -> list[VenueReport]:
        """Give the venue all bars of the next close stamp; `on_fill` acts between the reports."""
        self.minute += 1
        event = BarsClosed(Nanos(self.now), bars)
        return _drawn(self.venue.on_bars(event), on_fill)

    def opens(
        self, price: float, *, on_fill: OnFill | None = None, ts: int | None = None
    ) -> list[VenueReport]:
        """Show the venue the open of the next bar."""
        event = BarOpened(self.instruments[0].id, Nanos(self.now if ts is None else ts), price)
        return _drawn(self.venue.on_open(event), on_fill)

    def gap(self, minutes: int) -> None:
        """Let time go by without a bar."""
        self.minute += minutes

    def ref(self, name: str) -> OrderRef:
        """What cancel, replace and query take."""
        return OrderRef(ClientOrderId(name), self.instruments[0].id, PAPER)

    def cancel(self, name: str) -> VenueReport:
        """Cancel an order now."""
        return self.venue.cancel(self.ref(name), self.now)[-1]

    def replace(self, name: str, **values: str) -> VenueReport:
        """Replace values of an order now."""
        exact = {key: Decimal(value) for key, value in values.items()}
        return self.venue.replace(
            self.ref(name),
            exact.get("quantity"),
            exact.get("limit_price"),
            exact.get("trigger_price"),
            self.now,
        )[-1]

    def query(self, name: str) -> list[VenueReport]:
        """Ask for the truth about an order."""
        return self.venue.query(self.ref(name), self.now)

    def held(self, currency: Currency) -> tuple[Decimal, Decimal]:
        """Free and locked, in whole units."""
        balance = self.venue.balances(PAPER).get(currency)
        if balance is None:
            return Decimal(0), Decimal(0)
        return Decimal(balance.free).scaleb(-8), Decimal(balance.locked).scaleb(-8)

    def working(self) -> list[str]:
        """The client ids of working orders."""
        return [order.client_order_id for order in self.venue.open_orders(PAPER)]


def fills(reports: Iterable[VenueReport]) -> list[tuple[str, Decimal]]:
    """Who filled, and at which price."""
    return [
        (report.client_order_id, report.fill.price) for report in reports if report.fill is not None
    ]


def said(reports: Iterable[VenueReport]) -> list[tuple[str, ReportKind]]:
    """Who was told what."""
    return [(report.client_order_id, report.kind) for report in reports]


def _drawn(reports: Iterable[VenueReport], on_fill: OnFill | None) -> list[VenueReport]:
    seen = []
    for report in reports:
        seen.append(report)
        if on_fill is not None and report.fill is not None:
            on_fill(report)
    return seen
