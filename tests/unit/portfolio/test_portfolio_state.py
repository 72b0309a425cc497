from decimal import Decimal

import msgspec
import pytest
from tests.unit.portfolio.builders import (
    BITCOIN,
    BTC,
    BTCUSDT,
    EMA,
    MAIN,
    USDT,
    a_portfolio,
    buy,
    deposit,
    sell,
)

from botcore.domain.errors import ConfigError, InvariantBroken
from botcore.domain.events import LedgerPosted, OrderPlaced, PositionChanged, Posting
from botcore.domain.ids import ClientOrderId, Nanos
from botcore.domain.intents import Reason
from botcore.domain.numbers import ZERO
from botcore.domain.orders import OrderSpec, OrderState, OrderType, Side
from botcore.domain.records import decode_fact, encode
from botcore.portfolio import Portfolio, Valuation

FILLS = (
    buy("1.50", "100.10", fee="0.0015", fee_currency=BTC),
    sell("0.40", "110", fee="0.044", trade=2),
)


def folded(facts: list[LedgerPosted | PositionChanged]) -> Portfolio:
    portfolio = Portfolio()
    for fact in facts:
        portfolio.fold(fact)
    return portfolio


def edited(fact: LedgerPosted, *amounts: str) -> LedgerPosted:
    postings = tuple(
        Posting(p.ledger, p.currency, p.amount + Decimal(change))
        for p, change in zip(fact.postings, amounts, strict=True)
    )
    return msgspec.structs.replace(fact, postings=postings)


def test_i12_folding_the_facts_gives_the_state_that_booking_gave() -> None:
    portfolio, facts = a_portfolio(*FILLS)

    again = folded([decode_fact(encode(fact)) for fact in facts])  # type: ignore[misc]  # ours

    assert again.state() == portfolio.state()
    again.verify()


def test_i12_a_snapshot_and_the_later_facts_give_the_same_state_and_the_same_next_facts() -> None:
    portfolio, _ = a_portfolio(*FILLS)
    restored = Portfolio()

    restored.restore(portfolio.state())

    assert restored.state() == portfolio.state()
    restored.verify()
    following = sell("0.3", "120", fee="0.036", trade=3)
    live, after = (p.book_fill(following, BITCOIN) for p in (portfolio, restored))
    assert [encode(fact) for fact in live] == [encode(fact) for fact in after]


def test_state_is_plain_strings_under_sorted_keys() -> None:
    portfolio, _ = a_portfolio(buy("2.0", "1E+2", fee="0.20"))

    state = portfolio.state()

    assert state == {
        "balance/assets:main/BTC": "2",
        "balance/assets:main/USDT": "99799.8",
        "balance/external:main/USDT": "-100000",
        "balance/fees:main:ema:BTCUSDT.SIM/USDT": "0.2",
        "balance/trading:main:ema:BTCUSDT.SIM/BTC": "-2",
        "balance/trading:main:ema:BTCUSDT.SIM/USDT": "200",
        "position/main/ema/BTCUSDT.SIM/base": "BTC",
        "position/main/ema/BTCUSDT.SIM/cost": "200",
        "position/main/ema/BTCUSDT.SIM/fees": "0.2",
        "position/main/ema/BTCUSDT.SIM/quantity": "2",
        "position/main/ema/BTCUSDT.SIM/quote": "USDT",
        "position/main/ema/BTCUSDT.SIM/realised": "0",
    }
    assert list(state) == sorted(state)


def test_asking_for_a_position_does_not_change_the_state() -> None:
    portfolio, _ = a_portfolio()
    before = portfolio.state()

    portfolio.position(MAIN, EMA, BTCUSDT)
    portfolio.net_position(MAIN, BTCUSDT)

    assert portfolio.state() == before
    portfolio.verify()


def test_restoring_replaces_what_was_there_and_keeps_views_and_valuations_current() -> None:
    empty = Portfolio().state()
    portfolio, _ = a_portfolio(*FILLS)
    valuation = Valuation(portfolio)
    valuation.mark(BTCUSDT, 100.0)
    position, state = portfolio.position(MAIN, EMA, BTCUSDT), portfolio.state()
    equity = valuation.equity(MAIN)

    portfolio.restore(empty)
    assert position.quantity == 0
    assert valuation.equity(MAIN) == 0.0
    assert portfolio.state() == {}

    portfolio.restore(state)
    assert position.quantity == Decimal("1.0985")
    assert valuation.equity(MAIN) == equity


@pytest.mark.parametrize(
    "damage",
    [
        {"balance/assets:main/USDT": "many"},
        {"balance/assets:main": "1"},
        {"nonsense": "1"},
        {"position/main/ema/ETHUSDT.SIM/quantity": "1"},
    ],
)
def test_a_snapshot_that_cannot_be_read_is_refused_and_changes_nothing(
    damage: dict[str, str],
) -> None:
    portfolio, _ = a_portfolio(*FILLS)
    before = portfolio.state()

    with pytest.raises(InvariantBroken) as refused:
        portfolio.restore(before | damage)

    assert refused.value.code == "PORTFOLIO_STATE_MALFORMED"
    assert portfolio.state() == before


