import json
from decimal import Decimal

import pytest
import sqlalchemy as sa
from tests.contract.storage.facts import (
    BTC,
    MAIN,
    RSI,
    a_day,
    at,
    entries,
    filled,
    order_id,
    placed,
    updated,
)

from botcore.domain.events import LimitsChanged
from botcore.domain.ids import AccountId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState
from botcore.storage import ReadModels, SqlJournal, Store, rebuild_projections, verify
from botcore.storage.tables import PROJECTIONS


@pytest.fixture
def after_a_day(journal: SqlJournal, store: Store) -> ReadModels:
    journal.wait_durable(journal.append(entries(a_day())))
    return ReadModels(store)


def _contents(store: Store) -> dict[str, list[tuple[object, ...]]]:
    with store.reading() as connection:
        return {
            table.name: sorted(
                (tuple(row) for row in connection.execute(sa.select(table))), key=repr
            )
            for table in PROJECTIONS
        }


@pytest.mark.requirement("TABLE trades")
def test_each_fill_is_a_trade_with_the_columns_of_the_contract(after_a_day: ReadModels) -> None:
    newest, oldest = after_a_day.trades(MAIN)

    assert {
        name: oldest[name]
        for name in (
            "time", "symbol", "exchange", "order_id", "side", "price", "quantity", "fees"
        )
    } == {
        "time": "2026-01-01T00:00:03.000000000Z",
        "symbol": "BTCUSDT",
        "exchange": "SIM",
        "order_id": "BC-1",
        "side": "BUY",
        "price": Decimal("30000.01"),
        "quantity": Decimal("0.2"),
        "fees": Decimal("15.000005"),
    }  # fmt: skip
    assert newest["quantity"] == Decimal("0.3")
    assert after_a_day.trades(MAIN, limit=1) == [newest]
    assert after_a_day.trades_of("BC-1") == [oldest, newest]


@pytest.mark.requirement("TABLE positions")
def test_the_position_is_the_last_one_told(after_a_day: ReadModels) -> None:
    [position] = after_a_day.positions(MAIN)

    assert (position["strategy"], position["instrument"]) == (RSI, BTC)
    assert (position["symbol"], position["exchange"]) == ("BTCUSDT", "SIM")
    assert position["quantity"] == Decimal("0.5")
    assert position["cost"] == Decimal("15000.005")
    assert position["ts"] == at(4)


def test_an_order_carries_what_its_last_facts_say(after_a_day: ReadModels) -> None:
    filled_order, canceled = after_a_day.order("BC-1"), after_a_day.order("BC-2")

    assert filled_order is not None
    assert canceled is not None
    assert filled_order["state"] == "FILLED"
    assert filled_order["filled"] == Decimal("0.5")
    assert filled_order["venue_order_id"] == "V1"
    assert filled_order["reason_operands"] == "41.2,30.0"
    assert filled_order["updated_at"] == at(4)
    assert canceled["state"] == "CANCELED"
    assert canceled["quantity"] == Decimal("0.7")
    assert canceled["limit_price"] == Decimal("29999.99")
    assert canceled["cancel_owed"] is False
    assert canceled["detail"] == "by the user"
    assert after_a_day.order("BC-99") is None


def test_only_orders_that_may_still_trade_are_open(after_a_day: ReadModels) -> None:
    assert [order["client_order_id"] for order in after_a_day.open_orders(MAIN)] == ["BC-3"]
    assert [order["client_order_id"] for order in after_a_day.orders(MAIN, limit=2)] == [
        "BC-3",
        "BC-2",
    ]


def test_balances_are_the_sums_of_the_postings(after_a_day: ReadModels) -> None:
    balances = {row["ledger"]: row["amount"] for row in after_a_day.balances(MAIN)}

    assert balances == {
        "assets:main:free": Decimal("10000") - Decimal("15000.005") - Decimal("30.00001"),
        "external": Decimal("-10000"),
        "fees": Decimal("30.00001"),
        "trading:rsi:BTCUSDT.SIM": Decimal("15000.005"),
    }


