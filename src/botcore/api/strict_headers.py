"""The headers of every answer, and the word that lets a script of our own run.

``Content-Security-Policy`` names a nonce that no two answers share; a page finds it with `nonce_of`
and writes it into its own script and style elements.
"""

import secrets
from typing import Final

from starlette.types import Scope

Header = tuple[bytes, bytes]
NONCE: Final = "csp_nonce"
"""Where the nonce stands in ``scope["state"]`` (``request.state.csp_nonce``)."""
_NONCE_BYTES: Final = 16

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}';"
    " img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self';"
    " worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " object-src 'none'; require-trusted-types-for 'script'; trusted-types botcore"
)
_BEFORE, _BETWEEN, _AFTER = CONTENT_SECURITY_POLICY.encode().split(b"{nonce}")
_FEATURES: Final = (
    b"accelerometer",
    b"autoplay",
    b"browsing-topics",
    b"camera",
    b"clipboard-read",
    b"clipboard-write",
    b"compute-pressure",
    b"cross-origin-isolated",
    b"digital-credentials-get",
    b"display-capture",
    b"encrypted-media",
    b"fullscreen",
    b"gamepad",
    b"geolocation",
    b"gyroscope",
    b"hid",
    b"identity-credentials-get",
    b"idle-detection",
    b"keyboard-map",
    b"local-fonts",
    b"magnetometer",
    b"microphone",
    b"midi",
    b"otp-credentials",
    b"payment",
    b"picture-in-picture",
    b"publickey-credentials-create",
    b"publickey-credentials-get",
    b"screen-wake-lock",
    b"serial",
    b"speaker-selection",
    b"storage-access",
    b"sync-xhr",
    b"unload",
    b"usb",
    b"window-management",
    b"xr-spatial-tracking",
)
"""What a page could ask a browser for (w3c/webappsec-permissions-policy, features.md, 2025): our
pages use none of it, and what is not named keeps its default, which is to be allowed. Names that
Chromium does not know are left out: it warns of each."""
_FIXED: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b", ".join(b"%b=()" % name for name in _FEATURES)),
)
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_CSP: Final = b"content-security-policy"
OURS: Final = frozenset({name for name, _ in _FIXED} | {_CSP, _HSTS[0]})
"""Headers that an application cannot set otherwise."""


def new_nonce() -> str:
    """Return a nonce: 128 bits, of letters that stand in an attribute as they are."""
    return secrets.token_urlsafe(_NONCE_BYTES)


def nonce_of(scope: Scope) -> str:
    """Return the nonce of the answer to this request.

    Raises:
        KeyError: no guard stands before it: a bug.
    """
    nonce: str = scope["state"][NONCE]
    return nonce


def strict_headers(nonce: str, *, is_secure: bool) -> list[Header]:
    """Return the headers; over TLS also the one that forbids coming back without."""
    word = nonce.encode()
    policy = b"".join((_BEFORE, word, _BETWEEN, word, _AFTER))
    headers = [(_CSP, policy), *_FIXED]
    if is_secure:
        headers.append(_HSTS)
    return headers
