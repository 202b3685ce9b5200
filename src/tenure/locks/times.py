"""Times: RFC 3339 as client-go writes and reads it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

__all__ = ["format_micro_time", "format_time", "parse_time"]

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([.,]\d+)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def format_micro_time(time: datetime) -> str:
    """Return the form of ``metav1.MicroTime``: exactly six fractional digits (others: 400)."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def format_time(time: datetime) -> str:
    """Return the form of ``metav1.Time``: whole seconds, the rest is cut off."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def parse_time(text: str) -> datetime:
    """Read RFC 3339 with any fraction and any offset; what is finer than a microsecond is cut off.

    Raises:
        ValueError: the text is no such time.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except OverflowError as error:  # in UTC it lies before year 1 or after year 9999
        raise ValueError(f"not an RFC 3339 time within the calendar: {text!r}") from error
