"""Facts of a small trading day, as the engine would append them."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import sqlalchemy as sa

from botcore.domain.decisions import Denied
from botcore.domain.events import (
    ConfigApplied,
    Fact,
    LedgerPosted,
    ModeChanged,
    OrderDenied,
    OrderFilled,
    OrderPlaced,
    OrderUpdated,
    PerformanceUpdate,
    PositionChanged,
    Posting,
    RiskAlert,
    SignalGenerated,
    StrategyPaused,
    StrategyQuarantined,
)
from botcore.domain.ids import (
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    StrategyId,
    TradeId,
)
from botcore.domain.intents import Reason
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.domain.orders import Liquidity, OrderSpec, OrderState, OrderType, Side
from botcore.domain.records import RecordKind, encode
from botcore.domain.reports import Fill
from botcore.storage import Entry, Store
from botcore.storage.chain import GENESIS, link
from botcore.storage.reading import rows_after
from botcore.storage.tables import journal, journal_head

MAIN = AccountId("main")
RSI = StrategyId("rsi")
BTC = InstrumentId("BTCUSDT.SIM")
USDT = Currency("USDT")
START = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z


def at(second: int) -> Nanos:
    return Nanos(START + second * 10**9)


def a_key(seq: int) -> Key:
    return Key(at(seq), 0, 0, seq)


def entries(facts: Sequence[Fact], *, seq: int = 0) -> list[Entry]:
    return [Entry(RecordKind.FACT, a_key(seq), MAIN, encode(fact)) for fact in facts]


def an_alert(detail: str = "", *, second: int = 0) -> RiskAlert:
    return RiskAlert(MAIN, at(second), "TEST", detail)


def some_entries(count: int, *, seq: int = 0) -> list[Entry]:
    return entries([an_alert(str(number)) for number in range(count)], seq=seq)


def order_id(number: int) -> ClientOrderId:
    return ClientOrderId(f"BC-{number}")


def placed(number: int, *, quantity: str = "0.5", state: OrderState = OrderState.INTENT) -> Fact:
    order = OrderSpec(
        order_id(number),
        MAIN,
        RSI,
        BTC,
        Side.BUY,
        OrderType.LIMIT,
        Decimal(quantity),
        Decimal("30000.01"),
    )
    reason = Reason(2, (41.2, 30.0))
    return OrderPlaced(
        MAIN, order, state, Decimal("15015.005"), USDT, 30_000.5, at(number), reason, "cfg"
    )


def updated(number: int, state: OrderState, *, second: int, **changes: object) -> Fact:
    return OrderUpdated(MAIN, order_id(number), state, at(second), **changes)  # type: ignore[arg-type]  # any values


def filled(
    number: int,
    trade: int,
    *,
    quantity: str = "0.5",
    total: str = "0.5",
    state: OrderState = OrderState.FILLED,
) -> list[Fact]:
    """A fill and what it does to the ledger and to the position, as R9 wants them together."""
    amount = Decimal("30000.01") * Decimal(quantity)
    fee = Decimal("15.00000500")
    fill = Fill(
        TradeId(str(trade)),
        Decimal("30000.01"),
        Decimal(quantity),
        amount,
        fee,
        USDT,
        Liquidity.TAKER,
        at(trade),
    )
    postings = (
        Posting("assets:main:free", USDT, -amount - fee),
        Posting("trading:rsi:BTCUSDT.SIM", USDT, amount),
        Posting("fees", USDT, fee),
    )
    return [
        OrderFilled(
            MAIN, RSI, BTC, order_id(number), Side.BUY, fill, state, Decimal(total), Decimal(0)
        ),
        LedgerPosted(MAIN, at(trade), "fill", f"{order_id(number)}/{trade}", postings),
        PositionChanged(
            MAIN,
            RSI,
            BTC,
            Decimal(total),
            Decimal("30000.01") * Decimal(total),
            Decimal(0),
            fee,
            at(trade),
        ),
    ]


def deposit(amount: str = "10000") -> Fact:
    postings = (
        Posting("assets:main:free", USDT, Decimal(amount)),
        Posting("external", USDT, -Decimal(amount)),
    )
    return LedgerPosted(MAIN, at(0), "deposit", "first", postings)


def a_day() -> list[Fact]:
    """Every kind of fact that is projected, an order that fills in two parts among them."""
    denied = Denied(MAIN, RSI, BTC, "NOTIONAL", 5000.0, 1000.0, at(9), Reason(1))
    return [
        ConfigApplied(
            MAIN,
            at(0),
            "cfg",
            '{"accounts": [{"id": "main", "limits": {"instrument_frac": 0.4,'
            ' "daily_loss_frac": 0.05, "drawdown_frac": 0.2}}], "strategies": [{"id": "rsi",'
            ' "strategy": "rsi", "account": "main", "description": "buys dips"}]}',
        ),
        deposit(),
        SignalGenerated(MAIN, RSI, BTC, at(1), 0.5, 1.0, Reason(2, (41.2,))),
        placed(1),
        updated(1, OrderState.SENDING, second=1),
        updated(1, OrderState.ACCEPTED, second=2, venue_order_id="V1"),
        *filled(1, 3, quantity="0.2", total="0.2", state=OrderState.PARTIAL),
        *filled(1, 4, quantity="0.3", total="0.5"),
        placed(2, quantity="1"),
        updated(
            2,
            OrderState.ACCEPTED,
            second=6,
            quantity=Decimal("0.7"),
            limit_price=Decimal("29999.99"),
        ),
        updated(2, OrderState.ACCEPTED, second=7, cancel_owed=True),
        updated(2, OrderState.CANCELED, second=8, detail="by the user"),
        placed(3),
        OrderDenied(MAIN, denied),
        PerformanceUpdate(MAIN, at(10), 9_990.5, 10_000.0, 20_454, 10_000.0, ((BTC, 30_000.0),)),
        RiskAlert(MAIN, at(11), "DAILY_LOSS", "5.1 % of 5 %"),
        ModeChanged(MAIN, at(11), Mode.NORMAL, Mode.REDUCE_ONLY, "daily loss", "risk"),
        StrategyPaused(MAIN, RSI, at(12), paused=True, by="person:me"),
        StrategyQuarantined(MAIN, StrategyId("macd"), at(13), "never returned"),
    ]


def rechain(store: Store, *, schema: int) -> None:
    """Rewrite a journal of one row as another version would have written it."""
    with store.writing() as connection:
        [(record, _)] = rows_after(connection, 0)
        digest = link(GENESIS, msgspec.structs.replace(record, schema=schema))
        connection.execute(sa.update(journal).values(schema=schema, digest=digest))
        connection.execute(sa.update(journal_head).values(digest=digest))
