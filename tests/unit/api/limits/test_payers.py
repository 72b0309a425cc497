"""Who pays: one customer of a network is one payer, and nobody hides behind a spelling."""

from __future__ import annotations

import pytest

from botcore.api.limits import Caller, Tier, address_payer, caller_of
from botcore.control.access import STRANGER, SYSTEM, Actor, ActorKind, local_actor


@pytest.mark.parametrize(
    ("address", "payer"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:0DB8:0001:0002::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "?"),
        ("", "?"),
        ("192.0.2.7, 192.0.2.8", "?"),
    ],
)
def test_an_address_pays_with_its_network(address: str, payer: str) -> None:
    assert address_payer(address) == payer


def test_a_stranger_pays_by_address() -> None:
    stranger = Actor(kind=ActorKind.STRANGER, name="stranger", address="192.0.2.7")

    assert caller_of(stranger) == Caller("", "", "192.0.2.7")
    assert caller_of(STRANGER).user == ""


def test_a_person_pays_by_user_wherever_he_is() -> None:
    person = Actor(
        kind=ActorKind.PERSON, name="person:alice", user="u1", session="s1", address="192.0.2.7"
    )

    assert caller_of(person) == Caller("u1", "", "192.0.2.7", name="person:alice")


def test_a_key_pays_for_itself_and_its_user() -> None:
    key = Actor(kind=ActorKind.KEY, name="key:ab12cd34", user="u1", session="ab12cd34")

    caller = caller_of(key)

    assert (caller.user, caller.key, caller.name) == ("u1", "ab12cd34", "key:ab12cd34")


def test_who_sits_at_the_machine_is_no_stranger() -> None:
    assert caller_of(local_actor("root"))[:2] == ("local:root", "")
    assert caller_of(local_actor("root")).tier is Tier.SERVICE
    assert caller_of(SYSTEM).user == "system"
