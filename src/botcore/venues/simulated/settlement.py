"""What orders and fills do to money: locks, cuts, payments and fees, in quanta of 1e-8."""

from fractions import Fraction

from botcore.venues.simulated import rules
from botcore.venues.simulated.accounts import AccountBook, Purse
from botcore.venues.simulated.config import FeeMode, VenueConfig
from botcore.venues.simulated.groups import Groups
from botcore.venues.simulated.working import Order

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_QUOTE = FeeMode.QUOTE
_BASE = FeeMode.BASE


class Settlement:
    """Moves money between free, locked and the market.

    An order locks what its fill could cost: a sell its base, a buy its cost at the limit, or at
    the trigger or the close raised by the price band (P13, E93). Orders of one group share one
    lock, the largest. A reduce-only order locks nothing: it sells what is free when it fills.
    """

    def __init__(self, *, config: VenueConfig, accounts: AccountBook, groups: Groups) -> None:
        self._accounts = accounts
        self._groups = groups
        self._taker = config.taker_fee_ppm
        self._maker = config.maker_fee_ppm
        self._mode = config.fee_mode
        self._third = config.fee_currency
        price = Fraction(config.fee_price or 1)
        self._third_num, self._third_den = price.as_integer_ratio()
        in_quote = self._mode is not FeeMode.BASE
        self._reserve_taker = max(0, self._taker) if in_quote else 0
        self._reserve_any = max(0, self._taker, self._maker) if in_quote else 0

    def prepare(self, order: Order) -> None:
        """Choose which purse the order locks, and the fee its lock allows for."""
        order.lock = order.quote if order.sign > 0 else order.base
        order.reserve_ppm = self._reserve_any if order.limit else self._reserve_taker

    def required(self, order: Order) -> int:
        """Return what the order must lock for the lots it still wants."""
        if order.spec.reduce_only:
            return 0
        scale = order.scale
        if order.sign < 0:
            return order.leaves * scale.lot_quanta
        return rules.cost(
            order.reserve_price, order.leaves, scale.num, scale.den, order.reserve_ppm
        )

    def lack(self, order: Order, needed: int) -> int:
        """Return how much more would be locked if the order locked `needed` (group-aware)."""
        if order.group is None:
            return needed - order.locked
        others = max(
            (
                mate.locked
                for mate in self._groups.of(order)
                if mate is not order and mate.lock is order.lock
            ),
            default=0,
        )
        return max(others, needed) - max(others, order.locked)

    def relock(self, order: Order, needed: int) -> None:
        """Make the order lock `needed`."""
        more = needed - order.locked if order.group is None else self.lack(order, needed)
        if more:
            order.lock.lock(more)
        order.locked, order.covered = needed, 0

    def affordable(self, order: Order, price: int, lots: int) -> int:
        """Return the lots, at most `lots`, that a buy's own lock and free cash pay for (P13)."""
        if price <= order.covered:
            return lots
        held = order.locked
        if order.group is not None:
            mates = self._groups.of(order)
            held = max(mate.locked for mate in mates if mate.lock is order.lock)
        cash = order.quote.free + held
        scale = order.scale
        return rules.cut_by_cash(lots, price, scale.num, scale.den, order.reserve_ppm, cash)

    def settle(self, order: Order, price: int, lots: int, is_maker: bool) -> tuple[int, int, Purse]:
        """Book one fill of an order outside any group; its lock shrinks to what it still wants.

        Returns:
            The notional (quote quanta), the fee, and the purse the fee came from.
        """
        scale, base, quote, side = order.scale, order.base, order.quote, order.sign
        value = rules.notional(price, lots, scale.num, scale.den, side)
        goods = lots * scale.lot_quanta
        locked = order.locked
        if locked:
            lock = order.lock
            lock.free += locked
            lock.locked -= locked
            order.locked = 0
        if side > 0:
            quote.free -= value
            base.free += goods
        else:
            base.free -= goods
            quote.free += value
        rate = self._maker if is_maker else self._taker
        if self._mode is _QUOTE:
            fee, purse = rules.fee(value, rate), quote
        else:
            fee, purse = self._fee(order, value, goods, rate)
        purse.free -= fee
        order.filled += lots
        order.leaves -= lots
        if order.leaves:
            # Fills round up one by one and may gap beyond the lock: the rest locks what is there.
            self.relock(order, min(self.required(order), order.lock.free))
        return value, fee, purse

    def _fee(self, order: Order, value: int, goods: int, rate: int) -> tuple[int, Purse]:
        if self._mode is _BASE:
            if order.sign < 0:
                return rules.fee(value, rate), order.quote
            return rules.fee(goods, rate), order.base
        fee = rules.fee(value, rate)
        assert self._third is not None
        purse = self._accounts.purse(order.spec.account, self._third)
        third = rules.exchanged_up(fee, self._third_num, self._third_den)
        return (third, purse) if third <= purse.free else (fee, order.quote)
