"""The risk gate: an intent becomes sealed permission, or a no with a code.

Nobody and nothing goes round it. Every limit is looked at for every order that raises exposure;
an order that only reduces passes the limits on exposure, so that a way out is never closed.
"""

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Any

from botcore.domain.decisions import Approved, ApprovedOrder, Denied
from botcore.domain.errors import DataError
from botcore.domain.events import (
    Fact,
    ModeChanged,
    OrderPlaced,
    PerformanceUpdate,
    ProtectionLifted,
    ProtectionLocked,
)
from botcore.domain.ids import SECOND_NS, AccountId, ContractKind, Nanos
from botcore.domain.instruments import BelowMinimum, Instrument, TradingStatus
from botcore.domain.intents import PlaceOrder, ReplaceOrder
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.domain.numbers import MONEY, QUANTUM, ZERO, exact
from botcore.domain.orders import OrderSpec, Side
from botcore.risk import protections
from botcore.risk.account import AccountRisk
from botcore.risk.grid import (
    GridValues,
    carrying,
    changed,
    children,
    on_grid,
    with_quantity,
    with_reserve,
)
from botcore.risk.limits import RiskLimits
from botcore.risk.locking import Lock, Protection
from botcore.risk.portfolio_risk import PortfolioRisk, measure
from botcore.risk.ports import RiskView
from botcore.risk.snapshot import read_state, write_state

NEAR = 1e-6
"""Within this relative distance of a limit the float comparison gives way to an exact one."""
_NOT_NEAR = 1.0 - NEAR

_MALFORMED = (DataError, ValueError, TypeError, ArithmeticError)
"""What numbers that are none, or too large to be any, end in."""

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_NORMAL = Mode.NORMAL
_BUY = Side.BUY
_SELL = Side.SELL
_SPOT = ContractKind.SPOT
_TRADING = TradingStatus.TRADING


