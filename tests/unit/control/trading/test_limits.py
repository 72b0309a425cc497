"""Limits are changed by people, and stay as they are in force: a real engine keeps to them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.callers import AUTH_TIME, a_call, a_key, a_person
from tests.support.fast_clock import FastClock
from tests.support.trading_desk import TradingDesk
from tests.support.trading_session import TradingSession

from botcore.control.access import Role, Scope
from botcore.control.handlers.limits import LimitHandlers
from botcore.control.problems import Forbidden, StepUpRequired
from botcore.control.schema import risk as r
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.risk import RiskLimits


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    session = TradingSession({}, cash="10000", limits=RiskLimits(price_band_frac=0.5))
    desk = TradingDesk(tmp_path, session)
    desk.bar(100.0)
    yield desk
    desk.close()


@pytest.fixture
def clock() -> FastClock:
    return FastClock((AUTH_TIME + 10) * SECOND_NS, rate=0.001)


@pytest.fixture
def limits(desk: TradingDesk, clock: FastClock) -> LimitHandlers:
    return LimitHandlers(engine=desk, stored=desk.history, clock=clock)


def test_limits_are_shown_as_fractions_and_under_the_names_of_the_contract(
    limits: LimitHandlers,
) -> None:
    shown = asyncio.run(limits.limits(a_call(), r.GetLimits()))

    assert (shown.instrument_frac, shown.daily_loss_frac, shown.drawdown_frac) == (0.4, 0.05, 0.2)
    assert (shown.max_position_value.amount, shown.max_position_value.currency) == (
        Decimal("4000.00"),
        "USDT",
    )
    assert shown.max_daily_loss.amount == Decimal("500.00")
    assert shown.max_drawdown == 0.2


def test_a_trader_makes_limits_narrower_without_further_ado(
    desk: TradingDesk, limits: LimitHandlers, clock: FastClock
) -> None:
    clock.skip(10_000 * SECOND_NS)
    call = a_call(a_person(Role.TRADER))
    request = r.SetLimits(max_position_value=Decimal(2000), order_frac=0.1)

    effect = asyncio.run(limits.setting_limits(call, request))
    shown = asyncio.run(limits.set_limits(call, request))

    assert not effect.is_raising
    assert effect.words == (
        "Narrow order_frac from 15.00 % to 10.00 %, instrument_frac from 40.00 % to 20.00 % "
        "(account main)"
    )
    assert (shown.instrument_frac, shown.order_frac) == (0.2, 0.1)
    assert desk.session.risk.limits.instrument_frac == 0.2


def test_making_one_limit_wider_takes_the_scope_a_factor_and_a_confirmation(
    desk: TradingDesk, limits: LimitHandlers, clock: FastClock
) -> None:
    request = r.SetLimits(order_frac=0.1, max_drawdown=0.3)

    with pytest.raises(Forbidden, match="admin:risk"):
        asyncio.run(limits.set_limits(a_call(a_person(Role.TRADER)), request))
    assert asyncio.run(limits.setting_limits(a_call(a_person(Role.ADMIN)), request)).is_raising
    clock.skip(400 * SECOND_NS)
    with pytest.raises(StepUpRequired):
        asyncio.run(limits.set_limits(a_call(a_person(Role.ADMIN)), request))
    assert desk.session.risk.limits.drawdown_frac == 0.2
    asyncio.run(limits.set_limits(a_call(), request))

    assert desk.session.risk.limits.drawdown_frac == 0.3


def test_the_audit_is_told_the_limits_before_and_after(
    desk: TradingDesk, limits: LimitHandlers
) -> None:
    before = desk.session.risk.limits.order_frac
    call = a_call()

    asyncio.run(limits.set_limits(call, r.SetLimits(order_frac=0.07)))

    assert call.noted.words == f"limits.order_frac: {before:g} → 0.07"


class Keeping:
    """Keeps limits as the next start finds them; what it does meanwhile is the test's."""

    def __init__(self, meanwhile: Callable[[], Awaitable[None]]) -> None:
        self.kept: dict[str, float | int] = {}
        self.author = ""
        self.meanwhile = meanwhile

    async def __call__(self, limits: Mapping[str, float | int], *, author: str) -> None:
        await self.meanwhile()
        self.kept.update(limits)
        self.author = author


def test_limits_that_two_people_change_at_once_are_kept_as_they_are_in_force(
    desk: TradingDesk, clock: FastClock
) -> None:
    pauses = iter([0.1, 0.0])

    async def wait() -> None:
        await FastClock(0).sleep(next(pauses))

    keep = Keeping(wait)
    limits = LimitHandlers(engine=desk, stored=desk.history, clock=clock, keep=keep)

    async def both() -> None:
        await asyncio.gather(
            limits.set_limits(a_call(reference="r1"), r.SetLimits(order_frac=0.10)),
            limits.set_limits(a_call(reference="r2"), r.SetLimits(order_frac=0.12)),
        )

    asyncio.run(both())

    assert keep.kept == {"order_frac": desk.session.risk.limits.order_frac}


def test_limits_are_in_force_also_where_the_engine_began_anew_before_they_were_kept(
    desk: TradingDesk, clock: FastClock
) -> None:
    configured = desk.session.risk.limits

    async def begin_anew() -> None:
        desk.session.risk.use_limits(configured)

    limits = LimitHandlers(engine=desk, stored=desk.history, clock=clock, keep=Keeping(begin_anew))

    shown = asyncio.run(limits.set_limits(a_call(), r.SetLimits(order_frac=0.01)))

    assert (shown.order_frac, desk.session.risk.limits.order_frac) == (0.01, 0.01)


def test_limits_in_force_that_nobody_kept_are_kept_as_the_engine_has_them(
    desk: TradingDesk, clock: FastClock
) -> None:
    async def cut_off() -> None:
        raise StorageError(code="STORE_BUSY", cause="the store is locked", fix="wait")

    async def nothing() -> None:
        return

    keep = Keeping(cut_off)
    limits = LimitHandlers(engine=desk, stored=desk.history, clock=clock, keep=keep)
    shown = asyncio.run(limits.set_limits(a_call(), r.SetLimits(order_frac=0.01)))
    keep.meanwhile = nothing

    asyncio.run(limits.keep_in_force())

    assert shown.order_frac == 0.01
    assert "cannot be written beside the settings now" in shown.lasts
    assert "the store is locked" in shown.lasts
    assert keep.kept == {"order_frac": 0.01}
    assert keep.author == a_call().actor.by


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "at least one"),
        ({"max_drawdown": 0.1, "drawdown_frac": 0.1}, "the same limit"),
        ({"max_daily_loss": Decimal(1), "daily_loss_frac": 0.1}, "the same limit"),
        ({"max_daily_loss": Decimal(0)}, "an amount above 0"),
        ({"max_position_value": Decimal("NaN")}, "an amount above 0"),
        ({"max_position_value": Decimal("1e16")}, "an amount above 0"),
    ],
)
def test_limits_that_say_nothing_or_the_same_twice_are_refused(
    given: dict[str, float], why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        r.SetLimits(**given)  # type: ignore[arg-type]  # by name


def test_a_live_account_takes_the_live_scope_for_its_limits(
    desk: TradingDesk, limits: LimitHandlers
) -> None:
    desk.kind = "live"

    with pytest.raises(Forbidden, match="trade:live"):
        asyncio.run(
            limits.set_limits(a_call(a_key(Scope.TRADE_PAPER)), r.SetLimits(order_frac=0.1))
        )
