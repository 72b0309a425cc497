"""The year's file and the lots, against figures worked by hand."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

import pytest
from tests.support.callers import a_call
from tests.support.sample_view import FakePlatform

from botcore.control.engine_port import EnginePort
from botcore.control.handlers import exports
from botcore.control.handlers.exports import ExportHandlers
from botcore.control.history_port import Execution, History, Moved, Movement, SetAside
from botcore.control.problems import Refused
from botcore.control.schema.exports import ExportTax, Layout, ListLots, Method
from botcore.domain.ids import Nanos
from botcore.domain.orders import Side

GAINS_HEADER = "Asset,Quantity,Date Acquired,Date Sold,Proceeds,Cost Basis,Gain or Loss,Currency"


class Booked:
    """Movements as they were booked, and one rate."""

    def __init__(self, *movements: Movement, bnb: str | None = None) -> None:
        self._movements = movements
        self._bnb = bnb

    def accounts(self) -> Sequence[str]:
        return ("main",)

    def movements(self, _account: str, *, after: int, limit: int) -> Sequence[Movement]:
        return [each for each in self._movements if each.number > after][: min(limit, 2)]

    def rate(self, asset: str, _currency: str, _ts: int) -> Decimal | None:
        return Decimal(self._bnb) if asset == "BNB" and self._bnb else None


def _handlers(*movements: Movement, bnb: str | None = None) -> ExportHandlers:
    return ExportHandlers(
        engine=cast(EnginePort, FakePlatform(None, float("inf"))),
        history=cast(History, Booked(*movements, bnb=bnb)),
    )


def _ts(day: str) -> Nanos:
    moment = datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC)
    return Nanos(int(moment.timestamp()) * 1_000_000_000)


def _trade(number: int, day: str, side: str, quantity: str, amount: str, **more: Any) -> Execution:
    given = {"fee": Decimal(0), "fee_currency": "USDT", **more}
    return Execution(
        number=number,
        ts=_ts(day),
        reference=f"o{number}/t{number}",
        order_id=f"o{number}",
        strategy="rsi",
        instrument="BTCUSDT.SIM",
        base="BTC",
        quote="USDT",
        side=Side(side),
        quantity=Decimal(quantity),
        quote_amount=Decimal(amount),
        **given,
    )


# Kruse's exercise (see tests/unit/portfolio/test_lots.py), a share being a hundredth of a bitcoin.
KRUSE = (
    Moved(number=1, ts=_ts("2025-01-01"), reference="open", currency="USDT", amount=Decimal(10**4)),
    _trade(2, "2025-01-15", "BUY", "1", "1000"),
    _trade(3, "2025-04-15", "BUY", "1", "3000"),
    _trade(4, "2025-06-15", "SELL", "1", "2000"),
    _trade(5, "2025-09-15", "BUY", "1", "5000"),
    _trade(6, "2025-11-15", "SELL", "1", "3000"),
)


@pytest.mark.parametrize(("method", "gain"), [(Method.FIFO, "1000"), (Method.LIFO, "-3000")])
def test_the_sums_of_a_year_agree_with_the_published_exercise(method: Method, gain: str) -> None:
    made = _handlers(*KRUSE).tax(a_call(), ExportTax(year=2025, method=method))

    assert made.gain == Decimal(gain)
    assert (made.proceeds, made.unknown, made.rows) == (Decimal(5000), 0, 2)
    assert made.name == f"botcore-main-2025-{method.value.lower()}-gains.csv"
    lines = list(csv.DictReader(io.StringIO(made.content)))
    assert sum(Decimal(line["Gain or Loss"]) for line in lines) == Decimal(gain)
    assert made.content.startswith(GAINS_HEADER)


def test_a_line_tells_when_it_was_acquired_and_sold_and_for_how_long_it_was_held() -> None:
    made = _handlers(*KRUSE).tax(a_call(), ExportTax(year=2025))

    (first, _) = csv.DictReader(io.StringIO(made.content))

    assert first == {
        "Asset": "BTC",
        "Quantity": "1",
        "Date Acquired": "2025-01-15 12:00:00 UTC",
        "Date Sold": "2025-06-15 12:00:00 UTC",
        "Proceeds": "2000",
        "Cost Basis": "1000",
        "Gain or Loss": "1000",
        "Currency": "USDT",
        "Holding Period (Days)": "151",
        "Type": "sale",
        "Acquired By": "o2/t2",
        "Disposed By": "o4/t4",
        "Note": "",
    }


def test_only_the_year_that_is_asked_for_is_told_but_all_before_it_counts() -> None:
    history = (
        _trade(1, "2023-12-31", "BUY", "1", "100"),
        _trade(2, "2024-01-01", "SELL", "0.5", "80"),
        _trade(3, "2025-01-01", "SELL", "0.5", "90"),
    )

    rows = [_handlers(*history).tax(a_call(), ExportTax(year=y)) for y in (2023, 2024, 2025)]

    assert [made.rows for made in rows] == [0, 1, 1]
    assert [made.gain for made in rows] == [Decimal(0), Decimal(30), Decimal(40)]


def test_what_came_from_outside_has_no_cost_and_stays_out_of_the_sums() -> None:
    came = Moved(
        number=1, ts=_ts("2025-01-01"), reference="in", currency="BTC", amount=Decimal("0.5")
    )

    made = _handlers(came, _trade(2, "2025-02-01", "SELL", "0.5", "50")).tax(
        a_call(), ExportTax(year=2025)
    )

    (line,) = csv.DictReader(io.StringIO(made.content))
    assert (made.unknown, made.proceeds, made.gain) == (1, Decimal(0), Decimal(0))
    assert (line["Cost Basis"], line["Gain or Loss"], line["Proceeds"]) == ("", "", "50")


@pytest.mark.parametrize(
    ("bnb", "cost", "is_complete"), [("600", "100.6", True), (None, "100", False)]
)
def test_a_fee_in_a_third_asset_counts_at_its_rate_or_is_said_to_be_left_out(
    bnb: str | None, cost: str, is_complete: bool
) -> None:
    bought = _trade(1, "2025-01-01", "BUY", "1", "100", fee=Decimal("0.001"), fee_currency="BNB")

    (lot,) = _handlers(bought, bnb=bnb).lots(a_call(), ListLots(asset="BTC")).items

    assert (lot.cost, lot.is_complete) == (Decimal(cost), is_complete)


def test_what_was_set_aside_is_still_held() -> None:
    aside = SetAside(
        number=2,
        ts=_ts("2025-01-02"),
        strategy="rsi",
        instrument="BTCUSDT.SIM",
        quantity=Decimal("0.01"),
        cost=Decimal(1),
    )

    (lot,) = (
        _handlers(_trade(1, "2025-01-01", "BUY", "1", "100"), aside)
        .lots(a_call(), ListLots())
        .items
    )

    assert (lot.quantity, lot.cost) == (Decimal(1), Decimal(100))


def test_lots_come_a_page_at_a_time() -> None:
    bought = [_trade(n, f"2025-01-0{n}", "BUY", "1", str(n)) for n in range(1, 6)]
    handlers = _handlers(*bought)
    found: list[Decimal | None] = []
    cursor = ""
    while True:
        page = handlers.lots(a_call(), ListLots(limit=2, cursor=cursor))
        found += [lot.cost for lot in page.items]
        if page.next_cursor is None:
            break
        cursor = page.next_cursor

    assert found == [Decimal(n) for n in range(1, 6)]


def test_the_transactions_are_told_as_tax_tools_take_them() -> None:
    made = _handlers(*KRUSE).tax(a_call(), ExportTax(year=2025, layout=Layout.TRANSACTIONS))

    lines = list(csv.DictReader(io.StringIO(made.content)))
    sold = lines[3]
    assert made.rows == 6
    assert made.gain is None
    assert (lines[0]["Received Amount"], lines[0]["Label"]) == ("10000", "deposit")
    assert (sold["Sent Amount"], sold["Sent Currency"]) == ("1", "BTC")
    assert (sold["Received Amount"], sold["Received Currency"]) == ("2000", "USDT")
    assert (sold["Net Worth Amount"], sold["TxHash"]) == ("2000", "o4/t4")


def test_no_spreadsheet_takes_a_text_for_a_formula() -> None:
    moved = Moved(
        number=1, ts=_ts("2025-01-01"), reference="=cmd()", currency="USDT", amount=Decimal(1)
    )

    made = _handlers(moved).tax(a_call(), ExportTax(year=2025, layout=Layout.TRANSACTIONS))

    assert made.content.splitlines()[1].endswith(",'=cmd()")


def test_a_year_that_is_too_long_is_refused_and_not_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "ROWS_MAX", 1)

    with pytest.raises(Refused, match="EXPORT_TOO_LARGE"):
        _handlers(*KRUSE).tax(a_call(), ExportTax(year=2025))
