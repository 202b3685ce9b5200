"""Devserver: what the embedded API server answers to requests that no client sends."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any
from urllib.parse import quote

from tenure.devserver.app import App
from tenure.devserver.kinds import KINDS, Kind
from tests.devserver.test_protobuf import PROTOBUF, envelope, message
from tests.fuzz.asgi import Reply, Sent, send
from tests.fuzz.target import Target
from tests.fuzz.values import encode_json, mutate_bytes, mutate_json, odd_text, odd_value

__all__ = ["make_target"]

_MOST_OBJECTS = 40
_METHODS = ("GET", "GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "CONNECT", "X")
_PATCHES = tuple(
    f"application/{form}+json" for form in ("json-patch", "merge-patch", "strategic-merge-patch")
)
_TYPES = ("application/json", PROTOBUF, *_PATCHES, "", "text/html", "application/json; charset=latin-1")
_ACCEPTS = ("application/json;as=Table;g=meta.k8s.io;v=v1", "*/*", "application/json", "")
_PARAMETERS = (
    *("watch", "resourceVersion", "timeoutSeconds", "labelSelector", "fieldSelector", "allowWatchBookmarks"),
    *("sendInitialEvents", "resourceVersionMatch", "fieldValidation", "dryRun", "limit", "continue"),
)
_VALUES = (
    *("true", "1", "0", "false", "5", "41", "9" * 25, "9" * 5000, "-1", "", "NotOlderThan", "Strict", "All"),
    *(
        "metadata.name=a",
        "metadata.name!=a,status.phase=Active",
        "app in (a, b),!c",
        "a==b",
        "(",
        ",,,",
        "a in (",
    ),
)
_OBJECT: dict[str, Any] = {
    "metadata": {"name": "a", "labels": {"app": "x"}, "annotations": {"k": "v"}, "finalizers": ["f"]},
    "spec": {
        "holderIdentity": "w",
        "leaseDurationSeconds": 15,
        "renewTime": "2026-11-21T07:31:00.123456Z",
        "leaseTransitions": 3,
    },
    "data": {"leader": "w"},
    "binaryData": {"blob": "AP8="},
    "subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}],
    "status": {"phase": "Active"},
    "secrets": [{"name": "s"}],
}
_OPERATIONS = (
    {"op": "add", "path": "/metadata/labels/b", "value": "c"},
    {"op": "replace", "path": "/spec/holderIdentity", "value": ""},
    {"op": "test", "path": "/metadata/name", "value": "a"},
    {"op": "remove", "path": "/data"},
    {"op": "copy", "from": "", "path": "/spec/copy"},
    {"op": "copy", "from": "/metadata", "path": "/subsets/-"},
    {"op": "move", "from": "/subsets/0", "path": "/subsets/-"},
    {"op": "remove", "path": ""},
)
_STRATEGIC = {
    "$patch": "replace",
    "$deleteFromPrimitiveList/finalizers": ["f"],
    "secrets": [{"$patch": "delete"}],
}
# Deliberate, as the real server's storage answers them: codes of 500 that are no fault of this server.
_DELIBERATE = ("resourceVersion should not be set", "strconv.ParseUint", "resourceVersion: Invalid value")


def make_target() -> Target:
    """Return the target: a Status for every error, no answer of 500, and a state that can be read on."""
    return _Devserver()


class _Devserver:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._renew()

    def check(self, decisions: random.Random) -> None:
        self._loop.run_until_complete(self._converse(decisions))

    def close(self) -> None:
        self._loop.close()

    def _renew(self) -> None:
        self._app, self._version = App(history=50, bookmark_s=60.0, token=None), 0

    async def _converse(self, decisions: random.Random) -> None:
        kind = decisions.choice(KINDS)
        known: dict[str, Any] = {}
        if decisions.random() < 0.7:  # something to work on
            made = await self._ask(_request(decisions, kind, known, plain=True))
            metadata = json.loads(made.body)["metadata"] if made.code in (200, 201) else {}
            known = {name: metadata[name] for name in ("uid", "resourceVersion") if name in metadata}
        for _ in range(1 + decisions.randrange(2)):
            await self._ask(_request(decisions, kind, known if decisions.random() < 0.5 else {}))
        assert len(asyncio.all_tasks()) == 1, "a task is left"
        assert not self._app._store._waiters, "a watch is left"
        if decisions.random() < 0.25:
            await self._look(kind)
        if len(self._app._store._objects) > _MOST_OBJECTS:
            self._renew()

    async def _look(self, kind: Kind) -> None:
        """The objects can still be listed, in both forms."""
        for accept in _ACCEPTS[:2]:
            path = "/" + "/".join(part for part in (_root(kind), kind.plural) if part)
            listed = await self._ask(Sent(method="GET", target=path, headers=(("accept", accept),)))
            assert listed.code == 200, listed
        version = int(json.loads(listed.body)["metadata"]["resourceVersion"])
        assert version >= self._version
        self._version = version

    async def _ask(self, request: Sent) -> Reply:
        reply = await send(self._app, request)
        if request.target.partition("?")[2].find("watch") >= 0 and reply.code == 200:
            _check_events(reply)
        elif reply.code:
            _check_reply(request, reply)
        return reply


def _root(kind: Kind) -> str:
    return f"apis/{kind.api_version}" if kind.group else f"api/{kind.api_version}"


def _check_reply(request: Sent, reply: Reply) -> None:
    media_type = reply.headers[b"content-type"]
    if media_type.startswith(b"text/plain"):
        assert reply.body in (b"ok", b"404 page not found\n"), reply
        return
    assert media_type == b"application/json"
    body = json.loads(reply.body, parse_constant=_refuse)
    if reply.code < 400:
        return
    assert (body["kind"], body["status"], body["code"]) == ("Status", "Failure", reply.code), (request, reply)
    if reply.code >= 500 and reply.code != 504:
        assert any(text in body["message"] for text in _DELIBERATE), (request, reply)


def _check_events(reply: Reply) -> None:
    for line in reply.body.splitlines():
        event = json.loads(line, parse_constant=_refuse)
        if isinstance(event, dict) and "type" in event:
            assert event["object"]["kind"]


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is not JSON")


def _request(decisions: random.Random, kind: Kind, known: dict[str, Any], *, plain: bool = False) -> Sent:
    method = "PUT" if plain else decisions.choice(_METHODS)
    named = method in ("PUT", "PATCH") or decisions.random() < 0.4
    target = _target(decisions, kind, named, plain=plain)
    media_type, body = _body(decisions, kind, method, known, plain=plain)
    headers = [("content-type", media_type), ("accept", decisions.choice(_ACCEPTS))]
    if decisions.random() < 0.1 and not plain:
        headers.append(("host", odd_text(decisions).encode("ascii", "replace").decode().replace("?", "[")))
    chunks: list[bytes | None] = [body]
    if decisions.random() < 0.1:
        chunks = [body[: len(body) // 2], decisions.choice((body[len(body) // 2 :], None))]
    return Sent(method=method, target=target, headers=tuple(headers), chunks=chunks)


def _target(decisions: random.Random, kind: Kind, named: bool, *, plain: bool) -> str:
    parts = [_root(kind)]
    if kind.namespaced:
        parts += ["namespaces", decisions.choice(("default", "default", "b", ""))]
    parts += [kind.plural, *(["a"] if named else [])]
    if plain:
        return "/" + "/".join(parts if kind.namespaced and parts[2] else [*parts[:1], *parts[-2:]])
    if decisions.random() < 0.2:
        parts[decisions.randrange(len(parts))] = quote(odd_text(decisions).encode("utf-8", "replace"))
    if decisions.random() < 0.1:
        parts.insert(decisions.randrange(len(parts)), decisions.choice(("", "status", "watch", "..")))
    query = []
    for _ in range(decisions.choice((0, 0, 1, 2, 5))):
        value = decisions.choice(_VALUES) if decisions.random() < 0.8 else odd_text(decisions)
        query.append(f"{decisions.choice(_PARAMETERS)}={quote(value.encode('utf-8', 'replace'))}")
    return "/" + "/".join(parts) + (f"?{'&'.join(query)}" if query else "")


def _body(
    decisions: random.Random, kind: Kind, method: str, known: dict[str, Any], *, plain: bool
) -> tuple[str, bytes]:
    fields = {key: value for key, value in _OBJECT.items() if key in ("metadata", *kind.fields)}
    obj = {"apiVersion": kind.api_version, "kind": kind.kind, **fields}
    obj["metadata"] = {**_OBJECT["metadata"], **known}
    if plain:
        return "application/json", encode_json(obj).encode()
    if method == "PATCH":
        return _patch(decisions)
    if method == "DELETE":
        options = {"kind": "DeleteOptions", "preconditions": known or {"uid": "u", "resourceVersion": "1"}}
        return "application/json", encode_json(mutate_json(decisions, options)).encode()
    if decisions.random() < 0.2:
        return PROTOBUF, mutate_bytes(decisions, _protobuf(decisions, kind))
    body = encode_json(mutate_json(decisions, obj)).encode()
    return (
        decisions.choice(_TYPES) if decisions.random() < 0.1 else "application/json",
        mutate_bytes(decisions, body) if decisions.random() < 0.2 else body,
    )


def _patch(decisions: random.Random) -> tuple[str, bytes]:
    media_type = decisions.choice(_PATCHES)
    if media_type == _PATCHES[0]:
        patch: Any = [decisions.choice(_OPERATIONS) for _ in range(decisions.choice((1, 2, 5, 40)))]
    else:
        patch = {**_OBJECT, **(_STRATEGIC if decisions.random() < 0.3 else {})}
        patch[decisions.choice(tuple(patch))] = odd_value(decisions)
    return media_type, encode_json(mutate_json(decisions, patch)).encode()


def _protobuf(decisions: random.Random, kind: Kind) -> bytes:
    moment = message(
        f1=decisions.choice((0, 1795246260, 2**40, 2**63, 2**64 - 1)), f2=decisions.choice((0, 5, 2**63))
    )
    metadata = message(f1="a", f8=moment, f11=[message(f1="k", f2="v")], f12=[message(f1="n")])
    spec = message(f1="w", f2=15, f3=moment, f4=moment, f5=3)
    return envelope(kind.api_version, kind.kind, message(f1=metadata, f2=spec, f6=moment))
