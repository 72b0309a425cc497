"""Alert rules, looked at twice a second; who made one is told when it fires."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

import msgspec
import structlog

from botcore.app.notices import Notices
from botcore.control.alerting import Outcome, Rule, Seen, look, words
from botcore.control.market_port import RunningMarket
from botcore.control.schema.alerts import AlertKind, RuleState
from botcore.control.views import PlatformView
from botcore.domain.errors import StorageError
from botcore.domain.ids import SECOND_NS
from botcore.domain.modes import Mode
from botcore.kernel.clock import Clock
from botcore.storage.control import AlertRule, AlertStore

_KNOWN_STATES: Final = tuple(state.value for state in RuleState)
_LOOK_S: Final = 0.5
_AGAIN_NS: Final = 5 * SECOND_NS


class AlertWatch:
    """Everybody's rules, looked at twice a second (`control.alerts_port.AlertRules`).

    Args:
        store: keeps them.
        notices: tells their owners.
        market: has prices.
        view: returns the newest view and its age in seconds.
        clock: dates what fires.
    """

    def __init__(
        self,
        *,
        store: AlertStore,
        notices: Notices,
        market: RunningMarket,
        view: Callable[[], tuple[PlatformView | None, float]],
        clock: Clock,
    ) -> None:
        self._store = store
        self._notices = notices
        self._market = market
        self._view = view
        self._clock = clock
        self._rules: dict[str, Rule] = {}
        self._unkept: dict[str, Rule] = {}
        self._untold: dict[str, Rule] = {}
        self._catch_up_at = 0
        self._log = structlog.get_logger("alerts")

    async def load(self) -> None:
        """Take up what is kept.

        Raises:
            StorageError: it cannot be read.
        """
        for each in await self._store.in_states(_KNOWN_STATES):
            rule = _rule(each)
            self._rules[rule.id] = rule

    async def add(self, rule: Rule, *, most: int) -> Rule | None:
        """Keep and watch a rule."""
        if not await self._store.add(_kept(rule), rules_max=most):
            known = self._rules.get(rule.id)
            return known if known is not None and known.owner == rule.owner else None
        self._rules[rule.id] = rule
        return rule

    async def remove(self, rule: str) -> None:
        """Watch a rule no more."""
        await self._store.remove(rule)
        for known in (self._rules, self._unkept, self._untold):
            known.pop(rule, None)

    def of(self, owner: str) -> Sequence[Rule]:
        """Return a person's rules."""
        return [rule for rule in self._rules.values() if rule.owner == owner]

    def knows(self, symbol: str) -> bool:
        """Whether there are prices of an instrument."""
        return any(each.symbol == symbol for each in self._market.symbols())

    async def run(self) -> None:
        """Look, again and again, until cancelled."""
        while True:
            await self._clock.sleep(_LOOK_S)
            await self.look()

    async def look(self) -> None:
        """Look once at everything; tell the owners of what fired."""
        await self._catch_up()
        watching = [rule for rule in self._rules.values() if rule.state is RuleState.WATCHING]
        if not watching:
            return
        seen, now = self._seen(watching), self._clock.now_ns()
        for rule in watching:
            after, outcome = look(rule, seen, now=now)
            if after == rule:
                continue
            if rule.id in self._rules:
                self._rules[rule.id] = after
            if outcome is Outcome.NOTHING and not rule.repeats:
                continue  # only the side that was seen, and it has not fired on either
            await self._keep(after)
            if outcome is Outcome.FIRED:
                await self._tell(after)

    async def _catch_up(self) -> None:
        """Keep and tell what the store did not take, now and then until it does."""
        now = self._clock.monotonic_ns()
        if not (self._unkept or self._untold) or now < self._catch_up_at:
            return
        self._catch_up_at = now + _AGAIN_NS
        for rule in list(self._unkept.values()):
            await self._keep(rule)
        for rule in list(self._untold.values()):
            await self._tell(rule)

    async def _keep(self, rule: Rule) -> None:
        self._unkept.pop(rule.id, None)
        try:
            await self._store.save(_kept(rule))
        except StorageError as error:
            self._log.error("alert_not_kept", rule=rule.id, code=error.code, cause=error.cause)
            self._unkept[rule.id] = rule

    async def _tell(self, rule: Rule) -> None:
        self._untold.pop(rule.id, None)
        note = f" – {rule.note}" if rule.note else ""
        sentence = words(rule)
        is_told = await self._notices.tell(
            [rule.owner],
            kind="alert",
            severity="warning",
            code=f"ALERT_{rule.kind.name}",
            text=f"{sentence[:1].upper()}{sentence[1:]}{note}",
            link=f"alerts/rules/{rule.id}",
        )
        if not is_told:
            self._untold[rule.id] = rule
        self._log.info("alert", rule=rule.id, kind=rule.kind.value)

    def _seen(self, watching: Iterable[Rule]) -> Seen:
        view, age_s = self._view()
        symbols = {rule.symbol for rule in watching if rule.kind is AlertKind.PRICE}
        prices = {symbol: price for symbol in symbols if (price := self._price(symbol)) is not None}
        if view is None or not view.accounts:
            return Seen(prices=prices, exposures={})
        account = view.accounts[0]
        return Seen(
            prices=prices,
            exposures=_exposures(view),
            drawdown=account.drawdown_frac,
            daily_loss=max(0.0, -account.day_result_frac),
            staleness_s=view.feed.age_s + age_s,
            mode=Mode(account.mode),
        )

    def _price(self, symbol: str) -> float | None:
        quote = self._market.quote(symbol)
        last = self._market.last_bar(symbol)
        if quote is not None and (last is None or quote.ts_event >= last.ts_close):
            return (quote.bid + quote.ask) / 2.0
        return None if last is None else last.close


