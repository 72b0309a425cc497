"""API keys: shown once, stored as a digest, bound to scopes, addresses and time."""

from __future__ import annotations

import hashlib
import hmac
import re
import zlib
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.sign_in_desk import HERE, THERE, open_desk, refusal, refused, run

from botcore.control.access import Role, Scope
from botcore.control.identity import Algorithm, IdentityConfig
from botcore.control.identity.api_keys import KeyTerms, checksum, written
from botcore.control.identity.ports import User

DAY = 86_400
ALICE = User(id="u1", username="alice", role=Role.OWNER, created_at=1)
READER = KeyTerms("reader", frozenset({Scope.READ_ACCOUNT}), 90 * DAY)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SECRETS = st.text(LETTERS, min_size=43, max_size=43)


def test_a_key_has_its_form_and_says_who_it_is() -> None:
    async def story() -> None:
        desk = await open_desk()

        key, text = await desk.identity.keys.make(ALICE, READER)

        assert re.fullmatch(r"bck_main_[a-z0-9]{8}_[A-Za-z0-9_-]{43}_[0-9A-Za-z]{6}", text)
        assert text.split("_")[2] == key.id
        assert desk.identity.keys.check(text, HERE).id == key.id

    run(story())


def test_only_an_hmac_with_the_pepper_is_stored() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, text = await desk.identity.keys.make(ALICE, READER)
        secret = text[len("bck_main_12345678_") : -7]

        (stored,) = await desk.store.api_keys()

        pepper = desk.identity.keys._pepper
        expected = hmac.new(pepper, text[:-7].encode(), hashlib.sha256).digest()
        assert stored.digest == expected
        assert secret not in msgspec.json.encode(stored).decode()
        assert len(pepper) == 32
        kept = await desk.store.secret("api-key-pepper")
        assert kept is not None
        assert pepper not in kept.sealed

    run(story())


def test_keys_are_good_after_a_restart_and_not_with_another_pepper() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, text = await desk.identity.keys.make(ALICE, READER)

        await desk.restart()
        assert desk.identity.keys.check(text, HERE).name == "reader"
        await desk.restart()
        desk.identity.keys._pepper = bytes(32)

        assert refused(desk.identity.keys.check, text, HERE) == "KEY_UNKNOWN"

    run(story())


@given(secret=SECRETS)
def test_the_checksum_is_the_crc_32_in_six_digits_of_base_62(secret: str) -> None:
    body = f"bck_main_ab12cd34_{secret}"
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    text = checksum(body)

    assert len(text) == 6
    value = 0
    for digit in text:
        value = value * 62 + digits.index(digit)
    assert value == zlib.crc32(body.encode())


@given(secret=SECRETS, at=st.integers(0, 200), letter=st.sampled_from(LETTERS))
def test_every_single_typing_error_is_found_by_the_checksum(
    secret: str, at: int, letter: str
) -> None:
    text = written("main", "ab12cd34", secret)
    place = at % len(text)
    mistyped = text[:place] + letter + text[place + 1 :]
    if mistyped == text:
        return

    assert refused(SHARED.identity.keys.check, mistyped, HERE) == "KEY_MISTYPED"


SHARED = run(open_desk())


@pytest.mark.parametrize(
    "text",
    ["", "bck_", "bck_main", "bck_main_ab12cd34_" + "A" * 43, "bck_main_ab12cd34_x_000000", "é"],
)
def test_an_incomplete_key_says_so(text: str) -> None:
    desk = run(open_desk())

    assert refused(desk.identity.keys.check, text, HERE) == "KEY_MISTYPED"


def test_a_well_formed_key_that_was_never_made_is_unknown() -> None:
    async def story() -> None:
        desk = await open_desk()
        key, _ = await desk.identity.keys.make(ALICE, READER)

        for key_id in (key.id, "zzzzzzzz"):
            text = written("main", key_id, "A" * 43)
            assert refused(desk.identity.keys.check, text, HERE) == "KEY_UNKNOWN"

    run(story())


