"""Links and invitations: good once, for a while, and each refusal says which it is."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.sign_in_desk import GOOD, HERE, OTHER, Desk, open_desk, refusal, run

from botcore.control.access import Role
from botcore.control.identity import Algorithm, IdentityConfig
from botcore.control.identity.ports import LinkPurpose
from botcore.control.identity.sessions import Origin
from botcore.control.identity.sign_in import Grant, Pending
from botcore.control.problems import Forbidden

MINUTE, DAY = 60, 86_400
ORIGIN = Origin(HERE)


async def link(desk: Desk, user: str = "", purpose: LinkPurpose = LinkPurpose.SIGN_IN) -> str:
    token, _, _ = await desk.identity.sign_in.make_link(user, purpose=purpose, made_by="local:root")
    return token


async def take(desk: Desk, token: str, password: str = "") -> Grant | Pending:
    return await desk.identity.sign_in.take_link(token, password, ORIGIN)


def test_the_first_link_makes_the_owner_and_later_ones_sign_him_in() -> None:
    async def story() -> None:
        desk = await open_desk()

        made = await desk.owner("alice")
        desk.pass_s(1)
        later = await take(desk, await link(desk))

        assert made.user.role is Role.OWNER
        assert isinstance(later, Grant)
        assert later.user.id == made.user.id
        assert later.session.id != made.session.id
        assert later.session.methods == ("link",)

    run(story())


def test_a_link_is_good_once() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        token = await link(desk)

        await take(desk, token)

        assert await refusal(take(desk, token)) == "LINK_USED"

    run(story())


def test_of_visits_at_the_same_time_one_gets_in() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        token = await link(desk)

        told = await asyncio.gather(*(take(desk, token) for _ in range(10)), return_exceptions=True)

        assert sum(isinstance(each, Grant) for each in told) == 1
        assert {getattr(each, "code", "won") for each in told} == {"won", "LINK_USED"}

    run(story())


def test_a_link_ends_after_five_minutes_and_says_so() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        early, late = await link(desk), await link(desk)

        desk.pass_s(5 * MINUTE - 1)
        await take(desk, early)
        desk.pass_s(1)

        assert await refusal(take(desk, late)) == "LINK_EXPIRED"
        assert await refusal(take(desk, early)) == "LINK_USED"

    run(story())


def test_a_link_that_resets_and_is_good_no_more_says_who_makes_another() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner("alice")
        used, late = [await link(desk, "alice", LinkPurpose.RESET) for _ in range(2)]
        await take(desk, used, OTHER)

        for token in (used, late):
            desk.pass_s(3600)
            with pytest.raises(Forbidden) as refused:
                await take(desk, token, OTHER)

            assert refused.value.fix == "the owner makes a fresh one with `./bot user reset NAME`"

    run(story())


@pytest.mark.parametrize("token", ["", "lnk_" + "A" * 43, "x" * 10_000])
def test_an_unknown_link_says_so(token: str) -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()

        assert await refusal(take(desk, token)) == "LINK_UNKNOWN"

    run(story())


def test_a_link_is_for_the_user_it_names() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        await desk.user("bob", Role.TRADER)

        found = await take(desk, await link(desk, "bob"))

        assert isinstance(found, Grant)
        assert found.user.username == "bob"
        assert await refusal(link(desk, "carol")) == "USER_UNKNOWN"

    run(story())


def test_the_first_link_does_not_sign_in_and_is_void_once_there_is_an_owner() -> None:
    async def story() -> None:
        desk = await open_desk()
        first, second = await link(desk), await link(desk)

        assert await refusal(take(desk, first)) == "LINK_REGISTERS"
        sign_in = desk.identity.sign_in
        await sign_in.register(first, "alice", GOOD, "", ORIGIN)

        assert await refusal(take(desk, second)) == "LINK_USED"
        late = sign_in.register(second, "mallory", GOOD, "", ORIGIN)
        assert await refusal(late) == "REGISTRATION_CLOSED"
        again = sign_in.register(first, "mallory", GOOD, "", ORIGIN)
        assert await refusal(again) == "LINK_USED"
        assert [user.username for user in desk.identity.people.all()] == ["alice"]

    run(story())


def test_of_registrations_at_the_same_time_one_becomes_owner() -> None:
    async def story() -> None:
        desk = await open_desk()
        tokens = [await link(desk) for _ in range(5)]

        told = await asyncio.gather(
            *(
                desk.identity.sign_in.register(token, f"user{n}", GOOD, "", ORIGIN)
                for n, token in enumerate(tokens + tokens)
            ),
            return_exceptions=True,
        )

        assert sum(isinstance(each, Grant) for each in told) == 1
        owners = [user for user in desk.identity.people.all() if user.role is Role.OWNER]
        assert len(owners) == len(desk.identity.people.all()) == 1

    run(story())


@pytest.mark.parametrize("token", ["", "A" * 43, "bcr_" + "A" * 43])
def test_registration_is_closed_without_link_or_invitation(token: str) -> None:
    async def story() -> None:
        desk = await open_desk()
        register = desk.identity.sign_in.register

        assert await refusal(register(token, "eve", GOOD, "", ORIGIN)) == "REGISTRATION_CLOSED"
        await desk.owner()
        assert await refusal(register(token, "eve", GOOD, "", ORIGIN)) == "REGISTRATION_CLOSED"

    run(story())


def test_a_sign_in_link_does_not_register() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        register = desk.identity.sign_in.register(await link(desk), "eve", GOOD, "", ORIGIN)

        assert await refusal(register) == "REGISTRATION_CLOSED"

    run(story())


def test_a_weak_password_does_not_use_the_link_up() -> None:
    async def story() -> None:
        desk = await open_desk()
        token = await link(desk)
        register = desk.identity.sign_in.register

        weak = register(token, "alice", "password", "", ORIGIN)
        assert await refusal(weak) == "PASSWORD_COMMON"
        own_name = register(token, "persephone", "persephone1", "", ORIGIN)
        assert await refusal(own_name) == "PASSWORD_COMMON"

        assert (await register(token, "alice", GOOD, "", ORIGIN)).user.username == "alice"

    run(story())


# Invitations.


def test_an_invitation_is_bound_to_a_role_and_good_once() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        token, _ = await desk.identity.links.invite(Role.ANALYST, note="", made_by="person:alice")
        register = desk.identity.sign_in.register

        grant = await register(token, "Carol", OTHER, "carol@example.org", ORIGIN)

        assert (grant.user.username, grant.user.role) == ("carol", Role.ANALYST)
        assert await refusal(register(token, "dave", OTHER, "", ORIGIN)) == "INVITATION_USED"
        assert await desk.identity.links.invitations() == ()

    run(story())


def test_of_those_who_come_with_one_invitation_one_gets_in() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        token, _ = await desk.identity.links.invite(Role.ADMIN, note="", made_by="person:alice")

        told = await asyncio.gather(
            *(
                desk.identity.sign_in.register(token, f"user{n}", OTHER, "", ORIGIN)
                for n in range(6)
            ),
            return_exceptions=True,
        )

        assert sum(isinstance(each, Grant) for each in told) == 1
        assert len(desk.identity.people.all()) == 2

    run(story())


def test_an_invitation_ends_after_seven_days_or_when_it_is_revoked() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        links, register = desk.identity.links, desk.identity.sign_in.register
        first, _ = await links.invite(Role.VIEWER, note="", made_by="person:alice")
        second, kept = await links.invite(Role.VIEWER, note="", made_by="person:alice")
        third, _ = await links.invite(Role.VIEWER, note="", made_by="person:alice")

        assert await links.revoke_invitation(kept.id)
        assert not await links.revoke_invitation(kept.id)
        desk.pass_s(7 * DAY - 1)
        await register(first, "carol", OTHER, "", ORIGIN)
        desk.pass_s(1)

        assert await refusal(register(second, "dave", OTHER, "", ORIGIN)) == "INVITATION_ENDED"
        assert await refusal(register(third, "dave", OTHER, "", ORIGIN)) == "INVITATION_ENDED"
        unknown = register("inv_" + "A" * 43, "dave", OTHER, "", ORIGIN)
        assert await refusal(unknown) == "INVITATION_UNKNOWN"

    run(story())


def test_a_taken_username_does_not_use_the_invitation_up() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner("alice")
        token, _ = await desk.identity.links.invite(Role.VIEWER, note="", made_by="person:alice")
        register = desk.identity.sign_in.register

        assert await refusal(register(token, "ALICE", OTHER, "", ORIGIN)) == "USERNAME_TAKEN"
        assert (await register(token, "carol", OTHER, "", ORIGIN)).user.role is Role.VIEWER

    run(story())


# Setting a password.


def test_a_reset_link_sets_a_password_and_ends_every_session() -> None:
    async def story() -> None:
        desk = await open_desk()
        old = await desk.owner()
        token = await link(desk, "alice", LinkPurpose.RESET)

        assert await refusal(take(desk, token)) == "PASSWORD_LENGTH"
        assert await refusal(take(desk, token, "password1")) == "PASSWORD_COMMON"
        grant = await take(desk, token, OTHER)

        assert isinstance(grant, Grant)
        assert [each.id for each in desk.identity.sessions.of(old.user.id)] == [grant.session.id]
        login = desk.identity.sign_in.login
        assert await refusal(login("alice", GOOD, ORIGIN)) == "SIGN_IN_INCORRECT"
        assert isinstance(await login("alice", OTHER, ORIGIN), Grant)

    run(story())


def test_a_reset_link_lasts_an_hour() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        token = await link(desk, "alice", LinkPurpose.RESET)

        desk.pass_s(60 * MINUTE)

        assert await refusal(take(desk, token, OTHER)) == "LINK_EXPIRED"

    run(story())


def test_a_reset_never_goes_round_the_second_factor() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        totp, _ = await desk.with_factor(grant)
        sign_in = desk.identity.sign_in
        token = await link(desk, "alice", LinkPurpose.RESET)

        pending = await take(desk, token, OTHER)

        assert isinstance(pending, Pending)
        # Without the second factor nothing has changed: the old password is the password.
        assert desk.identity.people.require("alice").password_hash == grant.user.password_hash
        assert desk.identity.sessions.get(grant.session.id) is not None
        await sign_in.second_factor(pending.challenge, desk.code(totp), HERE)
        assert desk.identity.people.require("alice").password_hash != grant.user.password_hash
        assert desk.identity.sessions.get(grant.session.id) is None

    run(story())


def test_a_sign_in_link_does_not_go_round_the_second_factor_either() -> None:
    async def story() -> None:
        desk = await open_desk()
        totp, _ = await desk.with_factor(await desk.owner())

        pending = await take(desk, await link(desk))

        assert isinstance(pending, Pending)
        code = desk.code(totp)
        grant = await desk.identity.sign_in.second_factor(pending.challenge, code, HERE)
        assert grant.session.methods == ("link", "otp")

    run(story())


def test_a_sign_in_link_sets_no_password() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()

        assert await refusal(take(desk, await link(desk), OTHER)) == "LINK_SETS_NO_PASSWORD"

    run(story())


def test_tokens_of_links_and_invitations_are_stored_as_hashes() -> None:
    async def story() -> None:
        desk = await open_desk()
        first = await link(desk)
        invited, _ = await desk.identity.links.invite(Role.VIEWER, note="", made_by="x")

        stored = [*desk.store._links, *desk.store._invitations]
        assert {len(digest) for digest in stored} == {32}
        assert not {first.encode(), invited.encode()} & set(stored)

    run(story())


def test_the_token_stands_where_no_server_sees_it() -> None:
    config = IdentityConfig(algorithm=Algorithm.ED25519, public_url="https://bot.example")
    desk = run(open_desk(config))

    links = desk.identity.links
    assert links.address("lnk_x") == "https://bot.example/sign-in#link=lnk_x"
    assert links.address("inv_x") == "https://bot.example/sign-in#invitation=inv_x"
    assert links.address("lnk_x", "bob") == "https://bot.example/sign-in#link=lnk_x&user=bob"
