"""Notes: what candidates tell each other in annotations of the record, bounded, each bound to one attempt.

A note counts only while the record shows the very attempt that it names. Whoever writes the record next
leaves it behind: an old wish is never taken for a new one, whatever programs share the election.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tenure.handover import HIGHEST_PRIORITY, LONGEST_NAME, MOST_CONTENDERS
from tenure.kubernetes.json_text import parse_json
from tenure.record import Contender, Record

__all__ = ["read_notes", "write_notes"]

_REQUEST = "tenure.dev/request"
_HINT = "tenure.dev/hint"
_CONTENDERS = "tenure.dev/contenders"
_LONGEST_NOTE = 4096  # characters; anything longer is none of ours


def write_notes(record: Record, annotations: dict[str, Any]) -> None:
    """Put a record's notes into the annotations of its object, and take out all others.

    Args:
        record: what is written.
        annotations: of the object; changed in place.
    """
    contenders = [each._asdict() for each in record.contenders]
    notes = {
        _REQUEST: None if record.request is None else {"to": record.request},
        _HINT: {"to": record.hint} if record.hint else None,
        _CONTENDERS: {"contenders": contenders} if contenders else None,
    }
    for key, note in notes.items():
        annotations.pop(key, None)
        if note is not None and record.attempt is not None:
            named = {"attempt": str(record.attempt), **note}
            annotations[key] = json.dumps(named, separators=(",", ":"), ensure_ascii=False)


def read_notes(record: Record, annotations: Mapping[str, Any]) -> Record:
    """Return the record with its notes; what is malformed, or names another attempt, does not count.

    Args:
        record: whose attempt is known.
        annotations: of the object.
    """
    if annotations.keys().isdisjoint((_REQUEST, _HINT, _CONTENDERS)):
        return record
    hint = _name(_note(record, annotations, _HINT).get("to"))
    contenders = _note(record, annotations, _CONTENDERS).get("contenders")
    return replace(
        record,
        request=_name(_note(record, annotations, _REQUEST).get("to")),
        hint=hint or "",
        contenders=tuple(_contenders(contenders)),
    )


def _note(record: Record, annotations: Mapping[str, Any], key: str) -> dict[str, Any]:
    text = annotations.get(key)
    if not isinstance(text, str) or len(text) > _LONGEST_NOTE or record.attempt is None:
        return {}
    try:
        note = parse_json(text)
    except ValueError:
        return {}
    return note if isinstance(note, dict) and note.get("attempt") == str(record.attempt) else {}


def _name(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        return None
    is_text = not any("\ud800" <= character <= "\udfff" for character in value)
    return value if is_text else None


def _contenders(value: Any) -> list[Contender]:
    found: dict[str, Contender] = {}
    for each in value if isinstance(value, list) else []:
        contender = _contender(each) if isinstance(each, dict) else None
        if contender is not None:
            found.setdefault(contender.identity, contender)
    return list(found.values())[:MOST_CONTENDERS]


def _contender(fields: dict[str, Any]) -> Contender | None:
    name, priority = _name(fields.get("identity")), fields.get("priority")
    if not name or not isinstance(priority, int) or isinstance(priority, bool):
        return None
    return (
        Contender(name, priority, fields.get("preempt") is True) if 0 < priority <= HIGHEST_PRIORITY else None
    )
