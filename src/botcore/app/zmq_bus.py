"""The bus between processes of one machine, over ZeroMQ: facts out, commands in.

Facts go from one publisher to any number of subscribers; a slow one loses messages of its own,
and sees from the gap in a topic's numbers how many. Commands go to the engine's process and are
answered; each carries the token of the home, read from a file that only its owner can read.
Only loopback and ipc addresses are taken: what leaves the machine belongs behind another bus.
"""

import contextlib
import hmac
import os
import secrets
import struct
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import zmq

from botcore.domain.errors import BotError, ConfigError, Remedy
from botcore.kernel.bus import Message
from botcore.kernel.guard import Crashed, guarded

_LOOPBACK = ("tcp://127.0.0.1:", "tcp://[::1]:", "ipc://", "inproc://")
_NUMBER = struct.Struct(">QQ")
_TOPICS_MAX = 10_000
_ANSWERS_KEPT = 1_024
_POLL_MS = 100
_LINGER_MS = 200
_FACT_PARTS = 3
_COMMAND_PARTS = 5


class EngineUnreachable(BotError):  # noqa: N818  # the state, not a mistake
    """A command was not answered; the same request may be sent again, it is done once."""

    remedy = Remedy.RETRY


def token_of(path: Path) -> str:
    """Return the token in `path`, making one if there is none.

    Raises:
        ConfigError: the file can be read by others than its owner.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise ConfigError(
                code="TOKEN_FILE_OPEN",
                cause=f"{path} can be read by others than its owner",
                fix=f"chmod 600 {path}, or delete it: a new token is made at the next start",
            ) from None
        return path.read_text().strip()
    token = secrets.token_urlsafe(32)
    with os.fdopen(fd, "w") as file:
        file.write(token)
    return token


class ZmqFactPublisher:
    """Publish facts to other processes; never waits for them. Safe to call from any thread.

    Args:
        endpoint: a loopback or ipc address; a port of ``*`` takes a free one, see `endpoint`.
        high_water: how many messages may wait for one subscriber before it loses some.

    Raises:
        ConfigError: the address leaves this machine, or is taken.
    """

    def __init__(self, endpoint: str, *, high_water: int = 10_000) -> None:
        _stay_here(endpoint)
        self._lock = threading.Lock()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.XPUB)
        self._socket.sndhwm = high_water
        self._socket.linger = _LINGER_MS
        # Tells every subscription, also repeated ones, so that those that left can be counted.
        self._socket.setsockopt(zmq.XPUB_VERBOSER, 1)
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self.close()
            raise _taken(endpoint, error) from error
        # A subscriber tells a publisher that began anew from one that lost messages.
        self._epoch = secrets.randbits(63)
        self._numbers: dict[str, int] = {}
        self._prefixes: dict[bytes, int] = {}

    @property
    def endpoint(self) -> str:
        """The address as bound."""
        return _last_endpoint(self._socket)

    def publish(self, topic: str, payload: bytes) -> None:
        """Send a fact to whoever subscribed to a prefix of `topic`."""
        name = topic.encode()
        with self._lock:
            number = self._numbers.get(topic, 0) + 1
            if number == 1 and len(self._numbers) >= _TOPICS_MAX:
                raise ValueError(f"more than {_TOPICS_MAX} topics: {topic} would be one more")
            self._numbers[topic] = number
            # PUB sockets do not block: they drop for the subscriber that is full.
            self._socket.send_multipart([name, _NUMBER.pack(self._epoch, number), payload])

    def has_subscribers(self, topic: str) -> bool:
        """Whether anybody subscribed to a prefix of `topic`, as far as it is known by now."""
        name = topic.encode()
        with self._lock:
            self._hear_subscriptions()
            return any(name.startswith(prefix) for prefix in self._prefixes)

    def close(self) -> None:
        """Publish no more; what was sent may still arrive for a moment."""
        with self._lock:
            self._socket.close()
            self._context.term()

    def _hear_subscriptions(self) -> None:
        while self._socket.poll(0):
            said = self._socket.recv()
            prefix, change = said[1:], 1 if said[:1] == b"\x01" else -1
            count = self._prefixes.get(prefix, 0) + change
            if count > 0:
                self._prefixes[prefix] = count
            else:
                self._prefixes.pop(prefix, None)


class ZmqFactSubscriber:
    """One observer in another process; used by one thread.

    Args:
        endpoint: of the publisher, who may come later and come again.
        prefixes: of the topics to observe (``""`` is all).
        capacity: how many messages may wait before some are lost.

    Raises:
        ConfigError: the address leaves this machine.
    """

    def __init__(self, endpoint: str, *prefixes: str, capacity: int = 10_000) -> None:
        _stay_here(endpoint)
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.rcvhwm = capacity
        self._socket.linger = 0
        for prefix in prefixes:
            self._socket.subscribe(prefix)
        self._socket.connect(endpoint)
        self._seen: dict[bytes, tuple[int, int]] = {}
        self._dropped = 0

    @property
    def dropped(self) -> int:
        """How many messages were lost between two that came (of one topic, of one publisher)."""
        return self._dropped

    def take(self, max_items: int, *, timeout_s: float | None = None) -> list[Message]:
        """Wait up to `timeout_s` (None is for ever) for messages, oldest first."""
        messages: list[Message] = []
        wait_ms = None if timeout_s is None else max(0, round(timeout_s * 1000))
        while len(messages) < max_items and self._socket.poll(0 if messages else wait_ms):
            parts = self._socket.recv_multipart()
            if len(parts) == _FACT_PARTS and len(parts[1]) == _NUMBER.size:
                name, number, payload = parts
                self._count(name, *_NUMBER.unpack(number))
                messages.append(Message(name.decode(errors="replace"), payload))
        return messages

    def close(self) -> None:
        """Observe no more."""
        self._socket.close()
        self._context.term()

    def _count(self, name: bytes, epoch: int, number: int) -> None:
        known_epoch, last = self._seen.get(name, (epoch, number - 1))
        if known_epoch == epoch:
            self._dropped += number - last - 1
        self._seen[name] = (epoch, number)


class ZmqCommandServer:
    """Answer commands on a thread of its own, one after another.

    A request that comes again under its id gets the answer it got before: it is done once.

    Args:
        endpoint: a loopback or ipc address; a port of ``*`` takes a free one.
        token: what a request must carry; others are not answered.
        handle: from a request to its answer; called on the server's thread. What it raises is
            counted and leaves that request unanswered, and later ones are still answered.
        high_water: how many requests of one client may wait.

    Raises:
        ConfigError: the address leaves this machine, or is taken.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        token: str,
        handle: Callable[[bytes], bytes],
        high_water: int = 1_000,
    ) -> None:
        _stay_here(endpoint)
        self._token = token.encode()
        self._handle = handle
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.rcvhwm = self._socket.sndhwm = high_water
        self._socket.linger = _LINGER_MS
        try:
            self._socket.bind(endpoint)
        except zmq.ZMQError as error:
            self._socket.close()
            self._context.term()
            raise _taken(endpoint, error) from error
        self.endpoint = _last_endpoint(self._socket)
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._refused = self._failed = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=self.name, daemon=True)

    @property
    def name(self) -> str:
        """What a log line calls it."""
        return "commands"

    @property
    def refused(self) -> int:
        """How many requests came without the token, or malformed."""
        return self._refused

    @property
    def failed(self) -> int:
        """How many requests its handler raised on."""
        return self._failed

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the request at hand, and answer no more."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        self._context.term()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            if not self._socket.poll(_POLL_MS):
                continue
            parts = self._socket.recv_multipart()
            if len(parts) != _COMMAND_PARTS or not hmac.compare_digest(parts[2], self._token):
                self._refused += 1
                continue
            client, empty, _, request_id, payload = parts
            answer = guarded(self._answer, request_id, payload)
            if isinstance(answer, Crashed):
                self._failed += 1
                continue
            with contextlib.suppress(zmq.Again):  # a client that takes no answers: it asks again
                self._socket.send_multipart([client, empty, request_id, answer], zmq.NOBLOCK)

    def _answer(self, request_id: bytes, payload: bytes) -> bytes:
        known = self._answers.get(request_id)
        if known is not None:
            return known
        answer = self._handle(payload)
        self._answers[request_id] = answer
        while len(self._answers) > _ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return answer


