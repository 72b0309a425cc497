"""The channel between the two processes of one machine: views and facts out, commands in.

pyzmq on loopback. Facts and views are published and may be dropped when nobody keeps up; commands
are asked and answered one by one, and carry the home's token.
"""

import hmac
import json
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import zmq

from botcore.control.views import PlatformView, decode_view, encode_view
from botcore.domain.commands import Command
from botcore.domain.errors import BotError, StorageError
from botcore.domain.records import encode
from botcore.kernel.clock import Clock, SystemClock

VIEW = b"view"
FACT = b"fact"
_HIGH_WATER = 1_000
_POLL_MS = 200
_FRAMES = 2
_COMMANDS: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


class Publisher:
    """The engine's end: publishes, and answers commands on a thread of its own.

    Args:
        events, commands: endpoints on loopback, chosen by the supervisor.
        token: what a command must carry.
        on_command: carries a command out and returns what to say; runs on the channel's thread.
    """

    def __init__(
        self, *, events: str, commands: str, token: str, on_command: Callable[[Command], str]
    ) -> None:
        self._token = token
        self._on_command = on_command
        self._context = zmq.Context()
        self._events = self._context.socket(zmq.PUB)
        self._events.setsockopt(zmq.SNDHWM, _HIGH_WATER)
        self._events.setsockopt(zmq.LINGER, 0)
        self._events.bind(events)
        self._replies = self._context.socket(zmq.REP)
        self._replies.setsockopt(zmq.LINGER, 0)
        self._replies.bind(commands)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="commands", daemon=True)

    def start(self) -> None:
        """Begin to take commands."""
        self._thread.start()

    def publish_view(self, view: PlatformView) -> None:
        """Publish the view."""
        self._events.send_multipart([VIEW, encode_view(view)])

    def publish_fact(self, lsn: int, payload: bytes) -> None:
        """Publish a fact with its lsn (0: only observed); consumers drop what they have seen."""
        self._events.send_multipart([FACT, str(lsn).encode(), payload])

    def close(self) -> None:
        """Let go of the sockets."""
        self._stopping.set()
        self._thread.join(timeout=2.0)
        self._events.close()
        self._context.term()

    def _serve(self) -> None:
        poller = zmq.Poller()
        poller.register(self._replies, zmq.POLLIN)
        while not self._stopping.is_set():
            if poller.poll(_POLL_MS):
                self._replies.send(
                    json.dumps(self._answer(self._replies.recv_multipart())).encode()
                )
        self._replies.close()

    def _answer(self, frames: list[bytes]) -> dict[str, Any]:
        if len(frames) != _FRAMES or not hmac.compare_digest(frames[0], self._token.encode()):
            return _problem("NOT_ALLOWED", "the command carries no valid token", "use this home")
        try:
            command = _COMMANDS.decode(frames[1])
        except msgspec.MsgspecError as error:
            return _problem("COMMAND_MALFORMED", str(error), "use the same version on both sides")
        try:
            return {"ok": self._on_command(command)}
        except BotError as error:
            return _problem(error.code, error.cause, error.fix)


class Remote:
    """The other end: the running platform as another process sees it (`control.Platform`).

    Args:
        events, commands: the engine's endpoints.
        token: the home's.
        clock: ages views.
    """

    def __init__(
        self, *, events: str, commands: str, token: str, clock: Clock | None = None
    ) -> None:
        self._clock = clock or SystemClock()
        self._commands = commands
        self._token = token
        self._context = zmq.Context()
        self._socket = self._context.socket(zmq.SUB)
        self._socket.setsockopt(zmq.RCVHWM, _HIGH_WATER)
        self._socket.setsockopt(zmq.SUBSCRIBE, VIEW)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(events)
        self._view: PlatformView | None = None
        self._seen_at: int | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="views", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def view(self) -> PlatformView | None:
        """Return the newest view, or None before the first arrives."""
        return self._view

    def view_age_s(self) -> float:
        """Return how long ago the newest view arrived, seconds; infinity before the first."""
        seen = self._seen_at
        return float("inf") if seen is None else (self._clock.monotonic_ns() - seen) / 1e9

    def act(self, command: Command) -> str:
        """Give the engine a command; return what it says once that is durable.

        Raises:
            BotError: the engine does not answer within 10 s, or refuses.
        """
        socket = self._context.socket(zmq.REQ)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 10_000)
        socket.setsockopt(zmq.SNDTIMEO, 2_000)
        try:
            socket.connect(self._commands)
            socket.send_multipart([self._token.encode(), encode(command)])
            answer = json.loads(socket.recv())
        except zmq.ZMQError as error:
            raise StorageError(
                code="ENGINE_SILENT",
                cause="the engine does not answer",
                fix="see `bot status` and `bot logs`; the command may or may not have been taken",
            ) from error
        finally:
            socket.close()
        if "ok" in answer:
            return str(answer["ok"])
        raise BotError(code=answer["code"], cause=answer["cause"], fix=answer["fix"])

    def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def _listen(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        while not self._stopping.is_set():
            if poller.poll(_POLL_MS):
                _, document = self._socket.recv_multipart()
                self._view = decode_view(document)
                self._seen_at = self._clock.monotonic_ns()
        self._socket.close()


def _problem(code: str, cause: str, fix: str) -> dict[str, Any]:
    return {"code": code, "cause": cause, "fix": fix}
