"""Users: names are one in any case, and the rules of who may do what to whom."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.support.memory_identity_store import MemoryIdentityStore
from tests.support.sign_in_desk import others_run, refusal, refused, run

from botcore.control.access import STRANGER, Actor, ActorKind, Role
from botcore.control.identity.people import People
from botcore.control.identity.ports import User

RANK = [Role.OWNER, Role.ADMIN, Role.TRADER, Role.ANALYST, Role.VIEWER]


def actor(role: Role) -> Actor:
    return Actor(kind=ActorKind.PERSON, name="person:x", user="x", role=role)


def user(username: str, role: Role, *, is_disabled: bool = False) -> User:
    return User(
        id=f"id-{username}",
        username=username,
        role=role,
        is_disabled=is_disabled,
        created_at=len(username),
    )


async def people(*users: User) -> People:
    made = People(MemoryIdentityStore())
    for each in users:
        await made.add(each)
    return made


@pytest.mark.parametrize(("mine", "other"), list(itertools.product(RANK, RANK)))
def test_nobody_manages_or_makes_who_is_above_himself(mine: Role, other: Role) -> None:
    found = run(people())
    is_above = RANK.index(other) < RANK.index(mine)

    if is_above:
        target = user("target", other)
        assert refused(found.require_may_manage, actor(mine), target) == "USER_ABOVE_YOU"
        assert refused(found.require_may_grant, actor(mine), other) == "ROLE_ABOVE_YOURS"
    else:
        found.require_may_manage(actor(mine), user("target", other))
        found.require_may_grant(actor(mine), other)


def test_who_has_no_role_manages_nobody() -> None:
    found = run(people())

    target = user("target", Role.VIEWER)
    assert refused(found.require_may_manage, STRANGER, target) == "USER_ABOVE_YOU"
    assert refused(found.require_may_grant, STRANGER, Role.VIEWER) == "ROLE_ABOVE_YOURS"


def test_the_last_owner_who_can_sign_in_stays() -> None:
    alice, bob = user("alice", Role.OWNER), user("bob", Role.OWNER)
    away = user("away", Role.OWNER, is_disabled=True)

    alone = run(people(alice, away, user("carol", Role.ADMIN)))
    assert refused(alone.require_another_owner, alice) == "LAST_OWNER"
    alone.require_another_owner(user("carol", Role.ADMIN))
    alone.require_another_owner(away)

    run(people(alice, bob)).require_another_owner(alice)


def test_a_username_is_one_in_any_case() -> None:
    async def story() -> None:
        found = await people(user("alice", Role.OWNER))

        assert found.named("ALICE") == found.named("alice") is not None
        assert await refusal(found.add(user("alice", Role.VIEWER))) == "USERNAME_TAKEN"
        assert refused(found.require, "bob") == "USER_UNKNOWN"

    run(story())


def test_changes_are_stored_and_hold_after_a_restart() -> None:
    async def story() -> None:
        store = MemoryIdentityStore()
        first = People(store)
        await first.add(user("alice", Role.OWNER))
        await first.add(user("bob", Role.VIEWER))
        await first.change(user("bob", Role.TRADER))
        await first.remove(user("alice", Role.OWNER))

        again = People(store)
        await again.load()

        assert again.all() == (user("bob", Role.TRADER),)
        assert again.owner() is None

    run(story())


def test_a_change_of_who_was_removed_does_not_bring_him_back_into_the_store() -> None:
    async def story() -> None:
        store = MemoryIdentityStore()
        found = People(store)
        await found.add(user("alice", Role.OWNER))
        await store.remove_user("id-alice")

        await found.change(user("alice", Role.ADMIN))

        assert await store.users() == ()

    run(story())


class SlowStore(MemoryIdentityStore):
    """Takes the longer to save a user the more powerful he is."""

    async def save_user(self, user: User) -> None:
        for _ in range(10 - RANK.index(user.role)):
            await others_run()
        await super().save_user(user)


def test_of_changes_at_the_same_time_the_last_one_is_stored() -> None:
    async def story() -> None:
        store = SlowStore()
        found = People(store)
        await found.add(user("alice", Role.VIEWER))

        await asyncio.gather(*(found.change(user("alice", role)) for role in RANK))

        assert found.require("alice").role is Role.VIEWER
        assert (await store.users())[0].role is Role.VIEWER

    run(story())
