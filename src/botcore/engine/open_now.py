"""How much is open, counted on the engine's thread: no view of the platform shows all of it."""

from botcore.domain.questions import OPEN_SHOWN, OpenNow, WhatIsOpen
from botcore.engine.desk import Desk


def open_now(desk: Desk, question: WhatIsOpen) -> OpenNow:
    """Return what is open between two steps."""
    strategy, instrument = question.strategy, question.instrument
    working = desk.execution.index.all_working(
        question.account, strategy, instrument, question.side
    )
    held = sum(
        1
        for each in desk.portfolio.positions(question.account)
        if each.quantity
        and strategy in (None, each.strategy)
        and instrument in (None, each.instrument)
    )
    first = tuple(each.id for each in working[:OPEN_SHOWN])
    return OpenNow(orders=len(working), positions=held, first=first)
