"""One contract of sign-in's store: SQLite, PostgreSQL, and the fake that tests sign in with."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.support.memory_identity_store import MemoryIdentityStore

from botcore.app.control_store import open_control
from botcore.control.access import Role, Scope
from botcore.control.identity.ports import (
    ApiKey,
    IdentityStore,
    Invitation,
    LinkPurpose,
    RecoveryCode,
    RefreshToken,
    Secret,
    Session,
    SigningKey,
    SignInLink,
    Totp,
    User,
)
from botcore.kernel.clock import ManualClock

replace = msgspec.structs.replace
NOW = 1_767_225_600_000_000_000
LATER = NOW + 10**9
HOUR = 3_600 * 10**9


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.services)])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[IdentityStore]]:
    """One store, twice: as two who ask at the same time have it."""
    if request.param == "memory":
        yield [MemoryIdentityStore()] * 2
        return
    if request.param == "sqlite":
        opened = [open_control(f"sqlite:///{tmp_path / 'control.db'}", clock=ManualClock(NOW))]
    else:
        url = request.getfixturevalue("postgres_schema")
        opened = [open_control(url, clock=ManualClock(NOW)) for _ in range(2)]
    yield [opened[0].identity, opened[-1].identity]
    for each in opened:
        each.close()


@pytest.fixture
def store(stores: list[IdentityStore]) -> IdentityStore:
    return stores[0]


def a_user(name: str = "alice", **changes: Any) -> User:
    values = {"id": f"id-{name}", "username": name, "role": Role.TRADER, "created_at": NOW}
    return User(**{**values, **changes})


def a_session(id_: str = "s1", user: str = "id-alice", **changes: Any) -> Session:
    return Session(
        **{
            "id": id_,
            "user_id": user,
            "created_at": NOW,
            "ends_at": NOW + 24 * HOUR,
            "idle_ends_at": NOW + HOUR,
            "seen_at": NOW,
            "auth_time": 1_767_225_600,
            "methods": ("pwd", "otp"),
            "address": "127.0.0.1",
            "device": "curl/8 „odd“ \x00 \ud83d agent",
            **changes,
        }
    )


def a_token(number: int, session: str = "s1", **changes: Any) -> RefreshToken:
    return RefreshToken(
        **{
            "digest": bytes([number]) * 32,
            "session_id": session,
            "created_at": NOW,
            "expires_at": NOW + HOUR,
            **changes,
        }
    )


def a_link(number: int = 1, **changes: Any) -> SignInLink:
    return SignInLink(
        **{
            "digest": bytes([number]) * 32,
            "purpose": LinkPurpose.FIRST_OWNER,
            "made_by": "local:root",
            "created_at": NOW,
            "expires_at": NOW + HOUR,
            **changes,
        }
    )


def an_invitation(number: int = 1, **changes: Any) -> Invitation:
    return Invitation(
        **{
            "id": f"inv{number}",
            "digest": bytes([number]) * 32,
            "role": Role.VIEWER,
            "note": "for Bob\nand nobody else",
            "made_by": "person:alice",
            "created_at": NOW + number,
            "expires_at": NOW + HOUR,
            **changes,
        }
    )


def a_key(id_: str = "ab12cd34", **changes: Any) -> ApiKey:
    return ApiKey(
        **{
            "id": id_,
            "user_id": "id-alice",
            "name": "my bot",
            "environment": "paper",
            "digest": b"d" * 32,
            "scopes": frozenset({Scope.READ_MARKET, Scope.TRADE_PAPER}),
            "created_at": NOW,
            "expires_at": NOW + HOUR,
            **changes,
        }
    )


async def winners(
    stores: list[IdentityStore], act: Callable[[IdentityStore, int], Awaitable[bool]], tries: int
) -> int:
    """Return how many of many who try at once are told that they won."""
    answers = await asyncio.gather(*(act(stores[n % len(stores)], n) for n in range(tries)))
    return sum(answers)


# Users


async def _users(store: IdentityStore) -> None:
    alice = a_user(email="a@example.org", password_hash="$argon2id$…", last_login=NOW)
    bob = a_user("bob", role=Role.VIEWER, created_at=LATER)

    assert await store.add_user(bob)
    assert await store.add_user(alice)
    assert not await store.add_user(a_user("alice", id="another"))
    assert not await store.add_user(a_user("carol", id="id-alice"))
    assert await store.users() == (alice, bob)

    changed = replace(alice, is_disabled=True, role=Role.ADMIN, password_changed_at=LATER)
    await store.save_user(changed)
    await store.save_user(a_user("nobody"))
    assert await store.users() == (changed, bob)


def test_users_are_added_once_and_come_back_as_they_are(store: IdentityStore) -> None:
    asyncio.run(_users(store))


async def _removal(store: IdentityStore) -> None:
    await store.add_user(a_user())
    await store.add_user(a_user("bob"))
    for user, number in (("alice", 1), ("bob", 2)):
        owner = f"id-{user}"
        await store.add_session(a_session(f"s{number}", owner), a_token(number, f"s{number}"))
        await store.add_link(a_link(number, user_id=owner, purpose=LinkPurpose.RESET))
        await store.enrol_totp(Totp(user_id=owner, sealed=b"s", created_at=NOW))
        await store.confirm_totp(owner, 1, [RecoveryCode(user_id=owner, digest=b"r" * 32)])
        await store.add_api_key(a_key(f"key{number}", user_id=owner))

    await store.remove_user("id-alice")
    await store.remove_user("id-nobody")

    assert [user.username for user in await store.users()] == ["bob"]
    assert [session.id for session in await store.live_sessions(NOW)] == ["s2"]
    assert await store.refresh_token(bytes([1]) * 32) is None
    assert await store.refresh_token(bytes([2]) * 32) is not None
    assert await store.link(bytes([1]) * 32) is None
    assert await store.link(bytes([2]) * 32) is not None
    assert await store.totp("id-alice") is None
    assert await store.recovery_codes_left("id-alice") == 0
    assert await store.recovery_codes_left("id-bob") == 1
    assert [key.id for key in await store.api_keys()] == ["key2"]


def test_what_is_a_users_goes_with_the_user_and_nothing_else(store: IdentityStore) -> None:
    asyncio.run(_removal(store))


async def _by_link(store: IdentityStore) -> None:
    await store.add_link(a_link(1))
    await store.add_link(a_link(2, expires_at=NOW))
    await store.add_user(a_user("bob"))

    assert not await store.add_user_by_link(a_user(), bytes([2]) * 32, NOW)  # past its end
    assert not await store.add_user_by_link(a_user(), bytes([9]) * 32, NOW)  # unknown
    assert not await store.add_user_by_link(a_user("bob"), bytes([1]) * 32, NOW)  # name taken
    link = await store.link(bytes([1]) * 32)
    assert link == a_link(1)  # a name that was taken did not use it up
    assert await store.add_user_by_link(a_user(), bytes([1]) * 32, LATER)
    assert not await store.add_user_by_link(a_user("carol"), bytes([1]) * 32, LATER)
    assert await store.link(bytes([1]) * 32) == a_link(1, used_at=LATER)
    assert {user.username for user in await store.users()} == {"alice", "bob"}


def test_a_link_and_the_user_it_makes_are_one(store: IdentityStore) -> None:
    asyncio.run(_by_link(store))


async def _by_invitation(store: IdentityStore) -> None:
    for number, changes in ((1, {}), (2, {"expires_at": NOW}), (3, {})):
        await store.add_invitation(an_invitation(number, **changes))
    assert await store.revoke_invitation("inv3", NOW)
    assert not await store.revoke_invitation("inv3", NOW)
    assert not await store.revoke_invitation("unknown", NOW)
    await store.add_user(a_user("bob"))

    for name, number in (("a", 2), ("b", 3), ("c", 9), ("bob", 1)):
        assert not await store.add_user_by_invitation(a_user(name), bytes([number]) * 32, NOW)
    assert await store.add_user_by_invitation(a_user(), bytes([1]) * 32, LATER)
    assert not await store.add_user_by_invitation(a_user("d"), bytes([1]) * 32, LATER)
    assert not await store.revoke_invitation("inv1", LATER)

    used = an_invitation(1, used_at=LATER, used_by="id-alice")
    assert await store.invitation(bytes([1]) * 32) == used
    assert [each.id for each in await store.invitations()] == ["inv3", "inv2", "inv1"]


def test_an_invitation_and_the_user_it_makes_are_one(store: IdentityStore) -> None:
    asyncio.run(_by_invitation(store))


async def _ways_in(store: IdentityStore) -> None:
    await store.add_user(a_user())
    await store.add_user(a_user("bob"))
    for number, changes in (
        (1, {}),
        (2, {"made_by": "person:bob"}),
        (3, {"made_by": "person:alice2"}),
        (4, {}),
    ):
        await store.add_invitation(an_invitation(number, **changes))
    assert await store.revoke_invitation("inv4", NOW)
    for number, changes in (
        (1, {"made_by": "person:alice"}),
        (2, {"user_id": "id-alice"}),
        (3, {"user_id": "id-bob"}),
        (4, {"made_by": "person:alice"}),
    ):
        await store.add_link(a_link(number, **changes))
    assert await store.take_link(bytes([4]) * 32, NOW)

    await store.end_ways_in("person:alice", "id-alice", LATER)

    ended = {each.id: each.revoked_at for each in await store.invitations()}
    assert ended == {"inv1": LATER, "inv2": 0, "inv3": 0, "inv4": NOW}
    links = [await store.link(bytes([number]) * 32) for number in (1, 2, 3, 4)]
    assert [link is not None for link in links] == [False, False, True, True], "used ones stay"


def test_the_ways_in_that_somebody_made_or_was_given_end_together(store: IdentityStore) -> None:
    asyncio.run(_ways_in(store))


def test_of_many_who_use_one_link_at_once_one_becomes_the_owner(
    stores: list[IdentityStore],
) -> None:
    async def story() -> None:
        await stores[0].add_link(a_link())
        won = await winners(
            stores,
            lambda store, n: store.add_user_by_link(a_user(f"u{n}"), bytes([1]) * 32, LATER),
            20,
        )
        assert won == 1
        assert len(await stores[0].users()) == 1

    asyncio.run(story())


# Sessions


async def _sessions(store: IdentityStore) -> None:
    await store.add_user(a_user())
    plain = a_session(device="Firefox")
    for number, session in enumerate(
        (
            plain,
            a_session("s2", ends_at=NOW + 1, created_at=NOW + 1),
            a_session("s3", idle_ends_at=LATER, created_at=NOW + 2),
        ),
        1,
    ):
        await store.add_session(session, a_token(number, session.id))
    assert [each.id for each in await store.live_sessions(NOW)] == ["s1", "s2", "s3"]
    assert [each.id for each in await store.live_sessions(LATER)] == ["s1"]
    assert (await store.live_sessions(LATER))[0] == plain

    moved = replace(plain, is_staying=True, idle_ends_at=NOW + 2 * HOUR, methods=("recovery",))
    await store.save_session(replace(moved, revoked_at=LATER, revoked_why="not by this door"))
    assert await store.live_sessions(LATER) == (moved,)

    await store.note_seen({"s1": LATER, "s2": LATER, "unknown": LATER})
    await store.note_seen({"s1": NOW})  # never back
    assert (await store.live_sessions(LATER))[0].seen_at == LATER

    await store.revoke_sessions(["s1", "unknown"], LATER, "signed out")
    await store.revoke_sessions(["s1"], LATER + 1, "again")
    await store.save_session(moved)  # does not bring it back
    assert [each.id for each in await store.live_sessions(NOW)] == ["s2", "s3"]


def test_sessions_live_until_they_end_or_are_revoked(store: IdentityStore) -> None:
    asyncio.run(_sessions(store))


def test_odd_text_from_a_browser_is_kept_as_far_as_it_can_be(store: IdentityStore) -> None:
    async def story() -> None:
        await store.add_user(a_user())
        await store.add_session(a_session(), a_token(1))
        [session] = await store.live_sessions(NOW)
        assert "„odd“" in session.device

    asyncio.run(story())


async def _rotation(store: IdentityStore) -> None:
    await store.add_user(a_user())
    session, first = a_session(device=""), a_token(1)
    await store.add_session(session, first)
    moved = replace(session, idle_ends_at=NOW + 2 * HOUR, seen_at=LATER)

    assert await store.rotate_refresh_token(first.digest, a_token(2), moved, LATER)
    assert await store.refresh_token(first.digest) == replace(first, used_at=LATER)
    assert await store.live_sessions(NOW) == (moved,)

    assert not await store.rotate_refresh_token(first.digest, a_token(3), session, LATER)
    assert not await store.rotate_refresh_token(bytes([9]) * 32, a_token(3), session, LATER)
    await store.revoke_sessions(["s1"], LATER, "reuse")
    assert not await store.rotate_refresh_token(bytes([2]) * 32, a_token(3), session, LATER)
    assert await store.refresh_token(bytes([3]) * 32) is None
    assert await store.refresh_token(bytes([2]) * 32) == a_token(2)
    assert await store.live_sessions(NOW) == ()


def test_a_refresh_token_is_exchanged_once_and_not_after_a_revocation(store: IdentityStore) -> None:
    asyncio.run(_rotation(store))


def test_of_many_who_exchange_one_token_at_once_one_wins(stores: list[IdentityStore]) -> None:
    async def story() -> None:
        await stores[0].add_user(a_user())
        await stores[0].add_session(a_session(device=""), a_token(1))
        won = await winners(
            stores,
            lambda store, n: store.rotate_refresh_token(
                bytes([1]) * 32, a_token(10 + n), a_session(device=f"{n}"), LATER
            ),
            20,
        )
        assert won == 1
        left = [await stores[0].refresh_token(bytes([10 + n]) * 32) for n in range(20)]
        assert sum(token is not None for token in left) == 1
        [session] = await stores[0].live_sessions(NOW)
        [successor] = [token for token in left if token is not None]
        assert session.device == f"{successor.digest[0] - 10}"

    asyncio.run(story())


def test_a_session_that_is_revoked_while_it_is_refreshed_stays_revoked(
    stores: list[IdentityStore],
) -> None:
    async def story() -> None:
        await stores[0].add_user(a_user())
        for number in range(10):
            session = a_session(f"s{number}", device="")
            await stores[0].add_session(session, a_token(number, session.id))
            await asyncio.gather(
                stores[0].rotate_refresh_token(
                    bytes([number]) * 32, a_token(100 + number, session.id), session, LATER
                ),
                stores[1].revoke_sessions([session.id], LATER, "signed out"),
            )
        assert await stores[0].live_sessions(NOW) == ()

    asyncio.run(story())


# Second factors


async def _factor(store: IdentityStore) -> None:
    await store.add_user(a_user())
    first = Totp(user_id="id-alice", sealed=b"\x00\xff sealed", created_at=NOW)
    second = replace(first, sealed=b"another", created_at=LATER)
    codes = [RecoveryCode(user_id="id-alice", digest=bytes([n]) * 32) for n in range(10)]

    assert await store.totp("id-alice") is None
    assert not await store.confirm_totp("id-alice", 5, codes)
    assert await store.enrol_totp(first)
    assert await store.enrol_totp(second)
    assert await store.totp("id-alice") == second
    assert await store.confirm_totp("id-alice", 5, codes)
    assert not await store.confirm_totp("id-alice", 6, codes)
    assert not await store.enrol_totp(first)
    assert await store.totp("id-alice") == replace(second, is_confirmed=True, last_step=5)

    assert not await store.advance_totp("id-alice", 5)
    assert await store.advance_totp("id-alice", 6)
    assert not await store.advance_totp("id-alice", 5)
    assert not await store.advance_totp("id-bob", 7)

    assert await store.take_recovery_code("id-alice", bytes([3]) * 32, LATER)
    assert not await store.take_recovery_code("id-alice", bytes([3]) * 32, LATER)
    assert not await store.take_recovery_code("id-alice", b"unknown", LATER)
    assert not await store.take_recovery_code("id-bob", bytes([4]) * 32, LATER)
    assert await store.recovery_codes_left("id-alice") == 9
    await store.replace_recovery_codes("id-alice", codes[:2])
    assert await store.recovery_codes_left("id-alice") == 2
    await store.remove_totp("id-alice")
    assert (await store.totp("id-alice"), await store.recovery_codes_left("id-alice")) == (None, 0)


def test_a_factor_is_enrolled_confirmed_used_and_removed(store: IdentityStore) -> None:
    asyncio.run(_factor(store))


def test_of_many_who_show_one_code_at_once_one_wins(stores: list[IdentityStore]) -> None:
    async def story() -> None:
        await stores[0].add_user(a_user())
        await stores[0].enrol_totp(Totp(user_id="id-alice", sealed=b"s", created_at=NOW))
        codes = [RecoveryCode(user_id="id-alice", digest=bytes([n]) * 32) for n in range(10)]

        confirmed = await winners(stores, lambda s, n: s.confirm_totp("id-alice", n, codes), 10)
        advanced = await winners(stores, lambda s, _: s.advance_totp("id-alice", 100), 20)
        taken = await winners(
            stores, lambda s, _: s.take_recovery_code("id-alice", bytes([7]) * 32, LATER), 20
        )

        assert (confirmed, advanced, taken) == (1, 1, 1)
        assert await stores[0].recovery_codes_left("id-alice") == 9

    asyncio.run(story())


# Links, keys and secrets


async def _links(store: IdentityStore) -> None:
    await store.add_link(a_link(1, purpose=LinkPurpose.SIGN_IN, user_id="id-alice"))
    await store.add_link(a_link(2, expires_at=LATER))

    assert await store.link(bytes([9]) * 32) is None
    assert await store.take_link(bytes([1]) * 32, LATER)
    assert not await store.take_link(bytes([1]) * 32, LATER)
    assert not await store.take_link(bytes([2]) * 32, LATER)  # its end is not its last moment
    assert not await store.take_link(bytes([9]) * 32, LATER)


def test_a_link_is_used_once_before_its_end(store: IdentityStore) -> None:
    asyncio.run(_links(store))


async def _keys(store: IdentityStore) -> None:
    await store.add_user(a_user())
    key = a_key(
        networks=("10.0.0.0/8", "::1/128"),
        symbols=frozenset({"BTCUSDT.SIM"}),
        max_notional=Decimal("1000.50"),
        is_unattended=True,
    )
    other = a_key("other", created_at=LATER)
    assert await store.add_api_key(key)
    assert not await store.add_api_key(replace(key, name="again"))
    assert await store.add_api_key(other)
    assert await store.api_keys() == (key, other)

    await store.note_used({key.id: LATER, "unknown": LATER})
    await store.note_used({key.id: NOW})
    assert (await store.api_keys())[0].last_used_at == LATER
    assert await store.revoke_api_key(key.id, LATER)
    assert not await store.revoke_api_key(key.id, LATER + 1)
    assert not await store.revoke_api_key("unknown", LATER)
    assert (await store.api_keys())[0].revoked_at == LATER


def test_keys_come_back_as_they_are_and_are_revoked_once(store: IdentityStore) -> None:
    asyncio.run(_keys(store))


async def _secrets(store: IdentityStore) -> None:
    old = SigningKey(kid="old", algorithm="RS256", sealed=b"\x00" * 40, created_at=NOW)
    new = SigningKey(kid="new", algorithm="EdDSA", sealed=b"\xff" * 40, created_at=LATER)
    await store.put_signing_keys([new, old])
    assert await store.signing_keys() == (old, new)
    await store.put_signing_keys([replace(old, signs_until=LATER), replace(new, signs_from=LATER)])
    assert [key.signs_until or key.signs_from for key in await store.signing_keys()] == [LATER] * 2
    await store.remove_signing_key("old")
    await store.remove_signing_key("unknown")
    assert [key.kid for key in await store.signing_keys()] == ["new"]

    pepper = Secret(name="pepper", sealed=b"\x01" * 60, created_at=NOW)
    assert await store.secret("pepper") is None
    assert await store.add_secret(pepper)
    assert not await store.add_secret(replace(pepper, sealed=b"other"))
    assert await store.secret("pepper") == pepper


def test_sealed_bytes_come_back_as_they_are(store: IdentityStore) -> None:
    asyncio.run(_secrets(store))


def test_of_many_who_add_the_first_pepper_one_wins(stores: list[IdentityStore]) -> None:
    async def story() -> None:
        won = await winners(
            stores,
            lambda s, n: s.add_secret(Secret(name="pepper", sealed=bytes([n]), created_at=NOW)),
            10,
        )
        assert won == 1

    asyncio.run(story())


async def _forgetting(store: IdentityStore) -> None:
    await store.add_user(a_user())
    cut = NOW + 5 * HOUR
    for number, changes in enumerate[dict[str, Any]](
        (
            {"idle_ends_at": cut - 1},
            {"ends_at": cut - 1, "idle_ends_at": cut + 1},
            {"idle_ends_at": cut},
            {"idle_ends_at": cut + HOUR},
        ),
        1,
    ):
        await store.add_session(a_session(f"s{number}", **changes), a_token(number, f"s{number}"))
    await store.revoke_sessions(["s4"], cut - 1, "signed out")
    for number, end in ((1, cut - 1), (2, cut)):
        await store.add_link(a_link(number, expires_at=end))
        await store.add_invitation(an_invitation(number, expires_at=end))
        await store.add_api_key(a_key(f"k{number}", expires_at=end))
    await store.add_api_key(a_key("k3", expires_at=cut + HOUR))
    await store.revoke_api_key("k3", cut - 1)

    await store.forget_before(cut)

    assert [each.id for each in await store.live_sessions(NOW)] == ["s3"]
    tokens = [await store.refresh_token(bytes([number]) * 32) for number in range(1, 5)]
    assert [token is not None for token in tokens] == [False, False, True, False]
    assert await store.link(bytes([1]) * 32) is None
    assert await store.link(bytes([2]) * 32) is not None
    assert [each.id for each in await store.invitations()] == ["inv2"]
    assert [key.id for key in await store.api_keys()] == ["k2"]


def test_what_ended_long_ago_is_forgotten(store: IdentityStore) -> None:
    asyncio.run(_forgetting(store))
