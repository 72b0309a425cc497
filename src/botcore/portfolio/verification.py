"""Verification: what postings and positions say in two ways, compared.

Start-up and `botcore doctor` run it: one edited posting or position does not go unseen.
"""

from collections.abc import Container, Iterable
from decimal import Decimal

from botcore.domain.errors import InvariantBroken
from botcore.domain.ids import InstrumentId
from botcore.domain.numbers import EXACT, ZERO
from botcore.portfolio.amounts import plain
from botcore.portfolio.holdings import Holdings
from botcore.portfolio.ledger import Ledger
from botcore.portfolio.lines import Line
from botcore.portfolio.positions import Position

_add = EXACT.add
_subtract = EXACT.subtract


def verify_line(line: Line, ledger: Ledger) -> None:
    """Compare one position with its places in the ledger (I3, and I4 as far as it is booked).

    Raises:
        InvariantBroken: ``POSITION_DISAGREES``.
    """
    position = line.position
    if not line.base:
        return
    base = _sum(ledger.balance(place, line.base) for place in (line.trading, line.fees, line.dust))
    _compare(position, "quantity", position.quantity, base.copy_negate())
    quote = _sum(ledger.balance(place, line.quote) for place in (line.trading, line.fees))
    # The value of fees paid in base is in both cost and fees, with opposite signs.
    booked = _subtract(_add(position.cost, position.fees), position.realised)
    _compare(position, "cost + fees - realised", booked, quote)
    _compare(position, "dust", position.dust, ledger.balance(line.dust, line.base))
    _compare(position, "cost of dust", position.dust_cost, ledger.balance(line.dust, line.quote))


def verify_places(ledger: Ledger, trading_places: Container[str]) -> None:
    """Check that every place of a line belongs to a line we know.

    Raises:
        InvariantBroken: ``POSITION_DISAGREES``.
    """
    for ledger_path, currency, amount in ledger.balances():
        kind, _, owner = ledger_path.partition(":")
        if kind in ("trading", "fees", "dust") and f"trading:{owner}" not in trading_places:
            raise _disagrees(
                owner, f"holds {plain(amount)} {currency} in {ledger_path}", "no position"
            )


def verify_holdings(holdings: Holdings, positions: Iterable[Position]) -> None:
    """Compare an account's net view and float mirrors with its positions.

    Raises:
        InvariantBroken: ``POSITION_DISAGREES``.
    """
    net: dict[InstrumentId, Decimal] = {}
    for position in positions:
        net[position.instrument] = _add(net.get(position.instrument, ZERO), position.quantity)
        if position.quantity_float != float(position.quantity):
            raise _disagrees(repr(position), "has a stale float mirror", "its exact figure")
    for instrument in sorted({*net, *holdings.net}):
        said, summed = holdings.net.get(instrument, ZERO), net.get(instrument, ZERO)
        if said != summed:
            owner = f"{holdings.account}/{instrument}"
            raise _disagrees(owner, f"nets to {plain(said)}", f"{plain(summed)} in its positions")


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = _add(total, amount)
    return total


def _compare(position: Position, what: str, said: Decimal, booked: Decimal) -> None:
    if said != booked:
        owner = f"{position.account}/{position.strategy}/{position.instrument}"
        raise _disagrees(owner, f"{what} is {plain(said)}", f"{plain(booked)} in the ledger")


def _disagrees(owner: str, said: str, against: str) -> InvariantBroken:
    return InvariantBroken(
        code="POSITION_DISAGREES",
        cause=f"{owner}: {said}, against {against}",
        fix="restore the last good backup; run `botcore doctor` to see which entry differs",
    )
