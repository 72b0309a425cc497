"""Where the command line finds control: on a server, in what runs here, or opened in process."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import msgspec

from botcore.app.home import Home, RunInfo
from botcore.app.home_lock import HomeLock, is_locked
from botcore.app.local_user import local_user
from botcore.app.settings import Settings, load_settings
from botcore.app.straight_way import WAIT_S, go_straight, has_straight_way, is_away
from botcore.control.access import Actor, local_actor
from botcore.control.operations import Operation, Request
from botcore.control.problems import ConfirmationRequired, Unavailable
from botcore.control.schema.orders import CancelOrders
from botcore.control.schema.positions import FlattenAll
from botcore.control.schema.risk import ChangeMode, StopAll
from botcore.domain.errors import BotError, ConfigError
from botcore.kernel.clock import SystemClock

KEY: Final = "BOTCORE_KEY"
_CORRELATION: Final = "cli"
_BUSY_S: Final = 5.0
_LOOK_S: Final = 0.1
Confirm = Callable[[str], bool]
Say = Callable[[str], None]
_OF_THE_ENGINE: Final = (CancelOrders, ChangeMode, FlattenAll, StopAll)
"""Acts on the account itself: where nothing runs, nobody carries them out."""


class Sender(Protocol):
    """Takes requests, wherever control is."""

    async def send(
        self, request: Request[Any], *, confirmation: str = "", idempotency_key: str = ""
    ) -> Any:  # noqa: ANN401  # of the type that the request names
        """Carry out a request.

        Raises:
            BotError: it was refused, or failed.
        """
        ...


def tell(
    operation: Operation,
    request: Request[Any],
    *,
    overrides: Mapping[str, object],
    server: str,
    key_file: str,
    confirm: Confirm,
    idempotency_key: str,
    all_pages: bool,
    say: Say,
) -> object:
    """Tell control a request and return its answer.

    Where control of this machine does not take an act that lowers risk, the engine is told
    straight, and `say` is given a line that says so.

    Args:
        operation: of the request.
        request: what is asked.
        overrides: settings from the command line.
        server: an address; empty for this machine.
        key_file: holds the API key for a server; else BOTCORE_KEY does.
        confirm: is shown what an act would do, and says whether to do it.
        idempotency_key: of an earlier try of the same act.
        all_pages: follow a list to its end.
        say: takes a line for people beside the answer.

    Raises:
        ConfigError: the act needs the engine, and nothing runs here.
        BotError: it was refused, or failed.
    """
    errand = _Errand(operation, request, confirm, idempotency_key)
    if server or not operation.is_act:
        way = _Way(overrides, server=server, key_file=key_file)
        return asyncio.run(_told(way, errand, all_pages=all_pages))
    home = Home(load_settings(**overrides).home)
    info = home.run_info() if is_locked(home.path) else None
    if isinstance(request, _OF_THE_ENGINE) and not is_locked(home.path):
        raise _not_running(home)
    try:
        if not has_straight_way(request):
            return asyncio.run(_told(_Way(overrides), errand))
        if info is not None and not info.port:
            raise _no_control(home)
        return asyncio.run(_told(_Way(overrides, wait_s=WAIT_S), errand))
    except BotError as error:
        info = home.run_info() if is_locked(home.path) else None
        if info is None or not info.commands or not is_away(error):
            raise
        if not has_straight_way(request):
            raise _explained(error) from error
        say(f"control does not take it ({error.code}): the engine is told straight, past the audit")
        by = local_actor(local_user()).by
        return go_straight(home, info, operation, request, by=by, why=error.code)


class _Way(NamedTuple):
    """How control is reached.

    Attributes:
        wait_s: how long it is waited for at each step; None is as long as a client does.
    """

    overrides: Mapping[str, object]
    server: str = ""
    key_file: str = ""
    wait_s: float | None = None

    @asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Wait for what is done here no longer than `wait_s`.

        Raises:
            Unavailable: it took longer.
        """
        try:
            async with asyncio.timeout(self.wait_s):
                yield
        except TimeoutError as error:
            raise Unavailable(
                code="CONTROL_SLOW",
                cause=f"control did not answer within {self.wait_s:.0f} s",
                fix="see `./bot status` and `./bot logs --service api`",
            ) from error


class _Errand(NamedTuple):
    """A request on its way to control.

    Attributes:
        key: of an earlier try of the same act; empty makes a new one.
    """

    operation: Operation
    request: Request[Any]
    confirm: Confirm
    key: str = ""


async def _told(way: _Way, errand: _Errand, *, all_pages: bool = False) -> object:
    async with _door(way) as sender:
        answer: Any = await _confirmed(way, errand, sender)
        while all_pages and getattr(answer, "next_cursor", None):
            following = msgspec.structs.replace(errand.request, cursor=answer.next_cursor)
            more = await sender.send(following)
            answer = msgspec.structs.replace(more, items=answer.items + more.items)
        return answer


