"""The bus between processes of one machine, over ZeroMQ: facts out (for calls see `zmq_calls`).

Facts go from one publisher to any number of subscribers; a slow one loses messages of its own,
and sees from the gap in a topic's numbers how many. Each message is signed: what anybody else says
on the same address, and what was said before, is dropped and counted (see `fact_signing`). Only
loopback and ipc addresses are taken: what leaves the machine belongs behind another bus.
"""

import os
import secrets
import threading
from pathlib import Path

import zmq

from botcore.app.fact_signing import LATE_NS, FactSigner, Stamp
from botcore.domain.errors import ConfigError
from botcore.kernel.bus import Message
from botcore.kernel.clock import Clock, SystemClock

_LOOPBACK = ("tcp://127.0.0.1:", "tcp://[::1]:", "ipc://", "inproc://")
_TOPICS_MAX = 10_000
_LINGER_MS = 200


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
        token: of the home: what messages are signed with.
        high_water: how many messages may wait for one subscriber before it loses some.
        clock: says when a message is sent.

    Raises:
        ConfigError: the address leaves this machine, or is taken.
    """

    def __init__(
        self, endpoint: str, *, token: str, high_water: int = 10_000, clock: Clock | None = None
    ) -> None:
        stay_here(endpoint)
        self._signer = FactSigner(token)
        self._clock = clock or SystemClock()
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
        self._sent_ns = 0
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
            self._sent_ns = max(self._sent_ns + 1, self._clock.monotonic_ns())
            stamp = Stamp(self._epoch, number, self._sent_ns)
            # PUB sockets do not block: they drop for the subscriber that is full.
            self._socket.send_multipart(self._signer.sign(name, stamp, payload))

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
        token: of the home: what messages must be signed with.
        capacity: how many messages may wait before some are lost.
        clock: the publisher's: that of the machine.

    Raises:
        ConfigError: the address leaves this machine.
    """

    def __init__(
        self,
        endpoint: str,
        *prefixes: str,
        token: str,
        capacity: int = 10_000,
        clock: Clock | None = None,
    ) -> None:
        stay_here(endpoint)
        self._signer = FactSigner(token)
        self._clock = clock or SystemClock()
        # Nothing that was sent before now can come from a publisher that is asked from now on.
        self._newest_ns = self._clock.monotonic_ns()
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.rcvhwm = capacity
        self._socket.linger = 0
        for prefix in prefixes:
            self._socket.subscribe(prefix)
        self._socket.connect(endpoint)
        self._seen: dict[bytes, tuple[int, int]] = {}
        self._dropped = self._refused = 0

    @property
    def dropped(self) -> int:
        """How many messages were lost between two that came (of one topic, of one publisher)."""
        return self._dropped

    @property
    def refused(self) -> int:
        """How many came without the publisher's signature, changed, or a second time."""
        return self._refused

    def take(self, max_items: int, *, timeout_s: float | None = None) -> list[Message]:
        """Wait up to `timeout_s` (None is for ever) for messages, oldest first; fewer may come."""
        messages: list[Message] = []
        wait_ms = None if timeout_s is None else max(0, round(timeout_s * 1000))
        heard = 0  # also of what is refused: nobody keeps a listener here by talking
        while heard < max_items and self._socket.poll(0 if heard else wait_ms):
            heard += 1
            parts = self._socket.recv_multipart()
            if self._is_believed(parts):
                messages.append(Message(parts[0].decode(errors="replace"), parts[2]))
        return messages

    def close(self) -> None:
        """Observe no more."""
        self._socket.close()
        self._context.term()

    def _is_believed(self, parts: list[bytes]) -> bool:
        stamp = self._signer.read(parts)
        if stamp is None or stamp.sent_ns <= self._newest_ns:
            self._refused += 1
            return False
        self._newest_ns = stamp.sent_ns
        if self._clock.monotonic_ns() - stamp.sent_ns > LATE_NS:
            return False  # the number of the next one says that it was lost
        self._count(parts[0], stamp.epoch, stamp.number)
        return True

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
