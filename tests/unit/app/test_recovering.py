"""Recovery says how often it was done, when last, and how long it has been due."""

from collections.abc import Callable

import pytest
from tests.support.trading_session import ACCOUNT, TradingSession, buy, planned
from tests.unit.engine.test_lasting_doubts import SilentVenue

from botcore.app.recovering import Recovery
from botcore.control.views import ReconcilingView
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.domain.orders import OrderRef
from botcore.domain.reports import VenueReport
from botcore.execution import HorizonConfig
from botcore.kernel.clock import ManualClock

NOW = 1_763_733_930 * SECOND_NS
Ask = Callable[[OrderRef], list[VenueReport]]


def a_recovery(run: TradingSession, clock: ManualClock, ask: Ask) -> Recovery:
    return Recovery(
        engine=run.engine,
        session=run.session,
        ask=ask,
        account=ACCOUNT,
        now=lambda: int(run.now),
        wait=lambda _seconds: None,
        horizon=HorizonConfig(receive_window_ns=0, backend_ns=0, lag_ns=0),
        clock=clock,
    )


def test_it_is_due_from_its_beginning_until_it_is_done() -> None:
    run, clock = TradingSession({}), ManualClock(NOW)
    run.bar(100.0)
    recovery = a_recovery(run, clock, lambda _ref: [])
    before = recovery.figures

    recovery.begin(7)
    clock.advance(90 * SECOND_NS)
    recovery.begin(7)  # tried anew: it is due since the first time
    clock.advance(30 * SECOND_NS)
    meanwhile = recovery.figures
    recovery.finish()
    clock.advance(60 * SECOND_NS)

    assert before == ReconcilingView()
    assert meanwhile == ReconcilingView(overdue_s=120.0)
    assert recovery.figures == ReconcilingView(
        done=1, last_wall=NOW + 120 * SECOND_NS, last_s=120.0
    )


def test_it_falls_due_when_the_account_may_only_cancel() -> None:
    run, clock = TradingSession({}), ManualClock(NOW)
    run.bar(100.0)
    recovery = a_recovery(run, clock, lambda _ref: [])

    recovery.hold("the disk is full")
    clock.advance(5 * SECOND_NS)

    assert recovery.figures == ReconcilingView(overdue_s=5.0)


def test_what_cannot_be_asked_about_is_a_failure_and_stays_due() -> None:
    run = TradingSession(
        {"buyer": planned({1: lambda view: [buy(view)]})},
        wrap=SilentVenue,  # type: ignore[arg-type]  # what it does not silence is the venue's own
    )
    run.bar(100.0)
    clock = ManualClock(NOW)

    def away(_ref: OrderRef) -> list[VenueReport]:
        raise StorageError(code="STORE_AWAY", cause="no disk", fix="mend it")

    recovery = a_recovery(run, clock, away)
    recovery.begin(7)
    with pytest.raises(StorageError):
        recovery.finish()
    clock.advance(SECOND_NS)

    assert recovery.figures == ReconcilingView(failed=1, overdue_s=1.0)
