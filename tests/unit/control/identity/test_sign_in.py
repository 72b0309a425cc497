"""Signing in, step by step, and what must not get anybody in."""

from __future__ import annotations

import asyncio

import msgspec
import pyotp
import pytest
from argon2 import PasswordHasher
from tests.support.sign_in_desk import (
    CHEAP,
    GOOD,
    HERE,
    OTHER,
    THERE,
    Desk,
    open_desk,
    others_run,
    refusal,
    run,
)

from botcore.control.access import Actor, ActorKind, Role
from botcore.control.identity import (
    Algorithm,
    IdentityConfig,
    NoticeKind,
    PasswordCost,
    ThrottleConfig,
    opened,
)
from botcore.control.identity.ports import RefreshToken, Session
from botcore.control.identity.sessions import Origin
from botcore.control.identity.sign_in import Grant, Pending

ORIGIN = Origin(HERE, "Firefox")
ROOMY = IdentityConfig(algorithm=Algorithm.ED25519, throttle=ThrottleConfig(address_burst=1_000))


async def login(
    desk: Desk, password: str = GOOD, *, username: str = "alice", origin: Origin = ORIGIN
) -> Grant | Pending:
    return await desk.identity.sign_in.login(username, password, origin)


async def pending(desk: Desk) -> Pending:
    found = await login(desk)
    assert isinstance(found, Pending)
    return found


def test_the_right_password_signs_in() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        desk.pass_s(60)

        grant = await login(desk, username="ALICE")

        assert isinstance(grant, Grant)
        assert desk.bearer(grant.access_token).name == "person:alice"
        assert grant.session.methods == ("pwd",)
        assert grant.user.last_login == desk.clock.now_ns()
        assert (await desk.store.users())[0].last_login == desk.clock.now_ns()

    run(story())


def test_a_wrong_password_and_an_unknown_user_look_the_same() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        told = []
        for username, password in (("alice", OTHER), ("nobody", OTHER), ("", ""), ("x" * 64, GOOD)):
            try:
                await login(desk, password, username=username)
            except Exception as error:  # noqa: BLE001  # whatever it is, it must look the same
                told.append((type(error).__name__, str(error)))

        assert len(told) == 4
        assert len(set(told)) == 1
        assert "SIGN_IN_INCORRECT" in told[0][1]

    run(story())


