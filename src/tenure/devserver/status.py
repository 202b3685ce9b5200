"""Failures as the API server words them: ``Status`` objects with its codes, reasons and messages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenure.devserver.kinds import Kind

__all__ = [
    "Cause",
    "StatusError",
    "already_exists",
    "bad_request",
    "delete_precondition_failed",
    "expired",
    "internal",
    "invalid",
    "not_found",
    "precondition_failed",
    "stale",
    "success",
    "unknown_resource",
    "version_too_large",
]

Cause = tuple[str, str, str]
"""Reason, field and message of one invalid field."""


class StatusError(Exception):
    """A request that fails; `status` is the body to answer with."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "code": code,
        }
        if reason:
            self.status["reason"] = reason
        if details is not None:
            self.status["details"] = details


def _details(name: str, group: str, kind: str, **more: Any) -> dict[str, Any]:
    """Empty fields are left out, as Go's ``omitempty`` does."""
    return {
        key: value for key, value in {"name": name, "group": group, "kind": kind, **more}.items() if value
    }


def success(kind: Kind, name: str, uid: str) -> dict[str, Any]:
    """The answer to a deletion that does not return the object."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": _details(name, kind.group, kind.plural, uid=uid),
    }


def not_found(kind: Kind, name: str) -> StatusError:
    """404: no such object."""
    return StatusError(
        404, "NotFound", f'{kind.resource} "{name}" not found', _details(name, kind.group, kind.plural)
    )


def already_exists(kind: Kind, name: str) -> StatusError:
    """409: a create met an object of that name."""
    message = f'{kind.resource} "{name}" already exists'
    return StatusError(409, "AlreadyExists", message, _details(name, kind.group, kind.plural))


def _conflict(group: str, kind: str, name: str, why: str) -> StatusError:
    qualified = f"{kind}.{group}" if group else kind
    message = f'Operation cannot be fulfilled on {qualified} "{name}": {why}'
    return StatusError(409, "Conflict", message, _details(name, group, kind))


def stale(kind: Kind, name: str) -> StatusError:
    """409: the write was based on another version than the newest."""
    why = "the object has been modified; please apply your changes to the latest version and try again"
    return _conflict(kind.group, kind.plural, name, why)


def delete_precondition_failed(kind: Kind, name: str, why: str) -> StatusError:
    """409: a DELETE names another object or version. The server says the kind here, not the resource."""
    return _conflict(kind.group, kind.kind, name, why)


def precondition_failed(kind: Kind, namespace: str, name: str, *, wanted: str, found: str) -> StatusError:
    """409: a PUT names a uid that the object (or the gap where it was) does not have."""
    key = "/".join(part for part in ("/registry", kind.storage, namespace, name) if part)
    return _conflict(
        kind.group,
        kind.plural,
        name,
        f"StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: "
        f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {found}",
    )


def invalid(group: str, kind: str, name: str, causes: Sequence[Cause]) -> StatusError:
    """422: fields that are well formed and not allowed."""
    texts = [f"{field}: {message}" for _, field, message in causes]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified = f"{kind}.{group}" if group else kind
    details = _details(
        name,
        group,
        kind,
        causes=[{"reason": reason, "message": message, "field": field} for reason, field, message in causes],
    )
    return StatusError(422, "Invalid", f'{qualified} "{name}" is invalid: {text}', details)


def bad_request(message: str) -> StatusError:
    """400: a request that cannot be understood."""
    return StatusError(400, "BadRequest", message)


def internal(message: str) -> StatusError:
    """500 without a reason: what the server's storage refuses without further ado."""
    return StatusError(500, "", message)


def unknown_resource() -> StatusError:
    """404: the group is served, the resource is not."""
    return StatusError(404, "NotFound", "the server could not find the requested resource", {})


def expired(asked: int, oldest: int) -> StatusError:
    """410: a watch from before the kept history."""
    return StatusError(410, "Expired", f"too old resource version: {asked} ({oldest})")


def version_too_large(asked: int, current: int) -> StatusError:
    """504: a read of a version that is not there yet."""
    cause = {"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return StatusError(504, "Timeout", message, {"causes": [cause], "retryAfterSeconds": 1})
