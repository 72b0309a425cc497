"""Approved orders and venue reports in; order facts, and effects for a runner to release, out."""

from botcore.execution.horizon import Evidence, HorizonConfig, is_absent
from botcore.execution.oms import ExecutionConfig, OrderExecutionEngine
from botcore.execution.order import Order
from botcore.execution.ports import BarVenue, OrderVenue
from botcore.execution.states import AT_VENUE, LEGAL, check_edge
from botcore.execution.turn import ExecutionReport

__all__ = [
    "AT_VENUE",
    "LEGAL",
    "BarVenue",
    "Evidence",
    "ExecutionConfig",
    "ExecutionReport",
    "HorizonConfig",
    "Order",
    "OrderExecutionEngine",
    "OrderVenue",
    "check_edge",
    "is_absent",
]