class ZmqCommandClient:
    """Send commands to the engine's process, one at a time; used by one thread.

    Args:
        endpoint: of the server, who may come later and come again.
        token: of the home.

    Raises:
        ConfigError: the address leaves this machine.
    """

    def __init__(self, endpoint: str, *, token: str) -> None:
        _stay_here(endpoint)
        self._endpoint = endpoint
        self._token = token.encode()
        self._context = zmq.Context()
        self._socket = self._connect()

    def call(self, payload: bytes, *, timeout_s: float = 10.0, tries: int = 3) -> bytes:
        """Send a command and return its answer.

        Args:
            payload: the encoded command.
            timeout_s: how long to wait in each try.
            tries: how often the same request is sent; the server does it once.

        Raises:
            EngineUnreachable: no try was answered. The command may have been done.
        """
        request_id = secrets.token_bytes(16)
        for _ in range(tries):
            with contextlib.suppress(zmq.Again):  # the line is full: nobody takes anything
                self._socket.send_multipart([b"", self._token, request_id, payload], zmq.NOBLOCK)
                while self._socket.poll(max(0, round(timeout_s * 1000))):
                    parts = self._socket.recv_multipart()
                    if parts[1:2] == [request_id]:  # not the late answer to an earlier call
                        return parts[2]
            # What was sent on the old socket must not pile up behind a server that is down.
            self._socket.close()
            self._socket = self._connect()
        raise EngineUnreachable(
            code="ENGINE_UNREACHABLE",
            cause=f"the engine did not answer within {tries} × {timeout_s:g} s",
            fix="see `./bot status` and `./bot logs`; what was asked may have been done",
        )

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


def _stay_here(endpoint: str) -> None:
    if not endpoint.startswith(_LOOPBACK):
        raise ConfigError(
            code="BUS_NOT_LOCAL",
            cause=f"the bus address {endpoint} is not on this machine alone",
            fix="use ipc://<path> or tcp://127.0.0.1:<port>",
        )


def _taken(endpoint: str, error: zmq.ZMQError) -> ConfigError:
    return ConfigError(
        code="BUS_ADDRESS_TAKEN",
        cause=f"the bus cannot bind {endpoint}: {error.strerror}",
        fix="stop what uses it, or set another address",
    )


def _last_endpoint(socket: "zmq.Socket[bytes]") -> str:
    return socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
