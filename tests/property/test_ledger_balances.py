"""The ledger under any transactions: I2, all or nothing, and one state whatever the order."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.domain.errors import InvariantBroken
from botcore.domain.events import LedgerPosted, Posting
from botcore.domain.ids import AccountId, Currency, Nanos
from botcore.portfolio import Ledger

PLACES = ("assets:main", "external:main", "trading:main:ema:BTCUSDT.SIM", "fees:main:ema:X.Y")
CURRENCIES = tuple(Currency(name) for name in ("BTC", "USDT", "BNB"))

amounts = st.integers(-(10**16), 10**16).map(lambda quanta: Decimal(quanta).scaleb(-8))


@st.composite
def transactions(draw: st.DrawFn) -> LedgerPosted:
    """A balanced transaction: free lines, and one line a currency that balances them."""
    lines = draw(
        st.lists(
            st.tuples(st.sampled_from(PLACES), st.sampled_from(CURRENCIES), amounts),
            min_size=1,
            max_size=6,
        )
    )
    rest = draw(st.sampled_from(PLACES))
    sums: dict[Currency, Decimal] = {}
    for _, currency, amount in lines:
        sums[currency] = sums.get(currency, Decimal(0)) + amount
    postings = [Posting(*line) for line in lines]
    postings += [Posting(rest, currency, -amount) for currency, amount in sums.items()]
    order = draw(st.permutations(postings))
    return LedgerPosted(AccountId("main"), Nanos(0), "adjustment", "x", tuple(order))


@given(st.lists(transactions(), max_size=12))
def test_i2_balances_are_the_sums_of_their_postings_and_add_up_to_zero(
    history: list[LedgerPosted],
) -> None:
    ledger = Ledger()
    for posted in history:
        ledger.fold(posted)

    expected: dict[tuple[str, str], Fraction] = {}
    for posted in history:
        for posting in posted.postings:
            key = (posting.ledger, posting.currency)
            expected[key] = expected.get(key, Fraction(0)) + Fraction(posting.amount)
    held = {(place, currency): Fraction(x) for place, currency, x in ledger.balances()}
    assert held == {key: amount for key, amount in expected.items() if amount}
    assert not any(ledger.total_by_currency().values())


@given(st.lists(transactions(), max_size=8), transactions(), st.data())
def test_i2_an_unbalanced_transaction_is_refused_whole(
    history: list[LedgerPosted], last: LedgerPosted, data: st.DataObject
) -> None:
    ledger = Ledger()
    for posted in history:
        ledger.fold(posted)
    before = ledger.state()
    edited = list(last.postings)
    place = data.draw(st.integers(0, len(edited) - 1))
    change = data.draw(amounts.filter(bool))
    one = edited[place]
    edited[place] = Posting(one.ledger, one.currency, one.amount + change)

    with pytest.raises(InvariantBroken, match="LEDGER_UNBALANCED"):
        ledger.fold(LedgerPosted(last.account, last.ts, last.cause, last.reference, tuple(edited)))

    assert ledger.state() == before


@given(
    st.lists(transactions(), max_size=8).flatmap(
        lambda x: st.tuples(st.just(x), st.permutations(x))
    )
)
def test_the_state_does_not_depend_on_the_order_of_transactions(
    histories: tuple[list[LedgerPosted], list[LedgerPosted]],
) -> None:
    one, other = Ledger(), Ledger()

    for posted in histories[0]:
        one.fold(posted)
    for posted in histories[1]:
        other.fold(posted)

    assert one.state() == other.state()
    assert one.balances() == other.balances()
