"""A set-up as people see it: what is stored of it, joined with what the engine says of it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from botcore.control.schema import strategies as s
from botcore.control.schema.values import instant
from botcore.control.strategies_port import SetUpVersion, StrategyEngine
from botcore.control.views import PlatformView, StrategyView


class _Listed(NamedTuple):
    """The list of all set-ups, and of what it was made."""

    view: PlatformView | None
    newest: Mapping[str, SetUpVersion]
    shown: Sequence[s.Strategy]


class ShownStrategies:
    """Shows set-ups.

    Args:
        engine: runs them.
    """

    def __init__(self, engine: StrategyEngine) -> None:
        self._engine = engine
        self._listed: _Listed | None = None

    def all(self, newest: Mapping[str, SetUpVersion]) -> Sequence[s.Strategy]:
        """Return all set-ups; as the last time, while neither they nor the view are others."""
        view, known = self._engine.view(), self._listed
        if known is None or known.view is not view or known.newest is not newest:
            shown = [self.one(each) for each in newest.values() if not each.is_deleted]
            known = self._listed = _Listed(view, newest, shown)
        return known.shown

    def one(self, known: SetUpVersion) -> s.Strategy:
        """Return a set-up as it stands: what is stored, and what the engine says of it."""
        view, running = self._engine.view(), self.running(known.id)
        setup = known.setup
        kind = view.accounts[0].kind if view is not None and view.accounts else "paper"
        if running is not None:
            status, cause = running.status, running.status_cause
        elif not setup.is_active:
            status, cause = "stopped", ""
        else:
            status, cause = "starting", "" if view is not None else "the engine does not run"
        return s.Strategy(
            id=known.id,
            name=setup.strategy if running is None else running.name,
            strategy=setup.strategy,
            description=setup.description,
            badge=kind,
            status=status,
            cause=cause,
            is_active=setup.is_active,
            parameters=setup.parameters,
            equity_frac=setup.equity_frac,
            symbols=setup.symbols,
            version=known.version,
            result=None if running is None else _decimal_text(running.result),
            changed_at=instant(known.at) if known.at else None,
            decisions=() if running is None else _last_words(running),
        )

    def running(self, name: str) -> StrategyView | None:
        """Return what the engine says of a strategy; None where it does not run it."""
        view = self._engine.view()
        for each in () if view is None else view.strategies:
            if each.id == name:
                return each
        return None


def _last_words(running: StrategyView) -> tuple[s.LastDecision, ...]:
    return tuple(
        s.LastDecision(
            symbol=each.instrument,
            wish=each.wish,
            held=each.held,
            reason=each.reason,
            outcome=each.outcome,
            time=instant(each.ts) if each.ts else None,
        )
        for each in running.decisions
    )


def _decimal_text(text: str) -> str | None:
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation:
        return None
