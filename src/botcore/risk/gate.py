"""The risk gate: an intent becomes sealed permission, or a no with a code.

Nobody and nothing goes round it. Every limit is looked at for every order that raises exposure;
an order that only reduces passes the limits on exposure, so that a way out is never closed.
"""

from decimal import ROUND_CEILING, Decimal

import msgspec

from botcore.domain.decisions import Approved, ApprovedOrder, Denied
from botcore.domain.errors import DataError
from botcore.domain.events import Fact, ModeChanged, OrderPlaced, PerformanceUpdate
from botcore.domain.ids import DAY_NS, AccountId, ContractKind, Nanos
from botcore.domain.instruments import BelowMinimum, Instrument, TradingStatus
from botcore.domain.intents import PlaceOrder, ReplaceOrder
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.domain.numbers import MONEY, QUANTUM, ZERO
from botcore.domain.orders import OrderSpec, OrderType, Side
from botcore.risk.account import AccountRisk
from botcore.risk.limits import RiskLimits
from botcore.risk.portfolio_risk import PortfolioRisk, measure
from botcore.risk.ports import RiskView

NEAR = 1e-6
"""Within this relative distance of a limit the float comparison gives way to an exact one."""

_LIMITED = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_TRIGGERED = (OrderType.STOP, OrderType.STOP_LIMIT)


