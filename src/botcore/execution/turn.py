"""One report being applied: what has come of it so far."""

from botcore.domain.effects import Effect, Query
from botcore.domain.events import Fact, RiskAlert
from botcore.domain.ids import Nanos
from botcore.domain.keys import Key
from botcore.domain.reports import VenueReport
from botcore.execution.order import Order


class Turn:
    """A report, its key, and the facts and effects that came of it, in order.

    Attributes:
        halt: why the account must halt, or an empty string.
    """

    __slots__ = ("at", "effects", "facts", "halt", "report", "ts")

    def __init__(self, report: VenueReport, at: Key) -> None:
        self.report = report
        self.at = at
        self.ts = Nanos(at.ts)
        self.facts: list[Fact] = []
        self.effects: list[Effect] = []
        self.halt = ""

    def alert(self, code: str, detail: str) -> None:
        """Tell a person something about the order."""
        report = self.report
        text = f"order {report.client_order_id}: {detail}"
        self.facts.append(RiskAlert(report.account, self.ts, code, text))

    def ask(self, order: Order) -> None:
        """Have the venue asked for the truth about an order."""
        self.effects.append(Query(order.ref))
