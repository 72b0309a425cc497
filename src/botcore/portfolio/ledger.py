"""The ledger: double entry, exact, by place and currency.

Five kinds of place, all of one account:

- ``assets:<account>``: what the account holds at its venue;
- ``trading:<account>:<strategy>:<instrument>``: what a strategy gave and got by its fills;
- ``fees:<account>:<strategy>:<instrument>``: what its fills cost (rebates are negative);
- ``dust:<account>:<strategy>:<instrument>``: remainders too small to sell. The base amount is still
  held at the venue; the quote amount is what it cost;
- ``external:<account>``: the world the money came from.

Each transaction adds up to zero per currency, so all balances do (invariant I2).
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, DecimalException

from botcore.domain.errors import InvariantBroken
from botcore.domain.events import LedgerPosted
from botcore.domain.ids import AccountId, Currency, InstrumentId, StrategyId
from botcore.domain.numbers import EXACT, ZERO
from botcore.portfolio.amounts import canonical, plain

_add = EXACT.add


def assets_path(account: AccountId) -> str:
    """Name the place of what `account` holds."""
    return f"assets:{account}"


def external_path(account: AccountId) -> str:
    """Name the place deposits come from and withdrawals go to."""
    return f"external:{account}"


def trading_path(account: AccountId, strategy: StrategyId, instrument: InstrumentId) -> str:
    """Name the place of what a strategy traded on an instrument."""
    return f"trading:{account}:{strategy}:{instrument}"


def fees_path(account: AccountId, strategy: StrategyId, instrument: InstrumentId) -> str:
    """Name the place of what a strategy's fills on an instrument cost."""
    return f"fees:{account}:{strategy}:{instrument}"


def dust_path(account: AccountId, strategy: StrategyId, instrument: InstrumentId) -> str:
    """Name the place of a strategy's unsellable remainder on an instrument."""
    return f"dust:{account}:{strategy}:{instrument}"


class Ledger:
    """All balances, as the fold of every `LedgerPosted`."""

    def __init__(self) -> None:
        self._balances: dict[str, dict[Currency, Decimal]] = {}

    def fold(self, posted: LedgerPosted) -> None:
        """Book one transaction, whole or not at all.

        Raises:
            InvariantBroken: ``LEDGER_UNBALANCED``: the postings of a currency do not add up to
                zero, or an amount is not finite, or a sum needs more than 38 digits.
        """
        balances = self._balances
        sums: dict[Currency, Decimal] = {}
        undo: list[tuple[dict[Currency, Decimal], Currency, Decimal]] = []
        try:
            for posting in posted.postings:
                currency, amount = posting.currency, posting.amount
                try:
                    place = balances[posting.ledger]
                except KeyError:
                    place = balances[posting.ledger] = {}
                before = place.get(currency, ZERO)
                place[currency] = _add(before, amount)
                undo.append((place, currency, before))
                sums[currency] = _add(sums.get(currency, ZERO), amount)
            if not sums:
                raise _unbalanced(posted, "has no postings")
            if any(sums.values()):
                raise _unbalanced(posted, f"adds up to {_words(sums)}, not 0")
        except DecimalException as error:
            _roll_back(undo)
            raise _unbalanced(posted, f"is not exact ({type(error).__name__})") from error
        except InvariantBroken:
            _roll_back(undo)
            raise

    def balance(self, ledger: str, currency: Currency) -> Decimal:
        """Return one balance; a place that was never posted to holds 0."""
        place = self._balances.get(ledger)
        return ZERO if place is None else place.get(currency, ZERO)

    def at(self, ledger: str) -> Mapping[Currency, Decimal]:
        """Return the balances of one place by currency (live, not to be changed)."""
        return self._balances.get(ledger, {})

    def balances(self) -> tuple[tuple[str, Currency, Decimal], ...]:
        """Return every balance that is not zero, sorted by place and currency."""
        return tuple(
            (ledger, currency, amount)
            for ledger, place in sorted(self._balances.items())
            for currency, amount in sorted(place.items())
            if amount
        )

    def total_by_currency(self) -> dict[Currency, Decimal]:
        """Return the sum of all balances for each currency seen, sorted: zeros, by I2."""
        totals: dict[Currency, Decimal] = {}
        for place in self._balances.values():
            for currency, amount in place.items():
                totals[currency] = _add(totals.get(currency, ZERO), amount)
        return dict(sorted(totals.items()))

    def verify(self) -> None:
        """Check I2.

        Raises:
            InvariantBroken: ``LEDGER_UNBALANCED``: some currency does not add up to zero.
        """
        totals = self.total_by_currency()
        if any(totals.values()):
            raise InvariantBroken(
                code="LEDGER_UNBALANCED",
                cause=f"all balances together hold {_words(totals)}, not 0",
                fix="restore the last good backup; run `botcore doctor` to see which entry differs",
            )

    def state(self) -> bytes:
        """Return the canonical bytes: one sorted line a balance that is not zero."""
        return "".join(
            f"{ledger} {currency} {plain(amount)}\n" for ledger, currency, amount in self.balances()
        ).encode()

    def restore(self, balances: Iterable[tuple[str, Currency, Decimal]]) -> None:
        """Hold these balances and no others."""
        self._balances = {}
        for ledger, currency, amount in balances:
            self._balances.setdefault(ledger, {})[currency] = canonical(amount)


def _roll_back(undo: list[tuple[dict[Currency, Decimal], Currency, Decimal]]) -> None:
    for place, currency, before in reversed(undo):
        place[currency] = before


def _words(sums: Mapping[Currency, Decimal]) -> str:
    return ", ".join(f"{plain(amount)} {currency}" for currency, amount in sums.items() if amount)


def _unbalanced(posted: LedgerPosted, why: str) -> InvariantBroken:
    return InvariantBroken(
        code="LEDGER_UNBALANCED",
        cause=f"the {posted.cause} {posted.reference} of {posted.account} {why}",
        fix="nothing of it was booked; run `botcore doctor` to compare the store with its journal",
    )
