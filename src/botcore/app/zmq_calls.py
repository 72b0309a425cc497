"""Calls to another process of this machine, over ZeroMQ: each is answered, many at a time.

Each call has an id of its own, and is signed with the token of the home, which lies in a file that
only its owner can read; so is each answer. The token itself is never sent: who took the port of a
server that died learns nothing, and is not believed. The server takes calls as they come and
answers each when its handler is done with it, in any order; a call that comes again under its id
is not done again.
"""

import contextlib
import hmac
import os
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable

import zmq

from botcore.app.zmq_bus import last_endpoint, stay_here, taken
from botcore.domain.errors import BotError, Remedy
from botcore.domain.ids import SECOND_NS
from botcore.kernel.clock import SystemClock
from botcore.kernel.guard import Crashed, guarded

_ANSWERS_QUEUED = 1_000
_ANSWERS_KEPT = 1_024
_POLL_MS = 100
_MS_NS = 1_000_000
_LINGER_MS = 200
_CALL_PARTS = 5
_ANSWER_PARTS = 4
_REQUEST_ID_BYTES = 16
_CALL, _ANSWER = b"botcore call\n", b"botcore answer\n"
"""What is signed begins with what it is: no call is taken for an answer, nor the other way."""

Answer = Callable[[bytes], None]
"""Takes the answer to one call; safe to call from any thread, and only once."""


class EngineUnreachable(BotError):  # noqa: N818  # the state, not a mistake
    """A call was not answered. Unless it says that nothing was sent, it may have been done."""

    remedy = Remedy.RETRY


class Signer:
    """Signs calls and answers, and reads signed ones; both ends have one.

    Args:
        token: of the home; it is the key.
    """

    def __init__(self, token: str) -> None:
        self._key = token.encode()

    def call(self, request_id: bytes, payload: bytes) -> list[bytes]:
        """Return a call as it is sent."""
        return [b"", self._sign(_CALL, request_id, payload), request_id, payload]

    def answer(self, request_id: bytes, text: bytes) -> list[bytes]:
        """Return an answer as it is sent."""
        return [b"", self._sign(_ANSWER, request_id, text), request_id, text]

    def is_call(self, signature: bytes, request_id: bytes, payload: bytes) -> bool:
        """Whether a call comes from who knows the token, and is as it was sent."""
        return len(request_id) == _REQUEST_ID_BYTES and hmac.compare_digest(
            signature, self._sign(_CALL, request_id, payload)
        )

    def read_answer(self, parts: list[bytes]) -> tuple[bytes, bytes] | None:
        """Return the id and the text of an answer; None where it is not the server's."""
        if len(parts) != _ANSWER_PARTS:
            return None
        _, signature, request_id, text = parts
        if not hmac.compare_digest(signature, self._sign(_ANSWER, request_id, text)):
            return None
        return request_id, text

    def _sign(self, kind: bytes, request_id: bytes, text: bytes) -> bytes:
        return hmac.digest(self._key, kind + request_id + text, "sha256")


def new_request_id() -> bytes:
    """Return an id that no other call has."""
    return secrets.token_bytes(_REQUEST_ID_BYTES)


