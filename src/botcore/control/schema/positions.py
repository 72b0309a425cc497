"""Positions: what strategies hold, and the way out of all of them."""

from decimal import Decimal
from typing import Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import Act, Confirm, Operation, Page, Query, RouteClass
from botcore.control.schema.accounts import AccountName, PricesAge
from botcore.control.schema.values import InstrumentName, Money, Slug
from botcore.domain.modes import Mode


class Position(msgspec.Struct, frozen=True, kw_only=True):
    """What one strategy holds of one instrument.

    Attributes:
        account, strategy, instrument: whose, and what.
        quantity: base units; negative is short.
        average_price: what it cost, quote units a base unit.
        mark: last price; None where none is known.
        value: at the mark; None where none is known.
        unrealised: value less cost, before fees; None where no price is known.
        realised: earned by closing so far, before fees.
        prices: how old the mark is.
    """

    account: str
    strategy: str
    instrument: str
    quantity: Decimal
    average_price: Decimal
    mark: Decimal | None
    value: Money | None
    unrealised: Money | None
    realised: Money
    prices: PricesAge


class Flattened(msgspec.Struct, frozen=True, kw_only=True):
    """Every position is being closed.

    Attributes:
        account: whose.
        mode: what the account may do now.
        positions: how many were open.
        canceled: how many orders worked, and were cancelled first.
        orders: ids of the closing orders placed so far; what is not closed yet is tried again.
        detail: in words.
    """

    account: str
    mode: Mode
    positions: int
    canceled: int
    orders: tuple[str, ...]
    detail: str


class ListPositions(Query[Page[Position]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List what is held, with its value at the last prices and how old those are.

    Attributes:
        account: whose; the first one by default.
        strategy, instrument: only these.
    """

    account: AccountName = ""
    strategy: Slug | None = None
    instrument: InstrumentName | None = None


class FlattenAll(Act[Flattened], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Close every position at market and cancel every order; the account then only cancels.

    A halted account is flattened by a person who has shown a factor within the last minutes.

    Attributes:
        account: whose; the first one by default.
    """

    account: AccountName = ""


OPERATIONS: Final = (
    Operation(
        name="positions.list",
        request=ListPositions,
        method="GET",
        path="/trading/positions",
        aliases=("/api/positions",),
        scope=Scope.READ_ACCOUNT,
        command=("positions", "list"),
        problems=("ACCOUNT_UNKNOWN", "ENGINE_SILENT"),
        examples=(ListPositions(), ListPositions(strategy="rsi")),
    ),
    Operation(
        name="positions.flatten",
        request=FlattenAll,
        method="POST",
        path="/trading/flatten",
        scope=Scope.TRADE_PAPER,
        command=("positions", "flatten"),
        confirm=Confirm.ALWAYS,
        lowers_risk=True,
        route_class=RouteClass.ORDERS,
        problems=(
            "ACCOUNT_UNKNOWN",
            "ENGINE_SILENT",
            "NOT_ALLOWED",
            "KEY_SCOPE",
            "PERSON_REQUIRED",
            "STEP_UP_REQUIRED",
            "MODE_KEPT",
        ),
        examples=(FlattenAll(),),
    ),
)
