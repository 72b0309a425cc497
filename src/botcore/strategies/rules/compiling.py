"""A rule tree as a strategy like any other."""

from collections.abc import Mapping
from typing import ClassVar

from botcore.domain.parameters import ParameterSpace
from botcore.strategies.features import FeatureSpec
from botcore.strategies.rules.document import rule_tree
from botcore.strategies.rules.evaluating import NO_VIEW_YET, Evaluator, free_memory, sentences
from botcore.strategies.signal import SignalStrategy


def compiled(document: object) -> type[SignalStrategy]:
    """Return the strategy that a document describes.

    It decides bar by bar and in columns. Stored states of another document are not continued,
    whatever its version says: the document's digest is part of the strategy's own.

    Args:
        document: as `rules_in` returns it.

    Raises:
        ConfigError: something in it cannot be used; the path names it (``RULES_REFUSED``).
    """
    tree = rule_tree(document)
    evaluator = Evaluator(tree)

    class RuleStrategy(SignalStrategy):
        """A strategy made of a document."""

        name: ClassVar[str] = tree.name
        version: ClassVar[int] = tree.version
        summary: ClassVar[str] = tree.summary
        parameters: ClassVar[ParameterSpace] = tree.parameters
        reasons: ClassVar[tuple[str, ...]] = sentences(tree)
        no_view: ClassVar[tuple[int, ...]] = (int(NO_VIEW_YET),)
        free_memory: ClassVar[tuple[float, ...]] = free_memory(tree)
        source_digest: ClassVar[str] = tree.digest
        decide = staticmethod(evaluator.decide)
        decide_over = staticmethod(evaluator.decide_over)

        @staticmethod
        def features(params: Mapping[str, float]) -> tuple[FeatureSpec, ...]:
            """Return the features of the document."""
            return tuple(plan.spec(params) for plan in tree.features)

    return RuleStrategy
