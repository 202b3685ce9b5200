"""JsonText: reads the JSON of clients, and refuses what could not be stored, compared or sent again."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["check_nesting", "parse_json"]

_MAX_DEPTH = 100


def parse_json(body: bytes) -> Any:
    """Return the value.

    Raises:
        ValueError: it is no JSON (``NaN`` is none), no valid Unicode, or nested too deeply.
    """
    try:
        value = json.loads(body, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("exceeded max depth") from None
    check_nesting(value)
    return value


def check_nesting(value: Any) -> None:
    """Check what was parsed, or patched since: Python's own recursion ends before that of the real server.

    Raises:
        ValueError: it is nested too deeply, or holds half a character.
    """
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [part for parent in level for part in _parts(parent)]
        if not level:
            return
    raise ValueError("exceeded max depth")


def _parts(parent: Any) -> list[Any]:
    if isinstance(parent, str):
        if not parent.isascii() and any("\ud800" <= character <= "\udfff" for character in parent):
            raise ValueError("invalid Unicode in a string")
        return []
    if isinstance(parent, dict):
        return [*parent.keys(), *parent.values()]
    return parent if isinstance(parent, list) else []


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> float:
    raise ValueError(f"number {text:.40} out of range")
