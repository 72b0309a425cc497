"""Sessions through the door of control: one's own, and those of others for who may."""

from __future__ import annotations

from tests.support.sign_in_desk import GOOD, HERE, LOCAL, Desk, open_desk, refusal, run

from botcore.control.access import Actor, Role
from botcore.control.schema import sessions as s
from botcore.control.schema.auth import Login


async def three(desk: Desk) -> tuple[Actor, Actor, Actor]:
    """Make an owner, an admin and a trader."""
    alice = desk.bearer((await desk.owner("alice")).access_token)
    return alice, await desk.actor("adam", Role.ADMIN), await desk.actor("tina", Role.TRADER)


def test_one_sees_where_one_is_signed_in_the_last_used_first() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, _, tina = await three(desk)
        desk.pass_s(60)
        login = Login(username="tina", password=GOOD, stay_signed_in=True, device="Firefox")
        other = await desk.ask(login)

        page = await desk.send(tina, s.ListSessions())

        assert [each.id for each in page.items] == [other.session, tina.session]
        assert [each.is_this_one for each in page.items] == [False, True]
        assert (page.items[0].device, page.items[0].address) == ("Firefox", HERE)
        assert page.items[0].stays_signed_in
        assert (page.items[0].ends_at - page.items[0].created_at).days == 7

    run(story())


def test_others_sessions_look_as_if_there_were_none() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice, _, tina = await three(desk)

        unknown = await refusal(desk.send(tina, s.RevokeSession(id="0f" * 16)))
        of_other = await refusal(desk.send(tina, s.RevokeSession(id=alice.session)))

        assert unknown == of_other == "SESSION_UNKNOWN"
        for request in (s.ListSessions(user="alice"), s.ListSessions(user="nobody")):
            assert await refusal(desk.send(tina, request)) == "USER_UNKNOWN"
        assert await refusal(desk.send(tina, s.RevokeSessions(user="alice"))) == "USER_UNKNOWN"
        assert desk.ended == []

    run(story())


def test_an_admin_ends_others_sessions_but_not_the_owners() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice, adam, tina = await three(desk)

        await desk.send(adam, s.RevokeSession(id=tina.session))
        of_owner = s.RevokeSession(id=alice.session)

        assert desk.identity.authenticator.again(tina) is None
        assert await refusal(desk.send(adam, of_owner)) == "USER_ABOVE_YOU"
        assert await refusal(desk.send(adam, s.RevokeSessions(user="alice"))) == "USER_ABOVE_YOU"
        assert desk.identity.authenticator.again(alice) == alice

    run(story())


def test_ending_all_keeps_the_one_that_asks() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, adam, tina = await three(desk)
        for _ in range(3):
            await desk.ask(Login(username="tina", password=GOOD))

        done = await desk.send(tina, s.RevokeSessions())

        assert done.detail == "3 sessions were ended"
        assert desk.identity.authenticator.again(tina) == tina
        done = await desk.send(adam, s.RevokeSessions(user="tina"))
        assert done.detail == "1 sessions were ended"
        assert desk.identity.authenticator.again(tina) is None

    run(story())


def test_the_machine_itself_means_the_owner() -> None:
    async def story() -> None:
        desk = await open_desk()
        assert (await desk.send(LOCAL, s.ListSessions())).items == ()
        alice, _, _ = await three(desk)

        page = await desk.send(LOCAL, s.ListSessions())
        assert [each.id for each in page.items] == [alice.session]
        await desk.send(LOCAL, s.RevokeSessions())

        assert desk.identity.authenticator.again(alice) is None

    run(story())


def test_sessions_come_in_pages() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, _, tina = await three(desk)
        for _ in range(6):
            desk.pass_s(10)
            await desk.ask(Login(username="tina", password=GOOD))

        found: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = await desk.send(tina, s.ListSessions(limit=3, cursor=cursor))
            found += [each.id for each in page.items]
            cursor = page.next_cursor

        assert len(found) == len(set(found)) == 7

    run(story())
