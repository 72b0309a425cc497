"""Nothing is forgotten: every operation through every door, every route under a rule.

What is expected of a caller is computed from `GRANTS` and the operation's scope, for every route of
the table, every role, every scope of a key, and for strangers.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from typing import Any

import click
import httpx
import pytest
import typer
from tests.support.open_room import OpenRoom

import botcore.control.schema
from botcore.api.openapi import document
from botcore.api.rest import Public, Route, Shown
from botcore.api.rest.routing import paths_of
from botcore.cli.application import build
from botcore.cli.areas import AREAS
from botcore.control.access import GRANTS, Role, Scope
from botcore.control.identity.api_keys import NOT_FOR_KEYS
from botcore.control.operations import Confirm, Idempotency, Operation, Request, answer_type
from botcore.control.schema import operations
from botcore.control.schema.jobs import Job

ALL = operations()
OPEN_TO_STRANGERS = {
    "auth.register": "nobody is known before; it takes a one-time link or an invitation",
    "auth.login": "it is how one gets known; slowed by account and address",
    "auth.mfa": "its challenge is the proof of the first factor",
    "auth.refresh": "the refresh token itself is the proof",
    "auth.logout": "the token it ends is the proof, and ending less than that harms nobody",
    "auth.take-link": "the link's token is the proof, and good once",
    "auth.keys": "public keys are public",
    "health.show": "a stranger learns one word",
}
"""Operations without a scope, each with the reason; any other one is a mistake."""
PUBLIC_PAGES = {"/livez", "/readyz", "/static/{name}", "/sign-in"}
SCOPED_KEYS = sorted(set(Scope) - NOT_FOR_KEYS)


def may(granted: frozenset[Scope], wanted: Scope | None) -> bool:
    """Who may trade real money may trade play money; nothing else follows from another scope."""
    if wanted is None or wanted in granted:
        return True
    return wanted is Scope.TRADE_PAPER and Scope.TRADE_LIVE in granted


# --- every operation through every door


def test_every_request_that_is_declared_is_an_operation() -> None:
    named = {each.request for each in ALL}

    declared = set()
    for module in pkgutil.iter_modules(botcore.control.schema.__path__):
        found = importlib.import_module(f"botcore.control.schema.{module.name}")
        for value in vars(found).values():
            if isinstance(value, type) and issubclass(value, Request) and _is_whole(value):
                declared.add(value)

    assert sorted(each.__name__ for each in declared - named) == []


def _is_whole(request: type[Request[Any]]) -> bool:
    try:
        answer_type(request)
    except TypeError:
        return False
    return request.__module__.startswith("botcore.control.schema.")


def test_every_operation_has_a_handler_and_every_handler_an_operation(room: OpenRoom) -> None:
    # `Control` refuses to be made otherwise; that it was made of all of them is what is left.
    assert set(room.room.control.operations) == {each.request for each in ALL}


def test_every_operation_is_a_route_in_the_table_and_in_the_openapi(room: OpenRoom) -> None:
    table = {
        (method, route.path): route.rule.name
        for route in room.table
        for method in route.methods
        if isinstance(route.rule, Operation)
    }
    described = {
        (method.upper(), path): item["operationId"].removesuffix(f"@{path}")
        for path, methods in document(ALL, version="1")["paths"].items()
        for method, item in methods.items()
    }

    assert table.keys() == described.keys()
    assert set(table) == {(each.method, path) for each in ALL for path in paths_of(each)}


def _verbs() -> dict[tuple[str, ...], click.Command]:
    """Return every verb of the command line by its words."""
    found: dict[tuple[str, ...], click.Command] = {}

    def walk(command: Any, words: tuple[str, ...]) -> None:
        for name, each in getattr(command, "commands", {}).items():
            walk(each, (*words, name))
        if not hasattr(command, "commands"):
            found[words] = command

    walk(typer.main.get_command(build()), ())
    return found


def test_every_operation_is_a_verb_or_says_why_not() -> None:
    verbs = _verbs()

    silent = [each.name for each in ALL if not each.command and not each.no_command.strip()]
    both = [each.name for each in ALL if each.command and each.no_command]
    missing = [
        each.name
        for each in ALL
        if each.command and (each.command[0], "-".join(each.command[1:])) not in verbs
    ]

    assert (silent, both, missing) == ([], [], [])


def test_no_two_operations_have_the_same_words() -> None:
    words = [each.command for each in ALL if each.command]

    assert sorted(" ".join(each) for each in words if words.count(each) > 1) == []


def test_no_verb_made_from_an_operation_hides_one_that_was_there() -> None:
    """A second command of the same name would silently take the first one's place."""
    before = {
        name
        for group in build([]).registered_groups
        if group.name in {each.command[0] for each in ALL if each.command}
        for name in (each.name for each in group.typer_instance.registered_commands)  # type: ignore[union-attr]  # a group has one
    }
    made = {"-".join(each.command[1:]) for each in ALL if each.command[:1] == ("data",)}

    assert sorted(name or "" for name in before & made) == []


