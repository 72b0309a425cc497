"""Parameters and features as a document declares them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import Parameter, did_you_mean
from botcore.indicators import INDICATORS
from botcore.strategies.features import FeatureSpec, Setting, feature
from botcore.strategies.layout import SOURCES
from botcore.strategies.rules.refusing import listed, mapping, named, number, refused, text

PARAMETERS_MAX: Final = 32
FEATURES_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class FeaturePlan:
    """A feature whose parameters may be those of the strategy.

    Attributes:
        settings: by the indicator's parameter: a value, or the name of a parameter.
        bound: which of them are names.
    """

    name: str
    indicator: str
    settings: Mapping[str, Setting]
    bound: frozenset[str]
    inputs: tuple[str, ...]

    def spec(self, params: Mapping[str, float]) -> FeatureSpec:
        """Return the feature with these parameters.

        Raises:
            ConfigError: the indicator refuses them.
        """
        defaults = INDICATORS[self.indicator].parameters
        values: dict[str, Setting] = {}
        for key, given in self.settings.items():
            if key not in self.bound:
                values[key] = given
                continue
            value = params[cast("str", given)]
            values[key] = int(value) if isinstance(defaults[key], int) else value
        return feature(self.indicator, inputs=self.inputs, **values)


def read_parameters(raw: object) -> dict[str, Parameter]:
    """Return the parameters that a document declares, by name.

    Raises:
        ConfigError: one cannot be used.
    """
    found: dict[str, Parameter] = {}
    for name, each in named(raw, "parameters", most=PARAMETERS_MAX).items():
        path = f"parameters.{name}"
        known = ("default", "from", "to", "kind", "unit", "help")
        given = mapping(each, path, known=known, needed=known[:3])
        kinds = {"int": "int", "float": "float"}
        chosen = text(given.get("kind", "float"), f"{path}.kind")
        if chosen not in kinds:
            raise refused(f"{path}.kind", f"there is no {chosen!r}", "write int or float")
        default, low, high = (number(given[key], f"{path}.{key}") for key in known[:3])
        if low > high:
            raise refused(path, f"from {low:g} is above to {high:g}", "exchange them")
        parameter = Parameter(
            name,
            cast("Literal['int', 'float']", chosen),
            default,
            low,
            high,
            text(given.get("unit") or "", f"{path}.unit"),
            text(given.get("help") or "", f"{path}.help"),
        )
        try:
            parameter.parse(default)
        except ConfigError as error:
            raise refused(f"{path}.default", error.cause, error.fix) from error
        found[name] = parameter
    return found


def read_feature(
    name: str, raw: object, path: str, parameters: Mapping[str, Parameter]
) -> FeaturePlan:
    """Return a feature as a document has it.

    Raises:
        ConfigError: there is no such indicator, or a setting cannot be used.
    """
    if not isinstance(raw, Mapping) or not isinstance(raw.get("indicator"), str):
        fix = f"write indicator: and one of {', '.join(INDICATORS)}"
        raise refused(path, "it names no indicator", fix)
    indicator = raw["indicator"]
    if indicator not in INDICATORS:
        fix = did_you_mean(indicator, list(INDICATORS))
        raise refused(f"{path}.indicator", f"there is no indicator {indicator!r}", fix)
    defaults = INDICATORS[indicator].parameters
    given = mapping(raw, path, known=("indicator", "source", *defaults))
    settings: dict[str, Setting] = {}
    bound: set[str] = set()
    for key in defaults:
        if key in given:
            settings[key] = _setting(given[key], f"{path}.{key}", defaults[key], parameters)
            if isinstance(settings[key], str) and settings[key] in parameters:
                bound.add(key)
    inputs = _inputs(given.get("source"), f"{path}.source")
    plan = FeaturePlan(name, indicator, settings, frozenset(bound), inputs)
    try:
        plan.spec({each.name: each.default for each in parameters.values()})
    except ConfigError as error:
        raise refused(path, error.cause, error.fix) from error
    return plan


def _setting(
    raw: object, path: str, default: Setting, parameters: Mapping[str, Parameter]
) -> Setting:
    if isinstance(raw, str):
        parameter = parameters.get(raw)
        if isinstance(default, str) and parameter is None:
            return raw
        if parameter is None:
            fix = did_you_mean(raw, list(parameters))
            raise refused(path, f"there is no parameter {raw!r}", fix)
        if isinstance(default, int) and parameter.kind != "int":
            fix = f"say kind: int in parameters.{raw}"
            raise refused(path, f"parameter {raw!r} is no whole number", fix)
        return raw
    value = number(raw, path)
    if isinstance(default, int):
        if value != int(value):
            raise refused(path, f"{value:g} is no whole number", "write one")
        return int(value)
    return value


def _inputs(raw: object, path: str) -> tuple[str, ...]:
    if raw is None:
        return ()
    given: Sequence[object] = [raw] if isinstance(raw, str) else listed(raw, path, most=5)
    for each in given:
        if each not in SOURCES:
            fix = did_you_mean(str(each), list(SOURCES))
            raise refused(path, f"a bar has no {each!r}", fix)
    return tuple(str(each) for each in given)
