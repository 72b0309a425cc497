"""Signals that ask the platform to stop."""

import threading

from botcore.app.foreground import ToldOnce


class _Interrupted(threading.Event):
    """Is interrupted by a second signal in the middle of being set, as a kernel may do."""

    def __init__(self) -> None:
        super().__init__()
        self.told = ToldOnce(self)
        self.calls = 0

    def set(self) -> None:
        self.calls += 1
        self.told.tell()
        super().set()


def test_a_second_signal_inside_the_first_ones_handler_does_not_wait_for_itself() -> None:
    event = _Interrupted()

    event.told.tell()

    assert event.is_set()
    assert event.calls == 1
