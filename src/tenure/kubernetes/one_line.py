"""OneLine: text of others as one line that can stand in a message and in a log."""

from __future__ import annotations

__all__ = ["one_line"]


def one_line(text: object, longest: int = 1000) -> str:
    """Return the text in one line of at most `longest` characters, and one that tells of more.

    Whatever does not print is replaced: neither a terminal's escape sequences nor half a character (which no
    log could encode) come through.
    """
    line = " ".join(str(text).split())
    line = "".join(each if each.isprintable() else "\ufffd" for each in line[: longest + 1])
    return line if len(line) <= longest else f"{line[:longest]}…"
