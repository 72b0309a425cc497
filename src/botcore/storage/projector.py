"""Facts into projection rows: pure, the same for writing, rebuilding and checking.

The projector keeps in memory only what a row needs from before: balances and strategies, both
bounded by the configuration and not by history.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from botcore.domain.events import (
    ConfigApplied,
    Fact,
    LedgerPosted,
    LimitsChanged,
    ModeChanged,
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    PerformanceUpdate,
    PositionChanged,
    RiskAlert,
    SignalGenerated,
    StrategyPaused,
    StrategyQuarantined,
)
from botcore.domain.intents import Reason
from botcore.domain.numbers import EXACT, ZERO
from botcore.storage import tables
from botcore.storage.columns import iso
from botcore.storage.configured import limits_of, parsed, strategies_of

Row = dict[str, Any]
"""Column name → value."""


@dataclass(slots=True)
class Rows:
    """What some facts change: a few lists, so that each table takes one statement.

    Attributes:
        logs: rows to append, by table.
        states: the last row of each key, by table.
        placed: new orders by client order id.
        changed: for orders placed before, the columns that change; None means unchanged.
    """

    logs: defaultdict[sa.Table, list[Row]] = field(default_factory=lambda: defaultdict(list))
    states: defaultdict[sa.Table, dict[Hashable, Row]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    placed: dict[str, Row] = field(default_factory=dict)
    changed: dict[str, Row] = field(default_factory=dict)


ORDER_CHANGES = (
    "state",
    "quantity",
    "filled",
    "overfill",
    "limit_price",
    "trigger_price",
    "cancel_owed",
    "replace_pending",
    "venue_order_id",
    "detail",
    "updated_at",
    "time",
    "lsn",
)
"""Columns of an order that a later fact can change."""

_UNCHANGED: Row = dict.fromkeys(ORDER_CHANGES)


class Projector:
    """The fold from facts to rows.

    Args:
        balances: rows of ``balances`` as they stand.
        strategies: rows of ``strategies`` as they stand.
    """

    def __init__(self, balances: Iterable[Row] = (), strategies: Iterable[Row] = ()) -> None:
        self._balances = {
            (row["account"], row["ledger"], row["currency"]): row["amount"] for row in balances
        }
        self._strategies: dict[Hashable, Row] = {
            (row["account"], row["id"]): dict(row) for row in strategies
        }

    def fold(self, facts: Iterable[tuple[int, Fact]]) -> Rows:
        """Return the rows that `facts`, each with its lsn and in order, change."""
        rows = Rows()
        for lsn, fact in facts:
            act = _ACTS.get(type(fact))
            if act is not None:
                act(self, rows, lsn, fact)
        return rows

    def _placed(self, rows: Rows, lsn: int, fact: OrderPlaced) -> None:
        order = fact.order
        # What was said of this id before it was placed is said of another order, or of none.
        rows.changed.pop(order.client_order_id, None)
        rows.placed[order.client_order_id] = {
            "client_order_id": order.client_order_id,
            "account": fact.account,
            "strategy": order.strategy,
            **_listed(order.instrument),
            "side": str(order.side),
            "type": str(order.type),
            "state": str(fact.state),
            "quantity": order.quantity,
            "filled": ZERO,
            "overfill": ZERO,
            "limit_price": order.limit_price,
            "trigger_price": order.trigger_price,
            "trail": order.trail,
            "time_in_force": str(order.time_in_force),
            "expires_at": order.expires_at,
            "reduce_only": order.reduce_only,
            "parent": order.parent,
            "oco_group": order.oco_group,
            "cancel_owed": False,
            "replace_pending": False,
            "venue_order_id": None,
            "reserve": fact.reserve,
            "reserve_currency": fact.reserve_currency,
            "decision_price": _number(fact.decision_price),
            **_reason(fact.reason),
            "config": fact.config,
            "detail": "",
            "placed_at": fact.ts,
            "updated_at": fact.ts,
            "time": iso(fact.ts),
            "lsn": lsn,
        }

    def _updated(self, rows: Rows, lsn: int, fact: OrderUpdated) -> None:
        _change(
            rows,
            fact.client_order_id,
            {
                "state": str(fact.state),
                "quantity": fact.quantity,
                "limit_price": fact.limit_price,
                "trigger_price": fact.trigger_price,
                "cancel_owed": fact.cancel_owed,
                "replace_pending": fact.replace_pending,
                "venue_order_id": fact.venue_order_id,
                "detail": fact.detail,
                "updated_at": fact.ts,
                "time": iso(fact.ts),
                "lsn": lsn,
            },
        )

    def _filled(self, rows: Rows, lsn: int, fact: OrderFilled) -> None:
        fill = fact.fill
        time = iso(fill.ts_event)
        rows.logs[tables.trades].append(
            {
                "lsn": lsn,
                "ts": fill.ts_event,
                "time": time,
                "account": fact.account,
                "strategy": fact.strategy,
                **_listed(fact.instrument),
                "order_id": fact.client_order_id,
                "venue_order_id": fact.venue_order_id,
                "trade_id": fill.trade_id,
                "side": str(fact.side),
                "price": fill.price,
                "quantity": fill.quantity,
                "quote_amount": fill.quote_amount,
                "fees": fill.fee,
                "fee_currency": fill.fee_currency,
                "liquidity": str(fill.liquidity),
                "flags": ",".join(fact.flags),
            }
        )
        _change(
            rows,
            fact.client_order_id,
            {
                "state": str(fact.state),
                "filled": fact.filled,
                "overfill": fact.overfill,
                "venue_order_id": fact.venue_order_id,
                "updated_at": fill.ts_event,
                "time": time,
                "lsn": lsn,
            },
        )

    def _posted(self, rows: Rows, lsn: int, fact: LedgerPosted) -> None:
        time = iso(fact.ts)
        for line, posting in enumerate(fact.postings):
            rows.logs[tables.postings].append(
                {
                    "lsn": lsn,
                    "line": line,
                    "ts": fact.ts,
                    "time": time,
                    "account": fact.account,
                    "cause": fact.cause,
                    "reference": fact.reference,
                    "ledger": posting.ledger,
                    "currency": posting.currency,
                    "amount": posting.amount,
                }
            )
            key = (fact.account, posting.ledger, posting.currency)
            amount = EXACT.add(self._balances.get(key, ZERO), posting.amount)
            self._balances[key] = amount
            rows.states[tables.balances][key] = {
                "account": fact.account,
                "ledger": posting.ledger,
                "currency": posting.currency,
                "amount": amount,
                "lsn": lsn,
            }

    def _position(self, rows: Rows, lsn: int, fact: PositionChanged) -> None:
        rows.states[tables.positions][fact.account, fact.strategy, fact.instrument] = {
            "account": fact.account,
            "strategy": fact.strategy,
            **_listed(fact.instrument),
            "quantity": fact.quantity,
            "cost": fact.cost,
            "realised": fact.realised,
            "fees": fact.fees,
            "ts": fact.ts,
            "time": iso(fact.ts),
            "lsn": lsn,
        }

    def _performance(self, rows: Rows, lsn: int, fact: PerformanceUpdate) -> None:
        rows.logs[tables.performance].append(
            {
                **_stamped(lsn, fact),
                "equity": _number(fact.equity),
                "peak": _number(fact.peak),
                "day": fact.day,
                "day_start": _number(fact.day_start),
            }
        )

    def _mode(self, rows: Rows, lsn: int, fact: ModeChanged) -> None:
        rows.logs[tables.mode_changes].append(
            {
                **_stamped(lsn, fact),
                "previous": str(fact.previous),
                "mode": str(fact.mode),
                "cause": fact.cause,
                "changed_by": fact.by,
            }
        )

    def _alert(self, rows: Rows, lsn: int, fact: RiskAlert) -> None:
        rows.logs[tables.alerts].append(
            {**_stamped(lsn, fact), "code": fact.code, "detail": fact.detail}
        )

    def _denied(self, rows: Rows, lsn: int, fact: OrderDenied) -> None:
        denied = fact.denied
        rows.logs[tables.denials].append(
            {
                "lsn": lsn,
                "ts": denied.ts,
                "time": iso(denied.ts),
                "account": fact.account,
                "strategy": denied.strategy,
                **_listed(denied.instrument),
                "code": denied.code,
                "value": _number(denied.value),
                "bound": _number(denied.limit),
                "detail": denied.detail,
            }
        )

    def _signal(self, rows: Rows, lsn: int, fact: SignalGenerated) -> None:
        rows.logs[tables.signals].append(
            {
                **_stamped(lsn, fact),
                "strategy": fact.strategy,
                **_listed(fact.instrument),
                "weight": _number(fact.weight),
                "confidence": _number(fact.confidence),
                **_reason(fact.reason),
            }
        )

    def _config(self, rows: Rows, lsn: int, fact: ConfigApplied) -> None:
        rows.logs[tables.configs].append(
            {**_stamped(lsn, fact), "digest": fact.digest, "document": fact.document}
        )
        document = parsed(fact.document)
        for found in strategies_of(document, account=fact.account):
            known = self._strategies.get((found.account, found.id))
            self._keep_strategy(
                rows,
                lsn,
                {
                    **(known or _strategy(found.account, found.id, fact.ts)),
                    "name": found.name,
                    "description": found.description,
                    "config": found.config,
                },
            )
        self._limits(rows, lsn, fact.ts, document)

    def _limits_changed(self, rows: Rows, lsn: int, fact: LimitsChanged) -> None:
        document = {"accounts": [{"id": fact.account, "limits": fact.limits}]}
        self._limits(rows, lsn, fact.ts, document)

    def _limits(self, rows: Rows, lsn: int, ts: int, document: dict[str, Any]) -> None:
        for limits in limits_of(document):
            rows.states[tables.risk_limits][limits.account] = {
                "id": limits.account,
                "user_id": limits.account,
                "max_position_value": limits.position,
                "max_daily_loss": limits.daily_loss,
                "max_drawdown": limits.drawdown,
                "updated_at": ts,
                "lsn": lsn,
            }

    def _paused(self, rows: Rows, lsn: int, fact: StrategyPaused) -> None:
        known = self._strategies.get((fact.account, fact.strategy))
        self._keep_strategy(
            rows,
            lsn,
            {
                **(known or _strategy(fact.account, fact.strategy, fact.ts)),
                "is_active": not fact.paused,
                "detail": f"paused by {fact.by}" if fact.paused else "",
            },
        )

    def _quarantined(self, rows: Rows, lsn: int, fact: StrategyQuarantined) -> None:
        known = self._strategies.get((fact.account, fact.strategy))
        self._keep_strategy(
            rows,
            lsn,
            {
                **(known or _strategy(fact.account, fact.strategy, fact.ts)),
                "is_active": False,
                "detail": f"quarantined: {fact.cause}",
            },
        )

    def _keep_strategy(self, rows: Rows, lsn: int, row: Row) -> None:
        row["lsn"] = lsn
        key = (row["account"], row["id"])
        self._strategies[key] = row
        rows.states[tables.strategies][key] = row


_Act = Callable[[Projector, Rows, int, Any], None]
_ACTS: dict[type, _Act] = {
    OrderPlaced: Projector._placed,
    OrderUpdated: Projector._updated,
    OrderFilled: Projector._filled,
    LedgerPosted: Projector._posted,
    PositionChanged: Projector._position,
    PerformanceUpdate: Projector._performance,
    ModeChanged: Projector._mode,
    RiskAlert: Projector._alert,
    OrderDenied: Projector._denied,
    SignalGenerated: Projector._signal,
    ConfigApplied: Projector._config,
    LimitsChanged: Projector._limits_changed,
    StrategyPaused: Projector._paused,
    StrategyQuarantined: Projector._quarantined,
}


def _change(rows: Rows, order_id: str, changes: Row) -> None:
    given = {column: value for column, value in changes.items() if value is not None}
    placed = rows.placed.get(order_id)
    if placed is not None:
        placed.update(given)
        return
    change = rows.changed.get(order_id)
    if change is None:
        change = rows.changed[order_id] = {**_UNCHANGED, "order_id": order_id}
    change.update(given)


def _listed(instrument: str) -> Row:
    symbol, _, exchange = instrument.rpartition(".")
    return {"instrument": instrument, "symbol": symbol, "exchange": exchange}


def _stamped(
    lsn: int, fact: PerformanceUpdate | ModeChanged | RiskAlert | SignalGenerated | ConfigApplied
) -> Row:
    return {"lsn": lsn, "ts": fact.ts, "time": iso(fact.ts), "account": fact.account}


def _reason(reason: Reason) -> Row:
    return {
        "reason_code": reason.code,
        "reason_operands": ",".join(repr(operand) for operand in reason.operands),
    }


def _strategy(account: str, name: str, ts: int) -> Row:
    return {
        "account": account,
        "id": name,
        "user_id": account,
        "name": name,
        "description": "",
        "config": "{}",
        "is_active": True,
        "detail": "",
        "created_at": ts,
    }


def _number(value: float) -> float | None:
    # SQLite stores NaN as NULL: the same on every database, then.
    return None if math.isnan(value) else value
