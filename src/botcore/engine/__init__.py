"""Every event through the stages in order: inputs in, facts and effects out; deterministic."""

from botcore.engine.config import AccountConfig, EngineConfig, StrategyConfig
from botcore.engine.curve import EquityCurve
from botcore.engine.decisions import DecisionLog, DecisionRow
from botcore.engine.event_slots import EventSlot
from botcore.engine.fingerprint import Fingerprint
from botcore.engine.outcomes import about_to_cancel, is_repeated, outcome_of
from botcore.engine.pipeline import Engine
from botcore.engine.sequencer import Sequencer
from botcore.engine.session import Session
from botcore.engine.slots import SignalSlot
from botcore.strategies import StrategyClass

__all__ = [
    "AccountConfig",
    "DecisionLog",
    "DecisionRow",
    "Engine",
    "EngineConfig",
    "EquityCurve",
    "EventSlot",
    "Fingerprint",
    "Sequencer",
    "Session",
    "SignalSlot",
    "StrategyClass",
    "StrategyConfig",
    "about_to_cancel",
    "is_repeated",
    "outcome_of",
]