@pytest.mark.parametrize("username", ["alice", "nobody", "unset"])
def test_a_hash_is_computed_whoever_is_asked_for(
    username: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        desk = await open_desk()
        alice = (await desk.owner()).user
        unset = msgspec.structs.replace(alice, id="u9", username="unset", password_hash="")
        await desk.identity.people.add(unset)
        computed: list[str] = []
        real = PasswordHasher.verify

        def verify(self: PasswordHasher, hash: str, password: str) -> bool:  # its name
            computed.append(hash)
            return bool(real(self, hash, password))

        monkeypatch.setattr(PasswordHasher, "verify", verify)

        code = await refusal(login(desk, OTHER, username=username))

        assert code == "SIGN_IN_INCORRECT"
        assert [text.rsplit("$", 2)[0] for text in computed] == [
            f"$argon2id$v=19$m={CHEAP.memory_kib},t={CHEAP.passes},p=1"
        ]

    run(story())


def test_tries_for_an_unknown_user_are_slowed_like_those_for_a_known_one() -> None:
    async def story() -> None:
        waits = []
        for username in ("alice", "nobody"):
            desk = await open_desk(ROOMY)
            await desk.owner()
            codes = [
                await refusal(login(desk, OTHER, username=username, origin=Origin(THERE)))
                for _ in range(8)
            ]
            waits.append(codes)

        assert waits[0] == waits[1] == ["SIGN_IN_INCORRECT"] * 5 + ["SIGN_IN_SLOWED"] * 3

    run(story())


def test_many_tries_at_once_are_not_one_try() -> None:
    async def story() -> None:
        desk = await open_desk(ROOMY)
        await desk.owner()

        told = await asyncio.gather(
            *(refusal(login(desk, OTHER, origin=Origin(THERE))) for _ in range(50))
        )

        assert told.count("SIGN_IN_INCORRECT") == 5
        assert told.count("SIGN_IN_SLOWED") == 45

    run(story())


def test_nobody_can_lock_out_who_is_signed_in_somewhere() -> None:
    async def story() -> None:
        desk = await open_desk(ROOMY)
        await desk.owner()
        for _ in range(20):
            await refusal(login(desk, OTHER, origin=Origin(THERE)))

        assert await refusal(login(desk, origin=Origin(THERE))) == "SIGN_IN_SLOWED"
        assert isinstance(await login(desk), Grant)

    run(story())


def test_an_address_that_floods_is_slowed_before_anything_is_hashed() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        told = [
            await refusal(login(desk, OTHER, username=f"user{n}", origin=Origin(THERE)))
            for n in range(25)
        ]

        assert told == ["SIGN_IN_INCORRECT"] * 20 + ["SIGN_IN_SLOWED"] * 5
        assert isinstance(await login(desk), Grant)

    run(story())


def test_a_disabled_user_is_told_so_only_with_the_right_password() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice = (await desk.owner()).user
        await desk.identity.people.change(msgspec.structs.replace(alice, is_disabled=True))

        assert await refusal(login(desk)) == "ACCOUNT_DISABLED"
        assert await refusal(login(desk, OTHER)) == "SIGN_IN_INCORRECT"

    run(story())


def test_who_is_disabled_while_his_password_is_hashed_does_not_get_in() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice = (await desk.owner()).user

        attempt = asyncio.create_task(login(desk))
        await others_run()
        await desk.identity.people.change(msgspec.structs.replace(alice, is_disabled=True))

        assert await refusal(attempt) == "ACCOUNT_DISABLED"  # type: ignore[arg-type]  # a task waits

    run(story())


def test_a_password_that_changes_while_the_old_one_is_hashed_does_not_let_it_in() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice = (await desk.owner()).user
        fresh = await desk.identity._passwords.hash(OTHER)

        attempt = asyncio.create_task(login(desk))
        await others_run()
        await desk.identity.people.change(msgspec.structs.replace(alice, password_hash=fresh))

        assert await refusal(attempt) == "SIGN_IN_INCORRECT"  # type: ignore[arg-type]  # a task waits

    run(story())


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"password_hash": "another"}])
def test_who_is_changed_while_his_session_is_stored_does_not_get_in(
    change: dict[str, bool | str],
) -> None:
    async def story() -> None:
        desk = await open_desk()
        alice = (await desk.owner()).user
        await desk.identity.sessions.revoke_all(alice.id, "signed out")
        real = desk.store.add_session

        async def slowly(session: Session, token: RefreshToken) -> None:
            await real(session, token)
            await desk.identity.people.change(msgspec.structs.replace(alice, **change))

        desk.store.add_session = slowly  # type: ignore[method-assign]  # something comes between

        assert await refusal(login(desk)) == "SIGN_IN_INCORRECT"
        assert desk.identity.sessions.of(alice.id) == ()
        assert await desk.store.live_sessions(desk.clock.now_ns()) == ()

    run(story())


def test_a_hash_is_made_anew_when_what_it_costs_has_risen() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        desk.identity = await opened(
            store=desk.store,
            key_file=desk.key_file,
            config=desk.config,
            cost=PasswordCost(memory_kib=16, passes=2),
            notify=desk.notices.append,
            clock=desk.clock,
        )

        assert isinstance(await login(desk), Grant)

        (stored,) = await desk.store.users()
        assert "$m=16,t=2,p=1$" in stored.password_hash
        assert isinstance(await login(desk), Grant)
        assert NoticeKind.PASSWORD_CHANGED not in desk.kinds()

    run(story())


