"""Signing in through the door of control: what is answered, what is written down, who may."""

from __future__ import annotations

import msgspec
import pyotp
import pytest
from tests.support.sign_in_desk import GOOD, HERE, LOCAL, OTHER, Desk, open_desk, refusal, run

from botcore.control.access import Actor, Role, Scope
from botcore.control.identity import Algorithm, IdentityConfig
from botcore.control.operations import Operation
from botcore.control.schema import auth as a
from botcore.control.schema import keys, sessions, users
from botcore.control.schema.auth import SignInStatus

ALL = (*a.OPERATIONS, *users.OPERATIONS, *sessions.OPERATIONS, *keys.OPERATIONS)


async def owner(desk: Desk) -> tuple[a.SignedIn, Actor]:
    """Make the owner as the page does, from the link that `up` prints."""
    link = await desk.send(LOCAL, a.MakeLink())
    signed = await desk.ask(a.Register(token=link.token, username="alice", password=GOOD))
    return signed, desk.bearer(signed.access_token)


async def set_up_factor(desk: Desk, actor: Actor) -> tuple[pyotp.TOTP, tuple[str, ...]]:
    enrolment = await desk.send(actor, a.EnrolTotp())
    totp = pyotp.TOTP(enrolment.secret)
    codes = (await desk.send(actor, a.ConfirmTotp(code=desk.code(totp)))).codes
    desk.pass_s(30)
    return totp, codes


def test_the_first_visit_makes_the_owner_and_registration_is_closed_afterwards() -> None:
    async def story() -> None:
        desk = await open_desk()

        signed, actor = await owner(desk)

        assert signed.status is SignInStatus.SIGNED_IN
        assert signed.role is Role.OWNER
        me = await desk.send(actor, a.ReadMe())
        assert (me.username, me.role, me.has_second_factor) == ("alice", Role.OWNER, False)
        closed = desk.ask(a.Register(username="eve", password=GOOD))
        assert await refusal(closed) == "REGISTRATION_CLOSED"

    run(story())


def test_signing_in_answers_tokens_and_when_they_end() -> None:
    async def story() -> None:
        desk = await open_desk()
        await owner(desk)

        brief = await desk.ask(a.Login(username="alice", password=GOOD))
        staying = await desk.ask(a.Login(username="alice", password=GOOD, stay_signed_in=True))

        assert brief.status is SignInStatus.SIGNED_IN
        assert brief.token_type == "Bearer"
        assert brief.expires_at is not None
        assert brief.expires_at.timestamp() == desk.clock.now_ns() / 1e9 + 900
        assert brief.refresh_token.startswith("bcr_")
        assert brief.refresh_max_age_s is None
        assert staying.refresh_max_age_s == 7 * 86_400

    run(story())


def test_signing_in_with_a_second_factor_takes_two_steps() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, actor = await owner(desk)
        totp, codes = await set_up_factor(desk, actor)

        first = await desk.ask(a.Login(username="alice", password=GOOD))
        assert first.status is SignInStatus.SECOND_FACTOR
        assert first.access_token == first.refresh_token == first.session == ""
        second = await desk.ask(a.ShowSecondFactor(challenge=first.challenge, code=desk.code(totp)))

        assert second.status is SignInStatus.SIGNED_IN
        me = await desk.send(desk.bearer(second.access_token), a.ReadMe())
        assert (me.has_second_factor, me.recovery_codes_left) == (True, len(codes))

    run(story())


def test_refreshing_gives_new_tokens_and_a_second_use_ends_the_session() -> None:
    async def story() -> None:
        desk = await open_desk()
        signed, _ = await owner(desk)
        desk.pass_s(1_000)

        newer = await desk.ask(a.Refresh(refresh_token=signed.refresh_token))

        assert newer.session == signed.session
        assert newer.refresh_token != signed.refresh_token
        actor = desk.bearer(newer.access_token)
        assert actor.name == "person:alice"
        again = desk.ask(a.Refresh(refresh_token=signed.refresh_token))
        assert await refusal(again) == "REFRESH_REUSED"
        (entry,) = [each for each in desk.audit.entries if each.code == "REFRESH_REUSED"]
        assert (entry.action, entry.result) == ("auth.refresh", "refused")
        assert desk.identity.authenticator.again(actor) is None

    run(story())


def test_signing_out_works_with_the_access_token_or_with_the_refresh_token() -> None:
    async def story() -> None:
        desk = await open_desk()
        signed, actor = await owner(desk)
        other = await desk.ask(a.Login(username="alice", password=GOOD))

        await desk.send(actor, a.Logout())
        await desk.ask(a.Logout(refresh_token=other.refresh_token))
        await desk.ask(a.Logout())
        await desk.ask(a.Logout(refresh_token="bcr_unknown"))

        assert desk.ended == [signed.session, other.session]

    run(story())


