"""From a header to who asks; whoever came in and may no longer is not let in."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.sign_in_desk import (
    HERE,
    LOCAL_TOKEN,
    THERE,
    Desk,
    open_desk,
    refused,
    run,
)

from botcore.control.access import GRANTS, STRANGER, SYSTEM, ActorKind, Role, Scope
from botcore.control.identity.api_keys import KeyTerms
from botcore.control.identity.authenticator import is_loopback
from botcore.control.local_proof import LocalProof, credential_from, new_challenge
from botcore.control.problems import Unauthenticated

TRADE = frozenset({Scope.READ_MARKET, Scope.TRADE_PAPER, Scope.ADMIN_RISK})


@pytest.mark.parametrize("header", [None, ""])
def test_who_shows_nothing_is_a_stranger(header: str | None) -> None:
    actor = run(open_desk()).identity.authenticator.actor(header, HERE)

    assert actor == msgspec.structs.replace(STRANGER, address=HERE)


def test_a_session_is_a_person_with_the_scopes_of_the_role() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        grant = await desk.user("bob", Role.TRADER)

        actor = desk.bearer(grant.access_token, THERE)

        assert actor.kind is ActorKind.PERSON
        assert actor.name == "person:bob"
        assert (actor.user, actor.session) == (grant.user.id, grant.session.id)
        assert actor.scopes == GRANTS[Role.TRADER]
        assert actor.address == THERE
        assert actor.auth_time == desk.clock.now_ns() // 1_000_000_000

    run(story())


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_the_scheme_is_read_in_any_case(scheme: str) -> None:
    async def story() -> None:
        desk = await open_desk()
        token = (await desk.owner()).access_token

        actor = desk.identity.authenticator.actor(f"{scheme} {token}", HERE)

        assert actor.kind is ActorKind.PERSON

    run(story())


def test_a_key_is_a_program_with_what_it_was_given_and_its_user_may() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        bob = await desk.user("bob", Role.TRADER)
        terms = KeyTerms(
            "bot",
            TRADE,
            86_400,
            symbols=frozenset({"BTCUSDT.BINANCE"}),
            max_notional=Decimal("500.5"),
            is_unattended=True,
        )
        key, text = await desk.identity.keys.make(bob.user, terms)

        actor = desk.bearer(text)

        assert actor.kind is ActorKind.KEY
        assert actor.name == f"key:{key.id}"
        assert (actor.user, actor.session) == (bob.user.id, key.id)
        assert actor.scopes == {Scope.READ_MARKET, Scope.TRADE_PAPER}  # a trader has no admin:risk
        assert actor.symbols == {"BTCUSDT.BINANCE"}
        assert actor.max_notional == 500.5
        assert actor.is_unattended
        assert actor.auth_time == 0

    run(story())


@given(
    role=st.sampled_from(Role),
    given_scopes=st.frozensets(st.sampled_from(Scope), min_size=1),
)
def test_a_key_never_may_more_than_its_user(role: Role, given_scopes: frozenset[Scope]) -> None:
    given_scopes -= {Scope.MANAGE_SELF}
    if not given_scopes:
        return

    async def story() -> None:
        desk = SHARED
        user = msgspec.structs.replace(desk.people["bob"], role=role)
        await desk.identity.people.change(user)
        key, text = await desk.identity.keys.make(user, KeyTerms("k", given_scopes, 86_400))

        actor = desk.bearer(text)
        await desk.identity.keys.revoke(key.id)

        assert actor.scopes == given_scopes & GRANTS[role]

    run(story())


class _Shared(Desk):
    """One desk for many examples."""

    def __init__(self) -> None:
        super().__init__()

        async def begin() -> None:
            await self.restart()
            await self.owner()
            self.people = {"bob": (await self.user("bob", Role.TRADER)).user}

        asyncio.run(begin())


SHARED = _Shared()


def _shown(desk: Desk) -> str:
    """What the command line makes of the token for this process."""
    challenge = new_challenge()
    made = credential_from(LOCAL_TOKEN, challenge, desk.identity.local_proof.answer(challenge))
    assert made is not None
    return f"Local {made}"


def test_who_proves_to_know_the_token_on_this_machine_is_its_user() -> None:
    desk = run(open_desk())
    header = _shown(desk)

    for address in ("127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"):
        actor = desk.identity.authenticator.actor(header, address)

        assert actor.kind is ActorKind.LOCAL
        assert actor.name == "local:root"
        assert actor.role is Role.OWNER
        assert actor.scopes == frozenset(Scope)
        assert not actor.is_unattended


@pytest.mark.parametrize(
    ("token", "address"),
    [
        (LOCAL_TOKEN, HERE),
        (LOCAL_TOKEN, "10.0.0.1"),
        (LOCAL_TOKEN, ""),
        (LOCAL_TOKEN, "localhost"),
        (LOCAL_TOKEN, "::ffff:198.51.100.7"),
        (LOCAL_TOKEN[:-1], "127.0.0.1"),
        (LOCAL_TOKEN + "x", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("é", "127.0.0.1"),
    ],
)
def test_the_local_token_from_elsewhere_or_another_one_is_refused(token: str, address: str) -> None:
    desk = run(open_desk())

    header = f"Local {token}"
    assert refused(desk.identity.authenticator.actor, header, address) == "LOCAL_TOKEN_REFUSED"


def test_the_token_itself_opens_nothing_and_who_sends_it_is_told_what_to_do() -> None:
    desk = run(open_desk())

    for header in (f"Local {LOCAL_TOKEN}", f"local  {LOCAL_TOKEN} "):
        with pytest.raises(Unauthenticated) as told:
            desk.identity.authenticator.actor(header, "127.0.0.1")

        assert told.value.code == "LOCAL_TOKEN_SENT"
        assert "botcore key new" in told.value.fix
        assert LOCAL_TOKEN not in told.value.cause + told.value.fix


def test_what_was_shown_to_one_process_is_good_for_no_other() -> None:
    desk = run(open_desk())
    shown = _shown(desk)

    actor = desk.identity.authenticator.actor(shown, "127.0.0.1")
    elsewhere = refused(desk.identity.authenticator.actor, shown, HERE)
    run(desk.restart())
    afterwards = refused(desk.identity.authenticator.actor, shown, "127.0.0.1")

    assert actor.name == "local:root"
    assert (elsewhere, afterwards) == ("LOCAL_TOKEN_REFUSED", "LOCAL_TOKEN_REFUSED")


def test_without_a_local_token_nobody_is_local() -> None:
    desk = run(open_desk())
    desk.identity.authenticator._local_proof = LocalProof("")

    for header in ("Local ", "Local"):
        code = refused(desk.identity.authenticator.actor, header, "127.0.0.1")
        assert code == "LOCAL_TOKEN_REFUSED"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Basic YWxpY2U6cHc=", "SCHEME_UNKNOWN"),
        ("Digest x", "SCHEME_UNKNOWN"),
        ("x", "SCHEME_UNKNOWN"),
        (" ", "SCHEME_UNKNOWN"),
        ("Bearer", "TOKEN_REFUSED"),
        ("Bearer x", "TOKEN_REFUSED"),
        ("Bearer bck_x", "KEY_MISTYPED"),
    ],
)
def test_what_was_shown_and_is_not_good_is_refused_and_no_stranger(header: str, code: str) -> None:
    desk = run(open_desk())

    assert refused(desk.identity.authenticator.actor, header, HERE) == code


@given(header=st.text(min_size=1, max_size=200))
def test_whatever_header_is_refused_and_breaks_nothing(header: str) -> None:
    assert refused(SHARED.identity.authenticator.actor, header, HERE).isupper()


def test_a_session_that_ended_is_refused_at_the_next_request() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        actor = desk.bearer(grant.access_token)

        await desk.identity.sessions.revoke([grant.session.id], "signed out")

        assert refused(desk.bearer, grant.access_token) == "SESSION_ENDED"
        assert desk.identity.authenticator.again(actor) is None

    run(story())


def test_a_disabled_user_is_refused_at_the_next_request_by_every_way_in() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        grant = await desk.user("bob", Role.TRADER)
        _, text = await desk.identity.keys.make(grant.user, KeyTerms("bot", TRADE, 86_400))
        actors = desk.bearer(grant.access_token), desk.bearer(text)
        bob = desk.identity.people.require("bob")

        await desk.identity.people.change(msgspec.structs.replace(bob, is_disabled=True))

        assert refused(desk.bearer, grant.access_token) == "SESSION_ENDED"
        assert refused(desk.bearer, text) == "KEY_ENDED"
        assert [desk.identity.authenticator.again(actor) for actor in actors] == [None, None]

    run(story())


def test_a_lesser_role_takes_scopes_away_at_the_next_request() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        grant = await desk.user("bob", Role.TRADER)
        _, text = await desk.identity.keys.make(grant.user, KeyTerms("bot", TRADE, 86_400))
        before = desk.bearer(grant.access_token)
        bob = desk.identity.people.require("bob")

        await desk.identity.people.change(msgspec.structs.replace(bob, role=Role.VIEWER))

        assert desk.bearer(grant.access_token).scopes == GRANTS[Role.VIEWER]
        assert desk.bearer(text).scopes == {Scope.READ_MARKET}
        again = desk.identity.authenticator.again(before)
        assert again is not None
        assert again.scopes == GRANTS[Role.VIEWER]

    run(story())


def test_a_greater_role_takes_a_new_token() -> None:
    async def story() -> None:
        desk = await open_desk()
        await desk.owner()
        grant = await desk.user("bob", Role.VIEWER)
        bob = desk.identity.people.require("bob")

        await desk.identity.people.change(msgspec.structs.replace(bob, role=Role.TRADER))

        assert desk.bearer(grant.access_token).scopes == GRANTS[Role.VIEWER]
        newer = await desk.identity.sign_in.refresh(grant.refresh_token, HERE)
        assert desk.bearer(newer.access_token).scopes == GRANTS[Role.TRADER]

    run(story())


def test_a_factor_shown_again_counts_without_a_new_token() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        desk.pass_s(600)

        await desk.identity.sessions.show_factor(grant.session.id, "pwd")

        now = desk.clock.now_ns() // 1_000_000_000
        assert desk.bearer(grant.access_token).auth_time == now

    run(story())


def test_a_token_of_another_users_session_is_refused() -> None:
    async def story() -> None:
        desk = await open_desk()
        grant = await desk.owner()
        bob = await desk.user("bob", Role.VIEWER)
        mixed = msgspec.structs.replace(bob.session, user_id=grant.user.id)
        token, _ = desk.identity.sign_in._tokens.make(mixed, frozenset(Scope))

        assert refused(desk.bearer, token) == "SESSION_ENDED"

    run(story())


def test_who_needs_no_credential_stays_who_he_is_and_a_stranger_nobody() -> None:
    desk = run(open_desk())
    local = desk.identity.authenticator.actor(_shown(desk), "::1")

    assert desk.identity.authenticator.again(local) == local
    assert desk.identity.authenticator.again(SYSTEM) == SYSTEM
    assert desk.identity.authenticator.again(STRANGER) is None


def test_a_revoked_key_is_nobody_at_the_next_look() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice = (await desk.owner()).user
        key, text = await desk.identity.keys.make(alice, KeyTerms("bot", TRADE, 86_400))
        actor = desk.bearer(text)

        assert desk.identity.authenticator.again(actor) == actor
        await desk.identity.keys.revoke(key.id)

        assert desk.identity.authenticator.again(actor) is None

    run(story())


@pytest.mark.parametrize(
    ("address", "found"),
    [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("10.0.0.1", False), ("x", False)],
)
def test_loopback_is_told_by_the_address_alone(address: str, found: bool) -> None:
    assert is_loopback(address) is found


def test_a_program_that_moved_out_of_its_networks_is_nobody_at_the_next_look() -> None:
    async def story() -> None:
        desk = await open_desk()
        alice = (await desk.owner()).user
        terms = KeyTerms("bot", TRADE, 86_400, networks=(HERE,))
        _, text = await desk.identity.keys.make(alice, terms)
        actor = desk.bearer(text, HERE)

        moved = msgspec.structs.replace(actor, address=THERE)

        assert desk.identity.authenticator.again(actor) == actor
        assert desk.identity.authenticator.again(moved) is None

    run(story())
