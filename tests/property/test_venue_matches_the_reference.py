"""The simulated venue and a naive matcher give the same fills on any bars and orders."""

from decimal import Decimal
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from tests.support.reference_matcher import (
    Kind,
    ReferenceBar,
    ReferenceFill,
    ReferenceMatcher,
    ReferenceOrder,
)
from tests.support.venue_session import VenueSession

from botcore.domain.ids import MINUTE_NS
from botcore.domain.orders import OrderType, Side

TYPES: dict[Kind, OrderType] = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "stop": OrderType.STOP,
}
PRICES = st.integers(90, 110)


@st.composite
def a_bar(draw: st.DrawFn) -> ReferenceBar:
    open_, high, low, close = draw(st.tuples(PRICES, PRICES, PRICES, PRICES))
    volume = draw(st.sampled_from([0, 5, 60, 100_000]))
    return ReferenceBar(
        Decimal(open_),
        Decimal(max(open_, high, low, close)),
        Decimal(min(open_, high, low, close)),
        Decimal(close),
        Decimal(volume),
    )


@st.composite
def orders_for(draw: st.DrawFn, bars: int) -> list[ReferenceOrder]:
    drawn = draw(
        st.lists(
            st.tuples(
                st.integers(1, bars - 1),
                st.booleans(),
                st.sampled_from(sorted(TYPES)),
                PRICES,
                st.integers(1, 8),
            ),
            min_size=1,
            max_size=12,
        )
    )
    return [
        ReferenceOrder(f"o{number}", bar, is_buy, kind, Decimal(price), Decimal(quantity))
        for number, (bar, is_buy, kind, price, quantity) in enumerate(
            sorted(drawn, key=lambda each: each[0])
        )
    ]


@st.composite
def a_tape(draw: st.DrawFn) -> tuple[list[ReferenceBar], list[ReferenceOrder]]:
    bars = draw(st.lists(a_bar(), min_size=2, max_size=12))
    return bars, draw(orders_for(len(bars)))


@given(tape=a_tape(), slippage_ppm=st.sampled_from([0, 200, 12_345]))
def test_the_venue_fills_as_a_naive_matcher_does(
    tape: tuple[list[ReferenceBar], list[ReferenceOrder]], slippage_ppm: int
) -> None:
    bars, orders = tape
    session = VenueSession(
        cash="1000000",
        coins="1000",
        taker_fee_ppm=1_000,
        maker_fee_ppm=1_000,
        slippage_ppm=slippage_ppm,
        participation_ppm=100_000,
    )
    reference = ReferenceMatcher(
        tick=Decimal("0.01"),
        lot=Decimal("0.001"),
        fee=Decimal("0.001"),
        slippage=Decimal(slippage_ppm) / 1_000_000,
        share=Decimal("0.1"),
    )

    found: list[ReferenceFill] = []
    for index, bar in enumerate(bars):
        for order in orders:
            if order.bar == index:
                _send(session, order)
        prices: Any = (bar.open, bar.high, bar.low, bar.close)
        for report in session.bar(*prices, volume=float(bar.volume)):
            assert report.fill is not None
            found.append(
                ReferenceFill(
                    report.client_order_id,
                    index,
                    report.fill.price,
                    report.fill.quantity,
                    report.fill.fee,
                )
            )
            assert report.fill.ts_event in (index * MINUTE_NS, (index + 1) * MINUTE_NS - 1)

    expected = reference.run(orders, bars)
    event(f"fills: {min(len(expected), 5)}")
    assert found == expected


def _send(session: VenueSession, order: ReferenceOrder) -> None:
    side = Side.BUY if order.is_buy else Side.SELL
    price: dict[str, Any] = {}
    if order.kind == "limit":
        price = {"limit_price": order.price}
    elif order.kind == "stop":
        price = {"trigger_price": order.price}
    report = session.send(side, TYPES[order.kind], str(order.leaves), name=order.name, **price)
    assert report.detail == ""
