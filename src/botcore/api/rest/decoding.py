"""From what came over the wire to a request, or the name of the field that is wrong."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from botcore.api.rest.exchange import SECRETS
from botcore.api.rest.refusals import Unreadable, WrongField
from botcore.api.rest.soundness import refuse_unsound
from botcore.control.describing import choices_at
from botcore.control.operations import Operation, Request, Upload

UPLOAD: Final = "upload"
BODILESS: Final = frozenset({"GET", "DELETE"})
_PLACE: Final = re.compile(r"^(?P<why>.*?)(?: - at `(?:key in )?\$(?P<field>.*)`)?$", re.DOTALL)
_NAMED: Final = re.compile(r"(?P<kind>unknown|missing required) field `(?P<name>.*)`", re.DOTALL)
_PATH_FIELD: Final = re.compile(r"\{(\w+)\}")
_SHOWN: Final = 64
_DATE_AT: Final = slice(4, 5)


class Decoder:
    """Makes requests of one operation.

    Fields named in the path come from it; the others from the query where there is no body, and
    from the JSON body where there is one. Path and query are text, and converted; the JSON's types
    must be right.

    Args:
        operation: whose requests.
        path: the one that is asked: an alias may name other fields than the canonical path.

    Raises:
        TypeError: the path names what is no field of the request, or a field that would stand in
            the query is named like a secret: a bug.
    """

    def __init__(self, operation: Operation, path: str) -> None:
        self._request = operation.request
        fields = {field.encode_name: field for field in msgspec.structs.fields(operation.request)}
        self.in_path = tuple(_PATH_FIELD.findall(path))
        odd = [name for name in self.in_path if name not in fields]
        if odd:
            raise TypeError(f"{operation.name}: {odd} in its path are no fields of its request")
        self.has_body = operation.method not in BODILESS and not operation.upload_max
        kinds = {name: _Kind(field.type) for name, field in fields.items()}
        self.lists = frozenset(name for name, kind in kinds.items() if kind.is_list)
        self._instants = frozenset(name for name, kind in kinds.items() if kind.is_instant)
        self._no_texts = frozenset(name for name, kind in kinds.items() if not kind.is_text)
        self._path_type = _part(operation.request, "Path", self.in_path)
        rest = [
            name
            for name in fields
            if name not in self.in_path and not (name == UPLOAD and operation.upload_max)
        ]
        if not self.has_body and SECRETS.intersection(rest):
            raise TypeError(f"{operation.name}: a secret may not stand in the address")
        self._rest_type = _part(operation.request, "Rest", rest)
        self._body = msgspec.json.Decoder(self._rest_type)
        self.takes_empty_body = all(not fields[name].required for name in rest)

    def from_query(
        self,
        path: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        *,
        upload: Upload | None = None,
    ) -> Request[Any]:
        """Return the request of a call without a JSON body.

        Args:
            path: its fields, as text.
            query: as pairs, in order.
            upload: what stands for the file, where the operation takes one.

        Raises:
            WrongField: a field is unknown, missing, there twice, or not what its type says.
        """
        rest = self._converted(self._rest_type, self._gathered(query))
        return self._joined(path, rest, {} if upload is None else {UPLOAD: upload})

    def from_body(
        self, path: Mapping[str, str], query: Sequence[tuple[str, str]], body: bytes
    ) -> Request[Any]:
        """Return the request of a call with a JSON body.

        Raises:
            Unreadable: the body is no JSON.
            WrongField: as `from_query`.
        """
        if query:
            raise WrongField(
                code="FIELD_UNKNOWN",
                cause=f"the query holds {query[0][0][:_SHOWN]!r}, and this route takes no query",
                fix="send it in the JSON body",
                details={"field": query[0][0][:_SHOWN]},
            )
        if not body and not self.takes_empty_body:
            raise _not_json("there is none")
        return self._joined(path, self._decoded(body or b"{}"), {})

    def _joined(
        self, path: Mapping[str, str], rest: msgspec.Struct, made: dict[str, Any]
    ) -> Request[Any]:
        values: dict[str, Any] = made | {
            name: getattr(rest, name) for name in rest.__struct_fields__
        }
        if self.in_path:
            given = self._converted(self._path_type, dict(path))
            values |= {name: getattr(given, name) for name in given.__struct_fields__}
        try:
            request = self._request(**values)
        except (ValueError, TypeError) as error:  # from its own rules on fields together
            raise _invalid("", str(error)) from error
        refuse_unsound(request)
        return request

    def _gathered(self, query: Sequence[tuple[str, str]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in query:
            if name in self.lists:
                found.setdefault(name, []).append(value)
            elif name in found:
                raise _twice(name)
            else:
                found[name] = value
        return found

    def _converted(self, kind: type[msgspec.Struct], values: dict[str, Any]) -> msgspec.Struct:
        for name in self._instants & values.keys():
            if str(values[name])[_DATE_AT] != "-":  # msgspec would take seconds since 1970, too
                raise _invalid(name, "Expected an instant such as `2030-01-31T12:00:00Z`")
        for name in self._no_texts & values.keys():
            if str(values[name]).lower() == "null":
                raise _invalid(name, "it is left out where there is none")
        try:
            return msgspec.convert(values, kind, strict=False)
        except msgspec.ValidationError as error:
            raise _explained(error, kind) from error

    def _decoded(self, body: bytes) -> msgspec.Struct:
        try:
            found = self._body.decode(body)
            json.loads(body, object_pairs_hook=_refuse_twice, parse_int=str, parse_float=str)
        except msgspec.ValidationError as error:
            raise _explained(error, self._rest_type) from error
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _not_json(str(error)) from error
        except RecursionError as error:
            raise _not_json("it is nested too deeply") from error
        return found


class _Kind:
    """What one has to know of a field's type."""

    def __init__(self, annotation: object) -> None:
        info = msgspec.inspect.type_info(annotation)
        types = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
        types = tuple(
            each.type if isinstance(each, msgspec.inspect.Metadata) else each for each in types
        )
        self.is_list = any(
            isinstance(
                each,
                msgspec.inspect.CollectionType | msgspec.inspect.TupleType,
            )
            for each in types
        )
        self.is_text = any(
            isinstance(each, msgspec.inspect.StrType | msgspec.inspect.EnumType) for each in types
        )
        self.is_instant = any(isinstance(each, msgspec.inspect.DateTimeType) for each in types)


