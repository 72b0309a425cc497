"""Figures of what is asked and who asks: counted around control and around sign-in."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, Protocol

from botcore.control.access import Actor, ActorKind
from botcore.control.dispatch import Told
from botcore.control.operations import Operation, Request
from botcore.control.problems import Forbidden, Problem, Unauthenticated
from botcore.domain.errors import BotError
from botcore.observability import catalogue as c
from botcore.observability.sheet import Sheet

FACTORS: Final[Mapping[str, str]] = {
    "auth.login": "password",
    "auth.mfa": "code",
    "auth.take-link": "link",
    "auth.refresh": "refresh",
    "auth.step-up": "step-up",
    "auth.register": "invitation",
}
"""Operations by which somebody comes in, or shows a factor again → what is shown."""
_DONE, _REFUSED, _FAILED = "done", "refused", "failed"
_REUSED: Final = "REFRESH_REUSED"
_SLOWED: Final = "SIGN_IN_SLOWED"
_ASKED_FOR: Final = frozenset({"CONFIRMATION_REQUIRED"})
"""Refusals that are part of the way: the same act comes again."""


class Controlling(Protocol):
    """Carries operations out; `control.dispatch.Control` does."""

    @property
    def operations(self) -> Mapping[type[Request[Any]], Operation]:
        """Return every operation by the type of its request."""
        ...

    async def permit(self, actor: Actor, kind: type[Request[Any]], *, correlation: str) -> None:
        """Refuse who may not ask this at all."""
        ...

    async def tell(
        self,
        actor: Actor,
        request: Request[Any],
        *,
        correlation: str,
        confirmation: str = "",
        idempotency_key: str = "",
    ) -> Told:
        """Carry out a request."""
        ...


class Authenticating(Protocol):
    """Says who calls."""

    async def __call__(self, headers: Mapping[str, str], address: str) -> Actor:
        """Return who calls; raises `Unauthenticated`."""
        ...


class CallFigures:
    """Counts what came of calls."""

    def __init__(self) -> None:
        self._operations: Counter[tuple[str, str]] = Counter()
        self._attempts: Counter[tuple[str, str]] = Counter(
            {(result, factor): 0 for factor in FACTORS.values() for result in (_DONE, _REFUSED)}
        )
        self._denied: Counter[str] = Counter()
        self._keys: Counter[tuple[str, str]] = Counter()
        self._slowed = 0
        self._reused = 0

    def __call__(self, sheet: Sheet) -> None:
        """Write the figures down."""
        for labels, count in self._operations.items():
            sheet.add(c.OPERATIONS, count, *labels)
        for labels, count in self._attempts.items():
            sheet.add(c.AUTH_ATTEMPTS, count, *labels)
        for operation, count in self._denied.items():
            sheet.add(c.DENIED, count, operation)
        for labels, count in self._keys.items():
            sheet.add(c.KEY_USES, count, *labels)
        sheet.add(c.LOCKOUTS, self._slowed)
        sheet.add(c.TOKEN_REUSE, self._reused)

    def came_in(self, factor: str, *, is_good: bool) -> None:
        """Count a token or key that was shown with a call."""
        self._attempts[_DONE if is_good else _REFUSED, factor] += 1

    def answered(self, operation: Operation, actor: Actor, error: Exception | None) -> None:
        """Count a call to control; `error` is why it was not carried out."""
        result = _result_of(error)
        code = error.code if isinstance(error, BotError) else ""
        self._operations[operation.name, result] += 1
        factor = FACTORS.get(operation.name)
        if factor is not None and result != _FAILED:
            self._attempts[result, factor] += 1
        if actor.kind is ActorKind.KEY:
            self._keys[operation.scope or "none", result] += 1
        if isinstance(error, Forbidden) and actor.kind is not ActorKind.STRANGER:
            self._denied[operation.name] += 1
        self._slowed += code == _SLOWED
        self._reused += code == _REUSED


class WatchedControl:
    """Control, and each call counted. Stands between the door and `Control`.

    Args:
        control: carries out.
        figures: counts.
    """

    def __init__(self, control: Controlling, figures: CallFigures) -> None:
        self._control = control
        self._figures = figures

    @property
    def operations(self) -> Mapping[type[Request[Any]], Operation]:
        """Return every operation by the type of its request."""
        return self._control.operations

    async def permit(self, actor: Actor, kind: type[Request[Any]], *, correlation: str) -> None:
        """Refuse who may not ask this at all; raises as `Control.permit`."""
        try:
            await self._control.permit(actor, kind, correlation=correlation)
        except BotError as error:
            self._figures.answered(self._control.operations[kind], actor, error)
            raise

    async def tell(
        self,
        actor: Actor,
        request: Request[Any],
        *,
        correlation: str,
        confirmation: str = "",
        idempotency_key: str = "",
    ) -> Told:
        """Carry out a request; raises as `Control.tell`."""
        operation = self._control.operations[type(request)]
        try:
            told = await self._control.tell(
                actor,
                request,
                correlation=correlation,
                confirmation=confirmation,
                idempotency_key=idempotency_key,
            )
        except BotError as error:
            if error.code not in _ASKED_FOR:
                self._figures.answered(operation, actor, error)
            raise
        self._figures.answered(operation, actor, None)
        return told


class WatchedAuthenticator:
    """Says who calls, and counts tokens and keys that were refused.

    Args:
        inner: says it.
        figures: counts.
    """

    def __init__(self, inner: Authenticating, figures: CallFigures) -> None:
        self._inner = inner
        self._figures = figures

    async def __call__(self, headers: Mapping[str, str], address: str) -> Actor:
        """Return who calls.

        Raises:
            Unauthenticated: as the inner one says.
        """
        shown = headers.get("authorization", "")
        try:
            actor = await self._inner(headers, address)
        except Unauthenticated:
            self._figures.came_in(_factor_of(shown), is_good=False)
            raise
        if shown:
            self._figures.came_in(_factor_of(shown), is_good=True)
        return actor


def _factor_of(authorization: str) -> str:
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() == "local":
        return "local"
    return "key" if credential.lstrip().startswith("bck_") else "token"


def _result_of(error: Exception | None) -> str:
    if error is None:
        return _DONE
    return _REFUSED if isinstance(error, Problem) and error.status < _OURS else _FAILED


_OURS: Final = 500
