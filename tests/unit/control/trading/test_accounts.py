"""Accounts, positions and the ledger: what is shown is what was booked."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.callers import a_call
from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import TradingSession

from botcore.control.handlers.accounts import AccountHandlers, thinned
from botcore.control.handlers.ledger import LedgerHandlers
from botcore.control.handlers.orders import OrderHandlers
from botcore.control.handlers.positions import PositionHandlers
from botcore.control.problems import Malformed, NotFound, Refused, Unavailable
from botcore.control.schema import accounts as a
from botcore.control.schema import ledger as g
from botcore.control.schema import orders as o
from botcore.control.schema import positions as p
from botcore.domain.commands import Checkpoint
from botcore.domain.errors import StorageError
from botcore.domain.ids import AccountId
from botcore.domain.orders import Side
from botcore.kernel.clock import SystemClock

COIN = "COINUSDT.SIM"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    desk = TradingDesk(tmp_path, TradingSession({}, cash="10000"))
    desk.bar(100.0)
    yield desk
    desk.close()


def _trade(desk: TradingDesk, side: Side, quantity: Decimal, reference: str) -> None:
    handlers = OrderHandlers(engine=desk, history=desk.history)
    request = o.PlaceOrder(instrument=COIN, side=side, quantity=quantity)
    asyncio.run(handlers.place(a_call(reference=reference), request))


def test_an_account_is_shown_with_the_age_of_its_figures_and_of_its_prices(
    desk: TradingDesk,
) -> None:
    handlers = AccountHandlers(engine=desk, history=desk.history)
    _trade(desk, Side.BUY, Decimal(2), "r1")
    desk.bar(100.0, 110.0, 100.0, 110.0)

    shown = asyncio.run(handlers.show(a_call(), a.GetAccount()))

    assert (shown.equity.amount, shown.cash.amount) == (Decimal("10020.00"), Decimal("9800.00"))
    assert shown.free.amount == shown.cash.amount - shown.locked.amount
    assert (shown.age_s, shown.is_stale, shown.prices.status) == (0.2, False, "live")
    assert shown.prices.banner == "SIMULATED"


def test_old_figures_never_look_live(desk: TradingDesk) -> None:
    desk.age_s = 60.0
    handlers = AccountHandlers(engine=desk, history=desk.history)

    (shown,) = asyncio.run(handlers.listed(a_call(), a.ListAccounts())).items

    assert shown.is_stale
    assert (shown.prices.status, shown.prices.age_s) == ("stale", 60.0)


def test_accounts_that_are_not_there_are_not_found_and_a_silent_engine_is_said(
    desk: TradingDesk,
) -> None:
    handlers = AccountHandlers(engine=desk, history=desk.history)

    with pytest.raises(NotFound, match="ACCOUNT_UNKNOWN"):
        asyncio.run(handlers.show(a_call(), a.GetAccount(account="other")))
    with pytest.raises(NotFound, match="ACCOUNT_UNKNOWN"):
        handlers.equity(a_call(), a.GetEquity(account="other"))
    desk.is_silent = True
    with pytest.raises(Unavailable, match="ENGINE_SILENT"):
        asyncio.run(handlers.show(a_call(), a.GetAccount()))


def test_the_ledger_is_read_while_the_engine_is_silent(desk: TradingDesk) -> None:
    desk.is_silent = True
    handlers = LedgerHandlers(engine=desk, history=desk.history)

    found = handlers.balances(a_call(), g.ListBalances(currency="USDT")).items

    assert {(each.ledger, each.amount) for each in found} == {
        ("assets:main", Decimal(10_000)),
        ("external:main", Decimal(-10_000)),
    }


def test_a_store_that_cannot_be_read_is_said_and_not_shown_as_empty(
    desk: TradingDesk, tmp_path: Path
) -> None:
    away = TradingDesk.history_of_a_broken_store(tmp_path)

    with pytest.raises(StorageError):
        LedgerHandlers(engine=desk, history=away).balances(a_call(), g.ListBalances())


def test_positions_are_shown_at_the_last_price(desk: TradingDesk) -> None:
    handlers = PositionHandlers(engine=desk, stored=desk.history, clock=SystemClock())
    _trade(desk, Side.BUY, Decimal(2), "r1")
    desk.bar(100.0, 110.0, 100.0, 110.0)

    (held,) = asyncio.run(handlers.listed(a_call(), p.ListPositions())).items

    assert (held.quantity, held.average_price, held.mark) == (
        Decimal(2),
        Decimal(100),
        Decimal(110),
    )
    assert held.value is not None
    assert held.unrealised is not None
    assert (held.value.amount, held.unrealised.amount) == (Decimal(220), Decimal(20))
    only = p.ListPositions(strategy="rsi")
    assert asyncio.run(handlers.listed(a_call(), only)).items == ()


def test_an_average_price_keeps_its_digits(desk: TradingDesk) -> None:
    handlers = PositionHandlers(engine=desk, stored=desk.history, clock=SystemClock())
    for number, (price, quantity) in enumerate([(100.01, 2), (100.02, 1)]):
        _trade(desk, Side.BUY, Decimal(quantity), f"r{number}")
        desk.bar(price)

    (held,) = asyncio.run(handlers.listed(a_call(), p.ListPositions())).items

    assert held.average_price == Decimal("100.013333333333")


def test_the_equity_curve_shows_falls_from_the_highest_point(desk: TradingDesk) -> None:
    handlers = AccountHandlers(engine=desk, history=desk.history)
    _trade(desk, Side.BUY, Decimal(10), "r1")
    for price in (100.0, 200.0, 150.0, 180.0):
        desk.bar(price)
        desk.session.tell(Checkpoint(AccountId("main")))
        desk.commit()

    curve = handlers.equity(a_call(), a.GetEquity())

    assert curve.max_drawdown_frac == pytest.approx(500 / 11_000)
    assert curve.points[-1].equity == Decimal(10_800)
    assert curve.points[-1].drawdown_frac == pytest.approx(200 / 11_000)
    assert curve.is_whole
    assert [each.at for each in curve.points] == sorted(each.at for each in curve.points)


def test_times_without_a_zone_and_spans_of_nothing_are_refused(desk: TradingDesk) -> None:
    handlers = AccountHandlers(engine=desk, history=desk.history)

    with pytest.raises(Malformed, match="TIME_WITHOUT_ZONE"):
        handlers.equity(a_call(), a.GetEquity(start=datetime(2026, 1, 1)))  # noqa: DTZ001  # the point
    later = datetime.fromisoformat("2026-01-02T00:00:00Z")
    with pytest.raises(Malformed, match="RANGE_EMPTY"):
        handlers.equity(a_call(), a.GetEquity(start=later, end=later))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=300), st.integers(2, 60))
def test_a_thinned_curve_keeps_its_ends_and_its_extremes(values: list[float], most: int) -> None:
    kept = thinned(values, most)

    assert len(kept) <= most
    assert kept == sorted(set(kept))
    assert (kept[0], kept[-1]) == (0, len(values) - 1)
    if most >= 4:
        shown = [values[index] for index in kept]
        assert (min(shown), max(shown)) == (min(values), max(values))


_steps = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.decimals("0.001", "3", places=3),
        st.floats(50, 150).map(lambda price: round(price, 2)),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_steps)
def test_account_sums_equal_ledger_sums(steps: list[tuple[Side, Decimal, float]]) -> None:
    with TemporaryDirectory() as folder:
        session = TradingSession({}, cash="10000", venue={"taker_fee_ppm": 1_000})
        desk = TradingDesk(Path(folder), session)
        desk.bar(100.0)
        for number, (side, quantity, price) in enumerate(steps):
            try:
                _trade(desk, side, quantity, f"r{number}")
            except Refused:
                continue
            finally:
                desk.bar(price)
        ledger = LedgerHandlers(engine=desk, history=desk.history)
        postings = ledger.postings(a_call(), g.ListPostings(limit=500)).items
        balances = ledger.balances(a_call(), g.ListBalances()).items
        account = asyncio.run(
            AccountHandlers(engine=desk, history=desk.history).show(a_call(), a.GetAccount())
        )
        held = asyncio.run(
            PositionHandlers(engine=desk, stored=desk.history, clock=SystemClock()).listed(
                a_call(), p.ListPositions()
            )
        ).items
        desk.close()

    sums: dict[tuple[str, str], Decimal] = {}
    for each in postings:
        place = (each.ledger, each.currency)
        sums[place] = sums.get(place, Decimal(0)) + each.amount
    assert {place: amount for place, amount in sums.items() if amount} == {
        (each.ledger, each.currency): each.amount for each in balances
    }
    for currency in {each.currency for each in balances}:
        assert sum(each.amount for each in balances if each.currency == currency) == 0
    cash = sums["assets:main", "USDT"]
    assert account.cash.amount == cash.quantize(Decimal("0.01"))
    coins = sums.get(("assets:main", "COIN"), Decimal(0))
    dust = sum(
        (amount for (place, coin), amount in sums.items() if (place[:4], coin) == ("dust", "COIN")),
        start=Decimal(0),
    )
    assert sum((each.quantity for each in held), start=Decimal(0)) == coins
    last = Decimal(repr(steps[-1][2]))
    worth = cash + (coins + dust) * last
    assert account.equity.amount == worth.quantize(Decimal("0.01"))
