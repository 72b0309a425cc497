"""Strategies: which there are, which are set up to run, their versions, signals and decisions."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from botcore.control.access import Scope
from botcore.control.operations import (
    Act,
    Confirm,
    Done,
    Idempotency,
    Operation,
    Page,
    Query,
    RouteClass,
)
from botcore.control.schema.values import (
    Cursor,
    InstrumentName,
    Limit,
    Note,
    Slug,
    StrategyName,
)

Share = Annotated[float, msgspec.Meta(gt=0, le=1, description="of the account's equity")]
ParameterName = Annotated[str, msgspec.Meta(max_length=64)]
Parameters = Annotated[dict[ParameterName, float], msgspec.Meta(max_length=64)]
RULES_MAX: Final = 256 * 1024


class Available(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that can be set up: of the library, or a file of one's own.

    Attributes:
        kind: ``signal``, ``event`` or ``rules``.
        origin: ``library``, or the name of its file.
        problem: why it cannot be used; empty where it can.
    """

    name: str
    kind: str
    summary: str
    origin: str
    problem: str = ""


class AvailableDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All that a strategy declares.

    Attributes:
        parameters_schema: JSON Schema (2020-12) of its parameters, for forms.
        features: what it reads, in words.
        warm_up: how much history it needs, in words.
        reasons: the sentences with which it explains itself.
        digest: SHA-256 of its file; empty for the library.
    """

    name: str
    kind: str
    version: int
    summary: str
    origin: str
    parameters_schema: dict[str, Any]
    features: tuple[str, ...]
    warm_up: str
    reasons: tuple[str, ...]
    digest: str = ""


class LastDecision(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's last word on one instrument.

    Attributes:
        wish: ``long``, ``flat``, ``short`` or ``no view``; `held` is what it has.
        reason: the sentence. `outcome`: why the wish was not carried out; empty where it was.
    """

    symbol: str
    wish: str
    held: str
    reason: str
    outcome: str
    time: datetime | None


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy that is set up.

    Attributes:
        id: its name here; several may run the same strategy.
        changed_at: when its newest version was made; None where it is as the settings say.
        strategy: name of what it runs.
        badge: ``paper`` or ``live``: with whose money.
        status: ``running``, ``warming up``, ``paused``, ``quarantined``, ``stopped``, or
            ``starting`` while the engine takes it up.
        cause: of the status; empty where it runs.
        equity_frac: its share of the account's equity, 0..1.
        symbols: what it trades; empty is everything that is traded.
        version: of its set-up; counts up with each change.
        result: earned so far, a decimal string in the account's currency; None before it ran.
    """

    id: str
    name: str
    strategy: str
    description: str
    badge: str
    status: str
    cause: str
    is_active: bool
    parameters: dict[str, float]
    equity_frac: float
    symbols: tuple[str, ...]
    version: int
    result: str | None
    changed_at: datetime | None
    decisions: tuple[LastDecision, ...] = ()


class StrategyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version of a set-up.

    Attributes:
        at: when; None where the settings file says it.
        change: what differs from the version before, in words.
        undo_of: the version it went back to; None where it is no undo.
    """

    version: int
    author: str
    at: datetime | None
    change: str
    strategy: str
    parameters: dict[str, float]
    equity_frac: float
    symbols: tuple[str, ...]
    is_active: bool
    is_deleted: bool
    undo_of: int | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """A set-up after a change.

    Attributes:
        is_in_force: whether the engine runs it already; it takes it up within seconds else.
        detail: what follows, in words.
    """

    strategy: Strategy
    is_in_force: bool
    detail: str


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a strategy decided at one bar, and what became of it: why, or why not.

    Attributes:
        wish: ``long``, ``flat``, ``short`` or ``no view``; weight: -1..1, None for no view.
        reason: the rule that held or failed, with its figures.
        outcome: what the engine and the risk gate said; empty where nothing stood in the way.
    """

    strategy: str
    symbol: str
    time: datetime
    wish: str
    weight: float | None
    reason: str
    outcome: str


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy asked for another exposure than it had.

    Attributes:
        direction: ``long``, ``short`` or ``neutral``.
        weight: -1..1. `confidence`: 0..1.
    """

    id: int
    time: datetime
    strategy: str
    symbol: str
    direction: str
    weight: float
    confidence: float
    reason: str


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy without code.

    Attributes:
        document: the rule tree.
        digest: SHA-256 of its file.
    """

    name: str
    document: dict[str, Any]
    digest: str


class ListStrategies(Query[Page[Strategy]], frozen=True, kw_only=True):
    """List the strategies that are set up, with their status and last decisions.

    Attributes:
        status: only those with this status.
    """

    status: Annotated[str, msgspec.Meta(max_length=32)] = ""
    limit: Limit = 100
    cursor: Cursor = ""


class ReadStrategy(Query[Strategy], frozen=True, kw_only=True):
    """Show one strategy that is set up."""

    id: Slug


class ListAvailable(Query[tuple[Available, ...]], frozen=True, kw_only=True):
    """List every strategy that can be set up: the library's and one's own."""


class ReadAvailable(Query[AvailableDetails], frozen=True, kw_only=True):
    """Show what a strategy declares: its parameters as JSON Schema, what it reads, its reasons."""

    name: StrategyName


class CreateStrategy(Act[Changed], frozen=True, kw_only=True):
    """Set up a strategy.

    Attributes:
        id: its name here; a slug nobody has taken.
        strategy: what it runs, by its name in the library or among one's own.
        parameters: by name; the rest take their defaults.
        equity_frac: its share of the account's equity, 0..1.
        symbols: what it trades; empty is everything that is traded.
        description: for people.
        start: begin to trade at once.
    """

    id: Slug
    strategy: StrategyName
    parameters: Parameters = msgspec.field(default_factory=dict)
    equity_frac: Share = 0.10
    symbols: Annotated[tuple[InstrumentName, ...], msgspec.Meta(max_length=100)] = ()
    description: Note = ""
    start: bool = False


class UpdateStrategy(Act[Changed], frozen=True, kw_only=True):
    """Change a set-up; what is left out stays as it is. It becomes the next version.

    Attributes:
        version: the one that was looked at: refused if somebody has changed it since.
    """

    id: Slug
    parameters: Parameters | None = None
    equity_frac: Share | None = None
    symbols: Annotated[tuple[InstrumentName, ...], msgspec.Meta(max_length=100)] | None = None
    description: Note | None = None
    version: int | None = None


class StartStrategy(Act[Changed], frozen=True, kw_only=True):
    """Let a strategy trade."""

    id: Slug


class StopStrategy(Act[Changed], frozen=True, kw_only=True):
    """Stop asking a strategy; its orders and positions stay."""

    id: Slug


class DeleteStrategy(Act[Done], frozen=True, kw_only=True):
    """Remove a stopped strategy that holds nothing; its versions stay and can be undone to."""

    id: Slug


class ListVersions(Query[Page[StrategyVersion]], frozen=True, kw_only=True):
    """List the versions of a set-up, newest first, with who changed what."""

    id: Slug
    limit: Limit = 100
    cursor: Cursor = ""


class UndoStrategy(Act[Changed], frozen=True, kw_only=True):
    """Go back to an earlier version of a set-up; this makes a new one.

    Attributes:
        version: to go back to; by default the one before the newest.
    """

    id: Slug
    version: int | None = None


class ListDecisions(Query[Page[Decision]], frozen=True, kw_only=True):
    """List what a strategy decided, newest first, also when it decided to do nothing.

    Attributes:
        id: of the strategy.
        symbol: only on this instrument; with several instruments it is needed.
    """

    id: Slug
    symbol: Annotated[str, msgspec.Meta(max_length=64)] = ""
    limit: Limit = 100
    cursor: Cursor = ""


class ListSignals(Query[Page[Signal]], frozen=True, kw_only=True):
    """List the signals of strategies, newest first.

    Attributes:
        strategy, symbol: only theirs.
    """

    strategy: Annotated[str, msgspec.Meta(max_length=64)] = ""
    symbol: Annotated[str, msgspec.Meta(max_length=64)] = ""
    limit: Limit = 100
    cursor: Cursor = ""


class RulesSchema(Query[dict[str, Any]], frozen=True, kw_only=True):
    """Give the JSON Schema of strategies without code, for editors and forms."""


class ReadRules(Query[Rules], frozen=True, kw_only=True):
    """Show a strategy without code."""

    name: StrategyName


class WriteRules(Act[Rules], frozen=True, kw_only=True):
    """Store a strategy without code; it is checked and compiled first.

    Attributes:
        name: under which it is known; the same as in the document.
        document: the rule tree, as its schema says.
        replace: write over one of the same name.
    """

    name: StrategyName
    document: dict[str, Any]
    replace: bool = False


_EXAMPLE: Final = "my-cross"
_READ: Final = RouteClass.READ

OPERATIONS: Final = (
    Operation(
        name="strategies.list",
        request=ListStrategies,
        method="GET",
        path="strategies",
        scope=Scope.READ_ACCOUNT,
        command=("strategies", "list"),
        examples=(ListStrategies(),),
    ),
    Operation(
        name="strategies.available",
        request=ListAvailable,
        method="GET",
        path="strategies/available",
        scope=Scope.READ_MARKET,
        command=("strategies", "available"),
        has_etag=True,
        examples=(ListAvailable(),),
    ),
    Operation(
        name="strategies.declaration",
        request=ReadAvailable,
        method="GET",
        path="strategies/available/{name}",
        scope=Scope.READ_MARKET,
        command=("strategies", "declaration"),
        positional=("name",),
        has_etag=True,
        problems=("STRATEGY_UNKNOWN",),
        examples=(ReadAvailable(name="ema-cross"),),
    ),
    Operation(
        name="strategies.rules-schema",
        request=RulesSchema,
        method="GET",
        path="strategies/rules-schema",
        scope=Scope.READ_MARKET,
        command=("strategies", "rules-schema"),
        has_etag=True,
        examples=(RulesSchema(),),
    ),
    Operation(
        name="strategies.rules",
        request=ReadRules,
        method="GET",
        path="strategies/rules/{name}",
        scope=Scope.READ_MARKET,
        command=("strategies", "rules"),
        positional=("name",),
        has_etag=True,
        problems=("RULES_UNKNOWN",),
        examples=(ReadRules(name="buy-the-dip"),),
    ),
    Operation(
        name="strategies.write-rules",
        request=WriteRules,
        method="PUT",
        path="strategies/rules/{name}",
        scope=Scope.MANAGE_BOTS,
        command=("strategies", "write-rules"),
        positional=("name",),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.IF_RAISING,
        route_class=RouteClass.ACT,
        body_max=RULES_MAX,
        problems=("STRATEGY_EXISTS", "RULES_REFUSED"),
        examples=(
            WriteRules(
                name="cheap",
                document={
                    "name": "cheap",
                    "features": {"rsi": {"indicator": "rsi", "period": 14}},
                    "enter": {"left": "rsi", "op": "at_most", "right": 30},
                    "exit": {"left": "rsi", "op": "at_least", "right": 65},
                },
            ),
        ),
    ),
    Operation(
        name="strategies.create",
        request=CreateStrategy,
        method="POST",
        path="strategies",
        scope=Scope.MANAGE_BOTS,
        command=("strategies", "create"),
        positional=("id", "strategy"),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.IF_RAISING,
        route_class=RouteClass.ACT,
        status=201,
        problems=("STRATEGY_EXISTS", "STRATEGY_UNKNOWN", "PARAMETER_UNKNOWN", "PARAMETER_REFUSED"),
        examples=(
            CreateStrategy(id=_EXAMPLE, strategy="ema-cross"),
            CreateStrategy(
                id=_EXAMPLE, strategy="ema-cross", parameters={"fast": 9.0}, equity_frac=0.05
            ),
        ),
    ),
    Operation(
        name="strategies.show",
        request=ReadStrategy,
        method="GET",
        path="strategies/{id}",
        scope=Scope.READ_ACCOUNT,
        command=("strategies", "show"),
        positional=("id",),
        problems=("STRATEGY_UNKNOWN",),
        examples=(ReadStrategy(id="rsi"),),
    ),
    Operation(
        name="strategies.update",
        request=UpdateStrategy,
        method="PUT",
        path="strategies/{id}",
        scope=Scope.MANAGE_BOTS,
        command=("strategies", "update"),
        positional=("id",),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.IF_RAISING,
        route_class=RouteClass.ACT,
        problems=(
            "STRATEGY_UNKNOWN",
            "VERSION_CHANGED",
            "PARAMETER_UNKNOWN",
            "PARAMETER_REFUSED",
        ),
        examples=(UpdateStrategy(id="ema-cross", parameters={"fast": 9.0}),),
    ),
    Operation(
        name="strategies.delete",
        request=DeleteStrategy,
        method="DELETE",
        path="strategies/{id}",
        scope=Scope.MANAGE_BOTS,
        command=("strategies", "delete"),
        positional=("id",),
        confirm=Confirm.ALWAYS,
        route_class=RouteClass.ACT,
        problems=("STRATEGY_UNKNOWN", "STRATEGY_RUNNING", "STRATEGY_HOLDS"),
        examples=(DeleteStrategy(id=_EXAMPLE),),
    ),
    Operation(
        name="strategies.start",
        request=StartStrategy,
        method="POST",
        path="strategies/{id}/start",
        scope=Scope.MANAGE_BOTS,
        command=("strategies", "start"),
        positional=("id",),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.IF_RAISING,
        route_class=RouteClass.ACT,
        problems=("STRATEGY_UNKNOWN",),
        examples=(StartStrategy(id="rsi"),),
    ),
    Operation(
        name="strategies.stop",
        request=StopStrategy,
        method="POST",
        path="strategies/{id}/stop",
        scope=Scope.MANAGE_BOTS,
        command=("strategies", "stop"),
        positional=("id",),
        lowers_risk=True,
        route_class=RouteClass.ORDERS,
        problems=("STRATEGY_UNKNOWN",),
        examples=(StopStrategy(id="rsi"),),
    ),
    Operation(
        name="strategies.versions",
        request=ListVersions,
        method="GET",
        path="strategies/{id}/versions",
        scope=Scope.READ_ACCOUNT,
        command=("strategies", "versions"),
        positional=("id",),
        route_class=_READ,
        problems=("STRATEGY_UNKNOWN",),
        examples=(ListVersions(id="rsi"),),
    ),
    Operation(
        name="strategies.undo",
        request=UndoStrategy,
        method="POST",
        path="strategies/{id}/undo",
        scope=Scope.MANAGE_BOTS,
        command=("strategies", "undo"),
        positional=("id",),
        confirm=Confirm.IF_RAISING,
        idempotency=Idempotency.IF_RAISING,
        route_class=RouteClass.ACT,
        problems=("STRATEGY_UNKNOWN", "VERSION_UNKNOWN"),
        examples=(UndoStrategy(id="rsi"),),
    ),
    Operation(
        name="strategies.decisions",
        request=ListDecisions,
        method="GET",
        path="strategies/{id}/decisions",
        scope=Scope.READ_ACCOUNT,
        command=("strategies", "decisions"),
        positional=("id",),
        problems=("STRATEGY_UNKNOWN",),
        examples=(ListDecisions(id="rsi", symbol="BTCUSDT.SIM"),),
    ),
    Operation(
        name="signals.list",
        request=ListSignals,
        method="GET",
        path="signals",
        scope=Scope.READ_ACCOUNT,
        command=("signals", "list"),
        examples=(ListSignals(), ListSignals(strategy="rsi")),
    ),
)
