"""Passwords: what they cost, what is refused, and that nobody is told who exists."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.sign_in_desk import CHEAP, GOOD, others_run, refusal, run

from botcore.control.identity.passwords import (
    SMALL,
    STRONG,
    PasswordCost,
    Passwords,
    cost_for,
    machine_memory,
)

GIB = 1024**3


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    made = Passwords(CHEAP)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("memory", "cost"),
    [
        (16 * GIB, PasswordCost(65_536, 3)),
        (2 * GIB, PasswordCost(65_536, 3)),
        (2 * GIB - 1, PasswordCost(19_456, 2)),
        (512 * 1024**2, PasswordCost(19_456, 2)),
    ],
)
def test_what_a_hash_costs_goes_by_the_memory(memory: int, cost: PasswordCost) -> None:
    assert cost_for(memory) == cost


def test_the_memory_of_this_machine_is_at_most_what_it_has() -> None:
    whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

    assert 0 < machine_memory() <= whole


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has niceness of a thread")
def test_hashing_gives_way_to_everything_else(passwords: Passwords) -> None:
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    assert run(passwords._run(niceness)) == min(19, niceness() + 10)


@pytest.mark.parametrize("cost", [STRONG, SMALL])
def test_a_real_hash_is_argon2id_with_the_parameters_asked_for(cost: PasswordCost) -> None:
    passwords = Passwords(cost)

    hashed = run(passwords.hash(GOOD))

    found = extract_parameters(hashed)
    assert hashed.startswith("$argon2id$v=19$")
    assert (found.type, found.memory_cost, found.time_cost, found.parallelism) == (
        Type.ID,
        cost.memory_kib,
        cost.passes,
        1,
    )
    assert run(passwords.is_right(hashed, GOOD))
    assert not run(passwords.is_right(hashed, GOOD + " "))
    passwords.close()


@settings(max_examples=30, deadline=None)
@given(password=st.text(st.characters(codec="utf-8"), max_size=1_024))
def test_a_password_is_taken_whole_as_it_comes(password: str) -> None:
    passwords = Passwords(CHEAP)

    async def told() -> tuple[bool, bool]:
        hashed = await passwords.hash(password)
        return (
            await passwords.is_right(hashed, password),
            await passwords.is_right(hashed, password + "x"),
        )

    assert run(told()) == (True, False)
    passwords.close()


def test_nothing_is_cut_off_a_long_password(passwords: Passwords) -> None:
    long = GOOD * 38  # 988 characters

    hashed = run(passwords.hash(long))

    assert run(passwords.is_right(hashed, long))
    assert not run(passwords.is_right(hashed, long[:-1]))
    assert not run(passwords.is_right(hashed, long[:72]))


def test_a_user_without_a_hash_costs_one_and_is_refused(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[str] = []
    real = PasswordHasher.verify

    def verify(self: PasswordHasher, hash: str, password: str) -> bool:  # its name
        checked.append(hash)
        return bool(real(self, hash, password))

    monkeypatch.setattr(PasswordHasher, "verify", verify)

    assert not run(passwords.is_right("", GOOD))

    (dummy,) = checked
    found = extract_parameters(dummy)
    assert (found.memory_cost, found.time_cost) == (CHEAP.memory_kib, CHEAP.passes)
    assert (found.salt_len, found.hash_len) == (16, 32)


def test_the_hash_of_nobody_takes_as_long_as_a_real_one() -> None:
    passwords = Passwords(PasswordCost(memory_kib=19_456, passes=4))
    hashed = run(passwords.hash(GOOD))
    clock = asyncio.new_event_loop()

    def seconds(stored: str) -> float:
        began = clock.time()
        run(passwords.is_right(stored, "another password"))
        return clock.time() - began

    real = min(seconds(hashed) for _ in range(5))
    nobody = min(seconds("") for _ in range(5))
    clock.close()
    passwords.close()

    assert 0.5 < nobody / real < 2


def test_a_damaged_hash_lets_nobody_in(passwords: Passwords) -> None:
    assert not run(passwords.is_right("$argon2id$v=19$m=8,t=1,p=1$", GOOD))
    assert not run(passwords.is_right("not a hash", GOOD))


def test_a_hash_with_lesser_parameters_is_outdated(passwords: Passwords) -> None:
    hashed = run(passwords.hash(GOOD))
    costlier = Passwords(PasswordCost(CHEAP.memory_kib * 2, CHEAP.passes))

    assert not passwords.is_outdated(hashed)
    assert costlier.is_outdated(hashed)
    costlier.close()


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("", "PASSWORD_LENGTH"),
        ("kx9#vQ2", "PASSWORD_LENGTH"),
        ("a" * 1_025, "PASSWORD_LENGTH"),
        ("password", "PASSWORD_COMMON"),
        ("Password1!", "PASSWORD_COMMON"),
        ("qwertyuiop", "PASSWORD_COMMON"),
        ("12345678", "PASSWORD_COMMON"),
        ("summer2024", "PASSWORD_COMMON"),
        ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "PASSWORD_COMMON"),
        ("alice1234", "PASSWORD_COMMON"),
    ],
)
def test_what_is_guessed_first_is_refused(passwords: Passwords, password: str, code: str) -> None:
    assert run(refusal(passwords.require_strong(password, about=("alice",)))) == code


@pytest.mark.parametrize(
    "password",
    [
        "kx9#vQ2m",  # eight characters
        "correct horse battery staple",  # no digit, no capital
        "обычныеслованедляугадывания",
        "9 4 7 1 0 2 8 8 3 5 1 7",  # only digits and spaces
        GOOD * 38,
    ],
)
def test_no_kind_of_character_is_asked_for(passwords: Passwords, password: str) -> None:
    run(passwords.require_strong(password))


def test_no_more_than_so_many_hashes_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(CHEAP, workers=2)
    running, most, gate = 0, 0, threading.Lock()
    met = threading.Barrier(2, timeout=5)

    def work(self: PasswordHasher, password: str) -> str:
        nonlocal running, most
        with gate:
            running += 1
            most = max(most, running)
        met.wait()
        with gate:
            running -= 1
        return "hash"

    monkeypatch.setattr(PasswordHasher, "hash", work)

    async def many() -> None:
        await asyncio.gather(*(passwords.hash(GOOD) for _ in range(20)))

    run(many())
    passwords.close()

    assert most == 2


def test_one_core_is_left_to_the_rest() -> None:
    passwords = Passwords(CHEAP)

    workers = passwords._pool._max_workers
    passwords.close()

    assert workers == max(1, (os.cpu_count() or 1) - 1)


def test_a_line_that_is_too_long_is_refused_and_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords = Passwords(CHEAP, workers=1)
    hold = threading.Event()
    monkeypatch.setattr(PasswordHasher, "hash", lambda self, password: hold.wait(5) and "hash")

    async def flood() -> list[object]:
        waiting = [asyncio.create_task(passwords.hash(GOOD)) for _ in range(100)]
        await others_run()
        hold.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    told = run(flood())
    passwords.close()

    assert sum(each == "hash" for each in told) == 64
    assert sum("SIGN_IN_BUSY" in str(each) for each in told) == 36
