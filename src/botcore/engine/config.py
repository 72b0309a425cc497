"""What an engine is told: accounts, strategies, instruments, limits. One canonical digest."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from botcore.domain.ids import AccountId, Currency, InstrumentId, StrategyId
from botcore.domain.instruments import Instrument
from botcore.execution import ExecutionConfig
from botcore.risk import Protection, RiskLimits, Sizing


class AccountConfig(msgspec.Struct, frozen=True):
    """One account.

    Attributes:
        reporting: the currency its equity is measured in.
        limits: what it may do.
        protections: what locks its entries for a time, in the order in which they are looked at.
    """

    id: AccountId
    reporting: Currency = Currency("USDT")
    limits: RiskLimits = RiskLimits()
    protections: tuple[Protection, ...] = ()


class StrategyConfig(msgspec.Struct, frozen=True):
    """One configured strategy: which, with what, on what, with how much.

    Attributes:
        id: its name in this configuration (a slug; several may run the same strategy).
        strategy: the name of the strategy in the library.
        parameters: given ones; the rest take their defaults.
        step_ns: length of the bars it decides on.
        sizing: what a weight of 1 is on one instrument.
    """

    id: StrategyId
    strategy: str
    account: AccountId
    instruments: tuple[InstrumentId, ...]
    step_ns: int
    parameters: Mapping[str, float] = {}
    sizing: Sizing = Sizing()


class EngineConfig(msgspec.Struct, frozen=True):
    """Everything that decides what an engine does with a tape.

    Attributes:
        strategies: in the order in which they are asked.
        decisions_kept: decisions remembered a strategy and instrument (None: all of them).
        intents_per_event: more from one strategy on one event is a flood: denied, quarantined.
    """

    accounts: tuple[AccountConfig, ...]
    instruments: tuple[Instrument, ...]
    strategies: tuple[StrategyConfig, ...]
    execution: ExecutionConfig = ExecutionConfig()
    decisions_kept: int | None = None
    intents_per_event: int = 100

    def document(self) -> str:
        """Return the configuration as canonical JSON: sorted keys, instruments by id.

        Protections are left out where there are none, as before there were any.
        """
        canonical = msgspec.structs.replace(
            self,
            accounts=tuple(
                a if a.protections else msgspec.structs.replace(a, protections=msgspec.UNSET)
                for a in self.accounts
            ),
            instruments=tuple(sorted(self.instruments, key=lambda i: (i.id, i.version))),
            strategies=tuple(
                msgspec.structs.replace(s, instruments=tuple(sorted(s.instruments)))
                for s in self.strategies
            ),
        )
        return msgspec.json.encode(canonical, order="deterministic", enc_hook=_plain).decode()

    @property
    def digest(self) -> str:
        """First 16 hex digits of the document's SHA-256: what was in force stands on each order."""
        return hashlib.sha256(self.document().encode()).hexdigest()[:16]


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise NotImplementedError(type(value))
