"""A call from outside on its way to the engine's thread, and its answer on the way back."""

from botcore.app.calls import Call, What, encode_answer, encode_problem
from botcore.app.zmq_calls import Answer
from botcore.domain.errors import BotError


class Told:
    """One call; whoever made it waits until the engine's thread answers.

    Args:
        call: what is asked for.
        answer: takes the reply.
    """

    def __init__(self, call: Call, answer: Answer) -> None:
        self._call = call
        self._answer = answer

    @property
    def what(self) -> What:
        """The command, question or request."""
        return self._call.what

    def is_late(self, now: int) -> bool:
        """Whether nobody waits any more, by the machine's monotonic time: it must not be done."""
        return bool(self._call.until) and now > self._call.until

    def answer(self, value: object) -> None:
        """Answer; it is done."""
        self._answer(encode_answer(value))

    def refuse(self, error: BotError) -> None:
        """Say why it was not done, or why it is not known whether it was."""
        self._answer(encode_problem(error))
