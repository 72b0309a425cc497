"""What the areas of trading declare: the contract's paths, and words for everything."""

from typing import Any

import msgspec
import pytest

from botcore.control.access import Scope
from botcore.control.describing import fields_described
from botcore.control.operations import Confirm, Idempotency, Operation, RouteClass
from botcore.control.schema import (
    accounts,
    exports,
    health,
    ledger,
    orders,
    positions,
    risk,
    trades,
)

AREAS = (accounts, orders, positions, trades, ledger, risk, exports, health)
EVERY: dict[str, Operation] = {
    operation.name: operation for area in AREAS for operation in area.OPERATIONS
}

CONTRACT = {
    ("GET", "/account"): ("/api/account",),
    ("GET", "/trading/positions"): ("/api/positions",),
    ("POST", "/trading/orders"): ("/api/trades/execute",),
    ("GET", "/trading/orders/{id}"): (),
    ("DELETE", "/trading/orders/{id}"): (),
    ("GET", "/trades"): ("/api/trades/history",),
    ("GET", "/risk/limits"): (),
    ("PUT", "/risk/limits"): (),
    ("GET", "/health"): ("/api/health", "/health"),
}


@pytest.mark.parametrize(("place", "aliases"), CONTRACT.items())
def test_the_paths_and_aliases_are_those_of_the_contract(
    place: tuple[str, str], aliases: tuple[str, ...]
) -> None:
    (found,) = (each for each in EVERY.values() if (each.method, each.path) == place)

    assert found.aliases == aliases


def test_no_two_operations_share_a_name_a_place_or_a_command() -> None:
    every = list(EVERY.values())

    assert len(every) == sum(len(area.OPERATIONS) for area in AREAS)
    assert len({(each.method, each.path) for each in every}) == len(every)
    assert len({each.command for each in every}) == len(every)


@pytest.mark.parametrize("operation", EVERY.values(), ids=EVERY.keys())
def test_every_field_of_a_request_is_described_and_every_example_is_one(
    operation: Operation,
) -> None:
    described = fields_described(operation.request)

    assert set(operation.request.__struct_fields__) <= described.keys()
    assert operation.examples
    assert all(type(example) is operation.request for example in operation.examples)
    for example in operation.examples:
        encoded = msgspec.json.encode(example)
        assert msgspec.json.decode(encoded, type=operation.request) == example
    msgspec.json.schema(operation.answer)


@pytest.mark.parametrize("operation", EVERY.values(), ids=EVERY.keys())
def test_every_field_of_an_answer_is_described(operation: Operation) -> None:
    for kind in _structs(operation.answer, set()):
        if kind.__module__.startswith("botcore.control.schema") and kind.__name__ != "Money":
            bases = {name for base in kind.__mro__ for name in _told(base)}
            assert set(kind.__struct_fields__) <= bases, kind


def _told(base: type) -> set[str]:
    return set(fields_described(base)) if base.__doc__ else set()


def _structs(kind: Any, seen: set[type]) -> set[type[msgspec.Struct]]:
    """Return every struct that an answer is made of."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
        seen.add(kind)
        for field in msgspec.structs.fields(kind):
            _structs(field.type, seen)
    for each in getattr(kind, "__args__", ()):
        _structs(each, seen)
    return {each for each in seen if issubclass(each, msgspec.Struct)}


def test_what_can_raise_exposure_is_confirmed_and_what_lowers_risk_is_never_held_up() -> None:
    assert EVERY["orders.place"].confirm is Confirm.IF_RAISING
    assert EVERY["orders.place"].idempotency is Idempotency.REQUIRED
    assert EVERY["orders.place"].status == 201
    assert EVERY["orders.amend"].confirm is Confirm.IF_RAISING
    assert EVERY["positions.flatten"].confirm is Confirm.ALWAYS
    assert EVERY["risk.lift"].confirm is Confirm.ALWAYS
    lowers = {name for name, each in EVERY.items() if each.lowers_risk}
    assert lowers == {"orders.cancel", "orders.cancel-all", "positions.flatten", "risk.kill-switch"}
    for name in lowers - {"positions.flatten"}:
        assert EVERY[name].confirm is Confirm.NEVER
        assert not EVERY[name].has_step_up
    assert all(EVERY[name].route_class is RouteClass.ORDERS for name in lowers)


def test_reading_takes_the_account_scope_and_acting_the_trading_one() -> None:
    for name, operation in EVERY.items():
        if operation.is_act:
            assert operation.scope is Scope.TRADE_PAPER, name
        elif not name.startswith("health"):
            assert operation.scope is Scope.READ_ACCOUNT, name
    assert EVERY["health.show"].scope is None
    assert EVERY["health.details"].scope is Scope.READ_METRICS
    assert EVERY["account.tax"].has_step_up


def test_nothing_of_an_account_is_cached() -> None:
    assert all(operation.cache_s == 0 for operation in EVERY.values())
