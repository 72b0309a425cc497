"""Signals that the engine stored, as control shows them."""

from botcore.app.composition import PAPER
from botcore.app.history import Words
from botcore.app.stored_rows import asking, operands_of, page_of
from botcore.control.operations import Page
from botcore.control.schema.strategies import Signal
from botcore.control.schema.values import instant
from botcore.storage import Asked, History, Row, Store


class StoredSignals:
    """Reads them by page (`app.engine_strategies.SignalPages`).

    Args:
        store: of the engine; only read.
        words: puts a strategy's reason into a sentence.
    """

    def __init__(self, store: Store, *, words: Words) -> None:
        self._history = History(store)
        self._words = words

    def __call__(self, *, strategy: str, symbol: str, limit: int, cursor: str) -> Page[Signal]:
        """Return signals, newest first."""
        with asking():
            found = self._history.signals(
                Asked(account=PAPER, cursor=cursor, limit=limit),
                strategy=strategy or None,
                instrument=symbol or None,
            )
        return page_of(found, self._signal)

    def _signal(self, row: Row) -> Signal:
        weight = float(row["weight"] or 0.0)
        return Signal(
            id=row["lsn"],
            time=instant(row["ts"]),
            strategy=row["strategy"],
            symbol=row["instrument"],
            direction="long" if weight > 0 else "short" if weight < 0 else "neutral",
            weight=weight,
            confidence=float(row["confidence"] or 0.0),
            reason=self._words(
                row["strategy"], row["reason_code"], operands_of(row["reason_operands"])
            ),
        )