def test_a_key_signs_nobody_out() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, actor = await owner(desk)
        made = await desk.send(actor, keys.NewKey(name="k", scopes=frozenset({Scope.READ_MARKET})))

        await desk.send(desk.bearer(made.api_key), a.Logout())

        assert desk.ended == []
        assert desk.bearer(made.api_key).name == f"key:{made.key.id}"

    run(story())


def test_the_audit_shows_who_did_what_and_no_secret() -> None:
    async def story() -> None:
        desk = await open_desk()
        signed, actor = await owner(desk)
        totp, codes = await set_up_factor(desk, actor)
        first = await desk.ask(a.Login(username="alice", password=GOOD))
        code = desk.code(totp)
        await desk.ask(a.ShowSecondFactor(challenge=first.challenge, code=code))
        await refusal(desk.ask(a.Login(username="alice", password=OTHER)))
        await desk.ask(a.Refresh(refresh_token=signed.refresh_token))
        await desk.send(actor, a.StepUp(code=codes[0]))
        await desk.send(actor, a.ChangePassword(current_password=GOOD, new_password=OTHER))

        text = msgspec.json.encode(desk.audit.entries).decode()

        secrets = (GOOD, OTHER, signed.refresh_token, first.challenge, codes[0], totp.secret)
        assert [each for each in secrets if each in text] == []
        assert f'"{code}"' not in text
        logins = [each for each in desk.audit.entries if each.action == "auth.login"]
        assert [each.result for each in logins] == ["asked", "done", "asked", "refused"]
        assert {each.request["username"] for each in logins} == {"alice"}
        assert {each.address for each in logins} == {HERE}

    run(story())


def test_only_an_owner_makes_sign_in_links() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, alice = await owner(desk)
        admin = await desk.actor("bob", Role.ADMIN)

        assert (await desk.send(alice, a.MakeLink(user="bob"))).username == "bob"
        assert await refusal(desk.send(admin, a.MakeLink())) == "LINKS_BY_OWNER"
        assert await refusal(desk.send(admin, a.MakeLink(user="bob"))) == "LINKS_BY_OWNER"

    run(story())


def test_a_link_is_shown_with_where_it_leads_and_when_it_ends() -> None:
    async def story() -> None:
        config = IdentityConfig(algorithm=Algorithm.ED25519, public_url="http://127.0.0.1:8080")
        desk = await open_desk(config)
        await owner(desk)

        link = await desk.send(LOCAL, a.MakeLink())
        signed = await desk.ask(a.TakeLink(token=link.token))

        assert link.url == f"http://127.0.0.1:8080/sign-in#link={link.token}"
        assert link.expires_at.timestamp() == desk.clock.now_ns() / 1e9 + 300
        assert (link.username, signed.username) == ("alice", "alice")

    run(story())


def test_a_dangerous_act_takes_a_factor_shown_within_five_minutes() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, actor = await owner(desk)
        new = keys.NewKey(name="k", scopes=frozenset({Scope.TRADE_PAPER}))
        desk.pass_s(301)

        assert await refusal(desk.send(actor, new)) == "STEP_UP_REQUIRED"
        stepped = await desk.send(actor, a.StepUp(password=GOOD))
        assert stepped.until.timestamp() == desk.clock.now_ns() / 1e9 + 300
        # The same access token is enough: what counts is the session.
        again = desk.identity.authenticator.again(actor)
        assert again is not None
        await desk.send(again, new)
        desk.pass_s(301)
        assert await refusal(desk.send(again, new)) == "STEP_UP_REQUIRED"

    run(story())


def test_the_second_factor_is_removed_by_its_user_and_only_if_there_is_one() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, actor = await owner(desk)

        assert await refusal(desk.send(actor, a.DisableTotp())) == "FACTOR_NOT_SET_UP"
        assert await refusal(desk.send(actor, a.RenewRecoveryCodes())) == "FACTOR_NOT_SET_UP"
        _, old = await set_up_factor(desk, actor)
        new = (await desk.send(actor, a.RenewRecoveryCodes())).codes
        assert not set(old) & set(new)
        await desk.send(actor, a.DisableTotp())

        signed = await desk.ask(a.Login(username="alice", password=GOOD))
        assert signed.status is SignInStatus.SIGNED_IN

    run(story())


@pytest.mark.parametrize(
    "request_",
    [a.EnrolTotp(), a.DisableTotp(), a.RenewRecoveryCodes(), a.StepUp(password=GOOD)],
)
def test_the_machine_itself_has_no_factors(request_: a.EnrolTotp) -> None:
    async def story() -> None:
        desk = await open_desk()
        await owner(desk)

        assert await refusal(desk.send(LOCAL, request_)) == "NOT_A_PERSON"
        me = await desk.send(LOCAL, a.ReadMe())
        assert (me.username, me.kind, me.auth_time) == ("local:root", "local", None)

    run(story())


