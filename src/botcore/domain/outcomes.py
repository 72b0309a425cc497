"""What a command came to, for whoever gave it."""

from decimal import Decimal

import msgspec

from botcore.domain.ids import AccountId, ClientOrderId
from botcore.domain.modes import Mode
from botcore.domain.orders import OrderState


class OrderStanding(msgspec.Struct, frozen=True, kw_only=True):
    """An order that a command was about, as it stands when the answer is given.

    Attributes:
        state: None where it ended so long ago that the engine has forgotten it.
        leaves: what may still fill.
    """

    client_order_id: ClientOrderId
    state: OrderState | None = None
    quantity: Decimal | None = None
    filled: Decimal | None = None
    leaves: Decimal | None = None
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    cancel_owed: bool = False
    replace_pending: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command. It is durable, unless its sentence says that the store is away.

    Attributes:
        sentence: for people.
        mode, mode_cause: of the account, now.
        orders: what was placed, changed or cancelled; a bracket's entry first.
        code, detail: the denial and its sentence; empty where nothing was denied.
        value, limit: the figures of the denial.
        working: how many orders worked when all of some were to be cancelled; `orders` has the
            first of them.
        is_repeat: its reference was known: nothing was done, this is what it came to then.
        lsn: everything up to it is in the store; where it is durable, its facts are among that.
    """

    sentence: str
    account: AccountId
    mode: Mode
    mode_cause: str = ""
    orders: tuple[OrderStanding, ...] = ()
    code: str = ""
    detail: str = ""
    value: float = 0.0
    limit: float = 0.0
    working: int = 0
    is_repeat: bool = False
    lsn: int = 0

    @property
    def is_denied(self) -> bool:
        """Whether it was not done."""
        return bool(self.code)
