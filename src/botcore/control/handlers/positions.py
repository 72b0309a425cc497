"""Positions: what is held at the last prices, and the way out of all of it."""

from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from botcore.control.engine_port import EnginePort
from botcore.control.handlers.addressing import (
    Accounts,
    KnownAccounts,
    must_cover,
    must_move,
    must_trade,
    unknown_account,
)
from botcore.control.handlers.plainly import plainly
from botcore.control.handlers.pricing import prices_age
from botcore.control.handlers.refusing import mode_kept, must_be_done
from botcore.control.handling import Context, Effect, Handling
from botcore.control.operations import Page, Request
from botcore.control.schema.accounts import PricesAge
from botcore.control.schema.positions import FlattenAll, Flattened, ListPositions, Position
from botcore.control.schema.values import Money
from botcore.control.views import AccountView, PositionView
from botcore.control.wording import amount, quantity
from botcore.domain import commands as c
from botcore.domain import questions as q
from botcore.domain.ids import AccountId
from botcore.domain.modes import Mode
from botcore.domain.numbers import ZERO
from botcore.kernel.clock import Clock


class PositionHandlers:
    """Shows what is held, and closes all of it.

    Args:
        engine: holds it.
        stored: knows the accounts.
        clock: dates steps-up.
    """

    def __init__(self, *, engine: EnginePort, stored: KnownAccounts, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._accounts = Accounts(engine=engine, stored=stored)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            ListPositions: Handling(self.listed),
            FlattenAll: Handling(self.flatten, self.flattening),
        }

    async def listed(self, _context: Context, request: ListPositions) -> Page[Position]:
        """Return what is held."""
        account = self._accounts.shown(request.account)
        view = self._accounts.platform()
        prices = prices_age(view, self._engine.view_age_s())
        return Page(
            items=tuple(
                _position(position, account.currency, prices)
                for position in view.positions
                if position.account == account.id
                and request.strategy in (None, position.strategy)
                and request.instrument in (None, position.instrument)
            )
        )

    async def flatten(self, context: Context, request: FlattenAll) -> Flattened:
        """Close every position at market."""
        account, known = await self._may_flatten(context, request)
        held = self._held(account.id)
        outcome = await self._engine.act(
            c.Flatten(AccountId(account.id), context.actor.by, confirmed=True, known=known)
        )
        must_be_done(outcome)
        if outcome.mode is Mode.HALT:
            raise mode_kept(outcome)
        return Flattened(
            account=account.id,
            mode=outcome.mode,
            positions=len(held),
            canceled=outcome.working,
            orders=tuple(order.client_order_id for order in outcome.orders),
            detail=outcome.sentence,
        )

    async def flattening(self, context: Context, request: FlattenAll) -> Effect:
        """Say what would be sold and cancelled."""
        account, _ = await self._may_flatten(context, request)
        held = self._held(account.id)
        orders = (await self._engine.ask(q.WhatIsOpen(account=AccountId(account.id)))).orders
        sold = _sales(held) or "Nothing is held to be sold"
        worth = sum((abs(_number(position.value) or ZERO) for position in held), start=ZERO)
        about = (
            f" at market, about {amount(f'{worth:f}')} {account.currency} in all" if held else ""
        )
        then = f", cancel {orders} orders; then the account only cancels (account {account.id})"
        words = f"{sold}{about}{then}"
        return Effect(words[0].upper() + words[1:], is_raising=False)

    async def _may_flatten(self, context: Context, request: FlattenAll) -> tuple[AccountView, Mode]:
        """Refuse who may not; a halt is left by flatten as by any other way out of it.

        Returns:
            The account, and the mode that was looked at.
        """
        account = self._accounts.shown(request.account)
        must_trade(context.actor, account)
        must_cover(context.actor, "")
        for state in await self._engine.ask(q.RiskState()):
            if state.account == account.id:
                must_move(context.actor, state.mode, Mode.FLATTEN, self._clock)
                return account, state.mode
        raise unknown_account(request.account)

    def _held(self, account: str) -> list[PositionView]:
        view = self._accounts.platform()
        return [position for position in view.positions if position.account == account]


def _position(position: PositionView, currency: str, prices: PricesAge) -> Position:
    return Position(
        account=position.account,
        strategy=position.strategy,
        instrument=position.instrument,
        **_figures(position, currency),
        prices=prices,
    )


@lru_cache(maxsize=2_048)  # most positions are worth what they were a moment ago
def _figures(position: PositionView, currency: str) -> dict[str, Any]:
    """Return the fields of a position that are numbers."""

    def money(number: Decimal | None) -> Money | None:
        return None if number is None else plainly(Money(number, currency))

    return {
        "quantity": plainly(Decimal(position.quantity)),
        "average_price": plainly(Decimal(position.average_price)),
        "mark": None if position.mark is None else plainly(Decimal(position.mark)),
        "value": money(_number(position.value)),
        "unrealised": money(_number(position.unrealised)),
        "realised": money(Decimal(position.realised)),
    }


def _sales(positions: Iterable[PositionView]) -> str:
    """Return what closing positions sells and buys back, an instrument once each."""
    sums: dict[tuple[str, str], Decimal] = {}
    for position in positions:
        held = Decimal(position.quantity)
        one = ("sell" if held > ZERO else "buy", position.instrument.partition(".")[0])
        sums[one] = sums.get(one, ZERO) + abs(held)
    parts = [f"{verb} {quantity(f'{held:f}')} {symbol}" for (verb, symbol), held in sums.items()]
    return " and ".join(parts)


def _number(text: str) -> Decimal | None:
    """Return an amount of the platform's document; None where no price is known."""
    return None if text == "?" else Decimal(text)
