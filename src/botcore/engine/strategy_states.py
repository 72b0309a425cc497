"""Every strategy as it stands: signal and event ones, stopped ones, and what people do by hand."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from msgspec.structs import replace

from botcore.domain.commands import MANUAL
from botcore.domain.ids import AccountId, InstrumentId, StrategyId
from botcore.domain.questions import StrategyState
from botcore.engine.config import StrategyConfig
from botcore.engine.decided import outcome_words
from botcore.engine.deciding import Slot
from botcore.engine.event_slots import EventSlot
from botcore.engine.pipeline import Engine
from botcore.engine.slots import SignalSlot
from botcore.engine.usage import amount
from botcore.portfolio import Position

QUARANTINED = "quarantined"
_CENT = Decimal("0.01")


def strategy_states(engine: Engine, *, stopped: Sequence[StrategyState]) -> list[StrategyState]:
    """Return the strategies in configured order, then those that are stopped, then `manual`.

    Args:
        engine: between two steps.
        stopped: what is configured and not run.
    """
    by_id: dict[StrategyId, list[Slot]] = {}
    for slot in engine.deciders.slots:
        by_id.setdefault(slot.strategy, []).append(slot)
    configs = {each.id: each for each in engine.config.strategies}
    states = [_running(configs[name], slots) for name, slots in by_id.items()]
    states += [each for each in stopped if each.id not in by_id]
    states += [
        StrategyState(id=MANUAL, account=each.account, strategy="", kind="manual", status="manual")
        for each in engine.desk.accounts
    ]
    counted = {each.account: _Counts(engine, each.account) for each in engine.desk.accounts}
    return [counted[each.account].of(each) for each in states]


def status_of(slots: Sequence[Slot]) -> tuple[str, str, int]:
    """Return status, cause and bars to come of one strategy's slots."""
    first = slots[0]
    to_come = max((s.runner.bars_to_come for s in slots if isinstance(s, SignalSlot)), default=0)
    if first.is_paused:
        is_faulty = first.outcome.startswith(QUARANTINED)
        return QUARANTINED if is_faulty else "paused", first.outcome, to_come
    if to_come:
        return "warming up", "", to_come
    cause = outcome_words(first.outcome) if isinstance(first, EventSlot) else ""
    return "running", cause, 0


def result_of(
    engine: Engine,
    account: AccountId,
    strategy: StrategyId,
    instruments: Sequence[InstrumentId],
) -> float | None:
    """Return a strategy's net profit so far; None while something of it is unpriced."""
    total = 0.0
    for name in instruments:
        profit = engine.desk.valuation.profit(account, strategy, name)
        if profit is None:
            continue
        if profit.net is None:
            return None
        total += profit.net
    return total


def _running(config: StrategyConfig, slots: Sequence[Slot]) -> StrategyState:
    first = slots[0]
    status, cause, to_come = status_of(slots)
    if isinstance(first, SignalSlot):
        kind, parameters = "signal", first.runner.parameters
    else:
        kind, parameters = "event", first.parameters
    return StrategyState(
        id=config.id,
        account=config.account,
        strategy=config.strategy,
        kind=kind,
        status=status,
        cause=cause,
        instruments=config.instruments,
        step_s=config.step_ns / 1e9,
        parameters=parameters,
        equity_frac=config.sizing.equity_frac * len(config.instruments),
        bars_to_come=to_come,
    )


class _Counts:
    """What each strategy of an account holds, works and earned; looked at once for all of them."""

    def __init__(self, engine: Engine, account: AccountId) -> None:
        self._engine = engine
        self._account = account
        self._held: dict[StrategyId, list[Position]] = {}
        for position in engine.desk.portfolio.positions(account):
            self._held.setdefault(position.strategy, []).append(position)
        working = engine.desk.execution.index.all_working(account)
        self._working = Counter(order.spec.strategy for order in working)

    def of(self, state: StrategyState) -> StrategyState:
        """Return a state with these."""
        held = self._held.get(state.id, [])
        names = [position.instrument for position in held]
        result = result_of(self._engine, self._account, state.id, names)
        return replace(
            state,
            result=None if result is None else amount(result).quantize(_CENT),
            currency=self._engine.desk.valuation.reporting(self._account),
            open_positions=sum(1 for position in held if position.quantity),
            working_orders=self._working[state.id],
        )
