"""A realistic document of the platform, for views: the default paper account after five hours."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from botcore.control.views import (
    AccountView,
    AlertView,
    DecisionView,
    FeedStatus,
    FeedView,
    FillView,
    MeterView,
    OrderView,
    PlatformView,
    PositionView,
    StrategyView,
)

SECOND = 1_000_000_000
NOW = 1_763_733_930 * SECOND
"""2025-11-21T14:05:30Z in the simulated market's own clock."""
BTC, ETH, SOL = "BTCUSDT.SIM", "ETHUSDT.SIM", "SOLUSDT.SIM"
BANNER = "SIMULATED MARKET – not real prices; this result says nothing about real markets"


def sample_view(**changes: Any) -> PlatformView:
    """Return the document with the given fields instead."""
    return msgspec.structs.replace(_VIEW, **changes)


def with_feed(view: PlatformView, **changes: Any) -> PlatformView:
    return msgspec.structs.replace(view, feed=msgspec.structs.replace(view.feed, **changes))


def with_account(view: PlatformView, **changes: Any) -> PlatformView:
    first, *others = view.accounts
    changed = msgspec.structs.replace(first, **changes)
    return msgspec.structs.replace(view, accounts=(changed, *others))


def _ago(seconds: float) -> int:
    return NOW - round(seconds * SECOND)


def _curve(points: int = 600, step_s: int = 30) -> tuple[tuple[int, float], ...]:
    chance = np.random.default_rng(7)
    steps = chance.standard_t(4, points) * 1.6 + 0.21
    equity = 10_000 + np.cumsum(steps)
    equity += 10_123.45 - equity[-1]
    return tuple(
        (_ago((points - 1 - at) * step_s), round(float(value), 2))
        for at, value in enumerate(equity)
    )


def _decision(strategy: str, instrument: str, wish: str, reason: str, **more: Any) -> DecisionView:
    fields: dict[str, Any] = {"held": wish, "outcome": "", "ts": _ago(6)} | more
    return DecisionView(
        strategy=strategy, instrument=instrument, wish=wish, reason=reason, **fields
    )


_STRATEGIES = (
    StrategyView(
        id="rsi",
        name="RSI",
        status="running",
        status_cause="",
        result="12.81",
        decisions=(
            _decision("rsi", BTC, "flat", "RSI 41.2 is above 30: no entry"),
            _decision("rsi", ETH, "long", "RSI 55.0 is below 70: keep the position"),
            _decision("rsi", SOL, "flat", "RSI 38.9 is above 30: no entry"),
        ),
    ),
    StrategyView(
        id="macd",
        name="MACD",
        status="running",
        status_cause="",
        result="-3.42",
        decisions=(
            _decision("macd", BTC, "long", "MACD 14.20 is above its signal 9.85: stay long"),
            _decision("macd", ETH, "flat", "MACD -1.10 is below its signal -0.64: stay out"),
            _decision(
                "macd",
                SOL,
                "long",
                "MACD 0.21 crossed above its signal 0.18: enter",
                held="flat",
                outcome="order sent, not filled yet",
            ),
        ),
    ),
    StrategyView(
        id="bollinger",
        name="Bollinger",
        status="running",
        status_cause="",
        result="41.07",
        decisions=(
            _decision("bollinger", BTC, "flat", "price lies inside the bands (z 0.4): no entry"),
            _decision("bollinger", ETH, "flat", "price lies inside the bands (z -1.1): no entry"),
            _decision("bollinger", SOL, "long", "price is below the middle band: hold"),
        ),
    ),
    StrategyView(
        id="volume-breakout",
        name="Volume breakout",
        status="running",
        status_cause="",
        result="0",
        decisions=(
            _decision("volume-breakout", BTC, "flat", "volume is 0.8 of its average: no entry"),
            _decision("volume-breakout", ETH, "flat", "volume is 1.3 of its average: no entry"),
            _decision("volume-breakout", SOL, "flat", "close is inside the 20-bar range: no entry"),
        ),
    ),
    StrategyView(
        id="ema-cross",
        name="EMA cross",
        status="running",
        status_cause="",
        result="85.31",
        decisions=(
            _decision("ema-cross", BTC, "long", "EMA 10 is 4.2 bps above EMA 30: hold"),
            _decision("ema-cross", ETH, "long", "EMA 10 is 6.8 bps above EMA 30: hold"),
            _decision(
                "ema-cross",
                SOL,
                "long",
                "EMA 10 is 2.1 bps above EMA 30: enter",
                held="flat",
                outcome="denied: exposure 4,012.10 would exceed 4,000.00 on the instrument",
            ),
        ),
    ),
    StrategyView(
        id="ensemble",
        name="Ensemble",
        status="paused",
        status_cause="paused by person:kim",
        result="-12.32",
        decisions=(
            _decision("ensemble", BTC, "flat", "2 of 5 votes are long, 3 are needed: no entry"),
            _decision("ensemble", ETH, "flat", "2 of 5 votes are long, 3 are needed: no entry"),
            _decision("ensemble", SOL, "no view", "warming up: 12 of 60 bars", ts=0),
        ),
    ),
)