# The second factor.


def test_with_a_second_factor_the_password_alone_gives_no_token() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        totp, _ = await desk.with_factor(grant)
        before = len(desk.identity.sessions.of(grant.user.id))

        waiting = await pending(desk)

        assert len(desk.identity.sessions.of(grant.user.id)) == before
        code = desk.code(totp)
        done = await desk.identity.sign_in.second_factor(waiting.challenge, code, HERE)
        assert done.session.methods == ("pwd", "otp")
        assert desk.bearer(done.access_token).name == "person:alice"

    run(story())


def test_a_challenge_is_good_once_and_bound_to_its_user() -> None:
    async def story() -> None:
        desk = await open_desk()
        totp, _ = await desk.with_factor(await desk.owner())
        bobs, _ = await desk.with_factor(await desk.user("bob", Role.TRADER))
        second_factor = desk.identity.sign_in.second_factor
        waiting = await pending(desk)

        foreign = second_factor(waiting.challenge, desk.code(bobs), HERE)
        assert await refusal(foreign) == "CODE_WRONG"
        await second_factor(waiting.challenge, desk.code(totp), HERE)
        desk.pass_s(30)

        again = second_factor(waiting.challenge, desk.code(totp), HERE)
        assert await refusal(again) == "CHALLENGE_ENDED"

    run(story())


def test_a_code_that_was_overheard_at_one_sign_in_is_no_good_at_another() -> None:
    async def story() -> None:
        desk = await open_desk()
        totp, _ = await desk.with_factor(await desk.owner())
        second_factor = desk.identity.sign_in.second_factor
        code = desk.code(totp)
        mine, thiefs = await pending(desk), await pending(desk)

        await second_factor(mine.challenge, code, HERE)

        assert await refusal(second_factor(thiefs.challenge, code, THERE)) == "CODE_WRONG"

    run(story())


def test_five_wrong_codes_end_the_attempt_and_then_there_is_a_wait() -> None:
    async def story() -> None:
        desk = await open_desk(ROOMY)
        totp, _ = await desk.with_factor(await desk.owner())
        waiting = await pending(desk)
        second_factor = desk.identity.sign_in.second_factor

        told = [await refusal(second_factor(waiting.challenge, "000000", HERE)) for _ in range(6)]
        assert told == ["CODE_WRONG"] * 5 + ["CHALLENGE_ENDED"]

        fresh = await pending(desk)  # the password is right, but the codes are slowed by now
        slowed = second_factor(fresh.challenge, desk.code(totp), HERE)
        assert await refusal(slowed) == "SIGN_IN_SLOWED"
        desk.pass_s(1)
        await second_factor(fresh.challenge, desk.code(totp), HERE)

    run(story())


def test_many_codes_at_once_are_not_one_try() -> None:
    async def story() -> None:
        desk = await open_desk(ROOMY)
        await desk.with_factor(await desk.owner())
        waiting = await pending(desk)

        told = await asyncio.gather(
            *(
                refusal(desk.identity.sign_in.second_factor(waiting.challenge, f"{n:06}", HERE))
                for n in range(60)
            )
        )

        assert told.count("CODE_WRONG") <= 5

    run(story())


def test_a_challenge_waits_five_minutes() -> None:
    async def story() -> None:
        desk = await open_desk()
        totp, _ = await desk.with_factor(await desk.owner())
        waiting = await pending(desk)

        desk.pass_s(300)

        late = desk.identity.sign_in.second_factor(waiting.challenge, desk.code(totp), HERE)
        assert await refusal(late) == "CHALLENGE_ENDED"

    run(story())


def test_a_password_changed_meanwhile_ends_the_attempt() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        totp, _ = await desk.with_factor(grant)
        waiting = await pending(desk)
        actor = desk.bearer(grant.access_token)

        await desk.identity.sign_in.change_password(actor, GOOD, OTHER)

        late = desk.identity.sign_in.second_factor(waiting.challenge, desk.code(totp), HERE)
        assert await refusal(late) == "CHALLENGE_ENDED"

    run(story())


