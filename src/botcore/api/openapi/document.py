"""The OpenAPI document: every path of every operation, aliases too, from their declarations."""

import sys
from collections.abc import Iterable
from typing import Any, Final

from botcore.api.openapi.answers import (
    HEADERS,
    PROBLEM,
    codes_of,
    problem_responses,
    responses_of,
)
from botcore.api.openapi.asking import PARAMETERS, asking_of
from botcore.api.openapi.schemas import Schema, Schemas
from botcore.api.rest.problems import ProblemBody
from botcore.api.rest.routing import paths_of
from botcore.control.describing import described
from botcore.control.operations import Confirm, Idempotency, Operation

_ABOUT: Final = """\
Everything an operator may do or ask. A call signs itself in with `Authorization: Bearer …`: an
access token of a session, or an API key (`bck_…`). On the machine itself `botcore` signs itself in
with `Authorization: Local …`: it asks for a proof first, and shows what is good for that process
alone; the token of the home is never sent, and refused where it is. Amounts and prices are decimal
strings, instants are UTC. Lists come in pages: send `next_cursor` as `cursor` for what follows.
Whatever goes wrong is answered as `application/problem+json` with a stable `code`, a `cause` and a
`fix`.
"""
_CONFIRM: Final = {
    Confirm.ALWAYS: "It must be confirmed",
    Confirm.IF_RAISING: "If it can raise exposure or destroy data, it must be confirmed",
}
_KEYED: Final = {
    Idempotency.REQUIRED: "Needs the header `Idempotency-Key`",
    Idempotency.IF_RAISING: "If it can raise exposure, it needs the header `Idempotency-Key`",
}
_SCHEMES: Final[Schema] = {
    "session": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, from `POST /api/v1/auth/login`; it lives 15 minutes.",
    },
    "key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "bck_…",
        "description": "An API key with the scope that the route needs.",
    },
    "local": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Local PROOF`, from this machine only, with what the command line makes of"
        " the home's token for one process; the token itself is refused.",
    },
}


def document(operations: Iterable[Operation], *, version: str) -> Schema:
    """Return the document.

    Args:
        operations: all that can be asked and done.
        version: of botcore.
    """
    operations = tuple(operations)
    schemas = Schemas(
        asked=[operation.request for operation in operations],
        told=[ProblemBody, *(operation.answer for operation in operations)],
    )
    paths: dict[str, Schema] = {}
    for operation in operations:
        first = paths_of(operation)[0]
        for number, path in enumerate(paths_of(operation)):
            item = _item(operation, path, schemas)
            if number:
                item["operationId"] += f".alias{number}"
                item["description"] = f"The same as `{operation.method} {first}`."
                item["x-alias-of"] = first
            paths.setdefault(path, {})[operation.method.lower()] = item
    used = {PROBLEM, *_reached(paths, schemas.components)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Bot Core", "version": version, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": _tags(operations),
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {
                name: schema for name, schema in sorted(schemas.components.items()) if name in used
            },
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": problem_responses(operations),
            "securitySchemes": _SCHEMES,
        },
    }


def area_of(operation: Operation) -> str:
    """Return the first word of its name: what it is about."""
    return operation.name.partition(".")[0]


def words_of(operation: Operation) -> str:
    """Return what an operation does and takes, in words; paragraphs are apart by empty lines."""
    _, _, more = described(operation.request).partition("\n")
    parts = [" ".join(each.split()) for each in more.strip().split("\n\n") if each.strip()]
    if operation.scope is None:
        parts.append("Open to strangers.")
    else:
        parts.append(f"Needs the scope `{operation.scope}`.")
    if operation.has_step_up:
        parts.append("Needs a factor shown within the last minutes (`POST /api/v1/auth/step-up`).")
    if operation.confirm in _CONFIRM:
        parts.append(
            f"{_CONFIRM[operation.confirm]}: the first call is answered with 428, its effect in"
            " words and a token; the same call with the header `Confirmation-Token` carries it out."
        )
    if operation.idempotency in _KEYED:
        parts.append(f"{_KEYED[operation.idempotency]}: a repetition has the same answer.")
    if operation.cache_s:
        parts.append(f"Answers may be {operation.cache_s} s old.")
    if operation.cache_settled_s:
        parts.append(f"One that is settled may be {operation.cache_settled_s} s old.")
    return "\n\n".join(parts)


def _item(operation: Operation, path: str, schemas: Schemas) -> Schema:
    item: Schema = {
        "operationId": operation.name,
        "tags": [area_of(operation)],
        "summary": operation.summary.rstrip("."),
        "description": words_of(operation),
        "deprecated": False,
        **asking_of(operation, path, schemas),
        "responses": responses_of(operation, schemas),
        "security": _security(operation),
        "x-problems": {
            str(status): named for status, named in codes_of(operation).items() if named
        },
        "x-route-class": str(operation.route_class),
    }
    if operation.cost > 1:
        item["x-cost"] = operation.cost
    if operation.scope is not None:
        item["x-scope"] = str(operation.scope)
    if operation.command:
        item["x-command"] = f"botcore {' '.join(operation.command)}"
    return item


def _security(operation: Operation) -> list[Schema]:
    if operation.scope is None:
        return []
    scope = [str(operation.scope)]
    return [{"session": scope}, {"key": scope}, {"local": scope}]


def _tags(operations: Iterable[Operation]) -> list[Schema]:
    found: dict[str, Schema] = {}
    for operation in operations:
        about = (sys.modules[operation.request.__module__].__doc__ or "").strip().partition("\n")[0]
        area = area_of(operation)
        found.setdefault(area, {"name": area, "description": about})
    return list(found.values())


def _reached(part: Any, components: dict[str, Schema]) -> set[str]:  # noqa: ANN401  # JSON
    """Return the components that are referred to, from here and from one another."""
    found: set[str] = set()
    waiting = [part, components[PROBLEM]]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            name = str(each.get("$ref", "")).removeprefix("#/components/schemas/")
            if name in components and name not in found:
                found.add(name)
                waiting.append(components[name])
            waiting += each.values()
        elif isinstance(each, list | tuple):
            waiting += each
    return found
