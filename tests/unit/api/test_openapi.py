"""The OpenAPI document: true to the operations, whole, and its examples can be sent."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from tests.support.rest_shop import OPERATIONS, Counter

from botcore.api.openapi import document, example_of
from botcore.api.openapi.codes import codes
from botcore.api.openapi.curl import curl
from botcore.api.reference import type_words
from botcore.api.rest import Public, RouteTable, Shown
from botcore.api.rest.decoding import Decoder
from botcore.api.rest.routing import paths_of
from botcore.control.operations import Operation, Request
from botcore.control.schema import operations

ALL = operations()
EXAMPLES = [
    pytest.param(operation, request, path, id=f"{operation.name} {number} {path}")
    for operation in (*OPERATIONS, *ALL)
    for number, request in enumerate(operation.examples)
    for path in paths_of(operation)
]
SHOP = document(OPERATIONS, version="1.2.3")
REAL = document(ALL, version="1.2.3")


def item(path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = SHOP["paths"][path][method]
    return found


def parameters(path: str, method: str) -> dict[str, dict[str, Any]]:
    shared = SHOP["components"]["parameters"]
    each = (
        shared[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        for one in item(path, method)["parameters"]
    )
    return {one["name"]: one for one in each}


# --- whole


def test_the_router_and_the_document_are_the_same_set(tmp_path: Path) -> None:
    counter = Counter(tmp_path)

    routes = {(route.methods[0].lower(), route.path) for route in RouteTable(counter.door.routes())}

    assert routes == {
        (method, path) for path, methods in SHOP["paths"].items() for method in methods
    }


def test_every_route_has_a_rule_and_a_public_one_a_reason(tmp_path: Path) -> None:
    from tests.support.metrics_page import RecordingMetrics
    from tests.support.sample_view import FakePlatform

    from botcore.api import routes_of

    table = routes_of(
        FakePlatform(), version="1", metrics=RecordingMetrics(), door=Counter(tmp_path).door
    )

    public = {route.path for route in table if isinstance(route.rule, Public)}
    assert public == {"/livez", "/readyz", "/static/{name}", "/sign-in"}
    assert all(route.rule.reason for route in table if isinstance(route.rule, Public))
    shown = {route.path for route in table if isinstance(route.rule, Shown)}
    assert shown == {
        "/",
        "/fragment",
        "/view.json",
        "/metrics",
        "/api/v1/docs",
        "/api/v1/openapi.json",
        "/api/v1/ws-schema.json",
    }
    assert len(public | shown) + sum(len(paths_of(each)) for each in OPERATIONS) == len(
        table.routes
    )


def test_every_real_operation_can_be_a_route(tmp_path: Path) -> None:
    door = Counter(tmp_path).door
    door.operations = ALL

    table = RouteTable(door.routes())

    assert {getattr(route.rule, "name", "") for route in table} == {each.name for each in ALL}
    assert {(m.lower(), route.path) for route in table for m in route.methods} == {
        (method, path) for path, methods in REAL["paths"].items() for method in methods
    }


def test_operation_ids_are_unique() -> None:
    ids = [each["operationId"] for path in REAL["paths"].values() for each in path.values()]

    assert len(ids) == len(set(ids))


def _references(part: Any) -> set[str]:
    if isinstance(part, dict):
        inner = [_references(each) for each in part.values()]
        own = {part["$ref"]} if isinstance(part.get("$ref"), str) else set()
        return own.union(*inner)
    if isinstance(part, list | tuple):
        return set().union(*(_references(each) for each in part))
    return set()


@pytest.mark.parametrize("whole", [SHOP, REAL], ids=["shop", "real"])
def test_every_reference_leads_somewhere_and_nothing_is_left_over(whole: dict[str, Any]) -> None:
    refs = _references(whole)

    for ref in refs:
        part = whole
        for name in ref.removeprefix("#/").split("/"):
            part = part[name]
    used = {ref.rpartition("/")[2] for ref in refs if "/schemas/" in ref}
    assert used == set(whole["components"]["schemas"])


@pytest.mark.parametrize("whole", [SHOP, REAL], ids=["shop", "real"])
def test_every_schema_is_one_of_json_schema(whole: dict[str, Any]) -> None:
    for name, schema in whole["components"]["schemas"].items():
        jsonschema_rs.meta.validate(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                **json.loads(json.dumps(schema)),
            }
        )
        assert "\\Z" not in json.dumps(schema), name
        assert "Attributes:" not in json.dumps(schema), name


def test_every_code_that_an_operation_names_says_something() -> None:
    named = {code for each in ALL for code in each.problems}

    assert sorted(named - codes().keys()) == []


# --- true


def test_an_operation_says_what_it_takes() -> None:
    buy = item("/api/v1/things/{name}/purchases", "post")

    assert buy["operationId"] == "things.buy"
    assert buy["summary"] == "Buy a thing"
    assert buy["x-scope"] == "trade:paper"
    assert "`trade:paper`" in buy["description"]
    assert "Confirmation-Token" in buy["description"]
    assert buy["deprecated"] is False
    assert buy["security"][0] == {"session": ["trade:paper"]}
    taken = parameters("/api/v1/things/{name}/purchases", "post")
    assert taken["Idempotency-Key"]["required"] is True
    assert taken["Confirmation-Token"]["required"] is False
    assert taken["name"]["in"] == "path"
    assert taken["name"]["required"] is True
    assert taken["name"]["example"] == "cup"
    body = buy["requestBody"]["content"]["application/json"]
    assert list(body["schema"]["properties"]) == ["quantity"]
    assert body["schema"]["required"] == ["quantity"]
    assert body["schema"]["additionalProperties"] is False
    assert body["examples"]["example1"]["value"] == {"quantity": 2}
    assert "201" in buy["responses"]


def test_a_query_s_fields_are_parameters_with_their_words() -> None:
    taken = parameters("/api/v1/things", "get")

    assert taken["since"]["description"] == "only what was seen since then."
    assert taken["since"]["schema"] == {"type": "string", "format": "date-time"}
    assert taken["limit"]["schema"]["maximum"] == 500
    assert taken["colours"]["schema"]["type"] == "array"
    assert taken["If-None-Match"]["in"] == "header"
    assert "Idempotency-Key" not in taken


def test_an_alias_takes_from_the_query_what_its_path_does_not_name() -> None:
    alias = item("/api/thing", "get")

    assert parameters("/api/thing", "get")["name"]["in"] == "query"
    assert alias["x-alias-of"] == "/api/v1/things/{name}"
    assert alias["deprecated"] is False
    assert "The same as" in alias["description"]


def test_a_decimal_is_told_as_a_string_and_may_be_sent_as_a_number() -> None:
    put = item("/api/v1/things/{name}", "put")
    sent = put["requestBody"]["content"]["application/json"]["schema"]["properties"]["price"]
    told = SHOP["components"]["schemas"]["Thing"]["properties"]["price"]

    assert sent["type"] == ["string", "number"]
    assert re.match(sent["pattern"], "1.50")
    assert told["type"] == "string"
    assert told["description"] == "in USDT."


def test_refusals_are_listed_by_status_with_their_codes() -> None:
    found = item("/api/v1/things/{name}/purchases", "post")["x-problems"]

    assert "IDEMPOTENCY_KEY_MISSING" in found["422"]
    assert found["428"] == ["CONFIRMATION_REQUIRED"]
    assert "NOT_ALLOWED" in found["403"]
    assert "401" not in item("/api/v1/mood", "get")["x-problems"]
    assert item("/api/v1/mood", "get")["security"] == []


def test_a_file_is_a_body_as_it_is() -> None:
    sent = item("/api/v1/files", "post")

    assert list(sent["requestBody"]["content"]) == ["application/octet-stream"]
    assert "upload" not in parameters("/api/v1/files", "post")
    assert parameters("/api/v1/files", "post")["name"]["in"] == "query"


def test_what_is_told_keeps_to_its_schema(tmp_path: Path) -> None:
    asked = Counter(tmp_path).client()
    page = jsonschema_rs.validator_for(
        {**SHOP["components"]["schemas"]["Page_Thing_"], "components": SHOP["components"]}
    )
    problem = jsonschema_rs.validator_for(SHOP["components"]["schemas"]["ProblemBody"])

    page.validate(asked.get("/api/v1/things").json())
    problem.validate(asked.get("/api/v1/things?limit=x").json())
    with pytest.raises(jsonschema_rs.ValidationError):
        page.validate({"items": [{"name": 1}]})


# --- examples


@pytest.mark.parametrize(("operation", "request_", "path"), EXAMPLES)
def test_an_example_is_read_as_what_it_stands_for(
    operation: Operation, request_: Request[Any], path: str
) -> None:
    from urllib.parse import parse_qsl, unquote

    example = example_of(operation, request_, path)
    decoder = Decoder(operation, path)
    where, _, query = example.path.partition("?")
    fields = dict(
        zip(
            re.findall(r"\{(\w+)\}", path),
            [
                unquote(given)
                for given, part in zip(where.split("/"), path.split("/"), strict=True)
                if part.startswith("{")
            ],
            strict=True,
        )
    )

    if example.body is None:
        file = getattr(request_, "upload", None)  # the door makes it
        read = decoder.from_query(fields, parse_qsl(query, keep_blank_values=True), upload=file)
    else:
        read = decoder.from_body(fields, [], msgspec.json.encode(example.body))

    assert read == request_


def test_every_operation_shows_an_example() -> None:
    assert [each.name for each in ALL if not each.examples] == []


def test_the_command_of_an_upload_sends_the_file_that_it_names() -> None:
    (upload,) = (each for each in ALL if each.name == "data.upload")

    first, *_, last = curl(upload).split(" \\\n  ")

    assert "/data/uploads?name=BTCUSDT-1h-2024-01.csv&symbol=BTCUSDT.BINANCE" in first
    assert last == "--data-binary @BTCUSDT-1h-2024-01.csv"


def test_a_command_can_be_pasted() -> None:
    (buy,) = (each for each in OPERATIONS if each.name == "things.buy")

    assert curl(buy) == (
        'curl "$BOTCORE_URL/api/v1/things/cup/purchases" \\\n'
        "  -X POST \\\n"
        '  -H "Authorization: Bearer $BOTCORE_KEY" \\\n'
        '  -H "Idempotency-Key: $(date +%s)-$RANDOM" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        "  -d '{\"quantity\": 2}'"
    )


# --- the page


@pytest.mark.requirement("REST GET docs")
def test_the_page_shows_every_route_with_fields_scope_and_refusals(tmp_path: Path) -> None:
    html = Counter(tmp_path).client().get("/api/v1/docs").text

    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in html
        assert f'<span class="path">{paths_of(operation)[0]}</span>' in html
    assert "<code>trade:paper</code>" in html
    assert 'href="#CONFIRMATION_REQUIRED"' in html
    assert 'id="CONFIRMATION_REQUIRED"' in html


def test_the_page_runs_and_loads_nothing_but_its_own_files(tmp_path: Path) -> None:
    html = Counter(tmp_path).client().get("/api/v1/docs").text

    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', html)

    assert all(each.startswith(("/static/", "#", "/api/v1/openapi.json")) for each in addresses)
    assert not re.search(r"\son\w+=|style=|javascript:|<style", html)
    assert re.findall(r"<script[^>]*>(.*?)</script>", html) == [""]


def test_every_link_to_a_code_leads_to_it(tmp_path: Path) -> None:
    html = Counter(tmp_path).client().get("/api/v1/docs").text
    ids = set(re.findall(r'id="([^"]+)"', html))

    codes_linked = set(re.findall(r'href="#([^"]+)"', html)) - {"THING_UNKNOWN"}

    assert codes_linked <= ids


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 5}, "integer, 1 to 5"),
        ({"type": "integer", "minimum": 1}, "integer, 1 or more"),
        ({"type": "number", "maximum": 1}, "number, at most 1"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}, "list of Thing"),
        ({"$ref": "#/components/schemas/Colour"}, "blue | red"),
        ({"anyOf": [{"type": "string", "format": "decimal"}, {"type": "null"}]}, "decimal or null"),
        ({}, "any"),
    ],
)
def test_a_type_is_said_in_words(schema: dict[str, Any], words: str) -> None:
    assert type_words(schema, SHOP["components"]["schemas"]) == words
