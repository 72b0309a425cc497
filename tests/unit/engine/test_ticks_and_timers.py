"""Event strategies hear prints, quotes and timers when they ask for them, and only then."""

from collections.abc import Iterable
from typing import ClassVar

from tests.support.trading_session import TradingSession
from tests.support.venue_session import COINUSDT

from botcore.domain.ids import MINUTE_NS, SECOND_NS, Nanos
from botcore.domain.intents import Intent
from botcore.domain.market import Quote, Trade
from botcore.strategies import EventStrategyBase, Needs, StrategyView


class Listener(EventStrategyBase):
    """Notes what it hears."""

    name: ClassVar[str] = "listener"
    needs: ClassVar[Needs] = Needs(trades=True, quotes=True, timer_every_ns=30 * SECOND_NS)
    heard: ClassVar[list[tuple[str, int]]] = []

    def on_trade(self, trade: Trade, view: StrategyView) -> Iterable[Intent]:
        self.heard.append(("trade", view.now))
        return ()

    def on_quote(self, quote: Quote, view: StrategyView) -> Iterable[Intent]:
        self.heard.append(("quote", view.now))
        return ()

    def on_timer(self, view: StrategyView) -> Iterable[Intent]:
        self.heard.append(("timer", view.now))
        return ()


class Deaf(Listener):
    """Asks for nothing."""

    name: ClassVar[str] = "deaf"
    needs: ClassVar[Needs] = Needs()
    heard: ClassVar[list[tuple[str, int]]] = []


def test_prints_and_quotes_reach_who_asked_for_them() -> None:
    Listener.heard.clear()
    Deaf.heard.clear()
    session = TradingSession({"listener": Listener, "deaf": Deaf})

    session.session.input(Trade(COINUSDT, Nanos(5), 100.0, 1.0, True), 5)
    session.session.input(Quote(COINUSDT, Nanos(6), 99.0, 101.0, 1.0, 1.0), 6)

    assert Listener.heard == [("trade", 5), ("quote", 6)]
    assert Deaf.heard == []
    assert session.engine.desk.valuation.price(COINUSDT) == 100.0


def test_a_timer_fires_at_its_instants_and_after_the_bars_of_that_instant() -> None:
    Listener.heard.clear()
    session = TradingSession({"listener": Listener})

    session.bar(100, 101, 99, 100)
    session.bar(100, 101, 99, 100)

    assert [ts for what, ts in Listener.heard if what == "timer"] == [
        30 * SECOND_NS,
        MINUTE_NS,
        90 * SECOND_NS,
    ]
    assert [taken.key for taken in session.taken] == sorted(taken.key for taken in session.taken)


def test_a_timer_that_is_set_again_does_not_fire_twice() -> None:
    Listener.heard.clear()
    session = TradingSession({"listener": Listener})

    session.resumed()
    session.session.fire_timers(30 * SECOND_NS)

    assert Listener.heard == [("timer", 30 * SECOND_NS)]


def test_nobody_hears_prints_before_the_venue_is_reconciled() -> None:
    Listener.heard.clear()
    session = TradingSession({"listener": Listener}, is_open=False)

    session.session.input(Trade(COINUSDT, Nanos(5), 100.0, 1.0, True), 5)

    assert Listener.heard == []
