"""What goes between the two processes of one machine: views and facts out, calls in."""

import struct
import threading
from collections.abc import Callable
from typing import TypeVar

import msgspec

from botcore.app.calls import (
    Call,
    What,
    decode_answer,
    decode_call,
    encode_call,
    encode_problem,
)
from botcore.app.told import Told
from botcore.app.zmq_bus import ZmqFactPublisher, ZmqFactSubscriber
from botcore.app.zmq_calls import Answer, ZmqCommandClient, ZmqCommandServer
from botcore.control.views import PlatformView, decode_view, encode_view
from botcore.domain.commands import Command
from botcore.domain.errors import ConfigError
from botcore.domain.ids import SECOND_NS
from botcore.domain.outcomes import Outcome
from botcore.domain.questions import Question, answer_type
from botcore.kernel.clock import Clock, SystemClock

A = TypeVar("A")
VIEW = "view"
FACT = "fact/"
HEAD = "head"
MARKET = "market"
PLACES = struct.Struct(">QQ")
"""Before each fact, and alone under `HEAD`: its lsn, and the lsn up to which all facts were sent
before it. The lsn of what is only observed is 0."""
_TAKE = 100
_POLL_S = 0.2
_TRY_S = 10.0
_TRIES = 3


class Publisher:
    """The engine's end: publishes, and takes calls on a thread of its own.

    Args:
        events, commands: endpoints on loopback, chosen by the supervisor.
        token: what a call must be signed with, and what is published is.
        on_call: takes a call to be answered soon; runs on the channel's thread.

    Raises:
        ConfigError: an endpoint is taken.
    """

    def __init__(
        self, *, events: str, commands: str, token: str, on_call: Callable[[Told], None]
    ) -> None:
        self._on_call = on_call
        self._events = ZmqFactPublisher(events, token=token)
        self._server = ZmqCommandServer(commands, token=token, handle=self._take)
        self._after = 0

    @property
    def events(self) -> str:
        """Where views and facts are published."""
        return self._events.endpoint

    @property
    def commands(self) -> str:
        """Where calls are taken."""
        return self._server.endpoint

    def start(self) -> None:
        """Begin to take calls."""
        self._server.start()

    def publish_view(self, view: PlatformView) -> None:
        """Publish the view."""
        self._events.publish(VIEW, encode_view(view))

    def go_on_after(self, lsn: int) -> None:
        """Say up to where an earlier session has published all facts."""
        self._after = lsn

    def publish_fact(self, name: str, lsn: int, payload: bytes) -> None:
        """Publish a fact under its name, with its lsn (0: only observed).

        Consumers drop what they have seen by its lsn.
        """
        self._events.publish(FACT + name, PLACES.pack(lsn, self._after) + payload)
        self._after = max(self._after, lsn)

    def publish_market(self, payload: bytes) -> None:
        """Publish what the engine was given by the market, for who shows it; it may be lost."""
        self._events.publish(MARKET, payload)

    def publish_head(self, lsn: int) -> None:
        """Say that every fact up to `lsn` has been published: who misses one learns it by this."""
        self._events.publish(HEAD, PLACES.pack(lsn, self._after))
        self._after = max(self._after, lsn)

    def close(self) -> None:
        """Let go of the sockets."""
        self._server.stop()
        self._events.close()

    def _take(self, payload: bytes, answer: Answer) -> None:
        try:
            call = decode_call(payload)
        except msgspec.MsgspecError as error:
            answer(encode_problem(_malformed(error)))
            return
        self._on_call(Told(call, answer))


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
        self._subscriber = ZmqFactSubscriber(events, VIEW, token=token, capacity=_TAKE)
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

    def act(self, command: Command) -> Outcome:
        """Give the engine a command; return what came of it once that is durable.

        Raises:
            BotError: the engine does not answer, or cannot carry it out.
        """
        outcome: Outcome = decode_answer(self._call(command), Outcome)
        return outcome

    def ask(self, question: Question[A]) -> A:
        """Ask the engine something; nothing changes by it.

        Raises:
            BotError: the engine does not answer, or has no answer.
        """
        reply = self._call(question)  # type: ignore[arg-type]  # one of `Asked`
        answer: A = decode_answer(reply, answer_type(type(question)))
        return answer

    @property
    def refused(self) -> int:
        """How many messages came that were not the engine's."""
        return self._subscriber.refused

    def close(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        else:
            self._subscriber.close()

    def _call(self, what: What) -> bytes:
        client = ZmqCommandClient(self._commands, token=self._token)
        until = self._clock.monotonic_ns() + round(_TRIES * _TRY_S * SECOND_NS)
        try:
            return client.call(encode_call(Call(what, until)), timeout_s=_TRY_S, tries=_TRIES)
        finally:
            client.close()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            for message in self._subscriber.take(_TAKE, timeout_s=_POLL_S)[-1:]:
                self._view = decode_view(message.payload)
                self._seen_at = self._clock.monotonic_ns()
        self._subscriber.close()


def _malformed(error: msgspec.MsgspecError) -> ConfigError:
    return ConfigError(
        code="COMMAND_MALFORMED",
        cause=f"the engine cannot read what it was told: {error}",
        fix="use one version on both sides",
    )