class RiskManagementSystem:
    """Decides about every order; keeps modes, watermarks and order rates.

    Args:
        seal: the object that execution checks; nobody else has it.
        view: the account's state, asked at each decision.
        config_digest: of the configuration in force; stands on every approval.
    """

    def __init__(self, *, seal: object, view: RiskView, config_digest: str = "") -> None:
        self._seal = seal
        self._view = view
        self._accounts: dict[AccountId, AccountRisk] = {}
        self.config_digest = config_digest

    def add_account(
        self, account: AccountId, limits: RiskLimits, protections: Sequence[Protection] = ()
    ) -> AccountRisk:
        """Put an account under limits and protections, or give a known one other limits.

        Raises:
            ConfigError: ``PROTECTION_NAMED_TWICE``.
        """
        known = self._accounts.get(account)
        if known is not None:
            known.use_limits(limits)
            return known
        self._accounts[account] = AccountRisk(account, limits, protections)
        return self._accounts[account]

    def account(self, account: AccountId) -> AccountRisk:
        """Return what risk remembers of an account."""
        return self._accounts[account]

    def check_order_risk(self, order: PlaceOrder, *, at: Key) -> Approved | Denied:
        """Approve and seal an order, or say why not. Nothing is stored: the fact reserves."""
        view = self._view
        account = self._accounts[order.account]
        instrument = view.instrument(order.instrument)
        refusal = self._refuse_outright(order, account, instrument, at)
        if refusal is not None:
            return refusal
        mark = view.mark(order.instrument)
        if mark is None or not 0.0 < mark < math.inf:
            return _no(order, "NO_PRICE", at)
        try:
            prepared = on_grid(order, instrument, at.ts)
        except _MALFORMED:
            return _no(order, "INTENT_MALFORMED", at)
        if isinstance(prepared, BelowMinimum):
            return _no(order, "BELOW_MINIMUM", at, prepared.quantity, prepared.minimum)
        fitted = self._fitted(order, prepared, instrument, mark, at)
        if isinstance(fitted, Denied):
            return fitted
        prepared = fitted
        if account.guard is not None:
            refusal = self._refuse_locked(order, account, prepared.quantity, at)
            if refusal is not None:
                return refusal
        price = _price_of(prepared, mark)
        refusal = self._refuse_price(order, prepared, instrument, mark=mark, price=price, at=at)
        if refusal is not None:
            return refusal
        if account.is_rate_spent(at.ts):
            rate = account.limits.orders_per_s
            return _no(order, "ORDER_RATE", at, rate + 1, rate)
        if prepared.side is _BUY:
            if not prepared.reduce_only:
                notional = prepared.quantity * price
                refusal = self._refuse_exposure(order, account, notional, notional, at)
                if refusal is not None:
                    return refusal
            reserve = _reserve(prepared.limit_price, price, prepared.quantity, account.limits)
            free = view.free_cash(order.account, instrument.quote)
            if reserve > free:
                return _no(order, "INSUFFICIENT_CASH", at, reserve, free)
            approved = with_reserve(prepared, reserve, instrument.quote)
        else:
            approved = with_reserve(prepared, prepared.quantity, instrument.base)
        orders: tuple[ApprovedOrder, ...] = (approved,)
        if (
            order.stop_loss is not None
            or order.trailing is not None
            or order.take_profit is not None
        ):
            try:
                orders += children(order, instrument, approved, price)
            except _MALFORMED:
                return _no(order, "INTENT_MALFORMED", at)
        return Approved(
            order.account,
            order.strategy,
            order.instrument,
            orders,
            mark,
            order.reason,
            self.config_digest,
            self._seal,
        )

    decide = check_order_risk

    def check_replace_risk(
        self, change: ReplaceOrder, order: OrderSpec, *, filled: Decimal, at: Key
    ) -> GridValues | Denied:
        """Put a change of a working order on the grid and look at every limit again.

        Args:
            change: what the strategy wants; None leaves a value as it is.
            order: as it stands.
            filled: what of it has filled.
            at: when.
        """
        view, account = self._view, self._accounts[order.account]
        asked = PlaceOrder(
            account=order.account,
            strategy=order.strategy,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            quantity=order.quantity,
            reduce_only=order.reduce_only,
            reason=change.reason,
        )
        if not account.mode.may_place:
            return _no(asked, "MODE_FORBIDS", at)
        instrument, mark = view.instrument(order.instrument), view.mark(order.instrument)
        if mark is None or not 0.0 < mark < math.inf:
            return _no(asked, "NO_PRICE", at)
        try:
            values = changed(change, order, instrument)
        except _MALFORMED:
            return _no(asked, "INTENT_MALFORMED", at)
        if isinstance(values, BelowMinimum):
            return _no(asked, "BELOW_MINIMUM", at, values.quantity, values.minimum)
        after = carrying(order, values, instrument.quote)
        price = _price_of(after, mark)
        refusal = self._refuse_price(asked, after, instrument, mark=mark, price=price, at=at)
        if refusal is not None:
            return refusal
        if order.side is _SELL:
            more = after.quantity - order.quantity
            line = (order.account, order.strategy, order.instrument)
            free = view.position(*line) - view.working_sells(*line) if more > ZERO else ZERO
            if more > free:
                return _no(asked, "INSUFFICIENT_POSITION", at, more, max(free, ZERO))
            return values
        before = order.limit_price or order.trigger_price or price
        added = price * (after.quantity - filled) - before * (order.quantity - filled)
        is_sooner = _is_sooner(order, after)
        if added <= ZERO and not is_sooner:
            return values
        refusal = self._refuse_outright(asked, account, instrument, at)
        if refusal is None and account.guard is not None:
            refusal = self._refuse_locked(asked, account, after.quantity - filled, at)
        if refusal is None and added > ZERO and not order.reduce_only:
            whole = price * (after.quantity - filled)
            refusal = self._refuse_exposure(asked, account, whole, added, at)
        if refusal is not None:
            return refusal
        if added <= ZERO:
            return values
        limits, limit = account.limits, after.limit_price
        reserve = _reserve(limit, price, after.quantity - filled, limits)
        reserve -= _reserve(limit, before, order.quantity - filled, limits)
        free = view.free_cash(order.account, instrument.quote)
        if reserve > free:
            return _no(asked, "INSUFFICIENT_CASH", at, reserve, free)
        return values

    def update_portfolio_risk(
        self, positions: dict[str, float], *, account: AccountId
    ) -> PortfolioRisk:
        """Measure exposure, concentration and what is left of each limit.

        Args:
            positions: instrument → signed exposure in the reporting currency.
            account: whose.
        """
        known = self._accounts[account]
        return measure(positions, equity=self._view.equity(account), account=known)

    def trigger_risk_event(
        self, risk_level: Mode, *, account: AccountId, cause: str, by: str, at: Key
    ) -> ModeChanged | None:
        """Move an account to a mode; None when it is there, or stands worse, already.

        Only a person (`by` starts with ``person:``) leaves HALT, or a drawdown stop.
        """
        return protections.move(self._accounts[account], risk_level, cause=cause, by=by, at=at)

    def lift_lock(
        self, account: AccountId, lock: str, *, by: str, at: Key
    ) -> ProtectionLifted | None:
        """End a protection's lock early; None where it is not in force, or `by` is no person."""
        guard = self._accounts[account].guard
        return None if guard is None else guard.lift(lock, by=by, at=at)

    mark_equity = staticmethod(protections.mark_equity)
    performance = staticmethod(protections.performance)

    def state(self) -> dict[str, Any]:
        """Return modes, watermarks and order rates as JSON values.

        Right after a `PerformanceUpdate` they are what a fold of all facts gives; between two,
        equity and peak follow the marks.
        """
        return write_state(self._accounts)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `state` described, under the limits in force.

        Raises:
            InvariantBroken: ``RISK_STATE_MALFORMED``; nothing was changed.
        """
        read_state(state, self._accounts)

    def fold(self, fact: Fact) -> None:
        """Apply a fact of an earlier session, or of this one."""
        known = self._accounts.get(fact.account) if hasattr(fact, "account") else None
        if known is None:
            return
        if isinstance(fact, OrderPlaced):
            known.fold_placed(fact)
        elif isinstance(fact, PerformanceUpdate):
            known.fold_performance(fact)
        elif isinstance(fact, ModeChanged):
            known.fold_mode(fact)
        elif known.guard is not None and isinstance(fact, ProtectionLocked):
            known.guard.fold_locked(fact)
        elif known.guard is not None and isinstance(fact, ProtectionLifted):
            known.guard.fold_lifted(fact)

    def _refuse_outright(
        self, order: PlaceOrder, account: AccountRisk, instrument: Instrument, at: Key
    ) -> Denied | None:
        mode = account.mode
        raising = order.side is _BUY and not order.reduce_only
        if mode is not _NORMAL and (raising or not mode.may_place):
            return _no(order, "MODE_FORBIDS", at)
        if instrument.kind is not _SPOT:
            return _no(order, "INSTRUMENT_NOT_TRADABLE", at)
        if instrument.status is not _TRADING:
            return _no(order, "INSTRUMENT_NOT_TRADING", at)
        if raising and self._view.is_in_doubt(order.account, order.instrument):
            return _no(order, "IN_DOUBT", at)
        return None

    def _refuse_locked(
        self, order: PlaceOrder, account: AccountRisk, quantity: Decimal, at: Key
    ) -> Denied | None:
        """Refuse what a lock covers, if it raises exposure: the way out is never locked."""
        guard = account.guard
        lock = None if guard is None else guard.denies(order.strategy, order.instrument, at.ts)
        if lock is None or order.reduce_only:
            return None
        position = self._view.position(order.account, order.strategy, order.instrument)
        held_against = position if order.side is _SELL else -position
        return _locked(order, lock, at) if quantity > held_against else None

    def _fitted(
        self,
        order: PlaceOrder,
        prepared: ApprovedOrder,
        instrument: Instrument,
        mark: float,
        at: Key,
    ) -> ApprovedOrder | Denied:
        """Fit an order that reduces to what of the strategy's position is still free (E50).

        A reduce-only one is cut to it. A partial exit that would leave less than the venue's
        minimum, which could then not be sold, closes all (E79).
        """
        line = (order.account, order.strategy, order.instrument)
        position = self._view.position(*line)
        is_sell = prepared.side is _SELL
        if not (position > ZERO if is_sell else position < ZERO):
            if order.reduce_only:
                return _no(order, "NOTHING_TO_REDUCE", at)
            if is_sell:  # only spot can be traded, and nobody lends it
                return _no(order, "SHORT_NOT_ALLOWED", at, prepared.quantity, ZERO)
            return prepared
        working = self._view.working_sells(*line) if is_sell else self._view.working_buys(*line)
        free = abs(position) - working
        wanted = prepared.quantity
        if wanted > free and (free <= ZERO or not order.reduce_only):
            if not is_sell and not order.reduce_only:
                return prepared
            return _no(order, "INSUFFICIENT_POSITION", at, wanted, max(free, ZERO))
        left = free - wanted
        if left == ZERO or (left > ZERO and not _is_dust(left, instrument, mark)):
            return prepared
        whole = instrument.quantity(free)
        if isinstance(whole, BelowMinimum):
            return _no(order, "BELOW_MINIMUM", at, whole.quantity, whole.minimum)
        return with_quantity(prepared, whole)

    def _refuse_price(
        self,
        order: PlaceOrder,
        prepared: ApprovedOrder,
        instrument: Instrument,
        *,
        mark: float,
        price: Decimal,
        at: Key,
    ) -> Denied | None:
        notional = price * prepared.quantity
        if notional < instrument.min_notional:
            return _no(order, "BELOW_MINIMUM", at, notional, instrument.min_notional)
        if prepared.limit_price is not None:
            band = self._accounts[order.account].limits.price_band_frac
            anchor = float(prepared.trigger_price or 0) or mark
            limit = float(prepared.limit_price)
            sign = prepared.side.sign
            edge = anchor * (1.0 + sign * band)
            # Float arithmetic sees quickly that all is well; what it doubts is decided exactly.
            if sign * (limit - edge) > 0.0:
                end = exact(anchor, what="a price") * (1 + sign * exact(band, what="a band"))
                if sign * (prepared.limit_price - end) > ZERO:
                    return _no(order, "PRICE_BAND", at, limit, edge)
        return None

    def _refuse_exposure(
        self, order: PlaceOrder, account: AccountRisk, whole: Decimal, added: Decimal, at: Key
    ) -> Denied | None:
        """Look at every limit; `whole` is the order's notional, `added` what of it is new."""
        view, limits, name = self._view, account.limits, order.account
        equity, new = view.equity(name), float(added)
        all_of_it = new if whole is added else float(whole)
        on_instrument = view.instrument_exposure(name, order.instrument)
        of_strategy, of_account = view.exposures(name, order.strategy)
        for code, used, notional, value, share in (
            ("ORDER_LIMIT", 0.0, whole, all_of_it, limits.order_frac),
            ("INSTRUMENT_LIMIT", on_instrument, added, on_instrument + new, limits.instrument_frac),
            ("STRATEGY_LIMIT", of_strategy, added, of_strategy + new, limits.strategy_frac),
            ("ACCOUNT_LIMIT", of_account, added, of_account + new, limits.account_frac),
        ):
            limit = equity * share
            if value <= limit * _NOT_NEAR:
                continue
            if not value <= limit * (1.0 + NEAR):  # also when it is not a number
                return _no(order, code, at, value, limit)
            allowed = view.equity_exact(order.account) * exact(share, what="a limit")
            if exact(used, what="an exposure").quantize(QUANTUM) + notional > allowed:
                return _no(order, code, at, value, float(allowed))
        return None


