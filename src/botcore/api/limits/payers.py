"""Who pays for a request: a user, a key, or the address a stranger comes from."""

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from botcore.api.limits.config import Tier
from botcore.control.access import Actor, ActorKind

_IPV6_SITE_BITS = 64
"""What one customer is given: all addresses of such a network are one payer."""


class Caller(NamedTuple):
    """Who asks, as the limits see him.

    Attributes:
        user: id; empty for strangers.
        key: id of the API key he came with; empty without.
        address: the payer that `address_payer` makes of his address.
        tier: where the configuration names no other.
        name: by which it does: the actor's.
    """

    user: str
    key: str
    address: str
    tier: Tier = Tier.STANDARD
    name: str = ""


def caller_of(actor: Actor) -> Caller:
    """Return how the limits see an actor. Who sits at the machine has the tier `service`."""
    address = address_payer(actor.address)
    match actor.kind:
        case ActorKind.STRANGER:
            return Caller("", "", address)
        case ActorKind.KEY:
            return Caller(actor.user, actor.session, address, name=actor.name)
        case ActorKind.LOCAL | ActorKind.SYSTEM:
            return Caller(actor.user or actor.name, "", address, Tier.SERVICE, actor.name)
        case ActorKind.PERSON:
            return Caller(actor.user, "", address, name=actor.name)


@lru_cache(maxsize=4096)
def address_payer(address: str) -> str:
    """Return which addresses pay together: an IPv4 address alone, IPv6 by its /64.

    What is no address pays with all others that are none.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, _IPV6_SITE_BITS), strict=False))
