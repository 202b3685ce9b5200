"""Patches: JSON merge patch (RFC 7386), JSON patch (RFC 6902) and Kubernetes' strategic merge."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from tenure.devserver.status import StatusError, bad_request

__all__ = ["PATCHES", "json_patch", "merge_patch", "strategic_patch"]

_MERGE_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "secrets": "name",
    "imagePullSecrets": "name",
    "conditions": "type",
    "ports": "port",
    "ownerReferences": "uid",
}
"""Lists that a strategic patch merges element by element, and the field that identifies an element."""
_SET_LISTS = {"finalizers"}
_MOST_COPIED = 3 * 1024 * 1024


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch; the target is not modified."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def strategic_patch(target: Any, patch: Any) -> Any:
    """Apply a strategic merge patch, with the list strategies of the kinds served here."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {key: value for key, value in patch.items() if key != "$patch"}
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            _, _, name = key.partition("/")
            result[name] = [item for item in result.get(name, []) if item not in value]
        elif key.startswith("$"):
            continue  # orders and retained keys concern fields that no kind here has
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = _strategic_value(key, result.get(key), value)
    return result


def _strategic_value(key: str, old: Any, new: Any) -> Any:
    if not isinstance(new, list) or not isinstance(old, list):
        return strategic_patch(old, _without_deletions(new))
    if key in _SET_LISTS:
        return old + [item for item in new if item not in old]
    merge_key = _MERGE_KEYS.get(key)
    return _merge_list(merge_key, old, new) if merge_key else new


def _without_deletions(new: Any) -> Any:
    """A list that is new as a whole has nothing to delete."""
    if not isinstance(new, list):
        return new
    return [item for item in new if not (isinstance(item, dict) and item.get("$patch") == "delete")]


def _merge_list(merge_key: str, old: list[Any], new: list[Any]) -> list[Any]:
    if {"$patch": "replace"} in new:
        return [item for item in new if item != {"$patch": "replace"}]
    merged = {item.get(merge_key): item for item in old}
    for item in new:
        identity = item.get(merge_key)
        if item.get("$patch") == "delete":
            merged.pop(identity, None)
        else:
            merged[identity] = strategic_patch(merged.get(identity), item)
    return list(merged.values())


def json_patch(target: Any, operations: Any) -> Any:
    """Apply a JSON patch.

    Raises:
        StatusError: 400 if it is none, 413 if it copies too much, 422 if an operation does not apply.
    """
    if not isinstance(operations, list) or not all(isinstance(one, dict) for one in operations):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    document = {"": copy.deepcopy(target)}  # a parent for the root, so that "" is a path like any other
    copied = 0
    for operation in operations:
        try:
            if operation["op"] == "copy":
                copied += len(json.dumps(_read(document, operation["from"])))
                _check_copied(copied)
            _OPERATIONS[operation["op"]](document, operation)
        except (KeyError, IndexError, ValueError, TypeError, AttributeError, RecursionError) as error:
            # The server hides the operation's own error behind this sentence.
            message = "the server rejected our request due to an error in our request"
            raise StatusError(422, "Invalid", message, {}) from error
    return document.get("")


def _check_copied(size: int) -> None:
    """A document that is copied into itself doubles with each operation."""
    if size > _MOST_COPIED:
        message = f"Unable to complete copies: their total exceeds the limit of {_MOST_COPIED} bytes"
        raise StatusError(413, "RequestEntityTooLarge", message, {})


def _steps(pointer: str) -> list[str]:
    if pointer and not pointer.startswith("/"):
        raise ValueError(pointer)
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")]


def _parent(document: Any, pointer: str) -> tuple[Any, str]:
    *steps, last = _steps(pointer)
    for step in steps:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document, last


def _read(document: Any, pointer: str) -> Any:
    parent, last = _parent(document, pointer)
    return parent[int(last)] if isinstance(parent, list) else parent[last]


def _insert(document: Any, pointer: str, value: Any) -> None:
    parent, last = _parent(document, pointer)
    if not isinstance(parent, list):
        parent[last] = value
        return
    index = len(parent) if last == "-" else int(last)
    if not 0 <= index <= len(parent):
        raise IndexError(pointer)
    parent.insert(index, value)


def _remove(document: Any, pointer: str) -> Any:
    parent, last = _parent(document, pointer)
    return parent.pop(int(last)) if isinstance(parent, list) else parent.pop(last)


def _replace(document: Any, operation: dict[str, Any]) -> None:
    # As the real server's library does it: in an object, what is not there yet is set.
    parent, last = _parent(document, operation["path"])
    parent[int(last) if isinstance(parent, list) else last] = operation["value"]


def _test(document: Any, operation: dict[str, Any]) -> None:
    if _read(document, operation["path"]) != operation["value"]:
        raise ValueError(operation["path"])


_OPERATIONS: dict[str, Callable[[Any, dict[str, Any]], Any]] = {
    "add": lambda document, one: _insert(document, one["path"], one["value"]),
    "remove": lambda document, one: _remove(document, one["path"]),
    "replace": _replace,
    "move": lambda document, one: _insert(document, one["path"], _remove(document, one["from"])),
    "copy": lambda document, one: _insert(document, one["path"], copy.deepcopy(_read(document, one["from"]))),
    "test": _test,
}

PATCHES: dict[str, Callable[[Any, Any], Any]] = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge_patch,
    "application/strategic-merge-patch+json": strategic_patch,
}
"""By media type."""