def test_public_keys_are_for_everybody_and_two_live() -> None:
    async def story() -> None:
        desk = await open_desk()

        found = await desk.ask(a.ReadKeys())

        assert len(found.keys) == 2
        assert all("d" not in key for key in found.keys)

    run(story())


def test_renewing_the_signing_keys_ends_every_access_token_and_no_session() -> None:
    async def story() -> None:
        desk = await open_desk()
        signed, actor = await owner(desk)

        await desk.send(actor, a.RenewSigningKeys())

        with pytest.raises(Exception, match="TOKEN_REFUSED"):
            desk.bearer(signed.access_token)
        newer = await desk.ask(a.Refresh(refresh_token=signed.refresh_token))
        assert desk.bearer(newer.access_token).session == signed.session

    run(story())


def test_a_ticket_is_for_who_asks_and_from_where() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, actor = await owner(desk)

        ticket = await desk.send(actor, a.AskTicket(origin="https://bot.example"))

        assert ticket.expires_at.timestamp() == desk.clock.now_ns() / 1e9 + 30
        assert desk.identity.tickets.take(ticket.ticket, "https://bot.example") == actor
        assert await refusal(desk.ask(a.AskTicket())) == "NOT_SIGNED_IN"

    run(story())


# Every operation of sign-in.


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
def test_what_is_not_public_is_closed_to_strangers(operation: Operation) -> None:
    public = {
        "auth.register",
        "auth.login",
        "auth.mfa",
        "auth.refresh",
        "auth.logout",
        "auth.take-link",
        "auth.keys",
    }

    assert (operation.scope is None) == (operation.name in public)
    if operation.name not in public:
        assert run(_stranger(operation)) == "NOT_SIGNED_IN"


async def _stranger(operation: Operation) -> str:
    desk = await open_desk()
    return await refusal(desk.ask(operation.examples[0]))


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
@pytest.mark.parametrize("field", ["role_", "owner_id", "is_admin", "user_id", "balance"])
def test_no_field_is_taken_that_was_not_declared(operation: Operation, field: str) -> None:
    body = msgspec.to_builtins(operation.examples[0])

    msgspec.convert(body, operation.request, strict=False)
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({**body, field: "x"}, operation.request, strict=False)


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.name)
def test_every_operation_has_a_command_or_says_why_not(operation: Operation) -> None:
    assert bool(operation.command) != bool(operation.no_command)
    names = {field.name for field in msgspec.structs.fields(operation.request)}
    assert set(operation.positional) <= names


def test_names_paths_and_commands_are_each_used_once() -> None:
    for values in (
        [operation.name for operation in ALL],
        [(operation.method, operation.path) for operation in ALL],
        [operation.command for operation in ALL if operation.command],
    ):
        assert len(values) == len(set(values))


def test_the_commands_that_were_promised_are_there() -> None:
    commands = {" ".join(operation.command) for operation in ALL}

    promised = {
        *(f"user {verb}" for verb in ("add", "invite", "role", "reset", "sessions", "list")),
        *(f"user {verb}" for verb in ("disable", "enable", "remove")),
        *(f"key {verb}" for verb in ("new", "list", "revoke")),
        *(f"session {verb}" for verb in ("list", "revoke")),
    }
    assert promised <= commands


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (a.Login, {"username": "", "password": "x"}),
        (a.Login, {"username": "x" * 65, "password": "x"}),
        (a.Login, {"username": "a", "password": "x" * 1_025}),
        (a.Login, {"username": ["a"], "password": "x"}),
        (a.Register, {"username": "../etc", "password": "x"}),
        (a.Register, {"username": "alice\n", "password": "x"}),
        (a.Register, {"username": "álice", "password": "x"}),
        (a.Register, {"username": "a" * 33, "password": "x"}),
        (a.Register, {"username": "a", "password": "x", "email": "not an address"}),
        (a.Register, {"username": "a", "password": "x", "device": "a\r\nSet-Cookie: x"}),
        (a.Refresh, {"refresh_token": "x" * 129}),
        (a.Refresh, {"transport": "header"}),
        (keys.NewKey, {"name": "k", "scopes": []}),
        (keys.NewKey, {"name": "k", "scopes": ["admin:*"]}),
        (keys.NewKey, {"name": "k", "scopes": ["read:market"], "days": 366}),
        (keys.NewKey, {"name": "k", "scopes": ["read:market"], "is_unattended": "yes"}),
        (users.SetRole, {"user": "bob", "role": "god"}),
        (sessions.RevokeSession, {"id": "../x"}),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_done(
    kind: type[a.Login], body: dict[str, object]
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(body, kind)
