"""A real engine, its facts in a real store, and the platform's document: what handlers talk to."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from tests.support.trading_session import TradingSession

from botcore.app.history import StoredHistory
from botcore.app.recent import Recent
from botcore.app.viewing import Viewer
from botcore.control.views import PlatformView, decode_view, encode_view
from botcore.domain.commands import Command
from botcore.domain.ids import SECOND_NS, InstrumentId
from botcore.domain.market import Quote, Trade
from botcore.domain.orders import OrderType
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import BookLevels, Question
from botcore.engine.answering import Answering
from botcore.engine.decided import DecisionOutcomes
from botcore.engine.outcomes import about_to_cancel, is_repeated, outcome_of
from botcore.engine.ports import Marked
from botcore.storage import Store
from botcore.storage.projections import write
from botcore.storage.projector import Projector


class SmallCosts:
    """A tenth of a per cent as the fee of any order, and no slippage."""

    fee_words = "0.1 % of the notional"
    slippage_words = "none"

    def fee_frac(self, _kind: OrderType, *, takes: bool) -> Decimal:
        del takes
        return Decimal("0.001")

    def slippage_frac(self, _kind: OrderType) -> Decimal:
        return Decimal(0)


class _Prices:
    """The marks of the engine."""

    def __init__(self, desk: "TradingDesk") -> None:
        self._desk = desk

    def mark(self, instrument: InstrumentId) -> Marked | None:
        price = self._desk.session.engine.desk.valuation.price(instrument)
        return None if price is None else Marked(price, self._desk.session.now)

    def quote(self, _instrument: InstrumentId) -> Quote | None:
        return None

    def trade(self, _instrument: InstrumentId) -> Trade | None:
        return None


class _NoBooks:
    def book(self, _instrument: InstrumentId, _depth: int) -> BookLevels | None:
        return None


class _Market:
    """What the document says of where prices come from."""

    name = "simulated"
    clock_words = "a minute a bar"
    is_connected = True
    pace = 1.0

    def __init__(self, desk: "TradingDesk") -> None:
        self.step_ns = 60 * SECOND_NS
        self.instruments = desk.session.instruments

    def banner(self) -> str:
        return "SIMULATED"


class TradingDesk:
    """An engine driven by a `TradingSession`, as the API's process sees it.

    Args:
        folder: for the store.
        session: already open.

    Attributes:
        meanwhile: what happens before the next command is taken.
    """

    def __init__(self, folder: Path, session: TradingSession) -> None:
        self.session = session
        self.store = Store(f"sqlite:///{folder / 'engine.db'}")
        self.store.upgrade()
        self.history = StoredHistory(
            self.store, words=lambda name, code, numbers: f"{name} said {code} {numbers}"
        )
        self.age_s = 0.2
        self.kind = "paper"
        self.frozen: PlatformView | None = None
        self.is_silent = False
        self.acted: list[Command] = []
        self.meanwhile: Callable[[], object] = lambda: None
        self._projector = Projector()
        self._written = self._lsn = 0
        self._recent = Recent(session.engine)
        self._answering = Answering(
            session.engine,
            outcomes=DecisionOutcomes(),
            costs=SmallCosts(),
            prices=_Prices(self),
            books=_NoBooks(),
            now=lambda: session.now,
        )
        self._viewer = Viewer(
            engine=session.engine,
            recent=self._recent,
            home="home",
            pid=1,
            market=_Market(self),  # type: ignore[arg-type]  # as much of a market as is looked at
        )
        self.commit()

    def commit(self) -> None:
        """Write what happened since into the store."""
        facts = self.session.facts[self._written :]
        self._written += len(facts)
        numbered = [(self._lsn + place, fact) for place, fact in enumerate(facts, 1)]
        self._lsn += len(facts)
        with self.store.writing() as connection:
            write(connection, self._projector.fold(numbered))
        for lsn, fact in numbered:
            self._recent.add(lsn, fact)

    def bar(self, *prices: float, **more: Any) -> None:
        """Let a minute pass."""
        self.session.bar(*prices, **more)
        self.commit()

    def view(self) -> PlatformView | None:
        if self.is_silent or self.frozen is not None:
            return self.frozen
        now = self.session.now
        self._viewer.last_event = now
        made = self._viewer.view(now=now, wall=now, uptime_s=60.0, storage="ok")
        accounts = tuple(msgspec.structs.replace(each, kind=self.kind) for each in made.accounts)
        return decode_view(encode_view(msgspec.structs.replace(made, accounts=accounts)))

    def view_age_s(self) -> float:
        return float("inf") if self.is_silent else self.age_s

    async def act(self, command: Command) -> Outcome:
        self.acted.append(command)
        self.meanwhile()
        engine = self.session.engine
        known = is_repeated(engine, command)
        canceled = about_to_cancel(engine, command)
        self.session.tell(command)
        is_lifted = engine.desk.has_lifted
        self.commit()
        return outcome_of(
            engine,
            command,
            is_repeat=known,
            lsn=self._lsn,
            canceled=canceled,
            is_lifted=is_lifted,
        )

    async def ask(self, question: Question[Any]) -> Any:
        return self._answering.answer(question)  # type: ignore[arg-type]  # one that there is

    def close(self) -> None:
        self.store.close()

    @staticmethod
    def history_of_a_broken_store(folder: Path) -> StoredHistory:
        """Return a history whose every question fails."""
        broken = folder / "broken.db"
        broken.write_bytes(b"this is no database" * 1_000)
        return StoredHistory(Store(f"sqlite:///{broken}"), words=lambda _name, _code, _n: "")
