import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from tests.support.control_fakes import (
    Buy,
    Count,
    MemoryAudit,
    MemoryRepetitions,
    Ping,
    Promote,
    Shop,
    Stop,
    operations,
)
from tests.support.fast_clock import FastClock

from botcore.control.access import GRANTS, STRANGER, Actor, ActorKind, Role
from botcore.control.dispatch import Control, Told
from botcore.control.fingerprints import fingerprint
from botcore.control.operations import Idempotency, Request
from botcore.control.problems import (
    ConfirmationRequired,
    Conflict,
    Forbidden,
    Malformed,
    Refused,
    StepUpRequired,
    Unauthenticated,
    Unavailable,
)
from botcore.domain.errors import BotError, ConfigError, OutcomeUnknown, StorageError

NOW = 1_800_000_000
Change = Callable[["Desk"], tuple[Buy, Actor, str]]


class Desk:
    def __init__(
        self, *, store_s: float = 60.0, buying: Idempotency = Idempotency.REQUIRED
    ) -> None:
        self.clock = FastClock(NOW * 10**9)
        self.audit = MemoryAudit()
        self.repetitions = MemoryRepetitions(self.audit)
        self.shop = Shop()
        self.control = Control(
            [
                msgspec.structs.replace(each, idempotency=buying) if each.request is Buy else each
                for each in operations()
            ],
            self.shop.handlers(),
            audit=self.audit,
            repetitions=self.repetitions,
            clock=self.clock,
            store_s=store_s,
        )

    def tell(
        self,
        request: Request[Any],
        actor: Actor | None = None,
        *,
        key: str = "",
        confirmation: str = "",
    ) -> Told:
        return asyncio.run(
            self.control.tell(
                actor or person(),
                request,
                correlation="c-1",
                confirmation=confirmation,
                idempotency_key=key,
            )
        )


def person(role: Role = Role.TRADER, **changes: Any) -> Actor:
    actor = Actor(
        kind=ActorKind.PERSON,
        name="person:alice",
        user="u1",
        role=role,
        scopes=GRANTS[role],
        session="s1",
        auth_time=NOW,
    )
    return msgspec.structs.replace(actor, **changes)


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_stranger_is_answered_only_what_is_public(desk: Desk) -> None:
    assert desk.tell(Ping(), STRANGER).answer.detail == "there"

    with pytest.raises(Unauthenticated):
        desk.tell(Count(), STRANGER)


def test_what_the_role_does_not_grant_is_refused_and_written_down(desk: Desk) -> None:
    with pytest.raises(Forbidden) as refused:
        desk.tell(Buy(amount=1), person(Role.VIEWER), key="k")

    assert refused.value.details == {"scope": "trade:paper"}
    assert desk.shop.bought == []
    assert desk.audit.results("shop.buy") == ["refused"]


def test_a_refused_question_is_written_down_and_an_answered_one_is_not(desk: Desk) -> None:
    desk.tell(Count())
    with pytest.raises(Unauthenticated):
        desk.tell(Count(), STRANGER)

    assert desk.audit.results("shop.count") == ["refused"]


def test_an_act_is_written_down_before_and_after(desk: Desk) -> None:
    desk.tell(Stop())

    assert desk.audit.results("shop.stop") == ["asked", "done"]


@pytest.mark.parametrize("held", ["repetitions", "audit"])
def test_what_raises_risk_is_refused_soon_where_the_store_does_not_answer_and_may_come_again(
    held: str,
) -> None:
    desk = Desk(store_s=0.05)
    hanging = desk.repetitions if held == "repetitions" else desk.audit

    def ask() -> Coroutine[Any, Any, Told]:
        return desk.control.tell(
            person(), Buy(amount=1), correlation="c-1", idempotency_key="k", confirmation=""
        )

    async def story() -> None:
        hanging.gate = asyncio.Event()
        with pytest.raises(BotError) as refused:
            await asyncio.wait_for(ask(), 10)
        assert refused.value.code in {"STORE_SLOW", "AUDIT_UNAVAILABLE"}
        assert "did not answer within" in refused.value.cause
        assert desk.shop.bought == []
        assert held == "repetitions" or desk.repetitions.known == {}
        hanging.gate.set()
        while desk.control._writing._late:
            await asyncio.wait(desk.control._writing._late)
        assert (await ask()).answer.detail
        assert desk.shop.bought == [1]

    asyncio.run(story())


def test_secrets_of_a_request_are_struck_out_of_the_audit(desk: Desk) -> None:
    desk.tell(Buy(amount=1, secret="hunter2"), key="k")

    assert all(entry.request["secret"] == "…" for entry in desk.audit.entries)


