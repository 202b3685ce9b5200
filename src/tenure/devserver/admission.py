"""What comes in, read as the typed server reads it: unknown fields dropped, types and values checked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tenure.devserver.kinds import Kind
from tenure.devserver.status import Cause, bad_request, invalid
from tenure.devserver.typed import (
    Reader,
    as_is,
    read_int32,
    read_micro_time,
    read_string,
    read_strings,
    read_struct,
    read_time,
)

__all__ = ["check_values", "decode", "decode_patched", "refuse_unknown_fields"]

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
_QUALIFIED_NAME = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_QUALIFIED_NAME_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_QUALIFIED_NAME}')"
)
_LABEL = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_LABEL_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used "
    f"for validation is '{_LABEL}')"
)

_METADATA: dict[str, Reader] = {
    **dict.fromkeys(("name", "generateName", "namespace", "uid", "resourceVersion"), read_string),
    "creationTimestamp": read_time,
    "labels": read_strings,
    "annotations": read_strings,
    "ownerReferences": as_is,
    "finalizers": as_is,
}
_METADATA_IGNORED = {
    "managedFields",
    "generation",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
}
_LEASE_SPEC: dict[str, Reader] = {
    **dict.fromkeys(("holderIdentity", "strategy", "preferredHolder"), read_string),
    **dict.fromkeys(("leaseDurationSeconds", "leaseTransitions"), read_int32),
    **dict.fromkeys(("acquireTime", "renewTime"), read_micro_time),
}


def decode(kind: Kind, body: Any) -> dict[str, Any]:
    """Read an object of `kind`: known fields only, of the right types, nulls left out.

    Raises:
        StatusError: 400, another kind or a field of the wrong type.
    """
    if not isinstance(body, dict):
        needed = f"the object provided is unrecognized (must be of type {kind.kind})"
        raise bad_request(f"{needed}: couldn't get version/kind; json parse error: it is no JSON object")
    given_kind, given_version = body.get("kind") or kind.kind, body.get("apiVersion") or kind.api_version
    try:
        if (given_kind, given_version) != (kind.kind, kind.api_version):
            raise ValueError(f"this URL takes {kind.api_version} {kind.kind}")
        return _typed(kind, body)
    except ValueError as error:
        version = str(given_version).rpartition("/")[2]
        message = f'{given_kind} in version "{version}" cannot be handled as a {kind.kind}: {error}'
        raise bad_request(message) from None


def decode_patched(kind: Kind, body: Any) -> dict[str, Any]:
    """Read what a patch made of an object of `kind`.

    Raises:
        StatusError: 422, another kind or a field of the wrong type.
    """
    try:
        if not isinstance(body, dict) or (body.get("kind"), body.get("apiVersion")) != (
            kind.kind,
            kind.api_version,
        ):
            raise ValueError(f"the result is no {kind.api_version} {kind.kind}")
        return _typed(kind, body)
    except ValueError as error:
        result = json.dumps(json.dumps(body, separators=(",", ":")))
        cause = ("FieldValueInvalid", "patch", f"Invalid value: {result}: {error}")
        raise invalid("", "", "", [cause]) from None  # the server does not say of which kind


def refuse_unknown_fields(kind: Kind, body: Any) -> None:
    """What a request with ``fieldValidation=Strict`` asks for; kubectl's do.

    Raises:
        StatusError: 400, naming the fields that would be dropped.
    """
    known = {
        "": {"apiVersion", "kind", "metadata", *kind.fields},
        "metadata.": {*_METADATA, *_METADATA_IGNORED},
        **({"spec.": set(_LEASE_SPEC)} if kind.kind == "Lease" else {}),
    }
    unknown = [
        f'unknown field "{path}{key}"'
        for path, names in known.items()
        for key in _fields(body, path)
        if key not in names
    ]
    if unknown:
        fault = f"strict decoding error: {', '.join(unknown)}"
        message = f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {fault}'
        raise bad_request(message)


def _fields(body: Any, path: str) -> list[str]:
    part = body.get(path.rstrip("."), {}) if path and isinstance(body, dict) else body
    return list(part) if isinstance(part, dict) else []


def _typed(kind: Kind, body: dict[str, Any]) -> dict[str, Any]:
    metadata = read_struct(body.get("metadata") or {}, f"{kind.kind}.metadata", "ObjectMeta", _METADATA)
    present = {key: value for key, value in metadata.items() if value not in ("", {}, [])}
    obj: dict[str, Any] = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": present}
    obj |= {field: body[field] for field in kind.fields if body.get(field) is not None}
    if kind.kind == "Lease":
        obj["spec"] = read_struct(body.get("spec") or {}, "Lease.spec", "LeaseSpec", _LEASE_SPEC)
    if kind.kind == "ConfigMap":
        obj |= {
            field: read_strings(obj[field], f"ConfigMap.{field}")
            for field in ("data", "binaryData")
            if field in obj
        }
    return obj


def check_values(kind: Kind, obj: dict[str, Any]) -> None:
    """Check values that are well typed and still not allowed.

    Raises:
        StatusError: 422, naming every one of them.
    """
    causes = list(_metadata_faults(obj["metadata"]))
    if kind.kind == "Lease":
        causes += _lease_faults(obj["spec"])
    if kind.kind == "ConfigMap":
        causes += [
            _invalid(f"data[{key}]", f'"{key}"', _CONFIG_KEY_RULE)
            for key in obj.get("data", {})
            if not re.fullmatch(_CONFIG_KEY, key)
        ]
    if causes:
        raise invalid(kind.group, kind.kind, obj["metadata"].get("name", ""), causes)


def _invalid(field: str, value: str, rule: str) -> Cause:
    return "FieldValueInvalid", field, f"Invalid value: {value}: {rule}"


def _metadata_faults(metadata: dict[str, Any]) -> Iterator[Cause]:
    name = metadata.get("name", "")
    if not name:
        yield "FieldValueRequired", "metadata.name", "Required value: name or generateName is required"
    elif len(name) > 253:
        yield _invalid("metadata.name", f'"{name}"', "must be no more than 253 characters")
    elif not re.fullmatch(_SUBDOMAIN, name):
        yield _invalid("metadata.name", f'"{name}"', _SUBDOMAIN_RULE)
    for field in ("labels", "annotations"):
        for key in metadata.get(field, {}):
            if not re.fullmatch(_QUALIFIED_NAME, key.rpartition("/")[2]):
                yield _invalid(f"metadata.{field}", f'"{key}"', _QUALIFIED_NAME_RULE)
    for value in metadata.get("labels", {}).values():
        if not re.fullmatch(_LABEL, value):
            yield _invalid("metadata.labels", f'"{value}"', _LABEL_RULE)


def _lease_faults(spec: dict[str, Any]) -> Iterator[Cause]:
    duration, transitions = spec.get("leaseDurationSeconds", 1), spec.get("leaseTransitions", 0)
    if duration <= 0:
        yield _invalid("spec.leaseDurationSeconds", str(duration), "must be greater than 0")
    if transitions < 0:
        yield _invalid("spec.leaseTransitions", str(transitions), "must be greater than or equal to 0")
    if spec.get("preferredHolder") and not spec.get("strategy"):
        rule = "Forbidden: may only be specified if `strategy` is defined"
        yield "FieldValueForbidden", "spec.preferredHolder", rule
