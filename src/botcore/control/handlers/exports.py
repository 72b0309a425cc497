"""Tax lots and the year's file, from what was booked."""

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from botcore.control.engine_port import EnginePort
from botcore.control.handlers.addressing import Accounts
from botcore.control.handlers.paging import page_of
from botcore.control.handlers.plainly import plainly
from botcore.control.handling import Context, Handling
from botcore.control.history_port import Execution, History, Moved, Movement
from botcore.control.operations import Page, Request
from botcore.control.problems import Refused
from botcore.control.schema.exports import ExportTax, Layout, ListLots, OpenLot, TaxFile
from botcore.control.schema.values import instant, nanoseconds
from botcore.domain.ids import DAY_NS, Currency
from botcore.domain.money import Money
from botcore.domain.numbers import EXACT, MONEY, ZERO
from botcore.domain.orders import Side
from botcore.portfolio import (
    Disposal,
    DisposalKind,
    Exchange,
    Lot,
    LotMethod,
    TaxLots,
    Transfer,
)
from botcore.portfolio.amounts import plain, to_quantum

ROWS_MAX: Final = 100_000
"""Most lines of a file; a year with more of them is refused rather than cut."""
_CHUNK: Final = 5_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_GAINS: Final = (
    "Asset",
    "Quantity",
    "Date Acquired",
    "Date Sold",
    "Proceeds",
    "Cost Basis",
    "Gain or Loss",
    "Currency",
    "Holding Period (Days)",
    "Type",
    "Acquired By",
    "Disposed By",
    "Note",
)
_TRANSACTIONS: Final = (
    "Date",
    "Sent Amount",
    "Sent Currency",
    "Received Amount",
    "Received Currency",
    "Fee Amount",
    "Fee Currency",
    "Net Worth Amount",
    "Net Worth Currency",
    "Label",
    "Description",
    "TxHash",
)
_ADVICE: Final = (
    "This file computes, it does not advise: ask whoever does your taxes which method you may use.",
    "Days begin at midnight UTC.",
)


class ExportHandlers:
    """Answers what is held since when, and makes the year's file.

    Every question folds all that was ever booked: it costs what the history is long.

    Args:
        engine: says which account is the first one and its currency, while it runs.
        history: what was booked.
        currency: what costs are told in while the engine does not run.
    """

    def __init__(self, *, engine: EnginePort, history: History, currency: str = "USDT") -> None:
        self._engine = engine
        self._history = history
        self._currency = currency
        self._accounts = Accounts(engine=engine, stored=history)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {ListLots: Handling(self.lots), ExportTax: Handling(self.tax)}

    def lots(self, _context: Context, request: ListLots) -> Page[OpenLot]:
        """Return a page of what is held, by acquisition."""
        account = self._accounts.name_blocking(request.account)
        currency = self._currency_of(account)
        held = TaxLots(currency=currency, method=LotMethod(request.method))
        for movement in self._movements(account):
            self._taken(held, movement)
        # Where a method splits a lot, what is left of it keeps stamp and reference: one is one.
        numbered = {
            f"{lot.asset} {number:012d}": lot
            for number, lot in enumerate(held.open())
            if request.asset in (None, lot.asset)
        }
        page = page_of(
            list(numbered), key=lambda name: name, limit=request.limit, cursor=request.cursor
        )
        return Page(
            items=tuple(_open_lot(numbered[name], currency) for name in page.items),
            next_cursor=page.next_cursor,
        )

    def tax(self, _context: Context, request: ExportTax) -> TaxFile:
        """Make the file of a year."""
        account = self._accounts.name_blocking(request.account)
        if request.layout is Layout.TRANSACTIONS:
            return self._transactions(account, request)
        return self._gains(account, request)

    def _gains(self, account: str, request: ExportTax) -> TaxFile:
        currency = self._currency_of(account)
        held = TaxLots(currency=currency, method=LotMethod(request.method))
        start, end = _year(request.year)
        chosen: list[Disposal] = []
        for movement in self._movements(account):
            if movement.ts >= end:
                continue
            disposals = self._taken(held, movement)
            if movement.ts >= start:
                chosen += [each for each in disposals if each.kind is not DisposalKind.TRANSFER]
                _refuse_length(len(chosen), request.year)
        known = [each for each in chosen if each.gain is not None]
        proceeds = _sum(each.proceeds for each in known)
        cost = _sum(each.cost for each in known)
        return TaxFile(
            name=f"botcore-{account}-{request.year}-{request.method.lower()}-gains.csv",
            media_type="text/csv",
            content=_csv(_GAINS, (_gain_row(each, currency) for each in chosen)),
            rows=len(chosen),
            currency=currency,
            proceeds=proceeds,
            cost=cost,
            gain=EXACT.subtract(proceeds, cost),
            unknown=len(chosen) - len(known),
            notes=(
                f"Lots by {request.method}, over all strategies of the account {account}.",
                *_ADVICE,
            ),
        )

    def _transactions(self, account: str, request: ExportTax) -> TaxFile:
        currency = self._currency_of(account)
        start, end = _year(request.year)
        rows = []
        for movement in self._movements(account):
            if start <= movement.ts < end and isinstance(movement, Execution | Moved):
                rows.append(self._transaction_row(movement, currency))
                _refuse_length(len(rows), request.year)
        return TaxFile(
            name=f"botcore-{account}-{request.year}-transactions.csv",
            media_type="text/csv",
            content=_csv(_TRANSACTIONS, rows),
            rows=len(rows),
            currency=currency,
            proceeds=None,
            cost=None,
            gain=None,
            unknown=0,
            notes=("The tool that reads it works out the lots; no sums are made here.", *_ADVICE),
        )

    def _taken(self, held: TaxLots, movement: Movement) -> tuple[Disposal, ...]:
        if isinstance(movement, Execution):
            return held.exchange(self._exchange(movement, held.currency))
        if isinstance(movement, Moved):
            amount = Money(movement.amount, Currency(movement.currency))
            return held.transfer(
                Transfer(ts=movement.ts, reference=movement.reference, amount=amount)
            )
        return ()  # what was set aside is still held

    def _exchange(self, execution: Execution, currency: Currency) -> Exchange:
        coins = Money(execution.quantity, Currency(execution.base))
        money = Money(execution.quote_amount, Currency(execution.quote))
        is_buy = execution.side is Side.BUY
        fee = Money(execution.fee, Currency(execution.fee_currency))
        known = (execution.base, execution.quote, currency)
        return Exchange(
            ts=execution.ts,
            reference=execution.reference,
            given=money if is_buy else coins,
            received=coins if is_buy else money,
            value=self._worth(money, currency, execution.ts),
            fee=fee if fee.amount else None,
            fee_value=None if fee.currency in known else self._worth(fee, currency, execution.ts),
        )

    def _worth(self, amount: Money, currency: str, ts: int) -> Decimal | None:
        if amount.currency == currency:
            return amount.amount
        rate = self._history.rate(amount.currency, currency, ts)
        return None if rate is None else to_quantum(MONEY.multiply(amount.amount, rate))

    def _transaction_row(
        self, movement: Execution | Moved, currency: Currency
    ) -> tuple[object, ...]:
        date = _stamp(movement.ts)
        if isinstance(movement, Moved):
            amount, coin = plain(abs(movement.amount)), movement.currency
            is_in = movement.amount > ZERO
            sent, received = (("", ""), (amount, coin))[:: 1 if is_in else -1]
            label = "deposit" if is_in else "withdrawal"
            return (date, *sent, *received, "", "", "", "", label, "", _inert(movement.reference))
        exchange = self._exchange(movement, currency)
        fee = exchange.fee
        worth = exchange.value
        return (
            date,
            plain(exchange.given.amount),
            exchange.given.currency,
            plain(exchange.received.amount),
            exchange.received.currency,
            "" if fee is None else plain(fee.amount),
            "" if fee is None else fee.currency,
            "" if worth is None else plain(worth),
            "" if worth is None else currency,
            "",
            _inert(f"{movement.strategy} {movement.instrument}"),
            _inert(movement.reference),
        )

    def _movements(self, account: str) -> Iterator[Movement]:
        after = 0
        while movements := self._history.movements(account, after=after, limit=_CHUNK):
            yield from movements
            after = movements[-1].number

    def _currency_of(self, account: str) -> Currency:
        view = self._engine.view()
        for shown in () if view is None else view.accounts:
            if shown.id == account:
                return Currency(shown.currency)
        return Currency(self._currency)


