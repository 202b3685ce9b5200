"""Numbers for values, and answers that are kept: both make a search fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["BITS", "MASK", "Memo", "Numbers"]

BITS = 20
MASK = (1 << BITS) - 1


class Memo(dict[Any, Any]):
    """What a function has returned.

    Args:
        function: is asked once for each key, which is the tuple of its arguments.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self._function = function

    def __missing__(self, key: Any) -> Any:
        value = self[key] = self._function(*key)
        return value


class Numbers:
    """Gives each value a number of at most `BITS`.

    Args:
        note: is called with each new value.

    Attributes:
        values: by number.
    """

    def __init__(self, note: Callable[[Any], None] = lambda value: None) -> None:
        self._note = note
        self._numbers: dict[Any, int] = {}
        self.values: list[Any] = []

    def of(self, value: Any) -> int:
        """Return the number of a value.

        Raises:
            OverflowError: there are too many.
        """
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            if number > MASK:
                raise OverflowError("too many different parts: choose a smaller setting")
            self.values.append(value)
            self._note(value)
        return number
