"""The API's own documentation: as OpenAPI for programs, as a page to read and to try."""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from jinja2 import Environment
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from botcore.api.assets import Asset
from botcore.api.openapi import document, example_of
from botcore.api.openapi.asking import HEADER
from botcore.api.openapi.codes import codes
from botcore.api.openapi.curl import curl
from botcore.api.openapi.document import area_of, words_of
from botcore.api.openapi.schemas import Schema
from botcore.api.page import environment_of
from botcore.api.pages import Pages
from botcore.api.rest.caching import etag_of, is_known
from botcore.api.rest.compressing import compressed, takes_gzip
from botcore.api.rest.routing import PREFIX, Route, Shown, paths_of
from botcore.api.ws.schema import PATH as STREAMS
from botcore.api.ws.schema import stream_schema
from botcore.control.operations import Operation

DOCS: Final = f"{PREFIX}/docs"
OPENAPI: Final = f"{PREFIX}/openapi.json"
_CODE: Final = re.compile(r"`([^`]+)`")
_REF: Final = "#/components/schemas/"
_DEEPEST: Final = 4


def reference_routes(
    pages: Pages, operations: Sequence[Operation], assets: Mapping[str, Asset], *, version: str
) -> list[Route]:
    """Return the routes of the documentation; who is signed in may read all of it.

    Args:
        pages: makes them.
        operations: all there are.
        assets: scripts and styles of our own; nothing is loaded from elsewhere.
        version: of botcore.
    """

    @cache
    def described() -> Schema:
        return document(operations, version=version)

    def as_json() -> bytes:
        return json.dumps(described(), ensure_ascii=False).encode()

    def streams() -> bytes:
        return json.dumps(stream_schema()).encode()

    def drawn() -> bytes:
        template = _environment(assets).get_template("docs.html")
        text: str = template.render(
            version=version, areas=_areas(operations, described()), codes=codes()
        )
        return text.encode()

    rule = Shown(None)
    return [
        pages.route(OPENAPI, _Printed(as_json, "application/json"), rule),
        pages.route(STREAMS, _Printed(streams, "application/json"), rule),
        pages.route(DOCS, _Printed(drawn, "text/html"), rule),
    ]


class _Printed:
    """A page that is the same for all and stays so: made, marked and compressed once.

    Args:
        make: makes its body when somebody first asks for it.
        media_type: of it.
    """

    def __init__(self, make: Callable[[], bytes], media_type: str) -> None:
        self._make = make
        self._media_type = media_type
        self._body: bytes | None = None
        self._zipped: bytes | None = None
        self._etag = b""

    async def __call__(self, request: Request) -> Response:
        """Return it, or the word that the caller has it already."""
        if self._body is None:
            self._body = self._make()
            self._etag = etag_of(self._body)
        headers = {
            "Cache-Control": "private, no-cache",
            "ETag": self._etag.decode("ascii"),
            "Vary": "accept-encoding, authorization",
        }
        if is_known(request.headers.get("if-none-match", ""), self._etag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        body = self._body
        if takes_gzip(request.headers.get("accept-encoding", "")):
            if self._zipped is None:
                self._zipped = await compressed(body)
            body, headers["Content-Encoding"] = self._zipped, "gzip"
        return Response(body, media_type=self._media_type, headers=headers)


def _environment(assets: Mapping[str, Asset]) -> Environment:
    environment = environment_of(assets)
    environment.globals["openapi"] = OPENAPI
    environment.filters["words"] = _marked_up
    return environment


def _marked_up(text: str) -> Markup:
    """Return text with what stands in backticks as code; all else is escaped."""
    parts = _CODE.split(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part)
        for at, part in enumerate(parts)
    )


def _areas(operations: Iterable[Operation], described: Schema) -> list[dict[str, Any]]:
    about = {tag["name"]: tag["description"] for tag in described["tags"]}
    found: dict[str, list[dict[str, Any]]] = {}
    for operation in operations:
        found.setdefault(area_of(operation), []).append(_drawn(operation, described))
    return [
        {"name": name, "about": about[name], "operations": each} for name, each in found.items()
    ]


