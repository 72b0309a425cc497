"""Strategies by name: those of the library, those in the person's folder, and single files."""

import hashlib
import sys
import traceback
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from botcore.domain.errors import BotError, ConfigError
from botcore.domain.ids import slug
from botcore.domain.parameters import ParameterSpace, did_you_mean
from botcore.kernel.guard import Crashed, guarded
from botcore.strategies import (
    LIBRARY,
    EventStrategyBase,
    Needs,
    SignalStrategy,
    StrategyClass,
    parameters_in_force,
)

CODE: Final = (".py",)
DOCUMENTS: Final = (".yaml", ".yml", ".json")
SUFFIXES: Final = (*CODE, *DOCUMENTS)
FILE_BYTES_MAX: Final = 1 << 20


class Located(msgspec.Struct, frozen=True):
    """A strategy and where it is from.

    Attributes:
        name: under which it is known.
        path: of its file; None for the library.
        digest: SHA-256 of that file's bytes, 64 hex digits; empty for the library.
    """

    name: str
    strategy: StrategyClass
    path: Path | None = None
    digest: str = ""


def find_strategy(text: str, folder: Path | None) -> tuple[str, StrategyClass]:
    """Return a strategy by a library name, a name in a folder, or a path.

    Args:
        text: such as ``ema-cross``, ``mine``, ``./mine.py``, ``rules/dip.yaml``, or
            ``./several.py:second`` where a file holds more than one.
        folder: of the person's own strategies, which need not exist; None for no such.

    Raises:
        ConfigError: there is none, it cannot be loaded, or a file holds several.
    """
    found = located(text, folder)
    return found.name, found.strategy


def refuse_file(name: str) -> None:
    """Refuse what names a file where only a strategy's name may stand.

    A file of code is run when it is loaded: which one is up to who sits at the machine, and never
    to who asks over the network.

    Raises:
        ConfigError: it does.
    """
    if Path(name).name != name or Path(name.partition(":")[0]).suffix in SUFFIXES:
        raise ConfigError(
            code="STRATEGY_UNKNOWN",
            cause=f"there is no strategy {name!r}",
            fix="name one of `botcore strategies available`; files stay on the machine",
        )


def located(text: str, folder: Path | None) -> Located:
    """Return what `find_strategy` finds, and where it is from.

    Raises:
        ConfigError: as `find_strategy`.
    """
    place, _, chosen = text.rpartition(":")
    path = Path(place if place.endswith(SUFFIXES) else text).expanduser()
    if path.suffix in SUFFIXES:
        if folder is not None and not _is_file(path) and _is_file(folder / path):
            path = folder / path
        return _one_of(path, chosen if place.endswith(SUFFIXES) else "")
    if text in LIBRARY:
        return Located(text, LIBRARY[text])
    others: dict[str, Located] = {}
    if folder is not None:
        for suffix in SUFFIXES:
            own = folder / f"{text}{suffix}"
            if _is_file(own):
                return _one_of(own, "", or_named=text)
        others, _ = own_strategies(folder)
    if text not in others:
        raise ConfigError(
            code="STRATEGY_UNKNOWN",
            cause=f"there is no strategy {text!r}",
            fix=did_you_mean(text, [*LIBRARY, *others]),
        )
    return others[text]


def own_strategies(folder: Path) -> tuple[dict[str, Located], dict[Path, ConfigError]]:
    """Return every strategy in a folder by name, and what could not be loaded, by its file.

    A name that stands in two files is that of the first by name; the second is refused.
    """
    found: dict[str, Located] = {}
    refused: dict[Path, ConfigError] = {}
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.suffix not in SUFFIXES or path.name.startswith((".", "_")):
            continue
        try:
            loaded = load_strategies(path)
        except ConfigError as error:
            refused[path] = error
            continue
        for name, strategy in loaded.items():
            if name in found or name in LIBRARY:
                refused[path] = _taken(path, name, found)
            else:
                found[name] = Located(name, strategy, path, file_digest(path))
    return found, refused


