"""What was stored, as control's handlers ask for it: rows of `storage.History` into answers."""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from botcore.app.stored_rows import (
    asking,
    balance_of,
    denial_of,
    execution_of,
    fill_of,
    mode_change_of,
    operands_of,
    order_of,
    others_of,
    page_of,
    posting_of,
)
from botcore.app.strategies import DOCUMENTS, load_strategies
from botcore.control.history_port import (
    Asked,
    Movement,
    Nothing,
    OnlyDenials,
    OnlyFills,
    OnlyOrders,
    OnlyPostings,
    Sample,
    Span,
)
from botcore.control.operations import Page
from botcore.control.schema.ledger import Balance, Posting
from botcore.control.schema.orders import Order
from botcore.control.schema.risk import DeniedIntent, ModeChange
from botcore.control.schema.trades import Fill
from botcore.control.wording import BY_HAND
from botcore.domain.commands import MANUAL
from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import DAY_NS, AccountId, InstrumentId, StrategyId
from botcore.domain.orders import OrderState
from botcore.portfolio import trading_path
from botcore.storage import Asked as Part
from botcore.storage import History, Row, Store
from botcore.strategies import LIBRARY, SignalStrategy, StrategyClass, render_reason

Words = Callable[[str, int, tuple[float, ...]], str]
"""``(strategy, code, operands) → sentence``; empty where nobody can say."""


class StoredHistory:
    """`control.history_port.History` over the engine's store.

    Args:
        store: of the engine; only read.
        words: puts a strategy's reason into a sentence.
    """

    def __init__(self, store: Store, *, words: Words) -> None:
        self._history = History(store)
        self._words = words
        self._pairs: dict[str, tuple[str, str]] = {}

    def accounts(self) -> Sequence[str]:
        """Return the ids of all accounts that have a history."""
        return self._history.accounts()

    def orders(self, asked: Asked[OnlyOrders]) -> Page[Order]:
        """Return orders by when they were placed."""
        only = asked.only
        is_every = len(only.states) == len(OrderState)
        with asking():
            found = self._history.orders(
                _part(asked),
                states=() if is_every else [str(state) for state in only.states],
                strategy=only.strategy,
                instrument=only.instrument,
                side=only.side,
            )
        paid = self._paid(found.rows)
        return page_of(found, lambda row: self._order(row, paid))

    def order(self, client_order_id: str) -> Order | None:
        """Return one order."""
        row = self._history.order(client_order_id)
        return None if row is None else self._order(row, self._paid([row]))

    def children(self, client_order_id: str) -> Sequence[str]:
        """Return the ids of the orders that hang on one."""
        return self._history.children(client_order_id)

    def fills(self, asked: Asked[OnlyFills]) -> Page[Fill]:
        """Return executions by when they happened."""
        only = asked.only
        with asking():
            found = self._history.fills(
                _part(asked),
                strategy=only.strategy,
                instrument=only.instrument,
                side=only.side,
                order_id=only.order_id,
                numbers=only.numbers,
            )
        reasons = self.reasons({row["order_id"] for row in found.rows})
        return page_of(
            found,
            lambda row: fill_of(
                row, quote=self._pair(row)[1], reason=reasons.get(row["order_id"], "")
            ),
        )

    def count_fills(self, span: Span) -> int:
        """Return how many executions lie in a span."""
        return self._history.count_fills(span.start, span.end)

    def reasons(self, order_ids: Collection[str]) -> Mapping[str, str]:
        """Return order → why it was placed, in words."""
        found = {
            name: self._reason(*known) for name, known in self._history.reasons(order_ids).items()
        }
        return {name: words for name, words in found.items() if words}

    def postings(self, asked: Asked[OnlyPostings]) -> Page[Posting]:
        """Return postings by when they were booked."""
        only = asked.only
        with asking():
            found = self._history.postings(
                _part(asked),
                ledger=only.ledger,
                currency=only.currency,
                cause=only.cause,
                reference=only.reference,
            )
        return page_of(found, posting_of)

    def balances(self, account: str) -> Sequence[Balance]:
        """Return what each ledger holds, without the empty ones."""
        return [balance_of(row) for row in self._history.balances(account)]

    def samples(self, account: str, span: Span, *, limit: int) -> Sequence[Sample]:
        """Return the newest samples of equity, oldest first."""
        found = self._history.samples(
            Part(account=account, since=span.start, until=span.end, limit=limit)
        )
        return [Sample(row["ts"], row["equity"], row["peak"]) for row in reversed(found.rows)]

    def mode_changes(self, asked: Asked[Nothing]) -> Page[ModeChange]:
        """Return changes of the mode."""
        with asking():
            found = self._history.mode_changes(_part(asked))
        return page_of(found, mode_change_of)

    def denials(self, asked: Asked[OnlyDenials]) -> Page[DeniedIntent]:
        """Return what was denied."""
        only = asked.only
        with asking():
            found = self._history.denials(
                _part(asked), strategy=only.strategy, instrument=only.instrument, code=only.code
            )
        return page_of(found, denial_of)

    def count_denials(self, account: str, span: Span) -> Mapping[str, int]:
        """Return code → how often the gate denied for it in a span."""
        return self._history.count_denials(account, span.start, span.end)

    def movements(self, account: str, *, after: int, limit: int) -> Sequence[Movement]:
        """Return what moved money or assets, in the order in which it was booked."""
        while True:
            part = self._history.movements(account, after=after, limit=limit)
            found: list[Movement] = [execution_of(row, self._pair(row)) for row in part.fills]
            found += others_of(part.postings, AccountId(account))
            numbers = [row["lsn"] for row in (*part.fills, *part.postings)]
            if found or not numbers:
                return sorted(found, key=lambda movement: movement.number)
            after = max(numbers)  # what was there is no movement to control: read on

    def rate(self, asset: str, currency: str, ts: int) -> Decimal | None:
        """Return the price of our own last execution of the pair, not older than a day."""
        if asset == currency:
            return Decimal(1)
        return self._history.last_price(f"{asset}{currency}", since=ts - DAY_NS + 1, until=ts + 1)

    def _order(self, row: Row, paid: Mapping[str, Decimal]) -> Order:
        return order_of(
            row,
            paid=paid.get(row["client_order_id"]),
            reason=self._reason(row["strategy"], row["reason_code"], row["reason_operands"]),
        )

    def _paid(self, orders: Sequence[Row]) -> dict[str, Decimal]:
        """Return order → quote units of just the executions that its row counts."""
        return self._history.spent(
            {row["client_order_id"]: row["lsn"] for row in orders if row["filled"]}
        )

    def _reason(self, strategy: str, code: int, operands: str) -> str:
        if strategy == MANUAL:
            return BY_HAND
        return self._words(strategy, code, operands_of(operands))

    def _pair(self, fill: Row) -> tuple[str, str]:
        """Return base and quote of a fill's instrument, as its postings name them.

        They stand first in the transaction that follows the fill, on its trading place.
        """
        name = fill["instrument"]
        known = self._pairs.get(name)
        if known is None:
            place = trading_path(
                AccountId(fill["account"]), StrategyId(fill["strategy"]), InstrumentId(name)
            )
            named = self._history.currencies(place, after=fill["lsn"])
            if len(named) < 2:  # noqa: PLR2004  # the base leg and the quote leg
                raise StorageError(
                    code="FILL_NOT_BOOKED",
                    cause=f"execution {fill['trade_id']} of {fill['order_id']} has no postings",
                    fix="run `botcore doctor`, which compares the store with its journal",
                )
            known = self._pairs[name] = (named[0], named[1])
        return known


