import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.support.callers import a_call, a_person
from tests.support.fast_clock import FastClock
from tests.support.sample_view import sample_view

from botcore.app.alert_watch import AlertWatch
from botcore.app.control_store import ControlStores, open_control
from botcore.app.notices import Notices
from botcore.app.running_market import FollowedMarket
from botcore.control.alerting import Rule
from botcore.control.handlers import alerts
from botcore.control.handlers.alerts import AlertHandlers
from botcore.control.problems import Refused, TooMany
from botcore.control.schema.alerts import (
    AlertKind,
    AlertRule,
    Condition,
    CreateRule,
    Notification,
    RuleState,
)
from botcore.control.views import PlatformView
from botcore.domain.errors import StorageError
from botcore.domain.ids import InstrumentId, Nanos
from botcore.domain.market import Quote

BTC = "BTCUSDT.SIM"


class Desk:
    def __init__(self, folder: Path) -> None:
        self.clock = FastClock(10**18)
        self.folder = folder
        self.view: PlatformView | None = sample_view()
        self.heard: list[tuple[str, Notification]] = []
        self.open()

    def open(self) -> None:
        self.stores: ControlStores = open_control(
            f"sqlite:///{self.folder / 'control.db'}", clock=self.clock
        )
        self.market = FollowedMarket(platform=self)  # type: ignore[arg-type]  # has a view, as asked
        self.notices = Notices(self.stores.notifications, clock=self.clock)
        self.notices.listen(lambda user, told: self.heard.append((user, told)))
        self.watch = AlertWatch(
            store=self.stores.alerts,
            notices=self.notices,
            market=self.market,
            view=lambda: (self.view, 0.5),
            clock=self.clock,
        )
        asyncio.run(self.watch.load())

    def restart(self) -> None:
        self.stores.close()
        self.open()

    def price(self, price: float) -> None:
        self.market.observe(Quote(InstrumentId(BTC), Nanos(1), price, price, 1.0, 1.0))
        asyncio.run(self.watch.look())

    def add(self, **changes: object) -> Rule:
        rule = Rule(
            id="r1",
            owner="u1",
            kind=AlertKind.PRICE,
            condition=Condition.ABOVE,
            level=Decimal(100),
            symbol=BTC,
            note="sell some",
        )
        rule = msgspec.structs.replace(rule, **changes)
        asyncio.run(self.watch.add(rule, most=200))
        return rule

    @property
    def texts(self) -> list[str]:
        return [told.text for _, told in self.heard]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    desk.stores.close()


def test_a_price_that_reaches_the_level_tells_its_owner_once(desk: Desk) -> None:
    desk.add()

    for price in (99.0, 100.0, 101.0):
        desk.price(price)

    assert desk.heard[0][0] == "u1"
    assert desk.texts == ["BTCUSDT.SIM reaches or exceeds 100 – sell some"]
    assert desk.watch.of("u1")[0].state is RuleState.FIRED


def test_what_was_told_is_kept_and_counts_as_unread_until_it_is_read(desk: Desk) -> None:
    desk.add()
    desk.price(101.0)

    page = asyncio.run(desk.notices.page("u1", is_unread=True, limit=10, cursor=""))
    marked = asyncio.run(desk.notices.mark_read("u1", ()))
    after = asyncio.run(desk.notices.page("u1", is_unread=False, limit=10, cursor=""))

    assert (page.unread, marked, after.unread) == (1, 1, 0)
    assert after.items[0].read_at is not None
    assert asyncio.run(desk.notices.page("u2", is_unread=False, limit=10, cursor="")).items == ()


def test_a_rule_that_has_fired_does_not_fire_again_after_a_restart(desk: Desk) -> None:
    desk.add()
    desk.price(101.0)
    desk.restart()

    desk.price(102.0)

    assert len(desk.texts) == 1
    assert desk.watch.of("u1")[0].state is RuleState.FIRED


def test_a_repeating_rule_remembers_over_a_restart_that_it_has_fired(desk: Desk) -> None:
    desk.add(repeats=True)
    desk.price(101.0)
    desk.restart()

    desk.price(102.0)
    assert len(desk.texts) == 1
    desk.price(99.0)
    desk.price(101.0)

    assert len(desk.texts) == 2


