"""Values: JSON as nobody should send it, and real objects with a few things wrong."""

from __future__ import annotations

import copy
import json
import random
import re
from typing import Any

__all__ = ["encode_json", "mutate_bytes", "mutate_json", "odd_text", "odd_value"]

_TEXTS = (
    "",
    " ",
    "\n",
    "a",
    "default",
    "\u0000",
    "\ud800",
    "\udfff\ud800",
    "😀",
    "日本",
    "\u017feconds",
    "a\nb\r\tc",
    "\u2028\u2029",
    "\x1b[31m",
    "٣",
    "²",
    "-1",
    "0",
    "1e999",
    "NaN",
    "null",
    "9" * 25,
    "9" * 5000,
    "x" * 300,
    "../../etc",
    "a=b,c!=d",
    "%00",
    "2026-11-21T07:31:00Z",
    "2026-11-21T07:31:00.123456Z",
    "0000-00-00T00:00:00Z",
    "9999-12-31T23:59:59.999999-23:59",
    "0001-01-01T00:00:00+23:59",
    "2026-11-21T07:31:60Z",
    "f0/7@2026-11-21T07:31:00Z",
    "f0/" + "9" * 5000,
)
_NUMBERS = (0, 1, -1, 15, 2**31, -(2**31) - 1, 2**63 - 1, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308)
_CONSTANTS = (None, True, False)
_DEPTHS = (3, 60, 200, 450, 700, 950, 5000)
_NESTED = re.compile(r'"nested (array|object) (\d+)"')


def odd_text(decisions: random.Random) -> str:
    """Return a text that somebody has once tripped over, or one of random characters."""
    if decisions.random() < 0.7:
        return decisions.choice(_TEXTS)
    pool = "aZ09-_./:@%\"'\\ \n\x00\x7f\u00e9\ud83d😀"
    return "".join(decisions.choice(pool) for _ in range(decisions.randrange(12)))


def encode_json(value: Any) -> str:
    """Return the value as JSON; what `odd_value` only names as nested is nested here, however deeply."""
    return _NESTED.sub(_nest, json.dumps(value))


def _nest(match: re.Match[str]) -> str:
    begin, end = ("[", "]") if match[1] == "array" else ('{"a":', "}")
    return begin * int(match[2]) + "0" + end * int(match[2])


def odd_value(decisions: random.Random, depth: int = 2) -> Any:
    """Return any value for `encode_json`, huge numbers included; nested deeply at times."""
    choice = decisions.randrange(20)
    if choice < 8:
        return odd_text(decisions)
    if choice < 12:
        return decisions.choice(_NUMBERS)
    if choice < 15:
        return decisions.choice(_CONSTANTS)
    if choice == 15 and decisions.random() < 0.05:
        return f"nested {decisions.choice(('array', 'object'))} {decisions.choice(_DEPTHS)}"
    if depth == 0:
        return decisions.choice(([], {}))
    items = [odd_value(decisions, depth - 1) for _ in range(decisions.randrange(4))]
    return items if choice < 18 else {odd_text(decisions): item for item in items}


def mutate_json(decisions: random.Random, value: Any) -> Any:
    """Return a copy with up to four parts replaced, removed, added or copied elsewhere."""
    value = copy.deepcopy(value)
    for _ in range(decisions.randrange(5)):
        places = list(_places(value))
        if not places:
            return odd_value(decisions)
        parent, key = decisions.choice(places)
        _change(decisions, parent, key, places)
    return value


def _change(decisions: random.Random, parent: Any, key: Any, places: list[tuple[Any, Any]]) -> None:
    action = decisions.randrange(6)
    if action == 0:
        del parent[key]
    elif action == 1 and isinstance(parent, dict):
        parent[odd_text(decisions)] = odd_value(decisions)
    elif action == 2 and isinstance(parent, dict):
        parent[decisions.choice((str(key).upper(), f"{key} ", str(key).title()))] = parent.pop(key)
    elif action == 3:
        source, name = decisions.choice(places)
        parent[key] = copy.deepcopy(source[name]) if name in _keys(source) else None
    else:
        parent[key] = odd_value(decisions)


def _keys(parent: Any) -> Any:
    return parent if isinstance(parent, dict) else range(len(parent))


def _places(value: Any) -> Any:
    """Yield parent and key of every part; what is nested too deeply is left alone."""
    pending = [(value, 0)]
    while pending:
        parent, depth = pending.pop()
        if isinstance(parent, dict | list) and depth < 8:
            for key in _keys(parent):
                yield parent, key
                pending.append((parent[key], depth + 1))


def mutate_bytes(decisions: random.Random, text: bytes) -> bytes:
    """Return the text with up to five bytes or runs of bytes changed, removed, doubled or cut off."""
    data = bytearray(text)
    for _ in range(decisions.randrange(6)):
        start = decisions.randrange(len(data) + 1)
        end = min(len(data), start + decisions.choice((0, 1, 1, 2, 8, 64)))
        match decisions.randrange(5):
            case 0:
                data[start:end] = decisions.randbytes(decisions.randrange(5))
            case 1:
                del data[start:end]
            case 2:
                data[start:start] = data[start:end]
            case 3:
                data[start:end] = odd_text(decisions).encode("utf-8", "surrogatepass")
            case _:
                del data[start + decisions.choice((0, 0, 1, 9)) * 100 :]
    return bytes(data)
