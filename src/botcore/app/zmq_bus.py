"""The bus between processes of one machine, over ZeroMQ: facts out (for calls see `zmq_calls`).

Facts go from one publisher to any number of subscribers; a slow one loses messages of its own,
and sees from the gap in a topic's numbers how many. Only loopback and ipc addresses are taken:
what leaves the machine belongs behind another bus.
"""

import os
import secrets
import struct
import threading
from pathlib import Path

import zmq

from botcore.domain.errors import ConfigError
from botcore.kernel.bus import Message

_LOOPBACK = ("tcp://127.0.0.1:", "tcp://[::1]:", "ipc://", "inproc://")
_NUMBER = struct.Struct(">QQ")
_TOPICS_MAX = 10_000
_LINGER_MS = 200
_FACT_PARTS = 3


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
        stay_here(endpoint)
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
            raise taken(endpoint, error) from error
        # A subscriber tells a publisher that began anew from one that lost messages.
        self._epoch = secrets.randbits(63)
        self._numbers: dict[str, int] = {}
        self._prefixes: dict[bytes, int] = {}

    @property
    def endpoint(self) -> str:
        """The address as bound."""
        return last_endpoint(self._socket)

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
        stay_here(endpoint)
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


def stay_here(endpoint: str) -> None:
    """Refuse an address that leaves this machine.

    Raises:
        ConfigError: it does.
    """
    if not endpoint.startswith(_LOOPBACK):
        raise ConfigError(
            code="BUS_NOT_LOCAL",
            cause=f"the bus address {endpoint} is not on this machine alone",
            fix="use ipc://<path> or tcp://127.0.0.1:<port>",
        )


def taken(endpoint: str, error: zmq.ZMQError) -> ConfigError:
    """Return the refusal of an address that cannot be bound."""
    return ConfigError(
        code="BUS_ADDRESS_TAKEN",
        cause=f"the bus cannot bind {endpoint}: {error.strerror}",
        fix="stop what uses it, or set another address",
    )


def last_endpoint(socket: "zmq.Socket[bytes]") -> str:
    """Return the address that a socket is bound to."""
    return socket.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0")