def test_balances_go_on_after_a_restart(store: Store) -> None:
    with SqlJournal(store) as journal:
        journal.append(entries(a_day()))
    with SqlJournal(store) as journal:
        journal.append(entries([placed(4), *filled(4, 20)]))

    fees = [row for row in ReadModels(store).balances(MAIN) if row["ledger"] == "fees"]

    assert fees[0]["amount"] == Decimal("45.000015")


def test_mode_alert_denial_and_equity_are_told(after_a_day: ReadModels) -> None:
    [alert] = after_a_day.alerts(MAIN)
    [denial] = after_a_day.denials(MAIN)
    [sample] = after_a_day.performance(MAIN)

    assert after_a_day.mode(MAIN) is Mode.REDUCE_ONLY
    assert after_a_day.mode(AccountId("another")) is Mode.NORMAL
    assert (alert["code"], alert["detail"]) == ("DAILY_LOSS", "5.1 % of 5 %")
    assert (denial["code"], denial["value"], denial["bound"]) == ("NOTIONAL", 5000.0, 1000.0)
    assert (sample["equity"], sample["peak"], sample["ts"]) == (9_990.5, 10_000.0, at(10))


@pytest.mark.requirement("TABLE strategies")
def test_a_strategy_is_known_from_the_configuration_and_from_what_became_of_it(
    after_a_day: ReadModels,
) -> None:
    macd, rsi = after_a_day.strategies(MAIN)

    assert (rsi["id"], rsi["name"], rsi["description"]) == ("rsi", "rsi", "buys dips")
    assert (rsi["is_active"], rsi["detail"]) == (False, "paused by person:me")
    assert json.loads(rsi["config"])["account"] == "main"
    assert rsi["created_at"] == at(0)
    assert (macd["is_active"], macd["detail"]) == (False, "quarantined: never returned")


@pytest.mark.requirement("TABLE risk_limits")
def test_the_limits_in_force_are_a_row_of_the_account(
    after_a_day: ReadModels, store: Store
) -> None:
    from botcore.storage.tables import risk_limits

    with store.reading() as connection:
        [limits] = connection.execute(sa.select(risk_limits)).mappings()

    assert limits["user_id"] == "main"
    assert limits["max_position_value"] == 0.4
    assert (limits["max_daily_loss"], limits["max_drawdown"]) == (0.05, 0.2)
    assert limits["updated_at"] == at(0)


def test_limits_that_a_person_changed_are_a_row_of_the_account(store: Store) -> None:
    from botcore.storage.tables import risk_limits

    limits = {"instrument_frac": 0.3, "daily_loss_frac": 0.02, "drawdown_frac": 0.1}
    changed = LimitsChanged(MAIN, at(90_000), limits, "person:me")
    with SqlJournal(store) as journal:
        journal.wait_durable(journal.append(entries([*a_day(), changed])))
        with store.reading() as connection:
            [row] = connection.execute(sa.select(risk_limits)).mappings()

    assert row["max_position_value"] == 0.3
    assert (row["max_daily_loss"], row["max_drawdown"]) == (0.02, 0.1)
    assert row["updated_at"] == at(90_000)
    assert verify(store) == []


def test_one_account_does_not_see_another(after_a_day: ReadModels) -> None:
    other = AccountId("other")

    assert after_a_day.orders(other) == after_a_day.trades(other) == []
    assert after_a_day.positions(other) == after_a_day.balances(other) == []


def test_r9_how_facts_fall_into_commits_changes_nothing(store: Store, store_url: str) -> None:
    with SqlJournal(store) as journal:
        for entry in entries(a_day()):
            journal.wait_durable(journal.append([entry]))
    one_by_one = _contents(store)

    assert rebuild_projections(store) == len(a_day())
    at_once = _contents(store)

    assert one_by_one == at_once
    assert len(one_by_one["trades"]) == 2


