import pytest

from botcore.domain.records import SCHEMA, RecordKind
from botcore.storage import StoreRefused
from botcore.storage.upcasting import upcast


def test_a_current_payload_is_left_as_it_is() -> None:
    assert upcast(SCHEMA, RecordKind.FACT, b"x") == b"x"


def test_old_payloads_go_through_each_step_in_turn() -> None:
    steps = {
        SCHEMA - 2: lambda kind, payload: payload + b"a",
        SCHEMA - 1: lambda kind, payload: payload + kind.encode(),
    }

    assert upcast(SCHEMA - 2, RecordKind.INPUT, b"x", steps=steps) == b"xaINPUT"


def test_a_missing_step_is_refused_and_not_guessed() -> None:
    with pytest.raises(StoreRefused, match="STORE_SCHEMA_UNKNOWN"):
        upcast(SCHEMA - 1, RecordKind.FACT, b"x")


def test_the_future_is_refused() -> None:
    with pytest.raises(StoreRefused, match="STORE_NEWER"):
        upcast(SCHEMA + 1, RecordKind.FACT, b"x")
