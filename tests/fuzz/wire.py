"""Wire: a session of a lock whose API server answers with whatever bytes it is given, without a network."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.operation import Operation
from tenure.kubernetes.status import make_error
from tenure.kubernetes.transport import Outgoing
from tenure.locks.codec import Codec
from tenure.locks.kube_session import KubeSession, Place
from tenure.locks.stamping import utc_now
from tests.fuzz.seeds import NAME, NAMESPACE

__all__ = ["Wire", "run", "session_on"]

_Result = TypeVar("_Result")


class Wire:
    """Stands in for `tenure.kubernetes.transport.Transport`, and answers every request alike.

    Attributes:
        sent: the bodies of the requests.
    """

    def __init__(self, code: int, headers: Mapping[str, str], chunks: list[bytes]) -> None:
        self._code, self._headers, self._chunks = code, headers, chunks
        self.sent: list[bytes] = []

    async def call(self, operation: Operation, outgoing: Outgoing, timeout: float) -> bytes:
        """Return the body, or raise what the status line means."""
        self.sent.append(outgoing.body)
        body = b"".join(self._chunks)
        if not 200 <= self._code < 300:
            raise make_error(operation, self._code, self._headers, body)
        return body

    @asynccontextmanager
    async def stream(
        self, operation: Operation, outgoing: Outgoing, timeout: float
    ) -> AsyncIterator[AsyncGenerator[bytes, None]]:
        """Yield the chunks, once: a watch that is taken up again finds nothing new."""
        if self._code != 200:
            raise make_error(operation, self._code, self._headers, b"".join(self._chunks))
        yield self._pieces()

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        chunks, self._chunks = self._chunks, []
        for chunk in chunks:
            yield chunk


def session_on(wire: Wire, codec: Codec) -> KubeSession:
    """Return a session that asks this wire."""
    client = Client(ClusterConfig(server="http://127.0.0.1"))
    client._transport = wire  # type: ignore[assignment]
    place = Place(codec.resource, NAMESPACE, NAME)
    return KubeSession(client, place, codec, labels={"mine": "1"}, wall=utc_now)


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run what never really waits; an event loop would be most of its cost."""
    try:
        work.send(None)
    except StopIteration as end:
        result: _Result = end.value
        return result
    raise AssertionError("waits for something that is not there")
