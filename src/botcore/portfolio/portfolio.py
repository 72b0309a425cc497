"""The portfolio: fills into balanced postings and positions; facts into state.

Every change is the fold of a fact, live and at restore alike. `book_fill` makes the facts of a fill
from the venue's own figures (nothing is recomputed) and folds them.
"""

from collections.abc import Mapping
from decimal import Decimal, DecimalException
from types import MappingProxyType

from botcore.domain.commands import Deposit
from botcore.domain.errors import InvariantBroken
from botcore.domain.events import LedgerPosted, OrderFilled, PositionChanged
from botcore.domain.ids import AccountId, ContractKind, Currency, InstrumentId, Nanos, StrategyId
from botcore.domain.instruments import Instrument
from botcore.domain.numbers import EXACT, MONEY, ZERO
from botcore.portfolio.amounts import canonical, plain
from botcore.portfolio.booking import deposit_posted, dust_postings, fill_postings
from botcore.portfolio.holdings import Holdings
from botcore.portfolio.ledger import Ledger
from botcore.portfolio.lines import Line
from botcore.portfolio.positions import Position, trade
from botcore.portfolio.snapshots import read_state, write_state
from botcore.portfolio.verification import verify_holdings, verify_line, verify_places

_add = EXACT.add
_subtract = EXACT.subtract
_SPOT = ContractKind.SPOT
_NOTHING_HELD: Mapping[InstrumentId, Position] = MappingProxyType({})