def test_an_act_that_cannot_be_written_down_is_not_carried_out(desk: Desk) -> None:
    desk.audit.is_gone = True

    with pytest.raises(Unavailable) as refused:
        desk.tell(Buy(amount=1), key="k")

    assert refused.value.code == "AUDIT_UNAVAILABLE"
    assert desk.shop.bought == []


def test_what_lowers_risk_is_carried_out_even_when_nothing_can_be_written_down(desk: Desk) -> None:
    desk.audit.is_gone = desk.repetitions.is_gone = True

    assert desk.tell(Stop(), key="k").answer.detail == "stopped"

    assert [entry.result for entry in desk.audit.missed] == ["done"]


def test_an_act_whose_key_cannot_be_looked_up_is_written_down_later(desk: Desk) -> None:
    desk.audit.is_gone = desk.repetitions.is_gone = True

    with pytest.raises(StorageError):
        desk.tell(Buy(amount=1), key="k")

    assert desk.shop.bought == []
    assert [(entry.result, entry.code) for entry in desk.audit.missed] == [("failed", "DISK_FULL")]


@pytest.mark.parametrize("key", ["", "k"])
@pytest.mark.parametrize("is_gone", [False, True])
def test_what_lowers_risk_waits_for_no_slow_store_and_is_written_down_later(
    desk: Desk, key: str, is_gone: bool
) -> None:
    async def story() -> None:
        desk.audit.gate = asyncio.Event()
        asking = desk.control.tell(person(), Stop(), correlation="c-1", idempotency_key=key)
        told = await asyncio.wait_for(asking, 5)
        assert (told.answer.detail, desk.shop.stopped) == ("stopped", 1)
        assert desk.audit.entries == []
        desk.audit.is_gone = is_gone
        desk.audit.gate.set()
        while desk.control._writing._late:
            await asyncio.wait(desk.control._writing._late)

    asyncio.run(story())

    assert desk.audit.results("shop.stop") == ([] if is_gone else ["asked", "done"])
    assert [entry.result for entry in desk.audit.missed] == (["done"] if is_gone else [])


def test_an_order_without_its_key_is_refused(desk: Desk) -> None:
    with pytest.raises(Malformed) as refused:
        desk.tell(Buy(amount=1))

    assert refused.value.code == "IDEMPOTENCY_KEY_MISSING"
    assert desk.shop.bought == []


def test_what_may_raise_exposure_needs_its_key_where_it_does_and_only_there() -> None:
    desk = Desk(buying=Idempotency.IF_RAISING)
    unattended = person(kind=ActorKind.KEY, name="key:1", is_unattended=True)

    desk.tell(Buy(amount=10))
    for actor in (person(), unattended):
        with pytest.raises(Malformed) as refused:
            desk.tell(Buy(amount=11), actor)
        assert refused.value.code == "IDEMPOTENCY_KEY_MISSING"
    desk.tell(Buy(amount=12), unattended, key="k")

    assert desk.shop.bought == [10, 12]
    assert desk.audit.results("shop.buy").count("refused") == 2


def test_a_confirmation_does_not_stand_in_for_the_key() -> None:
    desk = Desk(buying=Idempotency.IF_RAISING)
    with pytest.raises(ConfirmationRequired) as asked:
        desk.tell(Buy(amount=11), key="k")
    token = str(asked.value.details["confirmation_token"])

    with pytest.raises(Malformed):
        desk.tell(Buy(amount=11), confirmation=token)

    assert desk.tell(Buy(amount=11), key="k", confirmation=token).answer.detail == "bought 11"
    assert desk.shop.bought == [11]


def test_the_same_key_and_request_get_the_same_answer_and_act_once(desk: Desk) -> None:
    first = desk.tell(Buy(amount=3), key="k")
    second = desk.tell(Buy(amount=3), key="k")

    assert (second.encoded, second.was_known) == (first.encoded, True)
    assert desk.shop.bought == [3]


def test_who_signed_in_again_gets_the_answer_of_the_same_key(desk: Desk) -> None:
    first = desk.tell(Buy(amount=7), key="k")

    again = desk.tell(Buy(amount=7), person(session="s2"), key="k")

    assert (first.was_known, again.was_known) == (False, True)
    assert desk.shop.bought == [7]


def test_the_same_key_with_another_request_is_refused(desk: Desk) -> None:
    desk.tell(Buy(amount=3), key="k")

    with pytest.raises(Refused) as refused:
        desk.tell(Buy(amount=4), key="k")

    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


def test_the_same_key_while_the_first_still_runs_is_a_conflict(desk: Desk) -> None:
    async def both() -> None:
        gate = asyncio.Event()
        desk.shop.gate = gate
        first = asyncio.create_task(
            desk.control.tell(person(), Buy(amount=1), correlation="1", idempotency_key="k")
        )
        await desk.clock.sleep(0.01)
        with pytest.raises(Conflict):
            await desk.control.tell(person(), Buy(amount=1), correlation="2", idempotency_key="k")
        gate.set()
        await first

    asyncio.run(both())

    assert desk.shop.bought == [1]