def load_strategies(path: Path) -> Mapping[str, StrategyClass]:
    """Return the strategies of a file by name: classes of a ``.py``, the rules of a document.

    A Python file is run, with all that it imports: it is trusted as the platform itself is.

    Args:
        path: ends in .py, .yaml, .yml or .json.

    Raises:
        ConfigError: it cannot be read or run, or holds no strategy (``STRATEGY_UNLOADABLE``), or
            a document is refused (``RULES_UNREADABLE``, ``RULES_REFUSED``).
    """
    if path.suffix not in SUFFIXES:
        raise _unloadable(path, f"its name ends in none of {', '.join(SUFFIXES)}", "rename it")
    content = _bytes_of(path)
    digest = hashlib.sha256(content).hexdigest()
    if path.suffix in DOCUMENTS:
        return _from_document(path, content)
    return _from_module(path, content, digest)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a strategy file's bytes, 64 hex digits, for a run's inputs.

    Raises:
        ConfigError: it cannot be read.
    """
    return hashlib.sha256(_bytes_of(path)).hexdigest()


def _one_of(path: Path, chosen: str, *, or_named: str = "") -> Located:
    loaded = load_strategies(path)
    digest = file_digest(path)
    if chosen and chosen not in loaded:
        raise ConfigError(
            code="STRATEGY_UNKNOWN",
            cause=f"{path.name} has no strategy {chosen!r}",
            fix=did_you_mean(chosen, list(loaded)),
        )
    names = [chosen] if chosen else list(loaded)
    if len(names) > 1 and or_named in loaded:
        names = [or_named]
    if len(names) > 1:
        raise ConfigError(
            code="STRATEGY_AMBIGUOUS",
            cause=f"{path.name} has several strategies: {', '.join(names)}",
            fix=f"name one, such as {path}:{names[0]}",
        )
    if names[0] in LIBRARY:  # two strategies of one name in one run would be mixed up
        raise _taken(path, names[0], {})
    return Located(names[0], loaded[names[0]], path, digest)


def _from_document(path: Path, content: bytes) -> dict[str, StrategyClass]:
    from botcore.strategies.rules import compiled, rules_in

    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise _unloadable(path, f"it is no UTF-8 text: {error.reason}", "save it as such") from None
    try:
        strategy = compiled(rules_in(text, is_json=path.suffix == ".json"))
    except ConfigError as error:
        raise ConfigError(
            code=error.code, cause=f"{path.name}: {error.cause}", fix=error.fix
        ) from error
    return {strategy.name: strategy}


def _from_module(path: Path, content: bytes, digest: str) -> dict[str, StrategyClass]:
    module = _run(path, content, digest)
    found: dict[str, StrategyClass] = {}
    for value in list(vars(module).values()):
        if not _is_defined_in(value, module):
            continue
        name = _checked(path, value)
        if found.get(name, value) is not value:
            raise _unloadable(path, f"two of its classes are named {name!r}", "rename one")
        found[name] = value
    if not found:
        fix = "derive a class from SignalStrategy or EventStrategyBase and give it a name"
        raise _unloadable(path, "it defines no strategy", fix)
    return found


def _run(path: Path, content: bytes, digest: str) -> ModuleType:
    """Run a file as a module of a name of its own, once for the same bytes."""
    place = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:8]
    name = f"botcore_own_{place}_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = module_from_spec(ModuleSpec(name, None, origin=str(path)))
    module.__file__ = str(path)
    sys.modules[name] = module  # what it defines looks itself up there
    try:
        crashed = guarded(_execute, content, str(path), module)
    except SystemExit:
        crashed = Crashed(RuntimeError("it asked the interpreter to exit"))
    if crashed is not None:
        del sys.modules[name]
        raise _not_run(path, crashed.error) from crashed.error
    for value in vars(module).values():
        if _is_defined_in(value, module):
            value.source_digest = digest
    return module


def _execute(content: bytes, place: str, module: ModuleType) -> None:
    exec(compile(content, place, "exec"), vars(module))  # noqa: S102 – the person's own code


def _is_defined_in(value: Any, module: ModuleType) -> bool:  # noqa: ANN401 – whatever stands there
    return (
        isinstance(value, type)
        and value.__module__ == module.__name__
        and issubclass(value, SignalStrategy | EventStrategyBase)
    )


def _checked(path: Path, strategy: type[SignalStrategy] | type[EventStrategyBase]) -> str:
    """Return the name of a class that can run with its defaults, or refuse it."""
    label = f"class {strategy.__name__}"
    name = getattr(strategy, "name", None)
    if not isinstance(name, str):
        raise _unloadable(path, f"{label} has no name", 'write name = "mine" in it')
    kinds: tuple[tuple[str, type], ...] = (("parameters", ParameterSpace), ("version", int))
    if issubclass(strategy, EventStrategyBase):
        kinds = (*kinds, ("needs", Needs))
    for attribute, kind in kinds:
        if not isinstance(getattr(strategy, attribute), kind):
            raise _unloadable(path, f"{attribute} of {label} is no {kind.__name__}", "mend it")
    try:
        slug(name, what="strategy")
        crashed = guarded(parameters_in_force, strategy, {})
    except ConfigError as error:
        raise _unloadable(path, f"{label}: {error.cause}", error.fix) from error
    if isinstance(crashed, Crashed):
        raised = crashed.error
        if isinstance(raised, BotError):
            raise _unloadable(path, f"{label}: {raised.cause}", raised.fix) from raised
        raise _not_run(path, raised) from raised
    return name


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # no name that a file could have
        return False


def _bytes_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _unloadable(path, f"{error.strerror}", "check its name and permissions") from error
    if len(content) > FILE_BYTES_MAX:
        raise _unloadable(path, f"it is longer than {FILE_BYTES_MAX:,} bytes", "split it")
    return content


def _not_run(path: Path, error: Exception) -> ConfigError:
    """Return the refusal of a file that raised, with the line of it that did."""
    if isinstance(error, SyntaxError):
        return _unloadable(path, f"line {error.lineno}: {error.msg}", "mend the line")
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    where = f"line {lines[-1]}: " if lines else ""
    if isinstance(error, BotError):
        return _unloadable(path, f"{where}{error.cause}", error.fix)
    fix = "mend the line"
    if isinstance(error, ModuleNotFoundError):
        fix = "install it beside Bot Core, or do without"
    return _unloadable(path, f"{where}{type(error).__name__}: {error}", fix)


def _taken(path: Path, name: str, found: Mapping[str, Located]) -> ConfigError:
    owner = found[name].path if name in found else None
    where = "the library" if owner is None else owner.name
    return _unloadable(path, f"the name {name!r} is taken by {where}", "choose another name")


def _unloadable(path: Path, why: str, fix: str) -> ConfigError:
    return ConfigError(code="STRATEGY_UNLOADABLE", cause=f"{path.name}: {why}", fix=fix)