def _part(request: type[Request[Any]], name: str, names: Sequence[str]) -> type[msgspec.Struct]:
    """Return a type with some fields of `request`, each with its bounds and its default."""
    chosen = []
    for field in msgspec.structs.fields(request):
        if field.encode_name not in names:
            continue
        default: Any = msgspec.NODEFAULT
        if field.default is not msgspec.NODEFAULT:
            default = msgspec.field(default=field.default, name=field.encode_name)
        elif field.default_factory is not msgspec.NODEFAULT:
            default = msgspec.field(default_factory=field.default_factory, name=field.encode_name)
        else:
            default = msgspec.field(name=field.encode_name)
        chosen.append((field.name, field.type, default))
    return msgspec.defstruct(
        f"{request.__name__}{name}", chosen, kw_only=True, frozen=True, forbid_unknown_fields=True
    )


def _refuse_twice(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _twice(name)
        seen.add(name)


def _explained(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> WrongField:
    match = _PLACE.match(str(error))
    why, place = (match["why"], (match["field"] or "").lstrip(".")) if match else (str(error), "")
    named = _NAMED.search(why)
    if named is None:
        return _invalid(place, why, choices_at(kind, place))
    field = f"{place}.{named['name']}" if place else named["name"]
    field = field[:_SHOWN]
    if named["kind"] == "unknown":
        return WrongField(
            code="FIELD_UNKNOWN",
            cause=f"there is no field {field!r}",
            fix="leave it out, or see how it is spelled at /api/v1/docs",
            details={"field": field},
        )
    return WrongField(
        code="FIELD_MISSING",
        cause=f"the field {field!r} is missing",
        fix="send it; see /api/v1/docs for an example",
        details={"field": field},
    )


def _invalid(field: str, why: str, choices: Sequence[str] = ()) -> WrongField:
    one_of = f"it is one of {', '.join(choices)}"
    return WrongField(
        code="FIELD_INVALID",
        cause=f"{field}: {why}" if field else why,
        fix=one_of if choices else "see the schema of this route at /api/v1/docs",
        details={"field": field},
    )


def _twice(name: str) -> WrongField:
    return WrongField(
        code="FIELD_TWICE",
        cause=f"the field {name[:_SHOWN]!r} is there twice",
        fix="send it once",
        details={"field": name[:_SHOWN]},
    )


def _not_json(why: str) -> Unreadable:
    return Unreadable(
        code="NOT_JSON",
        cause=f"the body is no JSON: {why}",
        fix="send a JSON object, encoded as UTF-8",
    )
