"""The limits in force: those of the configuration, until a person puts others in their place."""

from collections.abc import Mapping
from typing import Any

import msgspec

from botcore.domain.errors import ConfigError, InvariantBroken
from botcore.domain.events import Fact, LimitsChanged
from botcore.domain.ids import AccountId, Nanos
from botcore.domain.parameters import did_you_mean
from botcore.engine.desk import Desk
from botcore.risk import RiskLimits


class LimitsInForce:
    """Puts limits in force, and knows which differ from the configured ones.

    Args:
        desk: whose risk enforces them.
        configured: by account.
    """

    def __init__(self, desk: Desk, configured: Mapping[AccountId, RiskLimits]) -> None:
        self._desk = desk
        self._configured = configured

    def changed(self, account: AccountId, given: Mapping[str, Any]) -> RiskLimits:
        """Return the limits in force with those given in their place.

        Raises:
            ConfigError: ``LIMIT_UNKNOWN`` or ``LIMIT_REFUSED``.
        """
        in_force = msgspec.to_builtins(self._desk.risk.account(account).limits)
        return limits_of({**in_force, **given})

    def use(self, account: AccountId, limits: RiskLimits, *, by: str, ts: int) -> Fact | None:
        """Put limits in force at once; return the fact of it, None where they are already."""
        known = self._desk.risk.account(account)
        if known.limits == limits:
            return None
        known.use_limits(limits)
        return LimitsChanged(account, Nanos(ts), msgspec.to_builtins(limits), by)

    def use_configured(self, account: AccountId, ts: int) -> Fact | None:
        """Put the configuration's limits in force: at a start they win over what was changed."""
        return self.use(account, self._configured[account], by="engine", ts=ts)

    def fold(self, fact: Fact) -> None:
        """Take a change of an earlier session; limits that can no longer be are left alone."""
        if type(fact) is LimitsChanged and fact.account in self._configured:
            try:
                limits = limits_of(fact.limits)
            except ConfigError:
                return
            self._desk.risk.account(fact.account).use_limits(limits)

    def state(self) -> dict[str, Any]:
        """Return account → limits where they are not the configured ones, as JSON values."""
        return {
            str(name): msgspec.to_builtins(in_force)
            for name, configured in sorted(self._configured.items())
            if (in_force := self._desk.risk.account(name).limits) != configured
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `state` described; who is not named has the configured limits.

        Raises:
            InvariantBroken: ``LIMITS_STATE_MALFORMED``; nothing was changed.
        """
        try:
            kept = {AccountId(name): limits_of(each) for name, each in state.items()}
        except (ConfigError, TypeError) as error:
            raise InvariantBroken(
                code="LIMITS_STATE_MALFORMED",
                cause=f"the limits of a snapshot cannot be read: {error}",
                fix="restore an older snapshot; the journal alone is enough",
            ) from error
        for name, configured in self._configured.items():
            self._desk.risk.account(name).use_limits(kept.get(name, configured))


def limits_of(given: Mapping[str, Any]) -> RiskLimits:
    """Return limits from JSON values by name; what is not named has its default.

    Raises:
        ConfigError: ``LIMIT_UNKNOWN`` or ``LIMIT_REFUSED``.
    """
    for name in given:
        if name not in RiskLimits.__struct_fields__:
            raise ConfigError(
                code="LIMIT_UNKNOWN",
                cause=f"there is no risk limit {name!r}",
                fix=did_you_mean(name, list(RiskLimits.__struct_fields__)),
            )
    try:
        return msgspec.convert(dict(given), RiskLimits)
    except msgspec.ValidationError as error:
        raise ConfigError(
            code="LIMIT_REFUSED",
            cause=f"a risk limit cannot be used: {error}",
            fix="give a number above 0; 0.15 means 15 % of equity",
        ) from error
