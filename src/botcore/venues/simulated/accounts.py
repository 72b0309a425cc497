"""The venue's account book: what each account holds, free and locked, in quanta of 1e-8."""

from collections.abc import Iterable

import msgspec

from botcore.domain.errors import InvariantBroken
from botcore.domain.ids import AccountId, Currency
from botcore.venues.simulated.records import BalanceRecord
from botcore.venues.simulated.scales import amount, quanta


class Balance(msgspec.Struct, frozen=True, gc=False):
    """What an account holds of one currency, in quanta of 1e-8."""

    free: int
    locked: int

    @property
    def total(self) -> int:
        """Free and locked."""
        return self.free + self.locked


class Purse:
    """One account's holding of one currency, in quanta; changed in place."""

    __slots__ = ("account", "currency", "free", "locked")

    def __init__(self, account: AccountId, currency: Currency) -> None:
        self.account = account
        self.currency = currency
        self.free = 0
        self.locked = 0

    def lock(self, more: int) -> None:
        """Move `more` quanta from free to locked; negative moves back.

        Raises:
            InvariantBroken: either side would become negative.
        """
        self.free -= more
        self.locked += more
        if self.free < 0 or self.locked < 0:
            raise InvariantBroken(
                code="VENUE_BALANCE_NEGATIVE",
                cause=f"{self.account} would hold {self.free} free and {self.locked} locked"
                f" quanta of {self.currency}",
                fix="report this as a bug; the simulated venue stops",
            )


class AccountBook:
    """All purses of the venue."""

    def __init__(self) -> None:
        self._purses: dict[AccountId, dict[Currency, Purse]] = {}

    def purse(self, account: AccountId, currency: Currency) -> Purse:
        """Return the purse, empty if it is new."""
        of_account = self._purses.setdefault(account, {})
        purse = of_account.get(currency)
        if purse is None:
            purse = of_account[currency] = Purse(account, currency)
        return purse

    def balances(self, account: AccountId) -> dict[Currency, Balance]:
        """Return what an account holds, sorted by currency; empty purses are left out."""
        return {
            currency: Balance(purse.free, purse.locked)
            for currency, purse in sorted(self._purses.get(account, {}).items())
            if purse.free or purse.locked
        }

    def accounts(self) -> tuple[AccountId, ...]:
        """Return the accounts that ever held something, sorted."""
        return tuple(sorted(self._purses))

    def records(self, accounts: Iterable[AccountId]) -> tuple[BalanceRecord, ...]:
        """Return every purse of `accounts` as a record, sorted; empty ones too."""
        return tuple(
            BalanceRecord(account, currency, amount(purse.free), amount(purse.locked))
            for account in sorted(accounts)
            for currency, purse in sorted(self._purses.get(account, {}).items())
        )

    def load(self, records: Iterable[BalanceRecord]) -> None:
        """Take over what `records` wrote."""
        for record in records:
            purse = self.purse(record.account, record.currency)
            purse.free, purse.locked = quanta(record.free), quanta(record.locked)
