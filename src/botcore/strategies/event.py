"""Event strategies: code that hears every event and answers with intents, from grids to makers."""

from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

import msgspec

from botcore.domain.decisions import Denied
from botcore.domain.events import OrderFilled
from botcore.domain.intents import Intent
from botcore.domain.market import Bar, Quote, Trade
from botcore.domain.parameters import ParameterSpace
from botcore.strategies.view import StrategyView


class Needs(msgspec.Struct, frozen=True, gc=False):
    """What a strategy asks the engine for.

    Attributes:
        history_bars: closed bars to be fed as history before the first decision.
        trades: whether `on_trade` is called.
        quotes: whether `on_quote` is called.
        timer_every_ns: interval of `on_timer`, nanoseconds; 0 means never.
    """

    history_bars: int = 0
    trades: bool = False
    quotes: bool = False
    timer_every_ns: int = 0


class EventStrategy(Protocol):
    """What the engine asks of an event strategy.

    Every callback returns the intents it wants sized and judged; none of them sends anything. What
    `on_fill` returns is eligible from the next bar on, and it sees no price later than the fill.
    `on_denied` is called for each intent that risk refused: a strategy that believed itself long
    must hear that it is not.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    summary: ClassVar[str]
    parameters: ClassVar[ParameterSpace]
    needs: ClassVar[Needs]
    reasons: ClassVar[tuple[str, ...]]

    def __init__(self, params: Mapping[str, float]) -> None:
        """Take the parameters in force, by name, already validated."""
        ...

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        """Hear that a bar has closed."""
        ...

    def on_trade(self, trade: Trade, view: StrategyView) -> Iterable[Intent]:
        """Hear a print."""
        ...

    def on_quote(self, quote: Quote, view: StrategyView) -> Iterable[Intent]:
        """Hear that the best bid or ask has changed."""
        ...

    def on_timer(self, view: StrategyView) -> Iterable[Intent]:
        """Hear that the interval of `Needs.timer_every_ns` has passed."""
        ...

    def on_fill(self, fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        """Hear that one of its orders has traded."""
        ...

    def on_denied(self, denied: Denied, view: StrategyView) -> Iterable[Intent]:
        """Hear that risk refused one of its intents."""
        ...

    def state(self) -> bytes:
        """Return all that `resume` needs."""
        ...

    def resume(self, state: bytes | None, downtime_ns: int) -> None:
        """Go on from a stored state; None starts afresh.

        Args:
            state: what `state` returned, of the same class and version.
            downtime_ns: how long nothing was heard; what was missed is fed as history.
        """
        ...


class EventStrategyBase:
    """An event strategy that hears everything and does nothing: override what matters.

    It keeps no state of its own, so `state` is empty: whoever remembers something overrides
    `state` and `resume` too.

    Attributes:
        source_digest: of the file that it was read from, set by whoever read it.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    summary: ClassVar[str] = ""
    parameters: ClassVar[ParameterSpace] = ParameterSpace()
    needs: ClassVar[Needs] = Needs()
    reasons: ClassVar[tuple[str, ...]] = ("no reason given",)
    source_digest: ClassVar[str] = ""

    def __init__(self, params: Mapping[str, float]) -> None:
        """Take the parameters in force, by name, already validated."""
        self.params = params

    def on_bar(self, bar: Bar, view: StrategyView) -> Iterable[Intent]:
        """Want nothing."""
        return ()

    def on_trade(self, trade: Trade, view: StrategyView) -> Iterable[Intent]:
        """Want nothing."""
        return ()

    def on_quote(self, quote: Quote, view: StrategyView) -> Iterable[Intent]:
        """Want nothing."""
        return ()

    def on_timer(self, view: StrategyView) -> Iterable[Intent]:
        """Want nothing."""
        return ()

    def on_fill(self, fill: OrderFilled, view: StrategyView) -> Iterable[Intent]:
        """Want nothing."""
        return ()

    def on_denied(self, denied: Denied, view: StrategyView) -> Iterable[Intent]:
        """Want nothing: the next bar asks again."""
        return ()

    def state(self) -> bytes:
        """Return nothing: there is nothing to remember."""
        return b""

    def resume(self, state: bytes | None, downtime_ns: int) -> None:
        """Forget the downtime: nothing depends on it."""
