"""Access tokens: what is refused, however well it is made."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import RSAKey
from tests.support.memory_identity_store import MemoryIdentityStore
from tests.support.sign_in_desk import START_NS, refused, run

from botcore.control.access import Scope
from botcore.control.identity.access_tokens import AccessTokens, Claims
from botcore.control.identity.config import Algorithm, IdentityConfig
from botcore.control.identity.envelope import Envelope
from botcore.control.identity.ports import Session
from botcore.control.identity.signing import SigningKeys
from botcore.kernel.clock import ManualClock

SECOND = 1_000_000_000
NOW = START_NS // SECOND
SESSION = Session(
    id="s1",
    user_id="u1",
    created_at=START_NS,
    ends_at=START_NS + 86_400 * SECOND,
    idle_ends_at=START_NS + 86_400 * SECOND,
    seen_at=START_NS,
    auth_time=START_NS - 60 * SECOND,
    methods=("pwd", "otp"),
)
SCOPES = frozenset({Scope.READ_MARKET, Scope.TRADE_PAPER})


class Mint:
    """A server's keys, and whatever can be signed with them."""

    def __init__(self, algorithm: Algorithm) -> None:
        self.clock = ManualClock(START_NS)
        self.config = IdentityConfig(algorithm=algorithm)
        self.store = MemoryIdentityStore()
        self.keys = SigningKeys(
            store=self.store, envelope=Envelope(bytes(32)), config=self.config, clock=self.clock
        )
        run(self.keys.load())
        self.tokens = AccessTokens(keys=self.keys, config=self.config, clock=self.clock)

    def signed(self, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Return a token that this server's own key signed, with these changes; None removes."""
        signer = self.keys.signer()
        head = {"alg": signer.algorithm, "kid": signer.kid, "typ": "at+jwt"} | (header or {})
        body = {**self.claims(), **claims}
        body = {name: value for name, value in body.items() if value is not None}
        head = {name: value for name, value in head.items() if value is not None}
        return assembled(head, body, signer.key, signer.algorithm)

    def claims(self) -> dict[str, Any]:
        return {
            "iss": "botcore",
            "aud": "botcore-api",
            "sub": "u1",
            "sid": "s1",
            "jti": "j1",
            "iat": NOW,
            "nbf": NOW,
            "exp": NOW + 900,
            "scope": "read:market",
            "amr": ["pwd"],
            "auth_time": NOW,
        }


def b64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def assembled(header: dict[str, Any], claims: Any, key: Any, algorithm: str) -> str:
    """Sign by hand: no library checks what is put into the header."""
    signing = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
    model = jws.JWSRegistry.algorithms[algorithm]
    return f"{signing}.{b64(model.sign(signing.encode(), key))}"


@pytest.fixture(scope="module")
def rsa() -> Mint:
    return Mint(Algorithm.RS256)


@pytest.fixture
def ed() -> Mint:
    return Mint(Algorithm.ED25519)


def test_a_token_says_what_it_was_made_with(rsa: Mint) -> None:
    token, ends = rsa.tokens.make(SESSION, SCOPES)

    claims = rsa.tokens.check(token)

    assert claims == Claims(
        iss="botcore",
        aud="botcore-api",
        sub="u1",
        sid="s1",
        jti=claims.jti,
        iat=NOW,
        nbf=NOW,
        exp=NOW + 900,
        scope="read:market trade:paper",
        amr=("pwd", "otp"),
        auth_time=NOW - 60,
    )
    assert claims.scopes == SCOPES
    assert ends == START_NS + 900 * SECOND


def test_a_token_is_rs256_over_3072_bits_and_typed(rsa: Mint) -> None:
    token, _ = rsa.tokens.make(SESSION, SCOPES)

    header = json.loads(urlsafe_b64decode(token.split(".")[0] + "=="))
    signer = rsa.keys.signer()

    assert header == {"alg": "RS256", "kid": signer.kid, "typ": "at+jwt"}
    assert isinstance(signer.key, RSAKey)
    assert signer.key.raw_value.key_size == 3_072


def test_a_second_library_reads_the_signature_with_the_published_key(rsa: Mint) -> None:
    from cryptography.hazmat.primitives.asymmetric import padding
    from cryptography.hazmat.primitives.asymmetric import rsa as crypto
    from cryptography.hazmat.primitives.hashes import SHA256

    token, _ = rsa.tokens.make(SESSION, SCOPES)
    signing, signature = token.rsplit(".", 1)
    (jwk,) = [key for key in rsa.keys.published() if key["kid"] == rsa.keys.signer().kid]
    numbers = [int.from_bytes(urlsafe_b64decode(jwk[name] + "==")) for name in ("e", "n")]

    crypto.RSAPublicNumbers(*numbers).public_key().verify(
        urlsafe_b64decode(signature + "=="), signing.encode(), padding.PKCS1v15(), SHA256()
    )


def test_eddsa_is_a_setting(ed: Mint) -> None:
    token, _ = ed.tokens.make(SESSION, SCOPES)

    assert ed.tokens.check(token).sid == "s1"
    assert json.loads(urlsafe_b64decode(token.split(".")[0] + "=="))["alg"] == "Ed25519"


@pytest.mark.parametrize("name", list(Claims.__struct_fields__))
def test_every_claim_is_required(ed: Mint, name: str) -> None:
    ed.tokens.check(ed.signed())

    assert refused(ed.tokens.check, ed.signed(**{name: None})) == "TOKEN_REFUSED"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "another"},
        {"aud": "another-api"},
        {"aud": ["botcore-api", "another"]},
        {"sub": ""},
        {"sid": ""},
        {"jti": ""},
        {"iat": NOW + 6, "exp": NOW + 600},  # made in the future
        {"nbf": NOW + 6},
        {"exp": NOW + 901},  # lives longer than 15 minutes
        {"iat": NOW - 1, "exp": NOW + 900},
        {"iat": NOW + 5, "exp": NOW + 4},
        {"exp": "never"},
        {"exp": float(NOW + 800)},
        {"scope": ["read:market"]},
        {"admin": True},
    ],
)
def test_every_claim_is_checked(ed: Mint, changed: dict[str, Any]) -> None:
    assert refused(ed.tokens.check, ed.signed(**changed)) == "TOKEN_REFUSED"