def _part(asked: Asked[Any]) -> Part:
    """Return which part of a list is asked for, in the store's words."""
    return Part(
        account=asked.account,
        since=asked.span.start,
        until=asked.span.end,
        is_newest=not asked.is_oldest,
        cursor=asked.cursor,
        limit=asked.limit,
    )


class ReasonWords:
    """Sentences of strategies' reasons, for who does not run them.

    Those of the library and of rule documents are known. A strategy of one's own in Python is not
    run here only to ask it for its words.

    Args:
        configured: id of a strategy → its name in the library or the folder.
        folder: of the person's own strategies; None for no such.
    """

    def __init__(self, configured: Mapping[str, str], folder: Path | None) -> None:
        self._configured = dict(configured)
        self._folder = folder
        self._known: dict[str, StrategyClass | None] = {}

    def __call__(self, strategy: str, code: int, operands: tuple[float, ...]) -> str:
        """Return the sentence; empty where nobody can say."""
        if not operands:
            return ""
        if strategy not in self._known:
            self._known[strategy] = self._find(self._configured.get(strategy, strategy))
        found = self._known[strategy]
        if found is None or not issubclass(found, SignalStrategy):
            return ""
        return render_reason(found, code, operands)

    def _find(self, name: str) -> StrategyClass | None:
        if name in LIBRARY:
            return LIBRARY[name]
        if self._folder is None:
            return None
        for suffix in DOCUMENTS:
            path = self._folder / f"{name}{suffix}"
            if path.is_file():
                try:
                    return next(iter(load_strategies(path).values()), None)
                except ConfigError:
                    return None
        return None
