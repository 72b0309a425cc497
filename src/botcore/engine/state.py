"""The money state of an engine: canonical, hashable, equal however it was reached."""

import hashlib
from typing import Any

import msgspec

from botcore.engine.acts import Acts
from botcore.engine.deciding import Deciders
from botcore.engine.desk import Desk
from botcore.engine.limits import LimitsInForce


def money_state(
    desk: Desk, deciders: Deciders, *, acts: Acts, limits: LimitsInForce
) -> dict[str, Any]:
    """Return all that is folded from facts: orders, ledger, positions, risk, pauses, acts.

    Marks and what strategies remember are no part of it: the first follow the market, the second
    follow the bars. Of acts and limits there is something only where people did something: the
    hash of an account that nobody touched is the one it always had.
    """
    by_people = {
        "acts": acts.state(),
        "acts_before": acts.spent_state(),
        "limits": limits.state(),
        "limits_before": limits.begun_state(),
    }
    return {
        "execution": desk.execution.state(),
        "portfolio": desk.portfolio.state(),
        "risk": desk.risk.state(),
        "paused": {str(name): why for name, why in sorted(deciders.paused().items())},
        **{name: kept for name, kept in by_people.items() if kept},
    }


def restore_money(
    desk: Desk, deciders: Deciders, state: dict[str, Any], *, acts: Acts, limits: LimitsInForce
) -> None:
    """Bring a fresh desk to a stored state."""
    # First: risk remembers as many orders as they allow.
    limits.restore(state.get("limits", {}), state.get("limits_before", {}))
    acts.restore(state.get("acts", []), state.get("acts_before", b""))
    desk.execution.restore(state["execution"])
    desk.portfolio.restore(state["portfolio"])
    desk.risk.restore(state["risk"])
    for name, why in state["paused"].items():
        deciders.pause(name, why)
    deciders.refresh()


def state_hash(state: dict[str, Any]) -> str:
    """Return the SHA-256 of a money state, sorted keys, 64 hex digits."""
    return hashlib.sha256(msgspec.json.encode(state, order="sorted")).hexdigest()
