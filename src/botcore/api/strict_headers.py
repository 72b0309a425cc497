"""The headers of every answer, and the word that lets a script of our own run.

A page's ``Content-Security-Policy`` names a nonce that no two answers share; a page finds it with
`nonce_of` and writes it into its own script and style elements. What the API answers, unless it is
a page, is data: whoever opens it in a browser gets an empty sandbox, which runs, loads and sends
nothing.
"""

import secrets
from typing import Final

from starlette.types import Scope

Header = tuple[bytes, bytes]
NONCE: Final = "csp_nonce"
"""Where the nonce stands in ``scope["state"]`` once it was asked for."""
_NONCE_BYTES: Final = 16

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}';"
    " img-src 'self' data:; connect-src 'self'; font-src 'self'; manifest-src 'self';"
    " worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
    " object-src 'none'; require-trusted-types-for 'script'; trusted-types botcore"
)
DATA_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
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
_COMMON: Final[tuple[Header, ...]] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_PERMISSIONS: Final = (b"permissions-policy", b", ".join(b"%b=()" % name for name in _FEATURES))
_HSTS: Final = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_CSP: Final = b"content-security-policy"
OURS: Final = frozenset({name for name, _ in _COMMON} | {_CSP, _PERMISSIONS[0], _HSTS[0]})
"""Headers that an application cannot set otherwise."""
# A document that cannot run anything asks for no feature: there is nothing to forbid it
# (OWASP REST Security Cheat Sheet, security headers; ASVS 5.0, 3.2.1, for the sandbox).
_DATA: Final = ((_CSP, DATA_POLICY.encode()), *_COMMON)


def nonce_of(scope: Scope) -> str:
    """Return the nonce of the answer to this request: 128 bits, of letters an attribute may hold.

    It is made when it is first asked for.
    """
    state = scope.setdefault("state", {})
    nonce: str | None = state.get(NONCE)
    if nonce is None:
        nonce = state[NONCE] = secrets.token_urlsafe(_NONCE_BYTES)
    return nonce


def page_headers(scope: Scope, *, is_secure: bool) -> tuple[Header, ...]:
    """Return the headers of a page; over TLS also the one that forbids coming back without."""
    word = nonce_of(scope).encode()
    policy = b"".join((_BEFORE, word, _BETWEEN, word, _AFTER))
    headers = ((_CSP, policy), *_COMMON, _PERMISSIONS)
    return (*headers, _HSTS) if is_secure else headers


def unchanged_headers(*, is_secure: bool) -> tuple[Header, ...]:
    """Return the headers of the answer that what a browser has stored is as it was.

    It has no policy: browsers put it in the place of the stored one (RFC 9111, 3.2), which alone
    goes with what is stored, a page or data, down to the nonce.
    """
    return (*_COMMON, _HSTS) if is_secure else _COMMON


def data_headers(*, is_secure: bool) -> tuple[Header, ...]:
    """Return the headers of what is no page; over TLS with the same as a page's."""
    return (*_DATA, _HSTS) if is_secure else _DATA