class GridValues(msgspec.Struct, frozen=True, gc=False):
    """What a changed order will carry, on the grid; None means unchanged."""

    quantity: Decimal | None
    limit_price: Decimal | None
    trigger_price: Decimal | None


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

    def add_account(self, account: AccountId, limits: RiskLimits) -> AccountRisk:
        """Put an account under limits, or give a known one other limits."""
        known = self._accounts.get(account)
        if known is not None:
            known.use_limits(limits)
            return known
        self._accounts[account] = AccountRisk(account, limits)
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
        if mark is None:
            return _no(order, "NO_PRICE", at)
        try:
            prepared = _on_grid(order, instrument)
        except (DataError, ValueError, ArithmeticError):
            return _no(order, "INTENT_MALFORMED", at)
        if isinstance(prepared, BelowMinimum):
            return _no(order, "BELOW_MINIMUM", at, prepared.quantity, prepared.minimum)
        position = view.position(order.account, order.strategy, order.instrument)
        if order.reduce_only:
            capped = self._capped(order, prepared, position, instrument, at)
            if isinstance(capped, Denied):
                return capped
            prepared = capped
        price = prepared.limit_price or prepared.trigger_price or Decimal(repr(mark))
        refusal = self._refuse_price(order, prepared, account, instrument, mark, price, at)
        if refusal is not None:
            return refusal
        if account.is_rate_spent(at.ts):
            rate = account.limits.orders_per_s
            return _no(order, "ORDER_RATE", at, rate + 1, rate)
        raises = prepared.side is Side.BUY if position >= ZERO else prepared.side is Side.SELL
        if prepared.side is Side.SELL and not account.limits.may_short:
            free = position - view.working_sells(order.account, order.strategy, order.instrument)
            if prepared.quantity > free:
                code = "SHORT_NOT_ALLOWED" if position <= ZERO else "INSUFFICIENT_POSITION"
                return _no(order, code, at, prepared.quantity, max(free, ZERO))
        if raises and not order.reduce_only:
            refusal = self._refuse_exposure(order, prepared, account, float(price), at)
            if refusal is not None:
                return refusal
        reserved = self._reserved(prepared, instrument, account.limits, price)
        if reserved.side is Side.BUY:
            free = view.free_cash(order.account, instrument.quote)
            if reserved.reserve > free:
                return _no(order, "INSUFFICIENT_CASH", at, reserved.reserve, free)
        orders = (reserved, *_children(order, instrument, reserved))
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
        mode = self._accounts[order.account].mode
        asked = PlaceOrder(
            account=order.account,
            strategy=order.strategy,
            instrument=order.instrument,
            side=order.side,
            type=order.type,
            quantity=order.quantity if change.quantity is None else change.quantity,
            reduce_only=order.reduce_only,
            reason=change.reason,
        )
        if not mode.may_place:
            return _no(asked, "MODE_FORBIDS", at)
        instrument = self._view.instrument(order.instrument)
        try:
            values = _changed(change, order, instrument)
        except (DataError, ValueError, ArithmeticError):
            return _no(asked, "INTENT_MALFORMED", at)
        if isinstance(values, BelowMinimum):
            return _no(asked, "BELOW_MINIMUM", at, values.quantity, values.minimum)
        before = order.quantity * (order.limit_price or order.trigger_price or ZERO)
        quantity = values.quantity or order.quantity
        price = values.limit_price or values.trigger_price or order.limit_price
        price = price or order.trigger_price or ZERO
        added = price * quantity - before
        raises = order.side is Side.BUY and not order.reduce_only and added > ZERO
        if not raises:
            return values
        if not mode.may_open:
            return _no(asked, "MODE_FORBIDS", at)
        account = self._accounts[order.account]
        limit = self._view.equity(order.account) * account.limits.order_frac
        whole = float(price * (quantity - filled))
        if whole > limit:
            return _no(asked, "ORDER_LIMIT", at, whole, limit)
        exposure = self._view.account_exposure(order.account) + float(added)
        limit = self._view.equity(order.account) * account.limits.account_frac
        if exposure > limit:
            return _no(asked, "ACCOUNT_LIMIT", at, exposure, limit)
        free = self._view.free_cash(order.account, instrument.quote)
        if added > free:
            return _no(asked, "INSUFFICIENT_CASH", at, added, free)
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
        known = self._accounts[account]
        person = by.startswith("person:")
        lowering = risk_level.severity < known.mode.severity
        if risk_level is known.mode or (lowering and not self._may_leave(known, by)):
            return None
        if lowering and person and known.mode_cause.startswith("DRAWDOWN"):
            known.raise_peak(known.equity)
        fact = ModeChanged(account, Nanos(at.ts), known.mode, risk_level, cause, by)
        known.fold_mode(fact)
        return fact

    def mark_equity(self, account: AccountRisk, equity: float, at: Key) -> list[Fact]:
        """Phase 7: take the equity of a bar's close; change the mode where a limit trips.

        Returns the facts of a new UTC day or of a tripped limit: seldom any.
        """
        account.equity = equity
        if equity > account.peak:
            account.raise_peak(equity)
        ts = at.ts
        if (
            ts < account.next_day
            and equity > account.loss_floor
            and equity > account.drawdown_floor
        ):
            return _QUIET
        facts: list[Fact] = []
        if ts >= account.next_day:
            self._new_day(account, equity, at, facts)
        if account.mode is Mode.NORMAL:
            if equity <= account.drawdown_floor:
                cause = f"DRAWDOWN: equity {equity:.2f} fell to {account.drawdown_floor:.2f}"
            elif equity <= account.loss_floor:
                cause = f"DAILY_LOSS: equity {equity:.2f} fell to {account.loss_floor:.2f}"
            else:
                return facts
            self._trip(account, cause, at, facts)
        return facts

    def performance(
        self, account: AccountRisk, at: Key, marks: tuple[tuple[str, float], ...]
    ) -> PerformanceUpdate:
        """Make the fact that carries equity, watermarks and marks."""
        return PerformanceUpdate(
            account.account,
            Nanos(at.ts),
            account.equity,
            account.peak,
            account.day,
            account.day_start,
            marks,  # type: ignore[arg-type]  # instrument ids are strings at run time
        )

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

    def _may_leave(self, account: AccountRisk, by: str) -> bool:
        if by.startswith("person:"):
            return True
        if account.mode is Mode.HALT or account.mode_cause.startswith("DRAWDOWN"):
            return False
        return by in ("risk", "engine")

    def _new_day(self, account: AccountRisk, equity: float, at: Key, facts: list[Fact]) -> None:
        first = account.day < 0
        account.day = at.ts // DAY_NS
        account.next_day = (account.day + 1) * DAY_NS
        account.day_start = equity
        account.use_limits(account.limits)
        if first:
            return
        facts.append(self.performance(account, at, ()))
        if account.mode is Mode.REDUCE_ONLY and account.mode_cause.startswith("DAILY_LOSS"):
            calm = self.trigger_risk_event(
                Mode.NORMAL, account=account.account, cause="a new UTC day", by="risk", at=at
            )
            if calm is not None:
                facts.append(calm)

    def _trip(self, account: AccountRisk, cause: str, at: Key, facts: list[Fact]) -> None:
        changed = self.trigger_risk_event(
            Mode.REDUCE_ONLY, account=account.account, cause=cause, by="risk", at=at
        )
        if changed is not None:
            facts.append(self.performance(account, at, ()))
            facts.append(changed)

    def _refuse_outright(
        self, order: PlaceOrder, account: AccountRisk, instrument: Instrument, at: Key
    ) -> Denied | None:
        mode = account.mode
        if mode is not Mode.NORMAL:
            if not mode.may_place:
                return _no(order, "MODE_FORBIDS", at)
            if not order.reduce_only and order.side is Side.BUY:
                return _no(order, "MODE_FORBIDS", at)
        if instrument.kind is not ContractKind.SPOT:
            return _no(order, "INSTRUMENT_NOT_TRADABLE", at)
        if instrument.status is not TradingStatus.TRADING:
            return _no(order, "INSTRUMENT_NOT_TRADING", at)
        raising = order.side is Side.BUY and not order.reduce_only
        if raising and self._view.is_in_doubt(order.account, order.instrument):
            return _no(order, "IN_DOUBT", at)
        return None

    def _capped(
        self,
        order: PlaceOrder,
        prepared: ApprovedOrder,
        position: Decimal,
        instrument: Instrument,
        at: Key,
    ) -> ApprovedOrder | Denied:
        """Cap a reduce-only order to the strategy's own position (E50)."""
        closing = prepared.side is (Side.SELL if position > ZERO else Side.BUY)
        if position == ZERO or not closing:
            return _no(order, "NOTHING_TO_REDUCE", at)
        if prepared.quantity <= abs(position):
            return prepared
        capped = instrument.quantity(abs(position))
        if isinstance(capped, BelowMinimum):
            return _no(order, "BELOW_MINIMUM", at, capped.quantity, capped.minimum)
        return _with_quantity(prepared, capped)

    def _refuse_price(
        self,
        order: PlaceOrder,
        prepared: ApprovedOrder,
        account: AccountRisk,
        instrument: Instrument,
        mark: float,
        price: Decimal,
        at: Key,
    ) -> Denied | None:
        notional = price * prepared.quantity
        if notional < instrument.min_notional:
            return _no(order, "BELOW_MINIMUM", at, notional, instrument.min_notional)
        if prepared.limit_price is not None:
            band = account.limits.price_band_frac
            anchor = float(prepared.trigger_price or 0) or mark
            limit = float(prepared.limit_price)
            if prepared.side is Side.BUY and limit > anchor * (1.0 + band):
                return _no(order, "PRICE_BAND", at, limit, anchor * (1.0 + band))
            if prepared.side is Side.SELL and limit < anchor * (1.0 - band):
                return _no(order, "PRICE_BAND", at, limit, anchor * (1.0 - band))
        return None

    def _refuse_exposure(
        self,
        order: PlaceOrder,
        prepared: ApprovedOrder,
        account: AccountRisk,
        price: float,
        at: Key,
    ) -> Denied | None:
        view, limits = self._view, account.limits
        equity = view.equity(order.account)
        notional = float(prepared.quantity) * price
        checks = (
            ("ORDER_LIMIT", notional, limits.order_frac),
            (
                "INSTRUMENT_LIMIT",
                view.instrument_exposure(order.account, order.instrument) + notional,
                limits.instrument_frac,
            ),
            (
                "STRATEGY_LIMIT",
                view.strategy_exposure(order.account, order.strategy) + notional,
                limits.strategy_frac,
            ),
            ("ACCOUNT_LIMIT", view.account_exposure(order.account) + notional, limits.account_frac),
        )
        for code, value, share in checks:
            limit = equity * share
            if value > limit * (1.0 + NEAR):
                return _no(order, code, at, value, limit)
            if value > limit * (1.0 - NEAR):
                exact = view.equity_exact(order.account) * Decimal(repr(share))
                if Decimal(repr(value)) > exact:
                    return _no(order, code, at, value, float(exact))
        return None

    def _reserved(
        self, order: ApprovedOrder, instrument: Instrument, limits: RiskLimits, price: Decimal
    ) -> ApprovedOrder:
        if order.side is Side.SELL:
            return _with_reserve(order, order.quantity, instrument.base)
        fee = Decimal(repr(limits.fee_frac))
        cushion = 1 + fee
        if order.limit_price is None:
            cushion = (1 + Decimal(repr(limits.price_band_frac))) * cushion
        amount = (price * order.quantity * cushion).quantize(QUANTUM, ROUND_CEILING, MONEY)
        return _with_reserve(order, amount, instrument.quote)


