"""The one way in: a request, who asks, and the answer; every door goes through `Control.send`.

In this order: permission, step-up, a repetition known by its key, confirmation, the act itself,
the audit. An act is written down before it is carried out and once more with its result, so that
nothing happens of which there is no trace; what lowers risk is carried out even so, and does not
wait for a slow store.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeVar, assert_never, cast

import msgspec

from botcore.control.access import Actor
from botcore.control.confirming import Confirmations
from botcore.control.encoding import to_json
from botcore.control.fingerprints import fingerprint, reference, within_session
from botcore.control.handling import Context, Effect, Handling
from botcore.control.noting import Noted
from botcore.control.operations import Confirm, Idempotency, Operation, Request
from botcore.control.ports import AuditEntry, AuditTrail, Beginning, Repetitions
from botcore.control.problems import (
    ConfirmationRequired,
    Conflict,
    Forbidden,
    Malformed,
    Problem,
    Refused,
    Unauthenticated,
    Unavailable,
)
from botcore.control.step_up import must_step_up
from botcore.control.store_writing import Patience, StoreWriting
from botcore.domain.errors import BotError, ConfigError, InvariantBroken, StorageError
from botcore.kernel.clock import Clock

A = TypeVar("A")
_PATIENCE_S: Final = 0.5
"""How long what lowers risk waits for the store, before the act and after it, and whoever is
refused already; then it goes on without."""
STORE_S: Final = 8.0
"""How long everything else waits for the store before the act; then it is refused."""
_ASKED, _DONE, _REFUSED, _FAILED = "asked", "done", "refused", "failed"
_is_coroutine_function: Final = lru_cache(maxsize=1_024)(inspect.iscoroutinefunction)


class Told(NamedTuple):
    """An answer, and how it came about.

    Attributes:
        answer: of the type that the request names.
        encoded: the same as JSON.
        was_known: it is the answer to an earlier call with the same key.
    """

    answer: Any
    encoded: bytes
    was_known: bool = False


class Control:
    """Carries out operations.

    Args:
        operations: all that can be asked and done.
        handlers: request type → how; one for every operation.
        audit: where acts and refusals are written down.
        repetitions: remembers answers by idempotency key.
        clock: dates confirmations and steps-up.
        store_s: how long an act waits for the store, seconds, where it does not lower risk.

    Raises:
        TypeError: an operation has no handler, or a handler no operation: a bug.
    """

    def __init__(
        self,
        operations: Iterable[Operation],
        handlers: Mapping[type[Request[Any]], Handling],
        *,
        audit: AuditTrail,
        repetitions: Repetitions,
        clock: Clock,
        store_s: float = STORE_S,
    ) -> None:
        self.operations = {operation.request: operation for operation in operations}
        if self.operations.keys() != handlers.keys():
            odd = self.operations.keys() ^ handlers.keys()
            names = ", ".join(sorted(request.__name__ for request in odd))
            raise TypeError(f"without operation or without handler: {names}")
        self._handlers = handlers
        self._audit = audit
        self._repetitions = repetitions
        self._clock = clock
        self._store_s = store_s
        self._confirmations = Confirmations(clock)
        self._writing = StoreWriting()

    async def send(
        self,
        actor: Actor,
        request: Request[A],
        *,
        correlation: str,
        confirmation: str = "",
        idempotency_key: str = "",
    ) -> A:
        """Carry out a request and return its answer.

        Args:
            actor: who asks, as the door has checked.
            request: what is asked.
            correlation: id of this call.
            confirmation: token that an earlier refusal gave for exactly this request.
            idempotency_key: makes a repetition harmless.

        Raises:
            Problem: it was refused, and nothing was changed.
            BotError: it failed.
        """
        told = await self.tell(
            actor,
            request,
            correlation=correlation,
            confirmation=confirmation,
            idempotency_key=idempotency_key,
        )
        return cast(A, told.answer)

    async def tell(
        self,
        actor: Actor,
        request: Request[Any],
        *,
        correlation: str,
        confirmation: str = "",
        idempotency_key: str = "",
    ) -> Told:
        """As `send`, with the answer also as JSON."""
        operation = self.operations[type(request)]
        handling = self._handlers[type(request)]
        call = _Call(operation, handling, actor, request, correlation, Noted())
        try:
            self._permit(operation, actor)
        except BotError as error:
            await self._note(call, _REFUSED, error)
            raise
        if not operation.is_act:
            return await self._ask(call)
        return await self._act(call, confirmation, idempotency_key)

    async def permit(self, actor: Actor, kind: type[Request[Any]], *, correlation: str) -> None:
        """Refuse who may not ask this at all, before what was sent is read; it is written down.

        Raises:
            Problem: nobody is signed in, a scope is missing, or a factor was not shown lately.
        """
        operation = self.operations[kind]
        try:
            self._permit(operation, actor)
        except BotError as error:
            unread = _Call(operation, self._handlers[kind], actor, None, correlation, Noted())
            await self._note(unread, _REFUSED, error)
            raise

    def _permit(self, operation: Operation, actor: Actor) -> None:
        if operation.scope is None:
            return
        if not actor.scopes:
            raise Unauthenticated(
                code="NOT_SIGNED_IN",
                cause=f"{operation.name} needs a session or a key",
                fix="sign in, or send an API key with `Authorization: Bearer bck_…`",
            )
        if not actor.may(operation.scope):
            raise Forbidden(
                code="NOT_ALLOWED",
                cause=f"{operation.name} needs the scope {operation.scope}",
                fix="ask the owner of this server for a role or a key that has it",
                details={"scope": operation.scope},
            )
        if operation.has_step_up:
            must_step_up(actor, self._clock, operation.name)

    async def _ask(self, call: "_Call") -> Told:
        answer = await call.carry_out(reference(call.actor, ""))
        return Told(answer, to_json(answer))

    async def _act(self, call: "_Call", confirmation: str, key: str) -> Told:
        operation = call.operation
        if operation.idempotency is Idempotency.IGNORED or not call.actor.scopes:
            key = ""  # and all strangers would share one room of keys
        digest = fingerprint(call.actor, operation, call.request)
        patience = self._patience(call)
        if key:
            known = await self._begin(call, key, digest, patience)
            if known is not None:
                return known
        is_begun = False
        try:
            if not key and await _needs_key(call):
                raise Malformed(
                    code="IDEMPOTENCY_KEY_MISSING",
                    cause=f"{operation.name} needs the header Idempotency-Key",
                    fix="send a new random key (a UUID), and the same one when you try again",
                )
            if not await self._is_confirmed(call, digest, confirmation):
                raise await self._must_confirm(call, digest)
            await self._write_down(call, patience)
            is_begun = True
            answer = await call.carry_out(reference(call.actor, key))
            encoded = to_json(answer)
        except BaseException as error:
            result = _result_of(error)
            if key and is_begun and result != _REFUSED:
                self._repetitions.leave(call.actor.name, key)  # it may have been done
            elif key:
                await self._forget(call, key)
            await self._note(call, result, _said(error))
            raise
        await self._finish(call, key, encoded)
        return Told(answer, encoded)

    async def _begin(self, call: "_Call", key: str, digest: str, patience: Patience) -> Told | None:
        beginning = self._repetitions.begin(call.actor.name, key, digest)
        try:
            known = await self._writing.before(
                beginning, patience, goes_on=call.operation.lowers_risk
            )
        except StorageError as error:
            if call.operation.lowers_risk:
                return None
            await self._note(call, _FAILED, error)
            raise
        match known:
            case Beginning.NEW:
                return None
            case Beginning.RUNNING:
                problem: BotError = Conflict(
                    code="STILL_RUNNING",
                    cause="the first request with this Idempotency-Key is still being carried out",
                    fix="wait, then ask again with the same key for its answer",
                )
            case Beginning.OTHER:
                problem = Refused(
                    code="IDEMPOTENCY_KEY_REUSED",
                    cause="this Idempotency-Key was used for another request",
                    fix="use a new key for a new request",
                )
            case Beginning.UNFINISHED:
                if call.operation.lowers_risk:
                    return None
                problem = Conflict(
                    code="ACT_UNFINISHED",
                    cause="this Idempotency-Key came some time ago, and what came of its act is not"
                    " known",
                    fix="look whether it was done; use a new key for a new act",
                )
            case bytes():
                answer = msgspec.json.decode(known, type=call.operation.answer)
                return Told(answer, known, was_known=True)
        await self._note(call, _REFUSED, problem)
        raise problem

    async def _is_confirmed(self, call: "_Call", digest: str, token: str) -> bool:
        wanted = call.operation.confirm
        if wanted is Confirm.NEVER or call.actor.is_unattended:
            return True
        if token:
            self._confirmations.take(token, await self._bound(call, digest))
            return True
        if wanted is Confirm.IF_RAISING:
            return not (await call.effect()).is_raising
        return False

    async def _bound(self, call: "_Call", digest: str) -> str:
        """Return what a confirmation is bound to."""
        return within_session(call.actor, digest, await call.rests_on())

    async def _must_confirm(self, call: "_Call", digest: str) -> ConfirmationRequired:
        bound = await self._bound(call, digest)  # first: what changes meanwhile voids the token
        effect = await call.effect()
        token, until = self._confirmations.give(bound)
        return ConfirmationRequired(
            code="CONFIRMATION_REQUIRED",
            cause=effect.words,
            fix="send the same request again with the header Confirmation-Token",
            details={
                "effect": effect.words,
                "confirmation_token": token,
                "expires_at": until.isoformat().replace("+00:00", "Z"),
            },
        )

    # The audit. Before an act nothing is lost by refusing it; after it, nothing is gained.

    async def _write_down(self, call: "_Call", patience: Patience) -> None:
        try:
            asked = self._audit.append(call.entry(_ASKED))
            await self._writing.before(asked, patience, goes_on=call.operation.lowers_risk)
        except StorageError as error:
            if call.operation.lowers_risk:
                return
            raise Unavailable(
                code="AUDIT_UNAVAILABLE",
                cause=f"the act cannot be written down, so it was not carried out: {error.cause}",
                fix="see `./bot doctor`; stopping, cancelling and pausing still work",
            ) from error

    async def _finish(self, call: "_Call", key: str, encoded: bytes) -> None:
        """Keep the answer; it is given, however long that takes, since the act was done."""
        await self._writing.behind(self._kept(call, key, encoded), self._patience(call).left_s())

    async def _kept(self, call: "_Call", key: str, encoded: bytes) -> None:
        entry = call.entry(_DONE)
        try:
            if key:
                await self._repetitions.finish(call.actor.name, key, encoded, entry)
            else:
                await self._audit.append(entry)
        except StorageError as error:
            self._audit.lost(entry, error)  # it was done: saying otherwise would be worse

    def _patience(self, call: "_Call") -> Patience:
        return Patience(self._clock, _PATIENCE_S if call.operation.lowers_risk else self._store_s)

    async def _forget(self, call: "_Call", key: str) -> None:
        await self._writing.behind(self._forgotten(call, key), _PATIENCE_S)

    async def _forgotten(self, call: "_Call", key: str) -> None:
        try:
            await self._repetitions.forget(call.actor.name, key)
        except StorageError as error:
            self._audit.lost(call.entry(_FAILED), error)

    async def _note(self, call: "_Call", result: str, error: BotError) -> None:
        is_away = isinstance(error, StorageError | Unavailable) or call.operation.lowers_risk
        entry = call.entry(result, error)
        await self._writing.behind(self._noted(entry), _PATIENCE_S if is_away else self._store_s)

    async def _noted(self, entry: AuditEntry) -> None:
        try:
            await self._audit.append(entry)
        except StorageError as lost:
            self._audit.lost(entry, lost)


class _Call(NamedTuple):
    """One call on its way; its request is None while it is unread."""

    operation: Operation
    handling: Handling
    actor: Actor
    request: Any
    correlation: str
    noted: Noted

    async def carry_out(self, reference: str) -> Any:  # noqa: ANN401  # of the operation's type
        context = Context(self.actor, self.correlation, reference, self.noted)
        return await _run(self.handling.carry_out, context, self.request)

    async def rests_on(self) -> str:
        if self.handling.rests_on is None:
            return ""
        context = Context(self.actor, self.correlation, "", Noted())
        found: str = await _run(self.handling.rests_on, context, self.request)
        return found

    async def effect(self) -> Effect:
        if self.handling.effect is None:
            return Effect(self.operation.summary)
        context = Context(self.actor, self.correlation, "", Noted())
        found: Effect = await _run(self.handling.effect, context, self.request)
        return found

    def entry(self, result: str, error: BotError | None = None) -> AuditEntry:
        shown = {} if self.request is None else msgspec.to_builtins(self.request)
        hidden = self.handling.redact
        changed = "" if result == _REFUSED else self.noted.words  # then it was only to be changed
        return AuditEntry(
            actor=self.actor.name,
            user=self.actor.user,
            session=self.actor.session,
            address=self.actor.address,
            action=self.operation.name,
            request={name: "…" if name in hidden else value for name, value in shown.items()},
            result=result,
            code="" if error is None else error.code,
            detail=" – ".join(filter(None, ("" if error is None else error.cause, changed))),
            correlation=self.correlation,
        )


async def _needs_key(call: _Call) -> bool:
    """Whether an act may not come without a key: done twice, it could raise exposure twice."""
    match call.operation.idempotency:
        case Idempotency.REQUIRED:
            return True
        case Idempotency.IF_RAISING:
            return (await call.effect()).is_raising
        case Idempotency.ACCEPTED | Idempotency.IGNORED:
            return False
        case _:
            assert_never(call.operation.idempotency)


async def _run(function: Callable[..., Any], *args: object) -> Any:  # noqa: ANN401  # of the handler
    if _is_coroutine_function(function):
        return await cast(Awaitable[Any], function(*args))
    return await asyncio.to_thread(function, *args)


def _result_of(error: BaseException) -> str:
    """Return how an act ended: refused, where it is certain that nothing was changed."""
    is_certain = isinstance(error, Problem | ConfigError) and not isinstance(error, Unavailable)
    return _REFUSED if is_certain else _FAILED


def _said(error: BaseException) -> BotError:
    """Return what the audit says of an error; of a bug the log has the rest."""
    if isinstance(error, BotError):
        return error
    return InvariantBroken(
        code="INTERNAL",
        cause=f"it ended with {type(error).__name__}: what was done of it is not known",
        fix="look for the correlation in the log",
    )
