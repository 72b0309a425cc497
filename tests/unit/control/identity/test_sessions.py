"""Sessions: how long they last, that they end at once, and that a stolen token ends them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.sign_in_desk import (
    HERE,
    SECOND,
    THERE,
    Desk,
    open_desk,
    others_run,
    refusal,
    run,
)

from botcore.control.identity import Algorithm, IdentityConfig, NoticeKind
from botcore.control.identity.opaque import digest_of
from botcore.control.identity.ports import RefreshToken, Session
from botcore.control.identity.sessions import Origin, Sessions

HOUR, DAY = 3_600, 86_400
BROWSER = Origin(HERE, "Firefox")
STAYING = Origin(HERE, "Firefox", is_staying=True)


async def start(desk: Desk, origin: Origin = BROWSER, user: str = "u1") -> tuple[Session, str]:
    return await desk.identity.sessions.start(user, ("pwd",), origin)


def test_a_browser_session_lasts_24_hours_however_often_it_is_refreshed() -> None:
    async def story() -> None:
        desk = await open_desk()
        session, token = await start(desk)
        for _ in range(23):
            desk.pass_s(HOUR)
            _, token = await desk.identity.sessions.refresh(token)

        desk.pass_s(HOUR - 1)
        assert desk.identity.sessions.get(session.id) is not None
        desk.pass_s(1)

        assert desk.identity.sessions.get(session.id) is None
        assert await refusal(desk.identity.sessions.refresh(token)) == "SESSION_ENDED"

    run(story())


def test_one_that_stays_ends_after_seven_days_without_use() -> None:
    async def story() -> None:
        desk = await open_desk()
        session, token = await start(desk, STAYING)

        desk.pass_s(7 * DAY - 1)
        _, token = await desk.identity.sessions.refresh(token)
        desk.pass_s(7 * DAY - 1)
        assert desk.identity.sessions.get(session.id) is not None
        desk.pass_s(1)

        assert desk.identity.sessions.get(session.id) is None
        assert await refusal(desk.identity.sessions.refresh(token)) == "SESSION_ENDED"

    run(story())


def test_one_that_stays_ends_after_thirty_days_however_often_it_is_used() -> None:
    async def story() -> None:
        desk = await open_desk()
        session, token = await start(desk, STAYING)
        for _ in range(29):
            desk.pass_s(DAY)
            _, token = await desk.identity.sessions.refresh(token)

        desk.pass_s(DAY - 1)
        assert desk.identity.sessions.get(session.id) is not None
        desk.pass_s(1)

        assert desk.identity.sessions.get(session.id) is None

    run(story())


def test_a_refresh_token_is_256_bits_and_stored_as_its_hash() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, token = await start(desk)

        assert len(token.removeprefix("bcr_")) == 43
        assert await desk.store.refresh_token(digest_of(token)) is not None
        assert token.encode() not in msgspec.json.encode(
            [(token.digest.hex(), token.session_id) for token in desk.store._tokens.values()]
        )

    run(story())


def test_a_refresh_token_is_good_for_one_exchange_and_a_second_ends_the_session() -> None:
    async def story() -> None:
        desk = await open_desk()
        session, first = await start(desk)
        _, second = await desk.identity.sessions.refresh(first)

        code = await refusal(desk.identity.sessions.refresh(first, THERE))

        assert code == "REFRESH_REUSED"
        assert desk.identity.sessions.get(session.id) is None
        assert desk.ended == [session.id]
        assert desk.kinds() == [NoticeKind.REFRESH_REUSED]
        assert THERE in desk.notices[0].text
        assert await refusal(desk.identity.sessions.refresh(second)) == "SESSION_ENDED"
        assert await refusal(desk.identity.sessions.refresh(first)) == "REFRESH_REUSED"
        assert len(desk.notices) == 1

    run(story())


def test_reuse_ends_one_session_and_leaves_the_others() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, stolen = await start(desk)
        other, _ = await start(desk)
        await desk.identity.sessions.refresh(stolen)

        await refusal(desk.identity.sessions.refresh(stolen))

        assert [each.id for each in desk.identity.sessions.of("u1")] == [other.id]

    run(story())


class SlowStore:
    """Lets others run before it answers what it is asked while exchanging, as a database does."""

    def __init__(self, desk: Desk) -> None:
        self._store = desk.store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def refresh_token(self, digest: bytes) -> RefreshToken | None:
        found = await self._store.refresh_token(digest)
        await others_run()
        return found

    async def rotate_refresh_token(
        self, digest: bytes, successor: RefreshToken, session: Session, ts: int
    ) -> bool:
        await others_run()
        won = await self._store.rotate_refresh_token(digest, successor, session, ts)
        await others_run()
        return won


def slow_sessions(desk: Desk) -> Sessions:
    return Sessions(
        store=SlowStore(desk),  # type: ignore[arg-type]  # it hands on what it does not define
        config=desk.config,
        endings=desk.identity.endings,
        notify=desk.notices.append,
        clock=desk.clock,
    )


@settings(max_examples=25, deadline=None)
@given(submits=st.integers(2, 8))
def test_of_concurrent_exchanges_at_most_one_wins_and_the_family_ends(submits: int) -> None:
    async def story() -> None:
        desk = await open_desk()
        sessions = slow_sessions(desk)
        session, token = await sessions.start("u1", ("pwd",), BROWSER)

        told = await asyncio.gather(
            *(sessions.refresh(token) for _ in range(submits)), return_exceptions=True
        )

        exchanged = [each for each in desk.store._tokens.values() if each.used_at]
        assert len(exchanged) == 1
        assert len(desk.store._tokens) == 2
        assert sum(isinstance(each, tuple) for each in told) <= 1
        assert all(
            getattr(each, "code", "") in ("REFRESH_REUSED", "SESSION_ENDED")
            for each in told
            if not isinstance(each, tuple)
        )
        assert sessions.get(session.id) is None
        assert desk.kinds() == [NoticeKind.REFRESH_REUSED]

    run(story())


def test_an_exchange_after_the_race_was_won_also_ends_the_family() -> None:
    async def story() -> None:
        desk = await open_desk()
        sessions = slow_sessions(desk)
        session, token = await sessions.start("u1", ("pwd",), BROWSER)
        winner = await sessions.refresh(token)

        assert winner[0].id == session.id
        assert await refusal(sessions.refresh(token)) == "REFRESH_REUSED"
        assert await refusal(sessions.refresh(winner[1])) == "SESSION_ENDED"

    run(story())


def test_a_session_that_is_revoked_during_its_exchange_stays_revoked() -> None:
    async def story() -> None:
        desk = await open_desk()
        sessions = slow_sessions(desk)
        session, token = await sessions.start("u1", ("pwd",), BROWSER)

        exchange = asyncio.create_task(sessions.refresh(token))
        for _ in range(3):
            await others_run()
        await sessions.revoke([session.id], "signed out")

        assert await refusal(exchange) == "SESSION_ENDED"  # type: ignore[arg-type]  # a task waits
        assert sessions.get(session.id) is None
        assert not await desk.store.live_sessions(desk.clock.now_ns())

    run(story())


def test_a_factor_shown_during_an_exchange_is_not_lost() -> None:
    async def story() -> None:
        desk = await open_desk()
        sessions = slow_sessions(desk)
        session, token = await sessions.start("u1", ("pwd",), BROWSER)
        desk.pass_s(600)

        exchange = asyncio.create_task(sessions.refresh(token))
        for _ in range(2):
            await others_run()
        shown = await sessions.show_factor(session.id, "otp")
        merged, _ = await exchange

        (stored,) = await desk.store.live_sessions(desk.clock.now_ns())
        assert merged.auth_time == stored.auth_time == shown.auth_time > session.auth_time
        assert stored.methods == ("pwd", "otp")

    run(story())


@pytest.mark.parametrize("token", ["", "bcr_", "x" * 100_000, "bcr_" + "A" * 43])
def test_an_unknown_refresh_token_is_refused(token: str) -> None:
    async def story() -> None:
        desk = await open_desk()
        await start(desk)

        assert await refusal(desk.identity.sessions.refresh(token)) == "SESSION_ENDED"

    run(story())


def test_revoking_ends_at_once_and_tells_who_listens() -> None:
    async def story() -> None:
        desk = await open_desk()
        session, token = await start(desk)
        states: list[bool] = []
        stop = desk.identity.endings.on_revoked(
            lambda ended: states.append(desk.identity.sessions.get(ended) is None)
        )

        await desk.identity.sessions.revoke([session.id, session.id, "unknown"], "signed out")
        stop()
        await desk.identity.sessions.revoke([session.id], "signed out")

        assert states == [True]
        assert desk.ended == [session.id]
        assert await refusal(desk.identity.sessions.refresh(token)) == "SESSION_ENDED"
        await desk.restart()
        assert desk.identity.sessions.get(session.id) is None

    run(story())


def test_revoking_holds_in_memory_although_the_store_is_gone() -> None:
    from tests.support.control_fakes import gone

    async def story() -> None:
        desk = await open_desk()
        session, _ = await start(desk)

        async def broken(*_: object) -> None:
            raise gone()

        desk.store.revoke_sessions = broken  # type: ignore[assignment, method-assign]  # a full disk
        with pytest.raises(Exception, match="DISK_FULL"):
            await desk.identity.sessions.revoke([session.id], "signed out")

        assert desk.identity.sessions.get(session.id) is None
        assert desk.ended == [session.id]

    run(story())


def test_all_of_a_user_end_but_the_one_that_asks() -> None:
    async def story() -> None:
        desk = await open_desk()
        kept, _ = await start(desk)
        for _ in range(3):
            await start(desk)
        other, _ = await start(desk, user="u2")

        ended = await desk.identity.sessions.revoke_all("u1", "signed out", but=kept.id)

        assert ended == 3
        assert [each.id for each in desk.identity.sessions.of("u1")] == [kept.id]
        assert [each.id for each in desk.identity.sessions.of("u2")] == [other.id]

    run(story())


def test_sessions_outlive_a_restart_and_keep_their_ends() -> None:
    async def story() -> None:
        desk = await open_desk()
        staying, _ = await start(desk, STAYING)
        brief, _ = await start(desk)

        desk.pass_s(2 * DAY)
        await desk.restart()

        assert desk.identity.sessions.get(staying.id) == staying
        assert desk.identity.sessions.get(brief.id) is None

    run(story())


def test_a_user_has_so_many_sessions_and_the_longest_idle_ends() -> None:
    async def story() -> None:
        desk = await open_desk(IdentityConfig(algorithm=Algorithm.ED25519, sessions_max=3))
        made = []
        for _ in range(4):
            made.append((await start(desk))[0].id)
            desk.pass_s(1)
            desk.identity.sessions.use(made[0])

        assert {each.id for each in desk.identity.sessions.of("u1")} == {
            made[0],
            made[2],
            made[3],
        }
        assert desk.ended == [made[1]]

    run(story())


def test_the_last_use_is_shown_at_once_and_stored_when_it_is_due() -> None:
    async def story() -> None:
        desk = await open_desk()
        session, _ = await start(desk)
        desk.pass_s(60)

        desk.identity.sessions.use(session.id)

        (shown,) = desk.identity.sessions.of("u1")
        assert shown.seen_at == session.seen_at + 60 * SECOND
        await desk.identity.tend()
        await desk.restart()
        (stored,) = desk.identity.sessions.of("u1")
        assert stored.seen_at == shown.seen_at

    run(story())


def test_tending_tells_who_listens_of_sessions_that_ended_by_time() -> None:
    async def story() -> None:
        desk = await open_desk()
        session, _ = await start(desk)

        await desk.identity.tend()
        assert desk.ended == []
        desk.pass_s(DAY)
        await desk.identity.tend()
        await desk.identity.tend()

        assert desk.ended == [session.id]

    run(story())


def test_what_ended_a_month_ago_is_forgotten() -> None:
    async def story() -> None:
        desk = await open_desk()
        session, token = await start(desk)
        await desk.identity.sessions.refresh(token)

        desk.pass_s(DAY + 30 * DAY)
        await desk.identity.tend()
        assert session.id in desk.store._sessions
        desk.pass_s(1)
        await desk.identity.tend()

        assert not desk.store._sessions
        assert not desk.store._tokens

    run(story())
