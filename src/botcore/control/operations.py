"""Commands and queries: what one is, and the one declaration that every door reads.

A request is a value; its type says what it asks for and what it is answered with
(``class ListOrders(Query[Page[Order]])``). Its `Operation` says who may, how REST and the command
line reach it, and what it takes to carry it out. Modules of `control.schema` declare them; they
load nothing but msgspec, so that a client and ``botcore --help`` stay light.
"""

from enum import StrEnum
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

from botcore.control.access import Scope

A = TypeVar("A")


class Request(msgspec.Struct, Generic[A], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A question or an act; answered with an `A`."""


class Query(Request[A], Generic[A], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes nothing."""


class Act(Request[A], Generic[A], frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes something: it is audited, whatever comes of it."""


class Page(msgspec.Struct, Generic[A], frozen=True, kw_only=True):
    """Part of a list.

    Attributes:
        items: in the order that was asked for.
        next_cursor: opaque; asks for what follows. None at the end.
    """

    items: tuple[A, ...]
    next_cursor: str | None = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """An act was carried out, and there is nothing else to say than `detail`."""

    detail: str = ""


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A file that came with a request, in its field `upload`: the door makes it, nobody sends it.

    Attributes:
        path: where it lies while the request is carried out; a handler that keeps it moves it.
        size: bytes.
        sha256: of its bytes, 64 hex digits.
    """

    path: str
    size: int
    sha256: str


class Confirm(StrEnum):
    """Whether an act must be confirmed with a token bound to exactly this act."""

    NEVER = "never"
    IF_RAISING = "if raising"
    """If its effect, as the handler says, can raise exposure or destroy data."""
    ALWAYS = "always"


class Idempotency(StrEnum):
    """Whether a key that makes a repetition harmless must come with it."""

    ACCEPTED = "accepted"
    REQUIRED = "required"
    IF_RAISING = "if raising"
    """If its effect, as the handler says, can raise exposure: what lowers risk goes without one."""
    IGNORED = "ignored"
    """Each call is one of its own: its answer holds a secret, which is kept nowhere, or it must act
    whenever it is asked, such as the kill switch."""


class RouteClass(StrEnum):
    """Which budget a call is paid from."""

    READ = "read"
    MARKET = "market"
    ORDERS = "orders"
    """Orders and cancels: never throttled by load."""
    RESEARCH = "research"
    SIGN_IN = "sign-in"
    ACT = "act"


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One command or query as every door sees it.

    Attributes:
        name: ``area.verb``, stable.
        request: its type; the docstring's first line is the summary.
        method, path: in REST, under ``/api/v1``; ``{field}`` takes a field of the request, what is
            left of a GET or DELETE goes into the query, of others into the JSON body.
        aliases: further whole paths with the same method, handler and permission.
        scope: what it needs; None is open to strangers.
        command: words of the command line; empty with `no_command`.
        no_command: why the command line does not offer it.
        positional: fields that the command line takes by position.
        confirm, idempotency, has_step_up: what an act takes.
        lowers_risk: it is carried out even if the audit cannot be written.
        route_class: its budget.
        cost: how many plain calls of that budget one takes, from 1.
        cache_s: how long an answer may be kept; 0 is never.
        cache_settled_s: how long one that says `is_settled` may be kept; 0 is as any other.
        has_etag: answers carry an ETag.
        status: of a good answer.
        body_max: bytes of the JSON body.
        upload_max: bytes of a file; above zero, the body is that file, as it is, in the request's
            field ``upload: Upload``, and the other fields come from path and query.
        problems: codes of what may go wrong beside what every route may say.
        examples: requests that show it, first the simplest.
    """

    name: str
    request: type[Request[Any]]
    method: str
    path: str
    scope: Scope | None
    aliases: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    no_command: str = ""
    positional: tuple[str, ...] = ()
    confirm: Confirm = Confirm.NEVER
    idempotency: Idempotency = Idempotency.ACCEPTED
    has_step_up: bool = False
    lowers_risk: bool = False
    route_class: RouteClass = RouteClass.READ
    cost: int = 1
    cache_s: int = 0
    cache_settled_s: int = 0
    has_etag: bool = False
    status: int = 200
    body_max: int = 64 * 1024
    upload_max: int = 0
    problems: tuple[str, ...] = ()
    examples: tuple[Request[Any], ...] = ()

    @property
    def is_act(self) -> bool:
        """Whether it changes something."""
        return issubclass(self.request, Act)

    @property
    def answer(self) -> Any:  # noqa: ANN401  # a type, or a parametrised one, which has no type
        """The type of the answer."""
        return answer_type(self.request)

    @property
    def summary(self) -> str:
        """One sentence: what it does."""
        return (self.request.__doc__ or "").strip().splitlines()[0]


def answer_type(request: type[Request[Any]]) -> Any:  # noqa: ANN401  # as `Operation.answer`
    """Return what a request of this type is answered with.

    Raises:
        TypeError: its class does not say.
    """
    for base in getattr(request, "__orig_bases__", ()):
        if get_origin(base) in (Query, Act, Request):
            return get_args(base)[0]
    raise TypeError(f"{request.__name__} does not say what it is answered with")
