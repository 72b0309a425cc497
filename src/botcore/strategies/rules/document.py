"""From a document as it was read to a tree whose names are resolved, or a refusal with its path."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from botcore.domain.ids import slug
from botcore.domain.parameters import Parameter, ParameterSpace, did_you_mean
from botcore.indicators import INDICATORS
from botcore.strategies.layout import BAR_WIDTH, SOURCES
from botcore.strategies.library.hysteresis import VIEW
from botcore.strategies.rules.conditions import (
    CROSSES_ABOVE,
    CROSSES_BELOW,
    Comparison,
    Condition,
    Every,
    Not,
    Some,
)
from botcore.strategies.rules.declarations import (
    FEATURES_MAX,
    FeaturePlan,
    read_feature,
    read_parameters,
)
from botcore.strategies.rules.expressions import (
    SIGNS,
    Arithmetic,
    Before,
    Constant,
    Expression,
    ParameterValue,
    RowValue,
)
from botcore.strategies.rules.refusing import kind, listed, mapping, named, number, refused, text

COMPARISONS_MAX: Final = 64
CHILDREN_MAX: Final = 32
DEPTH_MAX: Final = 12
VERSION_MAX: Final = 1_000_000

KEYS: Final = (
    "name",
    "version",
    "summary",
    "parameters",
    "features",
    "enter",
    "exit",
    "hysteresis",
)
OPERATORS: Final[Mapping[str, str]] = {
    ">": ">",
    "<": "<",
    ">=": ">=",
    "<=": "<=",
    "above": ">",
    "below": "<",
    "at_least": ">=",
    "at_most": "<=",
    CROSSES_ABOVE: CROSSES_ABOVE,
    CROSSES_BELOW: CROSSES_BELOW,
}
"""What may stand as `op`, with the comparison it is; words spare the quotes that YAML asks for."""


@dataclass(frozen=True, slots=True)
class RuleTree:
    """A document that can run.

    Attributes:
        confirm_bars: on how many bars in a row a side must hold before the view changes.
        slots: first slot of memory → what is remembered in it for the next bar.
        comparisons: every one, by its number.
        enters: how many of them belong to `enter`.
        digest: of the whole document.
    """

    name: str
    version: int
    summary: str
    parameters: ParameterSpace
    features: tuple[FeaturePlan, ...]
    enter: Condition
    exit: Condition
    confirm_bars: Expression
    slots: tuple[Expression, ...]
    comparisons: tuple[Comparison, ...]
    enters: int
    digest: str

    @property
    def counts(self) -> bool:
        """Whether it counts the bars on which a side holds."""
        return self.confirm_bars != Constant(1.0)


def rule_tree(raw: object) -> RuleTree:
    """Return the tree that a document describes.

    Args:
        raw: mappings, lists, texts and numbers, as read from YAML or JSON.

    Raises:
        ConfigError: something in it cannot be used; the path names it (``RULES_REFUSED``).
    """
    document = mapping(raw, "", known=KEYS, needed=("name", "features", "enter"))
    name = slug(text(document["name"], "name"), what="strategy")
    version = number(document.get("version", 1), "version")
    if version != int(version) or not 1 <= version <= VERSION_MAX:
        raise refused("version", f"{version:g} is no version", "count up from 1")
    reader = _Reader(read_parameters(document.get("parameters")))
    reader.read_features(document["features"])
    hysteresis = mapping(
        document.get("hysteresis") or {}, "hysteresis", known=("margin_bps", "confirm_bars")
    )
    reader.margin = reader.bounded(hysteresis, "margin_bps", 0.0, 10_000.0)
    confirm = reader.bounded(hysteresis, "confirm_bars", 1.0, 10_000.0)
    if confirm != Constant(1.0):
        reader.first_slot += 2
    enter = reader.condition(document["enter"], "enter", 0)
    enters = len(reader.comparisons)
    leave: Condition
    if document.get("exit") is None:
        leave = reader.negated(document["enter"], "enter", 0)
    else:
        leave = reader.condition(document["exit"], "exit", 0)
    canonical = json.dumps(document, sort_keys=True, default=str)
    return RuleTree(
        name=name,
        version=int(version),
        summary=text(document.get("summary") or "Rules without code.", "summary"),
        parameters=ParameterSpace(*reader.parameters.values()),
        features=tuple(reader.features),
        enter=enter,
        exit=leave,
        confirm_bars=confirm,
        slots=tuple(reader.slots),
        comparisons=tuple(reader.comparisons),
        enters=enters,
        digest=hashlib.sha256(canonical.encode()).hexdigest(),
    )


@dataclass
class _Reader:
    """Resolves names while a document is read from top to bottom."""

    parameters: dict[str, Parameter]
    features: list[FeaturePlan] = field(default_factory=list)
    values: dict[str, RowValue] = field(default_factory=dict)
    several: dict[str, tuple[str, ...]] = field(default_factory=dict)
    comparisons: list[Comparison] = field(default_factory=list)
    slots: list[Expression] = field(default_factory=list)
    margin: Expression = field(default_factory=lambda: Constant(0.0))
    first_slot: int = VIEW + 1
    is_negated: bool = False

    def read_features(self, raw: object) -> None:
        """Take up the features, and where each of their outputs stands in the row."""
        for place, source in enumerate(SOURCES):
            self.values[source] = RowValue(place - BAR_WIDTH, source)
        at = 0
        for name, each in named(raw, "features", most=FEATURES_MAX).items():
            path = f"features.{name}"
            if name in self.parameters or name in SOURCES:
                what = "a parameter" if name in self.parameters else "a value of the bar"
                raise refused(path, f"{name!r} is {what} already", "choose another name")
            plan = read_feature(name, each, path, self.parameters)
            self.features.append(plan)
            outputs = INDICATORS[plan.indicator].outputs
            if len(outputs) == 1:
                self.values[name] = RowValue(at, name)
            else:
                self.several[name] = outputs
            for offset, output in enumerate(outputs):
                label = f"{name}.{output}"
                self.values[label] = RowValue(at + offset, label)
            at += len(outputs)

    def condition(self, raw: object, path: str, depth: int) -> Condition:
        """Return a condition."""
        if depth > DEPTH_MAX:
            raise refused(path, f"it is nested deeper than {DEPTH_MAX}", "flatten the tree")
        for key, several in (("all", Every), ("any", Some)):
            if isinstance(raw, Mapping) and key in raw:
                mapping(raw, path, known=(key,))
                children = listed(raw[key], f"{path}.{key}", most=CHILDREN_MAX)
                return several(
                    tuple(
                        self.condition(each, f"{path}.{key}[{index}]", depth + 1)
                        for index, each in enumerate(children)
                    )
                )
        if isinstance(raw, Mapping) and "not" in raw:
            mapping(raw, path, known=("not",))
            return self.negated(raw["not"], f"{path}.not", depth + 1)
        return self._comparison(raw, path, depth)

    def negated(self, raw: object, path: str, depth: int) -> Not:
        """Return the opposite of a condition."""
        self.is_negated = not self.is_negated
        child = self.condition(raw, path, depth)
        self.is_negated = not self.is_negated
        return Not(child)

    def _comparison(self, raw: object, path: str, depth: int) -> Comparison:
        sides = ("left", "op", "right")
        known = (
            sides if isinstance(raw, Mapping) and "left" in raw else ("all", "any", "not", *sides)
        )
        given = mapping(raw, path, known=known, needed=sides)
        op = given["op"]
        if not isinstance(op, str) or op not in OPERATORS:
            near = did_you_mean(str(op), list(OPERATORS))
            raise refused(f"{path}.op", f"{kind(op)} is no comparison", near)
        if len(self.comparisons) == COMPARISONS_MAX:
            raise refused(path, f"there are more than {COMPARISONS_MAX} comparisons", "use fewer")
        word = OPERATORS[op]
        left = self.expression(given["left"], f"{path}.left", depth + 1)
        right = self.expression(given["right"], f"{path}.right", depth + 1)
        before = None
        if word in (CROSSES_ABOVE, CROSSES_BELOW):
            before = self._before(left, f"{path}.left"), self._before(right, f"{path}.right")
        leaf = len(self.comparisons)
        made = Comparison(left, word, right, self.margin, self.is_negated, leaf, before)
        self.comparisons.append(made)
        return made

    def expression(self, raw: object, path: str, depth: int) -> Expression:
        """Return a number: a literal, a name, arithmetic, or what was one bar before."""
        if depth > DEPTH_MAX:
            raise refused(path, f"it is nested deeper than {DEPTH_MAX}", "flatten it")
        if isinstance(raw, str):
            return self._value(raw, path)
        if not isinstance(raw, Mapping):
            return Constant(number(raw, path))
        given = mapping(raw, path, known=(*SIGNS, "before"))
        if len(given) != 1:
            raise refused(path, f"{len(given)} operations stand here", "write one, nest the other")
        ((key, operands),) = given.items()
        if key == "before":
            return self._before(self.expression(operands, f"{path}.before", depth + 1), path)
        pair = listed(operands, f"{path}.{key}", most=2)
        if len(pair) != 2:  # noqa: PLR2004 – an operation has two sides
            raise refused(f"{path}.{key}", "it has one operand", "write two: [close, 1.01]")
        left, right = (
            self.expression(each, f"{path}.{key}[{index}]", depth + 1)
            for index, each in enumerate(pair)
        )
        return Arithmetic(SIGNS[key], left, right)

    def bounded(
        self, hysteresis: Mapping[str, object], key: str, low: float, high: float
    ) -> Expression:
        """Return a number or a parameter of which every value lies in ``[low, high]``."""
        path = f"hysteresis.{key}"
        raw = hysteresis.get(key, low)
        if isinstance(raw, str):
            if raw not in self.parameters:
                fix = did_you_mean(raw, list(self.parameters))
                raise refused(path, f"there is no parameter {raw!r}", fix)
            bounds = self.parameters[raw].low, self.parameters[raw].high
            found: Expression = self._value(raw, path)
        else:
            value = number(raw, path)
            bounds = value, value
            found = Constant(value)
        if not low <= bounds[0] <= bounds[1] <= high:
            shown = (
                f"{bounds[0]:g}" if bounds[0] == bounds[1] else f"{bounds[0]:g} to {bounds[1]:g}"
            )
            raise refused(path, f"{shown} is not within {low:g} to {high:g}", "change it")
        return found

    def _before(self, inner: Expression, path: str) -> Before:
        if _has_before(inner):
            raise refused(path, "it looks back twice", "look back one bar only")
        if inner not in self.slots:
            self.slots.append(inner)
        return Before(inner, self.first_slot + self.slots.index(inner))

    def _value(self, name: str, path: str) -> Expression:
        if name in self.values:
            return self.values[name]
        if name in self.parameters:
            return ParameterValue(list(self.parameters).index(name), name)
        if name in self.several:
            outputs = ", ".join(f"{name}.{each}" for each in self.several[name])
            raise refused(path, f"{name!r} has several outputs", f"write one of {outputs}")
        known = [*self.values, *self.parameters]
        raise refused(path, f"there is no feature {name!r}", did_you_mean(name, known))


def _has_before(expression: Expression) -> bool:
    if isinstance(expression, Arithmetic):
        return _has_before(expression.left) or _has_before(expression.right)
    return isinstance(expression, Before)