def test_a_key_of_another_environment_is_unknown_here() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, text = await desk.identity.keys.make(ALICE, READER)
        await desk.restart(IdentityConfig(algorithm=Algorithm.ED25519, environment="test"))

        assert refused(desk.identity.keys.check, text, HERE) == "KEY_UNKNOWN"

    run(story())


def test_a_key_that_is_rewritten_for_another_environment_is_unknown() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, text = await desk.identity.keys.make(ALICE, READER)
        body = text[:-7].replace("bck_main_", "bck_test_")

        assert refused(desk.identity.keys.check, f"{body}_{checksum(body)}", HERE) == "KEY_UNKNOWN"

    run(story())


@pytest.mark.parametrize(
    ("networks", "address", "is_good"),
    [
        ((), "198.51.100.7", True),
        (("198.51.100.0/24",), "198.51.100.7", True),
        (("198.51.100.0/24",), "198.51.101.7", False),
        (("198.51.100.7",), "198.51.100.7", True),
        (("198.51.100.7",), "198.51.100.8", False),
        (("203.0.113.0/24", "198.51.100.7/32"), "198.51.100.7", True),
        (("2001:db8::/32",), "2001:db8:1::5", True),
        (("2001:db8::/32",), "2001:db9::5", False),
        (("198.51.100.0/24",), "::ffff:198.51.100.7", True),
        (("198.51.100.0/24",), "2001:db8::1", False),
        (("198.51.100.0/24",), "", False),
        (("0.0.0.0/0",), "not an address", False),
    ],
)
def test_a_key_comes_from_its_networks_only(
    networks: tuple[str, ...], address: str, is_good: bool
) -> None:
    async def story() -> None:
        desk = await open_desk()
        key, text = await desk.identity.keys.make(ALICE, READER._replace(networks=networks))

        if is_good:
            assert desk.identity.keys.check(text, address).id == key.id
        else:
            assert refused(desk.identity.keys.check, text, address) == "KEY_ADDRESS"
        assert (desk.identity.keys.get(key.id, address) is not None) == is_good

    run(story())


@pytest.mark.parametrize("network", ["198.51.100.7/24", "nowhere", "198.51.100.0/33", "", "*"])
def test_what_is_no_network_is_refused(network: str) -> None:
    async def story() -> None:
        desk = await open_desk()
        terms = READER._replace(networks=(network,))

        assert await refusal(desk.identity.keys.make(ALICE, terms)) == "KEY_NETWORK"
        assert not await desk.store.api_keys()

    run(story())


def test_a_key_ends_to_the_second() -> None:
    async def story() -> None:
        desk = await open_desk()
        key, text = await desk.identity.keys.make(ALICE, READER._replace(life_s=DAY))

        desk.pass_s(DAY - 1)
        desk.identity.keys.check(text, HERE)
        desk.pass_s(1)

        assert refused(desk.identity.keys.check, text, HERE) == "KEY_ENDED"
        assert desk.identity.keys.of("u1") == ()
        await desk.identity.tend()
        await desk.identity.tend()
        assert desk.ended == [key.id]

    run(story())


@pytest.mark.parametrize(
    ("life_s", "is_good"),
    [(0, False), (-1, False), (1, True), (365 * DAY, True), (365 * DAY + 1, False)],
)
def test_a_key_lives_a_year_at_most(life_s: int, is_good: bool) -> None:
    async def story() -> None:
        desk = await open_desk()
        terms = READER._replace(life_s=life_s)

        if is_good:
            await desk.identity.keys.make(ALICE, terms)
        else:
            assert await refusal(desk.identity.keys.make(ALICE, terms)) == "KEY_LIFE"

    run(story())