def test_every_area_has_its_words_and_no_area_is_empty() -> None:
    used = {each.command[0] for each in ALL if each.command}
    own_groups = {"data"}  # has verbs of its own, and its help there

    assert sorted(used - AREAS.keys() - own_groups) == []
    assert sorted(AREAS.keys() - used) == []
    assert [word for word, text in AREAS.items() if not re.fullmatch(r"[A-Z].*\.", text)] == []


# --- what each declares fits together


def test_every_operation_has_a_scope_or_stands_in_the_short_list() -> None:
    assert {each.name for each in ALL if each.scope is None} == set(OPEN_TO_STRANGERS)
    assert all(OPEN_TO_STRANGERS.values())


def test_every_page_has_a_rule_and_the_public_ones_are_these(room: OpenRoom) -> None:
    rules = [(route.path, route.rule) for route in room.table]
    kinds = {type(rule) for _, rule in rules}

    assert kinds == {Operation, Public, Shown}, "and no route without a rule"
    assert {path for path, rule in rules if isinstance(rule, Public)} == PUBLIC_PAGES
    assert all(rule.reason for _, rule in rules if isinstance(rule, Public))


def test_questions_change_nothing_and_acts_do_not_hide_behind_get() -> None:
    assert [each.name for each in ALL if each.is_act and each.method == "GET"] == []
    assert [
        each.name for each in ALL if not each.is_act and each.confirm is not Confirm.NEVER
    ] == []
    assert [each.name for each in ALL if each.cache_s and each.is_act] == []


def test_what_lowers_risk_waits_for_no_second_factor() -> None:
    assert [each.name for each in ALL if each.lowers_risk and each.has_step_up] == []


# --- keys that make a repetition harmless


def wanted_key(operation: Operation) -> Idempotency | None:
    """The rule, once: what done twice could raise exposure, or cost twice, needs a key.

    What lowers risk never does: a key that is missing must not stand in the way of safety. None is
    anything that does not insist.
    """
    if not operation.is_act or operation.lowers_risk:
        return None
    if operation.answer is Job and operation.name not in ENDS_A_JOB:
        return Idempotency.REQUIRED
    if operation.name.startswith("orders."):
        return Idempotency.REQUIRED
    if operation.confirm is Confirm.IF_RAISING:
        return Idempotency.IF_RAISING
    if operation.scope is Scope.TRADE_PAPER and operation.confirm is Confirm.ALWAYS:
        return Idempotency.REQUIRED
    return None


ENDS_A_JOB = {"jobs.cancel"}
"""Answers with a job, and starts none."""


def test_what_may_raise_exposure_or_starts_a_job_needs_a_key_and_what_lowers_risk_does_not() -> (
    None
):
    insists = (Idempotency.REQUIRED, Idempotency.IF_RAISING)

    found = {each.name: each.idempotency if each.idempotency in insists else None for each in ALL}
    lowers = {each.name for each in ALL if each.lowers_risk}

    assert found == {each.name: wanted_key(each) for each in ALL}
    assert {name for name, key in found.items() if key} >= {
        "orders.place",
        "orders.amend",
        "backtests.start",
        "data.fetch",
        "strategies.start",
        "strategies.update",
        "strategies.undo",
        "risk.mode",
        "risk.lift",
    }
    assert lowers >= {
        "orders.cancel",
        "orders.cancel-all",
        "positions.flatten",
        "risk.kill-switch",
        "strategies.stop",
    }


# --- who may: every route, every caller


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRoom]:
    with OpenRoom(tmp_path_factory.mktemp("room")) as opened:
        yield opened


@pytest.fixture(scope="module")
def owner(room: OpenRoom) -> dict[str, Any]:
    return room.an_owner()


@pytest.fixture(scope="module")
def routes(room: OpenRoom) -> list[Route]:
    return [route for route in room.table if isinstance(route.rule, Operation)]


FREE = "may"
"""The door let the call in, and then said that there is no such field."""


