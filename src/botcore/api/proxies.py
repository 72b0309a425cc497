"""Where a call really comes from, when proxies that are known stand in between.

``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed when a configured proxy hands them on,
and no further than the first address that is not one. From anybody else they are a claim, and
ignored; ``X-Forwarded-Host`` and ``Forwarded`` always are.
"""

import ipaddress
from collections.abc import Sequence
from typing import Final, NamedTuple

from botcore.domain.errors import ConfigError

HOPS_MAX: Final = 16
"""Addresses of ``X-Forwarded-For`` that are looked at, from the last one."""
_SCHEMES: Final = frozenset({"http", "https"})
_CACHED_MAX: Final = 4096

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Origin(NamedTuple):
    """Where a call comes from.

    Attributes:
        address: of the client, as text.
        scheme: with which the client spoke: ``http`` or ``https``.
    """

    address: str
    scheme: str


class Proxies:
    """The proxies whose word counts.

    Args:
        networks: addresses or networks in CIDR notation.

    Raises:
        ConfigError: one of them is neither, or every address is one.
    """

    def __init__(self, networks: Sequence[str] = ()) -> None:
        self._networks = tuple(_network(text) for text in networks)
        self._known: dict[str, bool] = {}

    def trusts(self, address: str) -> bool:
        """Whether this address is a proxy's."""
        if not self._networks:
            return False
        known = self._known.get(address)
        if known is None:
            found = _parsed(address)
            known = found is not None and any(found in network for network in self._networks)
            if len(self._known) >= _CACHED_MAX:
                self._known.clear()
            self._known[address] = known
        return known

    def origin(
        self,
        peer: str,
        scheme: str,
        *,
        forwarded_for: Sequence[str],
        forwarded_proto: Sequence[str],
    ) -> Origin:
        """Return where a call comes from.

        Args:
            peer: address that the connection comes from.
            scheme: of the connection.
            forwarded_for: every ``X-Forwarded-For``, in order.
            forwarded_proto: every ``X-Forwarded-Proto``, in order.
        """
        if not self.trusts(peer):
            return Origin(peer, scheme)
        address = peer
        for hop in reversed(",".join(forwarded_for).split(",")[-HOPS_MAX:]):
            found = _parsed(_without_port(hop.strip()))
            if found is None:
                break
            address = str(found)
            if not self.trusts(address):
                break
        told = forwarded_proto[-1].rpartition(",")[2].strip().lower() if forwarded_proto else ""
        return Origin(address, told if told in _SCHEMES else scheme)


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    found = _parsed(address)
    return found is not None and found.is_loopback


def _network(text: str) -> _Network:
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError as error:
        raise ConfigError(
            code="PROXY_MALFORMED",
            cause=f"trusted proxy {text!r} is not an address or a network",
            fix="write addresses such as 10.0.0.7, or networks such as 10.0.0.0/24",
        ) from error
    if network.prefixlen == 0:
        raise ConfigError(
            code="PROXY_ANYBODY",
            cause=f"trusted proxy {text!r} is everybody, who could then claim any address",
            fix="name the addresses from which your proxy connects",
        )
    return network


def _parsed(text: str) -> _Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _without_port(hop: str) -> str:
    """Return the address alone, of ``1.2.3.4:56`` or ``[2001:db8::1]:56``."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