def test_i2_a_journal_with_one_edited_posting_is_refused() -> None:
    _, facts = a_portfolio(*FILLS)
    assert isinstance(facts[1], LedgerPosted)
    facts[1] = edited(facts[1], "0.01", "0", "0", "0", "0")

    with pytest.raises(InvariantBroken) as refused:
        folded(facts)

    assert refused.value.code == "LEDGER_UNBALANCED"


def test_i3_verify_finds_postings_edited_so_that_they_still_balance() -> None:
    _, facts = a_portfolio(*FILLS)
    assert isinstance(facts[1], LedgerPosted)
    facts[1] = edited(facts[1], "-0.01", "0", "0.01", "0", "0")

    with pytest.raises(InvariantBroken, match=r"quantity is 1\.0985, ") as found:
        folded(facts).verify()

    assert found.value.code == "POSITION_DISAGREES"


@pytest.mark.parametrize("field", ["quantity", "cost", "realised", "fees"])
def test_i3_verify_finds_an_edited_position(field: str) -> None:
    _, facts = a_portfolio(*FILLS)
    last = facts[-1]
    assert isinstance(last, PositionChanged)
    facts[-1] = msgspec.structs.replace(last, **{field: getattr(last, field) + Decimal("1E-8")})

    with pytest.raises(InvariantBroken) as found:
        folded(facts).verify()

    assert found.value.code == "POSITION_DISAGREES"


def test_i3_verify_finds_a_missing_position_fact() -> None:
    _, facts = a_portfolio(*FILLS)

    with pytest.raises(InvariantBroken) as found:
        folded(facts[:-1]).verify()

    assert found.value.code == "POSITION_DISAGREES"


def test_i3_verify_finds_postings_of_a_line_that_has_no_position() -> None:
    portfolio, _ = a_portfolio(*FILLS)
    state = {k: v for k, v in portfolio.state().items() if not k.startswith("position/")}
    restored = Portfolio()
    restored.restore(state)

    with pytest.raises(InvariantBroken, match="no position"):
        restored.verify()


def test_a_position_without_postings_is_refused() -> None:
    _, facts = a_portfolio(*FILLS)

    with pytest.raises(InvariantBroken, match="no postings"):
        Portfolio().fold(facts[-1])


def test_verify_finds_a_stale_float_mirror() -> None:
    portfolio, _ = a_portfolio(*FILLS)
    portfolio.position(MAIN, EMA, BTCUSDT).quantity_float += 0.5

    with pytest.raises(InvariantBroken, match="float"):
        portfolio.verify()


@pytest.mark.parametrize("name", ["dust", "dust_cost"])
def test_i3_verify_finds_dust_that_the_ledger_does_not_hold(name: str) -> None:
    portfolio, _ = a_portfolio(*FILLS)
    setattr(portfolio.position(MAIN, EMA, BTCUSDT), name, Decimal("1E-8"))

    with pytest.raises(InvariantBroken, match="dust is"):
        portfolio.verify()


def test_verify_finds_a_net_view_that_is_not_the_sum_of_the_positions() -> None:
    portfolio, _ = a_portfolio(*FILLS)
    portfolio.holdings(MAIN).net[BTCUSDT] += 1

    with pytest.raises(InvariantBroken, match=r"nets to 2\.0985, against 1\.0985"):
        portfolio.verify()


def test_e93_a_reservation_is_no_posting_and_the_total_does_not_move() -> None:
    portfolio, _ = a_portfolio()
    order = OrderSpec(
        ClientOrderId("o"), MAIN, EMA, BTCUSDT, Side.BUY, OrderType.MARKET, Decimal(1)
    )
    placed = OrderPlaced(
        MAIN, order, OrderState.INTENT, Decimal("100.1"), USDT, 100.0, Nanos(1), Reason(0), "c"
    )
    before = portfolio.state()

    portfolio.fold(placed)

    assert portfolio.cash(MAIN, USDT) == 100_000
    assert portfolio.state() == before


def test_a_deposit_comes_from_outside_and_a_withdrawal_goes_there() -> None:
    portfolio = Portfolio()

    first = portfolio.book_deposit(deposit("10000.5"), Nanos(1))
    second = portfolio.book_deposit(deposit("-0.5"), Nanos(2))

    assert (first.cause, second.cause) == ("deposit", "withdrawal")
    assert portfolio.cash(MAIN, USDT) == 10_000
    assert portfolio.ledger.balance("external:main", USDT) == -10_000
    assert portfolio.ledger.total_by_currency() == {USDT: ZERO}


@pytest.mark.parametrize("amount", ["", "much", "0", "NaN", "Infinity", "0.000000001", "1E+40"])
def test_a_deposit_of_no_amount_is_refused_in_words(amount: str) -> None:
    portfolio = Portfolio()

    with pytest.raises(ConfigError, match="AMOUNT_REFUSED"):
        portfolio.book_deposit(deposit(amount), Nanos(1))

    assert portfolio.state() == {}
