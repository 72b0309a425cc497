"""Who listens on the port of a home proves that he knows its token, before anything is shown."""

from __future__ import annotations

import pytest

from botcore.control.local_proof import LocalProof, credential_from, new_challenge

TOKEN = "t" * 43


def test_each_end_shows_that_it_knows_the_token_and_neither_says_it() -> None:
    platform, challenge = LocalProof(TOKEN), new_challenge()

    proof = platform.answer(challenge)
    credential = credential_from(TOKEN, challenge, proof)

    assert credential is not None
    assert platform.is_shown(credential)
    assert not any(TOKEN in said for said in (challenge, proof, credential))


def test_the_token_itself_is_not_what_is_shown() -> None:
    platform = LocalProof(TOKEN)

    assert not platform.is_shown(TOKEN)
    assert platform.is_token(TOKEN)
    assert [platform.is_token(each) for each in ("", "é", TOKEN[:-1])] == [False] * 3
    assert not LocalProof("").is_token("")


def test_a_proof_of_another_token_or_for_another_challenge_is_none() -> None:
    challenge = new_challenge()

    others = [
        LocalProof("x" * 43).answer(challenge),
        LocalProof(TOKEN).answer(new_challenge()),
        LocalProof("").answer(challenge),
        LocalProof(TOKEN).answer(challenge)[:-1],
        "." + "0" * 64,
        challenge,
        TOKEN,
        "",
    ]

    assert [credential_from(TOKEN, challenge, each) for each in others] == [None] * len(others)


def test_a_proof_moved_to_another_process_is_none() -> None:
    challenge = new_challenge()
    _, _, proof = LocalProof(TOKEN).answer(challenge).partition(".")
    process, _, _ = LocalProof(TOKEN).answer(challenge).partition(".")

    assert credential_from(TOKEN, challenge, f"{process}.{proof}") is None


def test_a_home_without_a_token_proves_nothing_and_believes_nobody() -> None:
    nobody = LocalProof("")

    assert nobody.answer(new_challenge()) == ""
    assert credential_from("", new_challenge(), "p" * 43 + "." + "0" * 64) is None
    assert not nobody.is_shown("")


@pytest.mark.parametrize("challenge", ["", "short", "é" * 43, "a" * 42 + "\n", "a" * 4_000])
def test_what_is_no_challenge_is_not_signed(challenge: str) -> None:
    assert LocalProof(TOKEN).answer(challenge) == ""


def test_a_proof_is_no_credential() -> None:
    """Who asks the platform for proofs learns nothing that lets him in."""
    platform = LocalProof(TOKEN)

    assert not platform.is_shown(platform.answer(new_challenge()))
