"""What is sent to an operation: parameters, headers, body and examples."""

import re
from typing import Any, Final

from botcore.api.openapi.examples import example_of
from botcore.api.openapi.schemas import Schema, Schemas
from botcore.api.rest.cookies import RefreshCookie
from botcore.api.rest.decoding import BODILESS, UPLOAD
from botcore.control.operations import Confirm, Idempotency, Operation

_FIELD: Final = re.compile(r"\{(\w+)\}")
HEADER: Final = "#/components/parameters/"


def asking_of(operation: Operation, path: str, schemas: Schemas) -> Schema:
    """Return ``parameters`` and, where there is one, ``requestBody``."""
    whole = schemas.asked(operation.request)
    in_path = _FIELD.findall(path)
    has_json = operation.method not in BODILESS and not operation.upload_max
    fields = {name: value for name, value in whole["properties"].items() if name != UPLOAD}
    examples = [example_of(operation, each, path) for each in operation.examples]
    shown = examples[0].fields if examples else {}
    parameters = [_parameter(name, "path", fields[name], shown, True) for name in in_path]
    rest = {name: value for name, value in fields.items() if name not in in_path}
    required = [name for name in whole.get("required", []) if name in rest]
    if not has_json:
        parameters += [
            _parameter(name, "query", value, shown, name in required)
            for name, value in rest.items()
        ]
    found: Schema = {"parameters": [*parameters, *_headers(operation)]}
    if has_json:
        body = {**whole, "properties": rest, "required": required, "additionalProperties": False}
        found["requestBody"] = _body(body, [each.body for each in examples], bool(required))
    elif operation.upload_max:
        found["requestBody"] = {
            "description": f"The file as it is, at most {operation.upload_max} bytes.",
            "required": True,
            "content": {"application/octet-stream": {}},
        }
    return found


def _parameter(
    name: str,
    place: str,
    schema: Schema,
    shown: dict[str, Any],
    is_required: bool,
) -> Schema:
    schema = dict(schema)
    found: Schema = {"name": name, "in": place, "required": is_required}
    words = schema.pop("description", "")
    if words:
        found["description"] = words
    found["schema"] = _as_text(schema)
    if name in shown:
        found["example"] = shown[name]
    return found


def _as_text(schema: Schema) -> Schema:
    """Return a field's schema in an address, where nothing is null: it is left out."""
    options = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(options) == 1 and schema.get("default", "") is None:
        rest = {name: value for name, value in schema.items() if name not in ("anyOf", "default")}
        return {**options[0], **rest}
    return schema


def _body(schema: Schema, examples: list[dict[str, Any] | None], is_required: bool) -> Schema:
    content: Schema = {"schema": schema}
    if examples:
        content["examples"] = {
            f"example{number}": {"value": value} for number, value in enumerate(examples, 1)
        }
    return {"required": is_required, "content": {"application/json": content}}


def _headers(operation: Operation) -> list[Schema]:
    names = ["Correlation"]
    if operation.is_act:
        is_required = operation.idempotency is Idempotency.REQUIRED
        names.append("IdempotencyKeyRequired" if is_required else "IdempotencyKey")
    if operation.confirm is not Confirm.NEVER:
        names.append("ConfirmationToken")
    if operation.has_etag or operation.cache_s:
        names.append("IfNoneMatch")
    if RefreshCookie(operation).takes:
        names.append("CustomHeader")
    return [{"$ref": f"{HEADER}{name}"} for name in names]


def _header(name: str, words: str, schema: Schema, *, is_required: bool = False) -> Schema:
    return {
        "name": name,
        "in": "header",
        "required": is_required,
        "description": words,
        "schema": schema,
    }


_VISIBLE: Final[Schema] = {"type": "string", "pattern": "^[!-~]{1,128}$"}
_ONCE: Final = "A new random word for each act; the same one when it is tried again."
PARAMETERS: Final[Schema] = {
    "Correlation": _header(
        "X-Correlation-Id",
        "Id of the call, 8 to 64 letters, digits, dots, dashes; others are replaced.",
        {"type": "string"},
    ),
    "IdempotencyKey": _header("Idempotency-Key", _ONCE, _VISIBLE),
    "IdempotencyKeyRequired": _header("Idempotency-Key", _ONCE, _VISIBLE, is_required=True),
    "ConfirmationToken": _header(
        "Confirmation-Token", "The token of the 428 that this act was met with.", _VISIBLE
    ),
    "IfNoneMatch": _header(
        "If-None-Match", "`ETag` of the answer that one has.", {"type": "string"}
    ),
    "CustomHeader": _header(
        "X-Botcore",
        "`1`, where the refresh token comes as a cookie.",
        {"type": "string"},
    ),
}
"""Headers that several operations take."""