def test_one_persons_key_means_nothing_for_another(desk: Desk) -> None:
    desk.tell(Buy(amount=3), key="k")
    desk.tell(Buy(amount=3), person(name="person:bob"), key="k")

    assert desk.shop.bought == [3, 3]


@pytest.mark.parametrize(
    ("failure", "is_known"),
    [
        (OutcomeUnknown(code="X", cause="no answer came", fix="look"), True),
        (asyncio.CancelledError(), True),
        (Refused(code="X", cause="the engine says no", fix="ask otherwise"), False),
    ],
)
def test_a_key_whose_act_may_have_been_done_is_not_free_for_another(
    desk: Desk, failure: BaseException, is_known: bool
) -> None:
    desk.shop.failure = failure
    with suppress(BotError, asyncio.CancelledError):
        desk.tell(Buy(amount=1), key="k")
    desk.shop.failure = None

    told = []
    for amount in (2, 1):
        try:
            told.append(desk.tell(Buy(amount=amount), key="k").answer.detail)
        except Refused as refused:
            told.append(refused.code)

    reused = "IDEMPOTENCY_KEY_REUSED"
    assert told == ([reused, "bought 1"] if is_known else ["bought 2", reused])


def test_what_may_have_been_done_a_good_while_ago_is_not_done_again_but_safety_is(
    desk: Desk,
) -> None:
    desk.shop.failure = OutcomeUnknown(code="X", cause="no answer came", fix="look")
    with pytest.raises(OutcomeUnknown):
        desk.tell(Buy(amount=1), key="k")
    desk.repetitions.left["person:alice", "stop"] = fingerprint(
        person(), desk.control.operations[Stop], Stop()
    )
    desk.shop.failure = None
    desk.repetitions.is_late = True

    with pytest.raises(Conflict, match="ACT_UNFINISHED"):
        desk.tell(Buy(amount=1), key="k")
    stopped = desk.tell(Stop(), key="stop")

    assert desk.shop.bought == []
    assert (stopped.answer.detail, desk.shop.stopped) == ("stopped", 1)
    assert desk.tell(Buy(amount=1), key="another").answer.detail == "bought 1"


def test_a_request_that_failed_may_come_again_under_its_key(desk: Desk) -> None:
    desk.shop.failure = StorageError(code="X", cause="broken", fix="mend")
    with pytest.raises(StorageError):
        desk.tell(Buy(amount=3), key="k")
    desk.shop.failure = None

    desk.tell(Buy(amount=3), key="k")

    assert desk.shop.bought == [3]
    assert desk.audit.results("shop.buy") == ["asked", "failed", "asked", "done"]


@pytest.mark.parametrize(
    ("failure", "result", "code"),
    [
        (ValueError("a bug"), "failed", "INTERNAL"),
        (asyncio.CancelledError(), "failed", "INTERNAL"),
        (
            OutcomeUnknown(code="UNREACHABLE", cause="no answer", fix="look"),
            "failed",
            "UNREACHABLE",
        ),
        (StorageError(code="DISK_FULL", cause="full", fix="free some"), "failed", "DISK_FULL"),
        (ConfigError(code="NO_SUCH", cause="unknown", fix="choose"), "refused", "NO_SUCH"),
        (Refused(code="LIMIT", cause="too much", fix="less"), "refused", "LIMIT"),
    ],
)
def test_an_act_that_ends_with_an_error_has_an_entry_that_says_whether_it_is_certain(
    desk: Desk, failure: BaseException, result: str, code: str
) -> None:
    desk.shop.failure = failure

    with pytest.raises(type(failure)):
        desk.tell(Buy(amount=3), key="k1")

    assert desk.audit.results("shop.buy") == ["asked", result]
    assert desk.audit.entries[-1].code == code
    assert desk.repetitions.known == {}


def test_a_repetition_carries_the_same_reference_and_another_key_another(desk: Desk) -> None:
    desk.shop.failure = StorageError(code="X", cause="the answer was lost", fix="ask again")
    for _ in range(2):
        with pytest.raises(StorageError):
            desk.tell(Buy(amount=3), key="k")
        desk.shop.failure = None
        desk.tell(Buy(amount=3), key="k")
        desk.repetitions.known.clear()
        desk.shop.failure = StorageError(code="X", cause="lost", fix="ask")
    desk.shop.failure = None
    desk.tell(Buy(amount=3), key="other")

    first, second, third = desk.shop.references
    assert first == second != third


def test_what_raises_needs_a_confirmation_that_says_what_it_does(desk: Desk) -> None:
    with pytest.raises(ConfirmationRequired) as asked:
        desk.tell(Buy(amount=11), key="k")
    token = str(asked.value.details["confirmation_token"])

    desk.tell(Buy(amount=11), key="k", confirmation=token)

    assert asked.value.cause == "Buy 11 things"
    assert desk.shop.bought == [11]


