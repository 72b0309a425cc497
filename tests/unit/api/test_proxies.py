"""Where a call comes from: a proxy is believed as far as it is known, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botcore.api.proxies import Origin, Proxies
from botcore.domain.errors import ConfigError

KNOWN = Proxies(["10.0.0.0/24", "2001:db8::1"])


def seen(peer: str, *forwarded_for: str, proto: tuple[str, ...] = ()) -> Origin:
    return KNOWN.origin(peer, "http", forwarded_for=forwarded_for, forwarded_proto=proto)


def test_a_known_proxy_says_who_called() -> None:
    assert seen("10.0.0.9", "192.0.2.7", proto=("https",)) == Origin("192.0.2.7", "https")


def test_a_stranger_s_claim_is_ignored() -> None:
    assert seen("192.0.2.66", "127.0.0.1", proto=("https",)) == Origin("192.0.2.66", "http")


@pytest.mark.parametrize(
    ("claims", "address"),
    [
        (("127.0.0.1, 192.0.2.7",), "192.0.2.7"),  # the client wrote the first one itself
        (("127.0.0.1", "192.0.2.7"), "192.0.2.7"),
        (("192.0.2.7, 10.0.0.3",), "192.0.2.7"),  # through two known proxies
        (("10.0.0.3",), "10.0.0.3"),  # the proxy itself asks
        (("192.0.2.7:4711",), "192.0.2.7"),
        (("[2001:db8::7]:4711",), "2001:db8::7"),
        (("2001:db8::7",), "2001:db8::7"),
        (("::ffff:192.0.2.7",), "192.0.2.7"),
        (("unknown",), "10.0.0.9"),
        (("127.0.0.1, unknown",), "10.0.0.9"),  # nothing behind what cannot be read counts
        (("",), "10.0.0.9"),
        ((), "10.0.0.9"),
        ((f"192.0.2.7{', 10.0.0.3' * 40}",), "10.0.0.3"),  # no more than so many are looked at
    ],
)
def test_the_last_address_that_is_no_proxy_is_the_client(
    claims: tuple[str, ...], address: str
) -> None:
    assert seen("10.0.0.9", *claims).address == address


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [
        (("https",), "https"),
        (("HTTPS",), "https"),
        (("https, http",), "http"),
        (("https", "http"), "http"),
        (("gopher",), "http"),
        ((), "http"),
    ],
)
def test_the_nearest_proxy_says_the_scheme(proto: tuple[str, ...], scheme: str) -> None:
    assert seen("10.0.0.9", "192.0.2.7", proto=proto).scheme == scheme


@given(st.lists(st.text(max_size=40), max_size=5))
def test_whatever_is_claimed_the_answer_is_an_address(claims: list[str]) -> None:
    assert seen("192.0.2.66", *claims).address == "192.0.2.66"
    assert seen("10.0.0.9", *claims).address


def test_without_any_proxy_nobody_is_believed() -> None:
    origin = Proxies().origin(
        "127.0.0.1", "http", forwarded_for=["192.0.2.7"], forwarded_proto=["https"]
    )

    assert origin == Origin("127.0.0.1", "http")


@pytest.mark.parametrize(
    ("network", "code"),
    [
        ("proxy.example", "PROXY_MALFORMED"),
        ("10.0.0.0/33", "PROXY_MALFORMED"),
        ("*", "PROXY_MALFORMED"),
        ("0.0.0.0/0", "PROXY_ANYBODY"),
        ("::/0", "PROXY_ANYBODY"),
    ],
)
def test_a_proxy_that_is_none_or_everybody_is_refused(network: str, code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        Proxies([network])

    assert refused.value.code == code
