"""What is counted from facts, calls and the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.control_fakes import MemoryAudit, MemoryRepetitions

from botcore.control.access import STRANGER, Actor, ActorKind, Scope
from botcore.control.dispatch import Control
from botcore.control.handling import Handling
from botcore.control.operations import Done, Operation, Query
from botcore.control.problems import Forbidden, TooMany, Unauthenticated
from botcore.domain.decisions import Denied
from botcore.domain.events import (
    LedgerPosted,
    ModeChanged,
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    Posting,
    RiskAlert,
    SignalGenerated,
    StrategyQuarantined,
)
from botcore.domain.ids import (
    SECOND_NS,
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
    TradeId,
)
from botcore.domain.intents import NO_REASON
from botcore.domain.modes import Mode
from botcore.domain.orders import Liquidity, OrderSpec, OrderState, OrderType, Side
from botcore.domain.reports import Fill
from botcore.execution import reporting
from botcore.kernel.clock import ManualClock
from botcore.observability.from_calls import CallFigures, WatchedAuthenticator, WatchedControl
from botcore.observability.from_facts import DISCREPANCIES, FactFigures
from botcore.observability.loop_lag import LoopLag
from botcore.observability.rolling import RollingQuantiles
from botcore.observability.sheet import Sheet

PAPER, RSI, BTC = AccountId("paper"), StrategyId("rsi"), InstrumentId("BTCUSDT.SIM")
NOW = Nanos(1_763_733_930 * SECOND_NS)


def read(source: Callable[[Sheet], None]) -> dict[str, float]:
    """Return ``name{label,…}`` → value of everything that a source writes."""
    sheet = Sheet()
    source(sheet)
    return {
        f"{each.name.removeprefix('botcore_')}{{{','.join(each.labels.values())}}}": each.value
        for family in sheet.families()
        for each in family.samples
    }


# --- facts


def placed(number: str = "a", price: float = 100.0) -> OrderPlaced:
    order = OrderSpec(
        ClientOrderId(number), PAPER, RSI, BTC, Side.BUY, OrderType.MARKET, Decimal(2)
    )
    return OrderPlaced(
        PAPER,
        order,
        OrderState.INTENT,
        Decimal(200),
        Currency("USDT"),
        price,
        NOW,
        NO_REASON,
        "digest",
    )


def updated(state: OrderState, number: str = "a") -> OrderUpdated:
    return OrderUpdated(PAPER, ClientOrderId(number), state, NOW)


def filled(
    price: str, number: str = "a", *, overfill: str = "0", state: OrderState = OrderState.FILLED
) -> OrderFilled:
    amount = Decimal(price) * 2
    fill = Fill(
        TradeId("1"),
        Decimal(price),
        Decimal(2),
        amount,
        Decimal(0),
        Currency("USDT"),
        Liquidity.TAKER,
        NOW,
    )
    return OrderFilled(
        PAPER,
        RSI,
        BTC,
        ClientOrderId(number),
        Side.BUY,
        fill,
        state,
        Decimal(2),
        Decimal(overfill),
    )


def test_an_order_is_counted_once_in_each_state_it_comes_to() -> None:
    figures = FactFigures()
    for fact in (
        placed(),
        updated(OrderState.SENDING),
        updated(OrderState.ACCEPTED),
        updated(OrderState.ACCEPTED),
        filled("101"),
    ):
        figures.on_fact(1, fact)

    found = read(figures)

    assert found["orders_intents_total{rsi,buy,market}"] == 1
    assert found["orders_total{accepted}"] == 1
    assert found["orders_total{filled}"] == 1
    assert found["orders_total{rejected}"] == 0
    assert found["fill_notional_quote_total{taker}"] == 202.0


def test_every_execution_is_counted_however_many_come_at_once() -> None:
    figures = FactFigures()
    for lsn in range(100):  # more than a document of the platform carries
        figures.on_fact(lsn, filled("101", number=f"o{lsn}"))

    found = read(figures)

    assert (found["fills_total{taker}"], found["fills_total{maker}"]) == (100, 0)


def test_slippage_is_above_zero_where_it_is_worse_for_us() -> None:
    figures = FactFigures()
    figures.on_fact(1, placed(price=100.0))
    figures.on_fact(2, filled("100.1"))  # 10 bps above the price of the decision

    found = read(figures)

    buckets = {bound: found[f"slippage_bps_bucket{{buy,{bound}}}"] for bound in ("5.0", "20.0")}
    assert buckets == {"5.0": 0, "20.0": 1}


def test_an_order_of_an_earlier_run_has_no_known_slippage() -> None:
    figures = FactFigures()
    figures.on_fact(1, filled("100.1"))

    found = read(figures)

    assert found["slippage_bps_bucket{buy,+Inf}"] == 0
    assert found["orders_total{filled}"] == 1


def test_broken_rules_of_the_ledger_are_counted_and_kept_ones_are_not() -> None:
    figures = FactFigures()

    def post(*amounts: str) -> LedgerPosted:
        lines = tuple(Posting("x", Currency("USDT"), Decimal(each)) for each in amounts)
        return LedgerPosted(PAPER, NOW, "fill", "a/1", lines)

    assert read(figures)["ledger_invariant_failures_total{unbalanced}"] == 0
    figures.on_fact(1, post("1.5", "-1.5"))
    assert read(figures)["ledger_invariant_failures_total{unbalanced}"] == 0
    figures.on_fact(2, post("1.5", "-1.4"))
    figures.on_fact(3, filled("100", overfill="1"))

    found = read(figures)
    assert found["ledger_invariant_failures_total{unbalanced}"] == 1
    assert found["ledger_invariant_failures_total{overfilled}"] == 1


def test_denials_alerts_and_modes_are_counted_by_name() -> None:
    figures = FactFigures()
    figures.on_fact(1, OrderDenied(PAPER, Denied(PAPER, RSI, BTC, "ORDER_LIMIT", 2.0, 1.0, NOW)))
    figures.on_fact(2, RiskAlert(PAPER, NOW, "ORDER_UNKNOWN", "x"))
    figures.on_fact(3, ModeChanged(PAPER, NOW, Mode.NORMAL, Mode.HALT, "x", "risk"))
    figures.on_lost(None)

    found = read(figures)

    assert found["risk_rejections_total{ORDER_LIMIT}"] == 1
    assert found["risk_alerts_total{ORDER_UNKNOWN}"] == 1
    assert found["mode_changes_total{halt}"] == 1
    assert found["facts_total{ModeChanged}"] == 1
    assert found["facts_lost_total{}"] == 1


def test_what_strategies_wished_and_what_they_raised_is_counted_by_strategy() -> None:
    figures = FactFigures()
    wish = SignalGenerated(PAPER, RSI, BTC, NOW, 0.5, 1.0, NO_REASON)
    figures.on_fact(1, wish)
    figures.on_fact(2, wish)
    figures.on_fact(3, StrategyQuarantined(PAPER, RSI, NOW, "it raised"))

    found = read(figures)

    assert found["strategy_signals_total{rsi}"] == 2
    assert found["strategy_exceptions_total{rsi}"] == 1


def test_what_the_venue_had_otherwise_is_counted_by_kind_and_other_alerts_are_not() -> None:
    figures = FactFigures()
    assert read(figures)["reconcile_discrepancies_total{order}"] == 0
    codes = ("ORDER_UNKNOWN", "ORDER_ALIVE", "ORDER_OVERFILLED", "FILL_UNPROTECTED")
    for lsn, code in enumerate(codes):
        figures.on_fact(lsn, RiskAlert(PAPER, NOW, code, "x"))

    found = read(figures)

    assert found["reconcile_discrepancies_total{order}"] == 2
    assert found["reconcile_discrepancies_total{fill}"] == 1


def test_every_discrepancy_is_an_alert_that_the_engine_raises() -> None:
    raised = Path(reporting.__file__).read_text("utf-8")

    assert [code for code in DISCREPANCIES if f'turn.alert("{code}"' not in raised] == []


# --- calls


class Look(Query[Done], frozen=True, kw_only=True):
    """Look."""


class Login(Query[Done], frozen=True, kw_only=True):
    """Come in."""


LOOK = Operation(
    name="things.look", request=Look, method="GET", path="/things", scope=Scope.READ_MARKET
)
LOGIN = Operation(name="auth.login", request=Login, method="POST", path="/login", scope=None)
KEY = Actor(
    kind=ActorKind.KEY, name="key:ab12cd34", user="u1", scopes=frozenset({Scope.READ_MARKET})
)
POOR = Actor(
    kind=ActorKind.PERSON, name="person:eve", user="u2", scopes=frozenset({Scope.RUN_JOBS})
)


class Asked:
    """A control of two operations, and what was counted."""

    def __init__(self, login: BaseException | None = None) -> None:
        async def look(_context: Any, _request: Look) -> Done:
            return Done()

        async def come_in(_context: Any, _request: Login) -> Done:
            if login is not None:
                raise login
            return Done()

        audit = MemoryAudit()
        control = Control(
            (LOOK, LOGIN),
            {Look: Handling(look), Login: Handling(come_in)},
            audit=audit,
            repetitions=MemoryRepetitions(audit),
            clock=ManualClock(),
        )
        self.figures = CallFigures()
        self.control = WatchedControl(control, self.figures)

    def ask(self, actor: Actor, request: Query[Done]) -> None:
        asyncio.run(self.control.tell(actor, request, correlation="c"))

    @property
    def found(self) -> dict[str, float]:
        return read(self.figures)


def test_a_call_with_a_key_is_counted_by_operation_and_scope() -> None:
    asked = Asked()

    asked.ask(KEY, Look())

    assert asked.found["operations_total{things.look,done}"] == 1
    assert asked.found["apikey_uses_total{read:market,done}"] == 1


def test_who_may_not_ask_is_counted_at_the_door_and_inside() -> None:
    asked = Asked()

    with pytest.raises(Forbidden):
        asked.ask(POOR, Look())
    with pytest.raises(Forbidden):
        asyncio.run(asked.control.permit(POOR, Look, correlation="c"))

    assert asked.found["authz_denied_total{things.look}"] == 2
    assert asked.found["operations_total{things.look,refused}"] == 2


def test_a_stranger_who_must_sign_in_is_not_denied() -> None:
    asked = Asked()

    with pytest.raises(Unauthenticated):
        asked.ask(STRANGER, Look())

    assert not [name for name in asked.found if name.startswith("authz_denied_total")]


@pytest.mark.parametrize(
    ("code", "metric"),
    [("SIGN_IN_SLOWED", "auth_lockouts_total{}"), ("REFRESH_REUSED", "token_reuse_total{}")],
)
def test_tries_to_sign_in_are_counted_with_what_came_of_them(code: str, metric: str) -> None:
    good, bad = Asked(), Asked(TooMany(code=code, cause="c", fix="f"))

    good.ask(STRANGER, Login())
    with pytest.raises(TooMany):
        bad.ask(STRANGER, Login())

    assert good.found["auth_attempts_total{done,password}"] == 1
    assert (good.found[metric], bad.found[metric]) == (0, 1)
    assert bad.found["auth_attempts_total{refused,password}"] == 1


@pytest.mark.parametrize(
    ("shown", "factor"),
    [("Bearer bck_live_x", "key"), ("Bearer eyJ", "token"), ("Local x", "local")],
)
def test_tokens_and_keys_are_counted_whether_they_are_good(shown: str, factor: str) -> None:
    figures = CallFigures()

    async def inner(headers: Mapping[str, str], address: str) -> Actor:
        if address == "bad":
            raise Unauthenticated(code="X", cause="c", fix="f")
        return KEY

    door = WatchedAuthenticator(inner, figures)
    asyncio.run(door({"authorization": shown}, "good"))
    with pytest.raises(Unauthenticated):
        asyncio.run(door({"authorization": shown}, "bad"))
    asyncio.run(door({}, "good"))

    found = read(figures)
    assert found[f"auth_attempts_total{{done,{factor}}}"] == 1
    assert found[f"auth_attempts_total{{refused,{factor}}}"] == 1


# --- times


def test_the_loop_s_lag_is_how_much_longer_a_sleep_took() -> None:
    class Late(ManualClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 0.3)
            if self.monotonic_ns() > 2 * SECOND_NS:
                raise asyncio.CancelledError

    lag = LoopLag(Late())
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(lag.run())

    found = read(lag)
    assert found["eventloop_lag_p99_seconds{}"] == pytest.approx(0.3, rel=0.06)
    assert found["eventloop_lag_seconds_count{}"] >= 5


@given(st.lists(st.integers(1_000, 10 * SECOND_NS), min_size=1, max_size=300))
def test_a_quantile_is_never_too_low_and_little_too_high(durations: list[int]) -> None:
    rolling = RollingQuantiles()
    for duration in durations:
        rolling.add(duration, now_ns=SECOND_NS)

    found = rolling.quantiles_s(0.5, 0.99, 1.0, now_ns=SECOND_NS)

    exact = sorted(durations)
    for quantile, seconds in zip((0.5, 0.99, 1.0), found, strict=True):
        rank = max(0, -(-round(quantile * len(exact) * 1_000_000) // 1_000_000) - 1)
        assert seconds is not None
        assert exact[rank] / SECOND_NS <= seconds <= exact[rank] / SECOND_NS * 1.051 + 1e-9


def test_what_is_older_than_the_window_is_forgotten() -> None:
    rolling = RollingQuantiles(window_s=60)
    rolling.add(5_000_000, now_ns=0)
    rolling.add(1_000_000, now_ns=30 * SECOND_NS)

    assert rolling.count(now_ns=59 * SECOND_NS) == 2
    (left,) = rolling.quantiles_s(0.99, now_ns=60 * SECOND_NS)
    assert left == pytest.approx(0.001, rel=0.06)
    assert rolling.quantiles_s(0.5, 0.99, now_ns=90 * SECOND_NS) == (None, None)
