"""The rules of a bar: trigger, gap, touch, ambiguity, trailing, cap, fee, reserve and size.

Pure functions of integers and bools, standard library only, in the subset that numba compiles: the
simulated venue calls them and the fast simulator compiles the very same text, so that no rule is
written twice (P2). Prices are ticks, quantities lots, money quanta of 1e-8; a side is `BUY` (+1) or
`SELL` (-1); rates are parts per million. `num / den` is the exact value of one tick × one lot in
quanta (a tick × lot finer than 1e-8 has `den` > 1). Nothing here multiplies money by a rate without
splitting it first, so int64 suffices wherever `fits` says so (P1).
"""

PPM = 1_000_000
BUY = 1
SELL = -1
INT64_MAX = 9_223_372_036_854_775_807

STAYS = 0
AT_OPEN = 1
AT_OLD_STOP = 2
AT_NEW_STOP = 3
"""What `trail` says became of a trailing stop in one bar."""


# --- amounts


def share(amount: int, ppm: int) -> int:
    """Return ``floor(amount × ppm / 10⁶)`` without ever forming the product (P1)."""
    return amount // PPM * ppm + amount % PPM * ppm // PPM


def share_up(amount: int, ppm: int) -> int:
    """Return ``ceil(amount × ppm / 10⁶)`` without ever forming the product."""
    return amount // PPM * ppm - (-(amount % PPM * ppm) // PPM)


def fits(price: int, lots: int, num: int, den: int, equity: int) -> bool:
    """Whether a run up to these maxima stays inside int64; asked once before it, in Python (P1)."""
    return price * lots * num <= INT64_MAX and 2 * equity * den <= INT64_MAX


