"""Where the command line finds control: on a server, in what runs here, or opened in process."""

import asyncio
import contextlib
import getpass
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from botcore.app.home import Home, RunInfo
from botcore.app.home_lock import HomeLock, is_locked
from botcore.app.settings import Settings, load_settings
from botcore.control.access import Actor, local_actor
from botcore.control.operations import Operation, Request
from botcore.control.problems import ConfirmationRequired
from botcore.domain.errors import ConfigError
from botcore.kernel.clock import SystemClock

KEY: Final = "BOTCORE_KEY"
_CORRELATION: Final = "cli"
_BUSY_S: Final = 5.0
_LOOK_S: Final = 0.1
Confirm = Callable[[str], bool]


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
) -> object:
    """Tell control a request and return its answer.

    Args:
        operation: of the request.
        request: what is asked.
        overrides: settings from the command line.
        server: an address; empty for this machine.
        key_file: holds the API key for a server; else BOTCORE_KEY does.
        confirm: is shown what an act would do, and says whether to do it.
        idempotency_key: of an earlier try of the same act.
        all_pages: follow a list to its end.

    Raises:
        BotError: it was refused, or failed.
    """

    async def ask() -> object:
        async with _door(overrides, server=server, key_file=key_file) as sender:
            answer: Any = await _confirmed(operation, request, sender, confirm, idempotency_key)
            while all_pages and getattr(answer, "next_cursor", None):
                following = msgspec.structs.replace(request, cursor=answer.next_cursor)
                more = await sender.send(following)
                answer = msgspec.structs.replace(more, items=answer.items + more.items)
            return answer

    return asyncio.run(ask())


async def _confirmed(
    operation: Operation, request: Request[Any], sender: Sender, confirm: Confirm, key: str
) -> object:
    key = key or (os.urandom(12).hex() if operation.is_act else "")
    try:
        return await sender.send(request, idempotency_key=key)
    except ConfirmationRequired as error:
        if not confirm(error.cause):
            raise ConfigError(
                code="NOT_CONFIRMED", cause="it was not confirmed", fix="nothing was done"
            ) from error
        token = str(error.details["confirmation_token"])
        return await sender.send(request, confirmation=token, idempotency_key=key)


@asynccontextmanager
async def _door(
    overrides: Mapping[str, object], *, server: str, key_file: str
) -> AsyncIterator[Sender]:
    if server:
        from botcore.client import Client  # the network: only where it is asked for

        async with Client(server, key=_key(key_file)) as client:
            yield client
        return
    settings = load_settings(**overrides)
    home = Home(settings.home)
    lock = HomeLock(home.path)
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


def local_user() -> str:
    """Return the account of this machine that runs the command."""
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return str(os.getuid())


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