@pytest.mark.parametrize("scopes", [frozenset(), frozenset({Scope.MANAGE_SELF, Scope.READ_MARKET})])
def test_a_key_holds_something_and_never_its_users_own_affairs(scopes: frozenset[Scope]) -> None:
    async def story() -> None:
        desk = await open_desk()

        terms = READER._replace(scopes=scopes)
        assert await refusal(desk.identity.keys.make(ALICE, terms)) == "KEY_SCOPES"

    run(story())


def test_revoking_ends_a_key_at_once_and_tells_who_listens() -> None:
    async def story() -> None:
        desk = await open_desk()
        key, text = await desk.identity.keys.make(ALICE, READER)

        await desk.identity.keys.revoke(key.id)

        assert refused(desk.identity.keys.check, text, HERE) == "KEY_ENDED"
        assert desk.identity.keys.get(key.id) is None
        assert desk.ended == [key.id]
        await desk.restart()
        assert refused(desk.identity.keys.check, text, HERE) == "KEY_ENDED"

    run(story())


def test_a_key_that_was_good_before_is_looked_at_again_each_time() -> None:
    async def story() -> None:
        desk = await open_desk()
        keys = desk.identity.keys
        first, revoked = await keys.make(ALICE, READER)
        _, placed = await keys.make(ALICE, READER._replace(networks=(HERE,)))
        for text in (revoked, placed):
            keys.check(text, HERE)

        await keys.revoke(first.id)

        assert refused(keys.check, revoked, HERE) == "KEY_ENDED"
        assert refused(keys.check, placed, THERE) == "KEY_ADDRESS"
        desk.pass_s(READER.life_s)
        assert refused(keys.check, placed, HERE) == "KEY_ENDED"

    run(story())


def test_the_last_use_is_shown_at_once_and_stored_when_it_is_due() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, text = await desk.identity.keys.make(ALICE, READER)
        desk.pass_s(60)
        refused(desk.identity.keys.check, text[:-1] + "!", HERE)
        assert desk.identity.keys.of("u1")[0].last_used_at == 0

        desk.identity.keys.check(text, HERE)

        (shown,) = desk.identity.keys.of("u1")
        assert shown.last_used_at == desk.clock.now_ns()
        assert (await desk.store.api_keys())[0].last_used_at == 0
        await desk.identity.tend()
        assert (await desk.store.api_keys())[0].last_used_at == shown.last_used_at

    run(story())


def test_a_use_from_a_wrong_address_is_no_use() -> None:
    async def story() -> None:
        desk = await open_desk()
        _, text = await desk.identity.keys.make(ALICE, READER._replace(networks=(HERE,)))

        refused(desk.identity.keys.check, text, THERE)

        assert desk.identity.keys.of("u1")[0].last_used_at == 0

    run(story())


def test_a_user_has_so_many_keys() -> None:
    async def story() -> None:
        desk = await open_desk(IdentityConfig(algorithm=Algorithm.ED25519, keys_max=2))
        keys = desk.identity.keys
        first, _ = await keys.make(ALICE, READER)
        await keys.make(ALICE, READER)

        assert await refusal(keys.make(ALICE, READER)) == "KEY_COUNT"
        await keys.revoke(first.id)
        await keys.make(ALICE, READER)

    run(story())


def test_its_own_bounds_are_kept() -> None:
    async def story() -> None:
        desk = await open_desk()
        terms = READER._replace(
            symbols=frozenset({"BTCUSDT.BINANCE"}), max_notional=Decimal(500), is_unattended=True
        )
        _, text = await desk.identity.keys.make(ALICE, terms)
        await desk.restart()

        key = desk.identity.keys.check(text, HERE)

        assert key.symbols == {"BTCUSDT.BINANCE"}
        assert key.max_notional == Decimal(500)
        assert key.is_unattended

    run(story())


def test_secrets_of_keys_are_256_random_bits() -> None:
    async def story() -> None:
        desk = await open_desk()
        texts = [(await desk.identity.keys.make(ALICE, READER))[1] for _ in range(40)]

        assert len({text[-50:-7] for text in texts}) == 40

    run(story())
