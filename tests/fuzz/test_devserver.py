"""Requests that no client sends, to the embedded API server."""

from __future__ import annotations

from tests.fuzz.devserver import make_target
from tests.fuzz.examples import fuzz


def test_any_request_is_answered_as_an_api_server_answers() -> None:
    fuzz(make_target)
