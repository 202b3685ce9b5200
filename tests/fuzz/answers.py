"""Answers: what the client makes of status lines, headers, bodies and watches that no API server sends."""

from __future__ import annotations

import math
import random
from contextlib import aclosing
from typing import Any

from tenure.errors import ConflictError, LockUnavailableError, PermissionDeniedError
from tenure.locks.codec import Codec
from tenure.locks.kube_session import KubeSession
from tenure.record import Record, UnreadableRecord, Versioned
from tests.fuzz.lines import check_line
from tests.fuzz.seeds import CODECS, NAME, RECORD, objects_of
from tests.fuzz.target import Target
from tests.fuzz.values import encode_json, mutate_bytes, mutate_json, odd_text, odd_value
from tests.fuzz.wire import Wire, run, session_on

__all__ = ["make_target"]

_CODES = (200, 201, 204, 302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503, 504, 599)
_REASONS = ("NotFound", "Conflict", "Expired", "Forbidden", "AlreadyExists")
_TYPES = ("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR")
_PAGE = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\n<body>\xff</body></html>"
# What the protocol of a lock allows each of its calls to raise.
_OF_READS = (LockUnavailableError, PermissionDeniedError)
_OF_WRITES = (*_OF_READS, ConflictError)


def make_target() -> Target:
    """Return the target: only the errors that the protocol of a lock names, each in one line."""
    return _Answers()


class _Answers:
    def __init__(self) -> None:
        self._seeds = {codec: objects_of(codec) for codec in CODECS}

    def check(self, decisions: random.Random) -> None:
        codec = decisions.choice(CODECS)
        if decisions.random() < 0.4:
            chunks = _cut(decisions, _watch_lines(decisions, codec, self._seeds[codec]))
            code = 200 if decisions.random() < 0.9 else decisions.choice(_CODES)
            self._watch(session_on(Wire(code, _headers(decisions), chunks), codec), codec)
        else:
            body = mutate_bytes(decisions, _body(decisions, codec, self._seeds[codec]))
            wire = Wire(decisions.choice(_CODES), _headers(decisions), [body])
            self._call(decisions, session_on(wire, codec), codec)

    def close(self) -> None:
        """Nothing was opened."""

    def _call(self, decisions: random.Random, session: KubeSession, codec: Codec) -> None:
        base = Versioned(RECORD, 41, "u", self._seeds[codec][1])
        verb = decisions.randrange(3)
        try:
            if verb == 0:
                seen = run(session.read(timeout=1))
            elif verb == 1:
                seen = run(session.create(RECORD, timeout=1))
            else:
                seen = run(session.replace(base, RECORD, timeout=1))
        except _OF_WRITES as error:
            _check_error(error, _OF_WRITES if verb else _OF_READS)
        else:
            _check_seen(seen)

    def _watch(self, session: KubeSession, codec: Codec) -> None:
        async def collect() -> None:
            since = Versioned(RECORD, 41, "u", self._seeds[codec][1])
            async with aclosing(session.watch(since)) as changes:
                async for seen in changes:
                    _check_seen(seen)

        try:
            run(collect())
        except _OF_READS as error:
            _check_error(error, _OF_READS)


def _check_error(error: Exception, allowed: tuple[type[Exception], ...]) -> None:
    assert isinstance(error, allowed), error
    check_line(str(error))
    if isinstance(error, LockUnavailableError) and error.retry_after_s is not None:
        assert 0 <= error.retry_after_s < math.inf


def _check_seen(seen: Versioned) -> None:
    assert isinstance(seen.record, Record | UnreadableRecord | None)
    assert isinstance(seen.uid, str)
    assert seen.version >= 0
    if isinstance(seen.record, UnreadableRecord):
        check_line(seen.record.reason)


def _headers(decisions: random.Random) -> dict[str, str]:
    names = ("retry-after", "location", "content-type")
    return {name: odd_text(decisions) for name in names if decisions.random() < 0.3}


def _body(decisions: random.Random, codec: Codec, seeds: list[dict[str, Any]]) -> bytes:
    choice = decisions.randrange(8)
    if choice == 0:
        return _PAGE
    if choice == 1:
        return encode_json(odd_value(decisions)).encode()
    obj = decisions.choice(seeds) if choice < 4 else _status(decisions, codec)
    return encode_json(mutate_json(decisions, obj)).encode()


def _status(decisions: random.Random, codec: Codec) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": odd_text(decisions),
        "reason": decisions.choice(_REASONS),
        "code": decisions.choice(_CODES),
        "details": {"name": NAME, "kind": codec.resource.plural, "retryAfterSeconds": 1},
    }


def _watch_lines(decisions: random.Random, codec: Codec, seeds: list[dict[str, Any]]) -> bytes:
    lines = []
    for _ in range(decisions.randrange(4)):
        kind = decisions.choice(_TYPES)
        obj = _status(decisions, codec) if kind == "ERROR" else decisions.choice(seeds)
        event = {"type": kind, "object": mutate_json(decisions, obj)}
        if decisions.random() < 0.1:
            event = mutate_json(decisions, event)
        lines.append(encode_json(event).encode())
    text = b"\n".join(lines) + b"\n"
    return mutate_bytes(decisions, text) if decisions.random() < 0.5 else text


def _cut(decisions: random.Random, text: bytes) -> list[bytes]:
    """Return the text in chunks, as the network may cut it."""
    cuts = sorted(decisions.randrange(len(text) + 1) for _ in range(decisions.randrange(4)))
    return [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