def notional(price: int, lots: int, num: int, den: int, side: int) -> int:
    """Return price × quantity in quanta, rounded against us: a buy up, a sell down (P5)."""
    value = price * lots * num
    if side > 0:
        return -(-value // den)
    return value // den


def fee(amount: int, rate_ppm: int) -> int:
    """Return the fee on one fill: what we pay rounds up, a rebate (negative) rounds down (P4)."""
    return share_up(amount, rate_ppm)


def exchanged_up(amount: int, num: int, den: int) -> int:
    """Return `amount` in a currency worth ``num / den`` of its own, rounded up (E75)."""
    return -(-amount * den // num)


def cost(price: int, lots: int, num: int, den: int, rate_ppm: int) -> int:
    """Return what a buy takes from free cash: notional and fee; a rebate comes later."""
    value = notional(price, lots, num, den, BUY)
    charged = fee(value, rate_ppm)
    return value + charged if charged > 0 else value


# --- sizes


def size(equity: int, weight_ppm: int, price: int, num: int, den: int) -> int:
    """Return the lots that a share of `equity` buys at `price`, rounded down (P3, P13)."""
    return share(equity, weight_ppm) * den // (price * num)


def banded(price: int, band_ppm: int) -> int:
    """Return the price a buy without a limit reserves at: raised by the price band (P13)."""
    return price + share_up(price, band_ppm)


def reserve(  # noqa: PLR0917  # a kernel takes plain positional integers
    close: int, lots: int, num: int, den: int, band_ppm: int, rate_ppm: int
) -> int:
    """Return what a market buy locks: its cost at the close raised by the price band (P13)."""
    return cost(banded(close, band_ppm), lots, num, den, rate_ppm)


def cut_by_cash(  # noqa: PLR0917  # a kernel takes plain positional integers
    lots: int, price: int, num: int, den: int, rate_ppm: int, cash: int
) -> int:
    """Return the lots, at most `lots`, whose cost `cash` pays for (P13)."""
    if cost(price, lots, num, den, rate_ppm) <= cash:
        return lots
    if cash <= 0:
        return 0
    whole = PPM + max(0, rate_ppm)
    before_fee = cash // whole * PPM + cash % whole * PPM // whole
    paid = min(lots, before_fee * den // (price * num))
    while paid > 0 and cost(price, paid, num, den, rate_ppm) > cash:
        paid -= 1
    return paid


def volume_cap(volume: int, participation_ppm: int) -> int:
    """Return the most lots all our fills of one bar may take from its volume (E15)."""
    return share(volume, participation_ppm)


def slipped(price: int, side: int, slippage_ppm: int) -> int:
    """Return a market price worse by the slippage, to the next tick against us (P6).

    Never applied to a limit (E9), and not held inside the bar's range: pessimistic. A sell never
    slips below one tick.
    """
    if side > 0:
        return price + share_up(price, slippage_ppm)
    worse = price - share_up(price, slippage_ppm)
    return worse if worse > 1 else 1


# --- triggers, gaps and touches


def stop_is_through(side: int, trigger: int, price: int) -> bool:
    """Whether a stop fires at `price`: a touch is enough."""
    if side > 0:
        return price >= trigger
    return price <= trigger


def stop_is_hit(side: int, trigger: int, high: int, low: int) -> bool:
    """Whether a bar's range fires a stop (E5)."""
    if side > 0:
        return high >= trigger
    return low <= trigger


def stop_price(side: int, trigger: int, first: int) -> int:
    """Return where a stop that fires trades: its trigger, or a `first` price beyond (E3, E4, E6).

    `first` is the open, or on the entry bar the entry's price: no price between the previous close
    and the open was ever traded.
    """
    if side > 0:
        return max(trigger, first)
    return min(trigger, first)


def limit_is_through(side: int, limit: int, price: int) -> bool:
    """Whether the market at `price` is beyond a limit; a touch is not enough (E8)."""
    if side > 0:
        return price < limit
    return price > limit


def limit_is_crossed(side: int, limit: int, high: int, low: int) -> bool:
    """Whether a bar trades through a limit; a touch is not enough (E8)."""
    if side > 0:
        return low < limit
    return high > limit


def limit_price(side: int, limit: int, first: int, gap_improves: bool) -> int:
    """Return where a limit that is through trades: at itself, never beyond it (E7, E9).

    With `gap_improves` (a session market's auction) a better `first` price counts.
    """
    if not gap_improves:
        return limit
    if side > 0:
        return min(limit, first)
    return max(limit, first)


# --- the path inside a bar


def leg(side: int, is_stop: bool, is_optimistic: bool) -> int:
    """Return on which leg of the bar's path an order lies, 0 before 1 (E1, P11).

    The pessimistic path of a long is O → low → high → C: sell stops and buy limits lie on the way
    down, buy stops and sell limits on the way up. The optimistic one goes up first.
    """
    goes_down = is_stop == (side < 0)
    if goes_down != is_optimistic:
        return 0
    return 1


def place(price: int, side: int, is_stop: bool) -> int:
    """Return where on its leg an order lies: smaller is reached earlier (P11)."""
    if is_stop == (side < 0):
        return -price
    return price


def trail(  # noqa: PLR0917  # a kernel takes plain positional integers
    side: int, stop: int, distance: int, open_: int, high: int, low: int
) -> tuple[int, int, int]:
    """Carry a trailing stop through one bar (E14): the old stop first, then the moved one.

    Returns:
        What became of it (`STAYS`, `AT_OPEN`, `AT_OLD_STOP`, or `AT_NEW_STOP`, which is
        ambiguous), at which price, and the stop from now on.
    """
    if stop_is_through(side, stop, open_):
        return AT_OPEN, open_, stop
    if stop_is_hit(side, stop, high, low):
        return AT_OLD_STOP, stop, stop
    moved = max(stop, high - distance)
    if side > 0:
        moved = min(stop, low + distance)
    if stop_is_hit(side, moved, high, low):
        return AT_NEW_STOP, moved, moved
    return STAYS, 0, moved


# --- the entry bar


def target_is_reached_after_entry(side: int, limit: int, close: int) -> bool:
    """Whether an exit limit fills on its entry's bar: only if the close is beyond (E2b, P10)."""
    return limit_is_through(side, limit, close)


def stop_after_entry_is_certain(side: int, trigger: int, close: int, entry_is_stop: bool) -> bool:
    """Whether a stop that the entry bar's range fires surely fired after the entry (E2, P10).

    A limit entry fills on the way to the bar's extreme, which therefore came later; after a stop
    entry only the close proves it. It fires either way; the uncertain one is ambiguous.
    """
    return not entry_is_stop or stop_is_through(side, trigger, close)


def is_ambiguous(stop_is_reached: bool, target_is_reached: bool) -> bool:
    """Whether one bar reaches both of two exits of which only one can happen (E1)."""
    return stop_is_reached and target_is_reached


# --- the end of an order's life


def lives_inside(is_stop: bool, expires_at: int, ts_open: int, ts_close: int) -> bool:
    """Whether an order that ends at `expires_at` still trades inside a bar, after its open (E53).

    Its end is matched first. Where it falls inside the bar, a stop is held to have been reached
    before it and a limit not: both against us.
    """
    if expires_at >= ts_close:
        return True
    return is_stop and expires_at > ts_open