def _open_lot(lot: Lot, currency: str) -> OpenLot:
    shown = OpenLot(
        asset=lot.asset,
        acquired_at=instant(lot.acquired_at),
        reference=lot.reference,
        quantity=lot.quantity,
        cost=lot.cost,
        currency=currency,
        is_complete=lot.is_complete,
    )
    return plainly(shown)


def _gain_row(disposal: Disposal, currency: str) -> tuple[object, ...]:
    since, gain = disposal.acquired_at, disposal.gain
    notes = []
    if since is None:
        notes.append("acquired outside this platform: the cost is not known")
    if not disposal.is_complete:
        notes.append("a fee of unknown value is left out")
    return (
        disposal.asset,
        plain(disposal.quantity),
        "" if since is None else _stamp(since),
        _stamp(disposal.disposed_at),
        _plain(disposal.proceeds),
        _plain(disposal.cost),
        _plain(gain),
        currency,
        "" if since is None else (disposal.disposed_at - since) // DAY_NS,
        disposal.kind,
        _inert(disposal.acquired_by),
        _inert(disposal.disposed_by),
        "; ".join(notes),
    )


def _csv(header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> str:
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n")
    write.writerow(header)
    write.writerows(rows)
    return out.getvalue()


def _year(year: int) -> tuple[int, int]:
    """Return the stamps between which a calendar year lies, UTC."""
    first, after = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    return nanoseconds(first), nanoseconds(after)


def _refuse_length(rows: int, year: int) -> None:
    if rows > ROWS_MAX:
        raise Refused(
            code="EXPORT_TOO_LARGE",
            cause=f"the year {year} has more than {ROWS_MAX} lines",
            fix="read the executions by GET /api/v1/trading/fills, a page at a time",
        )


def _stamp(ts: int) -> str:
    return f"{instant(ts):%Y-%m-%d %H:%M:%S} UTC"


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else plain(amount)


def _sum(amounts: Iterable[Decimal | None]) -> Decimal:
    total = ZERO
    for each in amounts:
        total = EXACT.add(total, each or ZERO)
    return total


def _inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula (OWASP, "CSV Injection")."""
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
