"""JsonText: reads JSON that others wrote, as strictly as the rest of this package relies on."""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["parse_json"]

# No object that an election reads has a tenth of it. What is nested more deeply can be parsed, and then makes
# a recursion fail later on, where nobody expects it: in a copy, or in the text of an error.
_MAX_DEPTH = 100


def parse_json(text: bytes | str) -> Any:
    """Return the value.

    Raises:
        ValueError: it is no JSON (``NaN`` is none), has a number beyond all bounds, or is nested too deeply.
    """
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    level = [value]
    for _ in range(_MAX_DEPTH):
        level = [part for parent in level for part in _parts(parent)]
        if not level:
            return value
    raise ValueError("nested too deeply")


def _parts(parent: Any) -> list[Any]:
    if isinstance(parent, dict):
        return list(parent.values())
    return parent if isinstance(parent, list) else []


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _refuse(text)


def _refuse(text: str) -> float:
    raise ValueError(f"{text:.40} is no number in JSON")
