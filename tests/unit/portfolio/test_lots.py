"""Tax lots against examples worked by others, and what must hold of any history."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.errors import DataError
from botcore.domain.ids import Currency, Nanos
from botcore.domain.money import Money
from botcore.portfolio import (
    Disposal,
    DisposalKind,
    Exchange,
    LotMethod,
    TaxLots,
    Transfer,
)

USD = Currency("USD")
FIFO, LIFO = LotMethod.FIFO, LotMethod.LIFO


def _money(amount: str | Decimal, currency: str) -> Money:
    return Money(Decimal(amount), Currency(currency))


def _buy(ts: int, quantity: str, paid: str, *, asset: str = "BTC", fee: str = "") -> Exchange:
    return Exchange(
        ts=Nanos(ts),
        reference=f"buy{ts}",
        given=_money(paid, USD),
        received=_money(quantity, asset),
        fee=Money.parse(fee) if fee else None,
    )


def _sell(ts: int, quantity: str, got: str, *, asset: str = "BTC", fee: str = "") -> Exchange:
    return Exchange(
        ts=Nanos(ts),
        reference=f"sell{ts}",
        given=_money(quantity, asset),
        received=_money(got, USD),
        fee=Money.parse(fee) if fee else None,
    )


def _gains(disposals: tuple[Disposal, ...]) -> list[Decimal | None]:
    return [disposal.gain for disposal in disposals]


@pytest.mark.parametrize(("method", "gain"), [(FIFO, "1000"), (LIFO, "-3000")])
def test_agrees_with_the_stock_exercise_of_kruse(method: LotMethod, gain: str) -> None:
    # R. L. Kruse, "Data Structures and Program Design", exercise on stocks kept in a queue or a
    # stack: 100 shares bought in January at 10, April at 30 and September at 50; 100 sold in June
    # at 20 and 100 in November at 30. Queue: 1,000 + 0; stack: -1,000 - 2,000.
    lots = TaxLots(currency=USD, method=method)
    lots.exchange(_buy(1, "100", "1000"))
    lots.exchange(_buy(4, "100", "3000"))
    june = lots.exchange(_sell(6, "100", "2000"))
    lots.exchange(_buy(9, "100", "5000"))
    november = lots.exchange(_sell(11, "100", "3000"))

    assert sum(g for g in _gains(june + november) if g is not None) == Decimal(gain)
    assert sum(lot.quantity for lot in lots.open()) == 100


def test_agrees_with_publication_550_where_shares_were_given_away() -> None:
    # IRS, Publication 550, "Identifying stock or bonds sold": 100 at 10, then 200 at 11; 50 given
    # away; 100 at 9; 130 sold. Their basis is 50 × 10 + 80 × 11 = 1,380.
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "100", "1000"))
    lots.exchange(_buy(2, "200", "2200"))
    gift = Transfer(ts=Nanos(3), reference="gift", amount=_money("-50", "BTC"))
    (given_away,) = lots.transfer(gift)
    lots.exchange(_buy(4, "100", "900"))

    sold = lots.exchange(_sell(5, "130", "1430"))

    assert (given_away.kind, given_away.cost, given_away.gain) == (
        DisposalKind.TRANSFER,
        Decimal(500),
        None,
    )
    assert [(part.quantity, part.cost) for part in sold] == [
        (Decimal(50), Decimal(500)),
        (Decimal(80), Decimal(880)),
    ]
    assert _gains(sold) == [Decimal(50), Decimal(0)]
    assert [(lot.quantity, lot.cost) for lot in lots.open()] == [
        (Decimal(120), Decimal(1320)),
        (Decimal(100), Decimal(900)),
    ]


def test_a_fee_in_money_adds_to_the_cost_and_lessens_the_proceeds() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "2", "200", fee="0.2 USD"))

    (sold,) = lots.exchange(_sell(2, "1", "150", fee="0.15 USD"))

    assert (sold.cost, sold.proceeds) == (Decimal("100.1"), Decimal("149.85"))
    assert sold.gain == Decimal("49.75")


def test_a_fee_taken_from_what_was_bought_leaves_less_for_the_same_cost() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "2", "200", fee="0.002 BTC"))

    (lot,) = lots.open()

    assert (lot.quantity, lot.cost, lot.is_complete) == (Decimal("1.998"), Decimal(200), True)


def test_a_fee_taken_from_what_is_sold_disposes_of_more_for_the_same_proceeds() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "2", "200"))

    (sold,) = lots.exchange(_sell(2, "1", "150", fee="0.5 BTC"))

    assert (sold.quantity, sold.cost, sold.proceeds) == (Decimal("1.5"), Decimal(150), Decimal(150))


def test_a_fee_in_a_third_asset_is_a_disposal_of_it_and_part_of_the_cost() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "1", "300", asset="BNB"))
    bought = Exchange(
        ts=Nanos(2),
        reference="x",
        given=_money("200", USD),
        received=_money("2", "BTC"),
        fee=_money("0.01", "BNB"),
        fee_value=Decimal("4"),
    )

    (paid,) = lots.exchange(bought)

    assert (paid.kind, paid.asset, paid.quantity) == (DisposalKind.FEE, "BNB", Decimal("0.01"))
    assert (paid.cost, paid.proceeds, paid.gain) == (Decimal(3), Decimal(4), Decimal(1))
    assert [(lot.asset, lot.quantity, lot.cost) for lot in lots.open()] == [
        ("BNB", Decimal("0.99"), Decimal(297)),
        ("BTC", Decimal(2), Decimal(204)),
    ]


def test_a_fee_of_unknown_value_is_left_out_and_said() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "2", "200", fee="0.01 BNB"))

    (lot,) = lots.open()
    (sold,) = lots.exchange(_sell(2, "2", "300"))

    assert (lot.cost, lot.is_complete) == (Decimal(200), False)
    assert (sold.gain, sold.is_complete) == (Decimal(100), False)


def test_a_rebate_makes_a_purchase_cheaper() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "2", "200", fee="-0.5 USD"))

    assert lots.open()[0].cost == Decimal("199.5")


def test_an_asset_exchanged_for_another_is_sold_at_its_value_and_the_other_bought_at_it() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "1", "30000"))
    swap = Exchange(
        ts=Nanos(2),
        reference="swap",
        given=_money("0.5", "BTC"),
        received=_money("10", "ETH"),
        value=Decimal(20000),
        fee=_money("20", USD),
    )

    (sold,) = lots.exchange(swap)

    assert (sold.cost, sold.proceeds) == (Decimal(15000), Decimal(19980))
    assert lots.open()[1].cost == Decimal(20000)


def test_more_sold_than_was_ever_acquired_has_no_cost_and_no_gain() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.exchange(_buy(1, "1", "100"))

    known, unknown = lots.exchange(_sell(2, "3", "330"))

    assert (known.gain, known.proceeds) == (Decimal(10), Decimal(110))
    assert (unknown.acquired_at, unknown.cost, unknown.gain) == (None, None, None)
    assert (unknown.quantity, unknown.proceeds) == (Decimal(2), Decimal(220))


def test_what_came_from_outside_has_a_cost_that_is_unknown_and_not_zero() -> None:
    lots = TaxLots(currency=USD, method=FIFO)
    lots.transfer(Transfer(ts=Nanos(1), reference="in", amount=_money("1", "BTC")))

    (sold,) = lots.exchange(_sell(2, "1", "100"))

    assert (sold.cost, sold.gain, sold.proceeds) == (None, None, Decimal(100))


@pytest.mark.parametrize(
    "exchange",
    [
        {"given": _money("0", "USD"), "received": _money("1", "BTC")},
        {"given": _money("1", "USD"), "received": _money("-1", "BTC")},
        {"given": _money("1", "BTC"), "received": _money("1", "BTC")},
        {"given": _money("1", "USD"), "received": _money("1", "BTC"), "fee": _money("1", "BTC")},
        {"given": _money("1", "BTC"), "received": _money("1", "USD"), "fee": _money("-1", "BTC")},
    ],
)
def test_refuses_what_is_no_exchange(exchange: dict[str, Money]) -> None:
    with pytest.raises(DataError, match="EXCHANGE_REFUSED"):
        Exchange(ts=Nanos(1), reference="x", **exchange)  # type: ignore[arg-type]  # by name


_amounts = st.decimals("0.00000001", "10000", places=8)
_fees = st.tuples(st.decimals("-0.001", "0.001", places=8), st.sampled_from(["USD", "BTC", "BNB"]))
_exchanges = st.lists(
    st.tuples(st.booleans(), _amounts, _amounts, st.none() | _fees), min_size=1, max_size=30
)


@given(_exchanges, st.sampled_from(LotMethod))
def test_quantities_and_costs_are_neither_made_nor_lost(
    history: list[tuple[bool, Decimal, Decimal, tuple[Decimal, str] | None]], method: LotMethod
) -> None:
    lots = TaxLots(currency=USD, method=method)
    acquired = spent = proceeds = Decimal(0)
    disposals: list[Disposal] = []
    for ts, (is_purchase, quantity, amount, fee) in enumerate(history):
        coins, money = _money(quantity, "BTC"), _money(amount, "USD")
        pair = (money, coins) if is_purchase else (coins, money)
        paid = None if fee is None else Money(fee[0], Currency(fee[1]))
        try:
            exchange = Exchange(
                ts=Nanos(ts),
                reference=str(ts),
                given=pair[0],
                received=pair[1],
                fee=paid,
                fee_value=Decimal("0.5"),
            )
        except DataError:
            continue
        in_coins = paid.amount if paid is not None and paid.currency == "BTC" else Decimal(0)
        charged = Decimal(0)
        if paid is not None and paid.amount:
            charged = {"USD": paid.amount, "BTC": Decimal(0), "BNB": Decimal("0.5")}[paid.currency]
        if is_purchase:
            acquired += quantity - in_coins
            spent += amount + charged
        else:
            proceeds += amount - charged
        disposals.extend(lots.exchange(exchange))

    coins_sold = [each for each in disposals if each.asset == "BTC"]
    matched = [each for each in coins_sold if each.acquired_at is not None]
    held = [lot for lot in lots.open() if lot.asset == "BTC"]
    assert sum(e.quantity for e in matched) + sum(lot.quantity for lot in held) == acquired
    assert sum(e.cost or 0 for e in matched) + sum(lot.cost or 0 for lot in held) == spent
    assert sum(e.proceeds or 0 for e in coins_sold) == proceeds
    assert all(lot.quantity > 0 for lot in lots.open())


@given(_exchanges)
def test_the_method_changes_when_a_gain_is_told_and_never_what_is_held(
    history: list[tuple[bool, Decimal, Decimal, tuple[Decimal, str] | None]],
) -> None:
    held = []
    for method in LotMethod:
        lots = TaxLots(currency=USD, method=method)
        for ts, (is_purchase, quantity, amount, _) in enumerate(history):
            make = _buy if is_purchase else _sell
            lots.exchange(make(ts, str(quantity), str(amount)))
        held.append(sum(lot.quantity for lot in lots.open()))

    assert held[0] == held[1]
