"""Playing a tape: a step for every stamp, and none for the bars of a lull."""

from collections.abc import Callable

from botcore.backtest.tape import PART, BarPart, BarTape, parts
from botcore.engine import Engine, Sequencer, Session
from botcore.venues.simulated import SimulatedVenue

_PROGRESS_EVERY = 4_096
_PATIENCE = 64
"""The most bars that pass before a lull is sought again where none was."""
_MOST = 1_024
"""Bars looked at together."""

Progress = Callable[[int, int], None]
"""Called now and then with bars done and bars in all."""


class Player:
    """Plays tapes through a session whose commit keeps nothing of a step without facts.

    Args:
        session: of the other three.
        engine: decides.
        venue: matches.
        sequencer: gives every input its place.
        part: the most bars that are played from one set of columns.
    """

    def __init__(
        self,
        session: Session,
        *,
        engine: Engine,
        venue: SimulatedVenue,
        sequencer: Sequencer,
        part: int = PART,
    ) -> None:
        self._session = session
        self._lulls = engine.lulls
        self._venue = venue
        self._sequencer = sequencer
        self._most = part

    def play(self, tape: BarTape, progress: Progress | None = None) -> None:
        """Play a tape from its first bar to its last."""
        told = progress or _silent
        total = len(tape)
        told(0, total)
        if len(tape.series) == 1:
            done = 0
            for part in parts(tape.series[0], self._most):
                self._part(part)
                done += len(part)
                told(done, total)
            return
        done = 0
        for count, event in enumerate(tape):
            self._session.bars(event)
            done += len(event.bars)
            if count % _PROGRESS_EVERY == 0:
                told(done, total)
        told(total, total)

    def _part(self, part: BarPart) -> None:
        """Play bars of one series: lulls together, and what is left of each bar as a step."""
        venue, session, take = self._venue, self._session, self._lulls.take
        at, end = 0, len(part)
        wait, next_try = 1, 0  # where somebody wants something at every bar, lulls are sought less
        while at < end:
            event = None
            if not venue.is_idle:
                event = part.event(at)
                session.match(event)
            if venue.is_idle and at >= next_try:
                count = take(part, at, _MOST)
                is_over = count < _MOST
                if count:
                    at += count
                    wait = 1
                    self._sequencer.pass_over(part.ts_close.item(at - 1), count)
                    if at == end or not is_over:
                        venue.pass_over(part.bar(at - 1))  # else the next bar tells it
                        continue
                    event = None
                else:
                    next_try = at + wait
                    wait = min(2 * wait, _PATIENCE)
            if event is None:
                event = part.event(at)
                session.match(event)
            session.close(event)
            at += 1


def _silent(_done: int, _total: int) -> None:
    """Nobody wants to know."""
