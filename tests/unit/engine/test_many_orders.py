"""With many open orders an account is measured by kept sums: the same decisions, the same money."""

from collections.abc import Callable

import msgspec
import pytest
from tests.support.many_orders import NEVER, many_above
from tests.support.recorded_session import a_recorded_session, digest_of
from tests.support.trading_session import ACCOUNT, WIDE, TradingSession, buy, planned, sell
from tests.support.venue_session import COINUSDT

from botcore.domain.ids import StrategyId
from botcore.domain.intents import Intent
from botcore.domain.orders import OrderType
from botcore.execution.open_sums import FEW
from botcore.risk import RiskLimits
from botcore.strategies import StrategyView

S = StrategyId("s")
MANY = FEW + 8
LIMIT = OrderType.LIMIT


def a_grid(
    bids: int,
    *,
    offers: int = 0,
    then: Callable[[StrategyView], list[Intent]] | None = None,
    limits: RiskLimits = WIDE,
) -> TradingSession:
    """A strategy holds 10 and rests bids of 0.1 below 100, offers of 0.1 above, a unit apart."""
    run = TradingSession(
        {
            "s": planned(
                {
                    1: lambda view: [buy(view, "10")],
                    2: lambda view: [
                        *(buy(view, "0.1", LIMIT, limit_price=f"{99 - n}") for n in range(bids)),
                        *(
                            sell(view, "0.1", LIMIT, limit_price=f"{101 + n}")
                            for n in range(offers)
                        ),
                    ],
                    3: then or (lambda _view: []),
                }
            )
        },
        limits=msgspec.structs.replace(limits, fee_frac=0.0),
    )
    run.flat(100, 3)
    return run


def exposures(run: TradingSession) -> tuple[float, float, float]:
    view = run.engine.desk.view
    return (
        view.instrument_exposure(ACCOUNT, COINUSDT),
        view.strategy_exposure(ACCOUNT, S),
        view.account_exposure(ACCOUNT),
    )


def test_a_session_measured_by_sums_decides_as_one_measured_order_by_order() -> None:
    with many_above(0):
        summed = digest_of(a_recorded_session())
    with many_above(NEVER):
        in_turn = digest_of(a_recorded_session())

    assert summed == in_turn


@pytest.mark.parametrize("bids", [FEW - 1, FEW, FEW + 1, MANY])
def test_exposure_grows_alike_where_few_orders_become_many(bids: int) -> None:
    run = a_grid(bids)

    assert exposures(run) == pytest.approx([1000 + bids * 10] * 3, rel=1e-12)

    run.bar(99.5)

    assert exposures(run) == pytest.approx([995 + bids * 9.95] * 3, rel=1e-12)


def test_the_limit_on_an_instrument_holds_with_many_orders_open() -> None:
    room = 1000 + MANY * 10 + 15
    run = a_grid(
        MANY,
        then=lambda view: [buy(view, "0.1", LIMIT, limit_price="90") for _ in range(2)],
        limits=msgspec.structs.replace(WIDE, instrument_frac=room / 1_000_000),
    )

    assert run.denials == ["INSTRUMENT_LIMIT"], "the first had room, both together have none"


def test_many_offers_sell_no_more_than_is_held() -> None:
    run = a_grid(0, offers=MANY, then=lambda view: [sell(view, "7")])

    assert run.denials == ["INSUFFICIENT_POSITION"], "10 are held, 4 of them are offered"


def test_many_open_buys_without_a_price_count_as_what_they_reserve() -> None:
    run = a_grid(MANY)
    reserved = sum((99 - n) * 0.1 for n in range(MANY))

    run.restarted()

    assert run.engine.desk.view.mark(COINUSDT) is None
    assert exposures(run) == pytest.approx([1000 + reserved] * 3, rel=1e-12)


@pytest.mark.parametrize("fold", [False, True])
def test_a_restart_measures_many_orders_as_before(fold: bool) -> None:
    run = a_grid(MANY, offers=5)
    before = exposures(run)

    run.restarted(fold=fold)
    run.resumed()
    run.bar(100)

    assert exposures(run) == before
