"""What people, the supervisor and the runner tell the engine: one function a command."""

from collections.abc import Callable

from botcore.domain import commands as c
from botcore.domain.decisions import Denied
from botcore.domain.events import ConfigApplied, OrderDenied, StrategyPaused, StrategyQuarantined
from botcore.domain.ids import AccountId, InstrumentId, Nanos, StrategyId
from botcore.domain.keys import Key
from botcore.domain.modes import Mode
from botcore.engine.deciding import Deciders
from botcore.engine.desk import Desk
from botcore.engine.limits import LimitsInForce
from botcore.risk import AccountRisk


class Commanding:
    """Carries out commands on the desk and the strategies.

    Args:
        desk: risk, execution and portfolio.
        deciders: the strategies.
        limits: those in force.
        digest: of the configuration in force.
    """

    def __init__(
        self, desk: Desk, deciders: Deciders, *, limits: LimitsInForce, digest: str
    ) -> None:
        self._desk = desk
        self._deciders = deciders
        self._limits = limits
        self._digest = digest

    def handlers(self) -> dict[type, Callable[[Key, object], None]]:
        """Return command type → the function that carries it out."""
        table: dict[type, object] = {
            c.SessionStarted: self._session_started,
            c.Reconciled: self._reconciled,
            c.ApplyConfig: self._apply_config,
            c.Deposit: self._deposit,
            c.Checkpoint: self._checkpoint,
            c.IntentNotDurable: self._intent_not_durable,
            c.KillSwitch: self._kill_switch,
            c.SetMode: self._set_mode,
            c.CancelAll: self._cancel_all,
            c.Flatten: self._flatten,
            c.PauseStrategy: self._pause,
            c.ResumeStrategy: self._resume,
            c.Quarantine: self._quarantine,
        }
        return table  # type: ignore[return-value]  # each handler takes the type it stands under

    def _session_started(self, key: Key, event: c.SessionStarted) -> None:
        desk = self._desk
        self._deciders.is_ready = False
        desk.execution.begin_epoch(event.epoch)
        desk.take(desk.execution.recover(event.account, at=key), key)

    def _reconciled(self, key: Key, event: c.Reconciled) -> None:
        self._deciders.is_ready = True
        self._deciders.begin_timers(event.account, key)
        account = self._desk.risk.account(event.account)
        if account.mode is Mode.CANCEL_ONLY and account.mode_cause.startswith("ENGINE"):
            self._desk.mode(event.account, Mode.NORMAL, "reconciled", "engine", key)
        self._protect(account, key)

    def _protect(self, account: AccountRisk, key: Key) -> None:
        """Send the exits that are held although their entry has filled, where that is allowed."""
        if self._deciders.is_ready and account.mode in (Mode.NORMAL, Mode.REDUCE_ONLY):
            self._desk.take(self._desk.execution.protect(account.account, at=key), key)

    def _apply_config(self, key: Key, event: c.ApplyConfig) -> None:
        self._desk.out.facts.append(
            ConfigApplied(event.account, Nanos(key.ts), self._digest, event.document)
        )
        self._desk.out.facts.extend(
            self._limits.use_configured(
                event.account, key.ts, kept=event.limits, kept_by=event.limits_by
            )
        )

    def _deposit(self, key: Key, event: c.Deposit) -> None:
        self._desk.deposited(self._desk.portfolio.book_deposit(event, Nanos(key.ts)))

    def _checkpoint(self, key: Key, event: c.Checkpoint) -> None:
        desk = self._desk
        account = desk.risk.account(event.account)
        account.equity = desk.valuation.equity(event.account)
        desk.out.facts.append(desk.risk.performance(account, key, desk.valuation.marks()))

    def _intent_not_durable(self, key: Key, event: c.IntentNotDurable) -> None:
        desk = self._desk
        desk.take(desk.execution.drop_unsent(event.account, at=key), key)
        if desk.risk.account(event.account).mode is not Mode.FLATTEN:  # it tries at every bar
            desk.mode(event.account, Mode.CANCEL_ONLY, f"ENGINE: {event.cause}", "engine", key)

    def _kill_switch(self, key: Key, event: c.KillSwitch) -> None:
        self._desk.halt(event.account, event.cause, key, by=event.by)

    def _set_mode(self, key: Key, event: c.SetMode) -> None:
        if is_unconfirmed(event):
            self._refuse_unconfirmed(key, event.account)
        elif event.mode is Mode.HALT:
            self._desk.halt(event.account, event.cause, key, by=event.by)
        elif not self._would_leave_another(event, event.mode):
            self._desk.mode(event.account, event.mode, event.cause, event.by, key)
            self._protect(self._desk.risk.account(event.account), key)

    def _would_leave_another(self, event: c.SetMode | c.Flatten, wanted: Mode) -> bool:
        """Whether it would leave a mode that who asked did not know of."""
        mode = self._desk.risk.account(event.account).mode
        is_other = event.known is not None and mode is not event.known
        return is_other and wanted.severity < mode.severity

    def _cancel_all(self, key: Key, event: c.CancelAll) -> None:
        desk = self._desk
        cancelled = desk.execution.cancel_all(
            event.account,
            at=key,
            strategy=event.strategy,
            instrument=event.instrument,
            side=event.side,
            detail=f"by {event.by}",
        )
        desk.take(cancelled, key)

    def _flatten(self, key: Key, event: c.Flatten) -> None:
        desk = self._desk
        if is_unconfirmed(event):
            self._refuse_unconfirmed(key, event.account)
            return
        if self._would_leave_another(event, Mode.FLATTEN):
            return
        account = desk.risk.account(event.account)
        desk.mode(event.account, Mode.FLATTEN, "flatten", event.by, key)
        desk.take(desk.execution.cancel_all(event.account, at=key, detail="flatten"), key)
        if account.mode is Mode.FLATTEN and self._deciders.is_ready:  # else once it is (R10)
            desk.flatten(account, key)

    def _refuse_unconfirmed(self, key: Key, account: AccountId) -> None:
        nothing = (StrategyId(""), InstrumentId(""))
        denied = Denied(account, *nothing, "NOT_CONFIRMED", 0.0, 1.0, Nanos(key.ts))
        self._desk.out.facts.append(OrderDenied(account, denied))

    def _pause(self, key: Key, event: c.PauseStrategy) -> None:
        self._set_paused(key, event, is_paused=True)

    def _resume(self, key: Key, event: c.ResumeStrategy) -> None:
        self._set_paused(key, event, is_paused=False)

    def _set_paused(
        self, key: Key, event: c.PauseStrategy | c.ResumeStrategy, *, is_paused: bool
    ) -> None:
        fact = StrategyPaused(event.account, event.strategy, Nanos(key.ts), is_paused, event.by)
        self._desk.out.facts.append(fact)
        self._deciders.fold(fact)

    def _quarantine(self, key: Key, event: c.Quarantine) -> None:
        fact = StrategyQuarantined(event.account, event.strategy, Nanos(key.ts), event.cause)
        self._desk.out.facts.append(fact)
        self._deciders.fold(fact)
        cause = f"ENGINE: strategy {event.strategy} {event.cause}"
        self._desk.mode(event.account, Mode.CANCEL_ONLY, cause, "engine", key)


def is_unconfirmed(command: c.Command) -> bool:
    """Whether a command would flatten without a confirmation: it is an act of its own."""
    if isinstance(command, c.SetMode):
        return command.mode is Mode.FLATTEN
    return isinstance(command, c.Flatten) and not command.confirmed
