"""Label and field selectors."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from tenure.devserver.kinds import Kind
from tenure.devserver.status import bad_request

__all__ = ["Selector", "parse_selector"]

Selector = Callable[[dict[str, Any]], bool]

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^()]*)\)$")
_EQUALITY = re.compile(r"^(?P<key>[^\s!=]+)\s*(?P<operator>==|=|!=)\s*(?P<value>[^\s=!]*)$")
_EXISTENCE = re.compile(r"^(?P<absent>!?)\s*(?P<key>[^\s!=(),]+)$")
_BETWEEN_TERMS = re.compile(r",(?![^(]*\))")


def parse_selector(kind: Kind, labels: str, fields: str) -> Selector:
    """One predicate for a ``labelSelector`` and a ``fieldSelector``, either of them empty.

    Raises:
        StatusError: 400, malformed or a field that this kind cannot be selected by.
    """
    tests = [_label_test(term.strip()) for term in _BETWEEN_TERMS.split(labels) if labels]
    tests += [_field_test(kind, fields, term.strip()) for term in fields.split(",") if fields]
    return lambda obj: all(test(obj) for test in tests)


def _label_test(term: str) -> Selector:
    if match := _SET.match(term):
        values = {value.strip() for value in match["values"].split(",")}
        key, wanted = match["key"], match["operator"] == "in"
        return lambda obj: (_labels(obj).get(key) in values) is wanted
    if match := _EQUALITY.match(term):
        key, value, wanted = match["key"], match["value"], match["operator"] != "!="
        return lambda obj: (_labels(obj).get(key) == value) is wanted
    if match := _EXISTENCE.match(term):
        key, wanted = match["key"], not match["absent"]
        return lambda obj: (key in _labels(obj)) is wanted
    raise bad_request(f"unable to parse requirement: {term!r} is no label selector")


def _labels(obj: dict[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = obj["metadata"].get("labels") or {}
    return labels


def _field_test(kind: Kind, fields: str, term: str) -> Selector:
    match = _EQUALITY.match(term)
    if match is None:
        raise bad_request(f"invalid selector: '{fields}'; can't understand '{term}'")
    path, value, wanted = match["key"], match["value"], match["operator"] != "!="
    if path not in ("metadata.name", "metadata.namespace", *kind.selectable):
        raise bad_request(
            f"field label not supported: {path}"
            if kind.selectable
            else f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'
        )
    return lambda obj: (_field(obj, path) == value) is wanted


def _field(obj: Any, path: str) -> str:
    for step in path.split("."):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return "" if obj is None else str(obj)
