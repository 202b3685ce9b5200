"""The HTTP side: URLs, query parameters, bodies and answers in front of the registry."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from tenure.devserver import protobuf
from tenure.devserver.admission import refuse_unknown_fields
from tenure.devserver.discovery import discovery_document
from tenure.devserver.json_text import check_nesting, parse_json
from tenure.devserver.kinds import Kind, find_kind, is_served
from tenure.devserver.patch import PATCHES, json_patch
from tenure.devserver.registry import Registry
from tenure.devserver.selectors import parse_selector
from tenure.devserver.status import (
    StatusError,
    bad_request,
    internal,
    invalid,
    unknown_resource,
    version_too_large,
)
from tenure.devserver.store import Object, Store
from tenure.devserver.table import asks_for_table, table
from tenure.devserver.watch import Watch
from tenure.serving import Receive, Scope, Send

__all__ = ["App", "LoggedRequest"]

_HEALTH = ("/healthz", "/livez", "/readyz")
_WATCH_TIMEOUT_S = 1800.0
_LARGEST_BODY = 3 * 1024 * 1024
_MOST_DIGITS = 18


class LoggedRequest(NamedTuple):
    """One request that arrived: its method, its path without and with the query."""

    method: str
    path: str
    target: str


class Target(NamedTuple):
    """What a resource URL names; `namespace` is None across all of them, `name` empty for a collection."""

    kind: Kind
    namespace: str | None
    name: str

    @property
    def place(self) -> str:
        """The namespace as objects have it: empty for kinds without one."""
        return self.namespace or ""


class App:
    """The ASGI application.

    Args:
        history: how many changes a watch can go back.
        bookmark_s: seconds between the bookmarks of a watch that asks for them.
        token: the bearer token to demand, except for health and version; None demands none.
    """

    def __init__(self, *, history: int, bookmark_s: float, token: str | None) -> None:
        self.requests: deque[LoggedRequest] = deque(maxlen=10_000)
        self._store = Store(history=history)
        self._registry = Registry(self._store)
        self._bookmark_s = bookmark_s
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        # Not request.url, which is put together from the Host header: that may hold anything.
        path, query = scope["path"], scope["query_string"].decode("latin-1")
        self.requests.append(LoggedRequest(request.method, path, f"{path}?{query}" if query else path))
        try:
            response = await self._answer(request)
        except StatusError as error:
            response = JSONResponse(error.status, error.code)
        except ClientDisconnect:
            return  # in the middle of its own body: there is nobody to answer
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["path"]
        if request.method == "CONNECT":  # an answer of 200 would open a tunnel
            raise _not_allowed()
        if path in _HEALTH or path.startswith(tuple(f"{health}/" for health in _HEALTH)):
            return PlainTextResponse("ok")
        if path != "/version":
            self._authenticate(request)
        if (document := discovery_document(path)) is not None:
            return JSONResponse(document)
        api_version, rest = _parse_path(path)
        if not is_served(api_version):
            return PlainTextResponse("404 page not found\n", 404)
        target = _find_target(api_version, rest)
        if request.query_params.get("dryRun"):
            raise bad_request("dryRun is not supported by this development server: leave it out")
        return await self._dispatch(request, target)

    def _authenticate(self, request: Request) -> None:
        if self._token is not None and request.headers.get("authorization") != f"Bearer {self._token}":
            raise StatusError(401, "Unauthorized", "Unauthorized")

    async def _dispatch(self, request: Request, target: Target) -> Response:
        kind, name = target.kind, target.name
        match request.method, bool(name):
            case "GET", _:
                return self._read(request, target)
            case "POST", False if target.namespace is not None or not kind.namespaced:
                return JSONResponse(
                    self._registry.create(kind, target.place, await _object(request, kind)), 201
                )
            case "PUT", True:
                obj, created = self._registry.replace(kind, target.place, name, await _object(request, kind))
                return JSONResponse(obj, 201 if created else 200)
            case "PATCH", True:
                return JSONResponse(self._registry.patch(kind, target.place, name, await _patch(request)))
            case "DELETE", True:
                preconditions = await _preconditions(request, kind)
                return JSONResponse(self._registry.delete(kind, target.place, name, preconditions))
            case "DELETE", False if target.namespace is not None or not kind.namespaced:
                doomed = self._registry.delete_collection(kind, target.place, _selector(request, target))
                return JSONResponse(self._list(kind, doomed))
        raise _not_allowed()

    def _read(self, request: Request, target: Target) -> Response:
        query = request.query_params
        watches = _flag(query.get("watch")) and not target.name  # one object's own URL is never watched
        version = _version(query.get("resourceVersion") or "0", lists=not watches and not target.name)
        if watches:
            watch = self._watch(request, target, version)
            return StreamingResponse(watch.lines(self._store), media_type="application/json")
        if version > self._store.revision:
            raise version_too_large(version, self._store.revision)
        as_table = asks_for_table(request.headers.get("accept", ""))
        if target.name:
            obj = self._registry.get(target.kind, target.place, target.name)
            return JSONResponse(table(target.kind, [obj], _version_of(obj)) if as_table else obj)
        selector = _selector(request, target)
        items = [obj for obj in self._store.items(target.kind, target.namespace) if selector(obj)]
        if as_table:
            return JSONResponse(table(target.kind, items, str(self._store.revision)))
        return JSONResponse(self._list(target.kind, items))

    def _list(self, kind: Kind, items: list[Object]) -> Object:
        # As the real server's lists: the items do not repeat their kind.
        bare = [{k: v for k, v in obj.items() if k not in ("kind", "apiVersion")} for obj in items]
        return {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.api_version,
            "metadata": {"resourceVersion": str(self._store.revision)},
            "items": bare,
        }

    def _watch(self, request: Request, target: Target, version: int) -> Watch:
        query = request.query_params
        initial, bookmarks = query.get("sendInitialEvents"), _flag(query.get("allowWatchBookmarks"))
        if initial is not None and query.get("resourceVersionMatch") != "NotOlderThan":
            raise _initial_without_match()
        begins_with_state = version == 0 if initial is None else _flag(initial)
        return Watch(
            kind=target.kind,
            namespace=target.namespace,
            selector=_selector(request, target),
            since=None if begins_with_state else version or self._store.revision,
            timeout_s=_seconds(query.get("timeoutSeconds") or "0") or _WATCH_TIMEOUT_S,
            bookmark_s=self._bookmark_s if bookmarks else None,
            as_table=asks_for_table(request.headers.get("accept", "")),
        )


def _parse_path(path: str) -> tuple[str, list[str]]:
    """The API version and what follows it; an empty one where the path names none."""
    match path.strip("/").split("/"):
        case ["api", version, *rest]:
            return version, rest
        case ["apis", group, version, *rest]:
            return f"{group}/{version}", rest
    return "", []


def _find_target(api_version: str, rest: list[str]) -> Target:
    namespace: str | None = None
    if rest[:1] == ["namespaces"] and len(rest) > 2:
        namespace, *rest = rest[1:]
    kind = find_kind(api_version, rest[0])
    if kind is None or len(rest) > 2:
        raise unknown_resource()
    name = "".join(rest[1:])
    needs_namespace = kind.namespaced and bool(name)
    if (namespace is None and needs_namespace) or (namespace is not None and not kind.namespaced):
        raise unknown_resource()
    return Target(kind, namespace, name)


def _version_of(obj: Object) -> str:
    version: str = obj["metadata"]["resourceVersion"]
    return version


def _selector(request: Request, target: Target) -> Callable[[Object], bool]:
    query = request.query_params
    return parse_selector(target.kind, query.get("labelSelector", ""), query.get("fieldSelector", ""))


def _flag(text: str | None) -> bool:
    """A boolean as the server reads it: whatever is there and does not deny it."""
    return text is not None and text.lower() not in ("0", "false")


def _seconds(text: str) -> int:
    fault = _number_fault(text)
    if fault:
        raise bad_request(f'strconv.ParseInt: parsing "{text:.40}": {fault}')
    return int(text)


def _version(text: str, *, lists: bool) -> int:
    fault = _number_fault(text)
    if not fault:
        return int(text)
    why = f'resourceVersion: Invalid value: "{text:.40}": strconv.ParseUint: parsing "{text:.40}": {fault}'
    raise bad_request(f"invalid resource version: {why}") if lists else internal(why)


def _not_allowed() -> StatusError:
    message = "the server does not allow this method on the requested resource"
    return StatusError(405, "MethodNotAllowed", message, {})


def _number_fault(text: str) -> str:
    """What is wrong with a whole number of 64 bits; empty if nothing is."""
    if not (text.isascii() and text.isdigit()):
        return "invalid syntax"
    return "value out of range" if len(text) > _MOST_DIGITS else ""


def _initial_without_match() -> StatusError:
    rule = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
    return invalid("meta.k8s.io", "ListOptions", "", [("FieldValueForbidden", "resourceVersionMatch", rule)])


async def _bytes(request: Request) -> bytes:
    """The body, as long as the real server takes it."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            message = f"Request entity too large: limit is {_LARGEST_BODY}"
            raise StatusError(413, "RequestEntityTooLarge", message, {})
    return bytes(body)


