"""The catalogue: what is broken on purpose, and the tests that must notice, read from TOML.

An entry that no longer finds its line is stale: turn the line that keeps the rule now. One that
survives says that the rule's tests are weak: strengthen them, and not the entry.
"""

import tomllib
from pathlib import Path

import msgspec

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SOURCE = Path("src") / "botcore"
TRAPS = ROOT / "tests" / "support" / "traps.toml"
WATCHED_KINDS = "ERKI"
"""The rules of the money path. The faults of stores (D) are made by their own tests."""


class Mutation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of code turned against the rule that it keeps.

    Attributes:
        rule: the id of the rule.
        what: what the program does wrong now, in a few words; unique among the rule's mutations.
        file: below ``src/botcore``.
        old: text that stands exactly once in the file.
        new: what stands there instead.
        tests: files below ``tests``; of each only the tests that carry the rule's id are run.
        only: narrower than the id, where one test carries several: a part of the test's own id.
        says: what the failure must say, where one test watches many rules.
    """

    rule: str
    what: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ""
    says: str = ""

    @property
    def keyword(self) -> str:
        """What the name of a test that watches this contains."""
        return self.only or f"_{self.rule.lower()}_"

    @property
    def path(self) -> Path:
        """The file, below the root of the repository."""
        return SOURCE / self.file

    def applied_to(self, text: str) -> str:
        """Return the file's text with the mutation in it.

        Raises:
            ValueError: the catalogue is stale: `old` does not stand there exactly once.
        """
        count = text.count(self.old)
        if count != 1:
            raise ValueError(
                f"the catalogue is stale: {self.rule} ({self.what}) looks for a text that stands"
                f" {count} times in {self.path}:\n{self.old}"
            )
        return text.replace(self.old, self.new)


class Unbreakable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule that no single line of code keeps."""

    rule: str
    reason: str


class _Chapter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    mutation: tuple[Mutation, ...] = ()
    unbreakable: tuple[Unbreakable, ...] = ()


def _chapters() -> list[_Chapter]:
    return [
        msgspec.toml.decode(path.read_bytes(), type=_Chapter)
        for path in sorted((HERE / "catalogue").glob("*.toml"))
    ]


def mutations() -> tuple[Mutation, ...]:
    """Return every mutation, chapter by chapter."""
    return tuple(each for chapter in _chapters() for each in chapter.mutation)


def unbreakable() -> tuple[Unbreakable, ...]:
    """Return the rules without a mutation, each with its reason."""
    return tuple(each for chapter in _chapters() for each in chapter.unbreakable)


def rules_to_watch() -> tuple[str, ...]:
    """Return the ids of the rules that this version must keep, in the order of the documents."""
    traps = tomllib.loads(TRAPS.read_text("utf-8"))["trap"]
    return tuple(
        trap["id"] for trap in traps if trap.get("required") and trap["id"][0] in WATCHED_KINDS
    )
