"""The venue's own truth: accounts, orders, fills and progress, and its way to and from a store."""

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from botcore.domain.errors import ConfigError, StorageError
from botcore.domain.ids import AccountId, ClientOrderId, Currency, InstrumentId
from botcore.domain.instruments import InstrumentBook
from botcore.domain.market import Bar, BarOrigin, BarSpec, PriceSource
from botcore.domain.numbers import ZERO
from botcore.venues.simulated.accounts import AccountBook, Purse
from botcore.venues.simulated.groups import Groups
from botcore.venues.simulated.instrument_orders import InstrumentOrders
from botcore.venues.simulated.ports import VenueStore
from botcore.venues.simulated.records import (
    DepositRecord,
    FillRecord,
    ProgressRecord,
    VenueRecords,
    damaged,
)
from botcore.venues.simulated.scales import Scale, amount, quanta
from botcore.venues.simulated.settlement import Settlement
from botcore.venues.simulated.working import GroupKey, Order

_MATCHED = (PriceSource.TRADE, PriceSource.MID)


class Truth:
    """Everything the venue knows. Its room changes it in place and calls `save` before it speaks.

    Attributes:
        orders: by client id, refused ones too: an id is used once, for ever.
        numbered: the same orders in order of arrival.
        fills: how many there were.
        books: the instruments that ever had an order.
        working: how many orders can still trade.
        last: the reference bar of each instrument: the last one of its smallest timeframe.
    """

    def __init__(self, *, instruments: InstrumentBook, store: VenueStore | None) -> None:
        self.instruments = instruments
        self.accounts = AccountBook()
        self.orders: dict[ClientOrderId, Order] = {}
        self.numbered: list[Order] = []
        self.fills = 0
        self.books: dict[InstrumentId, InstrumentOrders] = {}
        self.groups = Groups()
        self.working = 0
        self.last: dict[InstrumentId, Bar] = {}
        self.is_durable = store is not None
        self._store = store
        self._matching: dict[InstrumentId, BarSpec] = {}
        self._scales: dict[tuple[InstrumentId, int], Scale] = {}
        self._deposits: list[DepositRecord] = []
        self._failure: StorageError | None = None
        self._touched: dict[int, Order] = {}
        self._new_fills: list[FillRecord] = []

    # --- bars

    def remember(self, bars: Iterable[Bar]) -> None:
        """Take bars as the reference prices of their instruments, unless a finer one is known."""
        last = self.last
        for bar in bars:
            instrument, spec = bar.instrument, bar.spec
            seen = last.get(instrument)
            if seen is None or spec is not seen.spec:
                if spec.source not in _MATCHED:
                    continue
                self.matches(bar)
                if seen is not None and spec.step_ns > seen.spec.step_ns:
                    continue
            last[instrument] = bar

    def matches(self, bar: Bar) -> bool:
        """Whether a bar matches orders: the venue's own, of its smallest timeframe (E18)."""
        spec = bar.spec
        known = self._matching.get(bar.instrument)
        if known is spec or (known is not None and known == spec):
            return True
        if spec.origin is not BarOrigin.VENUE or spec.source not in _MATCHED:
            return False
        if known is not None and spec.step_ns >= known.step_ns:
            return False
        self._matching[bar.instrument] = spec
        return True

    # --- instruments

    def scale(self, instrument: InstrumentId, ts: int) -> Scale:
        """Return the scale of the version in force at `ts`.

        Raises:
            ConfigError: none is in force, or its lot is finer than a quantum.
        """
        version = self.instruments.at(instrument, ts)
        key = (instrument, version.version)
        scale = self._scales.get(key)
        if scale is None or scale.instrument is not version:
            scale = self._scales[key] = Scale(version)
        return scale

    def purses(self, book: InstrumentOrders, account: AccountId) -> tuple[Purse, Purse]:
        """Return the account's base and quote purse for an instrument."""
        pair = book.purses.get(account)
        if pair is None:
            rules = book.scale.instrument
            pair = book.purses[account] = (
                self.accounts.purse(account, rules.base),
                self.accounts.purse(account, rules.quote),
            )
        return pair

    # --- changes

    def deposit(self, account: AccountId, currency: Currency, value: int) -> None:
        """Add money from outside, quanta, durably."""
        record = DepositRecord(len(self._deposits) + 1, account, currency, amount(value))
        self.check()
        self._deposits.append(record)
        self.accounts.purse(account, currency).free += value
        if self._store is not None:
            self._commit(
                replace(
                    self._counts(),
                    deposits=(record,),
                    balances=self.accounts.records((account,)),
                )
            )

    def deposits(self) -> dict[tuple[AccountId, Currency], int]:
        """Return all that ever came from outside, in quanta."""
        total: dict[tuple[AccountId, Currency], int] = {}
        for row in self._deposits:
            key = (row.account, row.currency)
            total[key] = total.get(key, 0) + quanta(row.amount)
        return total

    def touch(self, order: Order) -> None:
        """Note that an order changed since the last `save`."""
        self._touched[order.number] = order

    def note_fill(self, order: Order) -> None:
        """Note that an order's last fill is new."""
        self._new_fills.append(order.fill_record(self.fills, order.fills[-1]))

    def save(self) -> None:
        """Make every noted change durable, in one transaction.

        Raises:
            StorageError: it was not; from then on every call raises it, because memory and store
                may differ.
        """
        if not self._touched:
            return
        touched = [self._touched[number] for number in sorted(self._touched)]
        change = replace(
            self._counts(),
            balances=self.accounts.records({order.spec.account for order in touched}),
            orders=tuple(order.record() for order in touched),
            fills=tuple(self._new_fills),
            progress=self._progress({order.spec.instrument for order in touched}),
        )
        self._commit(change)
        self._touched.clear()
        self._new_fills.clear()

    def save_progress(self, instruments: Iterable[InstrumentId]) -> None:
        """Make durable how far bars were matched, where orders wait for the next one.

        Raises:
            StorageError: as `save`.
        """
        self._commit(replace(self._counts(), progress=self._progress(instruments)))

    def check(self) -> None:
        """Refuse to go on once a commit failed.

        Raises:
            StorageError: the one of that commit.
        """
        if self._failure is not None:
            raise self._failure

    def _commit(self, change: VenueRecords) -> None:
        assert self._store is not None
        try:
            self._store.commit(change)
        except StorageError as error:
            self._failure = error
            raise

    # --- as records

    def records(self) -> VenueRecords:
        """Return the whole truth; equal truth gives equal records."""
        return replace(
            self._counts(),
            deposits=tuple(self._deposits),
            balances=tuple(
                record
                for record in self.accounts.records(self.accounts.accounts())
                if record.free or record.locked
            ),
            orders=tuple(order.record() for order in self.numbered),
            fills=tuple(
                sorted(
                    (
                        order.fill_record(fill_number(report.fill.trade_id), report)
                        for order in self.numbered
                        for report in order.fills
                        if report.fill is not None
                    ),
                    key=lambda record: record.number,
                )
            ),
            progress=self._progress(self.last.keys() | self.books.keys()),
        )

    def _counts(self) -> VenueRecords:
        return VenueRecords(
            orders_seen=len(self.numbered),
            fills_seen=self.fills,
            deposits_seen=len(self._deposits),
        )

    def _progress(self, instruments: Iterable[InstrumentId]) -> tuple[ProgressRecord, ...]:
        rows = []
        for instrument in sorted(instruments):
            book = self.books.get(instrument)
            rows.append(
                ProgressRecord(
                    instrument=instrument,
                    last=self.last.get(instrument),
                    matching=self._matching.get(instrument),
                    bar_open=-1 if book is None else book.bar_open,
                    used=0 if book is None else book.used,
                    opened=-1 if book is None else book.opened,
                )
            )
        return tuple(rows)

    # --- from records

    def load(self, records: VenueRecords, settlement: Settlement) -> None:
        """Take over `records`; only on a truth that knows nothing yet.

        Raises:
            StorageError: they contradict themselves, or name an instrument without rules.
        """
        self._deposits = list(records.deposits)
        self.accounts.load(records.balances)
        for row in records.progress:
            if row.last is not None:
                self.last[row.instrument] = row.last
            if row.matching is not None:
                self._matching[row.instrument] = row.matching
        for record in records.orders:
            order = Order.read(record)
            self.numbered.append(order)
            self.orders[record.spec.client_order_id] = order
        self._load_fills(records)
        for order in self.numbered:
            if not order.state.is_terminal:
                self._resume(order, settlement)
        for row in records.progress:
            book = self.books.get(row.instrument)
            if book is None and row.bar_open < 0 and row.opened < 0:
                continue
            try:
                book = book or self.book(row.instrument, row.last.ts_close if row.last else 0)
            except ConfigError:
                continue  # no longer configured, and nothing of it is working
            book.bar_open, book.used, book.opened = row.bar_open, row.used, row.opened
        self._verify(records)

    def book(self, instrument: InstrumentId, ts: int) -> InstrumentOrders:
        """Return the instrument's orders, new if it never had one.

        Raises:
            ConfigError: the instrument has no rules in force at `ts`.
        """
        book = self.books.get(instrument)
        if book is None:
            book = self.books[instrument] = InstrumentOrders(instrument, self.scale(instrument, ts))
        return book

    def _load_fills(self, records: VenueRecords) -> None:
        for number, row in enumerate(records.fills, start=1):
            if row.number != number or not 0 < row.order <= len(self.numbered):
                raise damaged(f"fill {number} is missing or belongs to no order")
            order = self.numbered[row.order - 1]
            order.base = self.accounts.purse(order.spec.account, row.base)
            order.quote = self.accounts.purse(order.spec.account, row.quote)
            order.fills += (row.report,)
        self.fills = len(records.fills)

    def _resume(self, order: Order, settlement: Settlement) -> None:
        record, spec = order.final, order.spec
        assert record is not None
        last = self.last.get(spec.instrument)
        try:
            book = self.book(spec.instrument, max(order.ts, last.ts_close - 1 if last else 0))
        except ConfigError as error:
            raise damaged(f"order {order.number}: {error.cause}") from error
        order.base, order.quote = self.purses(book, spec.account)
        if not order.rescale(book.scale, record):
            raise damaged(f"order {order.number} does not fit the rules of {spec.instrument}")
        order.final = None
        settlement.prepare(order)
        if spec.oco_group:
            self.groups.join(order)
        book.add(order)
        self.working += 1

    def _verify(self, records: VenueRecords) -> None:
        counts = (len(self.numbered), self.fills, len(self._deposits))
        if counts != (records.orders_seen, records.fills_seen, records.deposits_seen):
            raise damaged("orders, fills or deposits are missing")
        if [order.number for order in self.numbered] != list(range(1, len(self.numbered) + 1)):
            raise damaged("an order is missing")
        expected: dict[tuple[AccountId, Currency], Decimal] = defaultdict(lambda: ZERO)
        for deposit in self._deposits:
            expected[deposit.account, deposit.currency] += deposit.amount
        for order in self.numbered:
            self._verify_fills(order, expected)
        held = {
            (row.account, row.currency): row.free + row.locked
            for row in records.balances
            if row.free or row.locked
        }
        if held != {key: value for key, value in expected.items() if value}:
            raise damaged("balances are not what deposits and fills add up to")
        self._verify_locks(records)

    def _verify_fills(
        self, order: Order, expected: dict[tuple[AccountId, Currency], Decimal]
    ) -> None:
        account, filled = order.spec.account, ZERO
        for report in order.fills:
            fill = report.fill
            assert fill is not None
            filled += fill.quantity
            expected[account, order.base.currency] += order.sign * fill.quantity
            expected[account, order.quote.currency] -= order.sign * fill.quote_amount
            expected[account, fill.fee_currency] -= fill.fee
        if filled != order.cumulative():
            raise damaged(f"order {order.number} counts {order.cumulative()}, its fills {filled}")

    def _verify_locks(self, records: VenueRecords) -> None:
        locks: dict[tuple[AccountId, Currency], int] = defaultdict(int)
        counted: set[GroupKey] = set()
        for order in self.numbered:
            if order.state.is_terminal or order.group in counted:
                continue
            mates = self.groups.of(order)
            if order.group is not None:
                counted.add(order.group)
            for purse in {id(mate.lock): mate.lock for mate in mates}.values():
                locks[purse.account, purse.currency] += max(
                    mate.locked for mate in mates if mate.lock is purse
                )
        held = {(r.account, r.currency): amount(0) + r.locked for r in records.balances if r.locked}
        if held != {key: amount(value) for key, value in locks.items() if value}:
            raise damaged("locked balances are not what working orders lock")


def fill_number(trade_id: str) -> int:
    """Return the number in a trade id of this venue."""
    return int(trade_id[1:])
