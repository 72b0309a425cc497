"""A small shop behind the door: one operation of each kind, real control, fakes around it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
from starlette.testclient import TestClient
from tests.support.control_fakes import MemoryAudit, MemoryRepetitions
from tests.support.metrics_page import RecordingMetrics
from tests.support.sample_view import FakePlatform

from botcore.api import Door, create_app
from botcore.api.limits import RateLimits
from botcore.api.rest.bodies import BodyTimes, Uploads
from botcore.control.access import GRANTS, STRANGER, Actor, ActorKind, Role, Scope
from botcore.control.dispatch import Control
from botcore.control.handling import Context, Effect, Handling
from botcore.control.operations import (
    Act,
    Confirm,
    Done,
    Idempotency,
    Operation,
    Page,
    Query,
    Request,
    RouteClass,
    Upload,
)
from botcore.control.problems import NotFound, Unauthenticated
from botcore.domain.errors import ConfigError, StorageError
from botcore.kernel.clock import ManualClock

KEYS = {f"bck_{role}": role for role in Role}
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=16, pattern=r"^[a-z0-9/-]+\Z")]


class Colour(StrEnum):
    """What it looks like."""

    RED = "red"
    BLUE = "blue"


class Transport(StrEnum):
    """How a refresh token travels."""

    COOKIE = "cookie"
    BODY = "body"


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """One thing.

    Attributes:
        name: its own.
        price: in USDT.
        seen_at: when it was last looked at.
    """

    name: str
    price: Decimal
    colour: Colour = Colour.RED
    seen_at: datetime | None = None


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """What a sign-in gives."""

    access_token: str
    refresh_token: str = ""
    refresh_max_age_s: int | None = None


class ListThings(Query[Page[Thing]], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """List what there is.

    Attributes:
        colours: only of these.
        since: only what was seen since then.
        limit: how many at most.
    """

    colours: tuple[Colour, ...] = ()
    since: datetime | None = None
    most: Decimal | None = None
    is_new: bool = False
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    cursor: Annotated[str, msgspec.Meta(max_length=64)] = ""


class ReadThing(Query[Thing], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read one thing."""

    name: Name


