"""Questions to the engine, answered on its thread between two steps; nothing changes by one."""

from collections.abc import Callable, Sequence
from typing import Any, assert_never

from botcore.domain.errors import ConfigError
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.numbers import exact
from botcore.domain.questions import (
    Asked,
    BookLevels,
    BookOf,
    Decisions,
    DecisionsOf,
    PreviewOrder,
    RiskState,
    SeenPrice,
    StrategyState,
    StrategyStates,
    TopOfBook,
    TopsOfBook,
    WhatIsOpen,
)
from botcore.engine.decided import DecisionOutcomes, decisions_of
from botcore.engine.open_now import open_now
from botcore.engine.pipeline import Engine
from botcore.engine.ports import Books, Costs, Prices
from botcore.engine.preview import Previewer, seen_mark
from botcore.engine.risk_state import risk_state
from botcore.engine.slots import SignalSlot
from botcore.engine.strategy_states import strategy_states


class Answering:
    """Answers questions.

    Args:
        engine: asked on its own thread, between two steps.
        outcomes: what became of decisions.
        costs: of the venue, as modelled.
        prices: the newest heard.
        books: what the source of prices can say of books.
        now: the market's clock, nanoseconds.
        stopped: strategies that are configured and not run.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        outcomes: DecisionOutcomes,
        costs: Costs,
        prices: Prices,
        books: Books,
        now: Callable[[], int],
        stopped: Sequence[StrategyState] = (),
    ) -> None:
        self._engine = engine
        self._outcomes = outcomes
        self._prices = prices
        self._books = books
        self._now = now
        self._stopped = stopped
        self._previewer = Previewer(engine, costs=costs, prices=prices, now=now)

    def answer(self, question: Asked) -> Any:  # noqa: ANN401  # what the question's class says
        """Return the answer.

        Raises:
            ConfigError: it names an account or an instrument that there is not.
        """
        match question:
            case PreviewOrder():
                self._refuse_unknown(question.order.account)
                return self._previewer.preview(question)
            case DecisionsOf():
                return self._decisions(question)
            case RiskState():
                accounts, now = self._engine.desk.accounts, self._now()
                return tuple(risk_state(self._engine, each, now) for each in accounts)
            case StrategyStates():
                return tuple(strategy_states(self._engine, stopped=self._stopped))
            case TopsOfBook():
                names = question.instruments or self._engine.desk.view.instruments()
                return tuple(self._top(name) for name in names)
            case WhatIsOpen():
                self._refuse_unknown(question.account)
                return open_now(self._engine.desk, question)
            case BookOf():
                return self._book(question)
            case _:
                assert_never(question)

    def _decisions(self, question: DecisionsOf) -> Decisions:
        note = f"there is no strategy {question.strategy} on {question.instrument}"
        for slot in self._engine.deciders.slots:
            if slot.strategy != question.strategy:
                continue
            if not isinstance(slot, SignalSlot):
                note = "it hears events and gives orders: see those, and its denials"
            elif slot.instrument == question.instrument:
                return decisions_of(question, slot, self._outcomes)
        strategy, instrument = StrategyId(question.strategy), InstrumentId(question.instrument)
        return Decisions(strategy=strategy, instrument=instrument, items=(), note=note)

    def _top(self, name: InstrumentId) -> TopOfBook:
        if name not in self._engine.desk.view.instruments():
            raise _unknown_instrument(name, self._engine)
        view, now = self._engine.desk.view, self._now()
        mark = view.mark(name)
        quote, trade = self._prices.quote(name), self._prices.trade(name)
        marked = None if mark is None else view.instrument(name).mark_from_data(mark)
        return TopOfBook(
            instrument=name,
            mark=None if marked is None else seen_mark(self._prices, name, marked, now),
            bid=None if quote is None else _seen(quote.bid, "bid", quote.ts_event, now),
            ask=None if quote is None else _seen(quote.ask, "ask", quote.ts_event, now),
            bid_quantity=None if quote is None else quote.bid_quantity,
            ask_quantity=None if quote is None else quote.ask_quantity,
            last=None if trade is None else _seen(trade.price, "trade", trade.ts_event, now),
            last_quantity=None if trade is None else trade.quantity,
        )

    def _book(self, question: BookOf) -> BookLevels:
        """Return the kept book; where there is none, the best prices are a book of one level."""
        top = self._top(question.instrument)
        kept = self._books.book(question.instrument, question.depth)
        if kept is not None:
            return kept
        if top.bid is None or top.ask is None:
            note = "the feed gives neither a book nor quotes of it"
            return BookLevels(instrument=question.instrument, note=note)
        bid_quantity, ask_quantity = top.bid_quantity or 0.0, top.ask_quantity or 0.0
        return BookLevels(
            instrument=question.instrument,
            bids=((top.bid.price, exact(bid_quantity, what="a size")),),
            asks=((top.ask.price, exact(ask_quantity, what="a size")),),
            is_valid=True,
            source="quote",
            ts=top.bid.ts,
            age_s=top.bid.age_s,
            note="the feed gives the best prices alone",
        )

    def _refuse_unknown(self, account: AccountId) -> None:
        if all(each.account != account for each in self._engine.desk.accounts):
            raise unknown_account(account)


def unknown_account(account: str) -> ConfigError:
    """Return the refusal of an account that there is not."""
    return ConfigError(
        code="ACCOUNT_UNKNOWN",
        cause=f"there is no account {account!r}",
        fix="name an account of this platform",
    )


def _seen(price: float, source: str, ts: int, now: int) -> SeenPrice:
    age_s = max(0.0, (now - ts) / 1e9)
    return SeenPrice(price=exact(price, what="a price"), source=source, ts=Nanos(ts), age_s=age_s)


def _unknown_instrument(name: str, engine: Engine) -> ConfigError:
    return ConfigError(
        code="INSTRUMENT_UNKNOWN",
        cause=f"the platform does not trade {name!r}",
        fix=f"choose one of: {', '.join(engine.desk.view.instruments())}",
    )
