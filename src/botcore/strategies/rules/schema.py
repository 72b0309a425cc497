"""What may stand in a document, as JSON Schema: for editors and forms."""

from typing import Any

from botcore.indicators import INDICATORS
from botcore.strategies.layout import SOURCES
from botcore.strategies.rules.declarations import FEATURES_MAX, PARAMETERS_MAX
from botcore.strategies.rules.document import CHILDREN_MAX, OPERATORS, VERSION_MAX
from botcore.strategies.rules.expressions import SIGNS

_NAME = "^[a-z][a-z0-9_]{0,31}$"
_OUTPUT = r"^[a-z][a-z0-9_]{0,31}(\.[a-z][a-z0-9_]{0,31})?$"


def rules_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a document.

    It says the shape. Names that there are not, and bounds that depend on others, are met by
    `compiled`.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A Bot Core strategy without code",
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "features", "enter"],
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,31}$"},
            "version": {"type": "integer", "minimum": 1, "maximum": VERSION_MAX},
            "summary": _text("One sentence for people."),
            "parameters": _named({"$ref": "#/$defs/parameter"}, PARAMETERS_MAX),
            "features": _named({"oneOf": [*map(_feature, INDICATORS)]}, FEATURES_MAX),
            "enter": {"$ref": "#/$defs/condition"},
            "exit": {
                "$ref": "#/$defs/condition",
                "description": "Wins over enter. Without it: wherever enter does not hold.",
            },
            "hysteresis": _object(
                {
                    "margin_bps": _number_or_name("Comparisons hold only by more than this."),
                    "confirm_bars": _number_or_name("For so many bars in a row."),
                }
            ),
        },
        "$defs": {
            "parameter": _parameter(),
            "condition": _condition(),
            "expression": _expression(),
        },
    }


def _parameter() -> dict[str, Any]:
    number = {"type": "number"}
    return _object(
        {
            "default": number,
            "from": number,
            "to": number,
            "kind": {"enum": ["int", "float"], "default": "float"},
            "unit": _text("For people."),
            "help": _text("One sentence."),
        },
        needed=["default", "from", "to"],
    )


def _feature(indicator: str) -> dict[str, Any]:
    source = {"enum": list(SOURCES)}
    settings = {
        key: {"type": "string"} if isinstance(default, str) else _number_or_name("")
        for key, default in INDICATORS[indicator].parameters.items()
    }
    sources = {"oneOf": [source, {"type": "array", "items": source, "minItems": 1}]}
    return _object(
        {"indicator": {"const": indicator}, "source": sources, **settings}, needed=["indicator"]
    )


def _condition() -> dict[str, Any]:
    several = {
        "type": "array",
        "items": {"$ref": "#/$defs/condition"},
        "minItems": 1,
        "maxItems": CHILDREN_MAX,
    }
    expression = {"$ref": "#/$defs/expression"}
    comparison = {"left": expression, "op": {"enum": list(OPERATORS)}, "right": expression}
    return {
        "oneOf": [
            _object({"all": several}, needed=["all"]),
            _object({"any": several}, needed=["any"]),
            _object({"not": {"$ref": "#/$defs/condition"}}, needed=["not"]),
            _object(comparison, needed=list(comparison)),
        ]
    }


def _expression() -> dict[str, Any]:
    expression = {"$ref": "#/$defs/expression"}
    pair = {"type": "array", "items": expression, "minItems": 2, "maxItems": 2}
    return {
        "oneOf": [
            {"type": "number"},
            {"type": "string", "pattern": _OUTPUT, "description": "A feature, value or parameter."},
            *(_object({key: pair}, needed=[key]) for key in SIGNS),
            _object({"before": expression}, needed=["before"]),
        ]
    }


def _object(properties: dict[str, Any], *, needed: list[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": needed or [],
    }


def _named(values: dict[str, Any], most: int) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": {"pattern": _NAME},
        "additionalProperties": values,
        "maxProperties": most,
    }


def _number_or_name(description: str) -> dict[str, Any]:
    return {"type": ["number", "string"], "description": description}


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "maxLength": 300, "description": description}
