"""FencingAdapter for requests: what is sent bears the present term, and a stale answer is an error."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tenure.errors import StaleTokenError
from tenure.fencing.headers import TermSource, headers_of
from tenure.fencing.refusal import STALE_STATUS, stale_detail

try:
    from requests import PreparedRequest, Response
    from requests.adapters import HTTPAdapter
except ModuleNotFoundError as error:
    if error.name != "requests":
        raise
    raise ModuleNotFoundError(
        "tenure.fencing.requests needs requests: pip install 'tenure[requests]'", name=error.name
    ) from None

__all__ = ["FencingAdapter"]


class FencingAdapter(HTTPAdapter):
    """To be mounted at a fenced service: ``session.mount("https://state.example/", FencingAdapter(term))``.

    A request raises `NotLeaderError` or `LeadershipLostError` instead of being sent outside of a term, and
    `StaleTokenError` when the answer says that a later term has begun.

    Args:
        source: the term, or a function that returns the present one (None: not leading).
        options: of ``requests.adapters.HTTPAdapter``.
    """

    def __init__(self, source: TermSource, **options: Any) -> None:
        super().__init__(**options)
        self._source = source

    def send(self, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        """Send one request, with the headers of the term."""
        request.headers.update(headers_of(self._source))
        response = super().send(request, *args, **options)
        if response.status_code == STALE_STATUS:
            content_type = response.headers.get("content-type", "")
            if detail := stale_detail(response.status_code, content_type, response.content):
                raise StaleTokenError(f"{urlsplit(request.url or '').hostname}: {detail}")
        return response
