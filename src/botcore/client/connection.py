"""The client: one connection pool, one way to sign in, retries that cannot do a thing twice."""

import asyncio
import secrets
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar
from urllib.parse import urlsplit

import aiohttp
import msgspec

from botcore.client.backoff import Retrying
from botcore.client.wire import PREFIX, Sent, not_understood, problem_from, to_http
from botcore.control.local_proof import (
    CHALLENGE_HEADER,
    PROOF_HEADER,
    credential_from,
    new_challenge,
)
from botcore.control.operations import Operation, Page, Request
from botcore.control.problems import ConfirmationRequired, Unauthenticated, Unavailable
from botcore.control.schema import operation_of
from botcore.control.schema.auth import SignedIn
from botcore.domain.errors import BotError, ConfigError
from botcore.kernel.clock import Clock, SystemClock

A = TypeVar("A")
Confirm = Callable[[str], bool]
"""Is shown what an act would do, and says whether to do it."""
_TRY_AGAIN: Final = (429, 502, 503, 504)
_STILL_RUNNING: Final = "STILL_RUNNING"
_UNFINISHED_S: Final = 60.0
"""How long an act is waited for that took longer than a try."""
_LOOK_S: Final = 1.0
_KEEP_ALIVE_S: Final = 30.0
_HERE: Final = ("127.0.0.1", "localhost", "::1")


class Credentials(msgspec.Struct, kw_only=True):
    """How a client shows who it is: exactly one of them.

    Attributes:
        key: an API key.
        access: an access token; with `refresh` it is renewed when it has ended.
        local: the home's token; counts from this machine only. It is the one that is not sent: see
            `botcore.control.local_proof`.
    """

    key: str = ""
    access: str = ""
    refresh: str = ""
    local: str = ""

    def header(self) -> dict[str, str]:
        """Return the header that shows it; none for `local`, which each process is shown anew."""
        bearer = self.key or self.access
        return {"Authorization": f"Bearer {bearer}"} if bearer else {}


