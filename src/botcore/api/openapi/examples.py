"""A request as the call that carries it: for examples that can be sent as they stand."""

import re
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import msgspec

from botcore.api.rest.decoding import BODILESS
from botcore.control.operations import Operation, Request

_FIELD: Final = re.compile(r"\{(\w+)\}")


class Example(NamedTuple):
    """One call.

    Attributes:
        path: filled, percent-encoded, with its query.
        fields: of the path and the query, as JSON values; a list where it repeats.
        body: the JSON body's fields; None where there is no JSON body.
    """

    path: str
    fields: dict[str, Any]
    body: dict[str, Any] | None


def example_of(operation: Operation, request: Request[Any], path: str) -> Example:
    """Return how a request is sent to one of its operation's paths; defaults are left out."""
    values: dict[str, Any] = msgspec.to_builtins(request, order="deterministic")
    defaults = {
        field.encode_name: msgspec.to_builtins(field.default)
        for field in msgspec.structs.fields(request)
        if field.default is not msgspec.NODEFAULT
    }
    in_path = {name: values.pop(name) for name in _FIELD.findall(path)}
    filled = _FIELD.sub(lambda match: quote(str(in_path[match[1]]), safe=""), path)
    given = {
        name: value
        for name, value in values.items()
        if (name not in defaults or value != defaults[name]) and name != "upload"
    }
    if operation.method not in BODILESS and not operation.upload_max:
        return Example(filled, in_path, given)
    pairs = [(name, _text(each)) for name, value in given.items() for each in _each(value)]
    query = f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
    return Example(filled + query, in_path | given, None)


def _each(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
