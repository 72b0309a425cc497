"""Second factors: a code is good once, its seed opens in one row, and ten codes stand in."""

from __future__ import annotations

import asyncio
from base64 import b32decode

import msgspec
import pyotp
import pytest
from tests.support.sign_in_desk import SECOND, Desk, open_desk, refusal, run

from botcore.control.access import Role
from botcore.control.identity import Algorithm, IdentityConfig
from botcore.control.identity.factors import RECOVERY_CODES, Factors
from botcore.control.identity.ports import User
from botcore.domain.errors import StorageError

ALICE = User(id="u1", username="alice", role=Role.OWNER, created_at=1)
BOB = User(id="u2", username="bob", role=Role.TRADER, created_at=2)


async def set_up(desk: Desk, user: User = ALICE) -> tuple[Factors, pyotp.TOTP, tuple[str, ...]]:
    """Set a second factor up; the step of its first code has passed."""
    factors = desk.identity.factors
    seed, _ = await factors.enrol(user)
    totp = pyotp.TOTP(seed)
    codes = await factors.confirm(user.id, desk.code(totp))
    desk.pass_s(30)
    return factors, totp, codes


def test_a_seed_has_160_bits_and_an_address_for_apps() -> None:
    async def story() -> None:
        desk = await open_desk()

        seed, uri = await desk.identity.factors.enrol(ALICE)

        assert len(b32decode(seed)) * 8 == 160
        assert uri == f"otpauth://totp/botcore:alice?secret={seed}&issuer=botcore"

    run(story())


