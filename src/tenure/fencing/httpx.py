"""Event hooks for httpx and httpx2: every request bears the present term, and a stale one is an error.

Neither library is imported: hooks are plain functions, and those of both are called alike.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tenure.errors import StaleTokenError
from tenure.fencing.headers import TermSource, headers_of
from tenure.fencing.refusal import STALE_STATUS, stale_detail

__all__ = ["async_event_hooks", "event_hooks"]


def async_event_hooks(source: TermSource) -> dict[str, list[Callable[..., Any]]]:
    """Return the ``event_hooks`` of an ``AsyncClient`` whose requests belong to a term.

    They go to every server that the client asks: give each fenced service a client of its own.

    Args:
        source: the term, or a function that returns the present one (None: not leading).

    Returns:
        Hooks with which a request outside of a term is not sent, but raises `NotLeaderError` or
        `LeadershipLostError`; an answer that says that a later term has begun raises `StaleTokenError`.
    """

    async def present(request: Any) -> None:
        request.headers.update(headers_of(source))

    async def judge(response: Any) -> None:
        if response.status_code == STALE_STATUS:
            await response.aread()
            _judge(response)

    return {"request": [present], "response": [judge]}


def event_hooks(source: TermSource) -> dict[str, list[Callable[..., Any]]]:
    """Return the ``event_hooks`` of a ``Client``; see `async_event_hooks`."""

    def present(request: Any) -> None:
        request.headers.update(headers_of(source))

    def judge(response: Any) -> None:
        if response.status_code == STALE_STATUS:
            response.read()
            _judge(response)

    return {"request": [present], "response": [judge]}


def _judge(response: Any) -> None:
    content_type = response.headers.get("content-type", "")
    if detail := stale_detail(response.status_code, content_type, response.content):
        raise StaleTokenError(f"{response.request.url.host}: {detail}")
