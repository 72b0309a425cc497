"""Signal strategies: declared features and one pure `decide`, from a row of floats to a weight."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from botcore.domain.errors import ConfigError
from botcore.domain.ids import slug
from botcore.domain.parameters import ParameterSpace
from botcore.indicators import FloatColumn, FloatRow, FloatTable
from botcore.strategies.features import FeatureSpec
from botcore.strategies.layout import FREE

WARM_UP_REASON = "not decided yet: waiting for {0:.0f} more bars"
"""Sentence 0 of every signal strategy."""

ColumnRule = Callable[[Sequence[FloatColumn], FloatRow, FloatRow], FloatTable]
"""See `SignalStrategy.decide_over`."""


class SignalStrategy:
    """The declaration of a signal strategy; it is never instantiated.

    The engine steps `decide` bar by bar through a `SignalRunner`; a simulator may compile the same
    text. So `decide` is a pure function in the subset that numba compiles: float arithmetic,
    if/else, indexing, and calls of module-level functions of that kind. It sees the past only: the
    closed bar, features of closed bars, and its memory.

    It states the exposure it wants, not a trade: 1 on each bar on which it wants to be long. It
    never remembers whether it is long but reads `memory[HELD]`, so a denied order is wanted again
    on the next bar, and a warm strategy that is flat may enter on its first bar.

    Attributes:
        name: slug under which it is configured.
        version: raised when its decisions change on purpose; a stored state of another version
            is not continued.
        summary: one sentence for people.
        parameters: its tunables, in the order of the parameter row.
        reasons: sentences by code; ``{0}`` to ``{3}`` are the operands. Sentence 0 is
            `WARM_UP_REASON`.
        no_view: codes with which `decide` may return `NO_VIEW` (NaN). NaN with any other code is
            a fault.
        free_memory: first values of its own memory, from `memory[FREE]` on.
        source_digest: of the file that it was read from, set by whoever read it; part of what a
            stored state belongs to.
    """

    name: ClassVar[str]
    version: ClassVar[int]
    summary: ClassVar[str] = ""
    parameters: ClassVar[ParameterSpace]
    reasons: ClassVar[tuple[str, ...]]
    no_view: ClassVar[tuple[int, ...]] = ()
    free_memory: ClassVar[tuple[float, ...]] = ()
    source_digest: ClassVar[str] = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a declaration that could not run.

        Raises:
            ConfigError: something is missing, the name is no slug, the sentence of the warm-up is
                not the first, or `no_view` names a code without a sentence.
        """
        super().__init_subclass__(**kwargs)
        for needed in ("name", "version", "parameters", "reasons"):
            if not hasattr(cls, needed):
                raise _malformed(cls.__name__, f"it has no `{needed}`")
        slug(cls.name, what="strategy")
        if not cls.reasons or cls.reasons[0] != WARM_UP_REASON:
            raise _malformed(cls.name, "its first reason is not WARM_UP_REASON")
        if any(not 0 < code < len(cls.reasons) for code in cls.no_view):
            raise _malformed(cls.name, f"no_view {cls.no_view} names a code without a sentence")

    @classmethod
    def memory_size(cls) -> int:
        """Count the slots of the memory row."""
        return FREE + len(cls.free_memory)

    @staticmethod
    def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
        """Return what `decide` reads, in the order of its row.

        Args:
            params: values by name, already validated one by one.

        Raises:
            ConfigError: the values do not go together.
        """
        raise NotImplementedError

    @staticmethod
    def decide(row: FloatRow, memory: FloatRow, params: FloatRow) -> float:
        """Return the share of the budget to hold, -1 to 1; `NO_VIEW` leaves the position alone.

        Args:
            row: the features' outputs, then the bar (`layout`).
            memory: written on every path: the code and the operands its sentence quotes.
            params: the parameter row.
        """
        raise NotImplementedError

    @staticmethod
    def decide_over(
        columns: Sequence[FloatColumn], memory: FloatRow, params: FloatRow
    ) -> FloatTable:
        """Return what `decide` would leave after each of n bars; a strategy may do without.

        With it a backtest decides on many bars at once. It must say the same as `decide`, to the
        bit, with `memory[HELD]` as it is given, and change nothing. Of what it returns only code
        and operands may depend on `memory[HELD]`, and nothing on `BARS_HELD` or `WARM`.

        Args:
            columns: the row of `decide`, each place of it as a column of shape ``(n,)``.
            memory: as it was before the first bar.
            params: the parameter row.

        Returns:
            Shape ``(n, DECIDED + len(free_memory))``: code, four operands, weight, free memory.
        """
        raise NotImplementedError

    @classmethod
    def column_rule(cls) -> ColumnRule | None:
        """Return `decide_over` where there is one."""
        rule = cls.decide_over
        return None if rule is SignalStrategy.decide_over else rule


def render_reason(strategy: type[SignalStrategy], code: float, operands: Sequence[float]) -> str:
    """Return the sentence of a reason.

    A code without a sentence, from a strategy that has changed since or that said nothing, is
    named as such: reading a decision never fails.

    Args:
        strategy: whose decision it was.
        code: as `decide` wrote it.
        operands: four numbers, or as many as its sentence quotes.
    """
    sentences = dict(enumerate(strategy.reasons))
    if code not in sentences:
        return f"no sentence for reason {code:g} of {strategy.name}"
    try:
        return sentences[int(code)].format(*operands)
    except IndexError:
        return f"reason {code:g} of {strategy.name} lacks operands"


def _malformed(name: str, why: str) -> ConfigError:
    return ConfigError(
        code="STRATEGY_MALFORMED",
        cause=f"strategy {name!r} cannot run: {why}",
        fix="mend its declaration (docs/reference/strategies.md)",
    )
