"""JSON Schemas of requests and answers, as msgspec makes them, and what it leaves out.

Descriptions come from docstrings, field by field. What is sent and what is told are two schemas
where they differ: a decimal is told as a string, and may be sent as a number, too.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import inspect as kinds

from botcore.control.describing import described, fields_described

Schema = dict[str, Any]
_REF: Final = "#/components/schemas/"
_DECIMAL: Final = r"^[+-]?[0-9]{1,40}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?$"


class Schemas:
    """All schemas of one document.

    Args:
        asked: types of requests.
        told: types of answers.
    """

    def __init__(self, asked: Iterable[Any], told: Iterable[Any]) -> None:
        self._told, self.components = _made(told)
        self._asked, sent = _made(asked)
        for schema in sent.values():
            _walk(schema, _may_be_a_number)
        other = {
            name: f"{name}Sent"
            for name in _reaching(sent, self.components)
            if name in self.components
        }
        for name, schema in sent.items():
            _walk(schema, lambda part: _renamed(part, other))
            self.components[other.get(name, name)] = schema
        for schema in self._asked.values():
            _walk(schema, lambda part: _renamed(part, other))

    def asked(self, kind: Any) -> Schema:  # noqa: ANN401  # a type, or a parametrised one
        """Return the object schema of a request, to be taken apart; it is no component."""
        return self.components[self._asked[kind]["$ref"].removeprefix(_REF)]

    def told(self, kind: Any) -> Schema:  # noqa: ANN401  # as above
        """Return the schema of an answer."""
        return self._told[kind]


def reference(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": _REF + name}


def _made(types: Iterable[Any]) -> tuple[dict[Any, Schema], dict[str, Schema]]:
    types = tuple(dict.fromkeys(types))
    tops, components = msgspec.json.schema_components(types, ref_template=_REF + "{name}")
    infos = _structs(kinds.multi_type_info(types))
    refs, _ = msgspec.json.schema_components((*types, *infos), ref_template=_REF + "{name}")
    for (cls, info), ref in zip(infos.items(), refs[len(types) :], strict=True):
        _describe(components[ref["$ref"].removeprefix(_REF)], cls, info)
    for schema in (*tops, *components.values()):
        _walk(schema, _as_ecma)
    return dict(zip(types, tops, strict=True)), components


def _structs(infos: Iterable[Any]) -> dict[Any, kinds.StructType]:
    found: dict[Any, kinds.StructType] = {}
    waiting = list(infos)
    while waiting:
        match waiting.pop():
            case kinds.StructType() as info if info.cls not in found:
                found[info.cls] = info
                waiting += [field.type for field in info.fields]
            case kinds.Metadata() as info:
                waiting.append(info.type)
            case kinds.CollectionType() as info:
                waiting.append(info.item_type)
            case kinds.TupleType() as info:
                waiting += info.item_types
            case kinds.DictType() as info:
                waiting += [info.key_type, info.value_type]
            case kinds.UnionType() as info:
                waiting += info.types
            case _:
                pass
    return found


def _describe(schema: Schema, cls: Any, info: kinds.StructType) -> None:  # noqa: ANN401  # as above
    origin = getattr(cls, "__origin__", cls)
    schema["description"] = described(origin)
    words = _words_of(origin)
    for field in info.fields:
        part = schema["properties"][field.encode_name]
        if field.name in words:
            part["description"] = words[field.name]
        _date(part, field.type)


def _words_of(cls: type) -> dict[str, str]:
    """Return what is said of each field; what a parent says counts where a child is silent."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        if issubclass(each, msgspec.Struct):
            found |= fields_described(each)
    return found


def _date(schema: Schema, info: Any) -> None:  # noqa: ANN401  # of msgspec.inspect
    """Say of instants that they are: msgspec does so only where the type demands a zone."""
    match info:
        case kinds.Metadata():
            _date(schema, info.type)
        case kinds.DateTimeType():
            schema["format"] = "date-time"
        case kinds.UnionType() if any(isinstance(e, kinds.DateTimeType) for e in info.types):
            for option in schema["anyOf"]:
                if option.get("type") == "string":
                    option["format"] = "date-time"
        case kinds.CollectionType() if "items" in schema:
            _date(schema["items"], info.item_type)
        case _:
            pass


def _walk(schema: Any, change: Any) -> None:  # noqa: ANN401  # JSON, and a function of it
    if isinstance(schema, Mapping):
        change(schema)
        for each in list(schema.values()):
            _walk(each, change)
    elif isinstance(schema, list):
        for each in schema:
            _walk(each, change)


def _as_ecma(part: Schema) -> None:
    """Write Python's end of text as JSON Schema's regular expressions do; sets bear twins."""
    part.pop("uniqueItems", None)  # what comes twice into a set is there once
    pattern = part.get("pattern")
    if isinstance(pattern, str):
        part["pattern"] = re.sub(r"\\Z", "$", pattern)


def _may_be_a_number(part: Schema) -> None:
    if part.get("format") == "decimal" and part.get("type") == "string":
        part["type"] = ["string", "number"]
        part["pattern"] = _DECIMAL


def _renamed(part: Schema, other: Mapping[str, str]) -> None:
    name = str(part.get("$ref", "")).removeprefix(_REF)
    if name in other:
        part["$ref"] = _REF + other[name]


def _reaching(sent: Mapping[str, Schema], told: Mapping[str, Schema]) -> set[str]:
    """Return the components that differ from what is told, or hold one that does."""
    found = {name for name, schema in sent.items() if schema != told.get(name, schema)}
    while True:
        more = {
            name
            for name, schema in sent.items()
            if name not in found and found & _references(schema)
        }
        if not more:
            return found
        found |= more


def _references(schema: Any) -> set[str]:  # noqa: ANN401  # JSON
    found: set[str] = set()
    _walk(schema, lambda part: found.add(str(part.get("$ref", "")).removeprefix(_REF)))
    return found
