"""Health, as much of it as whoever asks may know."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.support.callers import a_call
from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import TradingSession

from botcore.control.access import STRANGER
from botcore.control.handlers.health import HealthHandlers
from botcore.control.handlers.orders import OrderHandlers
from botcore.control.schema import health as h
from botcore.control.schema import orders as o
from botcore.control.schema.values import instant
from botcore.domain.ids import SECOND_NS
from botcore.domain.orders import Side
from botcore.kernel.clock import ManualClock

NOW = 1_763_733_930 * SECOND_NS


class Vitals:
    """The other parts, all well but for what a test says."""

    def __init__(self) -> None:
        self.store = h.HealthStatus.OK

    def components(self) -> Sequence[h.Component]:
        return (h.Component(name="control-store", status=self.store, last_error=""),)

    def version(self) -> str:
        return "1.2.3"

    def region(self) -> str:
        return "local"

    def response_time_ms(self) -> float | None:
        return 1.5

    def active_users(self) -> int:
        return 2

    def pools(self) -> Mapping[str, str]:
        return {"database": "1 of 10"}

    def limits(self) -> Mapping[str, str]:
        return {"standard": "100/min"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    desk = TradingDesk(tmp_path, TradingSession({}, cash="10000"))
    desk.bar(100.0)
    yield desk
    desk.close()


def _handlers(desk: TradingDesk, vitals: Vitals | None = None) -> HealthHandlers:
    return HealthHandlers(
        engine=desk, history=desk.history, vitals=vitals or Vitals(), clock=ManualClock(NOW)
    )


def _by_name(handlers: HealthHandlers) -> dict[str, h.Component]:
    shown = asyncio.run(handlers.details(a_call(), h.GetHealthDetails()))
    return {part.name: part for part in shown.components}


def test_every_part_says_since_when_it_is_as_it_is_and_what_went_wrong_last(
    desk: TradingDesk,
) -> None:
    clock = ManualClock(NOW)
    handlers = HealthHandlers(engine=desk, history=desk.history, vitals=Vitals(), clock=clock)
    handlers.look()
    clock.advance(60 * SECOND_NS)
    desk.age_s = 60.0
    handlers.look()  # nobody asks
    clock.advance(60 * SECOND_NS)

    silent = _by_name(handlers)
    desk.age_s = 0.2
    well = _by_name(handlers)

    assert silent["engine"].since == instant(NOW + 60 * SECOND_NS)
    assert silent["engine"].last_error == "engine not answering since 1 min"
    assert silent["feed"].last_error == "its newest price is 60 s old"
    assert silent["journal"].since == silent["control-store"].since == instant(NOW)
    assert well["engine"].since == instant(NOW + 120 * SECOND_NS)
    assert well["engine"].last_error == "engine not answering since 1 min"


@pytest.mark.requirement("REST health tells a stranger the status only")
def test_a_stranger_reads_the_status_and_nothing_else(desk: TradingDesk) -> None:
    shown = asyncio.run(_handlers(desk).show(a_call(STRANGER), h.GetHealth()))

    assert msgspec.json.encode(shown) == b'{"status":"ok"}'


@pytest.mark.requirement("REST health tells a signed-in reader services and metrics")
def test_who_is_signed_in_reads_the_body_of_the_contract(desk: TradingDesk) -> None:
    orders = OrderHandlers(engine=desk, history=desk.history)
    asyncio.run(
        orders.place(
            a_call(),
            o.PlaceOrder(instrument="COINUSDT.SIM", side=Side.BUY, quantity=Decimal(1)),
        )
    )
    desk.bar(100.0)

    shown = msgspec.to_builtins(asyncio.run(_handlers(desk).show(a_call(), h.GetHealth())))

    assert shown == {
        "status": "ok",
        "version": "1.2.3",
        "region": "local",
        "services": {"engine": "ok", "feed": "ok", "journal": "ok", "control-store": "ok"},
        "metrics": {
            "uptime": 60.0,
            "response_time_ms": 1.5,
            "active_users": 2,
            "trades_today": 1,
        },
    }


def test_the_worst_part_is_the_status_of_all(desk: TradingDesk) -> None:
    vitals = Vitals()
    desk.age_s = 60.0
    slow = asyncio.run(_handlers(desk, vitals).show(a_call(STRANGER), h.GetHealth()))
    vitals.store = h.HealthStatus.DOWN
    down = asyncio.run(_handlers(desk, vitals).show(a_call(STRANGER), h.GetHealth()))

    assert (slow.status, down.status) == (h.HealthStatus.DEGRADED, h.HealthStatus.DOWN)


def test_before_the_first_report_the_platform_is_starting_and_figures_are_unknown(
    desk: TradingDesk,
) -> None:
    desk.is_silent = True

    shown = asyncio.run(_handlers(desk).show(a_call(), h.GetHealth()))

    assert shown.status is h.HealthStatus.STARTING
    assert isinstance(shown.metrics, h.HealthMetrics)
    assert (shown.metrics.uptime, shown.metrics.trades_today) == (None, None)


def test_the_details_name_every_part_the_modes_pools_and_limits(desk: TradingDesk) -> None:
    desk.age_s = 60.0

    shown = asyncio.run(_handlers(desk).details(a_call(), h.GetHealthDetails()))

    engine = shown.components[0]
    assert (engine.name, engine.status, engine.staleness_s) == (
        "engine",
        h.HealthStatus.DEGRADED,
        60.0,
    )
    assert engine.detail == "engine not answering since 1 min"
    assert [(mode.account, mode.mode) for mode in shown.modes] == [("main", "NORMAL")]
    assert (shown.pools, shown.limits) == ({"database": "1 of 10"}, {"standard": "100/min"})