_QUIET: list[Fact] = []


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


def _on_grid(order: PlaceOrder, instrument: Instrument) -> ApprovedOrder | BelowMinimum:
    """Put prices and quantity on the instrument's grid.

    Raises:
        DataError: a number is not finite, negative or rounds to nothing.
        ValueError: the type of the order needs a price that is missing, or has one too many.
    """
    kind = order.type
    if (order.limit_price is not None) is not (kind in _LIMITED):
        raise ValueError("limit price")
    if (order.trigger_price is not None) is not (kind in _TRIGGERED):
        raise ValueError("trigger price")
    if (order.trail is not None) is not (kind is OrderType.TRAILING_STOP):
        raise ValueError("trail")
    quantity = instrument.quantity(order.quantity)
    if isinstance(quantity, BelowMinimum):
        return quantity
    side = order.side
    limit = order.limit_price
    trigger = order.trigger_price
    trail = None if order.trail is None else instrument.order_price(order.trail, Side.SELL)
    return ApprovedOrder(
        side,
        kind,
        quantity,
        ZERO,
        instrument.quote,
        None if limit is None else instrument.order_price(limit, side),
        None if trigger is None else instrument.order_price(trigger, side),
        trail,
        order.time_in_force,
        order.expires_at,
        order.reduce_only,
        order.oco_group,
    )