def test_codes_are_those_of_rfc_6238() -> None:
    # Appendix B of RFC 6238, SHA-1: the last six of the eight digits at these instants.
    totp = pyotp.TOTP("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")

    for ts, code in ((59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")):
        assert totp.generate_otp(ts // 30) == code


def test_it_asks_for_codes_only_once_it_is_confirmed() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors = desk.identity.factors
        seed, _ = await factors.enrol(ALICE)

        assert not await factors.is_set_up("u1")
        assert await factors.check("u1", desk.code(pyotp.TOTP(seed))) is None
        assert await refusal(factors.confirm("u1", "000000")) == "CODE_WRONG"
        await factors.confirm("u1", desk.code(pyotp.TOTP(seed)))

        assert await factors.is_set_up("u1")

    run(story())


def test_enrolling_again_before_confirming_takes_the_newer_seed() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors = desk.identity.factors
        old, _ = await factors.enrol(ALICE)
        new, _ = await factors.enrol(ALICE)

        assert await refusal(factors.confirm("u1", desk.code(pyotp.TOTP(old)))) == "CODE_WRONG"
        await factors.confirm("u1", desk.code(pyotp.TOTP(new)))

        assert await refusal(factors.enrol(ALICE)) == "FACTOR_SET_UP"
        assert await refusal(factors.confirm("u1", "1")) == "FACTOR_SET_UP"
        assert await refusal(factors.confirm("u2", "1")) == "FACTOR_NOT_SET_UP"

    run(story())


def test_a_code_is_good_once() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, totp, _ = await set_up(desk)
        code = desk.code(totp)

        assert await factors.check("u1", code) == "otp"
        assert await factors.check("u1", code) is None
        desk.pass_s(30)
        assert await factors.check("u1", desk.code(totp)) == "otp"

    run(story())


def test_the_code_that_confirmed_is_used() -> None:
    async def story() -> None:
        desk = await open_desk()
        seed, _ = await desk.identity.factors.enrol(ALICE)
        code = desk.code(pyotp.TOTP(seed))
        await desk.identity.factors.confirm("u1", code)

        assert await desk.identity.factors.check("u1", code) is None

    run(story())


def test_of_the_same_code_at_the_same_time_one_is_good() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, totp, _ = await set_up(desk)
        code = desk.code(totp)

        told = await asyncio.gather(*(factors.check("u1", code) for _ in range(10)))

        assert sorted(map(str, told)) == ["None"] * 9 + ["otp"]

    run(story())


@pytest.mark.parametrize(
    ("back", "steps", "is_good"),
    [(0, 0, True), (0, -1, False), (0, 1, False), (1, -1, True), (1, -2, False), (1, 1, False)],
)
def test_only_the_current_code_is_taken_or_one_before_by_setting(
    back: int, steps: int, is_good: bool
) -> None:
    async def story() -> None:
        config = IdentityConfig(algorithm=Algorithm.ED25519, totp_steps_back=back)
        desk = await open_desk(config)
        factors, totp, _ = await set_up(desk)
        desk.pass_s(120)

        found = await factors.check("u1", desk.code(totp, steps=steps))

        assert found == ("otp" if is_good else None)

    run(story())


def test_an_older_code_is_not_taken_after_a_newer_one() -> None:
    async def story() -> None:
        config = IdentityConfig(algorithm=Algorithm.ED25519, totp_steps_back=1)
        desk = await open_desk(config)
        factors, totp, _ = await set_up(desk)
        desk.pass_s(120)

        assert await factors.check("u1", desk.code(totp)) == "otp"
        assert await factors.check("u1", desk.code(totp, steps=-1)) is None

    run(story())


@pytest.mark.parametrize(
    "code",
    [
        "",
        "0",
        "12345",
        "1234567",
        "abcdef",
        "\x00" * 6,
        "".join(chr(0xFF10 + digit) for digit in range(6)),
    ],
)
def test_what_is_no_code_is_refused(code: str) -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, _, _ = await set_up(desk)

        assert await factors.check("u1", code) is None

    run(story())


def test_a_code_with_a_space_in_its_middle_is_taken() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, totp, _ = await set_up(desk)
        code = desk.code(totp)

        assert await factors.check("u1", f"{code[:3]} {code[3:]}") == "otp"

    run(story())


def test_there_are_ten_recovery_codes_of_120_bits_each_good_once() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, _, codes = await set_up(desk)

        assert len(set(codes)) == RECOVERY_CODES == 10
        for left, code in zip(range(9, -1, -1), codes, strict=True):
            # From 112 bits on, what is stored under a fast hash cannot be guessed from the hash.
            assert len(b32decode(code.replace("-", "").upper())) * 8 == 120
            assert len(code) <= 32, "as long as the field of a code may be"
            assert await factors.check("u1", code) == "recovery"
            assert await factors.check("u1", code) is None
            assert await factors.codes_left("u1") == left

    run(story())


def test_a_recovery_code_is_taken_as_people_type_it() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, _, codes = await set_up(desk)

        assert await factors.check("u1", codes[0].upper().replace("-", " ")) == "recovery"

    run(story())


def test_recovery_codes_are_stored_as_hashes_and_belong_to_one_user() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, _, codes = await set_up(desk)
        await set_up(desk, BOB)

        assert await factors.check("u2", codes[0]) is None
        stored = {code.digest for code in desk.store._codes.values()}
        assert not {code.encode() for code in codes} & stored
        assert {len(digest) for digest in stored} == {32}

    run(story())


def test_new_recovery_codes_end_the_old_ones() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, _, old = await set_up(desk)

        new = await factors.renew_codes("u1")

        assert not set(old) & set(new)
        assert await factors.check("u1", old[0]) is None
        assert await factors.check("u1", new[0]) == "recovery"
        assert await refusal(factors.renew_codes("u2")) == "FACTOR_NOT_SET_UP"

    run(story())


def test_removing_it_removes_the_codes_too() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, totp, codes = await set_up(desk)

        await factors.remove("u1")

        assert not await factors.is_set_up("u1")
        assert await factors.check("u1", desk.code(totp)) is None
        assert await factors.check("u1", codes[0]) is None
        assert await factors.codes_left("u1") == 0

    run(story())


def test_a_seed_is_sealed_and_opens_in_its_users_row_only() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, totp, _ = await set_up(desk)
        await set_up(desk, BOB)
        alices, bobs = desk.store._totp["u1"], desk.store._totp["u2"]

        assert b32decode(totp.secret) not in alices.sealed
        desk.store._totp["u2"] = msgspec.structs.replace(bobs, sealed=alices.sealed)

        desk.pass_s(30)
        with pytest.raises(StorageError, match="SEAL_BROKEN"):
            await factors.check("u2", desk.code(totp))

    run(story())


def test_a_clock_set_back_makes_no_earlier_code_good() -> None:
    async def story() -> None:
        desk = await open_desk()
        factors, totp, _ = await set_up(desk)
        code = desk.code(totp)
        await factors.check("u1", code)

        desk.clock.jump(-30 * SECOND)
        assert await factors.check("u1", desk.code(totp)) is None
        desk.clock.jump(30 * SECOND)
        assert await factors.check("u1", code) is None

    run(story())
