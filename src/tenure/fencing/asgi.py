"""FencingMiddleware for ASGI: requests of stale leaders do not reach the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from tempfile import SpooledTemporaryFile
from typing import Any, Protocol, runtime_checkable

from tenure.fencing.fence import Fence
from tenure.fencing.headers import ELECTION_HEADER, TOKEN_HEADER, token_of
from tenure.fencing.refusal import RefusedError, refusing
from tenure.token import FencingToken

__all__ = ["FencingMiddleware", "HoldingFence"]

_Scope = MutableMapping[str, Any]
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_Application = Callable[[_Scope, _Receive, _Send], Awaitable[None]]

_LARGEST_IN_MEMORY, _CHUNK = 1 << 20, 1 << 16  # bytes


@runtime_checkable
class HoldingFence(Protocol):
    """A fence that can be held at a token: nobody raises it while a request is handled."""

    def holding(self, token: FencingToken) -> AbstractAsyncContextManager[None]:
        """Raise the fence to `token`, or refuse it, and hold it while the block lasts."""
        ...


class FencingMiddleware:
    """Lets a request pass if its token is not stale; the application finds that in ``scope["tenure.token"]``.

    Put it around what only leaders write to. A request that brings a token is checked and raises the fence,
    whatever its method; one that brings none may only read. Web sockets are refused: they outlive terms.

    Args:
        app: the application.
        fences: of each election that writes here, by its ``NAMESPACE/NAME``. One that can be held
            (`HoldingFence`, such as `tenure.fencing.sqlite.SqliteFence`) is, from when the request has
            arrived as a whole until the application has returned. Any other is raised before, which a request
            that is handled slowly may outlive: then the application must check the token again, in the
            transaction in which it writes.
    """

    def __init__(self, app: _Application, fences: Mapping[str, Fence | HoldingFence]) -> None:
        self._app = app
        self._fences = dict(fences)

    async def __call__(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] != "http":
            await self._app(scope, receive, send)
        else:
            try:
                await self._pass(scope, receive, send)
            except RefusedError as refusal:
                await _refuse(send, refusal)

    async def _pass(self, scope: _Scope, receive: _Receive, send: _Send) -> None:
        brought = _header(scope, TOKEN_HEADER), _header(scope, ELECTION_HEADER)
        token = token_of(scope["method"], *brought, self._fences)
        if token is None:
            await self._app(scope, receive, send)
            return
        # A leader that is frozen in the middle of a request must not hold the fence.
        with SpooledTemporaryFile(max_size=_LARGEST_IN_MEMORY) as body:
            if not await _receive_all(receive, body):
                return
            async with AsyncExitStack() as stack:
                with refusing():
                    await stack.enter_async_context(_held(self._fences[token.election], token))
                await self._app({**scope, "tenure.token": token}, _replay(body, receive), send)


async def _receive_all(receive: _Receive, body: SpooledTemporaryFile[bytes]) -> bool:
    """Receive the body of a request; return whether its client is still there."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return False
        body.write(message.get("body", b""))
        more = message.get("more_body", False)
    body.seek(0)
    return True


def _replay(body: SpooledTemporaryFile[bytes], receive: _Receive) -> _Receive:
    """Return a `receive` that gives the body again, and then what comes after it."""
    more = True

    async def replay() -> _Message:
        nonlocal more
        if not more:
            return await receive()
        chunk = body.read(_CHUNK)
        more = len(chunk) == _CHUNK
        return {"type": "http.request", "body": chunk, "more_body": more}

    return replay


@asynccontextmanager
async def _held(fence: Fence | HoldingFence, token: FencingToken) -> AsyncIterator[None]:
    if isinstance(fence, HoldingFence):
        async with fence.holding(token):
            yield
    else:
        await fence.raise_to(token)
        yield


def _header(scope: _Scope, name: str) -> str | None:
    """Return a header; one that was sent twice is joined, as WSGI does it, and is no token then."""
    wanted = name.lower().encode()
    found = [value.decode("latin-1") for key, value in scope["headers"] if key == wanted]
    return ",".join(found) if found else None


async def _refuse(send: _Send, refusal: RefusedError) -> None:
    headers = [(name.encode(), value.encode()) for name, value in refusal.headers]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body})
