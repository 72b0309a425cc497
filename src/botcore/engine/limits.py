"""The limits in force: those of the configuration, until a person puts others in their place."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from botcore.domain.errors import ConfigError, InvariantBroken
from botcore.domain.events import ConfigApplied, Fact, LimitsChanged
from botcore.domain.ids import AccountId, Nanos
from botcore.domain.parameters import did_you_mean
from botcore.engine.desk import Desk
from botcore.risk import RiskLimits

_ENGINE: Final = "engine"
"""Who puts limits in force at a start."""


class _Begun(msgspec.Struct, frozen=True):
    """What an account's session began with, where people have changed it since.

    Attributes:
        limits: those of the configuration that was applied.
        by: who changed them last.
    """

    limits: RiskLimits
    by: str = ""


class LimitsInForce:
    """Puts limits in force, and knows which of them people changed since the session began.

    Args:
        desk: whose risk enforces them.
        configured: by account.
    """

    def __init__(self, desk: Desk, configured: Mapping[AccountId, RiskLimits]) -> None:
        self._desk = desk
        self._configured = configured
        self._begun = {name: _Begun(limits) for name, limits in configured.items()}

    def by_people(self, account: AccountId) -> tuple[dict[str, Any], str]:
        """Return the limits in force that people changed since a configuration was applied.

        That may have been in a session that has ended.

        Returns:
            Those limits by name, and who changed them last; nothing where nobody did.
        """
        begun = self._begun[account]
        before = msgspec.to_builtins(begun.limits)
        in_force = msgspec.to_builtins(self._desk.risk.account(account).limits)
        changed = {name: value for name, value in in_force.items() if value != before[name]}
        return changed, begun.by if changed else ""

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
        self._changed(account, limits, by=by)
        return LimitsChanged(account, Nanos(ts), msgspec.to_builtins(limits), by)

    def use_configured(
        self, account: AccountId, ts: int, *, kept: Mapping[str, Any], kept_by: str
    ) -> Sequence[Fact]:
        """Put the configuration's limits in force: at a start they win over what was changed.

        Args:
            account: whose.
            ts: of the facts.
            kept: what stands above them all the same, by name; what cannot be used does not.
            kept_by: who changed those.

        Returns:
            The facts of what changed by it.
        """
        configured = self._configured[account]
        facts = [self.use(account, configured, by=_ENGINE, ts=ts)]
        self._begun[account] = _Begun(configured)
        if kept:
            with contextlib.suppress(ConfigError):
                facts.append(self.use(account, self.changed(account, kept), by=kept_by, ts=ts))
        return [fact for fact in facts if fact is not None]

    def unkept(self, account: AccountId) -> tuple[dict[str, Any], str]:
        """Return as `by_people`, without what the configuration has like that."""
        changed, by = self.by_people(account)
        known = msgspec.to_builtins(self._configured[account])
        unkept = {name: value for name, value in changed.items() if value != known[name]}
        return unkept, by if unkept else ""

    def fold(self, fact: Fact) -> None:
        """Take a change of an earlier session; limits that can no longer be are left alone."""
        if type(fact) is ConfigApplied and fact.account in self._configured:
            self._begun[fact.account] = _Begun(self._desk.risk.account(fact.account).limits)
        elif type(fact) is LimitsChanged and fact.account in self._configured:
            try:
                limits = limits_of(fact.limits)
            except ConfigError:
                return
            self._desk.risk.account(fact.account).use_limits(limits)
            self._changed(fact.account, limits, by=fact.by)

    def _changed(self, account: AccountId, limits: RiskLimits, *, by: str) -> None:
        begun = limits if by == _ENGINE else self._begun[account].limits
        self._begun[account] = _Begun(begun, "" if begun == limits else by)

    def state(self) -> dict[str, Any]:
        """Return account → limits where they are not the configured ones, as JSON values."""
        return {
            str(name): msgspec.to_builtins(in_force)
            for name, configured in sorted(self._configured.items())
            if (in_force := self._desk.risk.account(name).limits) != configured
        }

    def begun_state(self) -> dict[str, Any]:
        """Return account → what its session began with, where people changed it, as JSON values."""
        return {
            str(name): msgspec.to_builtins(begun)
            for name, begun in sorted(self._begun.items())
            if self._desk.risk.account(name).limits != begun.limits
        }

    def restore(self, state: Mapping[str, Any], begun: Mapping[str, Any]) -> None:
        """Become what `state` and `begun_state` described.

        Who is not named in the first has the configured limits; in the second, nobody has changed
        those of who is not named.

        Raises:
            InvariantBroken: ``LIMITS_STATE_MALFORMED``; nothing was changed.
        """
        try:
            kept = {AccountId(name): limits_of(each) for name, each in state.items()}
            began = {
                AccountId(name): _Begun(limits_of(each["limits"]), str(each["by"]))
                for name, each in begun.items()
            }
        except (ConfigError, TypeError, LookupError) as error:
            raise InvariantBroken(
                code="LIMITS_STATE_MALFORMED",
                cause=f"the limits of a snapshot cannot be read: {error}",
                fix="restore an older snapshot; the journal alone is enough",
            ) from error
        for name, configured in self._configured.items():
            in_force = kept.get(name, configured)
            self._desk.risk.account(name).use_limits(in_force)
            self._begun[name] = began.get(name, _Begun(in_force))


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
