"""Report: the results as a table for the terminal, as Markdown and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.row import Row

__all__ = ["markdown", "table", "write_json"]

_HEADER = ("measure", "subject", "what", "median", "min", "max", "unit", "n", "target", "verdict")


def _cells(row: Row) -> tuple[str, ...]:
    found = (
        [f"{value:.4g}" for value in (row.median, min(row.values), max(row.values))]
        if row.values
        else [""] * 3
    )
    return (
        row.measure,
        row.subject,
        row.what,
        *found,
        row.unit,
        str(len(row.values)),
        row.target,
        row.verdict,
    )


def table(rows: Sequence[Row]) -> str:
    """Return the rows in columns, notes below."""
    lines = [_HEADER, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADER))]
    drawn = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([*drawn, "", *_notes(rows)])


def markdown(rows: Sequence[Row], conditions: dict[str, Any]) -> str:
    """Return the rows as a Markdown table, with the conditions under which they were taken."""
    lines = [f"- {key}: {value}" for key, value in conditions.items()] + [""]
    lines += [_markdown_line(_HEADER), _markdown_line(["---"] * len(_HEADER))]
    lines += [_markdown_line(_cells(row)) for row in rows]
    return "\n".join([*lines, "", *(f"- {note}" for note in _notes(rows))])


def write_json(path: Path, rows: Sequence[Row], conditions: dict[str, Any]) -> None:
    """Write everything, every sample too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {"conditions": conditions, "rows": [row.as_dict() for row in rows]}
    path.write_text(json.dumps(content, indent=1) + "\n")


def _markdown_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _notes(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(f"{row.measure}, {row.subject}: {row.note}" for row in rows if row.note))
