"""The simulated venue: takes orders, matches them against bars, and keeps its own truth."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from botcore.domain.errors import ConfigError
from botcore.domain.ids import (
    AccountId,
    ClientOrderId,
    Currency,
    InstrumentId,
    Nanos,
    VenueOrderId,
)
from botcore.domain.instruments import Instrument, InstrumentBook
from botcore.domain.market import Bar, BarOpened, BarsClosed
from botcore.domain.orders import OrderRef, OrderSpec, OrderState
from botcore.domain.reports import ReportKind, VenueReport
from botcore.venues.simulated import records
from botcore.venues.simulated.accounts import Balance
from botcore.venues.simulated.config import VenueConfig
from botcore.venues.simulated.desk import OrderDesk
from botcore.venues.simulated.execution import Execution, ended_report
from botcore.venues.simulated.phases import Phases
from botcore.venues.simulated.ports import VenueStore
from botcore.venues.simulated.scales import quanta
from botcore.venues.simulated.settlement import Settlement
from botcore.venues.simulated.statement import OpenOrder, VenueTrade, open_orders, trades
from botcore.venues.simulated.truth import Truth
from botcore.venues.simulated.working import Order

# Python 3.11 looks a member up slowly through its enum: these are asked for at every order.
_ACCEPTED = OrderState.ACCEPTED
_ACCEPTED_KIND = ReportKind.ACCEPTED
_REJECTED_KIND = ReportKind.REJECTED


class SimulatedVenue:
    """An exchange over bars: the same words as a live one, answers at once, its own truth.

    With a store every change is durable before its report is given out, and a venue made over
    that store again knows the same truth. A bar may be given again after a crash: no order fills
    twice in one bar.

    Args:
        instruments: every version of what can be traded.
        config: the assumptions.
        store: where the truth is kept; None keeps it in memory.

    Raises:
        StorageError: the store cannot be read, is damaged, or is of a newer version.
    """

    def __init__(
        self,
        *,
        instruments: InstrumentBook | Mapping[InstrumentId, Instrument],
        config: VenueConfig | None = None,
        store: VenueStore | None = None,
    ) -> None:
        if not isinstance(instruments, InstrumentBook):
            instruments = InstrumentBook(instruments.values())
        self.config = VenueConfig() if config is None else config
        self._instruments = instruments
        self._store = store
        self._begin()
        kept = store.load() if store is not None else None
        if kept is not None:
            self._truth.load(kept, self._settlement)

    def _begin(self) -> None:
        self._truth = Truth(instruments=self._instruments, store=self._store)
        self._settlement = Settlement(
            config=self.config, accounts=self._truth.accounts, groups=self._truth.groups
        )
        self._execution = Execution(
            config=self.config, truth=self._truth, settlement=self._settlement
        )
        self._phases = Phases(config=self.config, truth=self._truth, execution=self._execution)
        self._desk = OrderDesk(
            config=self.config,
            truth=self._truth,
            settlement=self._settlement,
            execution=self._execution,
            phases=self._phases,
        )

    def describe(self) -> tuple[tuple[str, str], ...]:
        """Return every assumption, the ten phases of a bar among them, to be printed."""
        return self.config.describe()

    # --- market

    def on_bars(self, event: BarsClosed) -> Iterable[VenueReport]:
        """Match one close stamp; orders may be given between the reports.

        The reports must be drawn to the end. Between them a child of an order that filled in this
        bar is live at once; anything else waits for the next bar.

        Raises:
            DataError: a price lies off its instrument's grid.
            StorageError: a change could not be made durable.
        """
        truth = self._truth
        if truth.is_durable:
            truth.check()
        if truth.working:
            return self._phases.closed(event)
        last = truth.last  # as `remember`, without a call where only the usual bars come
        for bar in event.bars:
            seen = last.get(bar.instrument)
            if seen is None or bar.spec is not seen.spec:
                truth.remember(event.bars)
                break
            last[bar.instrument] = bar
        return ()

    @property
    def is_idle(self) -> bool:
        """Whether no order is at work, so that a bar changes nothing but the last prices."""
        return not self._truth.working

    def pass_over(self, bar: Bar) -> None:
        """Take the last of several bars on which no order was at work."""
        self._truth.remember((bar,))

    def on_open(self, event: BarOpened) -> Iterable[VenueReport]:
        """Fill waiting market orders at an open that ticks show before the bar closes.

        The cap is taken of the previous bar's volume. What is left waits for the next open: the
        bar's own open phase does not look at market orders again. Resting orders wait for the bar.

        Raises:
            DataError: the price lies off its instrument's grid.
            StorageError: a change could not be made durable.
        """
        truth = self._truth
        if truth.is_durable:
            truth.check()
        if truth.working:
            return self._phases.opened(event)
        return ()

    # --- orders

    def submit(self, order: OrderSpec, ts: int) -> list[VenueReport]:
        """Take an order, or refuse it; a market order waits for the first open not before `ts`.

        Args:
            order: exact and on the grid.
            ts: the instant of the decision, nanoseconds UTC.

        Returns:
            ACCEPTED or REJECTED (its `detail` opens with a code); before it CANCELED reports of
            orders that a new version of the instrument ended.

        Raises:
            StorageError: it could not be made durable.
        """
        return self.submit_all(((order, ts),))[0]

    def submit_all(self, orders: Sequence[tuple[OrderSpec, int]]) -> list[list[VenueReport]]:
        """Take orders one after the other, or refuse them, and make that durable at once.

        Args:
            orders: each with the instant of its decision, as `submit`.

        Returns:
            The reports of each, as `submit`.

        Raises:
            StorageError: nothing of it could be made durable.
        """
        truth = self._truth
        if not truth.is_durable:
            return [self._taken(order, ts) for order, ts in orders]
        truth.check()
        reports = [self._taken(order, ts) for order, ts in orders]
        truth.save()
        return reports

    def cancel(self, ref: OrderRef, ts: int) -> list[VenueReport]:
        """Take a working order back: CANCELED, or CANCEL_REJECTED if it is not working.

        Raises:
            StorageError: it could not be made durable.
        """
        truth = self._truth
        truth.check()
        order = self._find(ref)
        if order is None or not order.is_working:
            detail = "UNKNOWN_ORDER" if order is None else f"NOT_WORKING: it is {order.state}"
            return [_answer(ReportKind.CANCEL_REJECTED, ref, ts, order, detail)]
        report = self._execution.end(order, OrderState.CANCELED, ts, "")
        truth.save()
        return [report]

    def replace(
        self,
        ref: OrderRef,
        quantity: Decimal | None,
        limit_price: Decimal | None,
        trigger_price: Decimal | None,
        ts: int,
    ) -> list[VenueReport]:
        """Change a working order's total quantity or prices; None leaves a value as it is.

        The order keeps its ids. A new price is matched from the next bar on, a new quantity at
        once. A quantity equal to what has filled closes the order as FILLED (E45).

        Returns:
            REPLACED with what the order now carries, or REPLACE_REJECTED, which changes nothing.

        Raises:
            StorageError: it could not be made durable.
        """
        truth = self._truth
        truth.check()
        order = self._find(ref)
        if order is None or not order.is_working:
            detail = "UNKNOWN_ORDER" if order is None else f"NOT_WORKING: it is {order.state}"
            return [_answer(ReportKind.REPLACE_REJECTED, ref, ts, order, detail)]
        why = self._desk.change(order, quantity, limit_price, trigger_price, ts)
        if why:
            return [_answer(ReportKind.REPLACE_REJECTED, ref, ts, order, why)]
        if truth.is_durable:
            truth.touch(order)
            truth.save()
        return [_standing(ReportKind.REPLACED, order, ts, "")]

    def query(self, ref: OrderRef, ts: int) -> list[VenueReport]:
        """Tell the truth about an order: its fills as they were reported, then how it stands.

        An order whose quantity was changed says so first, so that the fills are measured against
        it. The last report is STATUS with `cumulative` and what it carries while it works, how it
        ended if it did (nothing after the fills of a FILLED one), or NOT_FOUND.
        """
        order = self._find(ref)
        if order is None:
            return [_answer(ReportKind.NOT_FOUND, ref, ts, None, "UNKNOWN_ORDER")]
        reports = list(order.fills)
        if order.quantity != order.spec.quantity:
            reports.insert(0, _standing(ReportKind.REPLACED, order, ts, "earlier"))
        if order.is_working:
            reports.append(_standing(ReportKind.STATUS, order, ts, str(order.state)))
        elif order.state is not OrderState.FILLED:
            reports.append(ended_report(order))
        return reports

    # --- truth

    def deposit(self, account: AccountId, currency: Currency, value: Decimal) -> None:
        """Give an account money from outside.

        Raises:
            ConfigError: the amount is not above zero, or finer than 1e-8.
            StorageError: it could not be made durable.
        """
        whole = quanta(value)
        if whole <= 0:
            raise ConfigError(
                code="DEPOSIT_REFUSED",
                cause=f"a deposit of {value} {currency}",
                fix="deposit an amount above zero",
            )
        self._truth.deposit(account, currency, whole)

    def balances(self, account: AccountId) -> dict[Currency, Balance]:
        """Return what an account holds, by currency, in quanta; sorted, without empty ones."""
        return self._truth.accounts.balances(account)

    def open_orders(self, account: AccountId) -> tuple[OpenOrder, ...]:
        """Return an account's working orders, oldest first."""
        return open_orders(self._truth, account)

    def trades(self, account: AccountId) -> tuple[VenueTrade, ...]:
        """Return an account's fills, oldest first."""
        return trades(self._truth, account)

    def deposits(self) -> dict[tuple[AccountId, Currency], int]:
        """Return all that ever came from outside, in quanta."""
        return self._truth.deposits()

    def accounts(self) -> tuple[AccountId, ...]:
        """Return the accounts that ever held something, sorted."""
        return self._truth.accounts.accounts()

    def acceptances(self) -> dict[ClientOrderId, int]:
        """Return how often each client id was accepted, ended orders too (I6: never twice)."""
        return dict(
            Counter(
                order.spec.client_order_id
                for order in self._truth.numbered
                if order.state is not OrderState.REJECTED
            )
        )

    def snapshot(self) -> bytes:
        """Return the whole truth as canonical bytes: equal truth gives equal bytes."""
        return records.encode(self._truth.records())

    def restore(self, state: bytes) -> None:
        """Replace the truth by a snapshot's; a store, if there is one, is not written.

        Raises:
            StorageError: the snapshot is damaged, or of a newer version.
        """
        kept = records.decode(state)
        self._begin()
        self._truth.load(kept, self._settlement)

    # --- inside

    def _taken(self, order: OrderSpec, ts: int) -> list[VenueReport]:
        """Put an order to work, or refuse it; what changed is noted, to be made durable."""
        truth = self._truth
        if order.client_order_id in truth.orders:
            return [_report(_REJECTED_KIND, order, ts, None, "DUPLICATE")]
        new = Order.of(order, len(truth.numbered) + 1, ts)
        reports: list[VenueReport] = []
        why = self._desk.admit(new, ts, reports)
        truth.orders[order.client_order_id] = new
        truth.numbered.append(new)
        if why:
            new.leaves = 0
            new.ended, new.detail = ts, why
            reports.append(ended_report(new))
        else:
            new.state = _ACCEPTED
            reports.append(_report(_ACCEPTED_KIND, order, ts, new.venue_order_id, ""))
        if truth.is_durable:
            truth.touch(new)
        return reports

    def _find(self, ref: OrderRef) -> Order | None:
        order = self._truth.orders.get(ref.client_order_id)
        if order is None or order.spec.account != ref.account:
            return None
        return order


