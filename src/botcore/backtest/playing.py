"""Playing a tape: a step for every stamp, and none for the bars of a lull."""

from collections.abc import Callable, Sequence

from botcore.backtest.tape import PART, BarPart, BarTape, row_of, side_by_side
from botcore.engine import Engine, Sequencer, Session
from botcore.venues.simulated import SimulatedVenue

_PROGRESS_EVERY = 4_096
_PATIENCE = 64
"""The most bars that pass before a lull is sought again where none was."""
_MOST = 1_024
"""Stamps looked at together."""
_FEW = 16
"""Of several instruments: so many at first, more while lulls last."""

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
        done = 0
        if len({each.spec.step_ns for each in tape.series}) == 1:
            for together in side_by_side(tape.series, self._most):
                self._part(together)
                done += len(together) * len(together[0])
                told(done, total)
            return
        for count, event in enumerate(tape):
            self._session.bars(event)
            done += len(event.bars)
            if count % _PROGRESS_EVERY == 0:
                told(done, total)
        told(total, total)

    def _part(self, together: Sequence[BarPart]) -> None:
        """Play rows of bars: lulls together, and what is left of each row as a step."""
        venue, session, take = self._venue, self._session, self._lulls.take
        at, end = 0, len(together[0])
        stamps = together[0].ts_close
        wait, next_try = 1, 0  # where somebody wants something at every bar, lulls are sought less
        most = _MOST if len(together) == 1 else _FEW
        while at < end:
            event = None
            if not venue.is_idle:
                event = row_of(together, at)
                session.match(event)
            if venue.is_idle and at >= next_try:
                count = take(together, at, most)
                is_over = count < most
                if len(together) > 1:
                    # Each of many looks may end a lull: looking far ahead is mostly in vain.
                    most = max(_FEW, 2 * count) if is_over else min(2 * most, _MOST)
                if count:
                    at += count
                    wait = 1
                    self._sequencer.pass_over(stamps.item(at - 1), count)
                    if at == end or not is_over:
                        for each in together:
                            venue.pass_over(each.bar(at - 1))  # else the next bar tells it
                        continue
                    event = None
                else:
                    next_try = at + wait
                    wait = min(2 * wait, _PATIENCE)
            if event is None:
                event = row_of(together, at)
                session.match(event)
            session.close(event)
            at += 1


def _silent(_done: int, _total: int) -> None:
    """Nobody wants to know."""
