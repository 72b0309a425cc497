"""Strategies without code: a document of features, conditions and bounds in, a signal strategy out.

`rules_in` reads a YAML or JSON text, `compiled` makes a strategy of what it holds, `rules_schema`
says what may stand in it.
"""

from botcore.strategies.rules.compiling import compiled
from botcore.strategies.rules.schema import rules_schema
from botcore.strategies.rules.text import BYTES_MAX, rules_in

__all__ = ["BYTES_MAX", "compiled", "rules_in", "rules_schema"]
