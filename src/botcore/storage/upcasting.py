"""Old payloads, for ever readable: each schema version has one step to the next."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from botcore.domain.records import SCHEMA, RecordKind
from botcore.storage.faults import StoreRefused

Upcaster = Callable[[RecordKind, bytes], bytes]
"""From a payload of one schema version to the same payload of the next."""

UPCASTERS: Mapping[int, Upcaster] = MappingProxyType({})
"""By the version they start from; version 1 is the first and the current one."""


def upcast(
    schema: int, kind: RecordKind, payload: bytes, *, steps: Mapping[int, Upcaster] = UPCASTERS
) -> bytes:
    """Return a payload of version `schema` as the current version writes it.

    Raises:
        StoreRefused: the version is newer than this program, or no step leads on from it.
    """
    if schema > SCHEMA:
        raise newer(f"records of schema {schema}, and this version reads up to {SCHEMA}")
    while schema < SCHEMA:
        step = steps.get(schema)
        if step is None:
            raise StoreRefused(
                code="STORE_SCHEMA_UNKNOWN",
                cause=f"records of schema {schema} cannot be read by this version",
                fix="start it with the version that wrote it",
            )
        payload = step(kind, payload)
        schema += 1
    return payload


def newer(what: str, *, written_by: str = "a newer version") -> StoreRefused:
    """Return the refusal of a store from the future."""
    return StoreRefused(
        code="STORE_NEWER",
        cause=f"the store was written by {written_by}: it holds {what}",
        fix="upgrade to that version, or point BOTCORE_HOME to another folder",
    )
