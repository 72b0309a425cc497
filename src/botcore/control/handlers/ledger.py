"""The ledger, as it was booked."""

from typing import Any

from botcore.control.engine_port import EnginePort
from botcore.control.handlers.addressing import Accounts
from botcore.control.handlers.spans import span_of
from botcore.control.handling import Context, Handling
from botcore.control.history_port import Asked, History, OnlyPostings
from botcore.control.operations import Page, Request
from botcore.control.schema.ledger import Balance, ListBalances, ListPostings, Posting


class LedgerHandlers:
    """Answers what was booked; it needs the store only.

    Args:
        engine: says which account is the first one, while it runs.
        history: what was booked.
    """

    def __init__(self, *, engine: EnginePort, history: History) -> None:
        self._history = history
        self._accounts = Accounts(engine=engine, stored=history)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {ListPostings: Handling(self.postings), ListBalances: Handling(self.balances)}

    def postings(self, _context: Context, request: ListPostings) -> Page[Posting]:
        """Return a page of postings."""
        return self._history.postings(
            Asked(
                account=self._accounts.name_blocking(request.account),
                only=OnlyPostings(
                    ledger=request.ledger,
                    currency=request.currency,
                    cause=request.cause,
                    reference=request.reference,
                ),
                span=span_of(request.start, request.end),
                limit=request.limit,
                cursor=request.cursor,
            )
        )

    def balances(self, _context: Context, request: ListBalances) -> Page[Balance]:
        """Return what each place holds."""
        found = self._history.balances(self._accounts.name_blocking(request.account))
        return Page(
            items=tuple(each for each in found if request.currency in (None, each.currency))
        )
