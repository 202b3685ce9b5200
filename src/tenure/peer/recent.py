"""Recent: a mapping that forgets what was not used for longest, so that no flood of names can fill memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

__all__ = ["Recent"]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Recent(Generic[_Key, _Value]):
    """A bounded mapping.

    Args:
        most: how many entries it keeps.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: _Key) -> _Value | None:
        """Return the value, which counts as a use; None: there is none."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: _Key, value: _Value) -> _Value | None:
        """Keep a value; return the one that had to go for it, if one had to."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) <= self._most:
            return None
        return self._entries.popitem(last=False)[1]
