"""Holdings: what one account holds over all its strategies, kept fill by fill."""

from decimal import Decimal

from botcore.domain.ids import AccountId, Currency, InstrumentId
from botcore.domain.numbers import EXACT, ZERO
from botcore.portfolio.ledger import Ledger, assets_path

_add = EXACT.add
_subtract = EXACT.subtract


class Holdings:
    """The account's net view. Strategies are never crossed: only this view nets them.

    Attributes:
        revision: counts every change; who caches something derived from this compares it.
        net: sum of the strategies' positions for each instrument ever traded, without dust.
        dust: sum of the strategies' dust for each instrument that ever had some.
        pairs: (base, quote) for each instrument ever traded.
    """

    __slots__ = ("_assets", "_floats", "_ledger", "account", "dust", "net", "pairs", "revision")

    def __init__(self, account: AccountId, ledger: Ledger) -> None:
        self._ledger = ledger
        self._assets = assets_path(account)
        self._floats: dict[Currency, tuple[Decimal, float]] = {}
        self.account = account
        self.revision = 0
        self.net: dict[InstrumentId, Decimal] = {}
        self.dust: dict[InstrumentId, Decimal] = {}
        self.pairs: dict[InstrumentId, tuple[Currency, Currency]] = {}

    def balance(self, currency: Currency) -> Decimal:
        """Return what the account holds of a currency; what open orders lock is included (E93)."""
        return self._ledger.balance(self._assets, currency)

    def balance_float(self, currency: Currency) -> float:
        """Return the float mirror of `balance`, converted once for each change."""
        exact = self._ledger.balance(self._assets, currency)
        mirror = self._floats.get(currency)
        if mirror is None or mirror[0] is not exact:
            mirror = self._floats[currency] = (exact, float(exact))
        return mirror[1]

    def overdrawn(self) -> tuple[Currency, ...]:
        """Return the currencies of which the account holds less than nothing, sorted.

        A fill is booked as the venue reports it, also one that a cash account could not pay
        (E92); an account without margin has something to explain when this is not empty.
        """
        balances = self._ledger.at(self._assets)
        return tuple(sorted(currency for currency, amount in balances.items() if amount < ZERO))

    def held(self) -> list[tuple[InstrumentId, Decimal]]:
        """Return what is held, dust included: instrument and net base units, sorted, no zeros."""
        net, dust = self.net, self.dust
        if dust:
            net = {i: _add(net.get(i, ZERO), dust.get(i, ZERO)) for i in {*net, *dust}}
        found = [each for each in net.items() if each[1]]
        found.sort()
        return found

    def unassigned(self) -> list[tuple[Currency, Decimal]]:
        """Return what belongs to no position, cash first of all, sorted by currency, no zeros.

        A currency that positions hold as their base counts only for what is beyond them: a
        deposit, what third-currency fees left of one, the quote leg of a pair such as ETHBTC.
        """
        left = dict(self._ledger.at(self._assets))
        for instrument, quantity in self.net.items():
            if quantity:
                base = self.pairs[instrument][0]
                left[base] = _subtract(left.get(base, ZERO), quantity)
        found = [each for each in left.items() if each[1]]
        found.sort()
        return found

    def clear(self) -> None:
        """Hold nothing, before a state is restored."""
        self.revision += 1
        self.net.clear()
        self.dust.clear()
        self.pairs.clear()
