"""What comes in, read as the typed server reads it: unknown fields dropped, types and values checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tenure.devserver.kinds import Kind
from tenure.devserver.status import Cause, bad_request, invalid

__all__ = ["check_name", "check_values", "decode"]

_SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)
_CONFIG_KEY = r"[-._a-zA-Z0-9]+"
_CONFIG_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or "
    f"'KEY_NAME',  or 'key-name', regex used for validation is '{_CONFIG_KEY}')"
)
_MICRO_TIME = "2006-01-02T15:04:05.000000Z07:00"
"""The layout of a MicroTime in Go's notation: exactly six fractional digits."""

_JSON_NAMES = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}


def _mistyped(value: object, field: str, wanted: str) -> ValueError:
    given = _JSON_NAMES[type(value)]
    return ValueError(f"json: cannot unmarshal {given} into Go struct field {field} of type {wanted}")


def _string(value: object, field: str) -> str:
    if not isinstance(value, str):
        raise _mistyped(value, field, "string")
    return value


def _int32(value: object, field: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _mistyped(value, field, "int32")
    return value


def _micro_time(value: object, field: str) -> str:
    """A MicroTime, in UTC as the server stores it."""
    text = _string(value, field)
    second, fraction, zone = text[:19], text[19:26], text[26:]

    def refused(rest: str, layout: str) -> ValueError:
        return ValueError(f'parsing time "{text}" as "{_MICRO_TIME}": cannot parse "{rest}" as "{layout}"')

    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", second, re.ASCII):
        raise refused(text, "2006")
    if not re.fullmatch(r"\.\d{6}", fraction, re.ASCII):
        raise refused(fraction + zone, ".000000")
    if not re.fullmatch(r"Z|[+-]\d\d:\d\d", zone, re.ASCII):
        raise refused(zone, "Z07:00")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f'parsing time "{text}": out of range') from None
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "Z"


def _strings(value: object, field: str) -> dict[str, str]:
    if not isinstance(value, dict):
        raise _mistyped(value, field, "map[string]string")
    return {key: "" if item is None else _string(item, field) for key, item in value.items()}


def _kept(value: object, field: str) -> object:
    return value


_Reader = Callable[[object, str], object]

_METADATA: dict[str, _Reader] = {
    **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion"), _string),
    "creationTimestamp": _string,
    "labels": _strings,
    "annotations": _strings,
    "ownerReferences": _kept,
    "finalizers": _kept,
}
_LEASE_SPEC: dict[str, _Reader] = {
    **dict.fromkeys(("holderIdentity", "strategy", "preferredHolder"), _string),
    **dict.fromkeys(("leaseDurationSeconds", "leaseTransitions"), _int32),
    **dict.fromkeys(("acquireTime", "renewTime"), _micro_time),
}


def _struct(value: object, type_name: str, path: str, readers: dict[str, _Reader]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mistyped(value, f"{type_name}.{path}", f"v1.{type_name}")
    known = ((key, item) for key, item in value.items() if key in readers and item is not None)
    return {key: readers[key](item, f"{type_name}.{path}.{key}") for key, item in known}


def _without_empty(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metadata.items() if value not in ("", {}, [])}


def decode(kind: Kind, body: Any) -> dict[str, Any]:
    """Read an object of `kind`: known fields only, of the right types, nulls left out.

    Raises:
        StatusError: 400, another kind or a field of the wrong type.
    """
    if not isinstance(body, dict):
        raise bad_request(f"the body is no {kind.kind}: a JSON object is needed")
    given_kind, given_version = body.get("kind") or kind.kind, body.get("apiVersion") or kind.api_version
    if (given_kind, given_version) != (kind.kind, kind.api_version):
        version = str(given_version).rpartition("/")[2]
        raise bad_request(
            f'{given_kind} in version "{version}" cannot be handled as a {kind.kind}: '
            f"this URL takes {kind.api_version} {kind.kind}"
        )
    try:
        return _typed(kind, body)
    except ValueError as error:
        message = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {error}'
        raise bad_request(message) from None


def _typed(kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    metadata = _struct(body.get("metadata") or {}, "ObjectMeta", "metadata", _METADATA)
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": _without_empty(metadata)}
    obj |= {field: body[field] for field in kind.fields if body.get(field) is not None}
    if kind.kind == "Lease":
        obj["spec"] = _struct(body.get("spec") or {}, "LeaseSpec", "spec", _LEASE_SPEC)
    if kind.kind == "ConfigMap" and "data" in obj:
        obj["data"] = _strings(obj["data"], "ConfigMap.data")
    return obj


def check_name(kind: Kind, metadata: dict[str, Any]) -> None:
    """Check the name of an object to be created.

    Raises:
        StatusError: 422, missing or malformed.
    """
    name = metadata.get("name", "")
    if not name:
        cause = ("FieldValueRequired", "metadata.name", "Required value: name or generateName is required")
        raise invalid(kind.group, kind.kind, name, [cause])
    if len(name) > 253 or not re.fullmatch(_SUBDOMAIN, name):
        cause = ("FieldValueInvalid", "metadata.name", f'Invalid value: "{name}": {_SUBDOMAIN_RULE}')
        raise invalid(kind.group, kind.kind, name, [cause])


def check_values(kind: Kind, obj: dict[str, Any]) -> None:
    """Check values that are well typed and still not allowed.

    Raises:
        StatusError: 422, naming every one of them.
    """
    causes: list[Cause] = []
    if kind.kind == "Lease":
        causes = _lease_faults(obj["spec"])
    elif kind.kind == "ConfigMap":
        causes = [
            ("FieldValueInvalid", f"data[{key}]", f'Invalid value: "{key}": {_CONFIG_KEY_RULE}')
            for key in obj.get("data", {})
            if not re.fullmatch(_CONFIG_KEY, key)
        ]
    if causes:
        raise invalid(kind.group, kind.kind, obj["metadata"]["name"], causes)


def _lease_faults(spec: dict[str, Any]) -> list[Cause]:
    faults: list[Cause] = []

    def refuse(field: str, rule: str) -> None:
        faults.append(("FieldValueInvalid", f"spec.{field}", f"Invalid value: {spec[field]}: {rule}"))

    if spec.get("leaseDurationSeconds", 1) <= 0:
        refuse("leaseDurationSeconds", "must be greater than 0")
    if spec.get("leaseTransitions", 0) < 0:
        refuse("leaseTransitions", "must be greater than or equal to 0")
    if spec.get("preferredHolder") and not spec.get("strategy"):
        rule = "Forbidden: may only be specified if `strategy` is defined"
        faults.append(("FieldValueForbidden", "spec.preferredHolder", rule))
    return faults