def _position(strategy: str, instrument: str, quantity: str, **more: Any) -> PositionView:
    return PositionView(
        account="paper", strategy=strategy, instrument=instrument, quantity=quantity, **more
    )


_POSITIONS = (
    _position(
        "rsi",
        ETH,
        "0.0977",
        average_price="3412.118542374",
        mark="3438.22",
        value="335.91",
        unrealised="2.55",
        realised="10.26",
    ),
    _position(
        "macd",
        BTC,
        "0.00521",
        average_price="64102.51",
        mark="63987.40",
        value="333.37",
        unrealised="-0.60",
        realised="-2.82",
    ),
    _position(
        "bollinger",
        SOL,
        "2.31",
        average_price="143.85",
        mark="144.92",
        value="334.77",
        unrealised="2.47",
        realised="38.60",
    ),
    _position(
        "ema-cross",
        BTC,
        "0.00518",
        average_price="64290.00",
        mark="63987.40",
        value="331.45",
        unrealised="-1.57",
        realised="61.20",
    ),
    _position(
        "ema-cross",
        ETH,
        "0.0981",
        average_price="3401.77",
        mark=None,
        value="337.29",
        unrealised="3.58",
        realised="22.10",
    ),
)

_ORDERS = (
    OrderView(
        client_order_id="b1-000184",
        account="paper",
        strategy="macd",
        instrument=SOL,
        side="BUY",
        type="MARKET",
        quantity="2.30",
        filled="0.80",
        price="",
        state="PARTIALLY_FILLED",
        cancel_owed=False,
        ts=_ago(6),
    ),
    OrderView(
        client_order_id="b1-000181",
        account="paper",
        strategy="bollinger",
        instrument=SOL,
        side="SELL",
        type="LIMIT",
        quantity="2.31",
        filled="0",
        price="147.30",
        state="ACCEPTED",
        cancel_owed=False,
        ts=_ago(471),
    ),
    OrderView(
        client_order_id="b1-000176",
        account="paper",
        strategy="ensemble",
        instrument=BTC,
        side="BUY",
        type="LIMIT",
        quantity="0.00510",
        filled="0",
        price="63100.00",
        state="IN_DOUBT",
        cancel_owed=True,
        ts=_ago(1290),
    ),
)


def _fill(ago: float, strategy: str, instrument: str, side: str, **more: str) -> FillView:
    return FillView(
        ts=_ago(ago),
        account="paper",
        strategy=strategy,
        instrument=instrument,
        side=side,
        fee_currency="USDT",
        **more,
    )


