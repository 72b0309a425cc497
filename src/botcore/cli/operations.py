"""Verbs made from operations: each is a request whose fields are options, told to control.

The same words work on the running platform of this machine, on another server (``--server``), and
where nothing runs.
"""

import inspect
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import msgspec
import typer

from botcore.cli import calls
from botcore.cli.target import Target, anywhere
from botcore.control.describing import choices_at, described, fields_described
from botcore.control.operations import Operation, Request
from botcore.domain.errors import ConfigError

_MISSING: Final = re.compile(r"Object missing required field `(?P<name>\w+)`")
_NAME: Final = re.compile(r"[^\w].*")
"""What stands behind the first name of a place, such as ``[0]`` or ``.side``."""
_WORD: Final = re.compile(r"\w+")
_COMPLAINTS: Final = (
    (re.compile(r"Expected `(?:int|float)(?: \| null)?`, got `str`"), "that is not a number"),
    (re.compile(r"Expected `(?:int|float)` (<|<=|>|>=) (\S+)"), r"it must be \1 \2"),
    (re.compile(r"Expected `array` of length >= (\d+)"), r"give at least \1 of them"),
    (re.compile(r"Expected `array` of length <= (\d+)"), r"give at most \1 of them"),
    (re.compile(r"Expected `str` of length >= 1"), "it is empty"),
    (re.compile(r"Expected `str` of length <= (\d+)"), r"it is longer than \1 characters"),
    (re.compile(r"Invalid decimal string"), "that is not a number"),
    (
        re.compile(r"Invalid RFC3339 encoded datetime"),
        "that is no time; write 2026-01-31, or 2026-01-31T12:30 (UTC)",
    ),
)
"""Complaints of msgspec, and what they come to for whoever typed the value."""
_HIDDEN: Final = frozenset({"password", "new_password", "current_password", "code"})
"""Asked for without an echo where they are not given: they do not belong into a shell's history."""


def request_of(operation: Operation, given: Mapping[str, Any]) -> Request[Any]:
    """Return the request that the options say.

    Raises:
        ConfigError: a value is missing, of a wrong type or out of range.
    """
    try:
        request: Request[Any] = msgspec.convert(dict(given), type=operation.request, strict=False)
    except msgspec.ValidationError as error:
        why, _, place = str(error).partition(" - at ")
        field = place.strip("`").removeprefix("$").removeprefix(".")
        choices = choices_at(operation.request, field)
        area, *words = operation.command
        help_ = f"see botcore {area} {'-'.join(words)} --help"
        raise ConfigError(
            code="ARGUMENT_REFUSED",
            cause=_cause(operation, field, why),
            fix=f"it is one of {', '.join(choices)}; {help_}" if choices else help_,
        ) from error
    return request


def _cause(operation: Operation, place: str, why: str) -> str:
    """Return why a request was refused, with its fields as they are typed."""
    missing = _MISSING.fullmatch(why)
    if missing and not place:
        return f"{_as_typed(operation, missing['name'])} is missing"
    if "matching regex" in why:
        why = "it has characters that do not belong there, or too few or too many of them"
    if place:
        return f"{_as_typed(operation, _NAME.sub('', place))}: {_in_words(why)}"
    names = {f.name for f in msgspec.structs.fields(operation.request) if "_" in f.name}
    return _WORD.sub(lambda m: _as_typed(operation, m[0]) if m[0] in names else m[0], why)


def _in_words(why: str) -> str:
    """Return a complaint about a type without the names that Python has for it."""
    for pattern, words in _COMPLAINTS:
        match = pattern.fullmatch(why)
        if match is not None:
            return match.expand(words)
    return why


def _as_typed(operation: Operation, field: str) -> str:
    return field.upper() if field in operation.positional else _option(field)


def verb_of(operation: Operation) -> Callable[..., int]:
    """Return a function with one parameter a field, as the parser reads it."""
    hints = get_type_hints(operation.request, include_extras=True)
    texts = fields_described(operation.request)
    fields = msgspec.structs.fields(operation.request)
    parameters = [
        _parameter(field, hints[field.name], texts.get(field.name, ""), operation)
        for field in fields
    ]
    as_json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
    extra: list[tuple[str, Any, Any]] = [("as_json", as_json, False)]
    if operation.is_act:
        yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
        key = Annotated[
            str, typer.Option("--idempotency-key", help="Of an earlier try of the same act.")
        ]
        extra += [("yes", yes, False), ("idempotency_key", key, "")]
    elif "cursor" in hints:
        all_pages = Annotated[bool, typer.Option("--all", help="All pages, not only one.")]
        extra.append(("all_pages", all_pages, False))
    extra.append(
        ("home", Annotated[str | None, typer.Option("--home", help="Folder of all state.")], None)
    )
    kinds = {field.name: _kind(hints[field.name]) for field in fields}
    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
        for name, kind, default in extra
    ]

    def verb(context: typer.Context, **values: Any) -> int:
        ours = {name: values.pop(name) for name, _, _ in extra}
        given = {name: value for name, value in values.items() if value not in (None, [])}
        for field in fields:
            if field.name in _HIDDEN and field.required and field.name not in given:
                given[field.name] = typer.prompt(field.name.replace("_", " "), hide_input=True)
            elif kinds[field.name] == "document" and field.name in given:
                given[field.name] = _document(field.name, given[field.name])
            elif kinds[field.name] == "pairs" and field.name in given:
                given[field.name] = _pairs(field.name, given[field.name])
            elif kinds[field.name] == "instant" and field.name in given:
                given[field.name] = _instant(given[field.name])
            elif kinds[field.name] in ("text", "several") and field.name in given:
                choices = choices_at(operation.request, field.name)
                given[field.name] = _as_spelled(given[field.name], choices)
        request = request_of(operation, given)
        return _told(operation, request, context.obj or Target(), ours)

    first = inspect.Parameter(
        "context", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context
    )
    every = [first, *parameters, *options]
    verb.__signature__ = inspect.Signature(every)  # type: ignore[attr-defined]  # what typer reads
    verb.__annotations__ = {each.name: each.annotation for each in every}
    verb.__name__ = "_".join(operation.command)
    return anywhere(verb)


