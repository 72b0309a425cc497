"""Users: who makes, changes and removes whom, and how soon it holds."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import pytest
from tests.support.sign_in_desk import GOOD, LOCAL, OTHER, Desk, open_desk, refusal, run

from botcore.control.access import GRANTS, STRANGER, Actor, Role, Scope
from botcore.control.identity import NoticeKind
from botcore.control.operations import Act, Request
from botcore.control.problems import ConfirmationRequired, Problem
from botcore.control.schema import keys
from botcore.control.schema import users as u
from botcore.control.schema.auth import Login, Register, SignInStatus, TakeLink


async def team(desk: Desk) -> dict[str, Actor]:
    """Make one of each role; the owner is alice."""
    grant = await desk.owner("alice")
    made = {"alice": desk.bearer(grant.access_token)}
    for name, role in (
        ("adam", Role.ADMIN),
        ("tina", Role.TRADER),
        ("anna", Role.ANALYST),
        ("vera", Role.VIEWER),
    ):
        made[name] = await desk.actor(name, role)
    return made


async def remove(desk: Desk, actor: Actor, username: str) -> None:
    """Remove a user, confirming what is shown."""
    try:
        await desk.send(actor, u.RemoveUser(user=username))
    except ConfirmationRequired as asked:
        token = str(asked.details["confirmation_token"])
        await desk.send(actor, u.RemoveUser(user=username), token)


def on(username: str) -> list[Request[Any]]:
    return [
        u.SetRole(user=username, role=Role.VIEWER),
        u.DisableUser(user=username),
        u.EnableUser(user=username),
        u.ResetUser(user=username),
        u.RemoveUser(user=username),
    ]


@pytest.mark.parametrize(
    ("act", "may_run"),
    [
        (u.DisableUser(user="anna"), False),
        (u.SetRole(user="anna", role=Role.VIEWER), False),
        (u.SetRole(user="anna", role=Role.TRADER), True),
        (u.RemoveUser(user="anna"), False),
    ],
)
def test_what_runs_for_a_user_hears_that_he_may_do_less(act: Act[Any], may_run: bool) -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        anna = actors["anna"].user

        if isinstance(act, u.RemoveUser):
            await remove(desk, actors["adam"], "anna")
        else:
            await desk.send(actors["adam"], act)

        assert desk.shut_out == [anna]
        assert desk.identity.people.may(anna, Scope.RUN_JOBS) is may_run

    run(story())


def test_the_audit_says_what_a_user_and_a_key_were_before_and_after() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        tina = actors["tina"]

        def details(action: str) -> list[str]:
            return [e.detail for e in desk.audit.entries if e.action == action and e.detail]

        made = await desk.send(
            tina, keys.NewKey(name="bot", scopes=frozenset({Scope.READ_ACCOUNT}), days=1)
        )
        await desk.send(tina, keys.RevokeKey(id=made.key.id))
        await desk.send(actors["adam"], u.SetRole(user="tina", role=Role.VIEWER))
        await desk.send(actors["adam"], u.DisableUser(user="tina"))
        await desk.send(actors["adam"], u.EnableUser(user="tina"))
        await remove(desk, actors["adam"], "tina")

        assert details("users.role") == ["role of tina: trader → viewer"]
        assert details("users.disable") == ["tina is disabled: no → yes"]
        assert details("users.enable") == ["tina is disabled: yes → no"]
        assert details("users.remove")[-1] == "user tina: viewer → none"
        (new,), (gone,) = details("keys.new"), details("keys.revoke")
        assert f"key {made.key.id} of tina.scopes: none → read:account" in new
        assert f"key {made.key.id} of tina.scopes: read:account → none" in gone
        assert "expires: none → 20" in new
        assert not any(made.api_key in entry.detail for entry in desk.audit.entries)

    run(story())


def test_an_admin_revokes_no_invitation_that_he_could_not_make() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        above = await desk.send(actors["alice"], u.InviteUser(role=Role.OWNER))
        equal = await desk.send(actors["alice"], u.InviteUser(role=Role.ADMIN))

        await desk.send(actors["adam"], u.RevokeInvitation(id=equal.invitation.id))
        refused = desk.send(actors["adam"], u.RevokeInvitation(id=above.invitation.id))
        assert await refusal(refused) == "ROLE_ABOVE_YOURS"

        left = (await desk.send(actors["alice"], u.ListInvitations())).items
        assert [each.id for each in left] == [above.invitation.id]
        await desk.send(actors["alice"], u.RevokeInvitation(id=above.invitation.id))

    run(story())


@pytest.mark.parametrize("number", range(5))
def test_an_admin_cannot_touch_the_owner(number: int) -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        before = await desk.store.users()

        code = await refusal(desk.send(actors["adam"], on("alice")[number]))

        assert code == "USER_ABOVE_YOU"
        assert await desk.store.users() == before

    run(story())


@pytest.mark.parametrize("name", ["tina", "anna", "vera"])
@pytest.mark.parametrize("number", range(5))
def test_who_is_no_admin_touches_nobody(name: str, number: int) -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)

        assert await refusal(desk.send(actors[name], on("vera")[number])) == "NOT_ALLOWED"

    run(story())


def test_an_admin_makes_no_owners_by_any_way() -> None:
    async def story() -> None:
        desk = await open_desk()
        adam = (await team(desk))["adam"]
        ways: list[Act[Any]] = [
            u.AddUser(user="eve", role=Role.OWNER),
            u.InviteUser(role=Role.OWNER),
            u.SetRole(user="tina", role=Role.OWNER),
            u.SetRole(user="adam", role=Role.OWNER),  # nobody raises himself
        ]

        codes = [await refusal(desk.send(adam, way)) for way in ways]

        assert codes == ["ROLE_ABOVE_YOURS"] * 4
        owners = [user.username for user in await desk.store.users() if user.role is Role.OWNER]
        assert owners == ["alice"]

    run(story())


def test_the_last_owner_is_neither_removed_nor_demoted_nor_disabled() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice = (await team(desk))["alice"]

        for actor in (alice, LOCAL):
            for request in (
                u.SetRole(user="alice", role=Role.ADMIN),
                u.DisableUser(user="alice"),
            ):
                assert await refusal(desk.send(actor, request)) == "LAST_OWNER"
            assert await refusal(remove(desk, actor, "alice")) == "LAST_OWNER"
        await desk.send(alice, u.SetRole(user="adam", role=Role.OWNER))
        demoted = await desk.send(alice, u.SetRole(user="alice", role=Role.VIEWER))

        assert demoted.role is Role.VIEWER
        assert await refusal(desk.send(LOCAL, u.DisableUser(user="adam"))) == "LAST_OWNER"

    run(story())


def test_of_two_owners_who_demote_each_other_at_once_one_stays() -> None:
    import asyncio

    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        await desk.send(actors["alice"], u.SetRole(user="adam", role=Role.OWNER))

        await asyncio.gather(
            desk.send(LOCAL, u.SetRole(user="alice", role=Role.VIEWER)),
            desk.send(LOCAL, u.SetRole(user="adam", role=Role.VIEWER)),
            return_exceptions=True,
        )

        roles = [user.role for user in await desk.store.users()]
        assert roles.count(Role.OWNER) == 1

    run(story())


def test_another_role_holds_at_the_next_request_and_closes_sockets() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)

        await desk.send(actors["alice"], u.SetRole(user="tina", role=Role.VIEWER))

        now = desk.identity.authenticator.again(actors["tina"])
        assert now is not None
        assert now.scopes == GRANTS[Role.VIEWER]
        assert desk.ended == [actors["tina"].session]
        assert desk.kinds()[-1] is NoticeKind.ROLE_CHANGED

    run(story())


def test_who_is_disabled_is_out_at_once_and_in_again_when_enabled() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        key = await desk.send(
            actors["tina"], keys.NewKey(name="bot", scopes=frozenset({Scope.TRADE_PAPER}))
        )

        shown = await desk.send(actors["adam"], u.DisableUser(user="tina"))

        assert shown.is_disabled
        assert desk.identity.authenticator.again(actors["tina"]) is None
        assert set(desk.ended) == {actors["tina"].session, key.key.id}
        with pytest.raises(Exception, match="KEY_ENDED"):
            desk.bearer(key.api_key)
        login = Login(username="tina", password=GOOD)
        assert await refusal(desk.ask(login)) == "ACCOUNT_DISABLED"

        await desk.send(actors["adam"], u.EnableUser(user="tina"))
        assert desk.bearer(key.api_key).name == f"key:{key.key.id}"
        assert desk.identity.authenticator.again(actors["tina"]) is None  # a session that ended
        assert (await desk.ask(login)).status is SignInStatus.SIGNED_IN

    run(story())


def test_removing_takes_a_confirmation_that_says_what_goes_with_him() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        key = await desk.send(
            actors["tina"], keys.NewKey(name="bot", scopes=frozenset({Scope.TRADE_PAPER}))
        )

        with pytest.raises(ConfirmationRequired) as asked:
            await desk.send(actors["adam"], u.RemoveUser(user="tina"))
        assert "tina (trader) with 1 sessions and 1 API keys" in asked.value.cause
        assert desk.identity.people.named("tina") is not None
        token = str(asked.value.details["confirmation_token"])
        await desk.send(actors["adam"], u.RemoveUser(user="tina"), token)

        assert desk.identity.people.named("tina") is None
        assert desk.identity.authenticator.again(actors["tina"]) is None
        with pytest.raises(Exception, match="KEY_UNKNOWN"):
            desk.bearer(key.api_key)
        assert set(desk.ended) == {actors["tina"].session, key.key.id}
        await desk.restart()
        assert desk.identity.people.named("tina") is None

    run(story())


def test_who_was_added_sets_his_password_with_the_link() -> None:
    async def story() -> None:
        desk = await open_desk()
        adam = (await team(desk))["adam"]

        made = await desk.send(adam, u.AddUser(user="Bob", role=Role.TRADER))

        assert (made.user.username, made.user.has_password) == ("bob", False)
        login = Login(username="bob", password="")
        assert await refusal(desk.ask(login)) == "SIGN_IN_INCORRECT"
        signed = await desk.ask(TakeLink(token=made.link.token, password=OTHER))
        assert (signed.username, signed.role) == ("bob", Role.TRADER)
        assert (
            await refusal(desk.send(adam, u.AddUser(user="BOB", role=Role.VIEWER)))
            == "USERNAME_TAKEN"
        )

    run(story())


def test_only_the_machine_itself_clears_a_second_factor() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        grant = await desk.user("bob", Role.TRADER)
        await desk.with_factor(grant)
        cleared = u.ResetUser(user="bob", clear_second_factor=True)
        alice = desk.identity.authenticator.again(actors["alice"])
        assert alice is not None

        for actor in (alice, actors["adam"]):
            assert await refusal(desk.send(actor, cleared)) == "FACTOR_BY_OWNER"
        assert await desk.identity.factors.is_set_up(grant.user.id)
        kept = await desk.send(alice, u.ResetUser(user="bob"))
        pending = await desk.ask(TakeLink(token=kept.token, password=OTHER))
        assert pending.status is SignInStatus.SECOND_FACTOR

        link = await desk.send(LOCAL, cleared)
        assert desk.identity.sessions.of(grant.user.id) == ()
        signed = await desk.ask(TakeLink(token=link.token, password=OTHER))
        assert signed.status is SignInStatus.SIGNED_IN

    run(story())


def test_an_invitation_is_listed_until_it_is_used_or_revoked() -> None:
    async def story() -> None:
        desk = await open_desk()
        adam = (await team(desk))["adam"]

        kept = await desk.send(adam, u.InviteUser(role=Role.ANALYST, note="Carol"))
        gone = await desk.send(adam, u.InviteUser(role=Role.VIEWER))
        page = await desk.send(adam, u.ListInvitations())

        assert {each.id for each in page.items} == {kept.invitation.id, gone.invitation.id}
        assert kept.invitation.made_by == "person:adam"
        assert kept.token not in str(page)
        await desk.send(adam, u.RevokeInvitation(id=gone.invitation.id))
        revoke = u.RevokeInvitation(id=gone.invitation.id)
        assert await refusal(desk.send(adam, revoke)) == "INVITATION_UNKNOWN"
        register = Register(token=gone.token, username="carol", password=OTHER)
        assert await refusal(desk.ask(register)) == "INVITATION_ENDED"
        signed = await desk.ask(Register(token=kept.token, username="carol", password=OTHER))
        assert signed.role is Role.ANALYST
        assert (await desk.send(adam, u.ListInvitations())).items == ()

    run(story())


def test_users_are_listed_by_name_in_pages_and_by_role() -> None:
    async def story() -> None:
        desk = await open_desk()
        adam = (await team(desk))["adam"]

        first = await desk.send(adam, u.ListUsers(limit=3))
        rest = await desk.send(adam, u.ListUsers(limit=3, cursor=first.next_cursor or ""))
        admins = await desk.send(adam, u.ListUsers(role=Role.ADMIN))

        assert [each.username for each in first.items] == ["adam", "alice", "anna"]
        assert [each.username for each in rest.items] == ["tina", "vera"]
        assert rest.next_cursor is None
        assert [each.username for each in admins.items] == ["adam"]
        assert all(each.sessions == 1 and each.has_password for each in first.items)
        assert "argon2" not in str(first)

    run(story())


def test_an_admin_sees_where_a_user_is_signed_in() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)

        page = await desk.send(actors["adam"], u.ListUserSessions(user="tina"))

        assert [each.id for each in page.items] == [actors["tina"].session]
        unknown = desk.send(actors["adam"], u.ListUserSessions(user="nobody"))
        assert await refusal(unknown) == "USER_UNKNOWN"

    run(story())


@pytest.mark.parametrize("act", ["disable", "demote", "remove"])
def test_invitations_and_links_of_who_was_made_less_let_nobody_in(act: str) -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        invited = await desk.send(actors["adam"], u.InviteUser(role=Role.ADMIN))
        humble = await desk.send(actors["adam"], u.InviteUser(role=Role.VIEWER))
        reset = await desk.send(actors["adam"], u.ResetUser(user="tina"))

        match act:
            case "disable":
                await desk.send(actors["alice"], u.DisableUser(user="adam"))
            case "demote":
                await desk.send(actors["alice"], u.SetRole(user="adam", role=Role.TRADER))
            case _:
                await remove(desk, actors["alice"], "adam")
        back = Register(token=invited.token, username="adam2", password=GOOD)
        less = Register(token=humble.token, username="adam3", password=GOOD)
        taken = TakeLink(token=reset.token, password=OTHER)

        assert await refusal(desk.send(STRANGER, back)) == "INVITATION_ENDED"
        assert await refusal(desk.send(STRANGER, less)) == "INVITATION_ENDED"
        void = "LINK_EXPIRED" if act == "demote" else "LINK_UNKNOWN"
        assert await refusal(desk.send(STRANGER, taken)) == void

    run(story())


@pytest.mark.parametrize("act", ["disabled and enabled", "removed and made anew"])
def test_what_let_in_before_does_not_let_in_again(act: str) -> None:
    """Neither for who comes back, nor for another one of the same name."""

    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        invited = await desk.send(actors["adam"], u.InviteUser(role=Role.VIEWER))
        reset = await desk.send(actors["adam"], u.ResetUser(user="tina"))
        own = await desk.send(actors["alice"], u.ResetUser(user="adam"))
        others = await desk.send(actors["alice"], u.InviteUser(role=Role.VIEWER))

        if act == "disabled and enabled":
            await desk.send(actors["alice"], u.DisableUser(user="adam"))
            await desk.send(actors["alice"], u.EnableUser(user="adam"))
        else:
            await remove(desk, actors["alice"], "adam")
            await desk.actor("adam", Role.ADMIN)

        back = Register(token=invited.token, username="eve", password=GOOD)
        assert await refusal(desk.send(STRANGER, back)) == "INVITATION_ENDED"
        for link in (reset, own):
            taken = TakeLink(token=link.token, password=OTHER)
            assert await refusal(desk.send(STRANGER, taken)) == "LINK_UNKNOWN"
        joined = Register(token=others.token, username="carl", password=GOOD)
        assert (await desk.send(STRANGER, joined)).role is Role.VIEWER

    run(story())


def test_who_signs_in_while_he_is_removed_is_out_as_well() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        begun: list[Actor] = []
        removed, revoked = desk.store.remove_user, desk.store.revoke_sessions

        async def meanwhile() -> None:
            if not begun:
                signed_in = desk.ask(Login(username="tina", password=GOOD))
                with suppress(Problem):
                    begun.append(desk.bearer((await signed_in).access_token))

        async def revoke(session_ids: Iterable[str], ts: int, why: str) -> None:
            await meanwhile()
            await revoked(session_ids, ts, why)

        async def remove_it(user_id: str) -> None:
            await meanwhile()
            await removed(user_id)

        desk.store.revoke_sessions = revoke  # type: ignore[method-assign]  # holds it up
        desk.store.remove_user = remove_it  # type: ignore[method-assign]  # holds it up
        await remove(desk, actors["alice"], "tina")

        for actor in (actors["tina"], *begun):
            assert actor.session in desk.ended, "a socket would have stayed open"
            assert desk.identity.authenticator.again(actor) is None
        assert await refusal(desk.ask(Login(username="tina", password=GOOD))) == "SIGN_IN_INCORRECT"

    run(story())


def test_a_link_for_a_trader_is_void_once_he_is_above_who_made_it() -> None:
    async def story() -> None:
        desk = await open_desk()
        actors = await team(desk)
        reset = await desk.send(actors["adam"], u.ResetUser(user="tina"))

        await desk.send(actors["alice"], u.SetRole(user="tina", role=Role.OWNER))
        code = await refusal(desk.send(STRANGER, TakeLink(token=reset.token, password=OTHER)))

        assert code == "LINK_EXPIRED"

    run(story())


def test_what_the_machine_itself_made_stays_good() -> None:
    async def story() -> None:
        desk = await open_desk()
        await team(desk)
        invited = await desk.send(LOCAL, u.InviteUser(role=Role.OWNER))

        joined = await desk.send(
            STRANGER, Register(token=invited.token, username="olga", password=GOOD)
        )

        assert joined.role is Role.OWNER

    run(story())
