"""Refusal: the answer to a request that may not pass, a problem of RFC 9457, and how to know it again.

A stale token is answered with 412, not 409: the token is a precondition that the client put into a header
("only if no later term has begun"), it failed, and sending the request again cannot help. A 409 invites to
resolve the conflict and to try anew, and the service itself may use it for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from tenure.errors import FenceBusyError, StaleTokenError

__all__ = ["MEDIA_TYPE", "STALE_STATUS", "RefusedError", "refusing", "stale_detail"]

MEDIA_TYPE = "application/problem+json"
STALE_STATUS = 412
_STALE_TYPE = "tag:tenure.dev,2026:stale-token"  # RFC 4151


class RefusedError(Exception):
    """A request is refused before the application has seen it.

    Args:
        status: of the answer.
        title: the same for all refusals of this kind.
        detail: what is wrong with this request, in one line.
        kind: the problem's type, a URI; the default says that the status tells it all.
        retry_after_s: seconds after which to try again.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        kind: str = "about:blank",
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        members = {"type": kind, "title": title, "status": status, "detail": detail}
        self.body = json.dumps(members, separators=(",", ":")).encode() + b"\n"
        self.headers = [("content-type", MEDIA_TYPE), ("content-length", str(len(self.body)))]
        if retry_after_s is not None:
            self.headers.append(("retry-after", str(retry_after_s)))


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what a fence raises into the refusal that tells of it."""
    try:
        yield
    except StaleTokenError as error:
        raise RefusedError(STALE_STATUS, "Stale fencing token", str(error), kind=_STALE_TYPE) from error
    except FenceBusyError as error:
        raise RefusedError(503, "Service Unavailable", str(error), retry_after_s=1) from error


def stale_detail(status: int, content_type: str, body: bytes) -> str | None:
    """Return why an answer refuses a token as stale; None: it says nothing of the kind."""
    if status != STALE_STATUS or not content_type.startswith(MEDIA_TYPE):
        return None
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(problem, dict) or problem.get("type") != _STALE_TYPE:
        return None
    return " ".join(str(problem.get("detail")).split())
