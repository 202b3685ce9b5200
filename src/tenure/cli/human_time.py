"""HumanTime: spans as people read them."""

from __future__ import annotations

__all__ = ["format_span"]

_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))


def format_span(seconds: float) -> str:
    """Return a span in its two largest units, such as ``3m12s`` or ``4d``; the rest is cut off."""
    left = max(0, int(seconds))
    sizes = [(unit, size) for unit, size in _UNITS if left >= size or unit == "s"]
    text = ""
    for unit, size in sizes[:2]:
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count or not text else ""
    return text
