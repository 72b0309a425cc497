"""Health of a room as the api process opens it: where it runs, and how its stores are used."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.open_room import OpenRoom


@pytest.mark.parametrize("region", ["fsn1 rack 4", None])
def test_health_names_the_region_that_the_settings_name_and_none_where_they_do_not(
    tmp_path: Path, region: str | None
) -> None:
    with OpenRoom(tmp_path, region=region) as room, room.client(room.local) as client:
        body = client.get("/api/v1/health").json()

    assert body["region"] == region


def test_the_details_say_how_the_connections_and_lines_of_every_store_are_used(
    tmp_path: Path,
) -> None:
    with OpenRoom(tmp_path) as room, room.client(room.local) as client:
        with room.room.stores.store._reading.reading():  # one is held
            held = client.get("/api/v1/health/details").json()["pools"]
        free = client.get("/api/v1/health/details").json()["pools"]

    assert set(free) == {"control store", "engine store, read here"}  # no engine runs here
    assert held["control store"].startswith("2 of 30 connections in use")
    assert free["control store"] == (  # its writer keeps one
        "1 of 30 connections in use, 0 of 4096 reads and 0 of 4096 writes under way"
    )
    assert free["engine store, read here"] == "0 of 15 connections in use"
