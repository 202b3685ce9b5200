"""What fuzzing has found in the client's reading of answers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import pytest

from tenure.errors import LockUnavailableError
from tenure.kubernetes.operation import Operation
from tenure.kubernetes.resource import LEASES
from tenure.kubernetes.status import make_error
from tenure.locks.kube_session import KubeSession
from tenure.locks.lease import LeaseCodec
from tenure.record import Versioned
from tests.fuzz.lines import check_line
from tests.fuzz.seeds import CODECS, NAME, NAMESPACE, RECORD, objects_of
from tests.fuzz.wire import Wire, run, session_on

SEEN = Versioned(RECORD, 41, "u", objects_of(LeaseCodec())[1])
GET = Operation("get", LEASES, NAMESPACE, NAME, "http://127.0.0.1")


def status(code: int, **fields: Any) -> bytes:
    details = {"name": NAME, "kind": "leases"}
    return json.dumps({"kind": "Status", "code": code, "details": details, **fields}).encode()


def session(code: int, body: bytes) -> KubeSession:
    return session_on(Wire(code, {}, [body]), LeaseCodec())


async def watch(watched: KubeSession) -> None:
    async with aclosing(watched.watch(SEEN)) as changes:
        async for _ in changes:
            pass


@pytest.mark.parametrize("code", [409, 410])
def test_a_read_is_neither_a_conflict_nor_gone(code: int) -> None:
    with pytest.raises(LockUnavailableError, match=f"get leases .* {code}"):
        run(session(code, status(code)).read(timeout=1))


def test_a_write_is_not_gone() -> None:
    with pytest.raises(LockUnavailableError, match="create leases"):
        run(session(410, status(410)).create(RECORD, timeout=1))
    with pytest.raises(LockUnavailableError, match="update leases"):
        run(session(410, status(410)).replace(SEEN, RECORD, timeout=1))


@pytest.mark.parametrize(("code", "reason"), [(404, "NotFound"), (409, "Conflict")])
def test_a_watch_is_neither_missing_nor_a_conflict(code: int, reason: str) -> None:
    with pytest.raises(LockUnavailableError, match="watch leases"):
        run(watch(session(code, status(code, reason=reason))))
    event = {"type": "ERROR", "object": json.loads(status(code, reason=reason))}
    with pytest.raises(LockUnavailableError, match="watch leases"):
        run(watch(session(200, json.dumps(event).encode() + b"\n")))


@pytest.mark.parametrize("uid", [5, ["u"], {"u": 1}, True])
def test_a_uid_that_is_no_text_is_no_answer(uid: Any) -> None:
    obj = objects_of(CODECS[0])[1]
    obj["metadata"]["uid"] = uid
    with pytest.raises(LockUnavailableError, match="has the uid"):
        run(session(200, json.dumps(obj).encode()).read(timeout=1))


@pytest.mark.parametrize("name", ["a\x1b[31mb", "\ud800", "a\x00\x7f", "\u202eb"])
def test_a_message_is_one_line_that_does_nothing_to_a_terminal(name: str) -> None:
    message = json.dumps({"kind": "Status", "message": f"no {name}"}).encode()
    check_line(str(make_error(GET, 500, {}, message)))
    check_line(str(make_error(GET, 302, {"location": f"http://{name}/"}, b"")))
    with pytest.raises(LockUnavailableError, match="not an event of a watch") as caught:
        run(watch(session(200, f"no {name}\n".encode("utf-8", "replace"))))
    check_line(str(caught.value))


def test_a_long_redirection_is_cut_off() -> None:
    check_line(str(make_error(GET, 302, {"location": "http://" + "x" * 9000}, b"")))


@pytest.mark.parametrize(
    ("headers", "seconds"), [({"retry-after": "9" * 5000}, 1), ({}, 10**400)], ids=["header", "status"]
)
def test_whoever_asks_to_wait_for_ever_is_asked_again_in_a_day(
    headers: Mapping[str, str], seconds: int
) -> None:
    body = json.dumps({"kind": "Status", "details": {"retryAfterSeconds": seconds}}).encode()
    error = make_error(GET, 429, headers, body)
    assert isinstance(error, LockUnavailableError)
    assert error.retry_after_s == 86400
