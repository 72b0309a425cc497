"""Start-up reconciliation: every open order is asked about; absence is concluded only by proof."""

from collections.abc import Callable

from botcore.domain.ids import AccountId, Nanos
from botcore.domain.orders import OrderRef, OrderState
from botcore.domain.reports import ReportKind, VenueReport
from botcore.engine import Engine
from botcore.execution import Evidence, HorizonConfig, is_absent

Ask = Callable[[OrderRef], list[VenueReport]]
Tell = Callable[[VenueReport], None]


def settle_doubts(
    engine: Engine,
    account: AccountId,
    *,
    ask: Ask,
    tell: Tell,
    now: Callable[[], int],
    wait: Callable[[float], None],
    horizon: HorizonConfig,
) -> int:
    """Resolve every order in doubt against a venue whose answers are its truth.

    An order is declared NOT_ACCEPTED only by rule R4: after the horizon of its request, with two
    queries apart that found nothing.

    Args:
        engine: recovered; its doubtful orders are resolved.
        account: whose.
        ask: queries the venue about one order.
        tell: gives a report to the engine.
        now: the venue's clock, nanoseconds.
        wait: lets that clock move on, seconds.
        horizon: how long a request may still arrive.

    Returns:
        How many orders were in doubt.
    """
    doubtful = [
        order
        for order in engine.desk.execution.index.all_working(account)
        if order.state is OrderState.IN_DOUBT
    ]
    for order in doubtful:
        signed_at = order.sent_at
        misses: list[int] = []
        while order.state is OrderState.IN_DOUBT:
            asked_at = now()
            found = False
            for report in ask(order.ref):
                found = found or report.kind is not ReportKind.NOT_FOUND
                tell(report)
            if found:
                break
            misses.append(asked_at)
            evidence = Evidence(
                signed_at=signed_at,
                server_now=asked_at,
                stream_continuous=True,
                not_found_at=tuple(misses),
                in_open_orders=False,
                in_trades=False,
                balance_moved=False,
            )
            if is_absent(evidence, horizon):
                tell(
                    VenueReport(
                        ReportKind.NOT_ACCEPTED,
                        account,
                        order.spec.instrument,
                        order.id,
                        Nanos(asked_at),
                        detail="absent after the horizon",
                    )
                )
                break
            left_s = (horizon.opens_at(signed_at) - asked_at) / 1e9
            wait(max(left_s, horizon.lag_ns / 1e9, 0.001))
    return len(doubtful)
