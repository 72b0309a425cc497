"""Strategies: closed bars and own position in; the exposure they want, and why, out.

A strategy sees only the past and sends nothing: the engine asks it, risk sizes and approves. Two
kinds: a signal strategy is declared features and one pure `decide`; an event strategy is code that
hears every event. `library` holds the ones that ship.
"""

from botcore.strategies.columns import BarColumns, BarRow, BarValues
from botcore.strategies.digest import class_digest
from botcore.strategies.event import EventStrategy, EventStrategyBase, Needs
from botcore.strategies.faults import StrategyFault
from botcore.strategies.features import FeatureSpec, feature, require_below
from botcore.strategies.kinds import StrategyClass, StrategyKind, kind_of, parameters_in_force
from botcore.strategies.layout import DECISION, NO_VIEW
from botcore.strategies.library import LIBRARY, SIGNAL_LIBRARY, strategy_named
from botcore.strategies.runner import SignalRunner
from botcore.strategies.signal import WARM_UP_REASON, SignalStrategy, render_reason
from botcore.strategies.sweeps import Sweep
from botcore.strategies.view import StrategyView, WorkingOrder

__all__ = [
    "DECISION",
    "LIBRARY",
    "NO_VIEW",
    "SIGNAL_LIBRARY",
    "WARM_UP_REASON",
    "BarColumns",
    "BarRow",
    "BarValues",
    "EventStrategy",
    "EventStrategyBase",
    "FeatureSpec",
    "Needs",
    "SignalRunner",
    "SignalStrategy",
    "StrategyClass",
    "StrategyFault",
    "StrategyKind",
    "StrategyView",
    "Sweep",
    "WorkingOrder",
    "class_digest",
    "feature",
    "kind_of",
    "parameters_in_force",
    "render_reason",
    "require_below",
    "strategy_named",
]