def _changed(
    change: ReplaceOrder, order: OrderSpec, instrument: Instrument
) -> GridValues | BelowMinimum:
    """Put the new values on the grid.

    Raises:
        DataError: a number is not finite, negative or rounds to nothing.
        ValueError: the order has no such price.
    """
    quantity: Decimal | None = None
    if change.quantity is not None:
        floored = instrument.quantity(change.quantity)
        if isinstance(floored, BelowMinimum):
            return floored
        quantity = floored
    if change.limit_price is not None and order.limit_price is None:
        raise ValueError("limit price")
    if change.trigger_price is not None and order.trigger_price is None:
        raise ValueError("trigger price")
    limit, trigger = change.limit_price, change.trigger_price
    return GridValues(
        quantity,
        None if limit is None else instrument.order_price(limit, order.side),
        None if trigger is None else instrument.order_price(trigger, order.side),
    )


def _children(
    order: PlaceOrder, instrument: Instrument, parent: ApprovedOrder
) -> tuple[ApprovedOrder, ...]:
    """The protection that hangs on an order: held, reduce-only, one cancels the other."""
    if order.take_profit is None and order.stop_loss is None and order.trailing is None:
        return ()
    exit_side = parent.side.opposite
    children = []
    for kind, price in (
        (OrderType.STOP, order.stop_loss),
        (OrderType.TRAILING_STOP, order.trailing),
        (OrderType.LIMIT, order.take_profit),
    ):
        if price is None:
            continue
        on_grid = instrument.order_price(price, exit_side)
        children.append(
            ApprovedOrder(
                exit_side,
                kind,
                parent.quantity,
                ZERO,
                instrument.base,
                limit_price=on_grid if kind is OrderType.LIMIT else None,
                trigger_price=on_grid if kind is OrderType.STOP else None,
                trail=on_grid if kind is OrderType.TRAILING_STOP else None,
                reduce_only=True,
                oco_group="@parent",
                held=True,
            )
        )
    return tuple(children)


def _with_quantity(order: ApprovedOrder, quantity: Decimal) -> ApprovedOrder:
    return _rebuilt(order, quantity, order.reserve, order.reserve_currency)


def _with_reserve(order: ApprovedOrder, reserve: Decimal, currency: str) -> ApprovedOrder:
    return _rebuilt(order, order.quantity, reserve, currency)


def _rebuilt(
    order: ApprovedOrder, quantity: Decimal, reserve: Decimal, currency: str
) -> ApprovedOrder:
    return ApprovedOrder(
        order.side,
        order.type,
        quantity,
        reserve,
        currency,  # type: ignore[arg-type]  # a currency is a string at run time
        order.limit_price,
        order.trigger_price,
        order.trail,
        order.time_in_force,
        order.expires_at,
        order.reduce_only,
        order.oco_group,
        order.held,
    )
