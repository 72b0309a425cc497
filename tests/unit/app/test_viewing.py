"""What the platform's document says of orders, however many of them it shows."""

from pathlib import Path

import pytest
from tests.support.by_hand import a_wish, submit
from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import ACCOUNT, TradingSession, buy, planned, sell
from tests.unit.engine.test_lasting_doubts import SilentVenue

from botcore.app import viewing
from botcore.control import wording
from botcore.domain.commands import CancelAll, SessionStarted
from botcore.risk import RiskLimits

LIMITS = RiskLimits(order_frac=0.1, instrument_frac=0.2, account_frac=1.0, orders_per_s=1_000)


def test_all_orders_are_counted_though_only_the_newest_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(viewing, "ORDERS_SHOWN", 1)
    run = TradingSession(
        {"buyer": planned({1: lambda view: [buy(view), buy(view), buy(view)]})},
        wrap=SilentVenue,  # type: ignore[arg-type]  # what it does not silence is the venue's own
    )
    desk = TradingDesk(tmp_path, run)
    desk.bar(100.0)
    run.tell(CancelAll(ACCOUNT, "person:ann"))

    view = desk.view()
    desk.close()

    assert view is not None
    (account,) = view.accounts
    assert len(view.orders) == 1
    assert (account.orders_open, account.orders_in_doubt, account.cancels_owed) == (3, 3, 3)
    assert account.in_doubt_since == min(order.sent_at for order in run.orders)


def test_what_a_person_ordered_says_so_and_its_line_decides_nothing(tmp_path: Path) -> None:
    run = TradingSession({"idle": planned({})})
    desk = TradingDesk(tmp_path, run)
    desk.bar(100.0)
    run.tell(submit(a_wish("1")))
    desk.bar(100.0)

    view = desk.view()
    desk.close()

    assert view is not None
    assert [(each.strategy, each.reason) for each in view.fills] == [("manual", "placed by hand")]
    (manual,) = (each for each in view.strategies if each.id == "manual")
    assert wording.undecided(manual) == "Orders that a person gives; nothing decides here."


def test_the_account_says_its_exposure_and_what_it_may_be(tmp_path: Path) -> None:
    plan = {1: lambda view: [buy(view, "2")], 3: lambda view: [sell(view, "1")]}
    run = TradingSession({"buyer": planned(plan)}, cash="10000", limits=LIMITS)
    desk = TradingDesk(tmp_path, run)
    for price in (100.0, 100.0, 110.0, 110.0, 110.0):
        desk.bar(price)

    view = desk.view()
    desk.close()

    assert view is not None
    (account,) = view.accounts
    assert (account.equity, account.is_reconciled) == ("10020.00", True)
    assert account.exposure == "110.00"
    assert account.exposures == {"COINUSDT.SIM": "110.00"}
    assert account.caps == {"order": "1002.00", "symbol": "2004.00", "account": "10020.00"}
    assert account.realised == {"buyer": "10.00"}


def test_what_is_earned_stays_earned_when_the_position_is_gone(tmp_path: Path) -> None:
    plan = {1: lambda view: [buy(view, "1")], 3: lambda view: [sell(view, "1")]}
    desk = TradingDesk(tmp_path, TradingSession({"buyer": planned(plan)}))
    for price in (100.0, 100.0, 110.0, 110.0, 110.0):
        desk.bar(price)

    view = desk.view()
    desk.close()

    assert view is not None
    (account,) = view.accounts
    assert (view.positions, account.exposures) == ((), {})
    assert account.realised == {"buyer": "10.00"}


def test_an_account_is_not_reconciled_between_a_start_and_the_word_that_it_is(
    tmp_path: Path,
) -> None:
    run = TradingSession({})
    desk = TradingDesk(tmp_path, run)
    desk.bar(100.0)
    run.tell(SessionStarted(ACCOUNT, 7))

    view = desk.view()
    desk.close()

    assert view is not None
    assert [each.is_reconciled for each in view.accounts] == [False]
