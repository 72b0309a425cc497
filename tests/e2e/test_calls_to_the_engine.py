"""The real platform, called as the API's process calls it: acts, kills, and another composition."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest
from tests.support.api_platform import ApiPlatform
from tests.support.platform_process import PlatformProcess, fetched, waited_for

from botcore.app.desired import DESIRED, Desired, DesiredStrategy, write_desired
from botcore.app.engine_link import EngineLink
from botcore.app.fact_feed import Lost
from botcore.app.home import Home
from botcore.app.zmq_calls import EngineUnreachable
from botcore.control.views import PlatformView
from botcore.domain.commands import OrderWish, SubmitOrder, UseLimits
from botcore.domain.errors import ConfigError
from botcore.domain.events import Fact, OrderPlaced, PersonActed
from botcore.domain.ids import AccountId, InstrumentId
from botcore.domain.orders import OrderState, OrderType, Side
from botcore.domain.questions import PreviewOrder, RiskState, StrategyStates
from botcore.kernel import SystemClock

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240), pytest.mark.xdist_group("platform")]
PAPER = AccountId("paper")
ADA = "person:ada"
BTC = InstrumentId("BTCUSDT.SIM")

A = TypeVar("A")


class Linked:
    """A link to the engine, and the facts that came over it."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.facts: list[tuple[int, Fact]] = []
        self.lost: list[Lost] = []
        info = home.run_info()
        assert info is not None
        self.engine = EngineLink(
            events=info.events,
            commands=info.commands,
            token=home.token(),
            on_fact=lambda lsn, fact: self.facts.append((lsn, fact)),
            on_lost=self.lost.append,
        )

    async def seen(self, wish: Callable[[PlatformView], bool]) -> PlatformView:
        """Wait for a view that shows something."""
        async with asyncio.timeout(90):
            while True:
                view = self.engine.view()
                if view is not None and wish(view):
                    return view
                await SystemClock().sleep(0.05)

    def placed(self) -> list[str]:
        """Orders placed by hand, as the facts tell."""
        return [
            fact.order.client_order_id
            for _, fact in self.facts
            if isinstance(fact, OrderPlaced) and fact.order.strategy == "manual"
        ]

    async def strategies(self) -> dict[str, tuple[str, dict[str, float]]]:
        states = await self.engine.ask(StrategyStates())
        return {each.id: (each.status, each.parameters) for each in states}


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[PlatformProcess]:
    process = PlatformProcess(tmp_path / "home", bar_s="1", history_days="0.02")
    process.up()
    try:
        waited_for(lambda: Home(process.home).run_info(), within_s=30, what="the start")
        yield process
    finally:
        process.stop()


def linked(platform: PlatformProcess, act: Callable[[Linked], Awaitable[None]]) -> Linked:
    """Do something over a link; return what it heard."""
    found = Linked(Home(platform.home))

    async def run() -> None:
        async with found.engine:
            await found.seen(lambda view: len(view.positions) > 1)
            await act(found)

    asyncio.run(run())
    return found


def an_order(reference: str) -> SubmitOrder:
    """A buy far below the market, so that it rests."""
    wish = OrderWish(
        account=PAPER,
        instrument=BTC,
        side=Side.BUY,
        type=OrderType.LIMIT,
        quantity=Decimal("0.001"),
        limit_price=Decimal(20_000),
    )
    return SubmitOrder(order=wish, by=ADA, reference=reference)


def test_an_act_told_again_after_a_kill_is_not_done_again(platform: PlatformProcess) -> None:
    heard_before: list[int] = []

    async def act(link: Linked) -> None:
        preview = await link.engine.ask(PreviewOrder(order=an_order("r").order))
        first = await link.engine.act(an_order("r-1"))
        heard_before.append(max(lsn for lsn, _ in link.facts))
        os.kill(_pid(link), signal.SIGKILL)
        again = await _until_answered(lambda: link.engine.act(an_order("r-1")))
        other = await link.engine.act(an_order("r-2"))

        assert preview.is_approved
        assert first.orders[0].state is OrderState.ACCEPTED
        assert (again.is_repeat, other.is_repeat) == (True, False)
        assert again.orders == first.orders
        ids = [first.orders[0].client_order_id, other.orders[0].client_order_id]
        await link.seen(lambda view: _by_hand(view) == sorted(ids))
        await _until(lambda: link.engine.newest_lsn >= other.lsn)
        assert link.placed() in (ids, ids[:1]), "each once, or told as missing"

    heard = linked(platform, act)

    lsns = [lsn for lsn, _ in heard.facts if lsn]
    assert lsns == sorted(set(lsns)), "each once, in order"
    # What the new engine said before this link was there again is missing, and told as missing.
    assert all((lost.after or 0) >= heard_before[0] for lost in heard.lost)
    acts = [f.reference for _, f in heard.facts if isinstance(f, PersonActed)]
    assert acts == ["r-1", "r-2"] or (heard.lost and acts == ["r-1"])


