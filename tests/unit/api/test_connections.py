"""How many connections there may be: by address, and all together."""

from __future__ import annotations

import pytest

from botcore.api.connections import ConnectionBounds, Connections
from botcore.domain.errors import ConfigError


def connections(*, per_address: int = 2, total: int = 5, trusted: str = "") -> Connections:
    bounds = ConnectionBounds(per_address=per_address, total=total)
    return Connections(bounds, is_unbounded=lambda address: address == trusted)


def test_an_address_has_its_number_and_gets_one_back_for_each_it_leaves() -> None:
    open_ = connections()

    assert [open_.enter("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert open_.enter("192.0.2.2")
    open_.leave("192.0.2.1")
    assert open_.enter("192.0.2.1")
    assert (len(open_), open_.refused) == (3, 1)


def test_addresses_of_one_ipv6_network_are_one() -> None:
    open_ = connections()

    assert [open_.enter(f"2001:db8::{number}") for number in range(3)] == [True, True, False]
    assert open_.enter("2001:db8:0:1::1")


def test_a_trusted_address_has_no_number_of_its_own_but_counts_in_all() -> None:
    open_ = connections(trusted="10.0.0.7")

    assert [open_.enter("10.0.0.7") for _ in range(6)] == [True] * 5 + [False]
    assert not open_.enter("192.0.2.1")


def test_nothing_is_kept_of_who_has_left() -> None:
    open_ = connections()
    for number in range(1_000):
        address = f"10.0.{number // 250}.{number % 250}"
        open_.enter(address)
        open_.leave(address)

    assert len(open_) == 0
    assert not open_._open  # what memory it would keep


@pytest.mark.parametrize("name", ["head_bytes", "headers", "head_s", "per_address", "total"])
def test_a_bound_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=f"bound {name} of connections is 0"):
        ConnectionBounds(**{name: 0})