def test_a_recovery_code_stands_in_once_and_its_user_is_told() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, codes = await desk.with_factor(await desk.owner())
        second_factor = desk.identity.sign_in.second_factor

        grant = await second_factor((await pending(desk)).challenge, codes[3], HERE)

        assert grant.session.methods == ("pwd", "recovery")
        assert NoticeKind.RECOVERY_CODE_USED in desk.kinds()
        again = second_factor((await pending(desk)).challenge, codes[3], HERE)
        assert await refusal(again) == "CODE_WRONG"

    run(story())


def test_staying_signed_in_survives_the_second_factor() -> None:
    async def story() -> None:
        desk = await open_desk()
        totp, _ = await desk.with_factor(await desk.owner())
        waiting = await login(desk, origin=Origin(HERE, "Firefox", is_staying=True))
        assert isinstance(waiting, Pending)

        code = desk.code(totp)
        grant = await desk.identity.sign_in.second_factor(waiting.challenge, code, HERE)

        assert grant.session.is_staying
        assert grant.session.device == "Firefox"

    run(story())


def test_setting_a_second_factor_up_or_removing_it_ends_other_sessions() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        other = await login(desk)
        assert isinstance(other, Grant)

        await desk.with_factor(grant)
        assert [each.id for each in desk.identity.sessions.of(grant.user.id)] == [grant.session.id]
        assert other.session.id in desk.ended

        await desk.identity.sign_in.remove_factor(grant.user.id, keep="", address=HERE)
        assert desk.identity.sessions.of(grant.user.id) == ()
        assert desk.kinds().count(NoticeKind.FACTOR_CHANGED) == 2

    run(story())


def test_who_signs_in_while_the_second_factor_is_set_up_does_not_get_in_without_it() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        real = desk.store.add_session

        async def slowly(session: Session, token: RefreshToken) -> None:
            await desk.with_factor(grant)
            await real(session, token)

        desk.store.add_session = slowly  # type: ignore[method-assign]  # something comes between

        assert await refusal(login(desk)) == "SIGN_IN_INCORRECT"
        alive = desk.identity.sessions.of(grant.user.id)
        assert [each.id for each in alive] == [grant.session.id]

    run(story())


# Showing a factor again, and changing the password.


def test_a_step_up_takes_the_password_of_who_has_no_second_factor() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        actor = desk.bearer(grant.access_token)
        step_up = desk.identity.sign_in.step_up
        desk.pass_s(600)

        assert await refusal(step_up(actor, "", OTHER)) == "PASSWORD_WRONG"
        assert await refusal(step_up(actor, "123456", "")) == "PASSWORD_WRONG"
        await step_up(actor, "", GOOD)

        now = desk.clock.now_ns() // 1_000_000_000
        assert desk.bearer(grant.access_token).auth_time == now

    run(story())


def test_a_step_up_takes_the_code_of_who_has_one_and_not_the_password() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        totp, _ = await desk.with_factor(grant)
        actor = desk.bearer(grant.access_token)
        step_up = desk.identity.sign_in.step_up
        desk.pass_s(600)

        assert await refusal(step_up(actor, "", GOOD)) == "CODE_WRONG"
        code = desk.code(totp)
        await step_up(actor, code, "")
        assert await refusal(step_up(actor, code, "")) == "CODE_WRONG"

    run(story())


def test_a_step_up_is_slowed_like_a_sign_in() -> None:
    async def story() -> None:
        desk = await open_desk(ROOMY)
        actor = desk.bearer((await desk.owner()).access_token)

        told = [await refusal(desk.identity.sign_in.step_up(actor, "", OTHER)) for _ in range(6)]

        assert told == ["PASSWORD_WRONG"] * 5 + ["SIGN_IN_SLOWED"]

    run(story())


