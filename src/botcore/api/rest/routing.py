"""Which address leads where: one table for every route, each with the rule by which it answers.

A path is found by its parts, as they came over the wire, whatever the number of routes: a part
that was percent-encoded is one part, so that `BTC%2FUSDT` names an instrument and no deeper path.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from botcore.api.rest.exchange import Exchange, send_answer, unquoted
from botcore.api.rest.problems import problem_answer
from botcore.api.rest.refusals import MethodNotAllowed, Unreadable
from botcore.control.access import Scope as Permission
from botcore.control.operations import Operation
from botcore.control.problems import NotFound, Problem

PREFIX: Final = "/api/v1"
_NUL: Final = "\0"
_PLACES_KEPT: Final = 1_024
"""Paths whose routes are remembered as they were found: the same ones are asked again and again."""
_KEPT_BYTES: Final = 256
"""Longer paths are looked for each time."""


class Public(NamedTuple):
    """Open to strangers, and why that does no harm."""

    reason: str


class Shown(NamedTuple):
    """A page that is only read: the scope it takes; None is open to all who are signed in."""

    scope: Permission | None


Rule = Operation | Public | Shown
"""Every route has one: who may."""


class Route(NamedTuple):
    """One address.

    Attributes:
        methods: that it answers; HEAD comes with GET.
        path: a whole one; ``{name}`` stands for one part.
        app: answers; finds the parts by name in ``scope["path_params"]``.
    """

    methods: tuple[str, ...]
    path: str
    app: ASGIApp
    rule: Rule


def paths_of(operation: Operation) -> tuple[str, ...]:
    """Return every whole path of an operation, the canonical one first."""
    return (f"{PREFIX}/{operation.path.strip('/')}", *operation.aliases)


class RouteTable:
    """ASGI application: hands a call on to its route.

    Args:
        routes: all of them.

    Raises:
        TypeError: two routes share an address and a method, or name one part differently: a bug.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._plain: dict[str, dict[str, Route]] = {}
        self._root = _Node()
        self._place = lru_cache(maxsize=_PLACES_KEPT)(self._place_of)
        for route in self.routes:
            for method in (*route.methods, *(("HEAD",) if "GET" in route.methods else ())):
                if self._methods_at(route.path).setdefault(method, route) is not route:
                    raise TypeError(f"two routes answer {method} {route.path}")

    def __iter__(self) -> Iterator[Route]:
        """Return every route."""
        return iter(self.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, or say that there is no such address."""
        try:
            route, fields = self._found(scope)
        except Problem as error:
            await send_answer(send, problem_answer(error, Exchange(scope).correlation))
            return
        scope["route"] = route  # what the metrics count under
        if fields:
            scope["path_params"] = fields
        await route.app(scope, receive, send)

    def _found(self, scope: Scope) -> tuple[Route, dict[str, str]]:
        raw: bytes = scope["raw_path"]
        find = self._place if len(raw) <= _KEPT_BYTES else self._place_of
        methods, fields = find(raw)
        route = methods.get(scope["method"])
        if route is None:
            raise _not_allowed(scope["method"], methods)
        return route, dict(fields)

    def _place_of(self, raw_path: bytes) -> "tuple[dict[str, Route], tuple[tuple[str, str], ...]]":
        """Return the routes at a path by method, and its fields with their names.

        Raises:
            Problem: there are none, or a field cannot be read.
        """
        path = raw_path.decode("latin-1")
        methods = self._plain.get(path)
        if methods is not None:
            return methods, ()
        names: list[str] = []
        node = self._root.find(path.split("/")[1:], 0, names)
        if node is None:
            raise NotFound(
                code="NO_SUCH_ADDRESS",
                cause="there is nothing at this address",
                fix="see /api/v1/docs for every address",
            )
        return node.methods, tuple(zip(node.fields, map(_field, names), strict=True))

    def _methods_at(self, path: str) -> dict[str, Route]:
        if "{" not in path:
            return self._plain.setdefault(path, {})
        node = self._root
        fields = []
        for part in path.split("/")[1:]:
            if part.startswith("{"):
                fields.append(part.strip("{}"))
                node.any = node.any or _Node()
                node = node.any
            else:
                node = node.named.setdefault(part, _Node())
        if node.methods and node.fields != fields:
            raise TypeError(f"{path} names its parts as another route does not")
        node.fields = fields
        return node.methods


class _Node:
    """One part of the paths with fields."""

    def __init__(self) -> None:
        self.named: dict[str, _Node] = {}
        self.any: _Node | None = None
        self.methods: dict[str, Route] = {}
        self.fields: list[str] = []

    def find(self, parts: list[str], at: int, names: list[str]) -> "_Node | None":
        """Return the node of `parts[at:]`, what stands for fields in `names`; a name goes first."""
        if at == len(parts):
            return self if self.methods else None
        named = self.named.get(parts[at])
        if named is not None:
            found = named.find(parts, at + 1, names)
            if found is not None:
                return found
        if self.any is None or not parts[at]:
            return None
        names.append(parts[at])
        found = self.any.find(parts, at + 1, names)
        if found is None:
            names.pop()
        return found


def _field(part: str) -> str:
    text = unquoted(part)
    if _NUL in text:
        raise Unreadable(
            code="PATH_MALFORMED",
            cause="the path holds a character that no name has",
            fix="leave it out",
        )
    return text


def _not_allowed(method: str, methods: dict[str, Route]) -> MethodNotAllowed:
    allowed = sorted(methods)
    error = MethodNotAllowed(
        code="METHOD_NOT_ALLOWED",
        cause=f"this address is not asked with {method[:16]!r}",
        fix=f"use {' or '.join(allowed)}",
        details={"allowed": allowed},
    )
    error.allowed = allowed
    return error