def _decoded(request: Request, kind: Kind, body: bytes) -> Any:
    """What a body says, JSON or protobuf."""
    unreadable = (
        f"the object provided is unrecognized (must be of type {kind.kind}): couldn't get version/kind"
    )
    match _media_type(request) or "application/json":
        case "application/json":
            try:
                return parse_json(body)
            except ValueError as error:
                raise bad_request(f"{unreadable}; json parse error: {error}") from None
        case protobuf.MEDIA_TYPE:
            try:
                return protobuf.decode_protobuf(body)
            except ValueError as error:
                raise bad_request(f"{unreadable}; protobuf parse error: {error}") from None
    types = f"application/json, {protobuf.MEDIA_TYPE}"
    message = f"the body of the request was in an unknown format - accepted media types include: {types}"
    raise StatusError(415, "UnsupportedMediaType", message)


async def _preconditions(request: Request, kind: Kind) -> dict[str, Any]:
    """What a deletion demands of the object; nothing where it has no body."""
    body = await _bytes(request)
    options = _decoded(request, kind, body) if body else {}
    wanted = options.get("preconditions") or {} if isinstance(options, dict) else None
    if not isinstance(wanted, dict):
        raise bad_request("the body of a deletion must be of type DeleteOptions")
    return wanted


async def _object(request: Request, kind: Kind) -> Any:
    """The body of a write, without unknown fields if the request asks for that."""
    body = _decoded(request, kind, await _bytes(request))
    if request.query_params.get("fieldValidation") == "Strict":
        refuse_unknown_fields(kind, body)
    return body


async def _patch(request: Request) -> Callable[[Object], Any]:
    apply = PATCHES.get(_media_type(request))
    if apply is None:
        raise StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})
    try:
        patch = parse_json(await _bytes(request))
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from None
    if apply is not json_patch and not isinstance(patch, dict):
        raise bad_request("error decoding patch: a merge patch is a JSON object")
    return lambda existing: _patched(apply, existing, patch)


def _patched(apply: Callable[[Any, Any], Any], existing: Object, patch: Any) -> Any:
    try:
        result = apply(existing, patch)
        check_nesting(result)
    except (
        AttributeError,
        TypeError,
        ValueError,
    ) as error:  # a list where the object has a map, and the like
        raise bad_request(f"error applying patch: {error}") from None
    return result


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()
