"""What goes between the two processes of one machine: views and facts out, commands in."""

import json
import threading
from collections.abc import Callable
from typing import Any

import msgspec

from botcore.app.zmq_bus import (
    ZmqCommandClient,
    ZmqCommandServer,
    ZmqFactPublisher,
    ZmqFactSubscriber,
)
from botcore.control.views import PlatformView, decode_view, encode_view
from botcore.domain.commands import Command
from botcore.domain.errors import BotError, ConfigError
from botcore.domain.records import encode
from botcore.kernel.clock import Clock, SystemClock

VIEW = "view"
FACT = "fact/"
_TAKE = 100
_POLL_S = 0.2
_COMMANDS: msgspec.msgpack.Decoder[Command] = msgspec.msgpack.Decoder(Command)


class Publisher:
    """The engine's end: publishes, and answers commands on a thread of its own.

    Args:
        events, commands: endpoints on loopback, chosen by the supervisor.
        token: what a command must carry.
        on_command: carries a command out and returns what to say; runs on the channel's thread.

    Raises:
        ConfigError: an endpoint is taken.
    """

    def __init__(
        self, *, events: str, commands: str, token: str, on_command: Callable[[Command], str]
    ) -> None:
        self._on_command = on_command
        self._events = ZmqFactPublisher(events)
        self._server = ZmqCommandServer(commands, token=token, handle=self._answer)

    def start(self) -> None:
        """Begin to take commands."""
        self._server.start()

    def publish_view(self, view: PlatformView) -> None:
        """Publish the view."""
        self._events.publish(VIEW, encode_view(view))

    def publish_fact(self, name: str, lsn: int, payload: bytes) -> None:
        """Publish a fact under its name, with its lsn (0: only observed).

        Consumers drop what they have seen by its lsn.
        """
        self._events.publish(FACT + name, lsn.to_bytes(8, "big") + payload)

    def close(self) -> None:
        """Let go of the sockets."""
        self._server.stop()
        self._events.close()

    def _answer(self, payload: bytes) -> bytes:
        try:
            answer = {"ok": self._on_command(_COMMANDS.decode(payload))}
        except msgspec.MsgspecError as error:
            answer = _problem("COMMAND_MALFORMED", str(error), "use one version on both sides")
        except BotError as error:
            answer = _problem(error.code, error.cause, error.fix)
        return json.dumps(answer).encode()


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
        self._subscriber = ZmqFactSubscriber(events, VIEW, capacity=_TAKE)
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
            BotError: the engine does not answer, or refuses.
        """
        client = ZmqCommandClient(self._commands, token=self._token)
        try:
            answer = json.loads(client.call(encode(command)))
        finally:
            client.close()
        if "ok" in answer:
            return str(answer["ok"])
        raise ConfigError(code=answer["code"], cause=answer["cause"], fix=answer["fix"])

    def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        else:
            self._subscriber.close()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            for message in self._subscriber.take(_TAKE, timeout_s=_POLL_S)[-1:]:
                self._view = decode_view(message.payload)
                self._seen_at = self._clock.monotonic_ns()
        self._subscriber.close()


def _problem(code: str, cause: str, fix: str) -> dict[str, Any]:
    return {"code": code, "cause": cause, "fix": fix}
