"""What an act changed, for the audit: each thing with its value before and after it."""

from collections.abc import Mapping, Sequence, Set


class Noted:
    """The changes that one act has made so far; a handler tells them, the audit writes them down.

    Never a secret: values go into the audit as they are given.
    """

    def __init__(self) -> None:
        self._parts: list[str] = []

    def changed(self, what: str, before: object, after: object) -> None:
        """Note a value before and after the act; one that stays as it is, is left out."""
        if before != after:
            self._parts.append(f"{what}: {_text(before)} → {_text(after)}")

    def fields(self, what: str, before: Mapping[str, object], after: Mapping[str, object]) -> None:
        """Note the values in which two things differ; a name that one lacks is none there."""
        for name in sorted({*before, *after}):
            self.changed(f"{what}.{name}", before.get(name), after.get(name))

    @property
    def words(self) -> str:
        """All of it on one line; empty where nothing changed."""
        return "; ".join(self._parts)


def _text(value: object) -> str:
    match value:
        case None:
            return "none"
        case str():
            return value or "empty"
        case Mapping():
            return ", ".join(f"{name}={_text(value[name])}" for name in sorted(value)) or "empty"
        case Set():
            return " ".join(sorted(_text(each) for each in value)) or "empty"
        case Sequence():
            return " ".join(_text(each) for each in value) or "empty"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)