def asked(client: httpx.Client, route: Route) -> str:
    """Ask in a way that changes nothing: with a field that no operation has; return the answer.

    Permission is judged before what was sent is read: who may is told of the field.
    """
    operation = route.rule
    assert isinstance(operation, Operation)
    path = re.sub(r"\{\w+\}", "x", route.path)
    if operation.method in ("GET", "DELETE") or operation.upload_max:
        answer = client.request(operation.method, path, params={"no_such_field": "1"})
    else:
        answer = client.request(operation.method, path, json={"no_such_field": "1"})
    told = answer.json()
    if answer.status_code == 422 and told["code"] == "FIELD_UNKNOWN":
        return FREE
    return f"{answer.status_code} {told.get('code', '')}"


def judged(client: httpx.Client, routes: list[Route], expected: dict[str, str]) -> None:
    """Ask at every route, and compare."""
    with client:
        found = {f"{route.rule.name} {route.path}": asked(client, route) for route in routes}  # type: ignore[union-attr]  # operations only

    assert {each: found[each] for each in found if found[each] != expected[each]} == {}


def expectation(
    routes: list[Route], granted: frozenset[Scope], *, has_factor: bool = True
) -> dict[str, str]:
    """Return what each route must answer to a caller with these scopes."""
    expected = {}
    for route in routes:
        operation = route.rule
        assert isinstance(operation, Operation)
        answer = FREE
        if operation.scope is not None and not granted:
            answer = "401 NOT_SIGNED_IN"
        elif not may(granted, operation.scope):
            answer = "403 NOT_ALLOWED"
        elif operation.has_step_up and not has_factor:
            answer = "403 STEP_UP_REQUIRED"
        expected[f"{operation.name} {route.path}"] = answer
    return expected


def test_a_stranger_comes_in_nowhere_but_where_the_list_says(
    room: OpenRoom, routes: list[Route]
) -> None:
    judged(room.client(), routes, expectation(routes, frozenset()))


@pytest.mark.parametrize(
    "authorization",
    [
        "Bearer bck_paper_aaaaaaaa_" + "a" * 43 + "_000000",
        "Bearer eyJ.eyJ.x",
        "Local no",
        "Basic x",
    ],
)
def test_a_bad_credential_is_never_taken_for_a_stranger(
    room: OpenRoom, routes: list[Route], authorization: str
) -> None:
    with room.client(authorization) as client:
        found = {f"{route.rule.name} {route.path}": asked(client, route)[:3] for route in routes}  # type: ignore[union-attr]  # operations only

    expected = expectation(routes, frozenset())
    assert found == {each: expected[each][:3] for each in found}


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_it_is_granted_and_nothing_else(
    room: OpenRoom, owner: dict[str, Any], routes: list[Route], role: Role
) -> None:
    session = owner if role is Role.OWNER else room.a_person(role, f"matrix-{role}")

    judged(
        room.client(f"Bearer {session['access_token']}"), routes, expectation(routes, GRANTS[role])
    )


@pytest.mark.parametrize("scope", SCOPED_KEYS)
def test_a_key_with_one_scope_may_only_that_and_never_steps_up(
    room: OpenRoom, owner: dict[str, Any], routes: list[Route], scope: Scope
) -> None:
    key = room.a_key(owner, [scope])

    judged(
        room.client(f"Bearer {key}"),
        routes,
        expectation(routes, frozenset({scope}), has_factor=False),
    )


def test_who_sits_at_the_machine_may_everything(room: OpenRoom, routes: list[Route]) -> None:
    judged(room.client(room.local), routes, expectation(routes, frozenset(Scope)))


def test_pages_are_shown_to_who_has_their_scope(room: OpenRoom, owner: dict[str, Any]) -> None:
    pages = [
        (route.path, route.rule.scope) for route in room.table if isinstance(route.rule, Shown)
    ]
    assert len(pages) >= 6

    for scope in SCOPED_KEYS:
        with room.client(f"Bearer {room.a_key(owner, [scope])}") as client:
            found = {path: client.get(path).status_code for path, _ in pages}
        wanted = {path: 200 if may(frozenset({scope}), rule) else 403 for path, rule in pages}
        assert found == wanted, scope
    with room.client() as stranger:
        assert {stranger.get(path).status_code for path, _ in pages} == {401}


def test_five_minutes_after_the_factor_what_needs_one_is_closed_again(
    tmp_path: Any,
) -> None:
    with OpenRoom(tmp_path) as room:
        session = room.an_owner()
        routes = [route for route in room.table if isinstance(route.rule, Operation)]

        room.clock.skip(301 * 10**9)

        judged(
            room.client(f"Bearer {session['access_token']}"),
            routes,
            expectation(routes, frozenset(Scope), has_factor=False),
        )
