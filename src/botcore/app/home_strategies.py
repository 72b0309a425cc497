"""Strategies that can be set up on this machine, and the rule trees of its home."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from botcore.app.home import Home
from botcore.app.strategies import find_strategy, refuse_file
from botcore.app.strategy_verbs import details, entries, refuse_taken, schema
from botcore.control.schema.strategies import Available, AvailableDetails, Rules
from botcore.domain.errors import ConfigError, StorageError
from botcore.strategies import parameters_in_force
from botcore.strategies.rules import compiled, rules_in, rules_schema

RULE_FILES: Final = (".json", ".yaml", ".yml")


class HomeStrategies:
    """The library and the home's own folder (`control.strategies_port.StrategyCatalogue`).

    Args:
        home: whose folder.
    """

    def __init__(self, home: Home) -> None:
        self._folder = home.strategies
        self._overrides = {"home": home.path}

    def entries(self) -> Sequence[Available]:
        """Return all that can be named."""
        return [
            Available(
                name=each.name,
                kind=each.kind,
                summary=each.summary,
                origin=each.origin,
                problem=each.problem,
            )
            for each in entries(overrides=self._overrides)
        ]

    def details(self, name: str) -> AvailableDetails:
        """Return what one declares."""
        refuse_file(name)
        found = details(overrides=self._overrides, name=name)
        return AvailableDetails(
            name=found.name,
            kind=found.kind,
            version=found.version,
            summary=found.summary,
            origin=Path(found.origin).name,
            parameters_schema=dict(schema(overrides=self._overrides, name=name)),
            features=found.features,
            warm_up=found.warm_up,
            reasons=found.reasons,
            digest=found.digest,
        )

    def check(self, name: str, parameters: Mapping[str, float]) -> None:
        """Refuse what cannot be run."""
        refuse_file(name)
        _, strategy = find_strategy(name, self._folder)
        parameters_in_force(strategy, parameters)

    def rules_schema(self) -> dict[str, Any]:
        """Return the schema of rule trees."""
        return dict(rules_schema())

    def rules(self, name: str) -> Rules | None:
        """Return a rule tree of the home."""
        for ending in RULE_FILES:
            path = self._folder / f"{name}{ending}"
            if path.is_file():
                raw = path.read_bytes()
                document = rules_in(raw.decode(), is_json=path.suffix == ".json")
                if isinstance(document, dict):
                    return Rules(name=name, document=document, digest=_digest(raw))
        return None

    def write_rules(self, name: str, document: Mapping[str, Any], *, replace: bool) -> Rules:
        """Compile a rule tree, and store it where it compiles."""
        if document.get("name") != name:
            raise ConfigError(
                code="RULES_REFUSED",
                cause=f"the document is named {document.get('name')!r}, not {name!r}",
                fix="give both the same name",
            )
        compiled(dict(document))
        known = [self._folder / f"{name}{ending}" for ending in RULE_FILES]
        stored = [path for path in known if path.exists()]
        if not (replace and stored):
            refuse_taken(name, self._folder)
        target = stored[0] if stored and stored[0].suffix == ".json" else known[0]
        raw = msgspec.json.format(msgspec.json.encode(document), indent=2)
        part = target.with_suffix(".json.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            part.write_bytes(raw)
            part.replace(target)
            for other in stored:
                if other != target:
                    other.unlink()
        except OSError as error:
            raise StorageError(
                code="STRATEGY_UNWRITABLE",
                cause=f"{target.name} cannot be written: {error.strerror}",
                fix="free disk space or correct the permissions",
            ) from error
        return Rules(name=name, document=dict(document), digest=_digest(raw))


def _digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()
