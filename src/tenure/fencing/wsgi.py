"""FencingMiddleware for WSGI: requests of stale leaders do not reach the application."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from tempfile import SpooledTemporaryFile
from typing import Any, Protocol, runtime_checkable

from tenure.fencing.headers import ELECTION_HEADER, TOKEN_HEADER, token_of
from tenure.fencing.refusal import RefusedError, refusing
from tenure.token import FencingToken

__all__ = ["BlockingFence", "BlockingHoldingFence", "FencingMiddleware"]

_Environ = dict[str, Any]
_Application = Callable[[_Environ, Callable[..., Any]], Iterable[bytes]]

_LARGEST_IN_MEMORY, _CHUNK = 1 << 20, 1 << 16  # bytes


class BlockingFence(Protocol):
    """`tenure.fencing.fence.Fence` for threads."""

    def raise_to(self, token: FencingToken) -> None:
        """Raise the fence to `token`, or refuse it."""
        ...


@runtime_checkable
class BlockingHoldingFence(Protocol):
    """`tenure.fencing.asgi.HoldingFence` for threads."""

    def holding(self, token: FencingToken) -> AbstractContextManager[None]:
        """Raise the fence to `token`, or refuse it, and hold it while the block lasts."""
        ...


class FencingMiddleware:
    """Lets a request pass if its token is not stale; the application finds it in ``environ["tenure.token"]``.

    See `tenure.fencing.asgi.FencingMiddleware`; a fence that can be held is, until the server has closed the
    answer (PEP 3333).

    Args:
        app: the application.
        fences: of each election that writes here, by its ``NAMESPACE/NAME``.
    """

    def __init__(self, app: _Application, fences: Mapping[str, BlockingFence | BlockingHoldingFence]) -> None:
        self._app = app
        self._fences = dict(fences)

    def __call__(self, environ: _Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        brought = environ.get(_variable(TOKEN_HEADER)), environ.get(_variable(ELECTION_HEADER))
        with ExitStack() as held:
            try:
                token = token_of(environ["REQUEST_METHOD"], *brought, self._fences)
                if token is None:
                    return self._app(environ, start_response)
                # A leader that is frozen in the middle of a request must not hold the fence.
                body = held.enter_context(_receive_all(environ))
                with refusing():
                    self._hold(held, token)
            except RefusedError as refusal:
                start_response(f"{refusal.status} {refusal.title}", refusal.headers)
                return [refusal.body]
            received = {"wsgi.input": body, "wsgi.input_terminated": True, "tenure.token": token}
            return _Answer(self._app({**environ, **received}, start_response), held.pop_all())

    def _hold(self, held: ExitStack, token: FencingToken) -> None:
        fence = self._fences[token.election]
        if isinstance(fence, BlockingHoldingFence):
            held.enter_context(fence.holding(token))
        else:
            fence.raise_to(token)


def _receive_all(environ: _Environ) -> SpooledTemporaryFile[bytes]:
    """Receive the body of a request.

    Raises:
        RefusedError: it is shorter than announced.
    """
    source, body = environ["wsgi.input"], SpooledTemporaryFile[bytes](max_size=_LARGEST_IN_MEMORY)
    is_terminated = environ.get("wsgi.input_terminated", False)
    left = sys.maxsize if is_terminated else int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0 and (chunk := source.read(min(left, _CHUNK))):
        body.write(chunk)
        left -= len(chunk)
    if left and not is_terminated:
        body.close()
        raise RefusedError(400, "Bad Request", f"the body ends {left} bytes early")
    body.seek(0)
    return body


class _Answer:
    """The application's answer, and what is held until it has been sent."""

    def __init__(self, answer: Iterable[bytes], held: ExitStack) -> None:
        self._answer = answer
        self._held = held

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        with self._held:
            if close := getattr(self._answer, "close", None):
                close()


def _variable(header: str) -> str:
    return f"HTTP_{header.upper().replace('-', '_')}"
