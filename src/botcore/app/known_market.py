"""What the engine trades, and for which accounts, as the configuration in its store says."""

from decimal import Decimal
from typing import Any

import msgspec

from botcore.domain.errors import StorageError
from botcore.domain.ids import AccountId
from botcore.domain.instruments import Instrument
from botcore.storage import ReadModels


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """Instruments with their rules, the length of bars, and which strategy runs under which name.

    Attributes:
        step_ns: nanoseconds; 0 where nothing was configured yet.
        strategies: id → name in the library or the folder.
    """

    instruments: tuple[Instrument, ...] = ()
    step_ns: int = 0
    strategies: dict[str, str] = {}


class KnownAccount(msgspec.Struct, frozen=True):
    """An account of the engine.

    Attributes:
        reporting: the currency its equity is measured in.
        daily_loss_frac: what it may lose in a day, of its equity; None where no limit is known.
    """

    id: str
    reporting: str
    daily_loss_frac: float | None = None


class _Limits(msgspec.Struct, frozen=True):
    daily_loss_frac: float | None = None


class _Account(msgspec.Struct, frozen=True):
    id: str
    reporting: str
    limits: _Limits = _Limits()


class _Strategy(msgspec.Struct, frozen=True):
    id: str
    strategy: str
    step_ns: int


class _Configured(msgspec.Struct, frozen=True):
    """The part of an engine's configuration that is read here."""

    instruments: tuple[Instrument, ...]
    strategies: tuple[_Strategy, ...]
    accounts: tuple[_Account, ...] = ()


def traded(models: ReadModels, account: str) -> Traded:
    """Return what the newest configuration of an account trades; nothing before the first.

    Raises:
        StorageError: the store cannot be read.
    """
    found = _configured(models, account)
    if found is None:
        return Traded()
    steps = [each.step_ns for each in found.strategies]
    return Traded(
        instruments=found.instruments,
        step_ns=min(steps, default=0),
        strategies={each.id: each.strategy for each in found.strategies},
    )


def known_account(models: ReadModels, account: str) -> KnownAccount | None:
    """Return an account as it was configured last; None where it never was.

    Raises:
        StorageError: the store cannot be read.
    """
    found = _configured(models, account)
    for each in () if found is None else found.accounts:
        if each.id == account:
            return KnownAccount(each.id, each.reporting, each.limits.daily_loss_frac)
    return None


def _configured(models: ReadModels, account: str) -> _Configured | None:
    document = models.newest_config(AccountId(account))
    if document is None:
        return None
    try:
        return msgspec.json.decode(document, type=_Configured, dec_hook=_decimal)
    except msgspec.MsgspecError as error:
        raise StorageError(
            code="CONFIG_UNREADABLE",
            cause=f"the stored configuration cannot be read: {error}",
            fix="start the platform once with this version: it stores its configuration anew",
        ) from error


def _decimal(kind: type, value: Any) -> Any:  # noqa: ANN401  # msgspec's own signature
    if kind is Decimal:
        return Decimal(value)
    raise NotImplementedError(kind)
