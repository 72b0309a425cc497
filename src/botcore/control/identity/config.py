"""How long things last and how often one may try: the numbers of sign-in, in one place."""

from enum import StrEnum
from typing import Final

import msgspec

from botcore.domain.errors import ConfigError

ACCESS_S_MAX: Final = 15 * 60
LEEWAY_S_MAX: Final = 30
KEY_LIFE_S_MAX: Final = 365 * 86_400


class Algorithm(StrEnum):
    """What signs access tokens."""

    RS256 = "RS256"
    """RSA with 3072 bits."""
    ED25519 = "Ed25519"
    """EdDSA over Ed25519; the header names it as RFC 9864 does."""


class ThrottleConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What slows guessing down; nothing locks an account for good.

    Attributes:
        free_tries: how many tries in a row are answered at once.
        first_delay_s: the wait after the last of these; it doubles with each further try.
        delay_max_s: the longest wait.
        forget_s: after so long without a try the count starts again.
        address_burst: tries that one address may make at once.
        address_per_minute: how many of them come back each minute.
        remembered_max: accounts and addresses that are remembered; the longest idle go first.
    """

    free_tries: int = 5
    first_delay_s: float = 1.0
    delay_max_s: float = 300.0
    forget_s: float = 3_600.0
    address_burst: int = 20
    address_per_minute: float = 10.0
    remembered_max: int = 20_000


class IdentityConfig(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of sign-in.

    Attributes:
        issuer, audience: of access tokens; another server's are refused.
        algorithm: signs access tokens.
        access_s: life of an access token, at most 900.
        leeway_s: how far `iat` and `nbf` may lie ahead of this clock, at most 30.
        signing_days: a signing key older than this is replaced at the next start.
        browser_s: life of a session that ends with the browser.
        stay_idle_s, stay_s: life of one that stays: without a refresh, and at the longest.
        sessions_max: of one user; the one that was idle longest ends.
        link_s: life of a sign-in link.
        reset_s: life of a link that sets a password.
        invitation_s: life of an invitation.
        challenge_s: how long a second factor may take; `challenge_tries` wrong codes end it.
        totp_steps_back: 0, or 1 to take the code of the 30 seconds before too.
        environment: of API keys: the word in ``bck_<environment>_…``.
        keys_max: API keys of one user that live.
        public_url: where browsers find this server, without a slash at its end.
        token_cache: verified access tokens, and as many keys, that are remembered.
        throttle: what slows guessing down.

    Raises:
        ConfigError: a number is out of its bounds.
    """

    issuer: str = "botcore"
    audience: str = "botcore-api"
    algorithm: Algorithm = Algorithm.RS256
    access_s: int = ACCESS_S_MAX
    leeway_s: int = 5
    signing_days: int = 90
    browser_s: int = 24 * 3_600
    stay_idle_s: int = 7 * 86_400
    stay_s: int = 30 * 86_400
    sessions_max: int = 50
    link_s: int = 5 * 60
    reset_s: int = 3_600
    invitation_s: int = 7 * 86_400
    challenge_s: int = 5 * 60
    challenge_tries: int = 5
    totp_steps_back: int = 0
    environment: str = "main"
    keys_max: int = 50
    public_url: str = ""
    token_cache: int = 10_000
    throttle: ThrottleConfig = ThrottleConfig()

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("access_s", self.access_s, 1, ACCESS_S_MAX),
            ("leeway_s", self.leeway_s, 0, LEEWAY_S_MAX),
            ("totp_steps_back", self.totp_steps_back, 0, 1),
        ):
            if not low <= value <= high:
                raise ConfigError(
                    code="IDENTITY_CONFIG",
                    cause=f"{name} is {value}, and must lie between {low} and {high}",
                    fix=f"set {name} within these bounds",
                )
        if not (self.environment.isalpha() and self.environment.islower()):
            raise ConfigError(
                code="IDENTITY_CONFIG",
                cause=f"environment is {self.environment!r}, and must be lower-case letters",
                fix="set environment to one word, such as main or test",
            )
