"""What facts tell and what REST shows are the same, over a real engine, store and control."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.stream_items import a_trade
from tests.support.stream_server import RecordingWatch
from tests.support.trading_session import ACCOUNT
from tests.unit.control.trading.test_through_control import Platform

from botcore.api.ws import Feeds, RestTruth, new_hub
from botcore.api.ws.stream import Change
from botcore.control.access import SYSTEM
from botcore.control.encoding import to_json
from botcore.control.schema import accounts, alerts, health, jobs, market, orders, positions
from botcore.control.schema import risk as risks
from botcore.control.schema import strategies as bots
from botcore.control.schema import streams as s
from botcore.control.schema.streams import Channel, Message
from botcore.domain import commands as c
from botcore.domain.ids import ClientOrderId, InstrumentId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderType, Side
from botcore.kernel.clock import SystemClock

CLOCK = SystemClock()
COIN = InstrumentId("COINUSDT.SIM")


async def _no_lines() -> Sequence[Message]:
    return ()


def submit(platform: Platform, reference: str, side: Side, quantity: str, price: str = "") -> str:
    """Place an order as a person does, and return its id; empty where it is refused."""
    wish = c.OrderWish(
        account=ACCOUNT,
        instrument=COIN,
        side=side,
        type=OrderType.LIMIT if price else OrderType.MARKET,
        quantity=Decimal(quantity),
        limit_price=Decimal(price) if price else None,
    )
    act = c.SubmitOrder(order=wish, by="person:ann", reference=reference)
    placed = asyncio.run(platform.desk.act(act)).orders
    return str(placed[0].client_order_id) if placed else ""


def a_day(platform: Platform) -> None:
    """Orders that fill, rest, are taken back and are refused."""
    submit(platform, "first", Side.BUY, "2.500")
    platform.desk.bar(101.0)
    resting = submit(platform, "low", Side.BUY, "1", "90")
    lower = submit(platform, "lower", Side.BUY, "1", "80")
    submit(platform, "much", Side.BUY, "100000")
    platform.desk.bar(102.0)
    amended = c.AmendOrder(
        account=ACCOUNT,
        by="person:ann",
        reference="dearer",
        client_order_id=ClientOrderId(lower),
        limit_price=Decimal(81),
    )
    asyncio.run(platform.desk.act(amended))
    asyncio.run(platform.desk.act(c.CancelOne(ACCOUNT, "person:ann", ClientOrderId(resting))))
    platform.desk.bar(95.0)
    submit(platform, "some", Side.SELL, "1.500")
    platform.desk.bar(96.0)


class Told:
    """Feeds that have heard only facts, after what was there at the start."""

    def __init__(self, platform: Platform) -> None:
        self.hub = new_hub(CLOCK)
        self.truth = RestTruth(control=platform.control, platform=platform.desk, lines=_no_lines)
        self.watch = RecordingWatch()
        self.feeds = Feeds(
            self.hub,
            truth=self.truth,
            platform=platform.desk,
            watch=self.watch,
            clock=CLOCK,
        )

    def state(self, channel: Channel) -> list[Message]:
        return [change.message for change in self.hub.stream(channel).state()]


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    platform = Platform(tmp_path)
    yield platform
    platform.desk.close()


@pytest.mark.parametrize("channel", [Channel.ORDERS, Channel.FILLS])
def test_the_fold_of_facts_is_what_rest_shows(platform: Platform, channel: Channel) -> None:
    told = Told(platform)
    a_day(platform)

    for fact in platform.desk.session.facts:
        told.feeds._take(fact)

    shown = asyncio.run(told.truth.read(channel, SYSTEM, ()))
    assert shown
    assert told.state(channel) == list(shown)
    envelopes = [change.envelope.decode() for change in told.hub.stream(channel).state()]
    assert [json.loads(f"{{{each}}}")["data"] for each in envelopes] == [
        json.loads(to_json(each)) for each in shown
    ], "each number has one text, whichever way it came"


def test_a_very_small_amount_is_written_in_plain_digits() -> None:
    trade = msgspec.structs.replace(a_trade("t"), quantity=Decimal("0.00000001"))
    told = Change(1, ("TradeUpdate", "o/t"), trade, is_removed=False)

    assert b'"quantity":"0.00000001"' in told.envelope


@pytest.mark.requirement("WS RiskAlert", "WS PerformanceUpdate", "WS SystemHealth")
def test_each_channel_of_trading_is_read_as_rest_shows_it(platform: Platform) -> None:
    a_day(platform)
    slower = c.SetMode(ACCOUNT, Mode.REDUCE_ONLY, "person:ann", "a look at it")
    asyncio.run(platform.desk.act(slower))
    told = Told(platform)

    async def read() -> dict[Channel, Sequence[Message]]:
        return {
            channel: await told.truth.read(channel, SYSTEM, ())
            for channel in (
                Channel.POSITIONS,
                Channel.EQUITY,
                Channel.MODE,
                Channel.RISK,
                Channel.HEALTH,
                Channel.FILLS,
            )
        }

    found = asyncio.run(read())

    (position,) = found[Channel.POSITIONS]
    assert isinstance(position, s.PositionUpdate)
    assert position.quantity == 1
    (account,) = found[Channel.EQUITY]
    assert isinstance(account, s.PerformanceUpdate)
    assert account.equity.currency == "USDT"
    (mode,) = found[Channel.MODE]
    assert isinstance(mode, s.ModeUpdate)
    assert mode.account == ACCOUNT
    usage, alert = found[Channel.RISK]
    assert isinstance(usage, s.RiskUpdate)
    assert isinstance(alert, s.RiskAlert)
    assert alert.code == "MODE_CHANGED"
    assert found[Channel.HEALTH]
    assert all(isinstance(each, s.SystemHealth) for each in found[Channel.HEALTH])
    times = [each.time for each in found[Channel.FILLS] if isinstance(each, s.TradeUpdate)]
    assert times == sorted(times)


def test_facts_that_come_while_the_store_is_read_are_not_lost(platform: Platform) -> None:
    told = Told(platform)
    a_day(platform)
    facts = platform.desk.session.facts

    async def story() -> None:
        running = asyncio.create_task(told.feeds.run())
        for number, fact in enumerate(facts):
            told.feeds.fact(number, fact)
            if number % 5 == 0:
                told.feeds.lost()
            if number % 3 == 0:
                await CLOCK.sleep(0.002)
        for channel in (Channel.ORDERS, Channel.FILLS):
            wanted = list(await told.truth.read(channel, SYSTEM, ()))
            while told.state(channel) != wanted:
                await CLOCK.sleep(0.01)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(asyncio.wait_for(story(), 20))

    assert told.watch.failures == []


PAIRS: list[tuple[type[Message], Any, set[str]]] = [
    (s.OrderUpdate, orders.Order, set()),
    (s.PositionUpdate, positions.Position, set()),
    (s.PerformanceUpdate, accounts.Account, set()),
    (s.SignalUpdate, bots.Signal, set()),
    (s.DecisionUpdate, bots.LastDecision, {"strategy"}),
    (s.RiskUpdate, risks.RiskStanding, set()),
    (s.AlertUpdate, alerts.Notification, set()),
    (s.JobUpdate, jobs.Job, set()),
    (s.SystemHealth, health.Component, set()),
    (s.BookUpdate, market.Book, set()),
    (s.CandleUpdate, market.Candle, {"symbol", "timeframe"}),
]


@pytest.mark.parametrize(("message", "answer", "beside"), PAIRS)
def test_a_message_has_only_fields_that_rest_has(
    message: type[Message], answer: Any, beside: set[str]
) -> None:
    assert set(message.__struct_fields__) - beside <= set(answer.__struct_fields__)
