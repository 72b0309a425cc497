"""The risk gate over a view that a test sets."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tests.support.builders import EMA, MAIN, SEAL, a_key, an_intent, an_order
from tests.support.fake_risk_view import FakeRiskView

from botcore.domain.decisions import Approved, ApprovedOrder, Denied
from botcore.domain.events import OrderPlaced
from botcore.domain.ids import Nanos
from botcore.domain.intents import NO_REASON, ReplaceOrder
from botcore.domain.orders import OrderSpec, OrderState
from botcore.risk import AccountRisk, Protection, RiskLimits, RiskManagementSystem
from botcore.risk.grid import GridValues


class RiskDesk:
    """One account under limits; the view has 10,000 USDT, is flat and marks at 100."""

    def __init__(
        self,
        view: FakeRiskView | None = None,
        protections: Sequence[Protection] = (),
        /,
        **limits: Any,
    ) -> None:
        self.view = view or FakeRiskView()
        self.gate = RiskManagementSystem(seal=SEAL, view=self.view, config_digest="digest")
        self.account: AccountRisk = self.gate.add_account(MAIN, RiskLimits(**limits), protections)

    at = a_key()

    def check(self, *, ts: int = 0, **intent: Any) -> Approved | Denied:
        """Ask for an order (a buy of 1 at the market, unless told otherwise)."""
        return self.gate.check_order_risk(an_intent(**intent), at=a_key(ts))

    def approved(self, *, ts: int = 0, **intent: Any) -> tuple[ApprovedOrder, ...]:
        """Ask for an order that must be approved; return it and its children."""
        decision = self.check(ts=ts, **intent)
        assert isinstance(decision, Approved), decision
        return decision.orders

    def denied(self, *, ts: int = 0, **intent: Any) -> Denied:
        """Ask for an order that must be denied."""
        decision = self.check(ts=ts, **intent)
        assert isinstance(decision, Denied), decision
        return decision

    def code(self, *, ts: int = 0, **intent: Any) -> str:
        """Ask for an order; return the code of the no, or an empty string."""
        decision = self.check(ts=ts, **intent)
        return decision.code if isinstance(decision, Denied) else ""

    def replace(
        self, order: OrderSpec | None = None, *, filled: str = "0", **change: Any
    ) -> GridValues | Denied:
        """Ask for a change of an order (a limit to buy 10 at 100)."""
        standing = order or an_order()
        return self.gate.check_replace_risk(
            ReplaceOrder(MAIN, EMA, standing.client_order_id, **change),
            standing,
            filled=Decimal(filled),
            at=a_key(),
        )

    def place(self, ts: int, state: OrderState = OrderState.INTENT) -> None:
        """Let an order have been placed at an instant."""
        self.gate.fold(
            OrderPlaced(
                MAIN, an_order(), state, Decimal(0), self.view.rules.quote, 100.0, Nanos(ts),
                NO_REASON, "",
            )
        )  # fmt: skip