def test_another_parameter_is_in_force_within_seconds_and_the_account_stands(
    platform: PlatformProcess,
) -> None:
    clock = SystemClock()
    home = Home(platform.home)

    async def act(link: Linked) -> None:
        before = await link.seen(lambda view: any(p.strategy == "macd" for p in view.positions))
        order = await link.engine.act(an_order("r-1"))
        await link.engine.act(
            UseLimits(account=PAPER, by=ADA, reference="r-2", limits={"order_frac": 0.2})
        )
        desired = Desired(
            revision=1,
            strategies={
                "rsi": DesiredStrategy(strategy="rsi", parameters={"period": 21}),
                "macd": DesiredStrategy(strategy="macd", is_active=False),
            },
            limits={"order_frac": 0.2},
        )
        write_desired(home, desired)
        begun = clock.monotonic_ns()
        await link.engine.recompose(ADA)
        composed = await _changed(link, lambda found: found["rsi"][1].get("period") == 21)
        took_s = (clock.monotonic_ns() - begun) / 1e9
        again = await link.engine.act(an_order("r-1"))
        (risk,) = await link.engine.ask(RiskState())
        after = await link.seen(lambda view: view.engine_pid != before.engine_pid)

        assert composed["macd"][0] == "stopped"
        assert took_s < 30, "seconds, also on a machine with much else to do"
        assert again.is_repeat
        assert again.orders == order.orders
        assert risk.limits["order_frac"] == 0.2
        held = {p.instrument for p in before.positions if p.strategy == "macd"}
        stand = {p.instrument for p in after.positions if p.strategy == "macd"}
        assert held & stand, "nobody closes what a stopped strategy holds"
        assert any(order.strategy == "manual" and order.ts for order in after.orders)

    heard = linked(platform, act)

    # The engine that comes may speak before the link has found it: that is told, and once.
    assert len(heard.lost) <= 1
    assert not any(lost.dropped for lost in heard.lost)
    assert fetched(platform.url + "livez"), "the page's process lives on"
    log = (platform.home / "logs" / "supervisor.log").read_text()
    assert log.count('"child_started"') == 3, "engine, page, and the engine again"
    assert '"as it asked"' in log


def test_what_cannot_be_composed_is_said_and_what_ran_goes_on(platform: PlatformProcess) -> None:
    home = Home(platform.home)

    async def act(link: Linked) -> None:
        write_desired(
            home,
            Desired(strategies={"rsi": DesiredStrategy(strategy="rsi", parameters={"period": 21})}),
        )
        await link.engine.recompose(ADA)
        await _changed(link, lambda found: found["rsi"][1].get("period") == 21)
        pid = _pid(link)
        (home.state / DESIRED).write_text('{"strategies": {"mine": {"strategy": "macdd"}}}')
        await link.engine.recompose(ADA)
        await _until(lambda: _pid(link) != pid)

        found = await link.strategies()
        assert found["rsi"][1]["period"] == 21
        assert "mine" not in found
        view = await link.seen(lambda v: any(a.code == "DESIRED_REFUSED" for a in v.alerts))
        (alert,) = (each for each in view.alerts if each.code == "DESIRED_REFUSED")
        assert "STRATEGY_UNKNOWN" in alert.detail
        assert "macdd" in alert.detail

    linked(platform, act)


def test_settings_that_a_person_broke_keep_the_engine_running(api_platform: ApiPlatform) -> None:
    broken = api_platform.home / "settings.toml"

    async def act(link: Linked) -> None:
        broken.write_text("nonsense = 1\n")
        with pytest.raises(ConfigError, match="SETTING_UNKNOWN"):
            await link.engine.recompose(ADA)
        broken.unlink()
        assert await link.strategies()

    linked(api_platform, act)


def _pid(link: Linked) -> int:
    view = link.engine.view()
    return 0 if view is None else view.engine_pid


async def _changed(
    link: Linked, wish: Callable[[dict[str, tuple[str, dict[str, float]]]], bool]
) -> dict[str, tuple[str, dict[str, float]]]:
    while True:
        found = await _until_answered(link.strategies)
        if wish(found):
            return found
        await SystemClock().sleep(0.05)


def _by_hand(view: PlatformView) -> list[str]:
    return sorted(order.client_order_id for order in view.orders if order.strategy == "manual")


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await SystemClock().sleep(0.05)


async def _until_answered(ask: Callable[[], Awaitable[A]]) -> A:
    """Ask until the engine has come back."""
    for _ in range(6):
        try:
            return await ask()
        except EngineUnreachable:
            continue
    return await ask()
