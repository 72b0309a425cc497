"""Calls to another process from an event loop, many in flight over one connection."""

import asyncio
from types import TracebackType

import zmq
import zmq.asyncio

from botcore.app.zmq_bus import stay_here
from botcore.app.zmq_calls import EngineUnreachable, Signer, new_request_id


class ZmqAsyncClient:
    """Call another process from an event loop: many calls at a time over one connection.

    An asynchronous context manager; it belongs to the loop it was entered on. What waits for a
    process that is not there is not kept for one that comes later: see `call`.

    Args:
        endpoint: of the server, who may come later and come again.
        token: of the home.
        in_flight_max: calls that may wait for their answers; more wait to be sent.

    Raises:
        ConfigError: the address leaves this machine.
    """

    def __init__(self, endpoint: str, *, token: str, in_flight_max: int = 1_000) -> None:
        stay_here(endpoint)
        self._endpoint = endpoint
        self._signer = Signer(token)
        self._room = asyncio.Semaphore(in_flight_max)
        self._waiting: dict[bytes, asyncio.Future[bytes]] = {}

    async def __aenter__(self) -> "ZmqAsyncClient":
        self._context = zmq.asyncio.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.linger = 0
        # Nothing is queued for a server that is not there: it would be done when one comes.
        self._socket.setsockopt(zmq.IMMEDIATE, 1)
        self._socket.connect(self._endpoint)
        self._hearing = asyncio.create_task(self._hear(), name="answers")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hearing.cancel()
        await asyncio.wait([self._hearing])
        self._socket.close()
        self._context.term()

    @property
    def in_flight(self) -> int:
        """How many calls wait for their answers."""
        return len(self._waiting)

    async def call(self, payload: bytes, *, timeout_s: float = 10.0, tries: int = 1) -> bytes:
        """Send a call and return its answer.

        Args:
            payload: the encoded call.
            timeout_s: how long to wait in all.
            tries: how often it is sent within that time; more than once only what another
                process, started meanwhile, may be asked again.

        Raises:
            EngineUnreachable: it was not answered in time. Its cause says whether it was sent: if
                it was, it may have been done.
        """
        request_id = new_request_id()
        signed = self._signer.call(request_id, payload)
        sent = 0
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s), self._room:
                self._waiting[request_id] = answer
                while True:
                    await self._socket.send_multipart(signed)
                    sent += 1
                    wait_s = None if sent >= tries else timeout_s / tries
                    await asyncio.wait([answer], timeout=wait_s)
                    if answer.done():
                        return answer.result()
        except TimeoutError:
            raise _unanswered(timeout_s, was_sent=sent > 0) from None
        finally:
            self._waiting.pop(request_id, None)

    async def _hear(self) -> None:
        while True:
            read = self._signer.read_answer(await self._socket.recv_multipart())
            answer = None if read is None else self._waiting.get(read[0])
            if read is not None and answer is not None and not answer.done():
                answer.set_result(read[1])


def _unanswered(timeout_s: float, *, was_sent: bool) -> EngineUnreachable:
    if was_sent:
        return EngineUnreachable(
            code="ENGINE_UNREACHABLE",
            cause=f"the engine did not answer within {timeout_s:g} s; it may have been done",
            fix="look whether it was done before you ask again; see `./bot status`",
        )
    return EngineUnreachable(
        code="ENGINE_UNREACHABLE",
        cause=f"there was no engine to ask within {timeout_s:g} s; nothing was done",
        fix="ask again; see `./bot status` and `./bot logs`",
    )