class Portfolio:
    """Ledger and positions of every account.

    A line is one strategy on one instrument. Its postings and its position say the same in two
    ways, and `verify` compares them:

    - quantity = −(trading + fees + dust) in base;
    - cost + fees − realised = trading + fees in quote.
    """

    def __init__(self) -> None:
        self._ledger = Ledger()
        self._lines: dict[tuple[AccountId, StrategyId, InstrumentId], Line] = {}
        self._by_trading: dict[str, Line] = {}
        self._of: dict[tuple[AccountId, StrategyId], dict[InstrumentId, Position]] = {}
        self._holdings: dict[AccountId, Holdings] = {}

    @property
    def ledger(self) -> Ledger:
        """The double-entry ledger, to be read."""
        return self._ledger

    def book_fill(
        self, filled: OrderFilled, instrument: Instrument
    ) -> tuple[LedgerPosted, PositionChanged]:
        """Make the facts of one fill, fold them, return them in the order they are journaled.

        Dust of the line is merged back first (E78).

        Args:
            filled: a fill that was not booked before (I10 is execution's to keep).
            instrument: its rules.

        Raises:
            InvariantBroken: the fill cannot be booked exactly and nothing was changed:
                ``FILL_NOT_BOOKABLE``, ``LEDGER_UNBALANCED``.
        """
        account, strategy, fill = filled.account, filled.strategy, filled.fill
        line = self._line(account, strategy, filled.instrument)
        if instrument.id != filled.instrument or instrument.kind is not _SPOT:
            raise _not_bookable(filled, f"it has no booking rules as {instrument.id}")
        position = line.position
        quantity, cost, realised, fees = (
            position.quantity,
            position.cost,
            position.realised,
            position.fees,
        )
        try:
            if not fill.quantity > ZERO or fill.quote_amount < ZERO:
                raise _not_bookable(filled, "a fill has a quantity above 0 and an amount")
            postings, bought, paid, fee_value = fill_postings(
                line, instrument.base, instrument.quote, filled.side, fill
            )
            if position.dust or position.dust_cost:
                dust, dust_cost = position.dust, position.dust_cost
                postings += dust_postings(line, dust.copy_negate(), dust_cost.copy_negate())
                quantity, cost = _add(quantity, dust), _add(cost, dust_cost)
            quantity, cost, earned = trade(quantity, cost, bought, paid)
            if earned:
                realised = canonical(_add(realised, earned))
            if fee_value:
                fees = canonical(_add(fees, fee_value))
            quantity, cost = canonical(quantity), canonical(cost)
        except DecimalException as error:
            raise _not_bookable(filled, f"its figures are not exact ({error!r})") from error
        reference = f"{filled.client_order_id}/{fill.trade_id}"
        posted = LedgerPosted(account, fill.ts_event, "fill", reference, tuple(postings))
        changed = PositionChanged(
            account, strategy, filled.instrument, quantity, cost, realised, fees, fill.ts_event
        )
        self._fold_posted(posted)
        self._fold_changed(changed, line)
        return posted, changed

    def book_deposit(self, deposit: Deposit, ts: Nanos) -> LedgerPosted:
        """Make the fact of money from (or, if negative, to) the outside, fold and return it.

        Raises:
            ConfigError: ``AMOUNT_REFUSED``: the amount is not a number other than zero, or is
                finer than 1e-8 or longer than 38 digits.
        """
        posted = deposit_posted(deposit, ts)
        self._fold_posted(posted)
        return posted

    def sweep_dust(
        self,
        account: AccountId,
        strategy: StrategyId,
        instrument: Instrument,
        *,
        price: Decimal,
        ts: Nanos,
    ) -> tuple[LedgerPosted, PositionChanged] | None:
        """Close a position too small to sell: the remainder and its cost become dust (E78).

        To be called when no order of the line works any more: a first partial fill is small too.
        The dust stays in the account's equity, and the line's next fill merges it.

        Args:
            account: whose.
            strategy: whose position.
            instrument: the rules in force.
            price: quote units a base unit, to compare with the minimum notional.
            ts: nanoseconds UTC.

        Returns:
            The facts, already folded; None when there is nothing, or enough to sell.
        """
        line = self._lines.get((account, strategy, instrument.id))
        if line is None or not line.position.quantity:
            return None
        position = line.position
        size = position.quantity.copy_abs()
        smallest = max(instrument.lot, instrument.min_quantity)
        if size >= smallest and MONEY.multiply(size, price) >= instrument.min_notional:
            return None
        reference = f"{strategy}/{instrument.id}"
        postings = tuple(dust_postings(line, position.quantity, position.cost))
        posted = LedgerPosted(account, ts, "dust", reference, postings)
        changed = PositionChanged(
            account, strategy, instrument.id, ZERO, ZERO, position.realised, position.fees, ts
        )
        self._fold_posted(posted)
        self._fold_changed(changed)
        return posted, changed

    def fold(self, fact: object) -> None:
        """Apply a fact of this room; every other fact is none of its business.

        Raises:
            InvariantBroken: ``LEDGER_UNBALANCED`` or ``POSITION_DISAGREES``; nothing of the fact
                was kept.
        """
        if type(fact) is LedgerPosted:
            self._fold_posted(fact)
        elif type(fact) is PositionChanged:
            self._fold_changed(fact)

    def position(
        self, account: AccountId, strategy: StrategyId, instrument: InstrumentId
    ) -> Position:
        """Return the live view of a position; it may be kept, and changes with each fill."""
        return self._line(account, strategy, instrument).position

    def positions_of(
        self, account: AccountId, strategy: StrategyId
    ) -> Mapping[InstrumentId, Position]:
        """Return the live views of what a strategy holds or has held."""
        return self._of.get((account, strategy), _NOTHING_HELD)

    def positions(self, account: AccountId) -> tuple[Position, ...]:
        """Return every position ever held, closed ones too, sorted by strategy and instrument."""
        return tuple(
            line.position
            for key, line in sorted(self._lines.items())
            if key[0] == account and line.base
        )

    def net(self, account: AccountId) -> Mapping[InstrumentId, Decimal]:
        """Return `net_position` of every instrument that was ever traded; to be read."""
        return self.holdings(account).net

    def net_position(self, account: AccountId, instrument: InstrumentId) -> Decimal:
        """Return the sum of all strategies' positions in base units, without dust."""
        return self.net(account).get(instrument, ZERO)

    def cash(self, account: AccountId, currency: Currency) -> Decimal:
        """Return what the account holds of a currency; what open orders lock is included (E93)."""
        return self.holdings(account).balance(currency)

    def cash_float(self, account: AccountId, currency: Currency) -> float:
        """Return the float mirror of `cash`."""
        return self.holdings(account).balance_float(currency)

    def holdings(self, account: AccountId) -> Holdings:
        """Return the live net view of an account."""
        found = self._holdings.get(account)
        if found is None:
            found = self._holdings[account] = Holdings(account, self._ledger)
        return found

    def verify(self) -> None:
        """Recompute positions and sums from the ledger's balances and compare (I2, I3).

        Start-up and `botcore doctor` call it.

        Raises:
            InvariantBroken: ``LEDGER_UNBALANCED``, or ``POSITION_DISAGREES`` naming the first
                line whose ledger and position say different things.
        """
        self._ledger.verify()
        lines = [line for _, line in sorted(self._lines.items())]
        for line in lines:
            verify_line(line, self._ledger)
        verify_places(self._ledger, {line.trading for line in lines if line.base})
        for account, holdings in sorted(self._holdings.items()):
            own = [line.position for line in lines if line.position.account == account]
            verify_holdings(holdings, own)

    def state(self) -> dict[str, str]:
        """Return the whole state as canonical strings under sorted keys."""
        return write_state(self._ledger, self._lines.values())

    def restore(self, state: Mapping[str, str]) -> None:
        """Become what `state` described; views handed out earlier stay current.

        Raises:
            InvariantBroken: ``PORTFOLIO_STATE_MALFORMED``; nothing was changed.
        """
        balances, changes = read_state(state)
        for line in self._lines.values():
            line.clear()
        for holdings in self._holdings.values():
            holdings.clear()
        self._ledger.restore(balances)
        for changed, (base, quote) in changes:
            line = self._line(changed.account, changed.strategy, changed.instrument)
            line.pair(base, quote)
            line.refresh_dust(self._ledger)
            self._fold_changed(changed)

    def _fold_posted(self, posted: LedgerPosted) -> None:
        self._ledger.fold(posted)
        holdings = self._holdings.get(posted.account) or self.holdings(posted.account)
        holdings.revision += 1
        cause = posted.cause
        if cause in ("fill", "dust"):
            line = self._line_of(posted)
            if cause == "dust" or line.position.dust or line.position.dust_cost:
                line.refresh_dust(self._ledger)

    def _fold_changed(self, changed: PositionChanged, line: Line | None = None) -> None:
        if line is None:
            line = self._line(changed.account, changed.strategy, changed.instrument)
        if not line.base:
            raise InvariantBroken(
                code="POSITION_DISAGREES",
                cause=f"a position of {plain(changed.quantity)} in {line.trading} has no postings",
                fix="run `botcore doctor` to compare the store with its journal",
            )
        position, holdings, instrument = line.position, line.holdings, changed.instrument
        net = holdings.net
        difference = _subtract(changed.quantity, position.quantity)
        net[instrument] = _add(net.get(instrument, ZERO), difference)
        holdings.revision += 1
        position.quantity = changed.quantity
        position.cost = changed.cost
        position.realised = changed.realised
        position.fees = changed.fees
        position.quantity_float = float(changed.quantity)

    def _line_of(self, posted: LedgerPosted) -> Line:
        """Find the line of a fill or of dust: their first posting is on its trading place."""
        first = posted.postings[0]
        line = self._by_trading.get(first.ledger)
        if line is None:
            _, account, strategy, instrument = first.ledger.split(":", 3)
            line = self._line(AccountId(account), StrategyId(strategy), InstrumentId(instrument))
        if not line.base:
            # A fill's first two postings are the base leg and the quote leg.
            line.pair(first.currency, posted.postings[1].currency)
        return line

    def _line(self, account: AccountId, strategy: StrategyId, instrument: InstrumentId) -> Line:
        key = (account, strategy, instrument)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = Line(Position(*key), self.holdings(account))
            self._by_trading[line.trading] = line
            self._of.setdefault((account, strategy), {})[instrument] = line.position
        return line


def _not_bookable(filled: OrderFilled, why: str) -> InvariantBroken:
    return InvariantBroken(
        code="FILL_NOT_BOOKABLE",
        cause=f"fill {filled.fill.trade_id} of {filled.client_order_id} was not booked: {why}",
        fix="compare the venue's report with the order; reconcile before trading goes on",
    )
