"""Handlers of alert rules and notifications: everybody has his own."""

from typing import Any, Final

from botcore.control.alerting import Rule, words
from botcore.control.alerts_port import AlertRules, Inbox
from botcore.control.handlers.jobs import owner_of
from botcore.control.handlers.paging import page_of
from botcore.control.handling import Context, Handling
from botcore.control.operations import Done, Page, Request
from botcore.control.problems import NotFound, Refused, TooMany
from botcore.control.schema import alerts as a
from botcore.control.schema.values import instant, nanoseconds
from botcore.domain.modes import Mode
from botcore.kernel.clock import Clock

PER_OWNER: Final = 200
"""Rules of one person."""
_ID_DIGITS: Final = 16


class AlertHandlers:
    """Answers and acts on alerts.

    Args:
        rules: kept and watched.
        inbox: what people were told.
        clock: dates rules.
    """

    def __init__(self, *, rules: AlertRules, inbox: Inbox, clock: Clock) -> None:
        self._rules = rules
        self._inbox = inbox
        self._clock = clock

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            a.ListRules: Handling(self.list),
            a.CreateRule: Handling(self.create),
            a.DeleteRule: Handling(self.delete),
            a.ListNotifications: Handling(self.notifications),
            a.MarkRead: Handling(self.mark_read),
        }

    async def list(self, context: Context, request: a.ListRules) -> Page[a.AlertRule]:
        """List one's rules, newest first."""
        found = [
            _shown(each)
            for each in self._rules.of(owner_of(context.actor))
            if request.state in (None, each.state)
        ]
        return page_of(
            found,
            key=lambda each: f"{nanoseconds(each.created_at):020d} {each.id}",
            limit=request.limit,
            cursor=request.cursor,
            is_newest=True,
        )

    async def create(self, context: Context, request: a.CreateRule) -> a.AlertRule:
        """Keep a rule."""
        self._refuse(request)
        rule = Rule(
            id=context.reference[:_ID_DIGITS],  # the same act come again makes no second rule
            owner=owner_of(context.actor),
            kind=request.kind,
            condition=a.Condition.ABOVE if request.kind is a.AlertKind.MODE else request.condition,
            level=request.level,
            symbol=request.symbol,
            mode=request.mode.upper(),
            note=request.note,
            repeats=request.repeats,
            created_at=self._clock.now_ns(),
            expires_at=0 if request.expires_at is None else nanoseconds(request.expires_at),
        )
        kept = await self._rules.add(rule, most=PER_OWNER)
        if kept is None:
            raise TooMany(
                code="ALERT_QUOTA",
                cause=f"you have {PER_OWNER} alert rules, which is the most",
                fix="delete some that have fired or expired",
            )
        return _shown(kept)

    async def delete(self, context: Context, request: a.DeleteRule) -> Done:
        """Remove a rule."""
        own = [each for each in self._rules.of(owner_of(context.actor)) if each.id == request.id]
        if not own:
            raise NotFound(
                code="ALERT_UNKNOWN",
                cause=f"there is no alert rule {request.id!r}",
                fix="see GET /api/v1/alerts/rules",
            )
        await self._rules.remove(request.id)
        return Done(detail=f"no alert any more when {words(own[0])}")

    async def notifications(
        self, context: Context, request: a.ListNotifications
    ) -> a.Notifications:
        """List what one was told."""
        return await self._inbox.page(
            owner_of(context.actor),
            is_unread=request.unread,
            limit=request.limit,
            cursor=request.cursor,
        )

    async def mark_read(self, context: Context, request: a.MarkRead) -> Done:
        """Mark as read."""
        count = await self._inbox.mark_read(owner_of(context.actor), request.ids)
        return Done(detail=f"{count} marked as read")

    def _refuse(self, request: a.CreateRule) -> None:
        """Refuse a rule that could never fire, or that says too little."""
        kind = request.kind
        why = ""
        if kind is a.AlertKind.MODE:
            modes = [mode for mode in Mode if mode is not Mode.NORMAL]
            if request.mode.upper() not in modes:
                why = f"mode {request.mode!r} is none of {', '.join(modes)}"
        elif request.level is None or not request.level.is_finite() or request.level < 0:
            why = "it needs a level that is a number, not below zero"
        elif kind in (a.AlertKind.DRAWDOWN, a.AlertKind.DAILY_LOSS):
            why = f"level {request.level} is no fraction up to 1: 0.05 is 5 %" * (request.level > 1)
        elif kind is a.AlertKind.EXPOSURE:
            why = f"level {request.level} is no fraction up to 10" if request.level > 10 else ""  # noqa: PLR2004 – 1,000 % of equity
        needs_symbol = kind is a.AlertKind.PRICE or (
            kind is a.AlertKind.EXPOSURE and request.symbol
        )
        if not why and needs_symbol and not self._rules.knows(request.symbol):
            why = (
                f"there are no prices of {request.symbol!r}"
                if request.symbol
                else "it needs a symbol, such as BTCUSDT.SIM"
            )
        expires = request.expires_at
        if not why and expires is not None:
            try:
                if nanoseconds(expires) <= self._clock.now_ns():
                    why = "it would have expired already"
            except ValueError as error:
                why = f"expires_at: {error}"
        if why:
            raise Refused(
                code="ALERT_REFUSED", cause=why, fix="see what POST /api/v1/alerts/rules takes"
            )


def _shown(rule: Rule) -> a.AlertRule:
    return a.AlertRule(
        id=rule.id,
        kind=rule.kind,
        condition=rule.condition,
        level=rule.level,
        symbol=rule.symbol,
        mode=rule.mode,
        note=rule.note,
        repeats=rule.repeats,
        state=rule.state,
        words=words(rule),
        created_at=instant(rule.created_at),
        expires_at=instant(rule.expires_at) if rule.expires_at else None,
        fired_at=instant(rule.fired_at) if rule.fired_at else None,
        fired_count=rule.fired_count,
    )