def test_a_clock_that_steps_back_a_little_is_borne(ed: Mint) -> None:
    token, _ = ed.tokens.make(SESSION, SCOPES)

    ed.clock.jump(-5 * SECOND)
    ed.tokens.check(token)
    ed.clock.jump(-1 * SECOND)

    assert refused(ed.tokens.check, token) == "TOKEN_REFUSED"


def test_a_token_ends_to_the_second_also_when_it_is_remembered(ed: Mint) -> None:
    token, _ = ed.tokens.make(SESSION, SCOPES)

    ed.clock.advance(899 * SECOND)
    ed.tokens.check(token)
    ed.clock.advance(SECOND)

    assert refused(ed.tokens.check, token) == "TOKEN_EXPIRED"


def test_a_token_never_outlives_its_session(ed: Mint) -> None:
    session = msgspec.structs.replace(SESSION, ends_at=START_NS + 10 * SECOND)

    _, ends = ed.tokens.make(session, SCOPES)

    assert ends == START_NS + 10 * SECOND


def test_a_scope_that_this_server_does_not_know_is_dropped(ed: Mint) -> None:
    claims = ed.tokens.check(ed.signed(scope="read:market rule:world"))

    assert claims.scopes == {Scope.READ_MARKET}


# Algorithm confusion.


@pytest.mark.parametrize("form", ["pem", "der", "n"])
def test_hs256_with_the_public_key_is_refused(rsa: Mint, form: str) -> None:
    signer = rsa.keys.signer()
    assert isinstance(signer.key, RSAKey)
    secret = {
        "pem": signer.key.as_pem(private=False),
        "der": signer.key.as_der(private=False),
        "n": urlsafe_b64decode(str(signer.key.as_dict()["n"]) + "=="),
    }[form]
    header = {"alg": "HS256", "kid": signer.kid, "typ": "at+jwt"}
    signing = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(rsa.claims()).encode())}"
    token = f"{signing}.{b64(hmac.digest(secret, signing.encode(), 'sha256'))}"

    assert refused(rsa.tokens.check, token) == "TOKEN_REFUSED"


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", ""])
def test_no_algorithm_is_refused(rsa: Mint, name: str) -> None:
    header = {"alg": name, "kid": rsa.keys.signer().kid, "typ": "at+jwt"}
    body = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(rsa.claims()).encode())}"

    for token in (f"{body}.", body, f"{body}.{b64(b'0' * 384)}"):
        assert refused(rsa.tokens.check, token) == "TOKEN_REFUSED"


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256", "rs256", "ES256"])
def test_another_algorithm_of_the_same_key_is_refused(rsa: Mint, algorithm: str) -> None:
    signer = rsa.keys.signer()
    by = algorithm if algorithm in ("RS384", "RS512", "PS256") else "RS256"
    header = {"alg": algorithm, "kid": signer.kid, "typ": "at+jwt"}

    token = assembled(header, rsa.claims(), signer.key, by)

    assert refused(rsa.tokens.check, token) == "TOKEN_REFUSED"


def test_a_key_of_somebody_else_is_refused(rsa: Mint) -> None:
    header = {"alg": "RS256", "kid": rsa.keys.signer().kid, "typ": "at+jwt"}

    token = assembled(header, rsa.claims(), RSAKey.generate_key(2048), "RS256")

    assert refused(rsa.tokens.check, token) == "TOKEN_REFUSED"


