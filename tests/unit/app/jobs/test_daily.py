"""The daily report's work: every account that was composed, each in its own currency."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import ACCOUNT, TradingSession, buy, planned, sell

from botcore.app.jobs.daily import daily_report
from botcore.app.jobs.reporting import Reporting
from botcore.domain.events import ConfigApplied, Fact, LedgerPosted, PerformanceUpdate, Posting
from botcore.domain.ids import AccountId, Currency, Nanos
from botcore.storage.projections import load, write

DAY = "1970-01-01"  # the session's clock begins with it
EURO = AccountId("euro")
FEES = {"taker_fee_ppm": 1_000}


def a_day(folder: Path) -> TradingDesk:
    """Return a day on which a strategy bought one and sold it."""
    plan = {1: lambda view: [buy(view, "1")], 3: lambda view: [sell(view, "1")]}
    desk = TradingDesk(folder, TradingSession({"buyer": planned(plan)}, venue=FEES))
    for price in (100.0, 100.0, 110.0, 110.0, 110.0):
        desk.bar(price)
    return desk


def add(desk: TradingDesk, *facts: Fact) -> None:
    with desk.store.writing() as connection:
        first = desk._lsn + 1  # behind what the desk has written
        write(connection, load(connection).fold(list(enumerate(facts, first))))
    desk._lsn += len(facts)


def configured(account: AccountId, reporting: str) -> ConfigApplied:
    document = (
        f'{{"accounts":[{{"id":"{account}","limits":{{"daily_loss_frac":0.05}},'
        f'"reporting":"{reporting}"}}],"instruments":[],"strategies":[]}}'
    )
    return ConfigApplied(account, Nanos(1), f"digest of {account}", document)


def made(folder: Path) -> tuple[dict[str, Any], list[str]]:
    said: list[str] = []
    to = Reporting(lambda _done, _of: None, said.append)
    return daily_report({"day": DAY}, {"home": folder}, to), said


def test_an_account_is_reported_on_under_the_name_and_in_the_currency_it_was_composed_with(
    tmp_path: Path,
) -> None:
    desk = a_day(tmp_path)
    desk.close()

    found, said = made(tmp_path)

    (report,) = found["accounts"]
    assert (found["day"], report["account"], report["day"]) == (DAY, ACCOUNT, DAY)
    assert report["executions"] == 2
    assert report["fees"]["currency"] == "USDT"
    assert Decimal(report["fees"]["amount"]) > 0
    (strategy,) = report["strategies"]
    assert (strategy["strategy"], strategy["trades"]) == ("buyer", 1)
    assert 9 < Decimal(strategy["profit"]) < 10
    assert said == []


def test_every_account_has_a_report_of_its_own(tmp_path: Path) -> None:
    desk = a_day(tmp_path)
    euros = (Posting("cash:euro", Currency("EUR"), Decimal(500)),)
    add(
        desk,
        configured(EURO, "EUR"),
        LedgerPosted(EURO, Nanos(2), "deposit", "opening", euros),
        PerformanceUpdate(EURO, Nanos(3), 500.0, 500.0, 0, 500.0),
        PerformanceUpdate(EURO, Nanos(4), 476.0, 500.0, 0, 500.0),
    )
    desk.close()

    found, said = made(tmp_path)

    euro, main = found["accounts"]
    assert (euro["account"], main["account"]) == (EURO, ACCOUNT)
    assert euro["equity_start"] == {"amount": "500.00", "currency": "EUR"}
    assert euro["result"]["currency"] == "EUR"
    assert (euro["executions"], main["executions"]) == (0, 2)
    (proposal,) = said
    assert proposal.startswith("euro: proposal for risk/limits: lower order_frac by a quarter")
    assert proposal.endswith("(the day lost 4.80% of the 5.00% allowed)")


def test_what_has_no_known_worth_in_the_account_s_currency_is_said_and_not_counted(
    tmp_path: Path,
) -> None:
    desk = a_day(tmp_path)
    add(desk, configured(ACCOUNT, "EUR"))  # nobody traded USDT for EUR
    desk.close()

    found, said = made(tmp_path)

    (report,) = found["accounts"]
    assert (report["executions"], report["strategies"]) == (2, ())
    assert report["fees"] == {"amount": "0", "currency": "EUR"}
    assert said == ["main: 3 amounts have no known worth in EUR and are not counted"]


def test_before_anything_was_composed_there_is_nothing_to_report_on(tmp_path: Path) -> None:
    TradingDesk(tmp_path, TradingSession({}, is_open=False)).close()

    found, said = made(tmp_path)

    assert (found, said) == ({"day": DAY, "accounts": []}, [])