def _is_dust(quantity: Decimal, instrument: Instrument, mark: float) -> bool:
    """Whether what would be left is too small or too cheap to be sold on its own."""
    least = max(instrument.lot, instrument.min_quantity)
    return quantity < least or quantity * exact(mark, what="a mark") < instrument.min_notional


def _price_of(order: ApprovedOrder, mark: float) -> Decimal:
    """Return at which price an order counts.

    That is its limit, which it never pays more than; else its trigger, or the mark. A buy stop that
    the price has passed already trades at once, at the mark (I8).
    """
    if order.limit_price is not None:
        return order.limit_price
    trigger, at_mark = order.trigger_price, exact(mark, what="a mark")
    if trigger is None:
        return at_mark
    return max(trigger, at_mark) if order.side is _BUY else trigger


def _reserve(
    limit_price: Decimal | None, price: Decimal, quantity: Decimal, limits: RiskLimits
) -> Decimal:
    """Return what a buy locks: notional and fee, a price band above where it has no limit (P13)."""
    cushion = _cushion(limits.fee_frac, limits.price_band_frac if limit_price is None else 0.0)
    return (price * quantity * cushion).quantize(QUANTUM, ROUND_CEILING, MONEY)


@lru_cache(maxsize=256)
def _cushion(fee_frac: float, band_frac: float) -> Decimal:
    return (1 + exact(fee_frac, what="a fee")) * (1 + exact(band_frac, what="a band"))


def _is_sooner(order: OrderSpec, after: ApprovedOrder) -> bool:
    """Whether a buy is triggered at a lower price than before: it may open what it did not."""
    before, wanted = order.trigger_price, after.trigger_price
    return before is not None and wanted is not None and wanted < before


def _locked(order: PlaceOrder, lock: Lock, at: Key) -> Denied:
    """Return the no of a lock; its value is how many seconds the lock still lasts."""
    return Denied(
        order.account,
        order.strategy,
        order.instrument,
        "PROTECTION_LOCKED",
        (lock.until - at.ts) / SECOND_NS,
        0.0,
        Nanos(at.ts),
        order.reason,
        lock.detail,
    )


def _no(
    order: PlaceOrder,
    code: str,
    at: Key,
    value: float | Decimal = 0.0,
    limit: float | Decimal = 0.0,
) -> Denied:
    return Denied(
        order.account,
        order.strategy,
        order.instrument,
        code,
        float(value),
        float(limit),
        Nanos(at.ts),
        order.reason,
    )