def test_staleness_counts_the_age_of_the_view_too(desk: Desk) -> None:
    assert desk.view is not None
    age = desk.view.feed.age_s
    desk.add(kind=AlertKind.STALENESS, symbol="", level=Decimal(repr(age + 0.4)))

    asyncio.run(desk.watch.look())

    assert len(desk.texts) == 1


def test_without_an_engine_nothing_is_known_and_nothing_fires(desk: Desk) -> None:
    desk.view = None
    desk.add(kind=AlertKind.DRAWDOWN, symbol="", level=Decimal(0))

    asyncio.run(desk.watch.look())

    assert desk.texts == []


def test_a_removed_rule_is_gone_after_a_restart_too(desk: Desk) -> None:
    desk.add()
    asyncio.run(desk.watch.remove("r1"))
    desk.restart()

    assert desk.watch.of("u1") == []


def test_exposure_that_nobody_knows_fires_nothing_and_ends_nothing(desk: Desk) -> None:
    assert desk.view is not None
    unknown = msgspec.structs.replace(desk.view.positions[0], mark=None, value="?", unrealised="?")
    desk.view = msgspec.structs.replace(desk.view, positions=(unknown,))
    for number, symbol in enumerate(("", unknown.instrument)):
        desk.add(
            id=f"e{number}",
            kind=AlertKind.EXPOSURE,
            condition=Condition.BELOW,
            level=Decimal("0.9"),
            symbol=symbol,
        )
    desk.add(id="p")

    desk.price(101.0)

    assert desk.texts == ["BTCUSDT.SIM reaches or exceeds 100 – sell some"]


def test_what_fires_while_the_store_is_away_is_kept_and_told_once_it_is_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_given: object) -> None:
        raise StorageError(code="STORE_BUSY", cause="too many wait", fix="try again")

    desk.add()
    with monkeypatch.context() as gone:
        gone.setattr(desk.stores.notifications, "add", away)
        gone.setattr(desk.stores.alerts, "save", away)
        desk.price(101.0)
        desk.price(99.0)
    told_meanwhile = desk.texts
    desk.clock = FastClock(10**18, rate=10.0**6)
    monkeypatch.setattr(desk.watch, "_clock", desk.clock)

    for _ in range(2):
        desk.price(99.0)

    assert told_meanwhile == []
    assert len(desk.texts) == 1
    desk.restart()
    assert desk.watch.of("u1")[0].state is RuleState.FIRED


def an_act(desk: Desk, reference: str, **fields: object) -> AlertRule:
    handlers = AlertHandlers(rules=desk.watch, inbox=desk.notices, clock=desk.clock)
    wanted = {"kind": AlertKind.DRAWDOWN, "level": Decimal("0.1"), **fields}
    request = CreateRule(**wanted)  # type: ignore[arg-type]  # fields of it
    return asyncio.run(handlers.create(a_call(a_person(), reference=reference), request))


def test_the_same_act_come_again_after_its_answer_was_lost_makes_no_second_rule(desk: Desk) -> None:
    first = an_act(desk, "0123456789abcdef0123456789abcdef")
    desk.restart()

    again = an_act(desk, "0123456789abcdef0123456789abcdef")

    assert again == first
    assert len(desk.watch.of("ann")) == 1


@pytest.mark.parametrize("kind", [AlertKind.DRAWDOWN, AlertKind.DAILY_LOSS])
def test_a_fall_of_more_than_all_there_is_never_comes_and_is_refused(
    desk: Desk, kind: AlertKind
) -> None:
    with pytest.raises(Refused) as refused:
        an_act(desk, "0" * 32, kind=kind, level=Decimal(5))

    assert refused.value.cause == "level 5 is no fraction up to 1: 0.05 is 5 %"
    assert an_act(desk, "1" * 32, kind=kind, level=Decimal(1)).level == 1


def test_of_many_rules_that_are_made_at_once_no_more_than_the_most_are_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "PER_OWNER", 2)
    handlers = AlertHandlers(rules=desk.watch, inbox=desk.notices, clock=desk.clock)
    request = CreateRule(kind=AlertKind.DRAWDOWN, level=Decimal("0.1"))

    async def story() -> list[object]:
        calls = (
            handlers.create(a_call(a_person(), reference=f"{number:016d}"), request)
            for number in range(5)
        )
        return await asyncio.gather(*calls, return_exceptions=True)

    made = asyncio.run(story())

    assert sum(isinstance(each, TooMany) for each in made) == 3
    assert len(desk.watch.of("ann")) == 2
