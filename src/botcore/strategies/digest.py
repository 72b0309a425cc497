"""The digest of a strategy's code, so that a stored state is never continued by other rules."""

import hashlib
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any

from botcore.strategies.features import FeatureSpec
from botcore.strategies.signal import SignalStrategy


def class_digest(strategy: type[SignalStrategy]) -> str:
    """Return a digest of name, version, parameters, memory, document, `decide` and `features`.

    Functions that these call and numbers that they read are in it. It is taken from compiled code,
    not from source files: the money path does no I/O, and a file may have changed since it was
    imported. Another minor version of Python gives another digest, whatever the hash seed.
    """
    seen: list[Callable[..., Any]] = []
    return _hash(
        strategy.name,
        strategy.version,
        [(each.name, each.kind) for each in strategy.parameters],
        strategy.no_view,
        strategy.free_memory,
        strategy.reasons,
        strategy.source_digest,
        _function(strategy.decide, seen),
        _function(strategy.features, seen),
    )


def features_digest(features: tuple[FeatureSpec, ...]) -> str:
    """Return a digest of features: their parameters, inputs and the code of their steps."""
    seen: list[Callable[..., Any]] = []
    return _hash(
        *(
            (
                each.indicator,
                sorted(each.parameters.items()),
                each.picks,
                _function(each.spec.step, seen),
                _function(each.spec.initial, seen),
            )
            for each in features
        )
    )


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _function(function: Callable[..., Any], seen: list[Callable[..., Any]]) -> object:
    if not isinstance(function, FunctionType) or function in seen:
        return getattr(function, "__qualname__", repr(type(function)))
    seen.append(function)
    names = _names(function.__code__)
    known = function.__globals__
    return (
        function.__qualname__,
        _code(function.__code__),
        function.__kwdefaults__,
        function.__defaults__,
        [(name, _value(known[name], seen)) for name in names if name in known],
    )


def _names(code: CodeType) -> list[str]:
    inner = (each for each in code.co_consts if isinstance(each, CodeType))
    return sorted({*code.co_names, *(name for each in inner for name in _names(each))})


def _code(code: CodeType) -> object:
    consts = [
        _code(each) if isinstance(each, CodeType) else _constant(each) for each in code.co_consts
    ]
    return code.co_code.hex(), consts, code.co_names, code.co_varnames


def _value(value: object, seen: list[Callable[..., Any]]) -> object:
    if isinstance(value, FunctionType):
        return _function(value, seen)
    return _constant(value) if isinstance(value, int | float | str | tuple) else type(value)


def _constant(value: object) -> str:
    # A set prints in the order of its hashes, which differs from process to process.
    return repr(sorted(map(repr, value)) if isinstance(value, frozenset) else value)