# The header chooses nothing.


@pytest.mark.parametrize(
    "kid",
    [
        "../../../../dev/null",
        "/dev/null",
        "' UNION SELECT 'secret' --",
        "x' OR '1'='1",
        "https://evil.example/jwks.json",
        "file:///etc/passwd",
        "",
        " ",
        "\x00",
        None,
        0,
        True,
        ["a"],
        {"kid": "a"},
    ],
)
def test_a_kid_is_looked_up_in_memory_and_nowhere_else(ed: Mint, kid: Any) -> None:
    assert refused(ed.tokens.check, ed.signed({"kid": kid})) == "TOKEN_REFUSED"


@pytest.mark.parametrize(
    "more",
    [
        {"jku": "https://evil.example/jwks.json"},
        {"x5u": "https://evil.example/cert.pem"},
        {"x5c": ["MIIB"]},
        {"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}},
        {"x5t": "AAAA"},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["b64"], "b64": False},
        {"crit": []},
        {"b64": True},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"typ": "JWT"},
        {"typ": "at+JWT"},
        {"typ": None},
        {"alg": None},
        {"enc": "A256GCM"},
    ],
)
def test_a_header_with_more_or_other_than_it_must_is_refused(
    ed: Mint, more: dict[str, Any]
) -> None:
    assert refused(ed.tokens.check, ed.signed(more)) == "TOKEN_REFUSED"


def test_an_embedded_key_is_not_believed(ed: Mint) -> None:
    key = RSAKey.generate_key(2048)
    header = {
        "alg": "RS256",
        "kid": ed.keys.signer().kid,
        "typ": "at+jwt",
        "jwk": key.as_dict(private=False),
    }

    assert refused(ed.tokens.check, assembled(header, ed.claims(), key, "RS256")) == "TOKEN_REFUSED"


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "a.b.c.d.e", "é.é.é", "W10.e30.", "e30.e30.e30", "x" * 5_000],
)
def test_what_is_no_token_is_refused(ed: Mint, token: str) -> None:
    assert refused(ed.tokens.check, token) == "TOKEN_REFUSED"


def test_a_header_that_is_nested_deeply_is_refused(ed: Mint) -> None:
    assert refused(ed.tokens.check, f"{b64(b'[' * 3_000)}.e30.e30") == "TOKEN_REFUSED"


@settings(max_examples=200)
@given(text=st.text(max_size=300))
def test_whatever_text_is_refused_and_breaks_nothing(text: str) -> None:
    assert refused(SHARED.tokens.check, text) == "TOKEN_REFUSED"


@settings(max_examples=200)
@given(at=st.integers(0, 10_000), letter=st.sampled_from("AQgw-_9z"))
def test_a_changed_letter_is_refused(at: int, letter: str) -> None:
    token = SHARED.signed()
    place = at % (len(token) - 1)  # the last letter holds bits that say nothing
    if token[place] in (letter, "."):
        return

    changed = token[:place] + letter + token[place + 1 :]

    assert refused(SHARED.tokens.check, changed) == "TOKEN_REFUSED"


SHARED = Mint(Algorithm.ED25519)


# What was verified is remembered.


def test_a_token_is_verified_once(ed: Mint, monkeypatch: pytest.MonkeyPatch) -> None:
    token, _ = ed.tokens.make(SESSION, SCOPES)
    verified: list[object] = []
    real = jws.deserialize_compact

    def counted(*args: Any, **kwargs: Any) -> Any:
        verified.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(jws, "deserialize_compact", counted)

    for _ in range(100):
        ed.tokens.check(token)

    assert len(verified) == 1


def test_what_is_remembered_is_bounded_by_the_last_use(ed: Mint) -> None:
    config = IdentityConfig(algorithm=Algorithm.ED25519, token_cache=3)
    tokens = AccessTokens(keys=ed.keys, config=config, clock=ed.clock)
    made = [tokens.make(SESSION, SCOPES)[0] for _ in range(5)]

    for token in made[:3]:
        tokens.check(token)
    tokens.check(made[0])
    for token in made[3:]:
        tokens.check(token)

    assert len(tokens._verified) == 3


def test_a_refused_token_is_not_remembered(ed: Mint) -> None:
    refused(ed.tokens.check, ed.signed(iss="another"))

    assert not ed.tokens._verified


def test_dropping_a_key_ends_its_tokens_also_those_that_are_remembered(ed: Mint) -> None:
    token, _ = ed.tokens.make(SESSION, SCOPES)
    ed.tokens.check(token)

    run(ed.keys.replace_all())

    assert refused(ed.tokens.check, token) == "TOKEN_REFUSED"
    ed.tokens.check(ed.tokens.make(SESSION, SCOPES)[0])
