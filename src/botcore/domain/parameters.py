"""Parameters of strategies, declared once: type, range, default.

The same declaration feeds validation, the optimiser, the API's schema and the dashboard's form.
"""

import difflib
import math
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from botcore.domain.errors import ConfigError


class Parameter(msgspec.Struct, frozen=True, gc=False):
    """One tunable of a strategy.

    Attributes:
        kind: ``int``, ``float`` or ``bool`` (a bool is 0 or 1 in the parameter row).
        low, high: inclusive bounds.
        unit: for people: ``bars``, ``frac``, ``x`` …
        help: one sentence.
    """

    name: str
    kind: Literal["int", "float", "bool"]
    default: float
    low: float
    high: float
    unit: str = ""
    help: str = ""

    def parse(self, value: object) -> float:
        """Return `value` (a number, a bool or its text) as the float of the parameter row.

        Raises:
            ConfigError: it is not of the declared kind, or out of bounds.
        """
        if self.kind == "bool" and isinstance(value, str) and value.lower() in _BOOLS:
            return _BOOLS[value.lower()]
        try:
            number = float(value)  # type: ignore[arg-type]  # anything else raises TypeError
        except (TypeError, ValueError, OverflowError):
            raise self._refused(value, f"is not of kind {self.kind}") from None
        if not math.isfinite(number) or (self.kind != "float" and number != int(number)):
            raise self._refused(value, f"is not of kind {self.kind}")
        if not self.low <= number <= self.high:
            raise self._refused(value, f"is outside {self.low:g} to {self.high:g}")
        return number

    def _refused(self, value: object, why: str) -> ConfigError:
        return ConfigError(
            code="PARAMETER_REFUSED",
            cause=f"parameter {self.name}={value} {why}",
            fix=f"give {self.name} as {self.kind} from {self.low:g} to {self.high:g}"
            f" (default {self.default:g})",
        )


class ParameterSpace:
    """The parameters of one strategy, in the order of its parameter row."""

    def __init__(self, *parameters: Parameter) -> None:
        self._by_name = {parameter.name: parameter for parameter in parameters}

    def __iter__(self) -> Iterator[Parameter]:
        """Iterate in declared order."""
        return iter(self._by_name.values())

    def __len__(self) -> int:
        """How many parameters there are."""
        return len(self._by_name)

    def index(self, name: str) -> int:
        """Where `name` stands in the parameter row."""
        return list(self._by_name).index(name)

    def row(self, given: Mapping[str, object]) -> list[float]:
        """Return the parameter row: declared order, defaults where nothing is given.

        Raises:
            ConfigError: a name is unknown (with the nearest known one) or a value is refused.
        """
        for name in given:
            if name not in self._by_name:
                raise ConfigError(
                    code="PARAMETER_UNKNOWN",
                    cause=f"there is no parameter {name!r}",
                    fix=did_you_mean(name, list(self._by_name)),
                )
        return [
            parameter.parse(given[name]) if name in given else float(parameter.default)
            for name, parameter in self._by_name.items()
        ]

    def named(self, row: list[float]) -> dict[str, float]:
        """Return a parameter row as a mapping from name to value."""
        return dict(zip(self._by_name, row, strict=True))


def did_you_mean(name: str, known: list[str]) -> str:
    """Return the fix for an unknown name: the nearest known one, and all of them."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}known: {', '.join(known) or 'none'}"


_BOOLS = {"true": 1.0, "yes": 1.0, "on": 1.0, "false": 0.0, "no": 0.0, "off": 0.0}
