"""The stored history as control's handlers read it, the same from both databases."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeVar

import pytest
from tests.support.trading_session import ACCOUNT, TradingSession

from botcore.app.composition import PAPER
from botcore.app.history import ReasonWords, StoredHistory
from botcore.app.stored_signals import StoredSignals
from botcore.control.history_port import (
    Asked,
    Execution,
    Moved,
    Movement,
    Nothing,
    OnlyDenials,
    OnlyFills,
    OnlyOrders,
    OnlyPostings,
    SetAside,
    Span,
)
from botcore.control.problems import Malformed
from botcore.control.round_trips import RoundTrips
from botcore.control.schema.values import PAGE_MAX
from botcore.domain.commands import Checkpoint, Deposit, OrderWish, SetMode, SubmitOrder
from botcore.domain.decisions import Denied
from botcore.domain.errors import StorageError
from botcore.domain.events import OrderDenied, OrderFilled, SignalGenerated
from botcore.domain.ids import MINUTE_NS, InstrumentId, Nanos, StrategyId
from botcore.domain.intents import Reason
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.records import RecordKind, encode
from botcore.storage import Entry, SqlJournal, Store, verify
from botcore.storage.projections import write
from botcore.storage.projector import Projector
from botcore.venues.simulated.config import FeeMode

COIN = InstrumentId("COINUSDT.SIM")
RSI = StrategyId("rsi")
T = TypeVar("T")


def _submit(
    session: TradingSession, reference: str, side: Side, quantity: str, **more: str
) -> None:
    prices = {name: Decimal(value) for name, value in more.items()}
    wish = OrderWish(
        account=ACCOUNT,
        instrument=COIN,
        side=side,
        type=OrderType.LIMIT if "limit_price" in more else OrderType.MARKET,
        quantity=Decimal(quantity),
        **prices,  # type: ignore[arg-type]  # by name
    )
    session.tell(SubmitOrder(order=wish, by="person:ann", reference=reference))


def _session() -> TradingSession:
    """Six round trips with fees in coins, so that dust is set aside, and things beside them."""
    session = TradingSession(
        {}, cash="10000", venue={"taker_fee_ppm": 1_000, "fee_mode": FeeMode.BASE}
    )
    session.bar(100.0)
    for number in range(6):
        _submit(session, f"b{number}", Side.BUY, "1.5")
        session.bar(100.0 + number)
        held = session.position("manual").quantity
        _submit(session, f"s{number}", Side.SELL, str(held))
        session.bar(101.0)
    _submit(session, "rest", Side.BUY, "1", limit_price="90", stop_loss="80")
    _submit(session, "much", Side.SELL, "500")
    session.tell(SetMode(ACCOUNT, Mode.REDUCE_ONLY, "person:ann", "a look"))
    session.tell(Deposit(ACCOUNT, session.config.accounts[0].reporting, "-5", "out"))
    session.tell(Checkpoint(ACCOUNT))
    return session


@pytest.fixture
def history(store: Store) -> StoredHistory:
    store.upgrade()
    session = _session()
    with store.writing() as connection:
        write(connection, Projector().fold(list(enumerate(session.facts, 1))))
    return StoredHistory(store, words=ReasonWords({}, None))


def _asked(only: T, **more: Any) -> Asked[T]:
    given: dict[str, Any] = {"limit": 100} | more
    return Asked(account=ACCOUNT, only=only, **given)


def _movements(history: StoredHistory, limit: int) -> list[Movement]:
    found: list[Movement] = []
    after = 0
    while part := history.movements(ACCOUNT, after=after, limit=limit):
        found += part
        after = part[-1].number
    return found


def _paged(history: StoredHistory, limit: int, *, is_oldest: bool) -> Sequence[str]:
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = history.orders(_asked(OnlyOrders(), limit=limit, cursor=cursor, is_oldest=is_oldest))
        found += [order.id for order in page.items]
        cursor = page.next_cursor
    return found


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_pages_of_any_size_give_every_order_once_in_order(
    history: StoredHistory, limit: int
) -> None:
    newest = _paged(history, limit, is_oldest=False)
    oldest = _paged(history, limit, is_oldest=True)

    assert len(newest) == len(set(newest)) == 14
    assert oldest == list(reversed(newest))


def test_orders_are_filtered_and_know_what_they_cost(history: StoredHistory) -> None:
    working = [state for state in OrderState if not state.is_terminal]
    resting = history.orders(_asked(OnlyOrders(states=working))).items
    (entry,) = (order for order in resting if order.parent is None)
    bought = history.orders(
        _asked(OnlyOrders(side=Side.BUY, states=[OrderState.FILLED]), is_oldest=True)
    ).items

    assert (entry.limit_price, entry.leaves, entry.average_price) == (Decimal(90), Decimal(1), None)
    assert history.children(entry.id) == [order.id for order in resting if order.parent == entry.id]
    assert len(history.children(entry.id)) == 1
    assert [order.average_price for order in bought] == [Decimal(100 + n) for n in range(6)]
    assert history.order(entry.id) == entry
    assert history.order("BC-0") is None
    nobody = OnlyOrders(strategy="rsi")
    assert history.orders(_asked(nobody)).items == ()


def test_fills_know_their_currencies_and_their_reasons(history: StoredHistory) -> None:
    fills = history.fills(_asked(OnlyFills())).items

    assert len(fills) == 12
    assert {fill.quote_amount.currency for fill in fills} == {"USDT"}
    assert {fill.reason for fill in fills} == {"placed by hand"}
    assert [fill.time for fill in fills] == sorted((f.time for f in fills), reverse=True)
    some = Span(start=MINUTE_NS, end=3 * MINUTE_NS)
    assert (
        history.count_fills(some) == len(history.fills(_asked(OnlyFills(), span=some)).items) == 2
    )
    assert history.reasons([fills[0].order_id, "BC-0"]) == {fills[0].order_id: "placed by hand"}


def test_movements_are_the_same_in_parts_of_any_size(history: StoredHistory) -> None:
    every = _movements(history, 1_000)

    assert every == _movements(history, 1) == _movements(history, 3)
    kinds = [type(each) for each in every]
    assert kinds.count(Execution) == 12
    assert kinds.count(Moved) == 2
    assert SetAside in kinds
    assert [each.number for each in every] == sorted(each.number for each in every)


def test_round_trips_end_flat_and_their_money_is_the_ledgers(history: StoredHistory) -> None:
    trips = RoundTrips()
    trips.take(_movements(history, 5))

    places = ("trading:", "fees:")
    spent = sum(
        (
            each.amount
            for each in history.balances(ACCOUNT)
            if each.ledger.startswith(places) and each.currency == "USDT"
        ),
        start=Decimal(0),
    )
    assert trips.open == ()
    assert len(trips.closed) == 6
    assert sum((trip.money for trip in trips.closed), start=Decimal(0)) == -spent


def test_postings_are_filtered_and_balances_are_their_sums(history: StoredHistory) -> None:
    every = history.postings(_asked(OnlyPostings(), limit=500)).items
    paid_out = history.postings(_asked(OnlyPostings(cause="withdrawal"))).items

    sums: dict[tuple[str, str], Decimal] = {}
    for each in every:
        place = (each.ledger, each.currency)
        sums[place] = sums.get(place, Decimal(0)) + each.amount
    assert {p: a for p, a in sums.items() if a} == {
        (each.ledger, each.currency): each.amount for each in history.balances(ACCOUNT)
    }
    assert {each.amount for each in paid_out} == {Decimal(5), Decimal(-5)}
    assert {each.reference for each in paid_out} == {"out"}


def test_modes_denials_and_samples_are_told(history: StoredHistory) -> None:
    (changed,) = history.mode_changes(_asked(Nothing())).items
    (denied,) = history.denials(_asked(OnlyDenials())).items
    samples = history.samples(ACCOUNT, Span(), limit=10)

    assert (changed.mode, changed.by, changed.cause) == (Mode.REDUCE_ONLY, "person:ann", "a look")
    assert denied.code in {"INSUFFICIENT_POSITION", "SHORT_NOT_ALLOWED"}
    assert denied.sentence
    assert samples[-1].equity == pytest.approx(samples[-1].peak, rel=0.01)
    assert history.accounts() == [ACCOUNT]
    assert history.denials(_asked(OnlyDenials(code="NO_PRICE"))).items == ()


def test_what_a_protection_denied_says_which_and_why(store: Store) -> None:
    words = "cooldown of rsi until 12:00, after a loss"
    denied = Denied(
        ACCOUNT,
        StrategyId("rsi"),
        COIN,
        "PROTECTION_LOCKED",
        float("nan"),
        float("nan"),
        Nanos(MINUTE_NS),
        detail=words,
    )
    with SqlJournal(store) as journal:
        fact = encode(OrderDenied(ACCOUNT, denied))
        key = Key(Nanos(MINUTE_NS), 0, 0, 0)
        journal.wait_durable(journal.append([Entry(RecordKind.FACT, key, ACCOUNT, fact)]))
    history = StoredHistory(store, words=ReasonWords({}, None))

    (found,) = history.denials(_asked(OnlyDenials())).items

    assert found.sentence == f"a protection lets nothing be opened: {words}"
    assert (found.value, found.limit) == (None, None)
    assert verify(store) == []


def test_denials_are_counted_by_code_however_many_they_are(store: Store) -> None:
    key = Key(Nanos(MINUTE_NS), 0, 0, 0)
    codes = ["NO_PRICE"] * (PAGE_MAX + 1) + ["ORDER_LIMIT"]
    with SqlJournal(store) as journal:
        facts = [
            encode(
                OrderDenied(ACCOUNT, Denied(ACCOUNT, RSI, COIN, code, 1.0, 0.0, Nanos(MINUTE_NS)))
            )
            for code in codes
        ]
        entries = [Entry(RecordKind.FACT, key, ACCOUNT, fact) for fact in facts]
        journal.wait_durable(journal.append(entries))
    history = StoredHistory(store, words=ReasonWords({}, None))

    counted = history.count_denials(ACCOUNT, Span(start=MINUTE_NS, end=2 * MINUTE_NS))

    assert counted == {"NO_PRICE": PAGE_MAX + 1, "ORDER_LIMIT": 1}
    assert history.count_denials(ACCOUNT, Span(start=2 * MINUTE_NS)) == {}


def test_signals_come_by_page_with_their_reasons(store: Store) -> None:
    signals = [
        SignalGenerated(
            PAPER, StrategyId(name), COIN, Nanos(n), weight, 0.5, Reason(1, (41.2, 30.0, 0.0, 0.0))
        )
        for n, (name, weight) in enumerate([("rsi", 0.5), ("rsi", -0.5), ("macd", 0.0)])
    ]
    with SqlJournal(store) as journal:
        for fact in signals:
            entry = Entry(RecordKind.FACT, Key(Nanos(0), 0, 0, 0), PAPER, encode(fact))
            journal.wait_durable(journal.append([entry]))
    read = StoredSignals(store, words=ReasonWords({}, None))

    newest = read(strategy="", symbol="", limit=2, cursor="")
    last = read(strategy="", symbol="", limit=2, cursor=newest.next_cursor or "")
    of_rsi = read(strategy="rsi", symbol=COIN, limit=9, cursor="").items

    assert [each.direction for each in newest.items + last.items] == ["neutral", "short", "long"]
    assert last.next_cursor is None
    assert [each.weight for each in of_rsi] == [-0.5, 0.5]
    assert "RSI" in of_rsi[0].reason
    assert read(strategy="", symbol="BTCUSDT.SIM", limit=9, cursor="").items == ()
    with pytest.raises(Malformed, match="CURSOR_MALFORMED"):
        read(strategy="", symbol="", limit=9, cursor="x")


def test_a_rate_is_that_of_our_own_last_execution_of_the_day(history: StoredHistory) -> None:
    last = history.fills(_asked(OnlyFills())).items[0]
    at = int(last.time.timestamp()) * 1_000_000_000

    assert history.rate("COIN", "USDT", at) == last.price
    assert history.rate("COIN", "USDT", at + 2 * 86_400 * 1_000_000_000) is None
    assert history.rate("USDT", "USDT", at) == 1


def test_a_cursor_of_another_list_is_refused(history: StoredHistory) -> None:
    cursor = history.orders(_asked(OnlyOrders(), limit=1)).next_cursor

    with pytest.raises(Malformed, match="CURSOR_MALFORMED"):
        history.fills(_asked(OnlyFills(), cursor=cursor))
    with pytest.raises(Malformed, match="CURSOR_MALFORMED"):
        history.orders(_asked(OnlyOrders(), cursor=cursor, is_oldest=True))


def test_reasons_of_the_library_are_words_and_others_are_left_out() -> None:
    words = ReasonWords({"mine": "rsi"}, None)

    assert "RSI" in words("rsi", 1, (41.2, 30.0, 0.0, 0.0))
    assert words("mine", 1, (41.2, 30.0, 0.0, 0.0)) == words("rsi", 1, (41.2, 30.0, 0.0, 0.0))
    assert words("unheard-of", 1, (1.0,)) == ""
    assert words("rsi", 0, ()) == ""


def test_a_fill_without_postings_is_a_damage_that_says_what_to_do(store: Store) -> None:
    store.upgrade()
    facts = [(n, fact) for n, fact in enumerate(_session().facts, 1) if type(fact) is OrderFilled]
    with store.writing() as connection:
        write(connection, Projector().fold(facts))
    history = StoredHistory(store, words=ReasonWords({}, None))

    with pytest.raises(StorageError, match="FILL_NOT_BOOKED"):
        history.fills(_asked(OnlyFills()))
