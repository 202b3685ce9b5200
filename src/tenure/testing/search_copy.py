"""Copies of cores and candidates that go different ways from here: what never changes is shared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import BuiltinFunctionType, FunctionType, MethodType, NoneType
from typing import Any

from tenure.testing.world import Candidate

__all__ = ["copy_of", "copy_of_candidate"]

_ATOMS = (NoneType, bool, int, float, complex, str, bytes, Enum, type, FunctionType, BuiltinFunctionType)


@cache
def _is_shared(kind: type[Any]) -> bool:
    """Tell whether values of this type never change, and neither does what they are made of."""
    frozen = is_dataclass(kind) and kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
    return issubclass(kind, (*_ATOMS, tuple, frozenset)) or kind.__module__ == "datetime" or frozen


def copy_of(value: Any, known: dict[int, Any] | None = None) -> Any:
    """Return a copy that shares nothing with the original that either may change.

    Args:
        value: plain values, collections, and objects that are made of attributes.
        known: copies made before, by the identity of their original.

    Raises:
        TypeError: something in it, such as a bound method, would still belong to the original.
    """
    kind: type[Any] = type(value)
    if _is_shared(kind):  # type: ignore[arg-type]
        return value
    known = {} if known is None else known
    if id(value) in known:
        return known[id(value)]
    if kind in _COLLECTIONS:
        copied = known[id(value)] = _COLLECTIONS[kind](value, known)
        return copied
    if isinstance(value, MethodType) or not (is_dataclass(kind) or hasattr(value, "__dict__")):
        raise TypeError(
            f"a core that is searched is made of plain attributes; {kind.__name__} cannot be copied"
        )
    copied = known[id(value)] = object.__new__(kind)
    if hasattr(value, "__dict__"):
        vars(copied).update({name: copy_of(each, known) for name, each in vars(value).items()})
    else:
        for field in fields(value):
            setattr(copied, field.name, copy_of(getattr(value, field.name), known))
    return copied


_COLLECTIONS: dict[type, Callable[[Any, dict[int, Any]], Any]] = {
    dict: lambda value, known: {key: copy_of(each, known) for key, each in value.items()},
    list: lambda value, known: [copy_of(each, known) for each in value],
    set: lambda value, known: {copy_of(each, known) for each in value},
    deque: lambda value, known: deque(copy_of(each, known) for each in value),
}


def copy_of_candidate(candidate: Candidate, *, with_core: bool) -> Candidate:
    """Return a candidate that goes its own way; without its core only what surrounds that may change."""
    copied = Candidate.__new__(Candidate)
    vars(copied).update(vars(candidate))
    copied.limbo = dict(candidate.limbo)
    if with_core:
        copied.core = copy_of(candidate.core)
        copied.term = copy_of(candidate.term)
    return copied