def test_a_key_or_the_machine_shows_no_factor() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        local = Actor(kind=ActorKind.LOCAL, name="local:root", user="local:root")

        assert await refusal(desk.identity.sign_in.step_up(local, "", GOOD)) == "NOT_A_PERSON"

    run(story())


def test_changing_the_password_takes_the_old_one_and_ends_other_sessions() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        other = await login(desk)
        assert isinstance(other, Grant)
        actor = desk.bearer(grant.access_token)
        change = desk.identity.sign_in.change_password

        assert await refusal(change(actor, OTHER, OTHER)) == "PASSWORD_WRONG"
        assert await refusal(change(actor, GOOD, "password1")) == "PASSWORD_COMMON"
        assert await change(actor, GOOD, OTHER) == 1

        assert desk.bearer(grant.access_token).name == "person:alice"
        refresh = desk.identity.sign_in.refresh(other.refresh_token, HERE)
        assert await refusal(refresh) == "SESSION_ENDED"
        assert other.session.id in desk.ended
        assert await refusal(login(desk, GOOD)) == "SIGN_IN_INCORRECT"
        assert isinstance(await login(desk, OTHER), Grant)
        assert NoticeKind.PASSWORD_CHANGED in desk.kinds()

    run(story())


@pytest.mark.parametrize("change", [{"is_disabled": True}, {"password_hash": "another"}])
def test_who_knew_the_old_password_does_not_set_the_new_one_while_it_is_reset(
    change: dict[str, bool | str],
) -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        actor = desk.bearer(grant.access_token)
        other = msgspec.structs.replace(grant.user, **change)
        passwords = desk.identity._passwords
        real = passwords.hash

        async def slowly(password: str) -> str:
            await desk.identity.people.change(other)
            return await real(password)

        passwords.hash = slowly  # type: ignore[method-assign]  # something comes between
        attempt = desk.identity.sign_in.change_password(actor, GOOD, OTHER)

        assert await refusal(attempt) == "PASSWORD_WRONG"
        assert desk.identity.people.get(grant.user.id) == other

    run(story())


def test_a_session_that_was_ended_meanwhile_changes_no_password() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        actor = desk.bearer(grant.access_token)
        attempt = asyncio.create_task(desk.identity.sign_in.change_password(actor, GOOD, OTHER))
        await others_run()
        await desk.identity.sessions.revoke([grant.session.id], "ended by the owner")

        assert await refusal(attempt) == "SESSION_ENDED"  # type: ignore[arg-type]  # a task waits
        assert isinstance(await login(desk), Grant)

    run(story())


def test_a_refresh_of_a_disabled_user_ends_his_session() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        off = msgspec.structs.replace(grant.user, is_disabled=True)
        await desk.identity.people.change(off)

        refresh = desk.identity.sign_in.refresh(grant.refresh_token, HERE)

        assert await refusal(refresh) == "SESSION_ENDED"
        assert desk.identity.sessions.get(grant.session.id) is None

    run(story())


def test_signing_out_with_token_and_refresh_token_ends_the_session_once() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        actor = desk.bearer(grant.access_token)

        await desk.identity.sign_in.logout(actor, grant.refresh_token)
        await desk.identity.sign_in.logout(actor, grant.refresh_token)

        assert desk.ended == [grant.session.id]

    run(story())


def test_who_is_signed_in_stays_so_over_a_restart() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        totp, _ = await desk.with_factor(grant)

        await desk.restart()

        assert desk.bearer(grant.access_token).name == "person:alice"
        newer = await desk.identity.sign_in.refresh(grant.refresh_token, HERE)
        assert desk.bearer(newer.access_token).session == grant.session.id
        assert isinstance(totp, pyotp.TOTP)
        code = desk.code(totp)
        done = await desk.identity.sign_in.second_factor(
            (await pending(desk)).challenge, code, HERE
        )
        assert done.session.methods == ("pwd", "otp")

    run(story())