def test_what_raises_nothing_needs_none(desk: Desk) -> None:
    desk.tell(Buy(amount=10), key="k")

    assert desk.shop.bought == [10]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda desk: (Buy(amount=12), person(), "k2"), "CONFIRMATION_MISMATCH"),
        (lambda desk: (Buy(amount=11), person(name="person:bob"), "k2"), "CONFIRMATION_MISMATCH"),
        (lambda desk: (Buy(amount=11), person(session="s2"), "k2"), "CONFIRMATION_MISMATCH"),
        (
            lambda desk: desk.clock.skip(61 * 10**9) or (Buy(amount=11), person(), "k2"),
            "CONFIRMATION_EXPIRED",
        ),
    ],
    ids=["another amount", "another person", "another session", "a minute later"],
)
def test_a_confirmation_is_for_exactly_this_act_by_this_person_within_a_minute(
    desk: Desk, change: Change, code: str
) -> None:
    with pytest.raises(ConfirmationRequired) as asked:
        desk.tell(Buy(amount=11), key="k")
    token = str(asked.value.details["confirmation_token"])

    request, actor, key = change(desk)
    with pytest.raises(Refused) as refused:
        desk.tell(request, actor, key=key, confirmation=token)

    assert refused.value.code == code
    assert desk.shop.bought == []


def test_a_clock_that_is_set_back_keeps_no_confirmation_alive(desk: Desk) -> None:
    with pytest.raises(ConfirmationRequired) as asked:
        desk.tell(Buy(amount=11), key="k")
    token = str(asked.value.details["confirmation_token"])
    desk.clock.skip(-3_600 * 10**9)

    with pytest.raises(Refused, match="CONFIRMATION_EXPIRED"):
        desk.tell(Buy(amount=11), key="k", confirmation=token)

    assert desk.shop.bought == []


def test_a_confirmation_counts_once(desk: Desk) -> None:
    with pytest.raises(ConfirmationRequired) as asked:
        desk.tell(Buy(amount=11), key="k")
    token = str(asked.value.details["confirmation_token"])
    desk.tell(Buy(amount=11), key="k", confirmation=token)

    with pytest.raises(Refused):
        desk.tell(Buy(amount=11), key="k2", confirmation=token)

    assert desk.shop.bought == [11]


def test_an_unattended_key_confirms_nothing_and_no_other_key_is(desk: Desk) -> None:
    unattended = person(kind=ActorKind.KEY, name="key:1", is_unattended=True)
    desk.tell(Buy(amount=11), unattended, key="k")

    with pytest.raises(ConfirmationRequired):
        desk.tell(Buy(amount=11), person(kind=ActorKind.KEY, name="key:2"), key="k")

    assert desk.shop.bought == [11]


def test_a_step_up_asks_for_a_factor_of_the_last_five_minutes(desk: Desk) -> None:
    owner = person(Role.OWNER, auth_time=NOW - 301)
    with pytest.raises(StepUpRequired):
        desk.tell(Promote(), owner)

    with pytest.raises(ConfirmationRequired):  # fresh: only the confirmation is left
        desk.tell(Promote(), person(Role.OWNER, auth_time=NOW - 299))


def test_an_operation_without_a_handler_is_a_bug_at_the_start() -> None:
    desk = Desk()
    handlers = desk.shop.handlers()
    del handlers[Buy]

    with pytest.raises(TypeError, match="Buy"):
        Control(
            operations(),
            handlers,
            audit=desk.audit,
            repetitions=desk.repetitions,
            clock=desk.clock,
        )


def test_roles_grant_less_from_owner_to_viewer() -> None:
    order = [Role.VIEWER, Role.ANALYST, Role.TRADER, Role.ADMIN, Role.OWNER]
    grants = [GRANTS[role] for role in order]

    assert all(lower <= higher for lower, higher in pairwise(grants))
    assert grants[-1] == set(type(next(iter(grants[-1]))))


@pytest.mark.parametrize(
    ("failure", "detail"),
    [
        (None, "things: 0 → 1"),
        (OutcomeUnknown(code="X", cause="no answer", fix="look"), "no answer – things: 0 → 1"),
        (ConfigError(code="X", cause="too many", fix="fewer"), "too many"),
    ],
)
def test_the_last_entry_of_an_act_says_what_it_changed_unless_it_was_refused(
    desk: Desk, failure: Exception | None, detail: str
) -> None:
    desk.shop.failure_after_noting = failure
    with suppress(OutcomeUnknown, ConfigError):
        desk.tell(Buy(amount=1), key="k")

    assert [entry.detail for entry in desk.audit.entries] == ["", detail]
