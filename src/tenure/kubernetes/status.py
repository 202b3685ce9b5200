"""Status: translates an answer of the API server, or of whatever stands in its place, into errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tenure.errors import ConflictError, LockUnavailableError, PermissionDeniedError, TenureError
from tenure.kubernetes.json_text import parse_json
from tenure.kubernetes.one_line import one_line
from tenure.kubernetes.operation import Operation

__all__ = ["GoneError", "NotFoundError", "excerpt", "make_error", "parse_object", "parse_status_event"]

_EXCERPT = 400
# A day, to whoever asks for more: numbers beyond what a float holds are sent, too.
_LONGEST_RETRY_S = 86400


class NotFoundError(TenureError):
    """The API server itself says that the object does not exist (no proxy's 404, no missing namespace)."""


class GoneError(TenureError):
    """The history asked for has been compacted away: read, then watch from there."""


def parse_object(operation: Operation, body: bytes) -> dict[str, Any]:
    """Return the object in the body of a successful answer.

    Raises:
        LockUnavailableError: it is not what was asked for; the outcome is unknown.
    """
    found = _decode(body)
    expected = operation.resource.kind + ("List" if operation.verb == "list" else "")
    # A deletion is answered with a Status, or with the object while finalizers hold it.
    if found.get("kind") == expected or (operation.verb == "delete" and found.get("kind") == "Status"):
        if _is_foreign(operation, found):
            raise LockUnavailableError(f"{operation}: the answer is another object: {excerpt(body)}")
        return found
    raise LockUnavailableError(f"{operation}: the answer is no {expected}: {excerpt(body)}")


def make_error(operation: Operation, code: int, headers: Mapping[str, str], body: bytes) -> TenureError:
    """Return the error that an unsuccessful answer means.

    A 4xx of the API server itself means that nothing was applied; anything else leaves the outcome open.
    """
    status = _decode(body)
    is_status = status.get("kind") == "Status"
    said = status.get("message") if is_status else None
    message = f"{operation}: {code} {one_line(said, _EXCERPT) if said else excerpt(body)}".rstrip()
    retry_after_s = _retry_after_s(headers, status)
    if code == 401:
        return LockUnavailableError(
            f"{message}; the credentials were read anew and are still not accepted",
            refused=True,
            unauthorized=True,
        )
    if code == 429:
        return LockUnavailableError(message, retry_after_s=retry_after_s, refused=True)
    if is_status and 400 <= code < 500:
        return _client_error(operation, code, status, message, retry_after_s)
    if 300 <= code < 400:
        target = one_line(headers.get("location", "nowhere"), _EXCERPT)
        message += f"; redirected to {target}, which no API server does"
    return LockUnavailableError(message, retry_after_s=retry_after_s)


def parse_status_event(operation: Operation, status: Any) -> TenureError:
    """Return the error that an ``ERROR`` event of a watch means."""
    if not isinstance(status, dict):
        return LockUnavailableError(f"{operation}: the watch failed: {one_line(status, _EXCERPT)}")
    code = status.get("code")
    return make_error(operation, code if isinstance(code, int) else 500, {}, json.dumps(status).encode())


def excerpt(body: bytes) -> str:
    """Return the beginning of an answer, as one line that can stand in a message."""
    return one_line(body[: _EXCERPT * 2].decode("utf-8", "replace"), _EXCERPT)


def _client_error(
    operation: Operation, code: int, status: dict[str, Any], message: str, retry_after_s: float | None
) -> TenureError:
    if code == 403:
        return PermissionDeniedError(
            f"{message}; it takes the RBAC rule {operation.rbac_rule} "
            f"in a {operation.rbac_role}, bound to this identity"
        )
    if code == 404 and _names(operation, status):
        return NotFoundError(message)
    if code == 409:
        return ConflictError(message)
    if code == 410:
        return GoneError(message)
    return LockUnavailableError(message, retry_after_s=retry_after_s, refused=True)


def _names(operation: Operation, status: dict[str, Any]) -> bool:
    """Tell whether this 404 speaks of the object: a missing namespace or API group is also a 404."""
    details = status.get("details")
    return (
        operation.verb != "create"
        and status.get("reason") == "NotFound"
        and isinstance(details, dict)
        and details.get("name") == operation.name
        and details.get("kind") == operation.resource.plural
    )


def _is_foreign(operation: Operation, found: dict[str, Any]) -> bool:
    if found["kind"] == "Status" or operation.verb == "list":
        return False
    metadata = found.get("metadata")
    return not isinstance(metadata, dict) or metadata.get("name") != operation.name


def _decode(body: bytes) -> dict[str, Any]:
    try:
        found = parse_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _retry_after_s(headers: Mapping[str, str], status: dict[str, Any]) -> float | None:
    """Read the delay in seconds; the API server sends no dates, and a foreign date needs a common clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), _LONGEST_RETRY_S)
    details = status.get("details")
    seconds = details.get("retryAfterSeconds") if isinstance(details, dict) else None
    return float(min(seconds, _LONGEST_RETRY_S)) if isinstance(seconds, int) and seconds > 0 else None
