"""Features: which indicators a signal strategy reads, over which values of the bar."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from botcore.domain.errors import ConfigError
from botcore.domain.parameters import did_you_mean
from botcore.indicators import INDICATORS, IndicatorSpec
from botcore.strategies.layout import SOURCES

Setting = int | float | str


@dataclass(frozen=True, slots=True)
class FeatureSpec:
    """One indicator with its parameters; it fills as many columns as it has outputs.

    Attributes:
        indicator: name in the registry of indicators.
        parameters: the indicator's own; what is absent has its default.
        inputs: which values of the bar it takes (of `SOURCES`); empty takes the indicator's own.
    """

    indicator: str
    parameters: MappingProxyType[str, Setting]
    inputs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be computed.

        Raises:
            ConfigError: the indicator or an input is unknown, or a parameter is out of range.
        """
        if self.indicator not in INDICATORS:
            raise ConfigError(
                code="INDICATOR_UNKNOWN",
                cause=f"there is no indicator {self.indicator!r}",
                fix=did_you_mean(self.indicator, list(INDICATORS)),
            )
        for source in self.inputs:
            if source not in SOURCES:
                raise ConfigError(
                    code="INPUT_UNKNOWN",
                    cause=f"a bar has no {source!r}",
                    fix=did_you_mean(source, list(SOURCES)),
                )
        if self.inputs and len(self.inputs) != len(self.spec.inputs):
            raise ConfigError(
                code="INPUT_UNKNOWN",
                cause=f"{self.indicator} takes {len(self.spec.inputs)} inputs, "
                f"not {len(self.inputs)}",
                fix=f"name one each for {', '.join(self.spec.inputs)}",
            )
        try:
            self.spec.initial(**self.parameters)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                code="PARAMETER_REFUSED",
                cause=f"{self.indicator}: {error}",
                fix="change the strategy's parameter that it comes from",
            ) from error

    @property
    def spec(self) -> IndicatorSpec:
        """The indicator."""
        return INDICATORS[self.indicator]

    @property
    def width(self) -> int:
        """How many columns it fills."""
        return len(self.spec.outputs)

    @property
    def picks(self) -> tuple[int, ...]:
        """Index of each input in the order open, high, low, close, volume."""
        return tuple(_PLACE[source] for source in self.inputs or self.spec.inputs)

    @property
    def first_valid(self) -> int:
        """Index of the first bar with a value."""
        return self.spec.first_valid(**self.parameters)

    def settled(self, tolerance: float) -> int:
        """Return the bars a fresh start needs to agree with an infinite history.

        An indicator that never forgets its start is not waited for: only its changes mean
        something, and they need its first value only.
        """
        bars = self.spec.settled(tolerance, **self.parameters)
        return self.first_valid + 1 if bars is None else bars

    def initial(self) -> list[float]:
        """Return a fresh state."""
        return self.spec.initial(**self.parameters)


def feature(indicator: str, *, inputs: tuple[str, ...] = (), **parameters: Setting) -> FeatureSpec:
    """Declare a feature, for example ``feature("ema", period=10)``.

    Raises:
        ConfigError: the indicator or an input is unknown, or a parameter is out of range.
    """
    return FeatureSpec(indicator, MappingProxyType(parameters), inputs)


def require_below(low: str, low_value: float, high: str, high_value: float) -> None:
    """Refuse parameters that do not go together: `low` has to be below `high`.

    Raises:
        ConfigError: it is not.
    """
    if low_value >= high_value:
        raise ConfigError(
            code="PARAMETERS_CONFLICT",
            cause=f"{low}={low_value:g} is not below {high}={high_value:g}",
            fix=f"lower {low} or raise {high}",
        )


_PLACE: Final = {source: place for place, source in enumerate(SOURCES)}
