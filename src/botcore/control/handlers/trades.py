"""What was traded: executions, and the round trips they make."""

import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from botcore.control.engine_port import EnginePort
from botcore.control.handlers.addressing import Accounts
from botcore.control.handlers.paging import page_of
from botcore.control.handlers.plainly import plainly
from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Handling
from botcore.control.history_port import Asked, History, OnlyFills
from botcore.control.operations import Page, Request
from botcore.control.problems import NotFound
from botcore.control.round_trips import RoundTrip, RoundTrips
from botcore.control.schema.trades import (
    Fill,
    GetTrade,
    ListFills,
    ListTrades,
    Trade,
    TradeDetail,
    TradeStatus,
)
from botcore.control.schema.values import PAGE_MAX, Money, instant
from botcore.domain.ids import SECOND_NS
from botcore.domain.numbers import MONEY

_CHUNK: Final = 5_000
_PRICE: Final = Decimal("1E-12")


class TradeHandlers:
    """Answers what was traded.

    Round trips are folded on from where the last question left them; the first question after a
    start reads all that was ever booked.

    Args:
        engine: says which account is the first one, while it runs.
        history: what was booked.
    """

    def __init__(self, *, engine: EnginePort, history: History) -> None:
        self._history = history
        self._accounts = Accounts(engine=engine, stored=history)
        self._trips: dict[str, RoundTrips] = {}
        self._folding = threading.Lock()

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            ListFills: Handling(self.fills),
            ListTrades: Handling(self.trades),
            GetTrade: Handling(self.trade),
        }

    def fills(self, _context: Context, request: ListFills) -> Page[Fill]:
        """Return a page of executions."""
        return self._history.fills(
            Asked(
                account=self._accounts.name_blocking(request.account),
                only=OnlyFills(
                    strategy=request.strategy,
                    instrument=request.instrument,
                    side=request.side,
                    order_id=request.order_id,
                ),
                span=span_of(request.start, request.end),
                limit=request.limit,
                cursor=request.cursor,
            )
        )

    def trades(self, _context: Context, request: ListTrades) -> Page[Trade]:
        """Return a page of round trips."""
        account = self._accounts.name_blocking(request.account)
        span = span_of(request.start, request.end)
        with self._folding:
            trips = self._folded(account)
            chosen = [
                trip
                for trip in (*trips.open, *trips.closed)
                if request.strategy in (None, trip.strategy)
                and request.instrument in (None, trip.instrument)
                and request.status in (None, _status(trip))
                and (span.start is None or trip.closed >= span.start)
                and (span.end is None or trip.closed < span.end)
            ]
            page = page_of(
                chosen, key=_place, limit=request.limit, cursor=request.cursor, is_newest=True
            )
            fields = [_fields(account, trip) for trip in page.items]
        words = self._history.reasons({each["entry_order"] for each in fields} | _exits(fields))
        return Page(
            items=tuple(plainly(Trade(**_worded(each, words))) for each in fields),
            next_cursor=page.next_cursor,
        )

    def trade(self, _context: Context, request: GetTrade) -> TradeDetail:
        """Return one round trip with its executions."""
        account = self._accounts.name_blocking(request.account)
        with self._folding:
            trip = self._folded(account).find(int(request.id))
            if trip is None:
                raise NotFound(
                    code="TRADE_UNKNOWN",
                    cause=f"no round trip began with execution {request.id}, or it is too long ago",
                    fix="see GET /api/v1/trades; GET /api/v1/trading/fills has every execution",
                )
            fields, numbers = _fields(account, trip), (trip.number, trip.last)
        words = self._history.reasons({fields["entry_order"], fields["exit_order"]} - {""})
        only = OnlyFills(
            strategy=fields["strategy"], instrument=fields["instrument"], numbers=numbers
        )
        found = self._history.fills(
            Asked(account=account, only=only, limit=PAGE_MAX, is_oldest=True)
        )
        return plainly(TradeDetail(**_worded(fields, words), fills=found.items))

    def _folded(self, account: str) -> RoundTrips:
        trips = self._trips.setdefault(account, RoundTrips())
        while movements := self._history.movements(account, after=trips.number, limit=_CHUNK):
            trips.take(movements)
        return trips


def _place(trip: RoundTrip) -> str:
    """Return where a round trip stands: open ones by their beginning, above closed ones."""
    return f"1{trip.number:020d}" if trip.is_open else f"0{trip.last:020d}{trip.number:020d}"


def _status(trip: RoundTrip) -> TradeStatus:
    return TradeStatus.OPEN if trip.is_open else TradeStatus.CLOSED


def _fields(account: str, trip: RoundTrip) -> dict[str, Any]:
    symbol, _, venue = trip.instrument.partition(".")
    profit = trip.profit
    return {
        "id": str(trip.number),
        "status": _status(trip),
        "account": account,
        "strategy": trip.strategy,
        "instrument": trip.instrument,
        "symbol": symbol,
        "venue": venue,
        "side": "long" if trip.sign > 0 else "short",
        "opened_at": instant(trip.opened),
        "closed_at": None if trip.is_open else instant(trip.closed),
        "held_s": None if trip.is_open else (trip.closed - trip.opened) / SECOND_NS,
        "quantity": trip.most,
        "entry_price": _average(trip.stake, trip.entered),
        "exit_price": _average(trip.received, trip.left) if trip.left else None,
        "stake": Money(trip.stake, trip.quote),
        "fees": Money(trip.fees, trip.quote),
        "other_fees": tuple(Money(fee, coin) for coin, fee in sorted(trip.others.items())),
        "profit": None if profit is None else Money(profit, trip.quote),
        "profit_frac": None if profit is None or not trip.stake else float(profit / trip.stake),
        "executions": trip.executions,
        "entry_order": trip.first_order,
        "exit_order": trip.last_order,
    }


def _exits(fields: list[dict[str, Any]]) -> set[str]:
    return {each["exit_order"] for each in fields if each["exit_order"]}


def _worded(fields: dict[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    told = dict(fields)
    told["entry_reason"] = words.get(told.pop("entry_order"), "")
    told["exit_reason"] = words.get(told.pop("exit_order"), "")
    return told


def _average(amount: Decimal, quantity: Decimal) -> Decimal:
    """Return a price for people: 12 places, without zeros behind it."""
    return plainly(MONEY.quantize(MONEY.divide(amount, quantity), _PRICE))
