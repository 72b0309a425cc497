"""Every reason for a no, with the sentence people read: ``{value}`` against ``{limit}``.

``{detail}`` is what no number says.
"""

from collections.abc import Mapping
from decimal import Decimal

from botcore.domain.decisions import Denied

DENIALS: Mapping[str, str] = {
    "MODE_FORBIDS": "the account's mode forbids it",
    "STRATEGY_PAUSED": "the strategy is paused",
    "STRATEGY_QUARANTINED": "the strategy is in quarantine",
    "INSTRUMENT_NOT_TRADING": "the instrument is not trading",
    "INSTRUMENT_NOT_TRADABLE": "contracts of this kind cannot be traded yet",
    "INTENT_MALFORMED": "the order makes no sense: a price or quantity is missing or not a number",
    "NO_PRICE": "no price of the instrument is known",
    "BELOW_MINIMUM": "{value:.10g} is below the venue's minimum of {limit:.10g}",
    "PRICE_BAND": "price {value:.10g} lies beyond the price band, at {limit:.10g}",
    "ORDER_LIMIT": "notional {value:.2f} exceeds {limit:.2f} for one order",
    "INSTRUMENT_LIMIT": "exposure {value:.2f} would exceed {limit:.2f} on the instrument",
    "STRATEGY_LIMIT": "exposure {value:.2f} would exceed {limit:.2f} of the strategy",
    "ACCOUNT_LIMIT": "exposure {value:.2f} would exceed {limit:.2f} of the account",
    "ORDER_RATE": "{value:.0f} orders in a second exceed {limit:.0f}",
    "INSUFFICIENT_CASH": "it needs {value:.2f}, free are {limit:.2f}",
    "INSUFFICIENT_POSITION": "it sells {value:.10g}, the strategy has {limit:.10g} free",
    "SHORT_NOT_ALLOWED": "going short is not allowed on this account",
    "NOTHING_TO_REDUCE": "there is no position to reduce",
    "IN_DOUBT": "an order on the instrument has an unknown outcome",
    "ORDER_NOT_WORKING": "the order is not working",
    "ORDER_CHANGE_PENDING": "a change of the order is not answered yet",
    "QUANTITY_BELOW_FILLED": "quantity {value:.10g} is below the {limit:.10g} already filled",
    "NOT_YOURS": "the order belongs to another strategy",
    "TOO_MANY_INTENTS": "{value:.0f} intents on one event exceed {limit:.0f}",
    "NOT_CONFIRMED": "flatten was not confirmed",
    "PROTECTION_LOCKED": "a protection lets nothing be opened: {detail}",
    "NOT_READY": "the account is not reconciled with its venue yet",
    "INSTRUMENT_UNKNOWN": "the platform does not trade that instrument",
    "STRATEGY_UNKNOWN": "no strategy of that name is configured or holds anything",
    "ORDER_UNKNOWN": "the account has no such order",
    "LOCK_UNKNOWN": "no such lock is in force: it may have ended by itself",
    "REFERENCE_SPENT": (
        "an act was done under the reference, so long ago that what came of it is not known any"
        " more: see the orders"
    ),
    "REFERENCE_REUSED": "the reference was used for another act",
}


class _Plain(float):
    """A number whose shortest form has no power of ten: 0.00001, not 1e-05."""

    def __format__(self, spec: str) -> str:
        """Return it as the words ask for it."""
        text = super().__format__(spec)
        return f"{Decimal(text):f}" if "e" in text else text


def sentence(denied: Denied) -> str:
    """Return why, in words."""
    words = DENIALS[denied.code]
    value, limit = _Plain(denied.value), _Plain(denied.limit)
    return words.format(value=value, limit=limit, detail=denied.detail)
