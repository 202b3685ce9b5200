"""LeaderJson: the JSON form of client-go's ``LeaderElectionRecord``, as v0.23 writes it into annotations."""

from __future__ import annotations

import json
from typing import Any

from tenure.kubernetes.json_text import parse_json
from tenure.locks.codec import UndecodableError
from tenure.locks.fields import decode_fields, whole_seconds
from tenure.locks.times import format_time
from tenure.record import Record

__all__ = ["decode_leader_json", "encode_leader_json"]

_NAMES = ("holderIdentity", "leaseDurationSeconds", "acquireTime", "renewTime", "leaderTransitions")
_BY_FOLDED_NAME = {name.casefold(): name for name in _NAMES}
# Go escapes these within JSON strings, so that the text can stand in HTML and JavaScript.
_GO_ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})


def encode_leader_json(record: Record) -> tuple[str, str]:
    """Return the JSON, byte for byte as client-go marshals it, and the ``renewTime`` in it."""
    assert record.acquire_time
    assert record.renew_time
    renew_time = format_time(record.renew_time)
    own = {
        "holderIdentity": record.holder,
        "leaseDurationSeconds": whole_seconds(record.lease_duration),
        "acquireTime": format_time(record.acquire_time),
        "renewTime": renew_time,
        "leaderTransitions": record.transitions,
    }
    return json.dumps(own, ensure_ascii=False, separators=(",", ":")).translate(_GO_ESCAPES), renew_time


def decode_leader_json(text: Any, where: str) -> tuple[Record, str | None]:
    """Return the record in the JSON, and its ``renewTime`` exactly as it stands there.

    Args:
        text: the annotation's value.
        where: the annotation's name, for errors.

    Raises:
        UndecodableError: the text is no such record.
    """
    try:
        fields: dict[str, Any] = parse_json(text)
    except (TypeError, ValueError) as error:
        raise UndecodableError(f"annotation {where} is {text!r:.40}, not JSON") from error
    if not isinstance(fields, dict):
        raise UndecodableError(f"annotation {where} is {text!r:.40}, not a JSON object")
    # Go finds a field whatever the case of its name; a holder that it sees must not be free for us.
    fields = {_BY_FOLDED_NAME.get(name.casefold(), name): value for name, value in fields.items()}
    record = decode_fields(fields, transitions="leaderTransitions", where=f"in annotation {where}, ")
    return record, fields.get("renewTime")