class Client:
    """Speaks to one server. Use it as a context: ``async with Client(url, key=…) as client``.

    An act is sent under an idempotency key of its own, the same one at each try, so that a retry
    never does it twice. An access token that has ended is renewed once; if that fails, the tokens
    are forgotten and `Unauthenticated` says that one has to sign in again.

    Args:
        url: of the server: ``https://bot.example`` or ``http://127.0.0.1:8080``; without a scheme
            it is http, which only this machine can be.
        credentials: how it shows who it is; None speaks as a stranger.
        key: short for an API key as credentials.
        retrying: time-outs and retries.
        clock: waits between two tries.
        pinned: PEM file with the server's certificate: exactly this one is believed, under any
            name. For the server of this very machine; others are checked as usual.
        is_plain: credentials may go in the clear beyond this machine: only where something on the
            way adds TLS.

    Raises:
        ConfigError: it is no address of a server; or they would go in the clear, and nobody said
            that this is meant.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials | None = None,
        *,
        key: str = "",
        retrying: Retrying | None = None,
        clock: Clock | None = None,
        pinned: Path | None = None,
        is_plain: bool = False,
    ) -> None:
        self._pinned = pinned
        self.url = _address(url)
        self.credentials = credentials or Credentials(key=key)
        if (self.credentials.header() or self.credentials.local) and not is_plain:
            _refuse_in_the_clear(self.url)
        self._retrying = retrying or Retrying()
        self._clock = clock or SystemClock()
        self._session: aiohttp.ClientSession | None = None
        self._renewing = asyncio.Lock()
        self._made = ""
        """What shows `Credentials.local` to the process that proved itself; empty before."""

    async def __aenter__(self) -> Self:
        """Open the pool of connections."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._retrying.timeout_s),
            connector=aiohttp.TCPConnector(
                limit=100, keepalive_timeout=_KEEP_ALIVE_S, ssl=_trust(self._pinned)
            ),
            trust_env=False,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def send(
        self, request: Request[A], *, confirmation: str = "", idempotency_key: str = ""
    ) -> A:
        """Send a request and return its answer.

        Args:
            request: of `botcore.control.schema`.
            confirmation: the token of a `ConfirmationRequired`, for exactly this request.
            idempotency_key: of an act; a new one is made if it is empty.

        Raises:
            Problem: the server refused; nothing was changed.
            ConfigError: with `Credentials.local`, something else listens there than the platform of
                this home; nothing but a challenge was sent.
            Unavailable: no try was answered. An act may have been carried out: asking again with
                the same `idempotency_key` tells, and does it once at most.
        """
        operation = operation_of(request)
        body = await self._call(
            operation, to_http(operation, request), confirmation, idempotency_key
        )
        try:
            answer: A = msgspec.json.decode(body, type=operation.answer)
        except msgspec.MsgspecError as error:
            raise not_understood(200, str(error)) from error
        return answer

    async def send_confirmed(self, request: Request[A], confirm: Confirm) -> A:
        """Send an act; where it has to be confirmed, ask `confirm` with its effect in words.

        Raises:
            ConfirmationRequired: `confirm` said no.
            BotError: as `send`.
        """
        key = secrets.token_urlsafe(16)
        try:
            return await self.send(request, idempotency_key=key)
        except ConfirmationRequired as error:
            if not confirm(error.cause):
                raise
            token = str(error.details.get("confirmation_token", ""))
            return await self.send(request, confirmation=token, idempotency_key=key)

    async def every(self, request: Request[Page[A]]) -> AsyncIterator[A]:
        """Yield all items of a list, page after page."""
        while True:
            page = await self.send(request)
            for item in page.items:
                yield item
            if page.next_cursor is None:
                return
            request = msgspec.structs.replace(request, cursor=page.next_cursor)

    async def _call(self, operation: Operation, sent: Sent, confirmation: str, key: str) -> bytes:
        headers = {"Accept": "application/json"}
        if sent.body is not None:
            headers["Content-Type"] = "application/json"
        if operation.is_act:
            headers["Idempotency-Key"] = key or secrets.token_urlsafe(16)
        if confirmation:
            headers["Confirmation-Token"] = confirmation
        may_renew = bool(self.credentials.refresh or self.credentials.local)
        retry, patience_s = 0, _UNFINISHED_S
        while True:
            why = await self._show(headers)
            status, body, asked_s = (0, why, 0.0) if why else await self._try(sent, headers)
            if 200 <= status < 300:  # noqa: PLR2004 – HTTP's own word for success
                return body
            problem = (
                self._unreachable(body.decode()) if status == 0 else problem_from(status, body)
            )
            if isinstance(problem, Unauthenticated) and may_renew:
                may_renew = False
                await self._renew(problem, shown=headers["Authorization"])
                continue
            if retry and problem.code == _STILL_RUNNING and patience_s > 0.0:
                patience_s -= _LOOK_S  # a try of ours that was not answered is at work yet
                await self._clock.sleep(_LOOK_S)
                continue
            if (status and status not in _TRY_AGAIN) or retry >= self._retrying.retries:
                raise problem
            await self._clock.sleep(self._retrying.wait_s(retry, asked_s=asked_s))
            retry += 1

    async def _show(self, headers: dict[str, str]) -> bytes:
        """Put into the headers what shows who asks; return why nobody was there to be shown it.

        Raises:
            ConfigError: what listens there is not the platform of this home.
        """
        headers.update(self.credentials.header())
        if not self.credentials.local:
            return b""
        if not self._made:
            challenge = new_challenge()
            asked = Sent("GET", "/livez", [], None)
            status, body, answered = await self._ask(asked, {CHALLENGE_HEADER: challenge})
            if status == 0:
                return body
            proof = answered.get(PROOF_HEADER, "")
            made = credential_from(self.credentials.local, challenge, proof)
            if made is None:
                raise self._unproved()
            self._made = made
        headers["Authorization"] = f"Local {self._made}"
        return b""

    async def _try(self, sent: Sent, headers: dict[str, str]) -> tuple[int, bytes, float]:
        """Return status, body and what `Retry-After` asks for; status 0 where nobody answered."""
        status, body, answered = await self._ask(sent, headers)
        return status, body, _seconds(answered)

    async def _ask(
        self, sent: Sent, headers: dict[str, str]
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if self._session is None:
            raise RuntimeError("use the client as a context: async with Client(…) as client")
        try:
            async with self._session.request(
                sent.method,
                self.url + sent.path,
                params=sent.query,
                data=sent.body,
                headers=headers,
                allow_redirects=False,
            ) as response:
                return response.status, await response.read(), response.headers
        except (aiohttp.ClientError, TimeoutError) as error:
            return 0, (str(error) or type(error).__name__).encode(), {}

    async def _renew(self, problem: BotError, *, shown: str) -> None:
        """Exchange the refresh token for a new pair, unless another call has done so meanwhile.

        What was shown to a process that has ended is made anew for the one that came after it.

        Raises:
            BotError: `problem`, which had made it necessary.
        """
        if self.credentials.local:
            self._made = ""
            return
        async with self._renewing:
            if self.credentials.header().get("Authorization") == shown:
                await self._exchange(problem)
            elif not self.credentials.access:
                raise problem

    async def _exchange(self, problem: BotError) -> None:
        """Exchange the refresh token for a new pair; forget both where that is refused.

        Raises:
            BotError: `problem`, which had made it necessary.
        """
        spent, self.credentials = self.credentials, Credentials()
        body = msgspec.json.encode({"refresh_token": spent.refresh, "transport": "body"})
        sent = Sent("POST", f"{PREFIX}/auth/refresh", [], body)
        status, answer, _ = await self._try(sent, {"Content-Type": "application/json"})
        if status == 0 or status >= 500:  # noqa: PLR2004 – nobody refused it: it may still be good
            self.credentials = spent
            raise problem
        if status != 200:  # noqa: PLR2004 – HTTP's OK
            raise problem
        try:
            told = msgspec.json.decode(answer, type=SignedIn)
        except msgspec.MsgspecError as error:
            raise not_understood(status, str(error)) from error
        if not told.access_token:
            raise problem
        self.credentials = Credentials(access=told.access_token, refresh=told.refresh_token)

    def _unproved(self) -> ConfigError:
        return ConfigError(
            code="LISTENER_UNPROVED",
            cause=f"what listens at {self.url} does not prove that it is the platform of this"
            " home, so it was told nothing",
            fix="restart the platform with `./bot restart`; if this comes again, another program or"
            " account of this machine has taken the port",
        )

    def _unreachable(self, why: str) -> Unavailable:
        return Unavailable(
            code="SERVER_UNREACHABLE",
            cause=f"{self.url} did not answer: {why}",
            fix="check the address, and that the platform runs: `botcore status`",
        )


def _address(url: str) -> str:
    """Return the address of a server with its scheme: ``host:port`` of this machine is http.

    Raises:
        ConfigError: the scheme is missing or another one, or no host is named.
    """
    scheme, is_there, rest = url.strip().partition("://")
    rest = (rest if is_there else scheme).rstrip("/")
    try:
        host = urlsplit(f"//{rest}").hostname or ""
    except ValueError:  # an address of IPv6 without its brackets, or half of them
        host = ""
    if host and is_there and scheme.lower() in ("http", "https"):
        return f"{scheme}://{rest}"
    if host in _HERE and not is_there:
        return f"http://{rest}"
    if host and not is_there:
        raise ConfigError(
            code="SERVER_MALFORMED",
            cause=f"{url!r} does not say how the server is spoken to",
            fix=f"write https://{rest}",
        )
    raise ConfigError(
        code="SERVER_MALFORMED",
        cause=f"{url!r} is not the address of a server",
        fix="write https://bot.example, or http://127.0.0.1:8080 for this machine",
    )


def _refuse_in_the_clear(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.hostname or "") in _HERE:
        return
    raise ConfigError(
        code="CREDENTIALS_IN_THE_CLEAR",
        cause=f"{url} is not https, and not this machine: the key could be read on the way",
        fix="use https://, or a tunnel to 127.0.0.1",
    )


def _trust(pinned: Path | None) -> ssl.SSLContext | bool:
    """Return whom to believe: everybody that the machine does, or one certificate alone."""
    if pinned is None:
        return True
    context = ssl.create_default_context(cafile=str(pinned))
    context.check_hostname = False  # it is known by itself, not by a name
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _seconds(headers: Mapping[str, str]) -> float:
    text = headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0