_FILLS = (
    _fill(
        4,
        "macd",
        SOL,
        "BUY",
        quantity="0.80",
        price="144.95",
        fee="0.11596",
        reason="MACD 0.21 crossed above its signal 0.18: enter",
    ),
    _fill(
        411,
        "rsi",
        ETH,
        "BUY",
        quantity="0.0977",
        price="3412.12",
        fee="0.33336",
        reason="RSI 28.7 is at most 30: enter",
    ),
    _fill(
        1_260,
        "ema-cross",
        BTC,
        "BUY",
        quantity="0.00518",
        price="64290.00",
        fee="0.33302",
        reason="EMA 10 crossed 2.4 bps above EMA 30: enter",
    ),
    _fill(
        2_745,
        "bollinger",
        ETH,
        "SELL",
        quantity="0.0971",
        price="3429.60",
        fee="0.33301",
        reason="price is above the middle band: exit",
    ),
    _fill(
        3_600,
        "macd",
        BTC,
        "BUY",
        quantity="0.00521",
        price="64102.51",
        fee="0.33397",
        reason="MACD 3.10 crossed above its signal 2.72: enter",
    ),
    _fill(
        86_500,
        "ema-cross",
        SOL,
        "SELL",
        quantity="2.28",
        price="146.11",
        fee="0.33313",
        reason="EMA 10 crossed 3.0 bps below EMA 30: exit",
    ),
)

_VIEW = PlatformView(
    version="0.1.0",
    home="/home/kim/.botcore",
    engine_pid=41_277,
    wall_ts=NOW + 3 * 86_400 * SECOND,
    uptime_s=18_243.0,
    continued="continued: equity 10,098.77 USDT, 4 positions, stopped 2 min",
    storage="ok",
    feed=FeedView(
        name="simulated",
        banner=BANNER,
        clock="the simulated market's own clock: wall time less its pauses",
        now=NOW,
        last_event=_ago(0.4),
        age_s=0.4,
        status=FeedStatus.LIVE,
        step_s=15.0,
    ),
    accounts=(
        AccountView(
            id="paper",
            kind="paper",
            currency="USDT",
            equity="10123.4512",
            cash="8450.6612",
            locked="218.0375",
            day_result="24.6812",
            day_result_frac=0.00244,
            drawdown_frac=0.0131,
            fees_today="9.8342",
            fees_today_frac=0.00097,
            fees_total="31.2077",
            mode="NORMAL",
            mode_cause="",
            meters=(
                MeterView("daily loss", 0.0, "5 % of equity, 506.17 USDT"),
                MeterView("drawdown", 0.0655, "20 % from the peak"),
                MeterView("exposure BTCUSDT.SIM", 0.164, "40 % of equity"),
                MeterView("exposure ETHUSDT.SIM", 0.166, "40 % of equity"),
                MeterView("exposure SOLUSDT.SIM", 0.863, "40 % of equity"),
                MeterView("account exposure", 0.187, "100 % of equity"),
                MeterView("order rate", 0.1, "10 orders/s"),
            ),
            equity_points=_curve(),
            orders_open=3,
            orders_in_doubt=1,
            in_doubt_since=_ago(1_290),
            cancels_owed=1,
        ),
    ),
    strategies=_STRATEGIES,
    positions=_POSITIONS,
    orders=_ORDERS,
    fills=_FILLS,
    alerts=(
        AlertView(_ago(1_290), "ORDER_IN_DOUBT", "order b1-000176 was sent and not answered"),
        AlertView(_ago(9_000), "STRATEGY_PAUSED", "ensemble was paused by person:kim"),
    ),
)


class FakePlatform:
    """A platform with a document and an age that a test sets.

    Attributes:
        document, age_s: what it answers.
    """

    def __init__(self, document: PlatformView | None = _VIEW, age_s: float = 0.2) -> None:
        self.document = document
        self.age_s = age_s if document is not None else float("inf")

    def view(self) -> PlatformView | None:
        return self.document

    def view_age_s(self) -> float:
        return self.age_s
