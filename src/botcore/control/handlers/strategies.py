"""Handlers of strategies: what is set up, its versions, and why it trades or does not."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from botcore.control.access import Actor
from botcore.control.handlers.addressing import LIVE, must_cover, must_trade
from botcore.control.handlers.paging import decode_cursor, encode_cursor, page_of
from botcore.control.handlers.set_ups import audited, changed_by, difference, version_of, wanted
from botcore.control.handlers.shown_strategies import ShownStrategies
from botcore.control.handling import Context, Effect, Handling
from botcore.control.operations import Done, Page, Request
from botcore.control.problems import Conflict, Forbidden, NotFound, Refused
from botcore.control.schema import strategies as s
from botcore.control.schema.values import nanoseconds
from botcore.control.strategies_port import (
    SetUp,
    SetUps,
    SetUpVersion,
    StrategyCatalogue,
    StrategyEngine,
    Taken,
)
from botcore.domain.commands import MANUAL
from botcore.domain.parameters import did_you_mean

RUNNING: Final = ("running", "warming up")
_UNDO_DEPTH: Final = 2
_DETAIL: Final[Mapping[Taken, str]] = {
    Taken.IN_FORCE: "in force",
    Taken.REPLACED: "stored and not in force: it was changed again, and that change is in force",
    Taken.NOT_IN_FORCE: (
        "stored and not in force: the engine does not run, or cannot use it and goes on with what"
        " it ran before (see GET /api/v1/health)"
    ),
}


class StrategyHandlers:
    """Answers and acts on strategies.

    Args:
        setups: with their versions.
        catalogue: what can be set up.
        engine: runs them.
    """

    def __init__(
        self, *, setups: SetUps, catalogue: StrategyCatalogue, engine: StrategyEngine
    ) -> None:
        self._setups = setups
        self._catalogue = catalogue
        self._engine = engine
        self._shown = ShownStrategies(engine)

    def handlers(self) -> dict[type[Request[Any]], Handling]:
        """Return request type → how it is carried out."""
        return {
            s.ListStrategies: Handling(self.list),
            s.ReadStrategy: Handling(self.show),
            s.ListAvailable: Handling(self.available),
            s.ReadAvailable: Handling(self.declaration),
            s.RulesSchema: Handling(self.rules_schema),
            s.ReadRules: Handling(self.rules),
            s.WriteRules: Handling(self.write_rules, self.effect_of_rules),
            s.CreateStrategy: Handling(self.create, self.effect_of_create),
            s.UpdateStrategy: Handling(
                self.update, self.effect_of_update, rests_on=self.version_and_rules
            ),
            s.StartStrategy: Handling(
                self.start, self.effect_of_start, rests_on=self.version_and_rules
            ),
            s.StopStrategy: Handling(self.stop),
            s.DeleteStrategy: Handling(self.delete, self.effect_of_delete),
            s.ListVersions: Handling(self.versions),
            s.UndoStrategy: Handling(
                self.undo, self.effect_of_undo, rests_on=self.version_and_rules
            ),
            s.ListDecisions: Handling(self.decisions),
            s.ListSignals: Handling(self.signals),
        }

    # What there is.

    async def list(self, _context: Context, request: s.ListStrategies) -> Page[s.Strategy]:
        """List the set-ups."""
        found: Sequence[s.Strategy] = self._shown.all(await self._setups.newest())
        if request.status:
            found = [each for each in found if each.status == request.status]
        return page_of(found, key=lambda x: x.id, limit=request.limit, cursor=request.cursor)

    async def show(self, _context: Context, request: s.ReadStrategy) -> s.Strategy:
        """Show one set-up."""
        return self._shown.one(await self._newest(request.id))

    def available(self, _context: Context, _request: s.ListAvailable) -> tuple[s.Available, ...]:
        """List what can be set up."""
        return tuple(self._catalogue.entries())

    def declaration(self, _context: Context, request: s.ReadAvailable) -> s.AvailableDetails:
        """Show what a strategy declares."""
        return self._catalogue.details(request.name)

    def rules_schema(self, _context: Context, _request: s.RulesSchema) -> dict[str, Any]:
        """Give the schema of rule trees."""
        return self._catalogue.rules_schema()

    def rules(self, _context: Context, request: s.ReadRules) -> s.Rules:
        """Show a rule tree."""
        found = self._catalogue.rules(request.name)
        if found is None:
            raise NotFound(
                code="RULES_UNKNOWN",
                cause=f"there is no strategy without code named {request.name!r}",
                fix="see strategies/available; those of the kind `rules` have a rule tree",
            )
        return found

    async def write_rules(self, context: Context, request: s.WriteRules) -> s.Rules:
        """Store a rule tree; one that trades is another one with the engine's next composition."""
        for each in await self._trading_by(request.name):
            self._may_set_up(context.actor, each.setup)
        before = await asyncio.to_thread(self._catalogue.rules, request.name)
        written = await asyncio.to_thread(
            self._catalogue.write_rules, request.name, request.document, replace=request.replace
        )
        digest = None if before is None else before.digest
        context.noted.changed(f"digest of {request.name}", digest, written.digest)
        return written

    # Changes: each is a version; the engine takes it up at once if it runs.

    async def create(self, context: Context, request: s.CreateStrategy) -> s.Changed:
        """Set a strategy up."""
        if request.id == MANUAL:
            raise Refused(
                code="STRATEGY_NAME_RESERVED",
                cause=f"{request.id!r} is the name of what people do by hand",
                fix="give the strategy another name",
            )
        known = (await self._setups.newest()).get(request.id)
        if known is not None and not known.is_deleted:
            raise Conflict(
                code="STRATEGY_EXISTS",
                cause=f"{request.id!r} is set up already",
                fix="choose another id, or change that one",
            )
        setup = wanted(request)
        self._may_set_up(context.actor, setup)
        self._catalogue.check(setup.strategy, setup.parameters)
        after = 0 if known is None else known.version
        return await self._change(context, request.id, setup, after=after, before=None)

    async def update(self, context: Context, request: s.UpdateStrategy) -> s.Changed:
        """Change a set-up."""
        known = await self._newest(request.id)
        self._must_be(known, request.version)
        setup = changed_by(known.setup, request)
        self._may_set_up(context.actor, known.setup, setup)
        self._catalogue.check(setup.strategy, setup.parameters)
        return await self._change(
            context, request.id, setup, after=known.version, before=known.setup
        )

    async def undo(self, context: Context, request: s.UndoStrategy) -> s.Changed:
        """Go back to an earlier version."""
        chosen, newest = await self._to_undo(request)
        self._may_set_up(context.actor, newest.setup, chosen.setup)
        self._catalogue.check(chosen.setup.strategy, chosen.setup.parameters)
        return await self._change(
            context,
            request.id,
            chosen.setup,
            after=newest.version,
            before=None if newest.is_deleted else newest.setup,
            undo_of=chosen.version,
        )

    async def start(self, context: Context, request: s.StartStrategy) -> s.Changed:
        """Let a strategy trade."""
        known = await self._newest(request.id)
        self._may_set_up(context.actor, known.setup)
        changed = await self._change(
            context,
            request.id,
            msgspec.structs.replace(known.setup, is_active=True),
            after=known.version,
            before=known.setup,
            only_if_new=known,
        )
        view = self._shown.running(request.id)
        if view is not None and view.status not in RUNNING:
            context.noted.changed(f"{request.id}.status", view.status, "running")
            await self._engine.resume(request.id, by=context.actor.by)
            shown = self._shown.one(await self._newest(request.id))
            changed = msgspec.structs.replace(changed, strategy=shown)
        return changed

    async def stop(self, context: Context, request: s.StopStrategy) -> s.Changed:
        """Stop asking a strategy: the engine first, what is remembered after it."""
        known = await self._newest(request.id)
        if self._shown.running(request.id) is not None:
            await self._engine.pause(request.id, by=context.actor.by)
        written = known
        if known.setup.is_active:
            stopped = msgspec.structs.replace(known.setup, is_active=False)
            context.noted.fields(request.id, audited(known.setup), audited(stopped))
            written = await self._setups.write(
                request.id, stopped, author=context.actor.name, after=known.version
            )
        return s.Changed(
            strategy=self._shown.one(written),
            is_in_force=True,
            detail="it is not asked any more; its orders and positions stay",
        )

    async def delete(self, context: Context, request: s.DeleteStrategy) -> Done:
        """Remove a stopped set-up that holds nothing."""
        known = await self._newest(request.id)
        self._may_set_up(context.actor, known.setup)
        if self._shown.one(known).status in RUNNING:
            raise Conflict(
                code="STRATEGY_RUNNING",
                cause=f"{request.id!r} is running",
                fix="stop it first",
            )
        held = await self._engine.open_of(request.id)
        if held.positions or held.orders:
            raise Conflict(
                code="STRATEGY_HOLDS",
                cause=f"{request.id!r} has {held.positions} positions and {held.orders} orders",
                fix="close and cancel them first",
            )
        context.noted.fields(request.id, audited(known.setup), {})
        written = await self._setups.write(
            request.id,
            msgspec.structs.replace(known.setup, is_active=False),
            author=context.actor.name,
            after=known.version,
            is_deleted=True,
        )
        await self._engine.take_up(request.id, written.setup)
        return Done(detail=f"{request.id} is removed; its versions can still be gone back to")

    async def versions(self, _context: Context, request: s.ListVersions) -> Page[s.StrategyVersion]:
        """List versions, newest first."""
        found = list(await self._setups.versions(request.id))
        if not found:
            raise await self._unknown(request.id)
        shown = [
            version_of(each, found[index + 1] if index + 1 < len(found) else None)
            for index, each in enumerate(found)
        ]
        return page_of(
            shown,
            key=lambda x: f"{x.version:010d}",
            limit=request.limit,
            cursor=request.cursor,
            is_newest=True,
        )

    # Why, and why not.

    async def decisions(self, _context: Context, request: s.ListDecisions) -> Page[s.Decision]:
        """List decisions, newest first; the cursor is the stamp of the last one given."""
        text = decode_cursor(request.cursor)
        before = int(text) if text.isdigit() else None
        if self._shown.running(request.id) is None:
            await self._newest(request.id)  # unknown, or set up and not running: nothing decided
            return Page(items=())
        found = await self._engine.decisions(
            request.id, request.symbol, limit=request.limit + 1, before=before
        )
        shown = tuple(found[: request.limit])
        is_more = len(found) > request.limit
        last = str(nanoseconds(shown[-1].time)) if is_more else ""
        return Page(items=shown, next_cursor=encode_cursor(last) if is_more else None)

    def signals(self, _context: Context, request: s.ListSignals) -> Page[s.Signal]:
        """List signals."""
        return self._engine.signals(
            strategy=request.strategy,
            symbol=request.symbol,
            limit=request.limit,
            cursor=request.cursor,
        )

    # Effects, in words.

    async def effect_of_create(self, context: Context, request: s.CreateStrategy) -> Effect:
        """Say what setting it up does."""
        self._may_set_up(context.actor, wanted(request))
        share = f"{request.equity_frac:.1%} of equity"
        if not request.start:
            return Effect(f"Set up {request.id} ({request.strategy}), stopped", is_raising=False)
        return Effect(f"Set up {request.id} ({request.strategy}) and let it trade {share}")

    async def effect_of_rules(self, context: Context, request: s.WriteRules) -> Effect:
        """Say who trades by these rules; where nobody does, storing them raises nothing."""
        using = await self._trading_by(request.name)
        for each in using:
            self._may_set_up(context.actor, each.setup)
        if not using:
            return Effect(f"Store the rules {request.name}", is_raising=False)
        names = ", ".join(sorted(each.id for each in using))
        return Effect(f"Change the rules {request.name}, by which {names} trades")

    async def effect_of_update(self, context: Context, request: s.UpdateStrategy) -> Effect:
        """Say what differs; what does not trade raises nothing."""
        known = await self._newest(request.id)
        setup = changed_by(known.setup, request)
        self._may_set_up(context.actor, known.setup, setup)
        words = difference(known.setup, setup) or "nothing changes"
        return Effect(f"Change {request.id}: {words}", is_raising=known.setup.is_active)

    async def effect_of_start(self, context: Context, request: s.StartStrategy) -> Effect:
        """Say what starting it does."""
        known = await self._newest(request.id)
        self._may_set_up(context.actor, known.setup)
        share = f"{known.setup.equity_frac:.1%} of equity"
        return Effect(f"Let {request.id} ({known.setup.strategy}) trade {share}")

    async def effect_of_delete(self, _context: Context, request: s.DeleteStrategy) -> Effect:
        """Say what removing it does."""
        await self._newest(request.id)
        return Effect(f"Remove {request.id}; its versions stay")

    async def effect_of_undo(self, context: Context, request: s.UndoStrategy) -> Effect:
        """Say what going back changes."""
        chosen, newest = await self._to_undo(request)
        self._may_set_up(context.actor, newest.setup, chosen.setup)
        words = difference(newest.setup, chosen.setup) or "nothing changes"
        is_raising = chosen.setup.is_active
        return Effect(f"Take {request.id} back to version {chosen.version}: {words}", is_raising)

    async def version_and_rules(
        self, _context: Context, request: s.StartStrategy | s.UpdateStrategy | s.UndoStrategy
    ) -> str:
        """Say which version the effect was told of, and by which rules it trades."""
        known = (await self._setups.newest()).get(request.id)
        if known is None:
            raise await self._unknown(request.id)
        rules = await asyncio.to_thread(self._catalogue.rules, known.setup.strategy)
        return f"{known.version} {'' if rules is None else rules.digest}"

    # Between the two: what is set up, and what the engine says of it.

    async def _change(
        self,
        context: Context,
        name: str,
        setup: SetUp,
        *,
        after: int,
        before: SetUp | None,
        undo_of: int | None = None,
        only_if_new: SetUpVersion | None = None,
    ) -> s.Changed:
        if only_if_new is not None and only_if_new.setup == setup and self._shown.running(name):
            return s.Changed(
                strategy=self._shown.one(only_if_new), is_in_force=True, detail="nothing to change"
            )
        await self._engine.refuse_untraded(setup.symbols)
        context.noted.fields(name, {} if before is None else audited(before), audited(setup))
        written = await self._setups.write(
            name, setup, author=context.actor.name, after=after, undo_of=undo_of
        )
        taken = await self._engine.take_up(name, setup)
        return s.Changed(
            strategy=self._shown.one(written),
            is_in_force=taken is Taken.IN_FORCE,
            detail=_DETAIL[taken],
        )

    def _may_set_up(self, actor: Actor, *setups: SetUp) -> None:
        """Refuse who may not let these trade: what a strategy orders, its maker must be able to.

        Raises:
            Forbidden: a scope for real money is missing, or a key's own bounds do not cover them.
        """
        view = self._engine.view()
        for account in () if view is None else view.accounts[:1]:
            if account.kind == LIVE:
                must_trade(actor, account)
        for setup in setups:
            for symbol in setup.symbols or ("",):
                must_cover(actor, symbol)
        if actor.max_notional is not None:
            raise Forbidden(
                code="KEY_SCOPE",
                cause=f"a strategy's orders have no highest notional, and this key has one:"
                f" {actor.max_notional:.2f}",
                fix="use a key without max_notional, or set the strategy up as a person",
            )

    async def _newest(self, name: str) -> SetUpVersion:
        found = (await self._setups.newest()).get(name)
        if found is None or found.is_deleted:
            raise await self._unknown(name)
        return found

    async def _trading_by(self, strategy: str) -> Sequence[SetUpVersion]:
        """Return the set-ups that trade by a strategy."""
        newest = (await self._setups.newest()).values()
        return [
            each
            for each in newest
            if not each.is_deleted and each.setup.is_active and each.setup.strategy == strategy
        ]

    async def _unknown(self, name: str) -> NotFound:
        known = [k for k, each in (await self._setups.newest()).items() if not each.is_deleted]
        return NotFound(
            code="STRATEGY_UNKNOWN",
            cause=f"no strategy {name!r} is set up",
            fix=did_you_mean(name, sorted(known)),
        )

    async def _to_undo(self, request: s.UndoStrategy) -> tuple[SetUpVersion, SetUpVersion]:
        found = await self._setups.versions(request.id)
        if not found:
            raise await self._unknown(request.id)
        if request.version is None and len(found) >= _UNDO_DEPTH:
            return found[1], found[0]
        for each in found:
            if each.version == request.version:
                return each, found[0]
        raise Refused(
            code="VERSION_UNKNOWN",
            cause=f"{request.id} has no version {request.version or 'before this one'}",
            fix=f"choose one of {', '.join(str(each.version) for each in reversed(found))}",
        )

    def _must_be(self, known: SetUpVersion, version: int | None) -> None:
        if version is not None and version != known.version:
            raise Conflict(
                code="VERSION_CHANGED",
                cause=f"{known.id} is at version {known.version}, not {version}",
                fix="look at it again: somebody has changed it",
            )
