"""One report being applied: what has come of it so far."""

import msgspec

from botcore.domain.effects import Effect, Query
from botcore.domain.events import Fact, RiskAlert
from botcore.domain.ids import Nanos
from botcore.domain.keys import Key
from botcore.domain.reports import VenueReport
from botcore.execution.order import Order


class Turn(msgspec.Struct):
    """A report, its key, and the facts and effects that came of it, in order.

    Attributes:
        halt: why the account must halt, or an empty string.
    """

    report: VenueReport
    at: Key
    facts: list[Fact] = []
    effects: list[Effect] = []
    halt: str = ""

    @property
    def ts(self) -> Nanos:
        """The instant of the input, nanoseconds UTC."""
        return Nanos(self.at.ts)

    def alert(self, code: str, detail: str) -> None:
        """Tell a person something about the order."""
        report = self.report
        text = f"order {report.client_order_id}: {detail}"
        self.facts.append(RiskAlert(report.account, self.ts, code, text))

    def ask(self, order: Order) -> None:
        """Have the venue asked for the truth about an order."""
        self.effects.append(Query(order.ref))
