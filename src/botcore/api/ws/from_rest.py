"""A channel's state as REST shows it: the same questions, answered by the same handlers."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec

from botcore.api.ws.ports import Asking, ViewSource
from botcore.control.access import SYSTEM, Actor
from botcore.control.operations import Page, Request
from botcore.control.problems import NotFound
from botcore.control.schema.accounts import Account, ListAccounts
from botcore.control.schema.alerts import ListNotifications
from botcore.control.schema.health import GetHealthDetails
from botcore.control.schema.jobs import ListJobs
from botcore.control.schema.market import ListSymbols, ReadBook, ReadOhlcv, ReadTicker
from botcore.control.schema.orders import ListOrders
from botcore.control.schema.positions import ListPositions
from botcore.control.schema.risk import GetRiskState
from botcore.control.schema.strategies import ListSignals, ListStrategies
from botcore.control.schema.streams import (
    AlertUpdate,
    BookUpdate,
    CandleUpdate,
    Channel,
    DecisionUpdate,
    JobUpdate,
    Message,
    ModeUpdate,
    OrderUpdate,
    PerformanceUpdate,
    PositionUpdate,
    PriceUpdate,
    RiskAlert,
    RiskUpdate,
    SignalUpdate,
    SystemHealth,
    TradeUpdate,
)
from botcore.control.schema.trades import Fill, ListFills
from botcore.control.schema.values import PAGE_MAX, instant

A = TypeVar("A")
M = TypeVar("M", bound=Message)
_BOOK_LEVELS: Final = 20


class RestTruth:
    """Asks control what REST would ask it (`ports.Truth`).

    Args:
        control: answers.
        platform: its view has the engine's newest alerts.
        lines: reads the newest lines of the log, oldest first.
    """

    def __init__(
        self,
        *,
        control: Asking,
        platform: ViewSource,
        lines: Callable[[], Awaitable[Sequence[Message]]],
    ) -> None:
        self._control = control
        self._platform = platform
        self._lines = lines

    async def read(
        self, channel: Channel, actor: Actor, instruments: Iterable[str]
    ) -> Sequence[Message]:
        """Return the state of a channel.

        Raises:
            BotError: it cannot be read now.
        """
        match channel:
            case Channel.PRICES:
                return await self._prices()
            case Channel.CANDLES:
                return await self._each(instruments, self._candle)
            case Channel.BOOK:
                return await self._each(instruments, self._book)
            case Channel.ORDERS:
                return [
                    to(OrderUpdate, order)
                    for account in await self._accounts()
                    async for order in self._all(
                        ListOrders(account=account.id, working=True, limit=PAGE_MAX)
                    )
                ]
            case Channel.FILLS:
                return await self._fills()
            case Channel.POSITIONS:
                return [
                    to(PositionUpdate, position)
                    for account in await self._accounts()
                    async for position in self._all(ListPositions(account=account.id))
                ]
            case Channel.EQUITY:
                return [to(PerformanceUpdate, account) for account in await self._accounts()]
            case Channel.SIGNALS:
                page = await self._ask(SYSTEM, ListSignals(limit=SignalUpdate.KEEPS or 1))
                return [to(SignalUpdate, signal) for signal in reversed(page.items)]
            case Channel.DECISIONS:
                return [
                    DecisionUpdate(strategy=strategy.id, **msgspec.structs.asdict(last))
                    async for strategy in self._all(ListStrategies())
                    for last in strategy.decisions
                ]
            case Channel.RISK:
                return [*await self._risk(), *self._alerts()]
            case Channel.MODE:
                return [
                    ModeUpdate(account=account.id, mode=account.mode, cause=account.mode_cause)
                    for account in await self._accounts()
                ]
            case Channel.ALERTS:
                told = await self._ask(actor, ListNotifications(limit=AlertUpdate.KEEPS or 1))
                return [to(AlertUpdate, each) for each in reversed(told.items)]
            case Channel.JOBS:
                jobs = await self._ask(actor, ListJobs(limit=JobUpdate.KEEPS or 1))
                return [to(JobUpdate, job) for job in reversed(jobs.items)]
            case Channel.HEALTH:
                health = await self._ask(SYSTEM, GetHealthDetails())
                return [to(SystemHealth, part) for part in health.components]
            case Channel.LOG:
                return await self._lines()

    async def _prices(self) -> list[Message]:
        return await self._each(
            [symbol.symbol async for symbol in self._all(ListSymbols(traded=True))], self._price
        )

    async def _price(self, symbol: str) -> PriceUpdate | None:
        ticker = await self._ask(SYSTEM, ReadTicker(symbol=symbol))
        if ticker.price is None or ticker.time is None:
            return None
        return PriceUpdate(symbol=symbol, price=ticker.price, timestamp=ticker.time)

    async def _candle(self, symbol: str) -> CandleUpdate | None:
        series = await self._ask(SYSTEM, ReadOhlcv(symbol=symbol, limit=1))
        if not series.candles:
            return None
        newest = msgspec.structs.asdict(series.candles[-1])
        return CandleUpdate(symbol=symbol, timeframe=series.timeframe, **newest)

    async def _book(self, symbol: str) -> BookUpdate | None:
        return to(BookUpdate, await self._ask(SYSTEM, ReadBook(symbol=symbol, levels=_BOOK_LEVELS)))

    async def _fills(self) -> list[Message]:
        """Return the newest executions of all accounts, oldest first."""
        keeps = TradeUpdate.KEEPS or 1
        accounts = await self._accounts()
        found: list[Fill] = []
        for account in accounts:
            page = await self._ask(SYSTEM, ListFills(account=account.id, limit=keeps))
            found += reversed(page.items)
        if len(accounts) > 1:
            found.sort(key=lambda fill: fill.time)
        return [
            TradeUpdate(
                trade_id=fill.id,
                **{
                    name: getattr(fill, name)
                    for name in TradeUpdate.__struct_fields__
                    if name not in ("trade_id", "status")
                },
            )
            for fill in found[-keeps:]
        ]

    async def _risk(self) -> list[Message]:
        return [
            to(RiskUpdate, await self._ask(SYSTEM, GetRiskState(account=account.id)))
            for account in await self._accounts()
        ]

    def _alerts(self) -> list[Message]:
        view = self._platform.view()
        alerts = () if view is None else view.alerts
        return [
            RiskAlert(time=instant(alert.ts), code=alert.code, detail=alert.detail)
            for alert in reversed(alerts[: RiskAlert.KEEPS])
        ]

    async def _accounts(self) -> tuple[Account, ...]:
        page: Page[Account] = await self._ask(SYSTEM, ListAccounts())
        return page.items

    async def _each(
        self, symbols: Iterable[str], read: Callable[[str], Awaitable[M | None]]
    ) -> list[Message]:
        """Read about each instrument; one that there is not is left out."""
        found: list[Message] = []
        for symbol in symbols:
            try:
                message = await read(symbol)
            except NotFound:
                continue
            if message is not None:
                found.append(message)
        return found

    async def _all(self, request: Request[Page[A]]) -> AsyncIterator[A]:
        while True:
            page = await self._ask(SYSTEM, request)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            request = msgspec.structs.replace(request, cursor=page.next_cursor)

    async def _ask(self, actor: Actor, request: Request[A]) -> A:
        answer: A = await self._control.send(
            actor, request, correlation=f"ws-{secrets.token_hex(8)}"
        )
        return answer


def to(kind: type[M], answer: Any) -> M:  # noqa: ANN401  # any answer with fields of these names
    """Return an answer of REST as a message: fields of the same names, the others left out."""
    return msgspec.convert(answer, kind, from_attributes=True)