class PutThing(Act[Thing], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Put a thing in, or change it.

    Attributes:
        price: in USDT.
    """

    name: Name
    price: Decimal
    colour: Colour = Colour.RED
    tags: tuple[Annotated[str, msgspec.Meta(max_length=8)], ...] = ()
    ratio: float = 1.0
    since: datetime | None = None

    def __post_init__(self) -> None:
        if self.price < 0:
            raise ValueError("the price is below zero")


class BuyThing(Act[Done], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Buy a thing."""

    name: Name
    quantity: Annotated[int, msgspec.Meta(ge=1)]


class DropThing(Act[Done], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take a thing away."""

    name: Name


class SendFile(Act[Done], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Send a file in."""

    name: Name
    upload: Upload


class Mood(Query[Done], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Say how the shop is."""


class Fail(Query[Done], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fail in one of many ways."""

    how: str = ""


class Login(Act[Tokens], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sign in."""

    password: str
    transport: Transport = Transport.COOKIE


class Refresh(Act[Tokens], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exchange the refresh token."""

    refresh_token: str = ""
    transport: Transport = Transport.COOKIE


class Logout(Act[Done], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sign out."""

    refresh_token: str = ""
    transport: Transport = Transport.COOKIE


class AskTicket(Query[Done], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Ask for a ticket that is bound to an origin."""

    origin: str = ""


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        name="things.list",
        request=ListThings,
        method="GET",
        path="things",
        aliases=("/api/things",),
        scope=Scope.READ_MARKET,
        route_class=RouteClass.MARKET,
        cache_s=5,
        has_etag=True,
        examples=(
            ListThings(),
            ListThings(colours=(Colour.RED, Colour.BLUE), most=Decimal("2.5"), is_new=True),
        ),
    ),
    Operation(
        name="things.read",
        request=ReadThing,
        method="GET",
        path="things/{name}",
        aliases=("/api/thing",),
        scope=Scope.READ_ACCOUNT,
        has_etag=True,
        problems=("THING_UNKNOWN",),
        examples=(ReadThing(name="a/b"),),
    ),
    Operation(
        name="things.put",
        request=PutThing,
        method="PUT",
        path="things/{name}",
        scope=Scope.TRADE_PAPER,
        route_class=RouteClass.ORDERS,
        body_max=1_000,
        examples=(PutThing(name="cup", price=Decimal("1.50"), tags=("a", "b")),),
    ),
    Operation(
        name="things.buy",
        request=BuyThing,
        method="POST",
        path="things/{name}/purchases",
        scope=Scope.TRADE_PAPER,
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.REQUIRED,
        route_class=RouteClass.ORDERS,
        status=201,
        examples=(BuyThing(name="cup", quantity=2),),
    ),
    Operation(
        name="things.drop",
        request=DropThing,
        method="DELETE",
        path="things/{name}",
        scope=Scope.TRADE_PAPER,
        lowers_risk=True,
        examples=(DropThing(name="cup"),),
    ),
    Operation(
        name="files.send",
        request=SendFile,
        method="POST",
        path="files",
        scope=Scope.RUN_JOBS,
        upload_max=200_000,
        status=202,
    ),
    Operation(
        name="shop.mood",
        request=Mood,
        method="GET",
        path="mood",
        scope=None,
        examples=(Mood(),),
    ),
    Operation(name="shop.fail", request=Fail, method="GET", path="fail", scope=Scope.READ_ACCOUNT),
    Operation(
        name="auth.login",
        request=Login,
        method="POST",
        path="auth/login",
        scope=None,
        route_class=RouteClass.SIGN_IN,
        problems=("SIGN_IN_INCORRECT",),
        examples=(Login(password="x"),),
    ),
    Operation(
        name="auth.refresh",
        request=Refresh,
        method="POST",
        path="auth/refresh",
        scope=None,
        route_class=RouteClass.SIGN_IN,
        problems=("SESSION_ENDED",),
    ),
    Operation(
        name="auth.logout",
        request=Logout,
        method="POST",
        path="auth/logout",
        scope=None,
        lowers_risk=True,
        route_class=RouteClass.SIGN_IN,
    ),
    Operation(
        name="auth.ticket",
        request=AskTicket,
        method="POST",
        path="ws-ticket",
        scope=Scope.READ_MARKET,
    ),
)


class Shop:
    """What the operations act on, and what it has seen."""

    def __init__(self) -> None:
        self.things = {"a/b": Thing(name="a/b", price=Decimal("1.10"))}
        self.asked: list[Request[Any]] = []
        self.files: list[tuple[str, bytes]] = []
        self.gate: asyncio.Event | None = None
        self.big = 0

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        return {
            ListThings: Handling(self.list),
            ReadThing: Handling(self.read),
            PutThing: Handling(self.put),
            BuyThing: Handling(self.buy, self.effect),
            DropThing: Handling(self.drop),
            SendFile: Handling(self.send),
            Mood: Handling(self.mood),
            Fail: Handling(self.fail),
            Login: Handling(self.login),
            Refresh: Handling(self.refresh),
            Logout: Handling(self.logout),
            AskTicket: Handling(self.ticket),
        }

    async def list(self, context: Context, request: ListThings) -> Page[Thing]:
        self.asked.append(request)
        if self.gate is not None:
            await self.gate.wait()
        filler = Thing(name="x" * self.big, price=Decimal(1))
        return Page(items=(*self.things.values(), *([filler] if self.big else [])))

    async def read(self, context: Context, request: ReadThing) -> Thing:
        self.asked.append(request)
        if request.name not in self.things:
            raise NotFound(
                code="THING_UNKNOWN", cause=f"there is no {request.name}", fix="list them"
            )
        return self.things[request.name]

    async def put(self, context: Context, request: PutThing) -> Thing:
        self.asked.append(request)
        thing = Thing(name=request.name, price=request.price, colour=request.colour)
        self.things[request.name] = thing
        return thing

    async def buy(self, context: Context, request: BuyThing) -> Done:
        self.asked.append(request)
        return Done(detail=f"bought {request.quantity}")

    async def effect(self, context: Context, request: BuyThing) -> Effect:
        return Effect(f"Buy {request.quantity} × {request.name}", request.quantity > 10)

    async def drop(self, context: Context, request: DropThing) -> Done:
        self.asked.append(request)
        return Done()

    def send(self, context: Context, request: SendFile) -> Done:
        content = Path(request.upload.path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == request.upload.sha256
        assert len(content) == request.upload.size
        self.files.append((request.name, content))
        return Done()

    async def mood(self, context: Context, request: Mood) -> Done:
        return Done(detail=f"{context.actor.kind}")

    async def fail(self, context: Context, request: Fail) -> Done:
        match request.how:
            case "config":
                raise ConfigError(code="A_CONFIG", cause="a", fix="b")
            case "storage":
                raise StorageError(code="A_STORE", cause="a", fix="b")
            case "home":
                raise StorageError(
                    code="A_STORE",
                    cause="the disk is full (writing /home/kim/x: OSError: host db.internal)",
                    fix="look at /home/kim/x",
                )
            case "session":
                raise Unauthenticated(code="SESSION_ENDED", cause="a", fix="b")
            case _:
                raise ZeroDivisionError("a secret detail")

    async def login(self, context: Context, request: Login) -> Tokens:
        if request.password == "wrong":
            raise Unauthenticated(code="SIGN_IN_INCORRECT", cause="a", fix="b")
        if request.password == "first":
            return Tokens(access_token="")
        age = 3_600 if request.password == "stay" else None
        return Tokens(access_token="a1", refresh_token="r1", refresh_max_age_s=age)

    async def refresh(self, context: Context, request: Refresh) -> Tokens:
        self.asked.append(request)
        if request.refresh_token != "r1":
            raise Unauthenticated(code="SESSION_ENDED", cause="a", fix="b")
        return Tokens(access_token="a2", refresh_token="r2")

    async def logout(self, context: Context, request: Logout) -> Done:
        self.asked.append(request)
        return Done()

    async def ticket(self, context: Context, request: AskTicket) -> Done:
        return Done(detail=request.origin)


class Doorkeeper:
    """Knows callers by key; a cookie ``page=owner`` counts where the door shows it."""

    def __init__(self) -> None:
        self.seen: list[Mapping[str, str]] = []

    async def __call__(self, headers: Mapping[str, str], address: str) -> Actor:
        self.seen.append(headers)
        shown = headers.get("authorization", "")
        if not shown and headers.get("cookie") == "page=owner":
            shown = f"Bearer bck_{Role.OWNER}"
        if not shown:
            return msgspec.structs.replace(STRANGER, address=address)
        role = KEYS.get(shown.removeprefix("Bearer "))
        if role is None:
            raise Unauthenticated(code="TOKEN_REFUSED", cause="it is none of ours", fix="sign in")
        return Actor(
            kind=ActorKind.PERSON,
            name=f"person:{role}",
            user=f"id-{role}",
            role=role,
            scopes=GRANTS[role],
            address=address,
        )


class Rows:
    """Remembers the access rows."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str, int]] = []
        self.sizes: list[int] = []

    def accessed(
        self,
        actor: Actor,
        operation: Operation,
        *,
        status: int,
        correlation: str,
        seconds: float,
        size: int,
    ) -> None:
        self.all.append((actor.name, operation.name, status))
        self.sizes.append(size)


class Counter:
    """The whole counter: shop, control, door and application."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: RateLimits | None = None,
        times: BodyTimes | None = None,
        operations: tuple[Operation, ...] = OPERATIONS,
    ) -> None:
        self.clock = ManualClock(1_800_000_000 * 10**9)
        self.shop = Shop()
        self.audit = MemoryAudit()
        self.repetitions = MemoryRepetitions(self.audit)
        self.rows = Rows()
        self.keeper = Doorkeeper()
        handlers = self.shop.handlers()
        self.control = Control(
            operations,
            {each.request: handlers[each.request] for each in operations},
            audit=self.audit,
            repetitions=self.repetitions,
            clock=self.clock,
        )
        times = times or BodyTimes()
        self.uploads = folder / "uploads"
        self.door = Door(
            self.control,
            authenticate=self.keeper,
            clock=self.clock,
            limits=limits,
            rows=self.rows,
            uploads=Uploads(self.uploads, times),
            times=times,
        )
        self.app = create_app(
            FakePlatform(),
            version="0.1.0",
            metrics=RecordingMetrics(),
            clock=self.clock,
            door=self.door,
        )

    def client(
        self, role: Role | None = Role.OWNER, *, base_url: str = "http://localhost"
    ) -> TestClient:
        headers = {} if role is None else {"Authorization": f"Bearer bck_{role}"}
        return TestClient(self.app, base_url=base_url, headers=headers)