def _report(
    kind: ReportKind,
    order: OrderSpec,
    ts: int,
    venue_order_id: VenueOrderId | None,
    detail: str,
) -> VenueReport:
    return VenueReport(
        kind,
        order.account,
        order.instrument,
        order.client_order_id,
        Nanos(ts),
        venue_order_id,
        detail=detail,
    )


def _standing(kind: ReportKind, order: Order, ts: int, detail: str) -> VenueReport:
    """Return a report that says what an order carries now."""
    record, spec = order.record(), order.spec
    return VenueReport(
        kind=kind,
        account=spec.account,
        instrument=spec.instrument,
        client_order_id=spec.client_order_id,
        ts_event=Nanos(ts),
        venue_order_id=order.venue_order_id,
        cumulative=order.cumulative(),
        quantity=record.quantity,
        limit_price=record.limit_price,
        trigger_price=record.trigger_price,
        detail=detail,
    )


def _answer(
    kind: ReportKind, ref: OrderRef, ts: int, order: Order | None, detail: str
) -> VenueReport:
    return VenueReport(
        kind=kind,
        account=ref.account,
        instrument=ref.instrument,
        client_order_id=ref.client_order_id,
        ts_event=Nanos(ts),
        venue_order_id=None if order is None else order.venue_order_id,
        cumulative=None if order is None else order.cumulative(),
        detail=detail,
    )