def _told(
    operation: Operation, request: Request[Any], target: Target, ours: Mapping[str, Any]
) -> int:
    """Tell control and print its answer; return the exit code."""
    from botcore.cli import answers
    from botcore.control.encoding import to_json

    home = ours["home"]
    told = calls.doors().tell(
        operation,
        request,
        overrides={} if home is None else {"home": home},
        server=target.server,
        key_file=target.key_file,
        confirm=(lambda _: True) if ours.get("yes") else asked,
        idempotency_key=ours.get("idempotency_key", ""),
        all_pages=bool(ours.get("all_pages")),
        say=calls.said_aside,
    )
    if ours["as_json"]:
        print(msgspec.json.format(to_json(told)).decode())
    else:
        answers.show(told)
    return 0


def asked(effect: str) -> bool:
    """Show what an act would do, and ask whether to do it."""
    return typer.confirm(f"{effect}\nDo it?", err=True)


def help_of(operation: Operation) -> str:
    """Return what the verb does, for its help."""
    lines = [described(operation.request)]
    if operation.has_step_up:
        lines.append("From elsewhere it needs a factor shown within the last minutes.")
    return "\n\n".join(lines)


def _parameter(
    field: msgspec.structs.FieldInfo,
    hint: Any,  # noqa: ANN401  # a type
    text: str,
    operation: Operation,  # a type
) -> inspect.Parameter:
    kind = _kind(hint)
    is_positional = field.name in operation.positional
    choices = choices_at(operation.request, field.name)
    if choices and not all(each in text for each in choices):
        text = f"{text} One of {', '.join(choices)}.".strip()
    annotation: Any
    default: Any = None
    if is_positional:
        annotation = Annotated[str if field.required else str | None, typer.Argument(help=text)]
        default = inspect.Parameter.empty if field.required else None
    elif kind == "flag":
        name = field.name.replace("_", "-")
        annotation = Annotated[
            bool | None, typer.Option(f"--{name}/--no-{name}", help=text, show_default=False)
        ]
    elif kind in ("several", "pairs"):
        if kind == "pairs":
            text = f"{text} Each as name=value."
        annotation = Annotated[list[str] | None, typer.Option(_option(field.name), help=text)]
    else:
        is_needed = field.required and field.name not in _HIDDEN
        shown = (
            text
            if field.required or field.default in (None, msgspec.NODEFAULT, "", ())
            else (f"{text} [{field.default}]")
        )
        annotation = Annotated[
            str if is_needed else str | None, typer.Option(_option(field.name), help=shown.strip())
        ]
        default = inspect.Parameter.empty if is_needed else None
    return inspect.Parameter(
        field.name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default
    )


def _option(name: str) -> str:
    return "--" + name.rstrip("_").replace("_", "-")


def _kind(hint: Any) -> str:  # noqa: ANN401  # a type
    """Return how the command line writes a value of a type: a text, a flag, several, and so on."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _kind(arguments[0])
    if hint is bool:
        return "flag"
    if hint is datetime:
        return "instant"
    inner = [each for each in arguments if each is not type(None)]
    if origin in (tuple, list, frozenset, set):
        return "several" if _kind(inner[0]) == "text" else "document"
    if origin in (dict, Mapping) or hint in (dict, Mapping):
        return "pairs" if arguments and _kind(arguments[1]) == "text" else "document"
    if type(None) in arguments:
        kinds = {_kind(each) for each in inner}
        return kinds.pop() if len(kinds) == 1 else "document"
    if hint is Any or (isinstance(hint, type) and issubclass(hint, msgspec.Struct)):
        return "document"
    return "text"


def _as_spelled(value: str | list[str], choices: Sequence[str]) -> str | list[str]:
    """Return what is meant of a closed set: people type it in any case."""
    if isinstance(value, list):
        return [_spelled(each, choices) for each in value]
    return _spelled(value, choices)


def _spelled(text: str, choices: Sequence[str]) -> str:
    meant = [each for each in choices if each.lower() == text.lower()]
    return meant[0] if len(meant) == 1 else text


def _instant(text: str) -> str:
    """Return a date or time as requests write it; what is none stays, to be refused as such."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _document(name: str, text: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ConfigError(
            code="ARGUMENT_REFUSED",
            cause=f"--{name.replace('_', '-')} is not JSON: {error}",
            fix="""write it as JSON in quotes, such as '{"period": 20}'""",
        ) from error


def _pairs(name: str, texts: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise ConfigError(
                code="ARGUMENT_REFUSED",
                cause=f"--{name.replace('_', '-')} {text!r} is not name=value",
                fix="write it as in period=20; give the option once for each",
            )
        found[key] = value
    return found
