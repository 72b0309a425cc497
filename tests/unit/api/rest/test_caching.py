"""Kept answers: asked for once, bounded, and never told to others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps

import msgspec
import pytest

from botcore.api.rest.caching import AnswerCache, Fresh, etag_of, grant_of, is_known
from botcore.control.access import GRANTS, Actor, ActorKind, Role, Scope
from botcore.control.operations import Done, Operation, Query
from botcore.kernel.clock import ManualClock


def runs(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    @wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


class Ask(Query[Done], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask."""


def operation(scope: Scope | None) -> Operation:
    return Operation(name="a.b", request=Ask, method="GET", path="a", scope=scope)


def actor(name: str, role: Role, symbols: frozenset[str] = frozenset()) -> Actor:
    return Actor(
        kind=ActorKind.KEY, name=name, user=name, role=role, scopes=GRANTS[role], symbols=symbols
    )


class Source:
    def __init__(self) -> None:
        self.asked = 0
        self.gate = asyncio.Event()
        self.failure: BaseException | None = None

    async def ask(self) -> Fresh:
        self.asked += 1
        await self.gate.wait()
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        return Fresh(b"answer %d" % self.asked, 1.0)


async def many(cache: AnswerCache, source: Source, number: int) -> list[bytes | BaseException]:
    calls = [asyncio.ensure_future(cache.get("key", source.ask)) for _ in range(number)]
    await ManualClock().sleep(0)
    source.gate.set()
    told = await asyncio.gather(*calls, return_exceptions=True)
    return [each if isinstance(each, BaseException) else each.body for each in told]


@runs
async def test_many_who_ask_at_once_ask_once() -> None:
    source = Source()

    told = await many(AnswerCache(ManualClock()), source, 50)

    assert told == [b"answer 1"] * 50
    assert source.asked == 1


@runs
async def test_a_failure_is_told_to_who_met_it_and_the_next_one_asks_again() -> None:
    source = Source()
    source.failure = ValueError("once")

    told = await many(AnswerCache(ManualClock()), source, 3)

    assert sorted(map(repr, told)) == ["ValueError('once')", "b'answer 2'", "b'answer 2'"]
    assert source.asked == 2


@runs
async def test_one_who_hangs_up_takes_nobody_with_him() -> None:
    cache, source = AnswerCache(ManualClock()), Source()
    first = asyncio.ensure_future(cache.get("key", source.ask))
    await ManualClock().sleep(0)
    second = asyncio.ensure_future(cache.get("key", source.ask))
    await ManualClock().sleep(0)

    first.cancel()
    await ManualClock().sleep(0)
    source.gate.set()

    assert (await second).body == b"answer 2"


@runs
async def test_an_answer_ends_with_its_time() -> None:
    clock = ManualClock()
    cache, source = AnswerCache(clock), Source()
    source.gate.set()

    first = await cache.get("key", source.ask)
    clock.advance(999_999_999)
    same = await cache.get("key", source.ask)
    clock.advance(1)
    other = await cache.get("key", source.ask)

    assert (first.body, same.body, other.body) == (b"answer 1", b"answer 1", b"answer 2")


@runs
async def test_the_one_that_was_used_longest_ago_goes_first() -> None:
    cache = AnswerCache(ManualClock(), entries_max=2)
    asked: list[str] = []

    async def get(key: str) -> None:
        async def ask() -> Fresh:
            asked.append(key)
            return Fresh(b"x", 10.0)

        await cache.get(key, ask)

    for key in ("a", "b", "a", "c", "a", "b"):
        await get(key)

    assert asked == ["a", "b", "c", "b"]
    assert len(cache) == 2


@runs
async def test_bytes_are_bounded_and_a_huge_answer_is_not_kept() -> None:
    cache = AnswerCache(ManualClock(), bytes_max=1_000)

    async def of(size: int) -> Fresh:
        return Fresh(b"x" * size, 10.0)

    for number in range(30):
        await cache.get(number, lambda: of(90))
    assert len(cache) == 11
    await cache.get("huge", lambda: of(101))
    assert len(cache) == 11


def test_market_data_is_shared_by_those_whose_keys_name_the_same_symbols() -> None:
    market = operation(Scope.READ_MARKET)
    bounded = actor("c", Role.TRADER, frozenset({"BTCUSDT"}))

    assert grant_of(market, actor("a", Role.OWNER)) == grant_of(market, actor("b", Role.VIEWER))
    assert grant_of(market, bounded) != grant_of(market, actor("c", Role.TRADER))


@pytest.mark.parametrize("scope", [None, *(each for each in Scope if each != Scope.READ_MARKET)])
def test_anything_else_is_told_to_nobody_but_who_asked(scope: Scope | None) -> None:
    one, other = actor("a", Role.OWNER), actor("b", Role.OWNER)
    demoted = msgspec.structs.replace(one, scopes=frozenset())

    assert grant_of(operation(scope), one) != grant_of(operation(scope), other)
    assert grant_of(operation(scope), one) != grant_of(operation(scope), demoted)


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ("*", True),
        (etag_of(b"x").decode(), True),
        (etag_of(b"x").decode().removeprefix("W/"), True),
        (f'"a", {etag_of(b"x").decode()} , "b"', True),
        (etag_of(b"y").decode(), False),
        ("", False),
    ],
)
def test_a_mark_is_compared_weakly(header: str, *, known: bool) -> None:
    assert is_known(header, etag_of(b"x")) is known
