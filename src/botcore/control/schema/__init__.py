"""Requests and answers, one module an area, and `operations()`: all that can be asked and done.

They load nothing but msgspec and other values, so that clients and the command line stay light;
an area is loaded when it is asked for.
"""

from functools import cache
from importlib import import_module
from typing import Any, Final

from botcore.control.operations import Operation, Request

AREAS: Final[tuple[str, ...]] = (
    "auth",
    "accounts",
    "orders",
    "positions",
    "trades",
    "ledger",
    "exports",
    "strategies",
    "market",
    "risk",
    "backtests",
    "data",
    "jobs",
    "alerts",
    "users",
    "sessions",
    "keys",
    "audit",
    "health",
    "monitoring",
    "logs",
    "settings",
)
"""Modules of this package that declare `OPERATIONS`, in the order of the documentation."""


@cache
def operations() -> tuple[Operation, ...]:
    """Return every operation, by area."""
    return tuple(
        operation for area in AREAS for operation in import_module(f"{__name__}.{area}").OPERATIONS
    )


def operation_of(request: Request[Any]) -> Operation:
    """Return the operation of a request.

    Raises:
        KeyError: no operation takes requests of its type.
    """
    return _by_request()[type(request)]


@cache
def _by_request() -> dict[type[Request[Any]], Operation]:
    return {operation.request: operation for operation in operations()}
