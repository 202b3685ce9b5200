"""Fingerprint: the state of a core as one hashable value that a shift of time leaves as it is.

Pure. It walks over all attributes, so that one that is added later cannot be forgotten; which of them are
times is told by their names. Exhaustive search knows by it that it has been somewhere before.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

__all__ = ["fingerprint_of"]

# Of these only matters whether they have come: all that are past are alike.
_DUE = {
    "ends_at",
    "free_at",
    "held_until",
    "next_roll_call_at",
    "not_before",
    "note_from",
    "overwritten_until",
    "read_at",
    "reset_until",
    "roll_call_at",
    "starts_at",
}
_TIMES = _DUE | {
    "preempt_from",
    "at",
    "changed_at",
    "deadline",
    "drain_until",
    "entered_at",
    "last_sent_at",
    "opened_at",
    "overrun_at",
    "release_until",
    "since",
}
# What never changes, what the version stands for, and what concerns the driver alone.
_IGNORED = {"timing", "draw", "raw", "timeout"}
# Microseconds: what sums of floating-point numbers differ by is no state.
_DIGITS = 6


def fingerprint_of(state: object, now: float, *, horizon: float) -> Hashable:
    """Return the state with all times relative to `now`.

    Args:
        state: a core, or anything that one is made of.
        now: boot time, seconds.
        horizon: seconds in the past beyond which all times are alike.

    Raises:
        TypeError: something in it is neither made of attributes nor hashable.
    """
    if isinstance(state, Enum) or not (is_dataclass(state) or hasattr(state, "__dict__")):
        return _plain(state, now, horizon)
    names = [f.name for f in fields(state)] if is_dataclass(state) else sorted(vars(state))
    parts = [
        (name, _part(name.lstrip("_"), getattr(state, name), now, horizon))
        for name in names
        if name.lstrip("_") not in _IGNORED
    ]
    return (type(state).__name__, *parts)


def _part(name: str, value: Any, now: float, horizon: float) -> Hashable:
    if name not in _TIMES or value is None or math.isinf(value):
        return fingerprint_of(value, now, horizon=horizon)
    relative: float = round(value - now, _DIGITS)
    return max(relative, 0.0 if name in _DUE else -horizon)


def _plain(value: Any, now: float, horizon: float) -> Hashable:
    if isinstance(value, dict):
        return tuple((key, fingerprint_of(value[key], now, horizon=horizon)) for key in sorted(value))
    if isinstance(value, deque):
        return tuple(fingerprint_of(each, now, horizon=horizon) for each in value)
    hash(value)
    return value  # type: ignore[no-any-return]
