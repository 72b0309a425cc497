"""Fakes of control's ports: an audit and repetitions in memory, and a small set of operations."""

from __future__ import annotations

import asyncio
from typing import Any

from botcore.control.access import Scope
from botcore.control.handling import Context, Effect, Handling
from botcore.control.operations import (
    Act,
    Confirm,
    Done,
    Idempotency,
    Operation,
    Query,
    Request,
)
from botcore.control.ports import AuditEntry, Beginning
from botcore.domain.errors import StorageError


def gone() -> StorageError:
    return StorageError(code="DISK_FULL", cause="the disk is full", fix="free some")


class MemoryAudit:
    """Entries in order; `is_gone` refuses all further ones, and a `gate` holds them up."""

    def __init__(self) -> None:
        self.gate: asyncio.Event | None = None
        self.entries: list[AuditEntry] = []
        self.missed: list[AuditEntry] = []
        self.is_gone = False

    async def append(self, entry: AuditEntry) -> int:
        if self.gate is not None:
            await self.gate.wait()
        if self.is_gone:
            raise gone()
        self.entries.append(entry)
        return len(self.entries)

    def lost(self, entry: AuditEntry, error: StorageError) -> None:
        self.missed.append(entry)

    def results(self, action: str) -> list[str]:
        return [entry.result for entry in self.entries if entry.action == action]


class MemoryRepetitions:
    """Answers by actor and key; a `gate` holds up what begins."""

    def __init__(self, audit: MemoryAudit) -> None:
        self.gate: asyncio.Event | None = None
        self._audit = audit
        self.known: dict[tuple[str, str], tuple[str, bytes | None]] = {}
        self.left: dict[tuple[str, str], str] = {}
        self.is_late = self.is_gone = False

    async def begin(self, actor: str, key: str, digest: str) -> Beginning | bytes:
        if self.gate is not None:
            await self.gate.wait()
        if self.is_gone:
            raise gone()
        found = self.known.get((actor, key))
        if found is None:
            if self.left.get((actor, key), digest) != digest:
                return Beginning.OTHER
            if self.is_late and (actor, key) in self.left:
                return Beginning.UNFINISHED
            self.known[actor, key] = (digest, None)
            return Beginning.NEW
        if found[0] != digest:
            return Beginning.OTHER
        return Beginning.RUNNING if found[1] is None else found[1]

    async def finish(self, actor: str, key: str, answer: bytes, entry: AuditEntry) -> None:
        if self.is_gone:
            raise gone()
        digest, _ = self.known.get((actor, key), ("", None))
        self.known[actor, key] = (digest, answer)
        await self._audit.append(entry)

    def leave(self, actor: str, key: str) -> None:
        digest, _ = self.known.pop((actor, key), ("", None))
        self.left[actor, key] = digest

    async def forget(self, actor: str, key: str) -> None:
        self.known.pop((actor, key), None)


class Count(Query[Done], frozen=True, kw_only=True):
    """Say how often something was bought."""


class Buy(Act[Done], frozen=True, kw_only=True):
    """Buy something."""

    amount: int
    secret: str = ""


class Stop(Act[Done], frozen=True, kw_only=True):
    """Stop everything."""


class Promote(Act[Done], frozen=True, kw_only=True):
    """Give a role."""


class Ping(Query[Done], frozen=True, kw_only=True):
    """Say that it is there."""


def operations() -> tuple[Operation, ...]:
    return (
        Operation(
            name="shop.count", request=Count, method="GET", path="shop", scope=Scope.READ_ACCOUNT
        ),
        Operation(
            name="shop.buy",
            request=Buy,
            method="POST",
            path="shop",
            scope=Scope.TRADE_PAPER,
            confirm=Confirm.IF_RAISING,
            idempotency=Idempotency.REQUIRED,
        ),
        Operation(
            name="shop.stop",
            request=Stop,
            method="POST",
            path="shop/stop",
            scope=Scope.TRADE_PAPER,
            lowers_risk=True,
        ),
        Operation(
            name="shop.promote",
            request=Promote,
            method="POST",
            path="shop/promote",
            scope=Scope.ADMIN_USERS,
            has_step_up=True,
            confirm=Confirm.ALWAYS,
        ),
        Operation(name="shop.ping", request=Ping, method="GET", path="ping", scope=None),
    )


class Shop:
    """What the small operations act on; an amount of up to 10 raises nothing."""

    def __init__(self) -> None:
        self.bought: list[int] = []
        self.references: list[str] = []
        self.stopped = 0
        self.failure: BaseException | None = None
        self.failure_after_noting: Exception | None = None
        self.gate: asyncio.Event | None = None

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        return {
            Count: Handling(self.count),
            Buy: Handling(self.buy, self.effect, frozenset({"secret"})),
            Stop: Handling(self.stop),
            Promote: Handling(self.promote),
            Ping: Handling(self.ping),
        }

    async def ping(self, context: Context, request: Ping) -> Done:
        return Done(detail="there")

    def count(self, context: Context, request: Count) -> Done:
        return Done(detail=str(len(self.bought)))

    async def buy(self, context: Context, request: Buy) -> Done:
        if self.gate is not None:
            await self.gate.wait()
        if self.failure is not None:
            raise self.failure
        context.noted.changed("things", len(self.bought), len(self.bought) + 1)
        if self.failure_after_noting is not None:
            raise self.failure_after_noting
        self.bought.append(request.amount)
        self.references.append(context.reference)
        return Done(detail=f"bought {request.amount}")

    async def stop(self, context: Context, request: Stop) -> Done:
        self.stopped += 1
        return Done(detail="stopped")

    async def promote(self, context: Context, request: Promote) -> Done:
        return Done(detail="promoted")

    async def effect(self, context: Context, request: Buy) -> Effect:
        return Effect(f"Buy {request.amount} things", is_raising=request.amount > 10)
