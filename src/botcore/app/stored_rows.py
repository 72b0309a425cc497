"""Rows of the engine's projections as control's answers."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Final, TypeVar

from botcore.control.handlers.plainly import plainly
from botcore.control.history_port import Execution, Moved, SetAside
from botcore.control.operations import Page
from botcore.control.problems import Malformed
from botcore.control.schema.ledger import Balance, Posting
from botcore.control.schema.orders import Order
from botcore.control.schema.risk import DeniedIntent, ModeChange
from botcore.control.schema.trades import Fill
from botcore.control.schema.values import Money, instant
from botcore.domain.decisions import Denied
from botcore.domain.errors import ConfigError
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.modes import Mode
from botcore.domain.numbers import MONEY, ZERO, exact
from botcore.domain.orders import Liquidity, OrderState, OrderType, Side, TimeInForce
from botcore.portfolio import assets_path
from botcore.risk import DENIALS, sentence
from botcore.storage import Row, Rows

T = TypeVar("T")

_OUTSIDE: Final = frozenset({"deposit", "withdrawal", "adjustment"})
_DUST: Final = "dust:"
_PLACES: Final = Decimal("1E-12")


@contextmanager
def asking() -> Iterator[None]:
    """Tell who asks of a cursor that is none of ours.

    Raises:
        Malformed: the store refused what was asked within.
    """
    try:
        yield
    except ConfigError as error:
        raise Malformed(code=error.code, cause=error.cause, fix=error.fix) from error


def page_of(found: Rows, answer: Callable[[Row], T]) -> Page[T]:
    """Return rows as a page of answers."""
    return Page(items=tuple(map(answer, found.rows)), next_cursor=found.next_cursor)


def operands_of(text: str) -> tuple[float, ...]:
    """Return the operands of a reason, as a row holds them."""
    return tuple(float(each) for each in text.split(",") if each)


def order_of(row: Row, *, paid: Decimal | None, reason: str) -> Order:
    """Return an order.

    Args:
        row: of ``orders``.
        paid: quote units of the executions it counts; None where there are none.
        reason: why it was placed, in words.
    """
    state, filled = OrderState(row["state"]), row["filled"]
    arrival = row["decision_price"]
    return Order(
        id=row["client_order_id"],
        account=row["account"],
        strategy=row["strategy"],
        instrument=row["instrument"],
        symbol=row["symbol"],
        venue=row["exchange"],
        side=Side(row["side"]),
        type=OrderType(row["type"]),
        time_in_force=TimeInForce(row["time_in_force"]),
        state=state,
        is_working=not state.is_terminal,
        quantity=row["quantity"],
        filled=filled,
        leaves=ZERO if state.is_terminal else plainly(max(ZERO, row["quantity"] - filled)),
        average_price=_average(paid, filled) if paid and filled else None,
        limit_price=row["limit_price"],
        trigger_price=row["trigger_price"],
        trail=row["trail"],
        expires_at=None if row["expires_at"] is None else instant(row["expires_at"]),
        reduce_only=row["reduce_only"],
        parent=row["parent"],
        oco_group=row["oco_group"],
        cancel_owed=row["cancel_owed"] and not state.is_terminal,
        replace_pending=row["replace_pending"] and not state.is_terminal,
        venue_order_id=row["venue_order_id"],
        reserve=Money(row["reserve"], row["reserve_currency"]),
        arrival_price=None if arrival is None else exact(arrival, what="a price"),
        reason=reason,
        detail=row["detail"],
        placed_at=instant(row["placed_at"]),
        updated_at=instant(row["updated_at"]),
    )


def fill_of(row: Row, *, quote: str, reason: str) -> Fill:
    """Return an execution; `quote` is the currency that was paid in."""
    return Fill(
        id=row["trade_id"],
        time=instant(row["ts"]),
        account=row["account"],
        strategy=row["strategy"],
        instrument=row["instrument"],
        symbol=row["symbol"],
        venue=row["exchange"],
        order_id=row["order_id"],
        venue_order_id=row["venue_order_id"],
        side=Side(row["side"]),
        price=row["price"],
        quantity=row["quantity"],
        quote_amount=Money(row["quote_amount"], quote),
        fee=Money(row["fees"], row["fee_currency"]),
        liquidity=Liquidity(row["liquidity"]),
        flags=tuple(flag for flag in row["flags"].split(",") if flag),
        reason=reason,
    )


def posting_of(row: Row) -> Posting:
    """Return a line of a transaction."""
    return Posting(
        transaction=row["lsn"],
        line=row["line"],
        time=instant(row["ts"]),
        account=row["account"],
        cause=row["cause"],
        reference=row["reference"],
        ledger=row["ledger"],
        currency=row["currency"],
        amount=row["amount"],
    )


def balance_of(row: Row) -> Balance:
    """Return what a ledger holds of a currency."""
    return Balance(
        account=row["account"],
        ledger=row["ledger"],
        currency=row["currency"],
        amount=row["amount"],
    )


def mode_change_of(row: Row) -> ModeChange:
    """Return a change of the mode."""
    return ModeChange(
        time=instant(row["ts"]),
        account=row["account"],
        previous=Mode(row["previous"]),
        mode=Mode(row["mode"]),
        cause=row["cause"],
        by=row["changed_by"],
    )


def denial_of(row: Row) -> DeniedIntent:
    """Return what was denied, with the sentence that its figures and words make."""
    value, bound = row["value"], row["bound"]
    denied = Denied(
        AccountId(row["account"]),
        StrategyId(row["strategy"]),
        InstrumentId(row["instrument"]),
        row["code"],
        float("nan") if value is None else value,
        float("nan") if bound is None else bound,
        Nanos(row["ts"]),
        detail=row["detail"],
    )
    return DeniedIntent(
        time=instant(row["ts"]),
        account=row["account"],
        strategy=row["strategy"],
        instrument=row["instrument"],
        code=row["code"],
        sentence=sentence(denied) if row["code"] in DENIALS else row["code"],
        value=value,
        limit=bound,
    )


def execution_of(row: Row, pair: tuple[str, str]) -> Execution:
    """Return an execution as it was booked; `pair` is its base and its quote."""
    base, quote = pair
    return Execution(
        number=row["lsn"],
        ts=row["ts"],
        reference=f"{row['order_id']}/{row['trade_id']}",
        order_id=row["order_id"],
        strategy=row["strategy"],
        instrument=row["instrument"],
        base=base,
        quote=quote,
        side=Side(row["side"]),
        quantity=row["quantity"],
        quote_amount=row["quote_amount"],
        fee=row["fees"],
        fee_currency=row["fee_currency"],
    )


def others_of(lines: Iterable[Row], account: AccountId) -> Sequence[Moved | SetAside]:
    """Return what came from outside, and what was set aside: two lines, its cost and then it.

    Args:
        lines: of whole transactions, in their order; what is neither is left out.
        account: whose.
    """
    found: list[Moved | SetAside] = []
    aside: dict[tuple[int, str], list[Row]] = {}
    assets = assets_path(account)
    for row in lines:
        if row["ledger"].startswith(_DUST):
            aside.setdefault((row["lsn"], row["ledger"]), []).append(row)
        elif row["ledger"] == assets and row["cause"] in _OUTSIDE:
            found.append(
                Moved(
                    number=row["lsn"],
                    ts=row["ts"],
                    reference=row["reference"],
                    currency=row["currency"],
                    amount=row["amount"],
                )
            )
    for (number, place), rows in aside.items():
        cost, remainder = rows
        _, _, strategy, instrument = place.split(":", 3)
        found.append(
            SetAside(
                number=number,
                ts=remainder["ts"],
                strategy=strategy,
                instrument=instrument,
                quantity=remainder["amount"],
                cost=cost["amount"],
            )
        )
    return found


def _average(amount: Decimal, quantity: Decimal) -> Decimal:
    """Return a price for people: 12 places, without zeros behind it."""
    price = MONEY.quantize(MONEY.divide(amount, quantity), _PLACES)
    return Decimal(f"{MONEY.normalize(price):f}")
