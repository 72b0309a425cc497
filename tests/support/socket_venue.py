"""The engine's end of the venue's socket: a `BarVenue` that says what it knows, and no more.

No connection means that nothing left: NOT_SENT. A request that was begun and not answered means
that nobody knows: OUTCOME_UNKNOWN, or CANCEL_UNKNOWN.
"""

import socket
from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec
from tests.support.venue_process import Address, Answer, Request, framed, read_frame

from botcore.domain.errors import VenueError
from botcore.domain.ids import Currency, Nanos
from botcore.domain.market import BarOpened, BarsClosed
from botcore.domain.orders import OrderRef, OrderSpec
from botcore.domain.reports import ReportKind, VenueReport
from botcore.kernel.failpoint import hit
from botcore.venues.simulated import Balance


class _Nothing:
    """Not one byte left."""


class _Silence:
    """Bytes left, and no answer came."""


NOTHING, SILENCE = _Nothing(), _Silence()


class SocketVenue:
    """Trades at the venue's process; every call waits for its answer, up to a time-out."""

    def __init__(self, address: Address, *, timeout_s: float = 5.0) -> None:
        self._address = address
        self._timeout_s = timeout_s
        self.hello()

    def hello(self) -> None:
        """Begin a session: what an earlier one left in the middle of a bar is over."""
        self._must(Request(operation="hello"))

    def now(self) -> int:
        """The venue's clock."""
        return self._must(Request(operation="balances")).now

    def wait(self, seconds: float) -> None:
        """Let the venue's clock move on."""
        self._must(Request(operation="wait", seconds=seconds))

    def balances(self) -> dict[Currency, Balance]:
        """What the account holds."""
        return self._must(Request(operation="balances")).balances

    def deposit(self, amount: Decimal) -> None:
        """Give the account USDT."""
        self._must(Request(operation="deposit", amount=amount))

    def on_bars(self, event: BarsClosed) -> Iterator[VenueReport]:
        """Match one close stamp; orders may be given between the reports."""
        self._must(Request(operation="bars", bars=event))
        yield from self._reports()

    def on_open(self, event: BarOpened) -> Iterator[VenueReport]:
        """Fill waiting market orders."""
        self._must(Request(operation="opened", opened=event))
        yield from self._reports()

    def submit(self, order: OrderSpec, ts: int) -> tuple[VenueReport, ...]:
        """Place an order."""
        answer = self._ask(Request(operation="submit", order=order, ts=ts))
        ref = OrderRef(order.client_order_id, order.instrument, order.account)
        if isinstance(answer, _Nothing):
            return (_said(ReportKind.NOT_SENT, ref, ts),)
        if isinstance(answer, _Silence) or any(r.detail == "DUPLICATE" for r in answer.reports):
            return (_said(ReportKind.OUTCOME_UNKNOWN, ref, ts),)
        return answer.reports

    def submit_all(
        self, orders: Sequence[tuple[OrderSpec, int]]
    ) -> Iterator[tuple[VenueReport, ...]]:
        """Place orders, each by a request of its own."""
        for order, ts in orders:
            yield self.submit(order, ts)

    def cancel(self, order: OrderRef, ts: int) -> tuple[VenueReport, ...]:
        """Take an order back."""
        answer = self._ask(Request(operation="cancel", ref=order, ts=ts))
        if isinstance(answer, Answer):
            return answer.reports
        return (_said(ReportKind.CANCEL_UNKNOWN, order, ts),)

    def replace(
        self,
        order: OrderRef,
        quantity: Decimal | None,
        limit_price: Decimal | None,
        trigger_price: Decimal | None,
        ts: int,
    ) -> tuple[VenueReport, ...]:
        """Change an order; without an answer, ask how it stands."""
        answer = self._ask(
            Request(
                operation="replace",
                ref=order,
                quantity=quantity,
                limit_price=limit_price,
                trigger_price=trigger_price,
                ts=ts,
            )
        )
        return answer.reports if isinstance(answer, Answer) else self.query(order, ts)

    def query(self, order: OrderRef, ts: int) -> tuple[VenueReport, ...]:
        """Tell the truth about an order; nothing where the venue does not answer."""
        answer = self._ask(Request(operation="query", ref=order, ts=ts))
        return answer.reports if isinstance(answer, Answer) else ()

    def _reports(self) -> Iterator[VenueReport]:
        while not (answer := self._must(Request(operation="next"))).is_done:
            yield from answer.reports

    def _must(self, request: Request) -> Answer:
        answer = self._ask(request, has_failpoints=False)
        if not isinstance(answer, Answer):
            raise VenueError(
                code="VENUE_SILENT", cause=f"no answer to {request.operation}", fix="look at it"
            )
        return answer

    def _ask(
        self, request: Request, *, has_failpoints: bool = True
    ) -> Answer | _Nothing | _Silence:
        place = f"wire.{request.operation}" if has_failpoints else "wire"
        frame = framed(request)
        try:
            connection = socket.create_connection(self._address, timeout=self._timeout_s)
        except OSError:
            return NOTHING
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            half = len(frame) // 2
            try:
                if has_failpoints:
                    hit(f"{place}.connected")
                connection.sendall(frame[:half])
                if has_failpoints:
                    hit(f"{place}.half")
                connection.sendall(frame[half:])
                if has_failpoints:
                    hit(f"{place}.written")
                body = read_frame(connection)
            except OSError:
                return SILENCE
        if body is None:
            return SILENCE
        if has_failpoints:
            hit(f"{place}.read")
        return msgspec.msgpack.decode(body, type=Answer)


def _said(kind: ReportKind, order: OrderRef, ts: int) -> VenueReport:
    return VenueReport(kind, order.account, order.instrument, order.client_order_id, Nanos(ts))
