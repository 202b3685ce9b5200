"""Objects in protobuf, which Go clients prefer for what they send; answers are always JSON.

Only the kinds that electors and ``kubectl create`` write are described here. Field numbers are those of the
``generated.proto`` files of k8s.io/api and k8s.io/apimachinery.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

__all__ = ["MEDIA_TYPE", "decode_protobuf"]

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"


class _Field(NamedTuple):
    """A field's name in JSON and its type: a scalar's name or the fields of a message."""

    name: str
    type: str | dict[int, _Field]
    repeated: bool = False


_Message = dict[int, _Field]


def _message(**fields: int | tuple[int, str | _Message] | tuple[int, str | _Message, bool]) -> _Message:
    """Fields by number: a bare number is a string, a third element tells that the field is repeated."""
    message: _Message = {}
    for name, field in fields.items():
        number, kind = (field, "string") if isinstance(field, int) else field[:2]
        message[number] = _Field(name, kind, repeated=isinstance(field, tuple) and len(field) == 3)
    return message


_OWNER = _message(apiVersion=5, kind=1, name=3, uid=4, controller=(6, "bool"), blockOwnerDeletion=(7, "bool"))
_METADATA = _message(
    name=1,
    generateName=2,
    namespace=3,
    uid=5,
    resourceVersion=6,
    creationTimestamp=(8, "time"),
    labels=(11, "strings"),
    annotations=(12, "strings"),
    ownerReferences=(13, _OWNER, True),
    finalizers=(14, "string", True),
)
_REFERENCE = _message(kind=1, namespace=2, name=3, uid=4, apiVersion=5, resourceVersion=6, fieldPath=7)
_LEASE_SPEC = _message(
    holderIdentity=1,
    leaseDurationSeconds=(2, "int"),
    acquireTime=(3, "micro_time"),
    renewTime=(4, "micro_time"),
    leaseTransitions=(5, "int"),
    strategy=6,
    preferredHolder=7,
)
_ADDRESS = _message(ip=1, hostname=3, nodeName=4, targetRef=(2, _REFERENCE))
_SUBSET = _message(
    addresses=(1, _ADDRESS, True),
    notReadyAddresses=(2, _ADDRESS, True),
    ports=(3, _message(name=1, port=(2, "int"), protocol=3, appProtocol=4), True),
)

_MESSAGES: dict[str, _Message] = {
    "Lease": _message(metadata=(1, _METADATA), spec=(2, _LEASE_SPEC)),
    "ConfigMap": _message(
        metadata=(1, _METADATA), data=(2, "strings"), binaryData=(3, "bytes_map"), immutable=(4, "bool")
    ),
    "Endpoints": _message(metadata=(1, _METADATA), subsets=(2, _SUBSET, True)),
    "Namespace": _message(metadata=(1, _METADATA)),
    "ServiceAccount": _message(metadata=(1, _METADATA), automountServiceAccountToken=(4, "bool")),
    "Event": _message(
        metadata=(1, _METADATA),
        involvedObject=(2, _REFERENCE),
        reason=3,
        message=4,
        source=(5, _message(component=1, host=2)),
        firstTimestamp=(6, "time"),
        lastTimestamp=(7, "time"),
        count=(8, "int"),
        type=9,
        eventTime=(10, "micro_time"),
        series=(11, _message(count=(1, "int"), lastObservedTime=(2, "micro_time"))),
        action=12,
        related=(13, _REFERENCE),
        reportingComponent=14,
        reportingInstance=15,
    ),
    "DeleteOptions": _message(
        gracePeriodSeconds=(1, "int"), preconditions=(2, _message(uid=1, resourceVersion=2))
    ),
}
_ENVELOPE = _message(typeMeta=(1, _message(apiVersion=1, kind=2)), raw=(2, "raw"))
_SECONDS_AND_NANOS = _message(seconds=(1, "int"), nanos=(2, "int"))


def decode_protobuf(body: bytes) -> dict[str, Any]:
    """Read an object in the Kubernetes envelope into its JSON form.

    Raises:
        ValueError: it is none, or of a kind that is not described here.
    """
    if not body.startswith(_MAGIC):
        raise ValueError("it does not begin with the envelope's magic number")
    try:
        envelope = _decode(body[len(_MAGIC) :], _ENVELOPE)
        meta = envelope["typeMeta"]
        if meta["kind"] not in _MESSAGES:
            raise ValueError(f"{meta['kind']} is taken in JSON only by this development server")
        return {**meta, **_decode(envelope.get("raw", b""), _MESSAGES[meta["kind"]])}
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError) as error:
        # A number where a message should be, a time beyond the calendar, an end too early.
        raise ValueError(f"it is cut off or malformed ({error!r})") from error


def _decode(data: bytes, message: _Message) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for number, value in _wire_fields(data):
        field = message.get(number)
        if field is None:
            continue
        decoded = _value(value, field.type)
        if field.repeated:
            result.setdefault(field.name, []).append(decoded)
        elif field.type in ("strings", "bytes_map"):
            result.setdefault(field.name, {}).update(decoded)
        else:
            result[field.name] = decoded
    return result


def _value(value: Any, kind: str | _Message) -> Any:
    if isinstance(kind, dict):
        return _decode(value, kind)
    match kind:
        case "string":
            return value.decode()
        case "bool":
            return bool(value)
        case "int":
            return value - 2**64 if value >= 2**63 else value
        case "strings":
            return {key.decode(): item.decode() for key, item in [_entry(value)]}
        case "bytes_map":
            return {key.decode(): base64.b64encode(item).decode() for key, item in [_entry(value)]}
        case "time" | "micro_time":
            return _time(value, kind)
    return value  # raw bytes: the envelope's content


def _entry(data: bytes) -> tuple[bytes, bytes]:
    fields = dict(_wire_fields(data))
    return fields.get(1, b""), fields.get(2, b"")


def _time(data: bytes, kind: str) -> str | None:
    parts = _decode(data, _SECONDS_AND_NANOS)
    if not data:  # Go's zero time, which JSON writes as null
        return None
    moment = datetime.fromtimestamp(parts.get("seconds", 0), UTC).replace(
        microsecond=parts.get("nanos", 0) // 1000
    )
    if kind == "micro_time":
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def _wire_fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers and raw values: bytes where they have a length, else integers."""
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        match key & 7:
            case 0:
                value, position = _varint(data, position)
                yield key >> 3, value
            case 2:
                length, position = _varint(data, position)
                if position + length > len(data):
                    raise IndexError(position)
                yield key >> 3, data[position : position + length]
                position += length
            case 1 | 5 as fixed:
                position += 8 if fixed == 1 else 4
            case other:
                raise ValueError(f"wire type {other} is unknown")


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
