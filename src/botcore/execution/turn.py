"""What happened to orders, and one report being applied: what has come of it so far."""

import msgspec

from botcore.domain.effects import Effect, Query
from botcore.domain.events import Fact, RiskAlert
from botcore.domain.ids import AccountId, Nanos
from botcore.domain.keys import Key
from botcore.domain.reports import VenueReport
from botcore.execution.order import Order


class ExecutionReport(msgspec.Struct):
    """What happened to orders, and what must be done about it.

    It grows while a report is applied, and is handed over once: nobody keeps it. Copying it into
    something frozen cost every order three more objects.

    Attributes:
        facts: already folded, in order.
        effects: for the runner to release, in order.
        halt: why `account` must halt, or an empty string.
    """

    facts: list[Fact] = []
    effects: list[Effect] = []
    halt: str = ""
    account: AccountId = AccountId("")


class Turn(ExecutionReport, kw_only=True):
    """A venue's report, its key, and what came of it."""

    report: VenueReport
    at: Key

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