def _drawn(operation: Operation, described: Schema) -> dict[str, Any]:
    first, *aliases = paths_of(operation)
    item = described["paths"][first][operation.method.lower()]
    schemas = described["components"]["schemas"]
    headers = described["components"]["parameters"]
    taken = [
        headers.get(str(each.get("$ref", "")).removeprefix(HEADER), each)
        for each in item["parameters"]
    ]
    fields = [_field(each["name"], each, schemas) for each in taken]
    content = item.get("requestBody", {}).get("content", {}).get("application/json")
    if content is not None:
        required = content["schema"]["required"]
        fields += [
            _field(name, {"in": "body", "required": name in required, "schema": each}, schemas)
            for name, each in content["schema"]["properties"].items()
        ]
    good = item["responses"][str(operation.status)]["content"]["application/json"]["schema"]
    example = example_of(operation, operation.examples[0], first) if operation.examples else None
    body = None if example is None or example.body is None else example.body
    return {
        "name": operation.name,
        "method": operation.method,
        "path": first,
        "aliases": aliases,
        "summary": operation.summary,
        "words": words_of(operation).split("\n\n"),
        "scope": operation.scope,
        "is_act": operation.is_act,
        "command": operation.command,
        "fields": sorted(fields, key=lambda each: _PLACES.index(each["place"])),
        "status": operation.status,
        "answer": _told(good, schemas),
        "curl": curl(operation) if operation.examples else "",
        "example_path": first if example is None else example.path,
        "body": None if content is None else json.dumps(body or {}, indent=2, ensure_ascii=False),
        "refusals": list(item["x-problems"].items()),
    }


_FORMATS: Final = {"decimal": "decimal", "date-time": "instant", "date": "date"}
_PLACES: Final = ("path", "query", "body", "header")


def _field(name: str, said: Schema, schemas: Schema) -> dict[str, Any]:
    """Return a row of a table; `said` is a parameter of OpenAPI, or looks like one."""
    schema = said["schema"]
    return {
        "name": name,
        "place": said.get("in", "answer"),
        "type": type_words(schema, schemas),
        "is_required": said.get("required", False),
        "default": schema.get("default"),
        "words": said.get("description", "") or schema.get("description", ""),
    }


def _told(schema: Schema, schemas: Schema, depth: int = 0) -> list[dict[str, Any]]:
    """Return the fields of an answer, those inside indented below them."""
    found = []
    inner = _named(schema, schemas)
    for name, each in (inner or {}).get("properties", {}).items():
        found.append({**_field(name, {"schema": each}, schemas), "depth": depth})
        if depth < _DEEPEST:
            found += _told(each, schemas, depth + 1)
    return found


def _named(schema: Schema, schemas: Schema) -> Schema | None:
    """Return the object that a schema stands for: itself, one of a list, or one that may lack."""
    if "$ref" in schema:
        found: Schema = schemas[schema["$ref"].removeprefix(_REF)]
        return found
    for option in (schema.get("items"), *schema.get("anyOf", ())):
        if isinstance(option, dict) and "$ref" in option:
            return _named(option, schemas)
    return None


def type_words(schema: Schema, schemas: Schema) -> str:
    """Return a schema's type in a few words."""
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_REF)
        return type_words(schemas[name], schemas) if "enum" in schemas[name] else name
    if "anyOf" in schema:
        return " or ".join(type_words(each, schemas) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {type_words(schema.get('items') or {}, schemas)}"
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    low, high = schema.get("minimum"), schema.get("maximum")
    match low is not None, high is not None:
        case True, True:
            return f"{kind}, {low} to {high}"
        case True, False:
            return f"{kind}, {low} or more"
        case False, True:
            return f"{kind}, at most {high}"
        case _:
            return str(kind)
