"""Snapshots: the portfolio's state as canonical strings, written and read.

A key is a path of ``/``; a value is a plain decimal, or a currency. Marks are not money and stand
in `PerformanceUpdate`.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, DecimalException

from botcore.domain.errors import InvariantBroken
from botcore.domain.events import PositionChanged
from botcore.domain.ids import AccountId, Currency, InstrumentId, Nanos, StrategyId
from botcore.portfolio.amounts import canonical, plain
from botcore.portfolio.ledger import Ledger
from botcore.portfolio.lines import Line

_FIELDS = ("quantity", "cost", "realised", "fees")

Balance = tuple[str, Currency, Decimal]
Pair = tuple[Currency, Currency]


def write_state(ledger: Ledger, lines: Iterable[Line]) -> dict[str, str]:
    """Return balances and positions as canonical strings under sorted keys."""
    state = {
        f"balance/{place}/{currency}": plain(amount)
        for place, currency, amount in ledger.balances()
    }
    for line in lines:
        if line.base:
            position = line.position
            owner = f"{position.account}/{position.strategy}/{position.instrument}"
            state[f"position/{owner}/base"] = line.base
            state[f"position/{owner}/quote"] = line.quote
            for field in _FIELDS:
                state[f"position/{owner}/{field}"] = plain(getattr(position, field))
    return dict(sorted(state.items()))


def read_state(
    state: Mapping[str, str],
) -> tuple[list[Balance], list[tuple[PositionChanged, Pair]]]:
    """Return what `write_state` wrote as balances and as positions with their pairs.

    Raises:
        InvariantBroken: ``PORTFOLIO_STATE_MALFORMED``.
    """
    balances: list[Balance] = []
    positions: dict[tuple[str, str, str], dict[str, str]] = {}
    try:
        for key, value in state.items():
            kind, *path = key.split("/")
            if kind == "balance":
                place, currency = path
                balances.append((place, Currency(currency), canonical(Decimal(value))))
            elif kind == "position":
                account, strategy, instrument, field = path
                positions.setdefault((account, strategy, instrument), {})[field] = value
            else:
                raise ValueError(f"unknown key {key!r}")
        changes = [_position(owner, fields) for owner, fields in sorted(positions.items())]
    except (ValueError, KeyError, DecimalException) as error:
        raise InvariantBroken(
            code="PORTFOLIO_STATE_MALFORMED",
            cause=f"a snapshot of the portfolio cannot be read: {error!r}",
            fix="delete the snapshot; the state is rebuilt from the journal",
        ) from error
    return balances, changes


def _position(
    owner: tuple[str, str, str], fields: Mapping[str, str]
) -> tuple[PositionChanged, Pair]:
    account, strategy, instrument = owner
    quantity, cost, realised, fees = (canonical(Decimal(fields[field])) for field in _FIELDS)
    changed = PositionChanged(
        AccountId(account),
        StrategyId(strategy),
        InstrumentId(instrument),
        quantity,
        cost,
        realised,
        fees,
        Nanos(0),
    )
    return changed, (Currency(fields["base"]), Currency(fields["quote"]))