async def _confirmed(way: _Way, errand: _Errand, sender: Sender) -> object:
    key = errand.key or (os.urandom(12).hex() if errand.operation.is_act else "")
    try:
        async with way.bounded():
            return await sender.send(errand.request, idempotency_key=key)
    except ConfirmationRequired as error:
        if not errand.confirm(error.cause):
            raise ConfigError(
                code="NOT_CONFIRMED", cause="it was not confirmed", fix="nothing was done"
            ) from error
        token = str(error.details["confirmation_token"])
        async with way.bounded():
            return await sender.send(errand.request, confirmation=token, idempotency_key=key)


def _not_running(home: Home) -> ConfigError:
    return ConfigError(
        code="NOT_RUNNING",
        cause=f"nothing runs in {home.path}",
        fix="start it with `./bot up`, or name its home with BOTCORE_HOME",
    )


def _no_control(home: Home) -> Unavailable:
    return Unavailable(
        code="CONTROL_NOT_RUNNING",
        cause=f"only the engine runs in {home.path}, without control",
        fix="start the platform with `./bot up`",
    )


def _explained(error: BotError) -> BotError:
    """Return an error with what to do about it here, where the platform is at hand."""
    if error.code != "SERVER_UNREACHABLE":
        return error
    return Unavailable(
        code=error.code,
        cause=error.cause,
        fix="see `./bot logs --service api`; `./bot restart` starts it anew, and nothing is sold;"
        " `./bot kill`, `cancel-all` and `pause` work meanwhile",
    )


@asynccontextmanager
async def _door(way: _Way) -> AsyncIterator[Sender]:
    if way.server:
        from botcore.client import Client  # the network: only where it is asked for

        async with Client(way.server, key=_key(way.key_file)) as client:
            yield client
        return
    settings = load_settings(**way.overrides)
    home = Home(settings.home)
    lock = HomeLock(home.path)
    async with way.bounded():
        info = await _running_or_locked(home, lock)
    if info is not None:
        from botcore.client import Client, Credentials

        credentials = Credentials(local=home.token())
        address, pinned = info.url, settings.tls_certificate
        async with Client(address, credentials, pinned=pinned) as client:
            yield client
        return
    try:
        async with _opened(settings) as sender:
            yield sender
    finally:
        lock.release()


async def _running_or_locked(home: Home, lock: HomeLock) -> RunInfo | None:
    """Return what runs in a home; or None, once the home is locked for us.

    Another command at work ends soon, and what starts soon answers: both are waited for.

    Raises:
        BotError: it is still locked, and nothing answers there; or it cannot be locked.
    """
    clock = SystemClock()
    for _ in range(round(_BUSY_S / _LOOK_S)):
        if not is_locked(home.path):
            with contextlib.suppress(ConfigError):  # somebody was faster
                lock.acquire()
                return None
        info = home.run_info()
        if info is not None and info.port:
            return info
        await clock.sleep(_LOOK_S)
    lock.acquire()
    return None


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Sender]:
    """Open control in this process: nothing runs, and the home is locked."""
    from botcore.app.control_room import open_room

    clock = SystemClock()
    async with AsyncExitStack() as stack:
        user = local_user()
        room = await open_room(stack, settings, info=None, clock=clock, local_user=user, link=None)
        yield _InProcess(room.control, local_actor(user))


class _InProcess:
    """Control in this process, for who sits at this machine."""

    def __init__(self, control: Any, actor: Actor) -> None:  # noqa: ANN401  # imported only where it is used
        self._control = control
        self._actor = actor

    async def send(
        self, request: Request[Any], *, confirmation: str = "", idempotency_key: str = ""
    ) -> Any:  # noqa: ANN401  # of the type that the request names
        return await self._control.send(
            self._actor,
            request,
            correlation=f"{_CORRELATION}-{os.urandom(8).hex()}",
            confirmation=confirmation,
            idempotency_key=idempotency_key,
        )


def _key(key_file: str) -> str:
    if not key_file:
        key = os.environ.get(KEY, "")
    else:
        try:
            key = Path(key_file).expanduser().read_text().strip()
        except OSError as error:
            raise ConfigError(
                code="KEY_FILE_UNREADABLE",
                cause=f"the key file {key_file} cannot be read: {error.strerror}",
                fix="name a file that holds the API key and nothing else",
            ) from error
    if not key:
        raise ConfigError(
            code="KEY_MISSING",
            cause="a server is asked with an API key, and there is none",
            fix=f"set {KEY}, or name a file with --key-file; `./bot key new` makes one",
        )
    return key
