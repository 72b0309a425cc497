"""Signing keys: two live, the next is known before it signs, and what leaked ends at once."""

from __future__ import annotations

import pytest
from tests.support.memory_identity_store import MemoryIdentityStore
from tests.support.sign_in_desk import START_NS, run

from botcore.control.identity.config import Algorithm, IdentityConfig
from botcore.control.identity.envelope import Envelope
from botcore.control.identity.ports import SigningKey
from botcore.control.identity.signing import SigningKeys
from botcore.domain.errors import StorageError
from botcore.kernel.clock import ManualClock

SECOND, DAY = 1_000_000_000, 86_400 * 1_000_000_000
ED = IdentityConfig(algorithm=Algorithm.ED25519)


class Server:
    def __init__(self) -> None:
        self.clock = ManualClock(START_NS)
        self.store = MemoryIdentityStore()

    def keys(self, config: IdentityConfig = ED, kek: bytes = bytes(32)) -> SigningKeys:
        made = SigningKeys(
            store=self.store, envelope=Envelope(kek), config=config, clock=self.clock
        )
        run(made.load())
        return made


def kids(keys: SigningKeys) -> set[str]:
    return {key["kid"] for key in keys.published()}


def test_two_keys_are_published_and_one_signs() -> None:
    keys = Server().keys()

    assert len(kids(keys)) == 2
    assert keys.signer().kid in kids(keys)


def test_nothing_private_is_published() -> None:
    server = Server()

    for config in (ED, IdentityConfig(algorithm=Algorithm.RS256)):
        for key in server.keys(config).published():
            assert not set(key) & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
            assert key["use"] == "sig"


def test_the_keys_are_the_same_after_a_restart() -> None:
    server = Server()
    keys = server.keys()

    again = server.keys()

    assert kids(again) == kids(keys)
    assert again.signer().kid == keys.signer().kid


def test_the_next_key_was_published_before_it_signs() -> None:
    server = Server()
    keys = server.keys()
    before, signed = kids(keys), keys.signer().kid

    run(keys.rotate())

    assert keys.signer().kid in before - {signed}
    assert len(kids(keys)) == 3


def test_the_last_key_verifies_until_its_tokens_have_ended_and_is_then_forgotten() -> None:
    server = Server()
    keys = server.keys()
    old = keys.signer().kid
    run(keys.rotate())

    server.clock.advance((900 + ED.leeway_s) * SECOND - 1)
    assert keys.verifier(old) is not None
    server.clock.advance(1)

    assert keys.verifier(old) is None
    assert old not in kids(keys)
    assert old not in kids(server.keys())
    assert len(run(server.store.signing_keys())) == 2


def test_a_key_is_replaced_at_the_first_start_after_its_days() -> None:
    server = Server()
    first = server.keys().signer().kid

    server.clock.advance(90 * DAY)
    assert server.keys().signer().kid == first
    server.clock.advance(1)
    second = server.keys().signer().kid

    assert second != first
    assert server.keys().signer().kid == second


def test_another_algorithm_takes_over_and_the_old_keys_only_verify() -> None:
    server = Server()
    old = server.keys().signer()

    keys = server.keys(IdentityConfig(algorithm=Algorithm.RS256))

    assert keys.signer().algorithm == "RS256"
    found = keys.verifier(old.kid)
    assert found is not None
    assert found.algorithm == "Ed25519"
    assert [key["alg"] for key in keys.published()].count("RS256") == 2


def test_a_leak_is_answered_by_dropping_every_key_at_once() -> None:
    server = Server()
    keys = server.keys()
    run(keys.rotate())
    leaked = kids(keys)

    run(keys.replace_all())

    assert not kids(keys) & leaked
    assert all(keys.verifier(kid) is None for kid in leaked)
    assert kids(server.keys()) == kids(keys)


def test_key_material_is_sealed_in_the_store() -> None:
    server = Server()
    server.keys()

    for record in run(server.store.signing_keys()):
        assert b"kty" not in record.sealed
        assert b'"d"' not in record.sealed


def test_a_sealed_key_under_another_name_does_not_open() -> None:
    server = Server()
    server.keys()
    first, second = run(server.store.signing_keys())
    swapped = [
        SigningKey(
            kid=own.kid,
            algorithm=own.algorithm,
            sealed=other.sealed,
            created_at=own.created_at,
            signs_from=own.signs_from,
        )
        for own, other in ((first, second), (second, first))
    ]
    run(server.store.put_signing_keys(swapped))

    with pytest.raises(StorageError, match="SEAL_BROKEN"):
        server.keys()


def test_another_key_file_does_not_open_them() -> None:
    server = Server()
    server.keys()

    with pytest.raises(StorageError, match="SEAL_BROKEN"):
        server.keys(kek=bytes(31) + b"1")