def _exposures(view: PlatformView) -> Mapping[str, float]:
    """Return exposure by instrument, and of the account under no name, as fractions of equity.

    Positions at their marks; what is ordered and not filled counts in the risk gate, not here. One
    that has no mark yet has no known value: its exposure and the account's are absent.
    """
    equity = float(Decimal(view.accounts[0].equity))
    if equity <= 0:
        return {}
    found: dict[str, float] = {"": 0.0}
    unknown: set[str] = set()
    for position in view.positions:
        if position.mark is None:
            unknown |= {"", position.instrument}
            continue
        share = abs(float(Decimal(position.value))) / equity
        found[position.instrument] = found.get(position.instrument, 0.0) + share
        found[""] += share
    return {name: share for name, share in found.items() if name not in unknown}


_IN_ROW: Final = frozenset(
    {"id", "owner", "kind", "state", "created_at", "expires_at", "fired_at", "fired_count"}
)


def _kept(rule: Rule) -> AlertRule:
    fields: dict[str, Any] = msgspec.structs.asdict(rule)
    rest = {name: value for name, value in fields.items() if name not in _IN_ROW}
    return AlertRule(
        id=rule.id,
        owner=rule.owner,
        kind=rule.kind.value,
        state=rule.state.value,
        document=msgspec.json.encode(rest).decode(),
        created_at=rule.created_at,
        expires_at=rule.expires_at,
        fired_at=rule.fired_at,
        fired_count=rule.fired_count,
        detail=words(rule),
    )


def _rule(kept: AlertRule) -> Rule:
    rest = msgspec.json.decode(kept.document)
    return msgspec.convert(
        {
            **rest,
            "id": kept.id,
            "owner": kept.owner,
            "kind": kept.kind,
            "state": kept.state,
            "created_at": kept.created_at,
            "expires_at": kept.expires_at,
            "fired_at": kept.fired_at,
            "fired_count": kept.fired_count,
            "is_above": rest["is_above"] if rest["repeats"] else None,
        },
        type=Rule,
    )