def test_projections_that_were_dropped_come_back_from_the_journal(store: Store) -> None:
    with SqlJournal(store) as journal:
        journal.wait_durable(journal.append(entries(a_day())))
        before = _contents(store)
        with store.writing() as connection:
            for table in PROJECTIONS:
                connection.execute(sa.delete(table))

        count = journal.rebuild_projections()
        journal.append(entries([placed(5)]))

    assert count == len(a_day())
    with_one_more = _contents(store)
    assert {name: len(rows) for name, rows in with_one_more.items()} == {
        name: len(rows) + (name == "orders") for name, rows in before.items()
    }
    assert verify(store) == []


def test_a_late_fill_changes_an_order_that_ended_long_ago(
    after_a_day: ReadModels, journal: SqlJournal
) -> None:
    late = filled(2, 30, quantity="0.1", total="0.1", state=OrderState.CANCELED)

    journal.wait_durable(journal.append(entries(late)))

    order = after_a_day.order("BC-2")
    assert order is not None
    assert (order["state"], order["filled"]) == ("CANCELED", Decimal("0.1"))


def test_an_order_placed_twice_means_the_same_within_a_commit_and_across_two(
    store: Store,
) -> None:
    held, live = placed(7, state=OrderState.HELD), placed(7, quantity="0.25")
    with SqlJournal(store) as journal:
        journal.append(entries([held, live]))
        journal.wait_durable(journal.last_lsn)
        together = _contents(store)["orders"]
        journal.rebuild_projections()
        assert _contents(store)["orders"] == together
    with SqlJournal(store) as journal:
        journal.wait_durable(journal.append(entries([held])))
        journal.wait_durable(journal.append(entries([live])))

    order = ReadModels(store).order(order_id(7))
    assert order is not None
    assert order["quantity"] == Decimal("0.25")
    assert verify(store) == []


@pytest.mark.parametrize(
    "number",
    ["0.000000000000000001", "12345678901234567890.123456789012345678", "100", "1E+3", "-0.10"],
)
def test_numbers_come_back_equal_whatever_the_database(
    journal: SqlJournal, store: Store, number: str
) -> None:
    journal.wait_durable(journal.append(entries([placed(1, quantity=number)])))

    order = ReadModels(store).order("BC-1")

    assert order is not None
    assert order["quantity"] == Decimal(number)
    assert "E" not in str(order["quantity"]) or Decimal(number) < Decimal("1E-6")


def test_a_number_that_a_database_would_round_is_refused(store: Store) -> None:
    from botcore.domain.errors import StorageError

    journal = SqlJournal(store)
    lsn = journal.append(entries([placed(1, quantity="0.0000000000000000001")]))

    with pytest.raises(StorageError, match="NUMBER_TOO_FINE"):
        journal.wait_durable(lsn)
    with pytest.raises(StorageError):
        journal.close()


def test_a_document_that_is_no_configuration_does_not_stop_the_journal(
    journal: SqlJournal, store: Store
) -> None:
    from botcore.domain.events import ConfigApplied

    for document in (
        "",
        "[]",
        '{"strategies": 3, "accounts": {}}',
        '{"strategies": [1, {"id": 2}], "accounts": [{}, {"id": "main", "limits": 1}]}',
    ):
        fact = ConfigApplied(MAIN, at(0), "d", document)
        journal.wait_durable(journal.append(entries([fact])))

    assert ReadModels(store).strategies(MAIN) == []


def test_not_a_number_is_stored_as_nothing(journal: SqlJournal, store: Store) -> None:
    from botcore.domain.decisions import Denied
    from botcore.domain.events import OrderDenied

    denied = Denied(MAIN, RSI, BTC, "NOT_A_NUMBER", float("nan"), float("inf"), at(0))
    journal.wait_durable(journal.append(entries([OrderDenied(MAIN, denied)])))

    [row] = ReadModels(store).denials(MAIN)

    assert (row["value"], row["bound"]) == (None, float("inf"))
    assert verify(store) == []


def test_an_update_of_an_order_that_was_never_placed_makes_none(
    journal: SqlJournal, store: Store
) -> None:
    unknown = updated(404, OrderState.CANCELED, second=1)

    journal.wait_durable(journal.append(entries([unknown])))

    assert ReadModels(store).orders(MAIN) == []
    assert verify(store) == []