class ZmqCommandServer:
    """Take calls on a thread of its own, and send each answer when there is one.

    A call that comes again under its id gets the answer it got before, or waits for the one that
    is on its way: it is done once.

    Args:
        endpoint: a loopback or ipc address; a port of ``*`` takes a free one.
        token: what a call must be signed with; others are not answered.
        handle: takes a call and what to answer it with, soon or later; called on the server's
            thread, which it must not hold up. What it raises is counted and leaves that call
            unanswered, and later ones are still answered.
        high_water: how many calls may wait for their answers: others wait in the sockets.

    Raises:
        ConfigError: the address leaves this machine, or is taken.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        token: str,
        handle: Callable[[bytes, Answer], None],
        high_water: int = 1_000,
    ) -> None:
        stay_here(endpoint)
        self._signer = Signer(token)
        self._handle = handle
        self._high_water = high_water
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.rcvhwm = high_water
        # A router lets go what does not fit: answers come faster than a client takes them.
        self._socket.sndhwm = max(_ANSWERS_QUEUED, high_water)
        self._socket.linger = _LINGER_MS
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self._socket.close()
            self._context.term()
            raise taken(endpoint, error) from error
        self.endpoint = last_endpoint(self._socket)
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._waiting: dict[bytes, list[bytes]] = {}
        self._answered: deque[tuple[bytes, bytes]] = deque()
        self._woken, self._wake = os.pipe()
        os.set_blocking(self._woken, False)
        os.set_blocking(self._wake, False)
        self._refused = self._failed = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=self.name, daemon=True)

    @property
    def name(self) -> str:
        """What a log line calls it."""
        return "commands"

    @property
    def refused(self) -> int:
        """How many calls came without a signature of the token, or malformed."""
        return self._refused

    @property
    def failed(self) -> int:
        """How many calls its handler raised on."""
        return self._failed

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Send the answers that there are, and take and answer no more."""
        self._stopped.set()
        self._rouse()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        self._context.term()
        wake, self._wake = self._wake, -1
        os.close(wake)
        os.close(self._woken)

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._woken, zmq.POLLIN)
        poller.register(self._socket, zmq.POLLIN)
        while not self._stopped.is_set():
            is_full = len(self._waiting) >= self._high_water
            poller.modify(self._socket, 0 if is_full else zmq.POLLIN)
            ready = dict(poller.poll(_POLL_MS))
            if self._woken in ready:
                os.read(self._woken, 4_096)
            if self._socket in ready:
                self._take(self._socket.recv_multipart())
            self._send_answers()
        self._send_answers()

    def _take(self, parts: list[bytes]) -> None:
        if len(parts) != _CALL_PARTS or not self._signer.is_call(*parts[2:]):
            self._refused += 1
            return
        client, _, _, request_id, payload = parts
        known = self._answers.get(request_id)
        if known is not None:
            self._send(client, request_id, known)
            return
        waiting = self._waiting.get(request_id)
        if waiting is not None:
            if client not in waiting:
                waiting.append(client)
            return
        self._waiting[request_id] = [client]

        def answer(text: bytes) -> None:
            self._answered.append((request_id, text))
            self._rouse()

        if isinstance(guarded(self._handle, payload, answer), Crashed):
            self._failed += 1
            self._waiting.pop(request_id, None)

    def _send_answers(self) -> None:
        while self._answered:
            request_id, text = self._answered.popleft()
            self._answers[request_id] = text
            while len(self._answers) > _ANSWERS_KEPT:
                self._answers.popitem(last=False)
            for client in self._waiting.pop(request_id, ()):
                self._send(client, request_id, text)

    def _send(self, client: bytes, request_id: bytes, text: bytes) -> None:
        with contextlib.suppress(zmq.Again):  # a client that takes no answers: it asks again
            self._socket.send_multipart(
                [client, *self._signer.answer(request_id, text)], zmq.NOBLOCK
            )

    def _rouse(self) -> None:
        with contextlib.suppress(OSError):  # full: it is awake already; closed: it has stopped
            os.write(self._wake, b".")


class ZmqCommandClient:
    """Call another process, one call at a time; used by one thread.

    Args:
        endpoint: of the server, who may come later and come again.
        token: of the home.

    Raises:
        ConfigError: the address leaves this machine.
    """

    def __init__(self, endpoint: str, *, token: str) -> None:
        stay_here(endpoint)
        self._endpoint = endpoint
        self._signer = Signer(token)
        self._clock = SystemClock()
        self._context = zmq.Context()
        self._socket = self._connect()

    def call(self, payload: bytes, *, timeout_s: float = 10.0, tries: int = 3) -> bytes:
        """Send a call and return its answer.

        Args:
            payload: the encoded call.
            timeout_s: how long to wait in each try.
            tries: how often the same call is sent; the server does it once.

        Raises:
            EngineUnreachable: no try was answered. It may have been done.
        """
        request_id = new_request_id()
        call = self._signer.call(request_id, payload)
        for _ in range(tries):
            with contextlib.suppress(zmq.Again):  # the line is full: nobody takes anything
                self._socket.send_multipart(call, zmq.NOBLOCK)
                text = self._answer_to(request_id, timeout_s)
                if text is not None:
                    return text
            # What was sent on the old socket must not pile up behind a server that is down.
            self._socket.close()
            self._socket = self._connect()
        raise EngineUnreachable(
            code="ENGINE_UNREACHABLE",
            cause=f"the engine did not answer within {tries} × {timeout_s:g} s",
            fix="see `./bot status` and `./bot logs`; what was asked may have been done",
        )

    def _answer_to(self, request_id: bytes, timeout_s: float) -> bytes | None:
        """Wait for the answer to a call; others are late, or not the server's."""
        until = self._clock.monotonic_ns() + round(timeout_s * SECOND_NS)
        while (left := until - self._clock.monotonic_ns()) > 0:
            if not self._socket.poll(-(-left // _MS_NS)):
                return None
            answer = self._signer.read_answer(self._socket.recv_multipart())
            if answer is not None and answer[0] == request_id:
                return answer[1]
        return None

    def close(self) -> None:
        """Ask no more."""
        self._socket.close()
        self._context.term()

    def _connect(self) -> "zmq.Socket[bytes]":
        client = self._context.socket(zmq.DEALER)
        client.linger = 0
        client.sndhwm = client.rcvhwm = 100
        client.connect(self._endpoint)
        return client
